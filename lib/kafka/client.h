/*
 * What all clients of Kafka share: librdkafka set up from a user's options, its errors in our
 * terms, its log given to the caller.
 *
 * Properties come, each over the one before, from: our defaults, the file (-F), -X, what the
 * program cannot work without (ERROR_USAGE when -X or the file say otherwise: "'enable.auto.commit'
 * must be false here: …").
 */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* Properties as a user gives them. */
struct kafka_property {
	char *name, *value;
	char *place; /* for messages: "option '-X'", "FILE:12" */
};

struct kafka_options {
	const char *brokers; /* -b; NULL: bootstrap.servers of a property, else none */
	struct kafka_property *properties;
	size_t n, cap;
};

#define KAFKA_OPTIONS_INIT      \
	{                       \
		.brokers = NULL \
	}

/* Adds NAME=VALUE. A leading "topic." is dropped, as kcat has it, unless it belongs to the name. */
int kafka_add_property(struct kafka_options *o, const char *text, const char *place,
		       struct error *err);

/* Adds all of a file of lines NAME=VALUE: blank ones and those that begin with '#' are none, and
 * white space around both is cut. Messages about a line begin with its place. */
int kafka_add_file(struct kafka_options *o, const char *path, struct error *err);

/* The value that the options give a property (the last one), or NULL. */
const char *kafka_option(const struct kafka_options *o, const char *name);

void kafka_options_release(struct kafka_options *o);

/*
 * Checks "HOST[:PORT][,...]": names, IPv4, IPv6 in brackets; a "PROTOCOL://" in front as
 * librdkafka takes it; port 1 to 65535. ERROR_USAGE names the part that is wrong.
 */
int kafka_address_check(const char *text, struct error *err);

/* A property that a program sets. */
struct kafka_setting {
	const char *name, *value;
	const char *why; /* not NULL: the user may not change it, because … */
};

/*
 * Our defaults, the user's options and the program's settings ({0} ends them) into a new
 * configuration; callbacks, their opaque and the log are the caller's to set. NULL with
 * ERROR_USAGE: a property that librdkafka does not know or a value it does not take, named with its
 * place. The signals of librdkafka's threads are blocked by librdkafka itself.
 */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_options *o, const struct kafka_setting *settings,
				struct error *err);

/*
 * The kind of failure that an error of librdkafka or a broker is, at the start of a program
 * (nothing done yet) or later. ERROR_UNAVAILABLE at the start and ERROR_RETRY later for what may
 * pass; ERROR_CONFIG for what will not by itself (authentication, authorization, TLS, an unknown
 * topic when topics are not made on request, an invalid setting); ERROR_DATA for a record that
 * the topic does not take (its size, its time, no key); ERROR_RETRY for being fenced.
 */
enum error_kind kafka_error_kind(rd_kafka_resp_err_t code, bool at_start);

/* error_set(err, kafka_error_kind(…), "FMT: TEXT"), the text librdkafka's own (rd_kafka_err2str)
 * or `reason` where it is not NULL. Returns -1. */
int kafka_error(struct error *err, rd_kafka_resp_err_t code, const char *reason, bool at_start,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * Waits until a broker answers a request for metadata, of one topic or (NULL) of none: at most
 * timeout_ms, and no longer than librdkafka needs to find out that the brokers refuse us
 * (authentication, TLS). The message names the brokers and the last reason that librdkafka gave,
 * ERROR_UNAVAILABLE. stop, when not NULL, is asked now and then: true ends the wait (ERROR_NONE,
 * -1).
 */
struct kafka_reach {
	int timeout_ms;
	const char *topic;
	bool (*stop)(void *context);
	void *context;
};
struct kafka_reasons; /* the last words of librdkafka's error callback, thread-safe */
int kafka_reach(rd_kafka_t *rk, const struct kafka_reach *r, struct kafka_reasons *reasons,
		const rd_kafka_metadata_t **metadata, struct error *err);

/* Kept by the error callback (rd_kafka_conf_set_error_cb), which a program points here. */
struct kafka_reasons *kafka_reasons_new(struct error *err);
void kafka_reasons_free(struct kafka_reasons *r);
void kafka_reasons_note(struct kafka_reasons *r, rd_kafka_resp_err_t code, const char *text);

/* The last reason, cut to size with its NUL: its code, or 0 with "" when there is none. That all
 * brokers are down replaces no other reason. */
rd_kafka_resp_err_t kafka_reasons_last(struct kafka_reasons *r, char *text, size_t size);

#endif
