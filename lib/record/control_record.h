/*
 * Control records whole: read from a line, written to one. sensor-record(5) has their members.
 *
 * They come a few times a second, so nothing is spared. What is read is checked: every member of
 * its kind there, once, and of its type, no number out of range, no partition twice, from <= to, no
 * mark without a member and a generation of at least 0 (a commit without them is fenced by nobody).
 * Members that are not known are kept out of the way: ignored.
 */
#ifndef RECORD_CONTROL_RECORD_H
#define RECORD_CONTROL_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

#define CONTROL_NO_EPOCH (-1) /* null: nobody counts claims */

#define CONTROL_STATE_DEPTH 4 /* a state lies in the record, _kafka, ranges, one of these */

/* A partition in a control record. */
struct control_partition {
	char *topic;
	int32_t partition;
	int64_t from, to; /* mark: [from, to). assign: replay_from and processed */
	int64_t epoch;    /* assign; CONTROL_NO_EPOCH */
	char *state;      /* assign, mark: an object's JSON text, kept as it came; NULL: none */
};

struct control_record {
	enum control_kind kind;
	uint64_t seq;
	char *session;
	char *group, *member, *instance; /* mark; instance NULL: none */
	int64_t generation;              /* mark */
	/* mark: its ranges; reset: what is void; assign: one; end: none. */
	struct control_partition *partitions;
	size_t n, cap;
};

#define CONTROL_RECORD_INIT          \
	{                            \
		.kind = CONTROL_NONE \
	}

/* By enum control_kind; CONTROL_NONE has none. */
extern const char *const control_kind_names[];

/* Frees all members and makes c empty. */
void control_record_release(struct control_record *c);

/* Reads a line (no line end) into c, whose former members are freed. ERROR_CONFIG names the member
 * that is wrong: a control record must never be passed over. */
int control_record_read(struct control_record *c, const char *line, size_t len, struct error *err);

/* Appends the line with its newline, its members in the order of sensor-record(5). ERROR_CONFIG: a
 * string is not UTF-8, or a state has a line end in it. */
int control_record_write(const struct control_record *c, struct buf *out, struct error *err);

/* Adds a partition, its strings copied, epoch CONTROL_NO_EPOCH; state may be NULL. The new one, or
 * NULL. */
struct control_partition *control_record_add(struct control_record *c, const char *topic,
					     int32_t partition, int64_t from, int64_t to,
					     const char *state, struct error *err);

/* Sets *offset to the oldest one that a state still needs (its "replay_from"), or to -1 when it
 * names none or is NULL. ERROR_CONFIG: the text is no JSON object, or replay_from no offset. */
int control_state_replay_from(const char *state, int64_t *offset, struct error *err);

#endif
