/* window-agg: records into windows of event time, one record a window and key. */
#include <math.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/window.h"

static struct window_options opt = {
	.stream = STREAM_OPTIONS_INIT,
	.time = TIME_OPTIONS_INIT,
	.max_ahead_ns = 3600 * NS_PER_SECOND,
	.max_keys = WINDOW_MAX_KEYS,
};

static const struct option_spec own_options[] = {
	{.name = "key",
	 .kind = OPTION_STRING,
	 .arg = "PATH,...",
	 .dest = &opt.key,
	 .help = "windows for each value of these; default: for all"},
	{.name = "window",
	 .kind = OPTION_LIST,
	 .arg = "SIZE[/SLIDE]",
	 .dest = &opt.windows,
	 .help = "windows of this length (5m/1m); again for more"},
	{.name = "slide",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.slide_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "a window each TIME; default: one behind the other"},
	{.name = "session",
	 .kind = OPTION_DURATION,
	 .arg = "GAP",
	 .dest = &opt.session_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "windows that end when a key is silent for GAP"},
	{.name = "agg",
	 .kind = OPTION_LIST,
	 .arg = "FIELD:OP,...",
	 .dest = &opt.aggregates,
	 .help = "count sum mean min max range stddev first last pN; or 'count'"},
	{.name = "absent-as-missing",
	 .kind = OPTION_FLAG,
	 .dest = &opt.absent_as_missing,
	 .help = "an absent field is missing; default: a bad record"},
	{0},
};

static const struct option_spec time_options[] = {
	{.name = "lateness",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.lateness_ns,
	 .max = INFINITY,
	 .help = "how far records may be behind the newest; default 0"},
	{.name = "max-ahead",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.max_ahead_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "hold records further ahead alone; default 1h"},
	{.name = "early",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.early_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "write updates of open windows each TIME"},
	{.name = "late",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.late,
	 .help = "append late records to FILE; default: count them"},
	{.name = "single",
	 .kind = OPTION_FLAG,
	 .dest = &opt.single,
	 .help = "keys span partitions: the slowest one counts"},
	{.name = "idle",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.idle_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "with --single: wait no longer for a partition"},
	TIME_OPTIONS(opt.time),
	{0},
};

static const struct option_spec end_options[] = {
	{.name = "flush",
	 .kind = OPTION_FLAG,
	 .dest = &opt.flush,
	 .help = "close all windows at the end; default without control records"},
	{.name = "hold",
	 .kind = OPTION_FLAG,
	 .dest = &opt.hold,
	 .help = "do not close them; default with control records"},
	{.name = "state",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.state,
	 .help = "go on from FILE, and leave the state there"},
	{.name = "max-keys",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.max_keys,
	 .min = 1,
	 .max = INFINITY,
	 .help = "fail at more keys at once, from 1; default 1000000"},
	{0},
};

static const struct option_spec stream_options[] = {
	STREAM_OPTIONS(opt.stream),
	{.name = "to",
	 .kind = OPTION_CHOICE,
	 .dest = &opt.to,
	 .choices = stream_formats,
	 .help = "output is auto (as the input), json or csv; default auto"},
	{0},
};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Time", time_options},
	{"State", end_options},
	{"Input and output", stream_options},
	{0},
};

static const struct program program = {
	.name = "window-agg",
	.summary = "aggregate records over windows of event time",
	.operands = "[FILE ...]",
	.details = "Writes a record for each window and key when the watermark has passed its end.",
	.example = "window-agg --key zone --window 60s --agg temperature:mean,max day.jsonl\n"
		   "window-agg --key zone --window 5m --slide 1m --lateness 30s \\\n"
		   "  --agg 'is_anomaly:sum as anomaly_count' scored.jsonl\n",
	.groups = groups,
};

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	return window_run(&program, &opt, argv + first);
}
