/*
 * A Kafka cluster inside the process, for tests and short demos: librdkafka's mock cluster, which
 * listens on loopback and holds its messages in memory.
 *
 * What it is not, as librdkafka 2.0.2 has it: a partition keeps its last 5 MiB, or 100,000 batches,
 * as they came over the wire, and drops older ones (sandbox_losses tells); transactions are
 * answered but not kept, so that readers see all at once, aborted messages too, and offsets sent in
 * them are forgotten (sandbox_transactions tells); batches sent twice by an idempotent producer are
 * kept twice; a group's generation is not checked when it commits; offsets by time are not found;
 * topics cannot be created by clients' requests, but are, with 4 partitions, when they are asked
 * for.
 */
#ifndef KAFKA_SANDBOX_H
#define KAFKA_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define SANDBOX_BROKERS_MAX 16
#define SANDBOX_PARTITIONS_MAX 1000
#define SANDBOX_PARTITIONS 4 /* of a topic for which no number is given */
#define SANDBOX_LATENCY_MAX 60000
#define SANDBOX_ERRORS_MAX 10000

struct sandbox_topic {
	char *name;
	int partitions;
};

/* The next `count` requests of this kind are answered by this error. */
struct sandbox_error {
	int16_t api; /* key of the request in Kafka's protocol */
	int code;    /* Kafka's; RD_KAFKA_RESP_ERR__TRANSPORT closes the connection instead */
	size_t count;
};

/* What librdkafka says of severity `level` as in syslog(3), 0 to 4; text is its own and ends
 * without a newline. Called by several threads at once. */
typedef void sandbox_log_fn(void *context, int level, const char *text);

struct sandbox_options {
	int brokers;    /* 1 to SANDBOX_BROKERS_MAX */
	int latency_ms; /* by which every answer is held back, 0 to SANDBOX_LATENCY_MAX */
	struct sandbox_topic *topics;
	size_t n_topics, cap_topics;
	struct sandbox_error *errors; /* in this order where they are of one kind */
	size_t n_errors, cap_errors;
	sandbox_log_fn *log; /* NULL: nobody listens */
	void *log_context;
};

#define SANDBOX_OPTIONS_INIT \
	{                    \
		.brokers = 1 \
	}

/* Adds NAME[:PARTITIONS][,...]. ERROR_USAGE with the reason when it is not that, or when a name is
 * not one of Kafka's or is there already; some topics may have been added then. */
int sandbox_add_topics(struct sandbox_options *o, const char *text, struct error *err);

/* Adds API:ERROR[:COUNT], the first two by their names in Kafka's protocol or by number, as in
 * "Produce:NOT_LEADER_FOR_PARTITION:3"; "_TRANSPORT" closes the connection. COUNT is 1 unless
 * given, and at most SANDBOX_ERRORS_MAX. Only requests for which the sandbox answers errors are
 * taken. */
int sandbox_add_error(struct sandbox_options *o, const char *text, struct error *err);

/* Frees the lists. */
void sandbox_options_release(struct sandbox_options *o);

/* The names of the requests that sandbox_add_error takes, ", " between them. */
extern const char sandbox_error_apis[];

struct sandbox;

/* Listens when this returns. The options are needed no longer, but for log_context. Its threads
 * block all signals. */
struct sandbox *sandbox_start(const struct sandbox_options *o, struct error *err);

/* "127.0.0.1:PORT[,...]", a port a broker; the sandbox's. */
const char *sandbox_address(const struct sandbox *s);

/* Takes all brokers away, connections are cut and new ones refused, or brings them back, at the
 * same address and with all they had. */
int sandbox_set_up(struct sandbox *s, bool up, struct error *err);

/* Whether a client has put messages or offsets into a transaction. Any thread. */
bool sandbox_transactions(const struct sandbox *s);

/* `lost` of the `produced` messages of a partition cannot be read any more. */
typedef void sandbox_loss_fn(void *context, const char *topic, int partition, int64_t lost,
			     int64_t produced);

/* Tells of each partition that has dropped messages, read by somebody before or not. For the end:
 * it brings all brokers back and ends what latency and errors were injected. Returns their number,
 * or -1 when it could not be found out. */
int sandbox_losses(struct sandbox *s, sandbox_loss_fn *told, void *context, struct error *err);

/* Ends it with all it holds; s may be NULL. */
void sandbox_stop(struct sandbox *s);

#endif
