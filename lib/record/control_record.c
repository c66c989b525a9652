#include "lib/record/control_record.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/utf8.h"

const char *const control_kind_names[] = {[CONTROL_ASSIGN] = "assign",
					  [CONTROL_MARK] = "mark",
					  [CONTROL_RESET] = "reset",
					  [CONTROL_END] = "end"};

void control_record_release(struct control_record *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->partitions[i].topic);
		free(c->partitions[i].state);
	}
	free(c->partitions);
	free(c->session);
	free(c->group);
	free(c->member);
	free(c->instance);
	*c = (struct control_record)CONTROL_RECORD_INIT;
}

struct control_partition *control_record_add(struct control_record *c, const char *topic,
					     int32_t partition, int64_t from, int64_t to,
					     const char *state, struct error *err)
{
	struct control_partition p = {
		.partition = partition, .from = from, .to = to, .epoch = CONTROL_NO_EPOCH};

	if (MEM_GROW(&c->partitions, &c->cap, c->n + 1, err) ||
	    !(p.topic = mem_strndup(topic, strlen(topic), err)))
		return NULL;
	if (state && !(p.state = mem_strndup(state, strlen(state), err))) {
		free(p.topic);
		return NULL;
	}
	c->partitions[c->n] = p;
	return &c->partitions[c->n++];
}

static int add_text(struct buf *out, const char *name, const char *text, struct error *err)
{
	size_t len = strlen(text);

	if (utf8_check(text, len) < len)
		return error_set(err, ERROR_CONFIG,
				 "control record: '%s' cannot be '%s', which is not UTF-8", name,
				 text);
	if (buf_printf(out, err, ",\"%s\":", name))
		return -1;
	return json_add_text(out, text, len, err);
}

static int add_number(struct buf *out, const char *name, int64_t n, struct error *err)
{
	return buf_printf(out, err, ",\"%s\":%lld", name, (long long)n);
}

static int add_null(struct buf *out, const char *name, struct error *err)
{
	return buf_printf(out, err, ",\"%s\":null", name);
}

static int add_state(struct buf *out, const char *state, struct error *err)
{
	if (strchr(state, '\n'))
		return error_set(err, ERROR_CONFIG, "control record: a state has a line end in it");
	return buf_add_str(out, ",\"state\":", err) || buf_add_str(out, state, err) ? -1 : 0;
}

static int add_assign(const struct control_partition *p, struct buf *out, struct error *err)
{
	if (add_text(out, "topic", p->topic, err) ||
	    add_number(out, "partition", p->partition, err) ||
	    add_number(out, "replay_from", p->from, err) ||
	    add_number(out, "processed", p->to, err) ||
	    (p->epoch == CONTROL_NO_EPOCH ? add_null(out, "epoch", err)
					  : add_number(out, "epoch", p->epoch, err)))
		return -1;
	return p->state ? add_state(out, p->state, err) : add_null(out, "state", err);
}

static int add_partitions(const struct control_record *c, const char *name, struct buf *out,
			  struct error *err)
{
	if (buf_printf(out, err, ",\"%s\":[", name))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct control_partition *p = &c->partitions[i];
		size_t at = out->len;
		if (add_text(out, "topic", p->topic, err) ||
		    add_number(out, "partition", p->partition, err))
			return -1;
		out->data[at] = '{';
		if (c->kind == CONTROL_MARK &&
		    (add_number(out, "from", p->from, err) || add_number(out, "to", p->to, err) ||
		     (p->state && add_state(out, p->state, err))))
			return -1;
		if (buf_add_str(out, i + 1 < c->n ? "}," : "}", err))
			return -1;
	}
	return buf_add_str(out, "]", err);
}

static int add_mark(const struct control_record *c, struct buf *out, struct error *err)
{
	if (add_text(out, "group", c->group, err) ||
	    add_number(out, "generation", c->generation, err) ||
	    add_text(out, "member", c->member, err) ||
	    (c->instance ? add_text(out, "instance", c->instance, err)
			 : add_null(out, "instance", err)))
		return -1;
	return add_partitions(c, "ranges", out, err);
}

static int add_kind(const struct control_record *c, struct buf *out, struct error *err)
{
	switch (c->kind) {
	case CONTROL_ASSIGN:
		return add_assign(&c->partitions[0], out, err);
	case CONTROL_MARK:
		return add_mark(c, out, err);
	case CONTROL_RESET:
		return add_partitions(c, "partitions", out, err);
	default:
		return 0;
	}
}

int control_record_write(const struct control_record *c, struct buf *out, struct error *err)
{
	size_t undo = out->len;

	if (!buf_printf(out, err, "{\"_kafka\":{\"control\":\"%s\",\"seq\":%llu",
			control_kind_names[c->kind], (unsigned long long)c->seq) &&
	    !add_text(out, "session", c->session, err) && !add_kind(c, out, err) &&
	    !buf_add_str(out, "}}\n", err))
		return 0;
	out->len = undo;
	return -1;
}
