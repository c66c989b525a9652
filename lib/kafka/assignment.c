#include "lib/kafka/assignment.h"

#include <stdlib.h>
#include <time.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/client.h"

#define ATTEMPT_MS 2000
#define PAUSE_MS 50
#define LEADER_BEHIND_MS 5000

/* What ListOffsets of Kafka's protocol takes for times. */
#define TIME_LATEST (-1)
#define TIME_EARLIEST (-2)

static int refuse(const struct position *x, const struct extent *e, int64_t offset, bool stored,
		  struct error *err)
{
	char why[200] = "it has no such offset yet";

	if (offset < e->low)
		snprintf(why, sizeof(why), "offsets from %lld to %lld are gone by retention",
			 (long long)offset, (long long)e->low - 1);
	else if (stored)
		snprintf(why, sizeof(why),
			 "the topic was made anew, or the cluster lost data, or "
			 "it is within a transaction that has not ended");
	return error_set(
		err, ERROR_NO_INPUT,
		"topic '%s', partition %d: cannot read on at offset %lld of %lld to %lld: %s; %s",
		x->topic, (int)x->partition, (long long)offset, (long long)e->low,
		(long long)e->high, why,
		stored ? "to go on with what there is, store another offset for the group "
			 "(kafka-consumer-groups --reset-offsets), or take a new group"
		       : "choose another by '--from-offset'");
}

static int64_t offset_of(const struct start_offset *from, const struct extent *e)
{
	switch (from->kind) {
	case START_END:
		return e->high;
	case START_OFFSET:
		return from->n;
	case START_LAST:
		return e->high - e->low < from->n ? e->low : e->high - from->n;
	case START_TIME:
		return e->timed;
	default:
		return e->low;
	}
}

int assignment_start(struct position *x, const struct extent *e, const struct start_offset *from,
		     struct error *err)
{
	bool stored = x->stored != OFFSET_NONE;
	int64_t processed = x->stored, next, replay_from = -1;

	if (!stored && !x->added && from->kind == START_STORED)
		return error_set(err, ERROR_NO_INPUT,
				 "topic '%s', partition %d: no offset is stored for it, and "
				 "'--from-offset stored' asks for one",
				 x->topic, (int)x->partition);
	if (!stored)
		processed = x->added ? e->low : offset_of(from, e);
	else if (control_state_replay_from(x->state, &replay_from, err))
		return -1;
	next = replay_from >= 0 && replay_from < processed ? replay_from : processed;
	if (next < e->low || processed > e->high)
		return refuse(x, e, next < e->low ? next : processed, stored, err);
	position_start(x, next, processed, e->high);
	return 0;
}

static int64_t monotonic_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

/* The offsets of all partitions at a time, into a member of their extents. */
static rd_kafka_resp_err_t ask_once(rd_kafka_t *rk, const struct positions *p, int64_t at,
				    int64_t *offsets, int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)p->n);
	rd_kafka_resp_err_t code;

	for (size_t i = 0; i < p->n; i++)
		rd_kafka_topic_partition_list_add(list, p->items[i].topic, p->items[i].partition)
			->offset = at;
	code = rd_kafka_offsets_for_times(rk, list, timeout_ms);
	for (int i = 0; !code && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *t = &list->elems[i];
		code = t->err;
		offsets[positions_find(p, t->topic, t->partition) - p->items] = t->offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

bool assignment_may_pass(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
	       code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       kafka_error_kind(code, false) != ERROR_CONFIG;
}

static int ask(const struct assignment *a, const struct positions *p, int64_t at, int64_t *offsets,
	       int64_t end_ms, struct error *err)
{
	rd_kafka_resp_err_t code;
	int64_t left = end_ms - monotonic_ms();

	for (;;) {
		code = ask_once(a->rk, p, at, offsets,
				left > ATTEMPT_MS ? ATTEMPT_MS
				: left > 0        ? (int)left
						  : 0);
		left = end_ms - monotonic_ms();
		if (!code)
			return 0;
		if (a->stop(a->context))
			return error_set(err, ERROR_NONE, "stopped");
		if (left <= 0 || !assignment_may_pass(code))
			return kafka_error(err, code, NULL, false,
					   "cannot find out what offsets there are");
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
	}
}

/* Low, high and timed of all, one array after the other. */
static int ask_extents(const struct assignment *a, const struct positions *p, int64_t *offsets,
		       int64_t end_ms, struct error *err)
{
	int64_t *low = offsets, *high = low + p->n, *timed = high + p->n;

	/* The end last: what is deleted or written meanwhile is between them. */
	if (ask(a, p, TIME_EARLIEST, low, end_ms, err) ||
	    (a->from->kind == START_TIME && ask(a, p, a->from->n, timed, end_ms, err)) ||
	    ask(a, p, TIME_LATEST, high, end_ms, err))
		return -1;
	for (size_t i = 0; i < p->n; i++)
		if (a->from->kind != START_TIME || timed[i] < 0)
			timed[i] = high[i];
	return 0;
}

static bool ahead_of_leader(const struct positions *p, const int64_t *high)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].stored > high[i])
			return true;
	return false;
}

int assignment_resolve(const struct assignment *a, struct positions *p, struct error *err)
{
	int64_t *offsets = mem_alloc(p->n, 3 * sizeof(*offsets), err), now = monotonic_ms();
	int ret = offsets ? 0 : -1;

	if (!p->n || !offsets)
		goto out;
	do
		ret = ask_extents(a, p, offsets, now + a->timeout_ms, err);
	while (!ret && ahead_of_leader(p, offsets + p->n) && !a->stop(a->context) &&
	       monotonic_ms() - now < LEADER_BEHIND_MS &&
	       !nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL));
	for (size_t i = 0; !ret && i < p->n; i++) {
		const struct extent e = {offsets[i], offsets[p->n + i], offsets[2 * p->n + i]};
		ret = assignment_start(&p->items[i], &e, a->from, err);
	}
out:
	free(offsets);
	return ret;
}
