/* The inside of struct consumer, shared by its parts. */
#ifndef KAFKA_CONSUMER_IMPL_H
#define KAFKA_CONSUMER_IMPL_H

#include <stdatomic.h>
#include "lib/kafka/consumer.h"
#include "lib/kafka/offset_store.h"

/* Whether the topics are there (consumer_watch.c). */
struct topic_watch {
	rd_kafka_t *rk;
	atomic_int state; /* when ASKING, a thread has rk and answer */
	const rd_kafka_metadata_t *answer;
	int64_t next_ms;    /* when to look */
	char unknown[256];  /* a topic; empty: none is */
	int64_t unknown_ms; /* since when */
};

struct consumer {
	struct consumer_options o;
	struct kafka_reasons *reasons;
	rd_kafka_t *rk;
	struct positions positions;
	struct consumer_counts counts;
	bool all_down; /* every broker, when last heard of */
	bool told_down;
	struct topic_watch watch;
	int64_t nudge_ms;
	int64_t ask_ms; /* when to ask next whether they are back */
	/* The position of the last message, which that of the next one mostly is. */
	const rd_kafka_topic_t *last_topic;
	int32_t last_partition;
	struct position *last;

	bool paused; /* consumer_pause */

	/* What came while partitions are replayed, and is not of their replays (consumer_hold.c).
	 */
	bool holding;
	rd_kafka_message_t **kept; /* [n_kept], the first one at kept_at */
	size_t n_kept, kept_at, kept_cap, kept_bytes;
	uint64_t n_taken;
	uint64_t hold_messages; /* when a replay last came further, and how many there were */
	int64_t hold_ms;
	bool hold_told;

	/* In a group. */
	struct offset_store store;
	struct membership membership; /* at the assignment */
	struct membership now;
	bool assigned, closing;
	bool failed; /* a callback of librdkafka did: err says how */
	struct error failure;

	/* Without one. */
	rd_kafka_queue_t *queue;
	rd_kafka_topic_t **handles; /* [positions.n] */
};

/* Whether topics like __consumer_offsets are to be unknown: patterns are asked for, and none of
 * those. */
bool consumer_hides_internal(const struct consumer_options *o);

/* Waits for the brokers and looks for the topics that are named. */
int consumer_reach(struct consumer *c, struct error *err);

/* Adds the partitions of the topics, as they are now, to the positions. */
int consumer_find_partitions(struct consumer *c, struct error *err);

/*
 * With a group, before it is joined: of topics of which nothing is stored, commits where partitions
 * begin, if not at their beginning. Once there are members, a partition of which nothing is stored
 * yet would be taken for one that was added, or its end be another: what a first owner has read,
 * who died before it was committed, would come too much or not at all.
 */
int consumer_begin(struct consumer *c, struct error *err);

/* Without a group: finds the partitions, and begins to read them. */
int consumer_read(struct consumer *c, struct error *err);

/* With one: the callback of librdkafka. */
void consumer_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
			rd_kafka_topic_partition_list_t *list, void *opaque);

/* The positions are started: holds back what is new if there is anything to replay. */
void consumer_hold(struct consumer *c);

/* Of x came a message, or (m->err) its end: whether it has to wait, and is kept. -1: memory, and m
 * is still the caller's. */
int consumer_keep(struct consumer *c, struct position *x, rd_kafka_message_t *m, struct error *err);

/* Positions may have come further: lets all go on when the last replay is through. */
void consumer_replayed(struct consumer *c);

/* Whether there is something kept that may be handed on now, and the first of it; that is NULL now
 * and then, so that the group is served. */
bool consumer_keeps(const struct consumer *c);
rd_kafka_message_t *consumer_take_kept(struct consumer *c);

/* Tells of a replay that does not come further. To be called now and then. */
void consumer_watch_hold(struct consumer *c, int64_t now_ms);

/* Looks now and then, or soon, whether the topics are there: ERROR_CONFIG when one that is named is
 * not, ERROR_RETRY when a pattern had found it. Does not wait. */
int consumer_watch_topics(struct consumer *c, int64_t now_ms, struct error *err);
void consumer_watch_soon(struct consumer *c);

/* What was kept is of partitions that are not ours any more. */
void consumer_drop_kept(struct consumer *c);

/* Whether to stop waiting: told so, or the assignment is lost meanwhile. A callback. */
bool consumer_stopped(void *c);

/* ERROR_NO_INPUT when the offset at which x reads is not there, else ERROR_RETRY. */
int consumer_lost_place(struct consumer *c, const struct position *x, const char *reason,
			struct error *err);

#endif
