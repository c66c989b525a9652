/* What window-agg reads of a record: its time, key and values, and the partition it is of. */
#include <math.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/cli/window_impl.h"
#include "lib/window/key.h"

static int read_value(const struct window_loop *l, size_t i, const struct value *v,
		      struct aggregate_value *x, struct error *err)
{
	const char *path = l->aggregates.fields[i].path;

	*x = (struct aggregate_value){.kind = AGGREGATE_REAL};
	switch (v->kind) {
	case VALUE_NUMBER:
		x->x = v->number;
		if (fabs(x->x) <= AGGREGATE_MAX)
			return 0;
		return error_set(err, ERROR_DATA, "'%s' is larger than 1e150", path);
	case VALUE_TRUE:
	case VALUE_FALSE:
		x->kind = AGGREGATE_TRUTH;
		x->x = v->kind == VALUE_TRUE;
		return 0;
	case VALUE_ABSENT:
		if (!l->options->absent_as_missing)
			return error_set(err, ERROR_DATA,
					 "'%s' is absent (--absent-as-missing would take it as "
					 "missing)",
					 path);
		/* fall through */
	case VALUE_NULL:
		x->kind = AGGREGATE_MISSING;
		return 0;
	default:
		return error_set(err, ERROR_DATA, "'%s' is %s, not a number", path,
				 v->kind == VALUE_STRING   ? "a string"
				 : v->kind == VALUE_OBJECT ? "an object"
							   : "an array");
	}
}

static int read_key(struct window_loop *l, const struct record *rec, struct error *err)
{
	l->key.len = 0;
	for (size_t i = 0; i < l->n_keys; i++) {
		const struct value *v = &rec->values[l->key_slots[i]];
		size_t at = l->key.len;
		if (v->kind == VALUE_ABSENT) {
			if (!l->options->absent_as_missing)
				return error_set(err, ERROR_DATA,
						 "key '%s' is absent (--absent-as-missing would "
						 "take it as missing)",
						 l->keys[i]);
			const struct value missing = {.kind = VALUE_NULL};
			if (key_add(&l->key, &missing, err))
				return -1;
		} else if (key_add(&l->key, v, err)) {
			return error_prefix(err, "key '%s'", l->keys[i]);
		}
		if (l->csv && !v->csv && v->kind == VALUE_STRING &&
		    memchr(l->key.data + at + KEY_HEAD, 0, l->key.len - at - KEY_HEAD))
			return error_set(err, ERROR_DATA,
					 "key '%s' has a NUL in it, which CSV cannot hold",
					 l->keys[i]);
	}
	return 0;
}

static int check_topic(const struct buf *topic, struct error *err)
{
	return topic->len && !memchr(topic->data, 0, topic->len)
		       ? 0
		       : error_set(err, ERROR_DATA, "'_kafka' has no topic");
}

/* Which partition a record is of; without provenance they are all of one. */
static int find_source(struct window_loop *l, const struct record *rec, int64_t *offset,
		       struct error *err)
{
	const struct value *topic = &rec->values[l->topic_slot],
			   *partition = &rec->values[l->partition_slot],
			   *at = &rec->values[l->offset_slot];
	bool known = topic->kind == VALUE_STRING && partition->kind == VALUE_NUMBER &&
		     at->kind == VALUE_NUMBER;
	int64_t n = -1;

	*offset = -1;
	if (known && (number_read_int(partition->text, partition->text + partition->len, &n) ||
		      n < 0 || n > INT32_MAX ||
		      number_read_int(at->text, at->text + at->len, offset) || *offset < 0)) {
		*offset = -1;
		return error_set(err, ERROR_DATA, "'_kafka' has no partition or no offset");
	}
	size_t len = known ? topic->len : 0;
	if (l->source && l->source_partition == n && l->source_topic.len == len &&
	    (!len || !memcmp(l->source_topic.data, topic->text, len)))
		return 0;
	l->source_topic.len = l->own.len = 0;
	l->source = NULL;
	if (known && (buf_add(&l->source_topic, topic->text, len, err) ||
		      value_string(topic, &l->own, err) || check_topic(&l->own, err))) {
		*offset = -1; /* of no source */
		return -1;
	}
	l->source_partition = (int32_t)n;
	l->source = windows_source(l->windows, l->own.len ? l->own.data : "", l->own.len,
				   (int32_t)n, err);
	return l->source ? 0 : -1;
}

int window_read_record(struct window_loop *l, const struct record *rec, struct windows_record *r,
		       struct error *err)
{
	if (find_source(l, rec, &r->offset, err) ||
	    event_time_read(&l->time, &rec->values[l->time_slot], &r->time_ns, err) ||
	    read_key(l, rec, err))
		return -1;
	if (l->time.naive)
		time_options_remark(&l->options->time, true, &l->told_naive);
	if (r->time_ns > WINDOWS_MAX_TIME_NS || r->time_ns < -WINDOWS_MAX_TIME_NS)
		return error_set(err, ERROR_DATA, "its time lies outside the years 1717 to 2223");
	for (size_t i = 0; i < l->aggregates.n_fields; i++)
		if (read_value(l, i, &rec->values[l->value_slots[i]], &l->values[i], err))
			return -1;
	r->key = l->key.data ? l->key.data : "";
	r->key_len = l->key.len;
	r->values = l->values;
	r->text = rec->text;
	r->text_len = rec->len;
	r->file = l->block.file;
	r->line = rec->line;
	return 0;
}
