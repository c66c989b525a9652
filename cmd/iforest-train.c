/* iforest-train: learns an isolation forest from records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/cli/batch_output.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/parse.h"
#include "lib/cli/progress.h"
#include "lib/cli/stream.h"
#include "lib/cli/train_rows.h"
#include "lib/model/model.h"

static struct {
	struct stream_options stream;
	const char *output, *time_field;
	struct train_rows_options rows;
	uint64_t trees, threads;
	int impute, scale;
	struct amount max_samples, max_features;
	bool summary;
	struct train_options train;
} opt = {
	.stream = STREAM_OPTIONS_INIT,
	.time_field = "timestamp",
	.rows = {.min_records = 1},
	.trees = 100,
	.threads = 1,
	.impute = IMPUTE_MEDIAN,
	.train = {.contamination_auto = true, .max_missing = 0.5},
};

static int parse_contamination(const char *text, void *dest, struct error *err)
{
	struct train_options *t = dest;
	const char *end = text + strlen(text);
	unsigned flags;

	t->contamination_auto = !strcmp(text, "auto");
	if (!t->contamination_auto && (number_read(text, end, &t->contamination, &flags) != end ||
				       !(t->contamination > 0 && t->contamination <= 0.5)))
		return error_set(err, ERROR_USAGE, "takes auto or a share in (0, 0.5], not '%s'",
				 text);
	return 0;
}

static const struct option_spec own_options[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.output,
	 .help = "write the model to FILE, put in its place when whole; default standard output"},
	{.name = "trees",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.trees,
	 .min = 1,
	 .max = 1000000,
	 .help = "number of trees, 1 to 1000000; default 100"},
	{.name = "max-samples",
	 .kind = OPTION_PARSE,
	 .arg = "N|SHARE|auto",
	 .dest = &opt.max_samples,
	 .parse = parse_amount,
	 .help = "sub-sample size: rows a tree, or a share of all (0.5); default auto, the smaller "
		 "of 256 and all"},
	{.name = "max-features",
	 .kind = OPTION_PARSE,
	 .arg = "N|SHARE|auto",
	 .dest = &opt.max_features,
	 .parse = parse_amount,
	 .help = "features a tree may use, or a share of all (0.5); default auto, all"},
	{.name = "contamination",
	 .kind = OPTION_PARSE,
	 .arg = "SHARE|auto",
	 .dest = &opt.train,
	 .parse = parse_contamination,
	 .help = "share of training rows past the threshold, in (0, 0.5]; default auto, a "
		 "threshold of s = 0.5"},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.rows.seed,
	 .min = 0,
	 .max = 9007199254740992.0,
	 .help = "seed of all random choices; default 0"},
	{.name = "features",
	 .kind = OPTION_STRING,
	 .arg = "PATTERN,...",
	 .dest = &opt.rows.features,
	 .help = "fields to learn from, * for any run within a name; default: the numeric ones"},
	{.name = "by",
	 .kind = OPTION_STRING,
	 .arg = "PATH",
	 .dest = &opt.rows.by,
	 .help = "learn a forest for each value of this field, too, for records that have it"},
	{.name = "time-field",
	 .kind = OPTION_STRING,
	 .arg = "PATH",
	 .dest = &opt.time_field,
	 .help = "the field that is time and no feature; default timestamp"},
	{.name = "impute",
	 .kind = OPTION_CHOICE,
	 .arg = "HOW",
	 .dest = &opt.impute,
	 .choices = impute_names,
	 .help = "fill missing values with the median or mean of their column, or let trees decide "
		 "(none); default median"},
	{.name = "scale",
	 .kind = OPTION_CHOICE,
	 .arg = "HOW",
	 .dest = &opt.scale,
	 .choices = scaling_names,
	 .help = "scale columns: none, standard (mean, standard deviation) or robust (median, "
		 "interquartile range); default none"},
	{.name = "max-missing",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .dest = &opt.train.max_missing,
	 .min = 0,
	 .max = 1,
	 .help = "do not learn from records that lack more than this share of the features, 0 to "
		 "1; default 0.5"},
	{.name = "absent-as-missing",
	 .kind = OPTION_FLAG,
	 .dest = &opt.rows.absent_as_missing,
	 .help = "take absent fields as missing; default: they make a bad record"},
	{.name = "reservoir",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.rows.reservoir,
	 .min = 1,
	 .max = 4294967295.0,
	 .help = "learn from a uniform sample of N records, for input larger than memory"},
	{.name = "memory",
	 .kind = OPTION_PARSE,
	 .arg = "SIZE",
	 .dest = &opt.rows.memory,
	 .parse = parse_size,
	 .help = "stop with 69 when the rows need more than SIZE (512M, 2G); default three "
		 "quarters of the machine's"},
	{.name = "min-records",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.rows.min_records,
	 .min = 1,
	 .max = 9007199254740992.0,
	 .help = "stop with 65 when fewer records came; default 1"},
	{.letter = 'j',
	 .name = "threads",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.threads,
	 .min = 1,
	 .max = 256,
	 .help = "work with N threads, 1 to 256; the model is the same; default 1"},
	{.name = "summary",
	 .kind = OPTION_FLAG,
	 .dest = &opt.summary,
	 .help = "print what was learned (on standard error if the model goes to standard output)"},
	{0},
};

static const struct option_spec stream_options[] = {STREAM_OPTIONS(opt.stream), {0}};

static const struct program program = {
	.name = "iforest-train",
	.summary = "learn an isolation forest from records",
	.operands = "[FILE ...]",
	.example = "iforest-train --contamination 0.1 --seed 42 -o secom.model secom.jsonl\n"
		   "iforest-train --features 'features.*,temperature' -o m.model day.csv\n"
		   "iforest-train --by zone -o city.model week.jsonl\n",
	.groups =
		(const struct option_group[]){{NULL, own_options}, {"Input", stream_options}, {0}},
};

/* "a, b, c and 471 more" */
static void say_list(const char *what, char *const *items, size_t n)
{
	char text[256] = "";
	size_t len = 0, i = 0;

	for (; i < n && i < 5 && len + strlen(items[i]) + 2 < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
					items[i]);
	if (i < n)
		message_note("%s: %s and %zu more", what, text, n - i);
	else
		message_note("%s: %s", what, text);
}

static void say_progress(void *context, const char *stage, double share)
{
	if (share < 1)
		progress_stage(context, stage, share);
	else
		progress_clear(context);
}

static void summarise(const struct model *m, const struct train_result *result, int fd)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	if (model_summary(m, result, &b, &err))
		message_die(&err);
	if (file_write_all(fd, b.data, b.len, &err)) {
		error_prefix(&err, "summary");
		message_die(&err);
	}
	buf_release(&b);
}

static void train_groups(struct model *m, struct train_rows *rows)
{
	struct error err = ERROR_INIT;
	size_t n_small;

	if (model_train_groups(m, &opt.train, rows->kept.x, rows->kept.n,
			       (const char *const *)rows->features.names, rows->features.n,
			       rows->kept.group, &rows->groups.ids, opt.rows.by, &n_small, &err))
		message_die(&err);
	if (n_small)
		message_note(
			"by '%s': %zu forests; %zu values have the common one, with fewer than %d "
			"records or none that vary",
			opt.rows.by, m->group_ids.n, n_small, MODEL_GROUP_ROWS_MIN);
	else
		message_note("by '%s': %zu forests", opt.rows.by, m->group_ids.n);
}

static struct model *train(struct train_rows *rows, struct train_result *result)
{
	struct error err = ERROR_INIT;
	struct progress progress;
	struct model *m;

	opt.train.max_samples = opt.max_samples.value;
	opt.train.max_samples_share = opt.max_samples.share;
	opt.train.max_features = opt.max_features.value;
	opt.train.max_features_share = opt.max_features.share;
	opt.train.n_trees = (uint32_t)opt.trees;
	opt.train.impute = (enum impute)opt.impute;
	opt.train.scaling = (enum scaling)opt.scale;
	opt.train.seed = opt.rows.seed;
	opt.train.n_threads = (unsigned)opt.threads;
	progress_init(&progress, opt.stream.progress);
	opt.train.progress = say_progress;
	opt.train.progress_context = &progress;
	m = model_train(&opt.train, rows->kept.x, rows->kept.n,
			(const char *const *)rows->features.names, rows->features.n, result, &err);
	if (!m)
		message_die(&err);
	m->n_rows_seen = rows->kept.seen;
	if (opt.rows.by)
		train_groups(m, rows);
	return m;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct batch_output out;
	struct train_rows rows;
	struct train_result result;

	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);
	bool to_stdout = !opt.output || !strcmp(opt.output, "-");
	if (to_stdout && isatty(STDOUT_FILENO))
		options_fail(&program, "a model is no text for a terminal: name a file with -o");
	struct choice choice = {0};
	struct fields *fields = fields_new(&err);
	/* What tells groups apart is no feature, unless it was named. */
	if (feature_rule_init(&choice.rule, opt.rows.features, opt.time_field, opt.rows.by, &err))
		options_fail(&program, "option '--features': %s", err.what);
	const struct overwrite_output outputs[] = {{"--output", opt.output}, {NULL, NULL}};
	if (overwrite_check_stream(argv + first, &opt.stream, outputs, &err))
		options_fail(&program, "%s", err.what);
	/* Nothing is written before the end: a signal meanwhile may end the program at once. */
	if (!fields || batch_output_begin(&out, opt.output, &err) || batch_output_wait(&out, &err))
		message_die(&err);

	struct records *records = records_open(&program, &opt.stream, argv + first, fields);
	train_rows_read(&rows, &opt.rows, records, fields, &choice);
	records_close(records);
	struct model *m = train(&rows, &result);

	say_list("features", choice.names, choice.n);
	if (m->n_left_out)
		say_list("left out", m->left_out, m->n_left_out);
	if (model_encode(m, &out.buf, &err) || batch_output_commit(&out, &err))
		message_die(&err);
	if (opt.summary)
		summarise(m, &result, to_stdout ? STDERR_FILENO : STDOUT_FILENO);

	model_free(m);
	train_rows_release(&rows);
	choice_release(&choice);
	feature_rule_release(&choice.rule);
	fields_free(fields);
	return 0;
}
