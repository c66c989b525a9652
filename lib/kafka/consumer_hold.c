/*
 * New records wait until every replay is through.
 *
 * Partitions are read side by side, and how far each comes is chance. Where state is made of
 * several of them, new records of one must not meet state that lacks what is yet to be replayed of
 * another. So what comes of a partition that has nothing (more) to replay is kept, in the order it
 * came; past KEPT_BYTES its partition is paused, for which librdkafka throws away what it has
 * fetched. Ends of partitions are kept as well, for they stand behind messages. Nobody says where a
 * replay ends, and its last offsets may have no record: it is through when the position is at
 * `processed`, be it by a message, by what librdkafka passes silently, by a message from behind
 * that, or by the partition's end.
 */
#include <stdlib.h>
#include "lib/kafka/consumer_impl.h"

#define KEPT_BYTES (8 << 20)
#define MESSAGE_BYTES 512 /* what librdkafka needs for one besides its value and key, about */
#define SERVE_EVERY 64
#define TELL_AFTER_MS 10000

/* Partitions that are paused by us, of those that may be read now. */
static void resume(struct consumer *c)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new((int)c->positions.n);

	for (size_t i = 0; i < c->positions.n; i++) {
		struct position *x = &c->positions.items[i];
		if (x->held && !c->paused)
			rd_kafka_topic_partition_list_add(list, x->topic, x->partition);
		x->held = false;
	}
	if (list->cnt) {
		rd_kafka_resume_partitions(c->rk, list);
		/* It fetches when it wakes up, which a request makes it do at once. */
		rd_kafka_offsets_for_times(c->rk, list, 0);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

static void pause_one(struct consumer *c, struct position *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, x->topic, x->partition);
	rd_kafka_pause_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	x->held = true;
}

void consumer_hold(struct consumer *c)
{
	c->holding = positions_replay(&c->positions);
}

void consumer_replayed(struct consumer *c)
{
	if (!c->holding || positions_replay(&c->positions))
		return;
	c->holding = false;
	resume(c);
}

int consumer_keep(struct consumer *c, struct position *x, rd_kafka_message_t *m, struct error *err)
{
	if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return 0;
	if (position_replays(x)) {
		if (m->err || m->offset < x->processed)
			return 0;
		position_reached(x, x->processed);
		consumer_replayed(c);
	}
	/* When nothing is held back any more, what was kept still goes first. */
	if (!c->holding && c->kept_at == c->n_kept)
		return 0;
	if (MEM_GROW(&c->kept, &c->kept_cap, c->n_kept + 1, err))
		return -1;
	c->kept[c->n_kept++] = m;
	c->kept_bytes += m->len + m->key_len + MESSAGE_BYTES;
	x->kept++;
	if (c->holding && c->kept_bytes >= KEPT_BYTES && !x->held)
		pause_one(c, x);
	return 1;
}

bool consumer_keeps(const struct consumer *c)
{
	return c->kept_at < c->n_kept && !c->holding && !c->paused;
}

rd_kafka_message_t *consumer_take_kept(struct consumer *c)
{
	rd_kafka_message_t *m;

	if (!consumer_keeps(c) || ++c->n_taken % SERVE_EVERY == 0)
		return NULL;
	m = c->kept[c->kept_at++];
	if (c->kept_at == c->n_kept)
		c->kept_at = c->n_kept = c->kept_bytes = 0;
	return m;
}

void consumer_drop_kept(struct consumer *c)
{
	while (c->kept_at < c->n_kept)
		rd_kafka_message_destroy(c->kept[c->kept_at++]);
	c->kept_at = c->n_kept = c->kept_bytes = 0;
	c->holding = false;
	resume(c);
}

void consumer_watch_hold(struct consumer *c, int64_t now_ms)
{
	const struct position *x = NULL;
	char text[400];

	for (size_t i = 0; c->holding && !x && i < c->positions.n; i++)
		if (position_replays(&c->positions.items[i]))
			x = &c->positions.items[i];
	if (!x || c->paused || !c->hold_ms || c->hold_messages != c->counts.messages) {
		c->hold_messages = c->counts.messages;
		c->hold_ms = now_ms;
		c->hold_told = false;
	}
	if (!x || c->hold_told || now_ms - c->hold_ms < TELL_AFTER_MS)
		return;
	c->hold_told = true;
	snprintf(text, sizeof(text),
		 "new records wait for a replay: topic '%s', partition %d is at offset %lld of "
		 "%lld, and nothing comes",
		 x->topic, (int)x->partition, (long long)x->next, (long long)x->processed);
	c->o.note(c->o.context, text);
}
