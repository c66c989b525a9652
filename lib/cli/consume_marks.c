#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/consume_impl.h"
#include "lib/cli/message.h"
#include "lib/cli/signals.h"

#define FLUSH_SLICE_MS 50
#define ASK_MS 1000
#define PAUSE_MIN_NS (5 * NS_PER_MS)
#define PAUSE_MAX_NS (100 * NS_PER_MS)
#define IDLE_NS (100 * NS_PER_MS)
/* For how long nothing need be committed when standard output is closed. */
#define PATIENCE_NS (30 * NS_PER_SECOND)
#define PATIENCE_TERMINATED_NS (3 * NS_PER_SECOND)

/* Begins a control record, its strings to be released. */
static int begin(struct consume *c, enum control_kind kind, struct control_record *r,
		 struct error *err)
{
	*r = (struct control_record){.kind = kind, .seq = c->seq};
	r->session = mem_strndup(c->session, strlen(c->session), err);
	return r->session ? 0 : -1;
}

/* Writes it, unless making it failed, and releases it. */
static int finish(struct consume *c, struct control_record *r, int ret, struct error *err)
{
	if (!ret)
		ret = control_record_write(r, background_output_buffer(c->out), err);
	if (!ret)
		c->seq++;
	control_record_release(r);
	return ret;
}

static int write_assign(struct consume *c, const struct position *x, struct error *err)
{
	struct control_record r;
	struct control_partition *to;
	int ret = begin(c, CONTROL_ASSIGN, &r, err);

	if (!ret) {
		to = control_record_add(&r, x->topic, x->partition, x->next, x->processed, x->state,
					err);
		if (to)
			to->epoch = x->epoch;
		ret = to ? 0 : -1;
	}
	return finish(c, &r, ret, err);
}

static int write_reset(struct consume *c, struct error *err)
{
	const struct positions *p = consumer_positions(c->consumer);
	struct control_record r;
	int ret = begin(c, CONTROL_RESET, &r, err);

	for (size_t i = 0; !ret && i < p->n; i++)
		if (!control_record_add(&r, p->items[i].topic, p->items[i].partition, 0, 0, NULL,
					err))
			ret = -1;
	return finish(c, &r, ret, err);
}

static int write_end(struct consume *c, struct error *err)
{
	struct control_record r;
	int ret = begin(c, CONTROL_END, &r, err);

	return finish(c, &r, ret, err);
}

/* Names the one who may commit what the mark tells. */
static int sign(struct control_record *r, const char *group, const struct membership *m,
		struct error *err)
{
	r->generation = m->generation;
	if (!(r->group = mem_strndup(group, strlen(group), err)) ||
	    !(r->member = mem_strndup(m->member, strlen(m->member), err)))
		return -1;
	return m->instance && !(r->instance = mem_strndup(m->instance, strlen(m->instance), err))
		       ? -1
		       : 0;
}

/* A mark for what has come so far: 1; 0 if we are no member that could commit it. */
static int write_mark(struct consume *c, bool all, struct error *err)
{
	struct positions *p = consumer_positions(c->consumer);
	const struct membership *m;
	struct control_record r;
	bool valid;
	int ret;

	if (consume_settle(c, err) || consumer_update_positions(c->consumer, err) ||
	    consume_sync_rejects(c, err) || consumer_membership(c->consumer, &m, &valid, err))
		return -1;
	if (!valid)
		return 0;
	ret = begin(c, CONTROL_MARK, &r, err);
	if (!ret && !(ret = sign(&r, c->options->group, m, err)))
		ret = positions_tell(p, all, &r, err);
	if (finish(c, &r, ret, err))
		return -1;
	c->n_marks++;
	mark_pace_marked(&c->pace, consume_now_ns());
	return 1;
}

int consume_flush(struct consume *c, int64_t end_ns, bool stoppable, struct error *err)
{
	int pushed, waited;

	do {
		if ((pushed = background_output_push(c->out, err)) < 0 ||
		    (waited = background_output_wait(c->out, FLUSH_SLICE_MS, err)) < 0)
			return -1;
		if (pushed && waited)
			return 1;
		if (background_output_gone(c->out))
			return error_errno(err, ERROR_IO, EPIPE, "cannot write standard output");
	} while (consume_now_ns() < end_ns && !(stoppable && consume_stopped(c)));
	return 0;
}

/* Once: 1, 0 not yet or not known, -1. */
static int ask_committed(struct consume *c, int64_t end_ns, int64_t *sum, struct error *err)
{
	int64_t left_ms = (end_ns - consume_now_ns()) / NS_PER_MS;
	/* A command has its own time; the group is asked again if its answer is lost. */
	int ret = consumer_committed(c->consumer,
				     c->options->offsets_from && left_ms > ASK_MS
					     ? (left_ms < INT32_MAX ? (int)left_ms : INT32_MAX)
					     : ASK_MS,
				     sum, err);

	if (ret >= 0 ||
	    (err->kind != ERROR_RETRY && err->kind != ERROR_UNAVAILABLE && err->kind != ERROR_NONE))
		return ret;
	if (err->kind && !c->options->quiet)
		message_note("%s; it is asked again", err->what);
	*err = (struct error)ERROR_INIT;
	return 0;
}

/* What others commit in our place says nothing of us. */
static bool still_member(struct consume *c, struct error *err)
{
	const struct membership *m;
	bool valid;

	return !consumer_lost(c->consumer) && !consumer_membership(c->consumer, &m, &valid, err) &&
	       valid;
}

/* Writes a heartbeat now and then: a filter that has nothing to write does not find out that
 * its reader has gone, and while we wait for that one's commits a whole group waits for us. */
static int beat(struct consume *c, int64_t now_ns, struct error *err)
{
	if (!mark_pace_due(&c->pace, now_ns, false))
		return 0;
	mark_pace_marked(&c->pace, now_ns);
	return write_mark(c, true, err) < 0 || background_output_push(c->out, err) < 0 ? -1 : 0;
}

/* Waits until the sink has committed what marks have told, while it makes progress: 1, 0 when it
 * has not or when stopped and stoppable, -1. */
static int await_commit(struct consume *c, int64_t end_ns, int64_t patience_ns, bool stoppable,
			struct error *err)
{
	int64_t sum, last_sum = -1, moved_ns = consume_now_ns(), pause_ns = PAUSE_MIN_NS, now;
	int ret;

	if (c->options->offsets_from) /* a process each time */
		pause_ns = PAUSE_MAX_NS;
	for (;;) {
		ret = ask_committed(c, end_ns, &sum, err);
		if (ret < 0 || !still_member(c, err))
			return ret < 0 || err->kind ? -1 : 0;
		if (ret)
			return 1;
		now = consume_now_ns();
		if (sum >= 0 && sum != last_sum) {
			last_sum = sum;
			moved_ns = now;
		}
		if (now >= end_ns || now - moved_ns >= patience_ns ||
		    (stoppable && consume_stopped(c)))
			return 0;
		if (stoppable && beat(c, now, err))
			return -1;
		nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
		pause_ns = pause_ns * 2 < PAUSE_MAX_NS ? pause_ns * 2 : PAUSE_MAX_NS;
	}
}

static int64_t drain_end_ns(const struct consume *c)
{
	return consume_now_ns() + consumer_drain_ms(c->consumer) * NS_PER_MS;
}

int consume_assigned(void *context, struct error *err)
{
	struct consume *c = context;
	struct positions *p = consumer_positions(c->consumer);

	c->paused = false;
	if (c->ending)
		return 0;
	if (c->committing)
		return consume_commit_note(c, err);
	if (!c->marking)
		return 0;
	for (size_t i = 0; i < p->n; i++)
		if (write_assign(c, &p->items[i], err))
			return -1;
	if (write_mark(c, true, err) < 0 || background_output_push(c->out, err) < 0)
		return -1;
	return 0;
}

/* --commit-on-write: the same when it is written. */
static int let_go(struct consume *c, struct error *err)
{
	int ret;

	if (!c->ending && (consume_settle(c, err) || consume_commit_note(c, err)))
		return -1;
	ret = consume_flush(c, drain_end_ns(c), !c->ending, err);
	return ret > 0 && consume_commit_noted(c, err) ? -1 : ret;
}

/* Until all that was read is committed: 1, 0, -1. */
static int drain(struct consume *c, struct error *err)
{
	int64_t end_ns = drain_end_ns(c);
	int ret = 1;

	if (!c->ending)
		ret = write_mark(c, !positions_moved(consumer_positions(c->consumer)), err);
	if (ret > 0)
		ret = consume_flush(c, end_ns, !c->ending, err);
	return ret > 0 ? await_commit(c, end_ns, INT64_MAX, !c->ending, err) : ret;
}

int consume_revoked(void *context, bool lost, struct error *err)
{
	struct consume *c = context;
	int ret = 0;

	if (c->paused)
		consumer_pause(c->consumer, false);
	c->paused = false;
	if (!lost && (ret = c->marking ? drain(c, err) : let_go(c, err)) != 0) {
		c->settled = ret > 0;
		return ret > 0 ? 0 : -1;
	}
	if (!c->ending && consume_stopped(c))
		return error_set(err, ERROR_NONE, "stopped");
	if (c->ending || c->options->on_lost == CONSUME_EXIT)
		return error_set(err, ERROR_RETRY,
				 lost ? "the group has given our partitions to others"
				      : "what was read was not committed in time, and the group "
					"wants our partitions back");
	if (!c->options->quiet)
		message_note("partitions are lost: what was not committed comes again");
	c->commit_waits = false;
	/* What is left of them goes out now, or it would count as of those that come next. */
	if (consume_settle(c, err))
		return -1;
	return c->marking ? write_reset(c, err) : 0;
}

int consume_marks(struct consume *c, int64_t now_ns, struct error *err)
{
	bool moved = positions_moved(consumer_positions(c->consumer));
	int ret;

	if (c->committing)
		return consume_commit_due(c, now_ns, err);
	if (!c->marking || !mark_pace_due(&c->pace, now_ns, moved))
		return 0;
	/* A heartbeat names all, so that whatever a stage has made of time alone is fenced. */
	if ((ret = write_mark(c, !moved, err)) == 0)
		mark_pace_marked(&c->pace, now_ns); /* no member: look again later */
	return ret < 0 ? -1 : 0;
}

int64_t consume_idle_ns(struct consume *c, int64_t now_ns)
{
	if (!c->marking)
		return IDLE_NS;
	return mark_pace_wait_ns(&c->pace, now_ns,
				 positions_moved(consumer_positions(c->consumer)));
}

/* The last mark and `end`: 1 when there is something to be committed, 0, -1. */
static int write_last(struct consume *c, struct error *err)
{
	int ret = 0;

	if (!c->marking)
		return 0;
	if (consumer_assigned(c->consumer) &&
	    !(ret = write_mark(c, !positions_moved(consumer_positions(c->consumer)), err)))
		return error_set(err, ERROR_RETRY, "the group has given our partitions to others");
	return ret < 0 || write_end(c, err) ? -1 : ret;
}

/* Until all is written, however long that takes; the group is served. */
static int flush_last(struct consume *c, struct error *err)
{
	int ret;

	while (!(ret = consume_flush(c, consume_now_ns() + IDLE_NS, false, err))) {
		if (!c->paused)
			consumer_pause(c->consumer, true);
		c->paused = true;
		if (consumer_idle(c->consumer, err))
			return -1;
	}
	return ret < 0 ? -1 : 0;
}

int consume_finish(struct consume *c, struct error *err)
{
	bool terminated = signals_terminated();
	int marked, ret;

	if (consume_settle(c, err) || (marked = write_last(c, err)) < 0 ||
	    (c->committing && consume_commit_note(c, err)))
		return -1;
	c->ending = true;
	c->settled = !consumer_assigned(c->consumer);
	if (flush_last(c, err) || (c->committing && !c->settled && consume_commit_noted(c, err)))
		return -1;
	c->closed = true;
	if (close(STDOUT_FILENO))
		return error_errno(err, ERROR_IO, errno, "cannot write standard output");
	if (!marked || c->settled)
		return 0;
	ret = await_commit(c, drain_end_ns(c), terminated ? PATIENCE_TERMINATED_NS : PATIENCE_NS,
			   false, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	return error_set(err, ERROR_RETRY,
			 "all is written, but not all of it was committed, and now the group "
			 "is left: a program behind this one has failed, or is too slow");
}
