#include "lib/cli/kafka_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include "lib/cli/message.h"

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void read_properties(const struct program *p, const struct kafka_cli_options *o,
			    struct kafka_options *k)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < o->files.n; i++)
		if (kafka_add_file(k, o->files.items[i], &err)) {
			if (err.kind != ERROR_USAGE)
				message_die(&err);
			options_fail(p, "%s", err.what);
		}
	for (size_t i = 0; i < o->properties.n; i++)
		if (kafka_add_property(k, o->properties.items[i], "option '-X'", &err)) {
			if (err.kind != ERROR_USAGE)
				message_die(&err);
			options_fail(p, "option '-X': %s", err.what);
		}
}

/* librdkafka takes Kerberos where no mechanism is named, and then speaks of its keytab. */
static void check_sasl(const struct program *p, const struct kafka_options *k)
{
	static const char *const answers[] = {"sasl.mechanisms", "sasl.mechanism",
					      "sasl.kerberos.keytab", "sasl.kerberos.kinit.cmd"};
	const char *protocol = kafka_option(k, "security.protocol");

	if (!protocol || strncasecmp(protocol, "sasl", 4) != 0)
		return;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (kafka_option(k, answers[i]))
			return;
	options_fail(
		p,
		"property 'security.protocol' is '%s', but 'sasl.mechanisms' is not set, as to "
		"SCRAM-SHA-512, PLAIN or GSSAPI",
		protocol);
}

static const char *find_brokers(const struct kafka_cli_options *o, const struct kafka_options *k,
				const char **source)
{
	const char *brokers;

	*source = "option '-b'";
	if (o->brokers)
		return o->brokers;
	*source = "property 'bootstrap.servers'";
	if ((brokers = kafka_option(k, "bootstrap.servers")) ||
	    (brokers = kafka_option(k, "metadata.broker.list")))
		return brokers;
	*source = "KAFKA_BOOTSTRAP_SERVERS";
	if ((brokers = environment(*source)))
		return brokers;
	*source = "KAFKA_HOST";
	return environment(*source);
}

void kafka_cli_read(const struct program *p, const struct kafka_cli_options *o,
		    struct kafka_options *k)
{
	struct error err = ERROR_INIT;
	const char *source;

	read_properties(p, o, k);
	check_sasl(p, k);
	k->brokers = find_brokers(o, k, &source);
	if (!k->brokers)
		options_fail(p, "no brokers: give '-b HOST[:PORT]', or set KAFKA_BOOTSTRAP_SERVERS "
				"or KAFKA_HOST");
	if (kafka_address_check(k->brokers, &err))
		options_fail(p, "%s: %s", source, err.what);
}

int kafka_cli_timeout_ms(const struct kafka_cli_options *o)
{
	return (int)ceil(o->timeout_s * 1000);
}

/* What we tell ourselves, in our words. */
static bool is_told(const char *facility)
{
	static const char *const told[] = {"FAIL", "ERROR", "FATAL", "TXNERR"};

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (!strcmp(facility, told[i]))
			return true;
	return false;
}

void kafka_cli_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	if (level == LOG_DEBUG)
		message_note("librdkafka: %s: %s", facility, text);
	else if (level <= LOG_ERR && !is_told(facility))
		message_note("librdkafka: %s", text);
}
