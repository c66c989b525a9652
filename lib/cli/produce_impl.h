/* The inside of the sink of kafka-produce: its loop, its transactions, and what was not delivered.
 */
#ifndef CLI_PRODUCE_IMPL_H
#define CLI_PRODUCE_IMPL_H

#include "lib/cli/intake.h"
#include "lib/cli/metrics.h"
#include "lib/cli/produce.h"
#include "lib/cli/progress.h"
#include "lib/kafka/outgoing.h"
#include "lib/kafka/producer.h"
#include "lib/kafka/transaction.h"
#include "lib/record/reader.h"

struct sink {
	const struct produce_options *options;
	struct kafka_options kafka;
	struct event_time time;
	struct outgoing_options outgoing_options;
	struct producer_options producer_options;
	struct reader *reader;
	struct fields *fields;
	struct scanner *scanner;
	struct block block;
	struct outgoing *outgoing;
	struct producer *producer;
	struct topic_limits limits;
	struct intake intake;
	bool opening; /* no broker has answered yet: a signal need not wait */
	bool stopped; /* before the end of input: by a signal, --count or what was not delivered */

	struct transaction transaction; /* with a transactional id */
	size_t topic_slot, partition_slot;
	struct control_record control;
	uint64_t n_committed, n_aborted;
	bool told_marks; /* that nothing commits them */

	/* Names of files, for tags. */
	const char **files;
	size_t n_files, files_cap;

	uint64_t n_sent, sent_bytes;
	uint64_t n_open, n_in_topic;     /* in the open transaction, in those committed */
	uint64_t n_undelivered, n_maybe; /* given up, and of those maybe in the topic */
	uint64_t n_untaken;              /* of those given up, never taken by the producer */
	uint64_t n_refused;              /* by the broker, kept by --rejects */
	struct error undelivered;        /* why, of the first */
	struct error trouble;            /* of a callback, which cannot return it */
	int unsent_fd;
	struct buf again; /* a record for --unsent or --rejects */

	bool told_naive, told_old;
	struct progress progress;
	struct metrics_clock metrics;
};

int64_t sink_clock_ns(void);

/* Options and files; then the brokers. */
int sink_open(struct sink *s, char *const *paths, struct error *err);
int sink_open_producer(struct sink *s, struct error *err);
void sink_release(struct sink *s);

/* What the reader and the producer call while they wait. */
int sink_before_wait(void *context, int *timeout_ms, struct error *err);
bool sink_stop_waiting(void *context);

/* The place of a record, kept with its message. */
uint64_t sink_tag(struct sink *s, const struct record *rec, struct error *err);

/* What librdkafka calls for a message that was not delivered. */
void sink_undelivered(void *context, const struct undelivered *u);

/* A message that was never taken by the producer, to --unsent. */
int sink_keep_unsent(struct sink *s, const struct message *m, struct error *err);

/* ERROR_RETRY or worse when messages were not delivered: how many, and why. */
int sink_judge_delivery(const struct sink *s, struct error *err);

/* To an error that may be so because the topic was deleted meanwhile: ERROR_CONFIG if it was. */
int sink_blame_topic(const struct sink *s, struct error *err);

/* Waits for what is under way, gives the rest up. */
void sink_drain(struct sink *s);

/* Transactions. A record: 1: it is to be sent; 0: not. */
int sink_transaction_record(struct sink *s, const struct record *rec, struct error *err);
int sink_transaction_control(struct sink *s, struct error *err);
int sink_transaction_time(struct sink *s, struct error *err);
int sink_transaction_end(struct sink *s, struct error *err);

/* Aborts what is open, whose end is not known otherwise; says nothing. */
void sink_transaction_give_up(struct sink *s);

#endif
