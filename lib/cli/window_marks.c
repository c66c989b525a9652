/* Control records in window-agg: state into marks, out of assigns. */
#include <string.h>
#include "lib/cli/message.h"
#include "lib/cli/window_impl.h"
#include "lib/record/control_state.h"
#include "lib/window/offsets.h"

static int find_source(struct window_loop *l, const struct control_partition *p,
		       struct windows_source **s, struct error *err)
{
	*s = windows_source(l->windows, p->topic, strlen(p->topic), p->partition, err);
	return *s ? 0 : -1;
}

static int assign(struct window_loop *l, struct error *err)
{
	struct control_partition *p = &l->control.partitions[0];
	struct windows_source *s;

	/* The first of an assignment: what was ours before is not. */
	if (!l->assigning) {
		windows_reset(l->windows);
		l->source = NULL;
	}
	l->assigning = true;
	if (find_source(l, p, &s, err) || control_state_take(p, WINDOW_STAGE, &l->own, err))
		return -1;
	if (offsets_assigned(s))
		return error_set(err, ERROR_CONFIG, "partition %d of topic '%s' is assigned twice",
				 (int)p->partition, p->topic);
	if (offsets_assign(l->windows, s, p->to, l->own.data, l->own.len, err))
		return -1;
	if (offsets_from(s) < p->from)
		return error_set(err, ERROR_CONFIG,
				 "partition %d of topic '%s' is replayed from offset %lld, and "
				 "its open windows need what comes from %lld on",
				 (int)p->partition, p->topic, (long long)p->from,
				 (long long)offsets_from(s));
	return control_record_write(&l->control, &l->out, err);
}

/* Puts our state for a partition into the mark. */
static int put_state(struct window_loop *l, struct windows_source *s, struct control_partition *p,
		     struct error *err)
{
	int64_t replay_from;

	l->own.len = 0;
	if (offsets_mark(l->windows, s, p->to, &l->own, &replay_from, err) ||
	    buf_terminate(&l->own, err))
		return -1;
	return control_state_put(p, WINDOW_STAGE, l->own.data, replay_from, err);
}

/* untold: the mark shall tell of all whose state has changed, those that it does not name too. */
static int mark(struct window_loop *l, bool untold, struct buf *out, struct error *err)
{
	struct control_record *c = &l->control;
	struct windows_source *s;
	int64_t told;

	for (size_t i = 0; i < c->n; i++) {
		if (find_source(l, &c->partitions[i], &s, err))
			return -1;
		if (!offsets_assigned(s))
			return error_set(err, ERROR_CONFIG,
					 "a mark tells of partition %d of topic '%s', which was "
					 "not assigned",
					 (int)c->partitions[i].partition, c->partitions[i].topic);
		if (put_state(l, s, &c->partitions[i], err))
			return -1;
	}
	while (untold && (s = offsets_untold(l->windows, &told))) {
		int32_t partition;
		const char *topic = offsets_topic(s, &partition);
		struct control_partition *p =
			control_record_add(c, topic, partition, told, told, NULL, err);
		if (!p || put_state(l, s, p, err))
			return -1;
	}
	return control_record_write(c, out, err);
}

/* It tells of what is so when it is released: in between --idle may have closed windows. */
int window_release_mark(struct window_loop *l, struct error *err)
{
	if (!l->held_mark)
		return 0;
	l->held_mark = false;
	return control_record_read(&l->control, l->mark_line.data, l->mark_line.len, err)
		       ? -1
		       : mark(l, l->control.n, &l->out, err);
}

/* A mark that may be the last: with --flush it has to come behind the rows of all windows. */
static int hold_mark(struct window_loop *l, const struct record *rec, struct error *err)
{
	l->mark_line.len = 0;
	l->mark_due_ns = 0;
	l->held_mark = true;
	return buf_add(&l->mark_line, rec->text, rec->len, err);
}

static int end(struct window_loop *l, const struct record *rec, struct error *err)
{
	/* In the middle of a replay windows are not whole: they stay open, and come again. */
	if (l->options->flush && !offsets_replaying(l->windows) &&
	    (windows_flush(l->windows, err) || window_flush_late(l, true, err)))
		return -1;
	if (l->held_mark) {
		l->held_mark = false;
		if (control_record_read(&l->control, l->mark_line.data, l->mark_line.len, err) ||
		    mark(l, true, &l->out, err))
			return -1;
	}
	return control_record_read(&l->control, rec->text, rec->len, err) ||
			       control_record_write(&l->control, &l->out, err)
		       ? -1
		       : 0;
}

/* What a reset makes void must be all that windows may have been made of. */
static int reset(struct window_loop *l, struct error *err)
{
	const struct control_record *c = &l->control;
	const struct windows_source *left;
	struct windows_source *s;

	for (size_t i = 0; i < c->n; i++) {
		if (find_source(l, &c->partitions[i], &s, err))
			return -1;
		offsets_leave(s);
	}
	if ((left = offsets_any(l->windows))) {
		int32_t partition;
		const char *topic = offsets_topic(left, &partition);
		return error_set(err, ERROR_RETRY,
				 "control record 'reset' leaves out partition %d of topic '%s'",
				 (int)partition, topic);
	}
	windows_reset(l->windows);
	l->source = NULL;
	return control_record_write(c, &l->out, err);
}

int window_control(struct window_loop *l, const struct record *rec, struct error *err)
{
	/* What is in windows would go at the `assign`. */
	if (!l->intake.control.seen && l->intake.n_records + l->n_good)
		return error_set(err, ERROR_CONFIG,
				 "control records behind records: a stream of kafka-consume has to "
				 "be read alone");
	if (control_check_next(&l->intake.control, rec->control, rec->seq, rec->session,
			       rec->session_len, err))
		return -1;
	if (l->csv)
		return error_set(err, ERROR_USAGE,
				 "CSV cannot carry control records: write JSON Lines, or give "
				 "kafka-consume '--no-provenance'");
	if (l->options->state)
		return error_set(err, ERROR_USAGE,
				 "option '--state' is not for a stream with control records: what "
				 "is kept goes with its marks");
	if ((rec->control != CONTROL_END && window_release_mark(l, err)) ||
	    control_record_read(&l->control, rec->text, rec->len, err))
		return -1;
	if (rec->control == CONTROL_ASSIGN)
		return assign(l, err);
	l->assigning = false;
	/* A consumer that has no partitions any more: others have the windows. */
	if (rec->control == CONTROL_MARK && !l->control.n) {
		windows_reset(l->windows);
		l->source = NULL;
	}
	if (rec->control == CONTROL_RESET)
		return reset(l, err);
	if (rec->control == CONTROL_END)
		return end(l, rec, err);
	/* What is late must be durable before a mark passes on. */
	if (window_flush_late(l, true, err))
		return -1;
	/* One that names none comes from a consumer that has none. */
	return l->options->flush ? hold_mark(l, rec, err) : mark(l, l->control.n, &l->out, err);
}
