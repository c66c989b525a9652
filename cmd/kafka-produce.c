/* kafka-produce: records into a topic of Kafka, all of them acknowledged, or exactly once. */
#include <math.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/produce.h"

static struct produce_options opt = {
	.stream = STREAM_OPTIONS_INIT,
	.kafka = KAFKA_CLI_OPTIONS_INIT,
	.partition = PRODUCE_ANY_PARTITION,
	.commit_interval_ns = NS_PER_SECOND,
};

static const char *const codecs[] = {"zstd", "gzip", "lz4", "snappy", "none", NULL};
static int codec;

static int parse_partitioner(const char *text, void *dest, struct error *err)
{
	static const char *const names[] = {"murmur2_random", "murmur2",      "consistent_random",
					    "consistent",     "fnv1a_random", "fnv1a",
					    "random"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i])) {
			*(const char **)dest = names[i];
			return 0;
		}
	return error_set(err, ERROR_USAGE,
			 "takes murmur2, consistent or fnv1a, with _random behind it or not, or "
			 "random, not '%s'",
			 text);
}

/* "6:3"; dest is &opt. */
static int parse_creation(const char *text, void *dest, struct error *err)
{
	struct produce_options *o = dest;
	const char *colon = strchr(text, ':');
	int64_t partitions, replication;

	if (!colon || number_read_int(text, colon, &partitions) ||
	    number_read_int(colon + 1, colon + strlen(colon), &replication) || partitions < 1 ||
	    partitions > 100000 || replication < 1 || replication > 1000)
		return error_set(err, ERROR_USAGE,
				 "takes PARTITIONS:REPLICATION, as in 6:3, not '%s'", text);
	o->create_partitions = (int)partitions;
	o->create_replication = (int)replication;
	return 0;
}

static const struct option_spec own_options[] = {
	KAFKA_OPTIONS(opt.kafka),
	{.letter = 't',
	 .name = "topic",
	 .kind = OPTION_STRING,
	 .arg = "TOPIC",
	 .dest = &opt.topic,
	 .help = "produce to TOPIC; must be given"},
	{.name = "create-topic",
	 .kind = OPTION_PARSE,
	 .arg = "N:M",
	 .dest = &opt,
	 .parse = parse_creation,
	 .help = "make it with N partitions and M replicas, if need be"},
	{.letter = 'z',
	 .name = "compression",
	 .kind = OPTION_CHOICE,
	 .dest = &codec,
	 .choices = codecs,
	 .help = "compress batches; default zstd"},
	{.letter = 'c',
	 .name = "count",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.count,
	 .min = 1,
	 .max = INFINITY,
	 .help = "end after N records, from 1; default: all"},
	{.name = "unsent",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.unsent,
	 .help = "append records that were not acknowledged to FILE"},
	{0},
};

static const struct option_spec message_options[] = {
	{.name = "key",
	 .kind = OPTION_STRING,
	 .arg = "PATH,...",
	 .dest = &opt.outgoing.key_fields,
	 .help = "key of these fields; default _kafka.key, if any"},
	{.name = "key-format",
	 .kind = OPTION_STRING,
	 .arg = "TEXT",
	 .dest = &opt.outgoing.key_format,
	 .help = "key as in 'sample_%{sample_id}'"},
	{.letter = 'k',
	 .name = "key-text",
	 .kind = OPTION_STRING,
	 .arg = "KEY",
	 .dest = &opt.outgoing.key_text,
	 .help = "the same key for all messages"},
	{.letter = 'p',
	 .name = "partition",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.partition,
	 .max = INT32_MAX,
	 .help = "to partition N, from 0; default: by the partitioner"},
	{.name = "partitioner",
	 .kind = OPTION_PARSE,
	 .arg = "NAME",
	 .dest = &opt.partitioner,
	 .parse = parse_partitioner,
	 .help = "how keys choose partitions; default murmur2_random"},
	{.letter = 'H',
	 .name = "header",
	 .kind = OPTION_LIST,
	 .arg = "NAME=TEXT",
	 .dest = &opt.headers,
	 .help = "add a header; again for more; default _kafka.headers"},
	{.name = "value",
	 .kind = OPTION_STRING,
	 .arg = "PATH",
	 .dest = &opt.outgoing.value,
	 .help = "this field alone; default: the record less _kafka"},
	{.letter = 'Z',
	 .name = "tombstones",
	 .kind = OPTION_FLAG,
	 .dest = &opt.outgoing.tombstones,
	 .help = "_kafka alone, or null, makes a message without value"},
	{.name = "timestamp-field",
	 .kind = OPTION_STRING,
	 .arg = "PATH",
	 .dest = &opt.time.field,
	 .help = "time of the message; default: when it is produced"},
	TIME_READING_OPTIONS(opt.time),
	{0},
};

static const struct option_spec transaction_options[] = {
	{.name = "transactional-id",
	 .kind = OPTION_STRING,
	 .arg = "ID",
	 .dest = &opt.transactional_id,
	 .help = "commit at the marks of kafka-consume, exactly once"},
	{.name = "commit-interval",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.commit_interval_ns,
	 .min_open = true,
	 .max = 86400,
	 .help = "commit other input so often, as in 500ms; default 1s"},
	{0},
};

static const struct option_spec stream_options[] = {STREAM_OPTIONS(opt.stream), {0}};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Messages", message_options},
	{"Transactions", transaction_options},
	{"Input", stream_options},
	{0},
};

static const struct program program = {
	.name = "kafka-produce",
	.summary = "produce records to a Kafka topic",
	.operands = "[FILE ...]",
	.details = "Each record is a message. Ends with 0 only if brokers have acknowledged all.",
	.example = "kafka-produce -b localhost -t raw --key-format 'sample_%{id}' day.jsonl\n"
		   "kafka-consume -G scorers raw | anomaly-score -m a.model |\n"
		   "    kafka-produce -t scored --transactional-id scorer-1\n",
	.groups = groups,
};

static void check_options(void)
{
	const struct outgoing_options *g = &opt.outgoing;

	if (!opt.topic || !*opt.topic)
		options_fail(&program, "no topic: give '-t TOPIC'");
	if (!!g->key_fields + !!g->key_format + !!g->key_text > 1)
		options_fail(&program, "'--key', '--key-format' and '-k' exclude each other");
	if (opt.transactional_id && !*opt.transactional_id)
		options_fail(&program, "option '--transactional-id': it is empty");
	if (opt.transactional_id && opt.unsent)
		options_fail(&program, "'--unsent' is not for transactions: what is not committed "
				       "is aborted, and not in the topic");
}

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	check_options();
	opt.compression = codecs[codec];
	return produce_run(&program, &opt, argv + first);
}
