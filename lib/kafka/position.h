/*
 * Where a consumer stands in each of its partitions, and what of that its marks have told. Nothing
 * of librdkafka here.
 */
#ifndef KAFKA_POSITION_H
#define KAFKA_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/record/control_record.h"

#define OFFSET_NONE (-1)

struct position {
	char *topic;
	int32_t partition;
	/* As its store has it when the partition is assigned. */
	int64_t stored; /* the offset processed before; OFFSET_NONE: nothing is stored */
	int64_t epoch;  /* CONTROL_NO_EPOCH */
	char *state;    /* a JSON object's text; NULL */
	bool added;     /* nothing is stored, but for other partitions of the topic it is */
	/* Where work goes on, what comes before it is a replay; at first `stored`, if there. */
	int64_t processed;
	int64_t next;  /* behind what has come; at first that of the first record to come */
	int64_t told;  /* behind what marks have told of */
	int64_t end;   /* the partition's when it was assigned */
	bool received; /* a message has come since then */
	bool at_end;   /* the partition's end was seen, at least once */
	size_t kept;   /* how much has come too early, from `next` on (consumer_hold.c) */
	bool held;     /* and no more of them are fetched */
};

/* In the order of topics, then of partitions. */
struct positions {
	struct position *items;
	size_t n, cap;
};

/* Adds a partition of which nothing is known yet, strings copied. */
int positions_add(struct positions *p, const char *topic, int32_t partition, struct error *err);
void positions_clear(struct positions *p); /* none are left; the room stays */
void positions_release(struct positions *p);

/* NULL: it is none of them. */
struct position *positions_find(const struct positions *p, const char *topic, int32_t partition);

/* Work begins at `processed`, reading at `next`, which is not behind it, of a partition that has
 * offsets up to `end` now. */
void position_start(struct position *x, int64_t next, int64_t processed, int64_t end);

/* A message came. ERROR_RETRY when it came before: what is in the stream cannot be taken back. */
int position_received(struct position *x, int64_t offset, struct error *err);

/* All before `offset` has come: of what lies behind the last message nothing will. */
void position_reached(struct position *x, int64_t offset);

/* Whether records are to come, or offsets to be passed, that were processed before. */
bool position_replays(const struct position *x);
bool positions_replay(const struct positions *p); /* of any */

/* Behind what has come and is no replay: what a mark may tell. */
int64_t position_passed(const struct position *x);

/* Whether a mark would have something to tell. */
bool positions_moved(const struct positions *p);

/* Adds to a mark the range of each partition that has moved, or (all) of each. They are told then.
 */
int positions_tell(struct positions *p, bool all, struct control_record *mark, struct error *err);

/* Whether each was read to its end, that of now or of the assignment; if there is none, too. */
bool positions_at_end(const struct positions *p);

/* How many are not committed as far as marks have told, when the stores have these offsets [n]. */
size_t positions_behind(const struct positions *p, const int64_t *committed);

#endif
