#include "lib/kafka/sandbox.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/number.h"

#define TOPIC_NAME_MAX 249 /* Kafka's own limit */

/* Those whose handlers ask for an injected error; of the others it would never be seen. */
static const struct {
	const char *name;
	int16_t key;
} apis[] = {
	{"Produce", 0},
	{"Fetch", 1},
	{"ListOffsets", 2},
	{"OffsetCommit", 8},
	{"OffsetFetch", 9},
	{"FindCoordinator", 10},
	{"JoinGroup", 11},
	{"Heartbeat", 12},
	{"LeaveGroup", 13},
	{"SyncGroup", 14},
	{"ApiVersions", 18},
	{"InitProducerId", 22},
	{"AddPartitionsToTxn", 24},
	{"AddOffsetsToTxn", 25},
	{"EndTxn", 26},
	{"TxnOffsetCommit", 28},
};

const char sandbox_error_apis[] =
	"Produce, Fetch, ListOffsets, OffsetCommit, OffsetFetch, FindCoordinator, JoinGroup, "
	"Heartbeat, LeaveGroup, SyncGroup, ApiVersions, InitProducerId, AddPartitionsToTxn, "
	"AddOffsetsToTxn, EndTxn, TxnOffsetCommit";

static bool is_topic_name(const char *s, size_t len)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return len > 0 && len <= TOPIC_NAME_MAX && strspn(s, allowed) >= len &&
	       !(s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')));
}

/* One of [text, text + len), which holds no comma. */
static int add_topic(struct sandbox_options *o, const char *text, size_t len, struct error *err)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon ? (size_t)(colon - text) : len;
	int64_t partitions = SANDBOX_PARTITIONS;

	if (!is_topic_name(text, name_len))
		return error_set(err, ERROR_USAGE,
				 "takes NAME[:PARTITIONS],..., and a topic's name has 1 to %d "
				 "letters, digits, '.', '_' and '-', not '%.*s'",
				 TOPIC_NAME_MAX, (int)name_len, text);
	if (colon && (number_read_int(colon + 1, text + len, &partitions) || partitions < 1 ||
		      partitions > SANDBOX_PARTITIONS_MAX))
		return error_set(err, ERROR_USAGE, "topic '%.*s' takes 1 to %d partitions",
				 (int)name_len, text, SANDBOX_PARTITIONS_MAX);
	for (size_t i = 0; i < o->n_topics; i++)
		if (strlen(o->topics[i].name) == name_len &&
		    !memcmp(o->topics[i].name, text, name_len))
			return error_set(err, ERROR_USAGE, "topic '%s' is named twice",
					 o->topics[i].name);
	if (MEM_GROW(&o->topics, &o->cap_topics, o->n_topics + 1, err))
		return -1;
	struct sandbox_topic t = {mem_strndup(text, name_len, err), (int)partitions};

	if (!t.name)
		return -1;
	o->topics[o->n_topics++] = t;
	return 0;
}

int sandbox_add_topics(struct sandbox_options *o, const char *text, struct error *err)
{
	for (;;) {
		size_t len = strcspn(text, ",");

		if (add_topic(o, text, len, err))
			return -1;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static int read_api(const char *text, size_t len, int16_t *key, struct error *err)
{
	int64_t number = -1;

	if (number_read_int(text, text + len, &number))
		number = -1;
	for (size_t i = 0; i < sizeof(apis) / sizeof(*apis); i++)
		if (apis[i].key == number ||
		    (strlen(apis[i].name) == len && !memcmp(apis[i].name, text, len))) {
			*key = apis[i].key;
			return 0;
		}
	return error_set(err, ERROR_USAGE, "'%.*s' is none of the requests that can fail: %s",
			 (int)len, text, sandbox_error_apis);
}

/* librdkafka's own codes, below -1, are none that a broker sends; one stands for a closed
 * connection. */
static bool can_answer(rd_kafka_resp_err_t code)
{
	return code > 0 || code == RD_KAFKA_RESP_ERR_UNKNOWN ||
	       code == RD_KAFKA_RESP_ERR__TRANSPORT;
}

static int read_code(const char *text, size_t len, int *code, struct error *err)
{
	const struct rd_kafka_err_desc *known;
	size_t n;
	int64_t number = 0;

	if (number_read_int(text, text + len, &number))
		number = 0;
	rd_kafka_get_err_descs(&known, &n);
	for (size_t i = 0; i < n; i++) {
		if (!known[i].name || !can_answer(known[i].code))
			continue;
		if (known[i].code == number ||
		    (strlen(known[i].name) == len && !memcmp(known[i].name, text, len))) {
			*code = known[i].code;
			return 0;
		}
	}
	return error_set(err, ERROR_USAGE,
			 "'%.*s' is neither an error of Kafka's, such as "
			 "NOT_LEADER_FOR_PARTITION or 6, nor _TRANSPORT",
			 (int)len, text);
}

int sandbox_add_error(struct sandbox_options *o, const char *text, struct error *err)
{
	const char *end = text + strlen(text), *code = strchr(text, ':'),
		   *count = code ? strchr(code + 1, ':') : NULL;
	struct sandbox_error e;
	int64_t times = 1;

	if (!code)
		return error_set(err, ERROR_USAGE, "takes API:ERROR[:COUNT], not '%s'", text);
	if (read_api(text, (size_t)(code - text), &e.api, err) ||
	    read_code(code + 1, (size_t)((count ? count : end) - code - 1), &e.code, err))
		return -1;
	if (count &&
	    (number_read_int(count + 1, end, &times) || times < 1 || times > SANDBOX_ERRORS_MAX))
		return error_set(err, ERROR_USAGE, "takes a count of 1 to %d, not '%s'",
				 SANDBOX_ERRORS_MAX, count + 1);
	e.count = (size_t)times;
	if (MEM_GROW(&o->errors, &o->cap_errors, o->n_errors + 1, err))
		return -1;
	o->errors[o->n_errors++] = e;
	return 0;
}

void sandbox_options_release(struct sandbox_options *o)
{
	for (size_t i = 0; i < o->n_topics; i++)
		free(o->topics[i].name);
	free(o->topics);
	free(o->errors);
	*o = (struct sandbox_options)SANDBOX_OPTIONS_INIT;
}
