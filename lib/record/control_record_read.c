#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/record/control_record.h"
#include "lib/record/members.h"

/* A member that is wanted of an object; which of the pointers is set says of what type it is. */
struct want {
	const char *name;
	int64_t *number; /* an integer from 0 to max */
	int64_t max;
	char **text;         /* a string, not empty */
	char **state;        /* an object, kept as it is spelt */
	struct value *value; /* of this kind */
	enum value_kind kind;
	bool may_be_null, may_be_absent;
	bool seen;
};

static int not_of_type(const struct want *w, const char *what, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "'%s' is %s%s", w->name, what,
			 w->may_be_null ? ", nor null" : "");
}

static int take_text(const struct want *w, const struct value *v, struct error *err)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	if (v->kind != VALUE_STRING)
		return not_of_type(w, "no string", err);
	if (value_string(v, &text, err))
		err->kind = err->kind == ERROR_DATA ? ERROR_CONFIG : err->kind;
	else if (!text.len || memchr(text.data, 0, text.len))
		error_set(err, ERROR_CONFIG, "'%s' is empty or has a NUL in it", w->name);
	else
		ret = (*w->text = mem_strndup(text.data, text.len, err)) ? 0 : -1;
	buf_release(&text);
	return ret;
}

static int take_state(const struct want *w, const struct value *v, struct error *err)
{
	int64_t ignored;

	if (v->kind != VALUE_OBJECT)
		return not_of_type(w, "no object", err);
	*w->state = mem_strndup(v->text, v->len, err);
	return *w->state ? control_state_replay_from(*w->state, &ignored, err) : -1;
}

static int take(const struct want *w, const struct value *v, struct error *err)
{
	if (v->kind == VALUE_NULL && w->may_be_null)
		return 0;
	if (w->text)
		return take_text(w, v, err);
	if (w->state)
		return take_state(w, v, err);
	if (w->number) {
		if (v->kind != VALUE_NUMBER ||
		    number_read_int(v->text, v->text + v->len, w->number) || *w->number < 0 ||
		    *w->number > w->max)
			return not_of_type(w, "no whole number from 0, or too large a one", err);
		return 0;
	}
	if (w->value && v->kind == w->kind) {
		*w->value = *v;
		return 0;
	}
	return not_of_type(w,
			   w->kind == VALUE_ARRAY    ? "no array"
			   : w->kind == VALUE_OBJECT ? "no object"
						     : "no string",
			   err);
}

static int read_members(const struct value *object, struct want *wants, size_t n, struct error *err)
{
	struct members m = members_of(object);
	struct value name, v;

	while (members_next(&m, &name, &v)) {
		size_t i = 0;
		while (i < n && !member_is(&name, wants[i].name))
			i++;
		if (i == n)
			continue;
		if (wants[i].seen)
			return error_set(err, ERROR_CONFIG, "'%s' stands there twice",
					 wants[i].name);
		wants[i].seen = true;
		if (take(&wants[i], &v, err))
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (!wants[i].seen && !wants[i].may_be_absent)
			return error_set(err, ERROR_CONFIG, "'%s' is absent", wants[i].name);
	return 0;
}

#define READ_MEMBERS(object, wants, err) \
	read_members(object, wants, sizeof(wants) / sizeof(*(wants)), err)

int control_state_replay_from(const char *state, int64_t *offset, struct error *err)
{
	struct want wants[] = {
		{.name = "replay_from", .number = offset, .max = INT64_MAX, .may_be_absent = true}};
	struct buf copy = BUF_INIT;
	struct value v;
	int ret = 0;

	*offset = -1;
	if (state)
		ret = members_scan(state, strlen(state), CONTROL_STATE_DEPTH, &copy, &v, err) ||
				      READ_MEMBERS(&v, wants, err)
			      ? error_prefix(err, "state")
			      : 0;
	buf_release(&copy);
	return ret;
}

/* A partition of which `object` says all: its offsets by these names (NULL: none). */
static int read_partition(struct control_record *c, const struct value *object, const char *from,
			  const char *to, struct error *err)
{
	struct control_partition *p = control_record_add(c, "", 0, 0, 0, NULL, err);
	int64_t partition = 0;
	bool assign = c->kind == CONTROL_ASSIGN;

	if (!p)
		return -1;
	free(p->topic);
	p->topic = NULL;
	struct want wants[] = {
		{.name = "topic", .text = &p->topic},
		{.name = "partition", .number = &partition, .max = INT32_MAX},
		{.name = from, .number = &p->from, .max = INT64_MAX},
		{.name = to, .number = &p->to, .max = INT64_MAX},
		{.name = "state",
		 .state = &p->state,
		 .may_be_null = true,
		 .may_be_absent = !assign},
		{.name = "epoch", .number = &p->epoch, .max = INT64_MAX, .may_be_null = true},
	};
	if (read_members(object, wants, !from ? 2 : assign ? 6 : 5, err))
		return -1;
	if (p->from > p->to)
		return error_set(err, ERROR_CONFIG, "'%s' is more than '%s'", from, to);
	p->partition = (int32_t)partition;
	return 0;
}

static int by_topic_and_number(const void *a, const void *b)
{
	const struct control_partition *const *x = a, *const *y = b;
	int order = strcmp((*x)->topic, (*y)->topic);

	return order ? order
		     : ((*x)->partition > (*y)->partition) - ((*x)->partition < (*y)->partition);
}

static int check_once(const struct control_record *c, struct error *err)
{
	const struct control_partition **sorted = mem_alloc(c->n, sizeof(*sorted), err);
	int ret = sorted ? 0 : -1;

	for (size_t i = 0; sorted && i < c->n; i++)
		sorted[i] = &c->partitions[i];
	if (sorted)
		qsort(sorted, c->n, sizeof(*sorted), by_topic_and_number);
	for (size_t i = 1; !ret && i < c->n; i++)
		if (!by_topic_and_number(&sorted[i - 1], &sorted[i]))
			ret = error_set(err, ERROR_CONFIG,
					"partition %d of topic '%s' stands there twice",
					(int)sorted[i]->partition, sorted[i]->topic);
	free(sorted);
	return ret;
}

static int read_partitions(struct control_record *c, const struct value *array, const char *name,
			   const char *from, const char *to, struct error *err)
{
	struct members m = members_of(array);
	struct value ignored, v;

	while (members_next(&m, &ignored, &v)) {
		if (v.kind != VALUE_OBJECT)
			error_set(err, ERROR_CONFIG, "it is no object");
		else if (!read_partition(c, &v, from, to, err))
			continue;
		return error_prefix(err, "element %zu of '%s'", c->n + (v.kind != VALUE_OBJECT),
				    name);
	}
	return check_once(c, err);
}

static int read_mark(struct control_record *c, const struct value *object, struct error *err)
{
	struct value ranges;
	struct want wants[] = {
		{.name = "group", .text = &c->group},
		{.name = "generation", .number = &c->generation, .max = INT32_MAX},
		{.name = "member", .text = &c->member},
		{.name = "instance", .text = &c->instance, .may_be_null = true},
		{.name = "ranges", .value = &ranges, .kind = VALUE_ARRAY},
	};

	if (READ_MEMBERS(object, wants, err))
		return -1;
	return read_partitions(c, &ranges, "ranges", "from", "to", err);
}

static int read_reset(struct control_record *c, const struct value *object, struct error *err)
{
	struct value partitions;
	struct want wants[] = {{.name = "partitions", .value = &partitions, .kind = VALUE_ARRAY}};

	if (READ_MEMBERS(object, wants, err))
		return -1;
	return read_partitions(c, &partitions, "partitions", NULL, NULL, err);
}

static int read_kind(struct control_record *c, const struct value *object, struct error *err)
{
	switch (c->kind) {
	case CONTROL_ASSIGN:
		return read_partition(c, object, "replay_from", "processed", err);
	case CONTROL_MARK:
		return read_mark(c, object, err);
	case CONTROL_RESET:
		return read_reset(c, object, err);
	default:
		return 0;
	}
}

/* What all have, and then what the kind has. */
static int read_all(struct control_record *c, const struct value *line, struct error *err)
{
	struct value kafka = {.kind = VALUE_ABSENT}, kind = kafka;
	int64_t seq = 0;
	struct want top[] = {{.name = "_kafka", .value = &kafka, .kind = VALUE_OBJECT}};
	struct want common[] = {
		{.name = "control", .value = &kind, .kind = VALUE_STRING},
		{.name = "seq", .number = &seq, .max = INT64_MAX},
		{.name = "session", .text = &c->session},
	};

	if (READ_MEMBERS(line, top, err) || READ_MEMBERS(&kafka, common, err))
		return error_prefix(err, "control record");
	c->seq = (uint64_t)seq;
	for (size_t i = CONTROL_ASSIGN; i <= CONTROL_END; i++)
		if (member_is(&kind, control_kind_names[i]))
			c->kind = (enum control_kind)i;
	if (c->kind == CONTROL_NONE)
		return error_set(err, ERROR_CONFIG,
				 "control record: its kind is none of assign, mark, reset, end");
	if (read_kind(c, &kafka, err))
		return error_prefix(err, "control record '%s'", control_kind_names[c->kind]);
	return 0;
}

int control_record_read(struct control_record *c, const char *line, size_t len, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct value v;
	int ret;

	control_record_release(c);
	if (members_scan(line, len, 0, &copy, &v, err))
		ret = error_prefix(err, "control record");
	else
		ret = read_all(c, &v, err);
	if (ret)
		control_record_release(c);
	buf_release(&copy);
	return ret;
}
