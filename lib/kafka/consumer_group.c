#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/assignment.h"
#include "lib/kafka/consumer_impl.h"

#define COMMIT_MS 2000
#define SLICE_MS 50
#define PAUSE_MS 50

/* Without a time-out of its own a commit waits for brokers as long as they are away. */
static rd_kafka_resp_err_t commit_once(struct consumer *c,
				       const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(c->rk, list, queue, NULL, NULL);
	rd_kafka_event_t *event = NULL;

	for (int left = COMMIT_MS; !code && !event; left -= SLICE_MS) {
		event = rd_kafka_queue_poll(queue, SLICE_MS);
		if (left <= 0 || c->o.stop(c->o.context))
			break;
	}
	if (!code)
		code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	if (event && !code) {
		list = rd_kafka_event_topic_partition_list(event);
		for (int i = 0; list && !code && i < list->cnt; i++)
			code = list->elems[i].err;
	}
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return code;
}

/* Commits where partitions begin, unless the group has members. */
static int commit_begins(struct consumer *c, const struct positions *p, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)p->n);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	int ret = 0;

	for (size_t i = 0; i < p->n; i++)
		rd_kafka_topic_partition_list_add(list, p->items[i].topic, p->items[i].partition)
			->offset = p->items[i].processed;
	for (int left = c->o.drain_ms; list->cnt && (code = commit_once(c, list));
	     left -= PAUSE_MS) {
		if (code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
		    code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
		    code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
			break;
		if (c->o.stop(c->o.context))
			ret = error_set(err, ERROR_NONE, "stopped");
		else if (left <= 0 || !assignment_may_pass(code))
			ret = kafka_error(err, code, NULL, false,
					  "cannot commit where partitions begin");
		if (ret)
			break;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return ret;
}

int consumer_begin(struct consumer *c, struct error *err)
{
	const struct assignment a = {.rk = c->rk,
				     .from = &c->o.from,
				     .timeout_ms = c->o.drain_ms,
				     .stop = c->o.stop,
				     .context = c->o.context};
	struct positions fresh = {.n = 0};
	int ret;

	if (c->o.offsets_from || c->o.from.kind == START_BEGINNING ||
	    c->o.from.kind == START_STORED)
		return 0;
	ret = consumer_find_partitions(c, err) ||
			      offset_store_claim(&c->store, &c->positions, c->o.drain_ms, err)
		      ? -1
		      : 0;
	for (size_t i = 0; !ret && i < c->positions.n; i++) {
		const struct position *x = &c->positions.items[i];
		if (x->stored == OFFSET_NONE && !x->added)
			ret = positions_add(&fresh, x->topic, x->partition, err);
	}
	if (!ret)
		ret = assignment_resolve(&a, &fresh, err) || commit_begins(c, &fresh, err) ? -1 : 0;
	positions_release(&fresh);
	positions_clear(&c->positions);
	return ret;
}

static int take_partitions(struct consumer *c, const rd_kafka_topic_partition_list_t *list,
			   struct error *err)
{
	consumer_drop_kept(c);
	positions_clear(&c->positions);
	c->last_topic = NULL;
	c->paused = false;
	for (int i = 0; list && i < list->cnt; i++)
		if (positions_add(&c->positions, list->elems[i].topic, list->elems[i].partition,
				  err))
			return -1;
	return 0;
}

static int start(struct consumer *c, rd_kafka_topic_partition_list_t *list, struct error *err)
{
	const struct assignment a = {.rk = c->rk,
				     .from = &c->o.from,
				     .timeout_ms = c->o.drain_ms,
				     .stop = consumer_stopped,
				     .context = c};
	const char *protocol = rd_kafka_rebalance_protocol(c->rk);

	if (strcmp(protocol, "EAGER") != 0)
		return error_set(err, ERROR_CONFIG,
				 "group '%s' rebalances by the protocol %s, which takes partitions "
				 "away before what was read of them is committed",
				 c->o.group, protocol);
	if (take_partitions(c, list, err) ||
	    offset_store_claim(&c->store, &c->positions, c->o.drain_ms, err) ||
	    assignment_resolve(&a, &c->positions, err))
		return -1;
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = positions_find(&c->positions, list->elems[i].topic,
						       list->elems[i].partition)
						->next;
	rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, list);
	if (code)
		return kafka_error(err, code, NULL, false, "cannot begin to read");
	if (membership_read(&c->membership, c->rk, err))
		return -1;
	consumer_hold(c);
	c->assigned = true;
	return c->o.assigned(c->o.context, err);
}

/* 0, or -1 to be told by consumer_next. */
static int assign(struct consumer *c, rd_kafka_topic_partition_list_t *list, struct error *err)
{
	c->counts.rebalances++;
	if (!start(c, list, err))
		return 0;
	if (rd_kafka_assignment_lost(c->rk) && err->kind == ERROR_NONE) {
		/* Gone before it was ours: another comes. */
		rd_kafka_assign(c->rk, NULL);
		return take_partitions(c, NULL, err);
	}
	return -1;
}

static int revoke(struct consumer *c, struct error *err)
{
	bool lost = rd_kafka_assignment_lost(c->rk);

	c->counts.lost += lost;
	if (c->assigned && c->o.revoked(c->o.context, lost, err))
		return -1;
	c->assigned = false;
	rd_kafka_assign(c->rk, NULL);
	return take_partitions(c, NULL, err);
}

void consumer_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
			rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct consumer *c = opaque;
	struct error err = ERROR_INIT;
	int ret = 0;

	/* After a failure nothing is done for the group: it goes on without us soon. */
	if (c->closing)
		rd_kafka_assign(rk, NULL);
	else if (c->failed)
		return;
	else if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
		ret = assign(c, list, &err);
	else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		ret = revoke(c, &err);
	else
		ret = kafka_error(&err, code, NULL, false, "group '%s'", c->o.group);
	if (ret) {
		c->failed = true;
		c->failure = err;
	}
}

int consumer_update_positions(struct consumer *c, struct error *err)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new((int)c->positions.n);
	rd_kafka_resp_err_t code;

	/* Until a message has come, librdkafka may have a position of an earlier assignment; and it
	 * is behind what is kept. */
	for (size_t i = 0; i < c->positions.n; i++)
		if (c->positions.items[i].received && !c->positions.items[i].kept)
			rd_kafka_topic_partition_list_add(list, c->positions.items[i].topic,
							  c->positions.items[i].partition);
	code = list->cnt ? rd_kafka_position(c->rk, list) : RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; !code && i < list->cnt; i++)
		if (list->elems[i].offset >= 0)
			position_reached(positions_find(&c->positions, list->elems[i].topic,
							list->elems[i].partition),
					 list->elems[i].offset);
	rd_kafka_topic_partition_list_destroy(list);
	consumer_replayed(c);
	return code ? kafka_error(err, code, NULL, false, "cannot read positions") : 0;
}

bool consumer_lost(const struct consumer *c)
{
	return rd_kafka_assignment_lost(c->rk);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int consumer_membership(struct consumer *c, const struct membership **m, bool *valid,
			struct error *err)
{
	if (membership_read(&c->now, c->rk, err))
		return -1;
	*m = &c->now;
	*valid = c->assigned && membership_valid(&c->now) &&
		 c->now.generation == c->membership.generation &&
		 same_text(c->now.member, c->membership.member);
	return 0;
}

int consumer_committed(struct consumer *c, int timeout_ms, int64_t *sum, struct error *err)
{
	int64_t *offsets = mem_alloc(c->positions.n, sizeof(*offsets), err);
	int ret = -1;

	*sum = OFFSET_NONE;
	if (offsets)
		ret = offset_store_read(&c->store, &c->positions, offsets, timeout_ms, err);
	for (size_t i = 0; ret > 0 && i < c->positions.n; i++)
		*sum = (i ? *sum : 0) + offsets[i];
	if (ret > 0)
		ret = !positions_behind(&c->positions, offsets);
	free(offsets);
	return ret;
}

int consumer_commit(struct consumer *c, const int64_t *offsets, bool sync, struct error *err)
{
	rd_kafka_topic_partition_list_t *list;
	const struct membership *m;
	rd_kafka_resp_err_t code;
	bool valid;

	if (!c->positions.n)
		return 0;
	if (consumer_membership(c, &m, &valid, err))
		return -1;
	/* One that was thrown out would commit as nobody, which a group without members takes. */
	if (!valid)
		return sync ? error_set(err, ERROR_RETRY,
					"the group has given our partitions to others")
			    : 0;
	list = rd_kafka_topic_partition_list_new((int)c->positions.n);
	for (size_t i = 0; i < c->positions.n; i++)
		if (sync || offsets[i] != c->positions.items[i].stored)
			rd_kafka_topic_partition_list_add(list, c->positions.items[i].topic,
							  c->positions.items[i].partition)
				->offset = offsets[i];
	for (size_t i = 0; i < c->positions.n; i++)
		c->positions.items[i].stored = offsets[i];
	code = list->cnt ? rd_kafka_commit(c->rk, list, !sync) : RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; !code && sync && i < list->cnt; i++)
		code = list->elems[i].err;
	rd_kafka_topic_partition_list_destroy(list);
	return code ? kafka_error(err, code, NULL, false, "cannot commit offsets") : 0;
}
