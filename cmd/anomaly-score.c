/* anomaly-score: judges records by a model, by rules, or by both, and writes them with the verdict.
 */
#include <math.h>
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/score.h"

static struct score_options opt = SCORE_OPTIONS_INIT;

static const struct option_spec own_options[] = {
	{.letter = 'm',
	 .name = "model",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.model,
	 .help = "the model to judge by, as iforest-train writes it"},
	{.name = "rules",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.rules,
	 .help = "rules to judge by, sensor-rules(5)"},
	{.name = "score",
	 .kind = OPTION_CHOICE,
	 .arg = "KIND",
	 .dest = &opt.score,
	 .choices = score_kinds,
	 .help = "anomaly_score is s in (0, 1], or scikit-learn's decision function; default "
		 "paper"},
	{.name = "max-missing",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .dest = &opt.max_missing,
	 .min = 0,
	 .max = 1,
	 .help = "features a record may lack, 0 to 1; default 0.5"},
	{.name = "absent-as-missing",
	 .kind = OPTION_FLAG,
	 .dest = &opt.absent_as_missing,
	 .help = "take absent fields as missing; default: bad record"},
	{.name = "only-anomalies",
	 .kind = OPTION_FLAG,
	 .dest = &opt.only_anomalies,
	 .help = "write anomalous records only"},
	{.name = "as",
	 .kind = OPTION_STRING,
	 .arg = "NAME",
	 .dest = &opt.as,
	 .help = "put the verdict into an object of this name"},
	{.name = "stamp",
	 .kind = OPTION_FLAG,
	 .dest = &opt.stamp,
	 .help = "add scored_at, the time of scoring"},
	{.name = "truth",
	 .kind = OPTION_STRING,
	 .arg = "FIELD",
	 .dest = &opt.truth,
	 .help = "this field holds the truth: move it to label"},
	{.name = "overwrite",
	 .kind = OPTION_FLAG,
	 .dest = &opt.overwrite,
	 .help = "replace an is_anomaly that no model wrote"},
	{.name = "watch",
	 .kind = OPTION_FLAG,
	 .dest = &opt.watch,
	 .help = "load again what is replaced, as SIGHUP does"},
	{.name = "describe",
	 .kind = OPTION_FLAG,
	 .dest = &opt.describe,
	 .help = "print what model and rules are, and end"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .dest = &opt.json,
	 .help = "with --describe: as JSON, one object each"},
	{0},
};

static const struct option_spec series_options[] = {
	{.name = "key",
	 .kind = OPTION_STRING,
	 .arg = "PATH,...",
	 .dest = &opt.key,
	 .help = "fields that name a series; default: as in the rules"},
	TIME_OPTIONS(opt.time),
	{.name = "max-keys",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.max_keys,
	 .min = 1,
	 .max = 4294967295.0,
	 .help = "stop with 69 past N series; default 100000"},
	{.name = "idle",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.idle_ns,
	 .min_open = true,
	 .max = INFINITY,
	 .help = "longest pause within a series (90s); default 1h"},
	{.name = "forget",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.forget,
	 .min = 1,
	 .max = 9007199254740992.0,
	 .help = "drop a series after N others; default 1000000"},
	{0},
};

static const struct option_spec stream_options[] = {
	STREAM_OPTIONS(opt.filter.stream),
	FILTER_OPTIONS(opt.filter),
	{0},
};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Rules that follow a series", series_options},
	{"Input and output", stream_options},
	{0},
};

static const struct program program = {
	.name = "anomaly-score",
	.summary = "judge records by a model, by rules, or by both",
	.operands = "[FILE ...]",
	.details = "Writes each record as it came, with anomaly_score, is_anomaly, severity and "
		   "more behind its fields.",
	.example = "anomaly-score -m secom.model secom.jsonl > scored.jsonl\n"
		   "anomaly-score -m city.model --rules city.json < city.jsonl\n"
		   "anomaly-score -m secom.model --describe\n",
	.groups = groups,
};

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	if (opt.describe)
		return score_describe(&program, &opt);
	return score_run(&program, &opt, argv + first);
}
