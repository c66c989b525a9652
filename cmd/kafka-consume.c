/* kafka-consume: messages of Kafka as records, with marks by which a sink commits them. */
#include <math.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/cli/consume.h"
#include "lib/cli/kafka_options.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"

static const char *const lost_choices[] = {"exit", "reset", NULL};

static struct consume_options o = {
	.kafka = KAFKA_CLI_OPTIONS_INIT,
	.stream = STREAM_OPTIONS_INIT,
	.from = {.kind = START_BEGINNING},
	.on_lost = -1,
	.mark_interval_ms = 100,
	.drain_s = 60,
};

static int parse_from(const char *text, void *dest, struct error *err)
{
	return start_offset_parse(dest, text, err);
}

/* N[,N...], added to what was given before. */
static int parse_partitions(const char *text, void *dest, struct error *err)
{
	struct consume_partitions *p = dest;

	for (const char *end;; text = end + 1) {
		int64_t n;
		end = text + strcspn(text, ",");
		if (number_read_int(text, end, &n) || n < 0 || n > INT32_MAX)
			return error_set(err, ERROR_USAGE, "takes numbers of partitions, not '%s'",
					 text);
		if (MEM_GROW(&p->items, &p->cap, p->n + 1, err))
			return -1;
		p->items[p->n++] = (int32_t)n;
		if (!*end)
			return 0;
	}
}

static const struct option_spec source_options[] = {
	KAFKA_OPTIONS(o.kafka),
	{.letter = 't',
	 .name = "topic",
	 .kind = OPTION_LIST,
	 .arg = "TOPIC",
	 .dest = &o.topics,
	 .help = "read TOPIC, or all that match ^REGEX; may be given again, and as operands"},
	{.letter = 'G',
	 .name = "group",
	 .kind = OPTION_STRING,
	 .arg = "GROUP",
	 .dest = &o.group,
	 .help = "read as a member of GROUP, from where it left off"},
	{.letter = 'p',
	 .name = "partition",
	 .kind = OPTION_PARSE,
	 .arg = "N,...",
	 .dest = &o.partitions,
	 .parse = parse_partitions,
	 .help = "without -G: read these partitions only, from 0; default: all"},
	{.letter = 'o',
	 .name = "from-offset",
	 .kind = OPTION_PARSE,
	 .arg = "OFFSET",
	 .dest = &o.from,
	 .parse = parse_from,
	 .help = "begin at beginning, end, stored, N, -N (the last N), s@TIME; in a group only "
		 "where nothing is stored; default beginning"},
	{.letter = 'e',
	 .name = "exit",
	 .kind = OPTION_FLAG,
	 .dest = &o.exit_at_end,
	 .help = "end when the end of all partitions was reached"},
	{.letter = 'c',
	 .name = "count",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &o.count,
	 .min = 1,
	 .max = INFINITY,
	 .help = "end after N messages, from 1"},
	{0},
};

static const struct option_spec group_options[] = {
	{.name = "commit-on-write",
	 .kind = OPTION_FLAG,
	 .dest = &o.commit_on_write,
	 .help = "no marks: commit what is written to standard output, whatever becomes of it"},
	{.name = "offsets-from",
	 .kind = OPTION_STRING,
	 .arg = "COMMAND",
	 .dest = &o.offsets_from,
	 .help = "ask COMMAND for offsets instead of the group, as kafka-consume(1) tells"},
	{.name = "on-lost",
	 .kind = OPTION_CHOICE,
	 .dest = &o.on_lost,
	 .choices = lost_choices,
	 .help = "when partitions are taken before all is committed: exit with 75, or reset: tell "
		 "the sink and go on; default exit"},
	{.name = "instance",
	 .kind = OPTION_STRING,
	 .arg = "ID",
	 .dest = &o.instance,
	 .help = "static member ID of the group, which restarts without a rebalance"},
	{.name = "mark-interval",
	 .kind = OPTION_COUNT,
	 .arg = "MS",
	 .dest = &o.mark_interval_ms,
	 .min = 1,
	 .max = 60000,
	 .help = "milliseconds between marks, 1 to 60000; default 100"},
	{.name = "drain-timeout",
	 .kind = OPTION_REAL,
	 .arg = "SECONDS",
	 .dest = &o.drain_s,
	 .min = 0,
	 .max = 3600,
	 .min_open = true,
	 .help = "how long to wait for commits before partitions go, up to 3600; default 60"},
	{0},
};

static const struct option_spec record_options[] = {
	{.letter = 'Z',
	 .name = "tombstones",
	 .kind = OPTION_FLAG,
	 .dest = &o.tombstones,
	 .help = "let messages without a value pass, as records with nothing but _kafka"},
	{.name = "no-provenance",
	 .kind = OPTION_FLAG,
	 .dest = &o.no_provenance,
	 .help = "leave off _kafka and marks"},
	{.name = "rejects",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &o.stream.rejects,
	 .help = "append bad records to FILE with the reason and go on; default: stop with 65"},
	{.name = "max-rejects",
	 .kind = OPTION_STRING,
	 .arg = "N|SHARE",
	 .dest = &o.stream.max_rejects,
	 .help = "stop with 65 past N bad records, or past a share of all (0.01)"},
	{.name = "metrics",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &o.stream.metrics,
	 .help = "keep counters in FILE as Prometheus text, replaced atomically"},
	{.letter = 'q',
	 .name = "quiet",
	 .kind = OPTION_FLAG,
	 .dest = &o.quiet,
	 .help = "say nothing on standard error but why it fails"},
	{0},
};

static const struct option_group groups[] = {
	{NULL, source_options},
	{"Groups", group_options},
	{"Records", record_options},
	{0},
};

static const struct program program = {
	.name = "kafka-consume",
	.summary = "read records from Kafka",
	.operands = "[TOPIC ...]",
	.details =
		"Writes the values of messages, which must be records, as lines, with where they "
		"came from in _kafka. In a group marks between them tell a sink what to commit.",
	.example = "kafka-consume -b broker:9092 -t scored -o beginning -e | anomaly-eval\n"
		   "kafka-consume -b broker:9092 -G scorers sensor-data |\n"
		   "  anomaly-score -m m | kafka-produce -t scored --transactional-id scorer-1\n",
	.groups = groups,
};

static void check(char *const *operands)
{
	if (!o.topics.n && !*operands)
		options_fail(&program, "no topic: give '-t TOPIC'");
	if (o.group && o.partitions.n)
		options_fail(&program, "'-p' and '-G' exclude each other: the group chooses");
	if (o.group && !*o.group)
		options_fail(&program, "option '-G': the name is empty");
	if (o.group && o.no_provenance && !o.commit_on_write)
		options_fail(&program,
			     "'--no-provenance' leaves off the marks by which what is read "
			     "in a group is committed; '--commit-on-write' commits without");
	if (o.commit_on_write && o.offsets_from)
		options_fail(&program,
			     "'--commit-on-write' and '--offsets-from' exclude each other");
	if (!o.group && o.from.kind == START_STORED)
		options_fail(&program, "'--from-offset stored' needs a group, '-G'");
	if (!o.group && (o.commit_on_write || o.offsets_from || o.instance || o.on_lost >= 0))
		options_fail(&program, "%s needs a group, '-G'",
			     o.commit_on_write ? "'--commit-on-write'"
			     : o.offsets_from  ? "'--offsets-from'"
			     : o.instance      ? "'--instance'"
					       : "'--on-lost'");
	if (o.on_lost < 0)
		o.on_lost = CONSUME_EXIT;
}

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	check(argv + first);
	return consume_run(&program, &o, argv + first);
}
