/*
 * Stops a program (SIGSTOP) right before its Nth call of a function of librdkafka, and goes on with
 * the call when the program is continued. To be preloaded; STOP_AT is FUNCTION:N, as in
 * rd_kafka_commit_transaction:2.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <librdkafka/rdkafka.h>

static void pass(const char *function)
{
	static long n;
	const char *at = getenv("STOP_AT");
	size_t len = strlen(function);

	if (at && !strncmp(at, function, len) && at[len] == ':' &&
	    ++n == strtol(at + len + 1, NULL, 10))
		raise(SIGSTOP);
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
		typeof(function) *f = next(#function);     \
                                                           \
		pass(#function);                           \
		return f arguments;                        \
	}

STOP_BEFORE(int, rd_kafka_produce,
	    (rd_kafka_topic_t * topic, int32_t partition, int flags, void *value, size_t value_len,
	     const void *key, size_t key_len, void *opaque),
	    (topic, partition, flags, value, value_len, key, key_len, opaque))
STOP_BEFORE(rd_kafka_error_t *, rd_kafka_send_offsets_to_transaction,
	    (rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *offsets,
	     const rd_kafka_consumer_group_metadata_t *group, int timeout_ms),
	    (rk, offsets, group, timeout_ms))
STOP_BEFORE(rd_kafka_error_t *, rd_kafka_commit_transaction, (rd_kafka_t * rk, int timeout_ms),
	    (rk, timeout_ms))
