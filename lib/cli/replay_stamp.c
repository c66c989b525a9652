#include <string.h>
#include "lib/cli/replay_impl.h"

#define PROVENANCE "_kafka"

/* Whether a path of the input is what `column` names, or lies in it. */
static bool lies_in(const char *path, const char *column, bool itself)
{
	size_t n = strlen(column);

	return !strncmp(path, column, n) && (path[n] == '.' || (itself && !path[n]));
}

/* The time field cannot be replaced within a value that is written whole. */
int replay_check_columns(const struct replay *l, struct error *err)
{
	const struct filter_columns *c = &l->columns;

	for (size_t i = 0; l->options->restamp && !c->passed && i < c->n; i++)
		if (lies_in(l->options->time.field, c->names[i], false))
			return error_set(err, ERROR_USAGE,
					 "'--restamp' cannot replace '%s' inside of '%s'; let "
					 "--fields name what lies in it",
					 l->options->time.field, c->names[i]);
	return 0;
}

/* The field of --stamp, which must not be that of --restamp. */
static int own_stamp(struct replay *l, struct error *err)
{
	const struct replay_options *o = l->options;
	struct buf path = BUF_INIT;
	int ret = -1;

	if (!*o->stamp || !strcmp(o->stamp, PROVENANCE))
		return error_set(err, ERROR_USAGE, "option '--stamp': '%s' cannot name a time",
				 o->stamp);
	if (!path_append(&path, o->stamp, strlen(o->stamp), err) && !buf_terminate(&path, err))
		ret = o->restamp && lies_in(o->time.field, path.data, true)
			      ? error_set(err, ERROR_USAGE,
					  "'--stamp %s' would replace what '--restamp' sets",
					  o->stamp)
			      : 0;
	buf_release(&path);
	l->added[0] = o->stamp;
	l->filter.n_added = 1;
	return ret;
}

int replay_own(struct replay *l, struct fields *fields, struct error *err)
{
	const struct replay_options *o = l->options;

	if (o->stamp && own_stamp(l, err))
		return -1;
	if (o->restamp && lies_in(o->time.field, PROVENANCE, true))
		return error_set(err, ERROR_USAGE,
				 "'--restamp' cannot replace '%s': " PROVENANCE " is not written",
				 o->time.field);
	l->columns.own = fields;
	return fields_own(fields, PROVENANCE, err);
}

int replay_add_record(struct replay *l, const struct record *rec, struct error *err)
{
	const struct replay_options *o = l->options;
	const struct writer *w = l->plan->writer;
	const struct value *time = &rec->values[l->time_slot];
	struct buf *out = &l->out.buf;
	size_t at = out->len, n = 0;
	int64_t now = o->stamp || o->restamp ? timestamp_now() : 0;
	char event[EVENT_TIME_MAX], stamp[TIMESTAMP_MAX];

	if (o->restamp)
		n = event_time_format(&l->time, time, now, event);
	if (o->restamp && !l->columns.passed) {
		/* The scanner's own, good until the next record. */
		struct value *v = (struct value *)(uintptr_t)time;
		v->text = event;
		v->len = n;
	}
	if (writer_begin(w, rec, out, err) ||
	    (o->restamp && l->columns.passed &&
	     event_time_replace(rec, time, event, n, out, at, err)))
		return -1;
	if (o->stamp) {
		if (buf_reserve(out, 6 * strlen(o->stamp) + 2 * WRITER_VALUE_MAX, err))
			return -1;
		timestamp_format(stamp, now);
		writer_word(w, out, 0, stamp);
	}
	return writer_end(w, rec, out, err);
}
