#include "lib/kafka/membership.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

static const char magic[] = "CGMDv2:";

void membership_release(struct membership *m)
{
	free(m->member);
	free(m->instance);
	*m = (struct membership){.generation = -1};
}

/* The string at *p, behind which *p then points; NULL when it does not end before end. */
static const char *take_string(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, 0, (size_t)(end - s));

	if (nul)
		*p = nul + 1;
	return nul ? s : NULL;
}

int membership_decode(struct membership *m, const void *bytes, size_t len, struct error *err)
{
	const char *p = bytes, *end = p + len, *member, *instance = NULL;
	const size_t head = sizeof(magic) - 1 + sizeof(m->generation);
	int32_t generation;

	if (len < head || memcmp(p, magic, sizeof(magic) - 1))
		goto unknown;
	memcpy(&generation, p + sizeof(magic) - 1, sizeof(generation));
	p += head;
	if (!take_string(&p, end) || !(member = take_string(&p, end)) || p == end)
		goto unknown;
	if (!*p++ && !(instance = take_string(&p, end)))
		goto unknown;
	if (p != end)
		goto unknown;
	char *copies[2] = {mem_strndup(member, strlen(member), err), NULL};
	if (!copies[0] ||
	    (instance && !(copies[1] = mem_strndup(instance, strlen(instance), err)))) {
		free(copies[0]);
		return -1;
	}
	membership_release(m);
	*m = (struct membership){generation, copies[0], copies[1]};
	return 0;
unknown:
	return error_set(err, ERROR_INTERNAL,
			 "this librdkafka (%s) writes a group's metadata in a form unknown here",
			 rd_kafka_version_str());
}

int membership_read(struct membership *m, rd_kafka_t *rk, struct error *err)
{
	rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(rk);
	rd_kafka_error_t *failed;
	void *bytes = NULL;
	size_t len;
	int ret;

	if (!metadata) { /* the consumer is closed */
		membership_release(m);
		return (m->member = mem_strndup("", 0, err)) ? 0 : -1;
	}
	if ((failed = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &len))) {
		ret = error_set(err, ERROR_INTERNAL, "cannot read the group's metadata: %s",
				rd_kafka_error_string(failed));
		rd_kafka_error_destroy(failed);
	} else {
		ret = membership_decode(m, bytes, len, err);
		rd_kafka_mem_free(rk, bytes);
	}
#if RD_KAFKA_VERSION >= 0x020800ff
	if (!ret)
		m->generation = rd_kafka_consumer_group_metadata_generation_id(metadata);
#endif
	rd_kafka_consumer_group_metadata_destroy(metadata);
	return ret;
}

bool membership_valid(const struct membership *m)
{
	return m->generation >= 0 && m->member && *m->member;
}
