#include "lib/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"

#define TIMELINE_MAX 2000
#define HOURS_MAX 768
#define DAYS_MAX 62
#define HISTOGRAM_MAX 80
#define CURVE_MAX 10000 /* points that a sampled average precision is summed over */
#define REPLICATES 1000
#define SEED 42

const char *const report_severity_names[REPORT_SEVERITIES] = {"none", "low",   "medium",
							      "high", "other", "not stated"};

static int init(struct report *r, const char *const *features, size_t n, struct error *err)
{
	if (contrast_init(&r->contrast, features, n, err) < 0 ||
	    timebins_init(&r->timeline, 1, TIMELINE_MAX, err) < 0 ||
	    timebins_init(&r->hours, NS_PER_HOUR, HOURS_MAX, err) < 0)
		return -1;
	for (size_t hour = 0; hour < 24; hour++) {
		if (timebins_init(&r->days[hour], NS_PER_DAY, DAYS_MAX, err) < 0)
			return -1;
	}
	return 0;
}

struct report *report_new(const char *const *features, size_t n_features, struct error *err)
{
	struct report *r = mem_alloc(1, sizeof(*r), err);

	if (!r)
		return NULL;
	rng_init(&r->rng, SEED, 0);
	r->normal_min = r->anomalous_min = INFINITY;
	r->normal_max = r->anomalous_max = -INFINITY;
	r->threshold = r->auc = r->average_precision = NAN;
	r->intervals.auc = r->intervals.average_precision = (struct interval){NAN, NAN};
	if (init(r, features, n_features, err) < 0) {
		report_free(r);
		return NULL;
	}
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	contrast_release(&r->contrast);
	timebins_release(&r->timeline);
	timebins_release(&r->hours);
	for (size_t hour = 0; hour < 24; hour++)
		timebins_release(&r->days[hour]);
	roc_release(&r->roc);
	free(r);
}

static void add_time(struct report *r, const struct report_row *row)
{
	int64_t of_day = row->time_ns % NS_PER_DAY;

	if (!r->timed || row->time_ns < r->first_ns)
		r->first_ns = row->time_ns;
	if (!r->timed || row->time_ns > r->last_ns)
		r->last_ns = row->time_ns;
	r->timed++;
	r->timed_anomalies += row->is_anomaly;
	timebins_add(&r->timeline, row->time_ns, row->score, row->is_anomaly);
	timebins_add(&r->hours, row->time_ns, row->score, row->is_anomaly);
	of_day += of_day < 0 ? NS_PER_DAY : 0;
	timebins_add(&r->days[of_day / NS_PER_HOUR], row->time_ns, row->score, row->is_anomaly);
}

/* Algorithm R (Vitter, "Random sampling with a reservoir", 1985) within each class. */
static int add_truth(struct report *r, const struct report_row *row, struct error *err)
{
	bool positive = row->truth == TRUTH_ANOMALY;
	struct roc_class *c = positive ? &r->roc.pos : &r->roc.neg;
	uint64_t seen = ++r->truth[positive];

	confusion_add(&r->confusion, positive, row->is_anomaly);
	if (seen <= REPORT_LABELS_MAX)
		return roc_add(&r->roc, row->score, positive, err);
	uint64_t place = rng_below(&r->rng, seen);
	if (place < REPORT_LABELS_MAX)
		c->scores[place] = row->score;
	return 0;
}

static void add_model(struct report *r, const char *version)
{
	size_t len = strnlen(version, sizeof(r->models[0].version) - 1);

	for (size_t i = 0; i < r->n_models; i++) {
		struct report_model *m = &r->models[i];

		if (strncmp(m->version, version, len) == 0 && m->version[len] == '\0') {
			m->n++;
			return;
		}
	}
	if (r->n_models == REPORT_MODELS_MAX) {
		r->other_models++;
		return;
	}
	struct report_model *m = &r->models[r->n_models++];
	memcpy(m->version, version, len);
	m->n = 1;
}

int report_add(struct report *r, const struct report_row *row, struct error *err)
{
	r->n++;
	if (row->is_anomaly) {
		r->anomalies++;
		r->anomalous_sum += row->score;
		r->anomalous_min = fmin(r->anomalous_min, row->score);
		r->anomalous_max = fmax(r->anomalous_max, row->score);
	} else {
		r->normal_sum += row->score;
		r->normal_min = fmin(r->normal_min, row->score);
		r->normal_max = fmax(r->normal_max, row->score);
	}
	r->severity[row->severity]++;
	scorebins_add(&r->scores, row->score, row->is_anomaly);
	if (row->has_time)
		add_time(r, row);
	contrast_add(&r->contrast, row->features, row->is_anomaly);
	if (row->model_version)
		add_model(r, row->model_version);
	return row->truth == TRUTH_UNKNOWN ? 0 : add_truth(r, row, err);
}

/* The 24 grids have grown apart: brings them to the widest step among them. */
static void level_days(struct report *r)
{
	for (bool again = true; again;) {
		int64_t first = INT64_MAX, end = INT64_MIN;
		size_t width = 0;

		for (size_t h = 0; h < 24; h++) {
			if (r->days[h].n && r->days[h].width > width)
				width = r->days[h].width;
		}
		for (size_t h = 0; h < 24; h++) {
			struct timebins *t = &r->days[h];

			if (t->width < width)
				timebins_coarsen(t, width);
			if (t->n && t->first < first)
				first = t->first;
			if (t->n && t->first + (int64_t)t->n > end)
				end = t->first + (int64_t)t->n;
		}
		/* Each fits, but they may lie side by side. */
		again = r->timed && end - first > DAYS_MAX;
		for (size_t h = 0; again && h < 24; h++)
			timebins_coarsen(&r->days[h], width + 1);
	}
}

static void find_threshold(struct report *r, double given)
{
	uint64_t normal = r->n - r->anomalies;

	if (r->anomalies && normal) {
		r->lower_is_anomalous =
			r->anomalous_sum / (double)r->anomalies < r->normal_sum / (double)normal;
		double low = r->lower_is_anomalous ? r->anomalous_max : r->normal_max;
		double high = r->lower_is_anomalous ? r->normal_min : r->anomalous_min;
		r->separated = low < high;
		if (r->separated)
			r->threshold = low + (high - low) / 2;
	}
	r->threshold_given = !isnan(given);
	if (r->threshold_given)
		r->threshold = given;
}

double report_precision(const struct report *r, double precision)
{
	double pos = (double)r->truth[1] / (double)r->roc.pos.n;
	double neg = (double)r->truth[0] / (double)r->roc.neg.n;

	/* fp / tp in the sample is (1 - precision) / precision. */
	if (!r->sampled || precision == 0)
		return precision;
	return 1 / (1 + neg / pos * (1 - precision) / precision);
}

/* As roc_average_precision, each precision weighted back to all records. */
static int sampled_average_precision(struct report *r, struct error *err)
{
	struct curve_point *points = mem_alloc(CURVE_MAX, sizeof(*points), err);
	double sum = 0, recall = 0;

	if (!points)
		return -1;
	size_t n = roc_pr_curve(&r->roc, CURVE_MAX, points);
	for (size_t i = 0; i < n; i++) {
		sum += (points[i].x - recall) * report_precision(r, points[i].y);
		recall = points[i].x;
	}
	r->average_precision = sum;
	free(points);
	return 0;
}

static int finish_truth(struct report *r, struct error *err)
{
	struct roc_class *classes[] = {&r->roc.pos, &r->roc.neg};

	for (size_t c = 0; r->lower_is_anomalous && c < 2; c++) {
		for (size_t i = 0; i < classes[c]->n; i++)
			classes[c]->scores[i] = -classes[c]->scores[i];
	}
	if (!r->truth[0] || !r->truth[1])
		return 0;
	if (roc_sort(&r->roc, err) < 0)
		return -1;
	r->sampled = r->truth[0] > r->roc.neg.n || r->truth[1] > r->roc.pos.n;
	r->auc = roc_auc(&r->roc);
	if (r->sampled)
		return sampled_average_precision(r, err);
	r->average_precision = roc_average_precision(&r->roc);
	if (r->truth[0] + r->truth[1] > REPORT_BOOTSTRAP_MAX)
		return 0;
	return roc_bootstrap(&r->roc, REPLICATES, SEED, 1, &r->intervals, err);
}

int report_finish(struct report *r, double threshold, struct error *err)
{
	find_threshold(r, threshold);
	scorebins_coarsen(&r->scores, HISTOGRAM_MAX);
	if (r->scores.n == 1)
		scorebins_widen(&r->scores);
	level_days(r);
	return finish_truth(r, err);
}
