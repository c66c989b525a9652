#include "lib/report/intake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCORE, ANOMALY, SEVERITY, VERSION, TIME, TRUTH };

static int want(struct fields *fields, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(fields, path, err);

	*slot = (size_t)n;
	return n < 0 ? -1 : 0;
}

static int want_verdict(struct report_intake *in, struct fields *fields, struct error *err)
{
	static const char *const names[] = {"anomaly_score", "is_anomaly", "severity",
					    "model_version"};
	const char *as = in->options.as;

	if (as && (path_append(&in->verdict, as, strlen(as), err) < 0 ||
		   buf_terminate(&in->verdict, err) < 0))
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf path = BUF_INIT;
		int status = -1;

		if ((!as || buf_add(&path, in->verdict.data, in->verdict.len, err) == 0) &&
		    path_append(&path, names[i], strlen(names[i]), err) == 0 &&
		    buf_terminate(&path, err) == 0)
			status = want(fields, path.data, &in->slots[SCORE + i], err);
		buf_release(&path);
		if (status < 0)
			return -1;
	}
	return 0;
}

int report_intake_init(struct report_intake *in, const struct report_intake_options *options,
		       struct fields *fields, struct error *err)
{
	*in = (struct report_intake){.options = *options,
				     .time = {.path = options->time_field,
					      .unit = options->time_unit,
					      .offset_s = options->offset_s}};
	if (want_verdict(in, fields, err) < 0 ||
	    want(fields, options->time_field, &in->slots[TIME], err) < 0 ||
	    want(fields, options->truth, &in->slots[TRUTH], err) < 0)
		return -1;
	return feature_rule_init(&in->choice.rule, options->features, options->time_field,
				 options->as ? in->verdict.data : NULL, err);
}

void report_intake_release(struct report_intake *in)
{
	choice_release(&in->choice);
	feature_rule_release(&in->choice.rule);
	free(in->feature_slots);
	free(in->values);
	buf_release(&in->verdict);
	buf_release(&in->text);
	event_time_release(&in->time);
	buf_release(&in->version);
}

/* The truth is no feature, unless a pattern takes it. */
static void leave_truth_out(struct report_intake *in)
{
	struct choice *c = &in->choice;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->rule.n && strcmp(c->names[i], in->options.truth) == 0)
			free(c->names[i]);
		else
			c->names[n++] = c->names[i];
	}
	c->n = n;
}

int report_intake_want(struct report_intake *in, struct fields *fields, struct error *err)
{
	struct choice *c = &in->choice;

	if (choice_finish(c, err) < 0)
		return -1;
	leave_truth_out(in);
	in->feature_slots = mem_alloc(c->n, sizeof(*in->feature_slots), err);
	in->values = mem_alloc(c->n, sizeof(*in->values), err);
	if (!in->feature_slots || !in->values)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		if (want(fields, c->names[i], &in->feature_slots[i], err) < 0)
			return -1;
	}
	return 0;
}

static bool is_missing(const struct value *v)
{
	return v->kind == VALUE_ABSENT || v->kind == VALUE_NULL;
}

static int read_score(const struct value *v, double *score, struct error *err)
{
	if (is_missing(v))
		return error_set(err, ERROR_DATA,
				 "'anomaly_score' is %s: the record was not scored",
				 v->kind == VALUE_NULL ? "null" : "absent");
	if (v->kind != VALUE_NUMBER)
		return error_set(err, ERROR_DATA, "'anomaly_score' is not a number");
	if (!isfinite(v->number))
		return error_set(err, ERROR_DATA, "'anomaly_score' is beyond a double's range");
	*score = v->number;
	return 0;
}

/* The text of a value, terminated, in b. */
static int read_text(const struct value *v, struct buf *b, struct error *err)
{
	b->len = 0;
	/* A version of digits alone is a number in CSV. */
	if (v->kind == VALUE_STRING ? value_string(v, b, err) < 0
				    : buf_add(b, v->text, v->len, err) < 0)
		return -1;
	return buf_terminate(b, err);
}

static int read_severity(struct report_intake *in, const struct value *v,
			 enum report_severity *severity, struct error *err)
{
	*severity = REPORT_UNSTATED;
	if (is_missing(v))
		return 0;
	if (v->kind != VALUE_STRING)
		return error_set(err, ERROR_DATA, "'severity' is not a string");
	if (read_text(v, &in->text, err) < 0)
		return error_prefix(err, "'severity'");
	*severity = REPORT_OTHER;
	for (int i = REPORT_NONE; i <= REPORT_HIGH; i++) {
		if (strcmp(in->text.data, report_severity_names[i]) == 0)
			*severity = (enum report_severity)i;
	}
	return 0;
}

static int read_time(struct report_intake *in, const struct value *v, struct report_row *row,
		     struct error *err)
{
	row->has_time = !is_missing(v);
	return row->has_time ? event_time_read(&in->time, v, &row->time_ns, err) : 0;
}

static int read_truth(struct report_intake *in, const struct value *v, enum report_truth *truth,
		      struct error *err)
{
	bool positive;

	*truth = TRUTH_UNKNOWN;
	if (is_missing(v))
		return 0;
	if (value_truth(v, &positive, err) < 0)
		return error_prefix(err, "'%s'", in->options.truth);
	*truth = positive ? TRUTH_ANOMALY : TRUTH_NORMAL;
	return 0;
}

int report_intake_row(struct report_intake *in, const struct record *rec, struct report_row *row,
		      struct error *err)
{
	const struct value *v = rec->values;
	const struct value *version = &v[in->slots[VERSION]];

	*row = (struct report_row){.features = in->values};
	if (read_score(&v[in->slots[SCORE]], &row->score, err) < 0)
		return -1;
	if (is_missing(&v[in->slots[ANOMALY]]))
		return error_set(err, ERROR_DATA, "'is_anomaly' is missing");
	if (value_truth(&v[in->slots[ANOMALY]], &row->is_anomaly, err) < 0)
		return error_prefix(err, "'is_anomaly'");
	if (read_severity(in, &v[in->slots[SEVERITY]], &row->severity, err) < 0 ||
	    read_time(in, &v[in->slots[TIME]], row, err) < 0 ||
	    read_truth(in, &v[in->slots[TRUTH]], &row->truth, err) < 0)
		return -1;
	if (!is_missing(version)) {
		if (read_text(version, &in->version, err) < 0)
			return error_prefix(err, "'model_version'");
		row->model_version = in->version.data;
	}
	for (size_t i = 0; i < in->choice.n; i++) {
		const struct value *x = &v[in->feature_slots[i]];

		in->values[i] = x->kind == VALUE_NUMBER ? x->number
				: is_missing(x)         ? NAN
							: INFINITY;
	}
	return 0;
}
