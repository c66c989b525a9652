/* The inside of kafka-consume, shared by its parts. */
#ifndef CLI_CONSUME_IMPL_H
#define CLI_CONSUME_IMPL_H

#include "lib/cli/background_output.h"
#include "lib/cli/consume.h"
#include "lib/cli/intake.h"
#include "lib/cli/metrics.h"
#include "lib/kafka/consumer.h"
#include "lib/kafka/mark_pace.h"
#include "lib/kafka/message_block.h"

struct consume {
	const struct consume_options *options;
	const char **topics; /* [n_topics] */
	size_t n_topics;
	struct consumer *consumer;
	struct message_block *block;
	struct background_output *out;
	struct intake intake;
	bool rejects_dirty; /* written since they were last synced */
	uint64_t n_messages;
	bool paused;
	int64_t full_ns; /* since when the output has had no room; 0: it has */
	int64_t look_ns; /* when to look around next */
	struct metrics_clock metrics;
	bool closed;  /* standard output is */
	bool ending;  /* nothing is to be written any more */
	bool settled; /* and nothing to be committed, for our partitions are gone */

	/* Control records. */
	bool marking;
	char session[17];
	uint64_t seq;
	struct mark_pace pace;
	uint64_t n_marks;

	/* --commit-on-write: offsets that may be committed when so many bytes are written. */
	bool committing, commit_waits;
	uint64_t commit_bytes;
	int64_t commit_ns; /* when to take the next ones */
	int64_t *commit_offsets;
	size_t commit_cap;
};

int64_t consume_now_ns(void);

/* Whether to end early: a signal, or the reader is gone. A callback. */
bool consume_stopped(void *c);

/* Makes records of all messages in the block. */
int consume_settle(struct consume *c, struct error *err);

/* Makes what was rejected so far durable. */
int consume_sync_rejects(struct consume *c, struct error *err);

/* Callbacks of the consumer. */
int consume_assigned(void *c, struct error *err);
int consume_revoked(void *c, bool lost, struct error *err);

/* Marks and commits that are due. */
int consume_marks(struct consume *c, int64_t now_ns, struct error *err);

/* How long nothing of that is due if no message comes. */
int64_t consume_idle_ns(struct consume *c, int64_t now_ns);

/* --commit-on-write: notes the offsets of what has come, at first those at which partitions begin;
 * commits them when it is written, and notes the next ones; commits those that were noted, for it
 * is written; commits those of all that has come, which is written. */
int consume_commit_note(struct consume *c, struct error *err);
int consume_commit_due(struct consume *c, int64_t now_ns, struct error *err);
int consume_commit_noted(struct consume *c, struct error *err);
int consume_commit_all(struct consume *c, struct error *err);

/* All that was read is written, `end` too, standard output closed, and waited for until it is
 * committed. */
int consume_finish(struct consume *c, struct error *err);

/* Waits until all output is written, at most until end_ns: 1, 0 (also when stopped by a signal and
 * stoppable), -1. */
int consume_flush(struct consume *c, int64_t end_ns, bool stoppable, struct error *err);

/* If they are due. */
int consume_write_metrics(struct consume *c, bool last, struct error *err);

#endif
