/*
 * How programs are told where Kafka is and how to speak to it; the same in all of them. And what
 * librdkafka says, in our words.
 */
#ifndef CLI_KAFKA_OPTIONS_H
#define CLI_KAFKA_OPTIONS_H

#include "lib/cli/options.h"
#include "lib/kafka/client.h"

struct kafka_cli_options {
	const char *brokers;
	struct option_list properties, files;
	double timeout_s;
};

#define KAFKA_CLI_OPTIONS_INIT   \
	{                        \
		.timeout_s = 30, \
	}

/* The rows of the option table; o is a struct kafka_cli_options with static storage. */
#define KAFKA_OPTIONS(o)                                                                          \
	{.letter = 'b',                                                                           \
	 .name = "brokers",                                                                       \
	 .kind = OPTION_STRING,                                                                   \
	 .arg = "HOST,...",                                                                       \
	 .dest = &(o).brokers,                                                                    \
	 .help = "brokers; default KAFKA_BOOTSTRAP_SERVERS, KAFKA_HOST"},                         \
		{.letter = 'X',                                                                   \
		 .name = "property",                                                              \
		 .kind = OPTION_LIST,                                                             \
		 .arg = "NAME=VALUE",                                                             \
		 .dest = &(o).properties,                                                         \
		 .help = "set a property of librdkafka; may be given again"},                     \
		{.letter = 'F',                                                                   \
		 .name = "config",                                                                \
		 .kind = OPTION_LIST,                                                             \
		 .arg = "FILE",                                                                   \
		 .dest = &(o).files,                                                              \
		 .help = "read properties from FILE; may be given again"},                        \
	{                                                                                         \
		.name = "timeout", .kind = OPTION_REAL, .arg = "SECONDS", .dest = &(o).timeout_s, \
		.min = 0, .max = 86400, .min_open = true,                                         \
		.help = "for a broker at the start, up to 86400; default 30"                      \
	}

/*
 * Reads what was given into k (released by the caller; its brokers point into argv, the environment
 * or k itself): the files, then the properties. Brokers come from -b, else the property
 * bootstrap.servers, else KAFKA_BOOTSTRAP_SERVERS, else KAFKA_HOST. Exits with 64 when that is
 * wrong or says nothing of brokers, with 66 when a file cannot be read.
 */
void kafka_cli_read(const struct program *p, const struct kafka_cli_options *o,
		    struct kafka_options *k);

/* timeout_s in milliseconds. */
int kafka_cli_timeout_ms(const struct kafka_cli_options *o);

/* For rd_kafka_conf_set_log_cb: errors and worse as notes, and all that the property debug asks
 * for. Failures of connections and transactions are left out: other calls tell of them. Any thread.
 */
void kafka_cli_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);

#endif
