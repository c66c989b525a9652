/* anomaly-eval: truth against verdict and score, as figures with their uncertainty. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/stream.h"
#include "lib/record/fields.h"
#include "lib/stats/evaluation.h"

static struct options {
	const char *truth, *as, *verdict, *score;
	bool lower_is_anomalous, skip_unlabelled, json;
	uint64_t replicates, seed, threads;
	struct stream_options stream;
} o = {
	.truth = "label",
	.replicates = 1000,
	.seed = 42,
	.threads = 1,
	.stream = STREAM_OPTIONS_INIT,
};

static const struct option_spec options[] = {
	{.name = "truth",
	 .kind = OPTION_STRING,
	 .arg = "FIELD",
	 .dest = &o.truth,
	 .help = "field that holds the truth, 0/1 or false/true; default label"},
	{.name = "as",
	 .kind = OPTION_STRING,
	 .arg = "NAME",
	 .dest = &o.as,
	 .help = "read verdict and score from the object NAME of each record"},
	{.name = "verdict",
	 .kind = OPTION_STRING,
	 .arg = "FIELD",
	 .dest = &o.verdict,
	 .help = "field that holds the verdict, 0/1 or false/true; default is_anomaly"},
	{.name = "score",
	 .kind = OPTION_STRING,
	 .arg = "FIELD",
	 .dest = &o.score,
	 .help = "field that holds the score, a number; default anomaly_score"},
	{.name = "lower-is-anomalous",
	 .kind = OPTION_FLAG,
	 .dest = &o.lower_is_anomalous,
	 .help = "lower scores are more anomalous, as in scikit-learn's decision function"},
	{.name = "skip-unlabelled",
	 .kind = OPTION_FLAG,
	 .dest = &o.skip_unlabelled,
	 .help = "leave out records without truth, and count them; default: they are bad records"},
	{.name = "bootstrap",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .min = 0,
	 .max = 1000000,
	 .dest = &o.replicates,
	 .help = "replicates behind the intervals, 0 (no intervals) to 1000000; default 1000"},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .min = 0,
	 .max = 9007199254740992,
	 .dest = &o.seed,
	 .help = "seed of the bootstrap, 0 to 2^53; default 42"},
	{.letter = 'j',
	 .name = "threads",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .min = 1,
	 .max = 256,
	 .dest = &o.threads,
	 .help = "threads of the bootstrap, 1 to 256; the result is the same; default 1"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .dest = &o.json,
	 .help = "write one JSON object instead of text"},
	STREAM_OPTIONS(o.stream),
	{.name = NULL},
};

static const struct program program = {
	.name = "anomaly-eval",
	.summary = "measure verdicts and scores against the truth",
	.operands = "[FILE ...]",
	.details = "Reads scored records that carry the truth, and prints how good verdict and "
		   "score are, and how sure that is.",
	.example = "anomaly-score -m secom.model secom.jsonl | anomaly-eval\n"
		   "anomaly-eval --json scored.jsonl | jq .roc_auc\n",
	.groups = (const struct option_group[]){{NULL, options}, {NULL, NULL}},
};

struct input {
	struct confusion confusion;
	struct roc roc;
	uint64_t unlabelled, rejected;
};

enum { TRUTH, VERDICT, SCORE, SLOTS };

struct field {
	int slot;
	const char *path;
};

/* The field of one slot: named by its option, else of the object --as. */
static int want(struct fields *fields, const char *path, const char *name, struct error *err)
{
	struct buf b = BUF_INIT;
	int slot = -1;

	if (path)
		return fields_want(fields, path, err);
	if ((!o.as || path_append(&b, o.as, strlen(o.as), err) == 0) &&
	    path_append(&b, name, strlen(name), err) == 0 && buf_terminate(&b, err) == 0)
		slot = fields_want(fields, b.data, err);
	buf_release(&b);
	return slot;
}

static bool is_missing(const struct value *v)
{
	return v->kind == VALUE_ABSENT || v->kind == VALUE_NULL;
}

static int fail_missing(const struct value *v, const char *path, struct error *err)
{
	const char *state = v->kind == VALUE_NULL ? "null" : "absent", *way_out = "";

	if (strcmp(path, o.truth) == 0)
		way_out = "; --skip-unlabelled leaves such records out";
	else if (v->kind == VALUE_ABSENT)
		way_out = ": the record was not scored, or not under this name";
	return error_set(err, ERROR_DATA, "'%s' is %s%s", path, state, way_out);
}

static int read_bool(const struct value *v, const char *path, bool *out, struct error *err)
{
	if (is_missing(v))
		return fail_missing(v, path, err);
	return value_truth(v, out, err) < 0 ? error_prefix(err, "'%s'", path) : 0;
}

static int read_score(const struct value *v, const char *path, double *score, struct error *err)
{
	if (is_missing(v))
		return fail_missing(v, path, err);
	if (v->kind != VALUE_NUMBER)
		return error_set(err, ERROR_DATA, "'%s' is not a number", path);
	if (!isfinite(v->number))
		return error_set(err, ERROR_DATA, "'%s' is beyond a double's range", path);
	*score = o.lower_is_anomalous ? -v->number : v->number;
	return 0;
}

struct judged {
	bool truth, verdict;
	double score;
};

static int read_record(const struct record *rec, const struct field *fields, struct judged *out,
		       struct error *err)
{
	const struct value *truth = &rec->values[fields[TRUTH].slot];
	const struct value *verdict = &rec->values[fields[VERDICT].slot];
	const struct value *score = &rec->values[fields[SCORE].slot];

	*out = (struct judged){.score = 0};
	if (read_bool(truth, fields[TRUTH].path, &out->truth, err) < 0 ||
	    read_bool(verdict, fields[VERDICT].path, &out->verdict, err) < 0 ||
	    read_score(score, fields[SCORE].path, &out->score, err) < 0)
		return -1;
	return 0;
}

static struct fields *want_fields(struct field wanted[SLOTS], struct error *err)
{
	struct fields *fields = fields_new(err);

	if (!fields || (wanted[TRUTH].slot = fields_want(fields, o.truth, err)) < 0 ||
	    (wanted[VERDICT].slot = want(fields, o.verdict, "is_anomaly", err)) < 0 ||
	    (wanted[SCORE].slot = want(fields, o.score, "anomaly_score", err)) < 0)
		message_die(err);
	for (int i = 0; i < SLOTS; i++)
		wanted[i].path = fields_path(fields, (size_t)wanted[i].slot);
	if (wanted[TRUTH].slot == wanted[VERDICT].slot || wanted[TRUTH].slot == wanted[SCORE].slot)
		options_fail(&program, "'%s' cannot be the truth and what is judged by it",
			     wanted[TRUTH].path);
	return fields;
}

static void read_records(char *const *paths, struct input *in, struct error *err)
{
	struct field wanted[SLOTS];
	struct fields *fields = want_fields(wanted, err);
	struct records *records = records_open(&program, &o.stream, paths, fields);
	struct record rec;
	struct judged j;

	while (records_next(records, &rec)) {
		if (o.skip_unlabelled && is_missing(&rec.values[wanted[TRUTH].slot])) {
			in->unlabelled++;
			continue;
		}
		if (read_record(&rec, wanted, &j, err) < 0) {
			records_reject(records, &rec, err);
			continue;
		}
		confusion_add(&in->confusion, j.truth, j.verdict);
		if (roc_add(&in->roc, j.score, j.truth, err) < 0)
			message_die(err);
	}
	in->rejected = records_rejected(records);
	records_close(records);
	fields_free(fields);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct input in = {.unlabelled = 0};
	struct evaluation e;
	struct buf out = BUF_INIT;

	message_init(argv[0]);
	char **paths = argv + options_parse(&program, argc, argv);

	read_records(paths, &in, &err);
	if (in.roc.pos.n + in.roc.neg.n == 0) {
		error_set(&err, ERROR_DATA,
			  "no record with truth, verdict and score (%llu without truth, %llu bad)",
			  (unsigned long long)in.unlabelled, (unsigned long long)in.rejected);
		message_die(&err);
	}
	struct evaluation_options how = {o.replicates, o.seed, (unsigned)o.threads,
					 o.lower_is_anomalous};

	if (evaluate(&e, &in.confusion, &in.roc, &how, &err) < 0)
		message_die(&err);
	e.unlabelled = in.unlabelled;
	e.rejected = in.rejected;
	if ((o.json ? evaluation_add_json : evaluation_add_text)(&out, &e, &err) < 0)
		message_die(&err);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	roc_release(&in.roc);
	return message_close_stdout(0);
}
