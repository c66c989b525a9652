/* record-replay: records again, at a rate or as they came, as often as wanted. */
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/number.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/replay.h"

static struct replay_options opt = {
	.filter = FILTER_OPTIONS_INIT, .passes = 1, .time = TIME_OPTIONS_INIT};

static int parse_speed(const char *text, void *dest, struct error *err)
{
	size_t len = strlen(text);
	const char *end = text + len - (len && text[len - 1] == 'x');
	double *speed = dest;
	unsigned flags;

	if (number_read(text, end, speed, &flags) != end || !(*speed > 0) || isinf(*speed))
		return error_set(err, ERROR_USAGE, "takes a number above 0, as in 60x, not '%s'",
				 text);
	return 0;
}

static int parse_repeat(const char *text, void *dest, struct error *err)
{
	int64_t n = 0;

	if (text && (number_read_int(text, text + strlen(text), &n) || n < 1))
		return error_set(err, ERROR_USAGE, "takes a whole number of at least 1, not '%s'",
				 text);
	*(uint64_t *)dest = text ? (uint64_t)n : REPLAY_FOR_EVER;
	return 0;
}

static const struct option_spec own_options[] = {
	{.name = "rate",
	 .kind = OPTION_REAL,
	 .arg = "N",
	 .dest = &opt.rate_hz,
	 .min = 0,
	 .max = INFINITY,
	 .min_open = true,
	 .help = "records a second, above 0; default: as fast as they are read"},
	{.name = "speed",
	 .kind = OPTION_PARSE,
	 .arg = "FACTOR",
	 .dest = &opt.speed,
	 .parse = parse_speed,
	 .help = "as far apart as their times are, FACTOR times as fast (60x), above 0"},
	{.name = "repeat",
	 .kind = OPTION_PARSE,
	 .arg = "N",
	 .optional = true,
	 .dest = &opt.passes,
	 .parse = parse_repeat,
	 .help = "replay the input N times in all, from 1; without N for ever; files only"},
	{.name = "count",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.count,
	 .min = 1,
	 .max = INFINITY,
	 .help = "end after N records, from 1; default: at the end of input"},
	{.name = "restamp",
	 .kind = OPTION_FLAG,
	 .dest = &opt.restamp,
	 .help = "set the time of each record to now, text or number as it was"},
	{.name = "stamp",
	 .kind = OPTION_STRING,
	 .arg = "NAME",
	 .dest = &opt.stamp,
	 .help = "add a field of this name with the time of writing, or replace it"},
	TIME_OPTIONS(opt.time),
	{0},
};

static const struct option_spec stream_options[] = {
	STREAM_OPTIONS(opt.filter.stream),
	FILTER_OUTPUT_OPTIONS(opt.filter),
	FILTER_FILE_OPTION(opt.filter),
	{0},
};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Input and output", stream_options},
	{0},
};

static const struct program program = {
	.name = "record-replay",
	.summary = "write records again, at a rate or by their times",
	.operands = "[FILE ...]",
	.details = "Writes each record as it came, when it is due.",
	.example = "record-replay --rate 200 --repeat --count 5000 secom.jsonl\n"
		   "record-replay --speed 60x --restamp --stamp producer_timestamp day.csv\n",
	.groups = groups,
};

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	if (opt.rate_hz > 0 && opt.speed > 0)
		options_fail(&program, "'--rate' and '--speed' exclude each other");
	const char *n = argv[first];
	if (opt.passes == REPLAY_FOR_EVER && n && *n && !n[strspn(n, "0123456789")] &&
	    access(n, F_OK))
		options_fail(&program, "'--repeat' takes its number as '--repeat=%s'", n);
	return replay_run(&program, &opt, argv + first);
}
