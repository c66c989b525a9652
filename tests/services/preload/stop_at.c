/*
 * Stops a program (SIGSTOP) right before its Nth call of a function of librdkafka, and goes on with
 * the call when the program is continued; or lets that call never come back, or not before the file
 * HANG_UNTIL is there. To be preloaded; STOP_AT or HANG_AT is FUNCTION:N, as in
 * rd_kafka_commit_transaction:2.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <librdkafka/rdkafka.h>

static bool is_now(const char *at, const char *function, long n)
{
	size_t len = strlen(function);

	return at && !strncmp(at, function, len) && at[len] == ':' &&
	       n == strtol(at + len + 1, NULL, 10);
}

static void pass(const char *function, long n)
{
	if (is_now(getenv("STOP_AT"), function, n))
		raise(SIGSTOP);
	while (is_now(getenv("HANG_AT"), function, n) &&
	       !(getenv("HANG_UNTIL") && !access(getenv("HANG_UNTIL"), F_OK)))
		usleep(10000);
}

/* The function that this one stands in front of. */
static void *next(const char *function)
{
	void *f = dlsym(RTLD_NEXT, function);

	if (!f) {
		fprintf(stderr, "stop_at: there is no %s\n", function);
		_Exit(70);
	}
	return f;
}

#define STOP_BEFORE(type, function, parameters, arguments) \
	type function parameters                           \
	{                                                  \
		static long n;                             \
		typeof(function) *f = next(#function);     \
                                                           \
		pass(#function, ++n);                      \
		return f arguments;                        \
	}

STOP_BEFORE(int, rd_kafka_produce_batch,
	    (rd_kafka_topic_t * topic, int32_t partition, int flags, rd_kafka_message_t *messages,
	     int n_messages),
	    (topic, partition, flags, messages, n_messages))
STOP_BEFORE(rd_kafka_error_t *, rd_kafka_send_offsets_to_transaction,
	    (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *offsets,
	     const rd_kafka_consumer_group_metadata_t *group, int timeout_ms),
	    (rk, offsets, group, timeout_ms))
STOP_BEFORE(rd_kafka_error_t *, rd_kafka_commit_transaction, (rd_kafka_t * rk, int timeout_ms),
	    (rk, timeout_ms))
STOP_BEFORE(rd_kafka_consumer_group_metadata_t *, rd_kafka_consumer_group_metadata,
	    (rd_kafka_t * rk), (rk))
STOP_BEFORE(rd_kafka_resp_err_t, rd_kafka_assign,
	    (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *partitions), (rk, partitions))
