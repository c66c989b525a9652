/* anomaly-score: judges records by a model, and writes them with the verdict. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"
#include "lib/cli/filter.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/model/model.h"
#include "lib/model/row.h"
#include "lib/model/scorer.h"

#define WATCH_MS 1000

static const char *const score_kinds[] = {"paper", "decision", NULL};
enum { SCORE_PAPER, SCORE_DECISION };

static struct {
	struct filter_options filter;
	const char *model, *as, *truth;
	double max_missing;
	int score;
	bool absent_as_missing, overwrite, only_anomalies, stamp, watch, describe, json;
} opt = {.filter = FILTER_OPTIONS_INIT, .max_missing = 0.5};

static const struct option_spec own_options[] = {
	{.letter = 'm',
	 .name = "model",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.model,
	 .help = "the model to judge by, as iforest-train writes it"},
	{.name = "score",
	 .kind = OPTION_CHOICE,
	 .arg = "KIND",
	 .dest = &opt.score,
	 .choices = score_kinds,
	 .help = "anomaly_score is the paper's s in (0, 1], or scikit-learn's decision function "
		 "(below 0: anomalous); paper or decision, default paper"},
	{.name = "max-missing",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .dest = &opt.max_missing,
	 .min = 0,
	 .max = 1,
	 .help = "a record that lacks more than this share of the features is a bad one, 0 to 1; "
		 "default 0.5"},
	{.name = "absent-as-missing",
	 .kind = OPTION_FLAG,
	 .dest = &opt.absent_as_missing,
	 .help = "take absent fields as missing; default: they make a bad record"},
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
	 .help = "load the model again when its file is replaced, as SIGHUP does"},
	{.name = "describe",
	 .kind = OPTION_FLAG,
	 .dest = &opt.describe,
	 .help = "print what the model is, and end"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .dest = &opt.json,
	 .help = "with --describe: as one JSON object"},
	{0},
};

static const struct option_spec stream_options[] = {
	STREAM_OPTIONS(opt.filter.stream),
	FILTER_OPTIONS(opt.filter),
	{0},
};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Input and output", stream_options},
	{0},
};

static const struct program program = {
	.name = "anomaly-score",
	.summary = "judge records by a model",
	.operands = "[FILE ...]",
	.details = "Writes each record as it came, with anomaly_score, is_anomaly, severity, "
		   "score_quantile, imputed and model_version behind its fields.",
	.example = "anomaly-score -m secom.model secom.jsonl > scored.jsonl\n"
		   "anomaly-score -m secom.model --describe\n",
	.groups = groups,
};

/* The added fields; label only with --truth, scored_at only with --stamp. */
enum { ADD_SCORE, ADD_ANOMALY, ADD_SEVERITY, ADD_QUANTILE, ADD_IMPUTED, ADD_VERSION, ADD_MORE };
static const char *added[ADD_MORE + 2] = {"anomaly_score",  "is_anomaly", "severity",
					  "score_quantile", "imputed",    "model_version"};
static size_t n_added = ADD_MORE;

/* One model with the places of its features in records. */
struct judge {
	struct scorer *scorer;
	size_t *slots;
	char **names;
	size_t anomaly_slot, version_slot, truth_slot;
};

static void judge_free(void *context)
{
	struct judge *j = context;

	scorer_free(j->scorer);
	free(j->slots);
	free(j->names);
	free(j);
}

/* The model's file as it was when it was last loaded, or tried. */
static struct stat loaded;

/* --truth without escapes. */
static char *truth_name;

static int want(struct fields *fields, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(fields, path, err);

	*slot = (size_t)n;
	return n < 0 ? -1 : 0;
}

static struct filter_plan *plan_load(struct error *err)
{
	struct judge *j = mem_alloc(1, sizeof(*j), err);
	struct fields *fields = fields_new(err);
	struct filter_plan *plan = NULL;
	struct model *m;

	if (stat(opt.model, &loaded))
		loaded = (struct stat){0};
	if (!(m = j && fields ? model_load(opt.model, err) : NULL))
		goto out;
	j->slots = mem_alloc(m->n_features, sizeof(*j->slots), err);
	j->names = mem_alloc(m->n_features, sizeof(*j->names), err);
	for (size_t i = 0; j->slots && j->names && i < m->n_features; i++) {
		j->names[i] = m->features[i].name;
		if (want(fields, m->features[i].name, &j->slots[i], err))
			goto out;
	}
	if (!j->slots || !j->names || want(fields, "is_anomaly", &j->anomaly_slot, err) ||
	    want(fields, "model_version", &j->version_slot, err) ||
	    (opt.truth &&
	     (want(fields, opt.truth, &j->truth_slot, err) || fields_own(fields, truth_name, err))))
		goto out;
	if (!(j->scorer = scorer_forest_new(m, getenv("SENSORUTILS_KERNEL"), err)))
		goto out;
	m = NULL;
	plan = filter_plan_new(fields, j, judge_free, err);
out:
	if (plan)
		return plan;
	model_free(m);
	fields_free(fields);
	if (j)
		judge_free(j);
	return NULL;
}

/* A thread's rows and verdicts. */
struct worker {
	const struct judge *judge;
	struct row_features features;
	double *x;
	struct verdict *verdicts;
	void *scratch;
	struct buf truth[FILTER_BATCH];
};

static void worker_free(void *context)
{
	struct worker *w = context;

	free(w->x);
	free(w->verdicts);
	free(w->scratch);
	for (size_t i = 0; i < FILTER_BATCH; i++)
		buf_release(&w->truth[i]);
	free(w);
}

static void *worker_new(const struct filter_plan *plan, struct error *err)
{
	const struct judge *j = plan->context;
	struct worker *w = mem_alloc(1, sizeof(*w), err);

	if (!w)
		return NULL;
	w->judge = j;
	w->features = (struct row_features){.n = j->scorer->model->n_features,
					    .slots = j->slots,
					    .names = j->names,
					    .absent_as_missing = opt.absent_as_missing};
	w->x = mem_alloc(w->features.n, FILTER_BATCH * sizeof(*w->x), err);
	w->verdicts = mem_alloc(FILTER_BATCH, sizeof(*w->verdicts), err);
	w->scratch = mem_alloc_aligned(1, scorer_scratch(j->scorer), err);
	if (w->x && w->verdicts && w->scratch)
		return w;
	worker_free(w);
	return NULL;
}

static int take(void *context, size_t i, const struct record *rec, struct error *err)
{
	struct worker *w = context;
	const struct value *values = rec->values;

	if (opt.truth) {
		const struct value *v = &values[w->judge->truth_slot];
		bool truth;
		w->truth[i].len = 0;
		if (v->kind == VALUE_ABSENT)
			return error_set(err, ERROR_DATA, "truth '%s' is absent", opt.truth);
		if (v->kind != VALUE_NULL && value_truth(v, &truth, err)) {
			error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
			return error_prefix(err, "truth '%s'", opt.truth);
		}
		if (v->kind != VALUE_NULL && buf_add(&w->truth[i], v->text, v->len, err))
			return -1;
	} else if (!opt.overwrite && !opt.as &&
		   values[w->judge->anomaly_slot].kind != VALUE_ABSENT &&
		   values[w->judge->version_slot].kind == VALUE_ABSENT) {
		return error_set(err, ERROR_DATA,
				 "record has 'is_anomaly' but no 'model_version': if it is the "
				 "truth, --truth is_anomaly keeps it as 'label'; --overwrite "
				 "replaces it");
	}
	return row_read(&w->features, rec, w->x + i * w->features.n, NULL, err);
}

static void judge(void *context, size_t n)
{
	struct worker *w = context;
	struct scorer_rows rows = {.n = n, .stride = w->features.n, .x = w->x};

	scorer_score(w->judge->scorer, &rows, opt.max_missing, w->scratch, w->verdicts);
}

static int no_verdict(const struct worker *w, const struct verdict *v, struct error *err)
{
	if (v->status == ROW_BEYOND_FLOAT32)
		return error_set(err, ERROR_DATA, "feature '%s' is beyond the range of float32",
				 w->judge->names[v->column]);
	return error_set(err, ERROR_DATA,
			 "record lacks %u of %zu features, more than --max-missing allows",
			 v->imputed, w->features.n);
}

static int add(void *context, size_t i, const struct writer *out, struct buf *b, struct error *err)
{
	struct worker *w = context;
	const struct verdict *v = &w->verdicts[i];
	size_t more = ADD_MORE;
	char now[TIMESTAMP_MAX];

	if (v->status != ROW_OK)
		return no_verdict(w, v, err);
	if (opt.only_anomalies && !v->is_anomaly)
		return 0;
	writer_real(out, b, ADD_SCORE, opt.score == SCORE_DECISION ? v->decision : v->score);
	writer_bool(out, b, ADD_ANOMALY, v->is_anomaly);
	writer_word(out, b, ADD_SEVERITY, severity_names[v->severity]);
	if (v->quantile == v->quantile)
		writer_real(out, b, ADD_QUANTILE, v->quantile);
	else
		writer_null(out, b, ADD_QUANTILE);
	writer_count(out, b, ADD_IMPUTED, v->imputed);
	writer_word(out, b, ADD_VERSION, w->judge->scorer->model->version);
	if (opt.stamp) {
		timestamp_format(now, timestamp_now());
		writer_word(out, b, more++, now);
	}
	if (opt.truth && w->truth[i].len)
		return writer_raw(out, b, more, w->truth[i].data, w->truth[i].len, err) ? -1 : 1;
	if (opt.truth)
		writer_null(out, b, more);
	return 1;
}

static bool is_anomaly(void *context, size_t i)
{
	return ((struct worker *)context)->verdicts[i].is_anomaly;
}

/* Between blocks: a model that was replaced, or that SIGHUP asks for, takes the old one's place. */
static void turn(void *context, bool hangup, struct filter_plan **plan)
{
	static int64_t due_ns;
	struct error err = ERROR_INIT;
	int64_t now = opt.watch ? timestamp_now() : 0;
	struct stat st;

	(void)context;
	if (opt.watch && now >= due_ns && !stat(opt.model, &st)) {
		due_ns = now + WATCH_MS * (NS_PER_SECOND / 1000);
		hangup |= st.st_ino != loaded.st_ino || st.st_dev != loaded.st_dev ||
			  st.st_mtim.tv_sec != loaded.st_mtim.tv_sec ||
			  st.st_mtim.tv_nsec != loaded.st_mtim.tv_nsec;
	}
	if (!hangup)
		return;
	*plan = plan_load(&err);
	if (*plan) {
		message_note("loaded model '%s', version %s", opt.model,
			     ((struct judge *)(*plan)->context)->scorer->model->version);
		return;
	}
	error_prefix(&err, "the model in use stays");
	message_error(&err);
}

static int describe(void)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct model *m = model_load(opt.model, &err);

	if (!m || model_describe(m, opt.json, &text, &err) ||
	    file_write_all(STDOUT_FILENO, text.data, text.len, &err))
		message_die(&err);
	if (close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "standard output");
		message_die(&err);
	}
	model_free(m);
	buf_release(&text);
	return 0;
}

/* What no option table can see. */
static void check_options(void)
{
	struct error err = ERROR_INIT;
	struct path path;

	if (opt.truth && opt.as)
		options_fail(&program, "'--truth' and '--as' exclude each other: with '--as' "
				       "nothing of the record is replaced");
	if (opt.as && (!*opt.as || !strcmp(opt.as, "_kafka") ||
		       utf8_check(opt.as, strlen(opt.as)) < strlen(opt.as)))
		options_fail(&program, "option '--as': '%s' cannot name a verdict", opt.as);
	if (!opt.truth)
		return;
	if (path_parse(&path, opt.truth, strlen(opt.truth), &err))
		options_fail(&program, "option '--truth': %s", err.what);
	if (path.n > 1)
		options_fail(&program, "option '--truth': '%s' lies inside another field",
			     opt.truth);
	truth_name = mem_strndup(path.parts[0].name, path.parts[0].len, &err);
	if (!truth_name)
		message_die(&err);
	path_release(&path);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;

	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);
	if (!opt.model)
		options_fail(&program, "a model is needed: -m FILE");
	if (opt.describe)
		return describe();
	check_options();
	if (opt.stamp)
		added[n_added++] = "scored_at";
	if (opt.truth)
		added[n_added++] = "label";

	struct filter_plan *plan = plan_load(&err);
	if (!plan)
		message_die(&err);
	struct filter filter = {
		.program = &program,
		.options = &opt.filter,
		.paths = argv + first,
		.added = added,
		.n_added = n_added,
		.object = opt.as,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.take = take,
		.judge = judge,
		.add = add,
		.turn = turn,
		.every_ms = opt.watch ? WATCH_MS : 0,
		.counted = "anomalies_total",
		.counted_help = "Records judged anomalous.",
		.count = is_anomaly,
	};
	int status = filter_run(&filter, plan);
	free(truth_name);
	return status;
}
