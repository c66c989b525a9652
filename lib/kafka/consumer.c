#include "lib/kafka/consumer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/assignment.h"
#include "lib/kafka/consumer_impl.h"

#define NUDGE_EVERY_MS 10
#define ASK_MS 250 /* whether a broker is back */
#define ASK_EVERY_MS 1000

static int64_t monotonic_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

bool consumer_stopped(void *context)
{
	const struct consumer *c = context;

	return c->o.stop(c->o.context) || rd_kafka_assignment_lost(c->rk);
}

int consumer_lost_place(struct consumer *c, const struct position *x, const char *reason,
			struct error *err)
{
	const struct start_offset here = {START_OFFSET, x->next};
	struct assignment a = {.rk = c->rk,
			       .from = &here,
			       .timeout_ms = c->o.drain_ms,
			       .stop = c->o.stop,
			       .context = c->o.context};
	struct positions one = {.n = 0};
	int ret = positions_add(&one, x->topic, x->partition, err);

	if (!ret) {
		if (c->o.group)
			one.items[0].stored = x->next;
		ret = assignment_resolve(&a, &one, err);
	}
	if (!ret)
		error_set(err, ERROR_RETRY, "topic '%s', partition %d: cannot read on: %s",
			  x->topic, (int)x->partition, reason);
	positions_release(&one);
	return -1;
}

static struct position *position_of(struct consumer *c, const rd_kafka_message_t *m)
{
	if (m->rkt != c->last_topic || m->partition != c->last_partition) {
		if (!m->rkt)
			return NULL;
		c->last = positions_find(&c->positions, rd_kafka_topic_name(m->rkt), m->partition);
		c->last_topic = m->rkt;
		c->last_partition = m->partition;
	}
	return c->last;
}

/* What comes in a message's place. */
static int take_event(struct consumer *c, const rd_kafka_message_t *m, struct error *err)
{
	struct position *x = position_of(c, m);
	const char *reason = rd_kafka_message_errstr(m);
	char text[400];

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (x) {
			position_reached(x, m->offset);
			x->at_end = true;
		}
		return 0;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		return x ? consumer_lost_place(c, x, reason, err) : 0;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		consumer_watch_soon(c);
		return 0;
	case RD_KAFKA_RESP_ERR__FATAL:
		return kafka_error(err, rd_kafka_fatal_error(c->rk, text, sizeof(text)), NULL,
				   false, "cannot go on");
	default:
		break;
	}
	if (kafka_error_kind(m->err, false) == ERROR_CONFIG)
		return kafka_error(err, m->err, reason, false, "%s%s%s", m->rkt ? "topic '" : "",
				   m->rkt ? rd_kafka_topic_name(m->rkt) : "cannot read",
				   m->rkt ? "'" : "");
	snprintf(text, sizeof(text), "%s", reason);
	c->o.note(c->o.context, text);
	return 0;
}

/*
 * Before 2.2 librdkafka stops fetching when its queue is full and looks again after up to a second,
 * not when the queue is empty. Any request wakes the thread that fetches from its broker.
 */
static void nudge(struct consumer *c)
{
#if RD_KAFKA_VERSION < 0x020200ff
	rd_kafka_topic_partition_list_t *list;
	int64_t now = monotonic_ms();

	if (now < c->nudge_ms)
		return;
	c->nudge_ms = now + NUDGE_EVERY_MS;
	list = rd_kafka_topic_partition_list_new(1);
	for (size_t i = 0; i < c->positions.n; i++) {
		const struct position *x = &c->positions.items[i];
		if (!x->held && !x->kept && consumer_lag(c, x) > 0)
			rd_kafka_topic_partition_list_add(list, x->topic, x->partition);
	}
	if (list->cnt)
		rd_kafka_offsets_for_times(c->rk, list, 0);
	rd_kafka_topic_partition_list_destroy(list);
#else
	(void)c;
#endif
}

static rd_kafka_message_t *poll_any(struct consumer *c, int timeout_ms)
{
	return c->queue ? rd_kafka_consume_queue(c->queue, timeout_ms)
			: rd_kafka_consumer_poll(c->rk, timeout_ms);
}

/* Polls: -1; 0 with a message, what comes in its place, or NULL: none came, or it has to wait. */
static int receive(struct consumer *c, int timeout_ms, rd_kafka_message_t **got, struct error *err)
{
	rd_kafka_message_t *m = poll_any(c, timeout_ms);
	struct position *x;
	int kept = 0;

	if (c->failed) {
		*err = c->failure;
		kept = -1;
	} else if (m && (x = position_of(c, m))) {
		kept = consumer_keep(c, x, m, err);
	} else if (!m && c->counts.messages) {
		nudge(c);
	}
	if (m && kept < 0)
		rd_kafka_message_destroy(m);
	*got = kept ? NULL : m;
	return kept < 0 ? -1 : 0;
}

int consumer_next(struct consumer *c, int timeout_ms, rd_kafka_message_t **got,
		  const struct position **of, struct error *err)
{
	rd_kafka_message_t *m = consumer_take_kept(c);
	struct position *x;
	int ret;

	if (m)
		position_of(c, m)->kept--;
	else if (receive(c, consumer_keeps(c) ? 0 : timeout_ms, &m, err))
		return -1;
	if (!m)
		return 0;
	x = position_of(c, m);
	ret = m->err ? take_event(c, m, err) : x ? position_received(x, m->offset, err) : 0;
	if (!ret)
		consumer_replayed(c);
	if (ret || m->err || !x) {
		rd_kafka_message_destroy(m);
		return ret;
	}
	c->counts.messages++;
	c->counts.bytes += m->len;
	*got = m;
	*of = x;
	return 1;
}

int consumer_idle(struct consumer *c, struct error *err)
{
	rd_kafka_message_t *m = poll_any(c, 0);

	if (m)
		rd_kafka_message_destroy(m);
	if (c->failed)
		*err = c->failure;
	return c->failed ? -1 : 0;
}

/* Tells once that all brokers are away, and once that they are back. */
static void watch_brokers(struct consumer *c)
{
	const rd_kafka_metadata_t *metadata;
	char reason[300], text[400];

	if (!c->told_down) {
		kafka_reasons_last(c->reasons, reason, sizeof(reason));
		snprintf(text, sizeof(text), "all brokers are away, waiting for them: %s", reason);
		c->o.note(c->o.context, text);
		c->told_down = true;
	}
	if (monotonic_ms() < c->ask_ms)
		return;
	if (!rd_kafka_metadata(c->rk, 0, NULL, &metadata, ASK_MS)) {
		rd_kafka_metadata_destroy(metadata);
		c->all_down = c->told_down = false;
		c->o.note(c->o.context, "brokers are back");
	}
	c->ask_ms = monotonic_ms() + ASK_EVERY_MS;
}

int consumer_serve(struct consumer *c, struct error *err)
{
	if (c->queue)
		rd_kafka_poll(c->rk, 0);
	if (c->failed) {
		*err = c->failure;
		return -1;
	}
	if (c->all_down)
		watch_brokers(c);
	consumer_watch_hold(c, monotonic_ms());
	return consumer_watch_topics(c, monotonic_ms(), err);
}

bool consumer_assigned(const struct consumer *c)
{
	return c->assigned;
}

struct positions *consumer_positions(struct consumer *c)
{
	return &c->positions;
}

int consumer_drain_ms(const struct consumer *c)
{
	return c->o.drain_ms;
}

void consumer_pause(struct consumer *c, bool paused)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new((int)c->positions.n);

	c->paused = paused;
	for (size_t i = 0; i < c->positions.n; i++)
		if (!c->positions.items[i].held)
			rd_kafka_topic_partition_list_add(list, c->positions.items[i].topic,
							  c->positions.items[i].partition);
	if (paused)
		rd_kafka_pause_partitions(c->rk, list);
	else
		rd_kafka_resume_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

struct consumer_counts consumer_counts(const struct consumer *c)
{
	return c->counts;
}

int64_t consumer_lag(struct consumer *c, const struct position *x)
{
	int64_t low, high;

	if (rd_kafka_get_watermark_offsets(c->rk, x->topic, x->partition, &low, &high) || high < 0)
		return -1;
	return high > x->next ? high - x->next : 0;
}
