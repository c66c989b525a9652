#include "lib/stats/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include "lib/base/json.h"

/* A line of the text: label, value or "undefined", and the start of a remark. */
static int add_row(struct buf *out, const char *label, struct metric m, struct error *err)
{
	if (m.undefined)
		return buf_printf(out, err, "%-18s%10s  %s\n", label, "undefined", m.undefined);
	return buf_printf(out, err, "%-18s%10.4f  ", label, m.value);
}

static int add_remark(struct buf *out, struct metric m, const char *remark, struct error *err)
{
	return m.undefined ? 0 : buf_printf(out, err, "%s\n", remark);
}

static int add_interval(struct buf *out, struct metric m, struct interval i, double chance,
			struct error *err)
{
	if (m.undefined)
		return 0;
	if (!isnan(i.low) &&
	    buf_printf(out, err, "95 %% interval %.4f to %.4f; ", i.low, i.high) < 0)
		return -1;
	return buf_printf(out, err, "chance has %.*f\n", chance == 0.5 ? 1 : 4, chance);
}

static int add_count(struct buf *out, const char *label, uint64_t n, uint64_t of, struct error *err)
{
	return buf_printf(out, err, "  %-16s%10" PRIu64 "  %6.2f %%\n", label, n,
			  100 * (double)n / (double)of);
}

static int add_counts(struct buf *out, const struct evaluation *e, struct error *err)
{
	const struct confusion *c = &e->confusion;
	uint64_t records = e->positives + e->negatives;

	if (buf_printf(out, err, "%-18s%10" PRIu64 "\n", "records", records) < 0 ||
	    add_count(out, "anomalous", e->positives, records, err) < 0 ||
	    add_count(out, "normal", e->negatives, records, err) < 0)
		return -1;
	if (e->unlabelled && buf_printf(out, err, "%-18s%10" PRIu64 "  without truth\n", "left out",
					e->unlabelled) < 0)
		return -1;
	if (e->rejected &&
	    buf_printf(out, err, "%-18s%10" PRIu64 "  bad records\n", "left out", e->rejected) < 0)
		return -1;
	return buf_printf(out, err,
			  "\n%-18s%18s%18s\n"
			  "%-18s%18" PRIu64 "%18" PRIu64 "\n"
			  "%-18s%18" PRIu64 "%18" PRIu64 "\n\n",
			  "truth", "called anomalous", "called normal", "anomalous", c->tp, c->fn,
			  "normal", c->fp, c->tn);
}

static int add_verdict_rows(struct buf *out, const struct evaluation *e, struct error *err)
{
	const struct metric *m = e->metrics;
	struct metric precision = m[EVALUATION_PRECISION], recall = m[EVALUATION_RECALL];
	struct metric f1 = m[EVALUATION_F1], accuracy = m[EVALUATION_ACCURACY];

	if (add_row(out, "precision", precision, err) < 0 ||
	    add_remark(out, precision, "of those called anomalous, the share that is", err) < 0 ||
	    add_row(out, "recall", recall, err) < 0 ||
	    add_remark(out, recall, "of those anomalous, the share that was called so", err) < 0 ||
	    add_row(out, "F1", f1, err) < 0 ||
	    add_remark(out, f1, "the harmonic mean of precision and recall", err) < 0 ||
	    add_row(out, "accuracy", accuracy, err) < 0)
		return -1;
	return buf_printf(out, err, "always saying \"normal\" has %.4f\n\n",
			  m[EVALUATION_ACCURACY_ALWAYS_NORMAL].value);
}

static int add_best_f1(struct buf *out, const struct evaluation *e, struct error *err)
{
	if (e->metrics[EVALUATION_BEST_F1].undefined)
		return 0;
	if (buf_printf(out, err, "at score %s ", e->options.lower_is_anomalous ? "<=" : ">=") < 0 ||
	    json_add_real(out, e->best_f1_threshold, err) < 0)
		return -1;
	return buf_printf(out, err, "\n%30schosen on this same data: it flatters\n", "");
}

static int add_score_rows(struct buf *out, const struct evaluation *e, struct error *err)
{
	const struct metric *m = e->metrics;
	struct metric auc = m[EVALUATION_ROC_AUC], ap = m[EVALUATION_AVERAGE_PRECISION];
	struct metric at_k = m[EVALUATION_PRECISION_AT_K];
	double share = (double)e->positives / (double)(e->positives + e->negatives);

	if (add_row(out, "ROC-AUC", auc, err) < 0 ||
	    add_interval(out, auc, e->intervals.auc, 0.5, err) < 0 ||
	    add_row(out, "average precision", ap, err) < 0 ||
	    add_interval(out, ap, e->intervals.average_precision, share, err) < 0 ||
	    add_row(out, "precision at k", at_k, err) < 0)
		return -1;
	if (!at_k.undefined &&
	    buf_printf(out, err, "of the k = %" PRIu64 " highest scores\n", e->positives) < 0)
		return -1;
	if (add_row(out, "best F1", m[EVALUATION_BEST_F1], err) < 0)
		return -1;
	return add_best_f1(out, e, err);
}

static int add_judgement(struct buf *out, const struct evaluation *e, struct error *err)
{
	static const char *const sentences[] = {
		[SEPARATION_UNKNOWN] = "",
		[SEPARATION_NO] = "\nThe interval of the ROC-AUC contains 0.5: the score does not "
				  "separate the\n"
				  "classes.\n",
		[SEPARATION_YES] = "\nThe interval of the ROC-AUC lies above 0.5: the score "
				   "separates the classes\n"
				   "better than chance does.\n",
		[SEPARATION_REVERSED] = "\nThe interval of the ROC-AUC lies below 0.5: the score "
					"ranks the anomalies "
					"last.\n",
	};
	bool few = e->positives < EVALUATION_FEW ||
		   (e->negatives > 0 && e->negatives < EVALUATION_FEW);

	if (buf_add_str(out, sentences[e->separation], err) < 0)
		return -1;
	if (e->options.replicates == 0 || e->positives == 0)
		return 0;
	if (buf_printf(out, err,
		       "\nIntervals: percentile bootstrap, seed %" PRIu64 ", %" PRIu64
		       " replicates.\n",
		       e->options.seed, e->options.replicates) < 0)
		return -1;
	if (few)
		return buf_printf(out, err,
				  "With fewer than %d records of a class they are too narrow.\n",
				  EVALUATION_FEW);
	return 0;
}

int evaluation_add_text(struct buf *out, const struct evaluation *e, struct error *err)
{
	if (add_counts(out, e, err) < 0 || add_verdict_rows(out, e, err) < 0 ||
	    add_score_rows(out, e, err) < 0 || add_judgement(out, e, err) < 0)
		return -1;
	return 0;
}

static int add_json_interval(struct buf *out, const char *key, struct interval i, struct error *err)
{
	if (isnan(i.low))
		return buf_printf(out, err, ",\"%s_interval\":null", key);
	if (buf_printf(out, err, ",\"%s_interval\":[", key) < 0 ||
	    json_add_real(out, i.low, err) < 0 || buf_add_str(out, ",", err) < 0 ||
	    json_add_real(out, i.high, err) < 0)
		return -1;
	return buf_add_str(out, "]", err);
}

static int add_json_metrics(struct buf *out, const struct evaluation *e, struct error *err)
{
	for (unsigned i = 0; i < EVALUATION_METRICS; i++) {
		const char *key = evaluation_keys[i];

		if (buf_printf(out, err, ",\"%s\":", key) < 0 ||
		    json_add_real(out, e->metrics[i].value, err) < 0)
			return -1;
		if (i == EVALUATION_ROC_AUC &&
		    add_json_interval(out, key, e->intervals.auc, err) < 0)
			return -1;
		if (i == EVALUATION_AVERAGE_PRECISION &&
		    add_json_interval(out, key, e->intervals.average_precision, err) < 0)
			return -1;
	}
	return 0;
}

static int add_json_undefined(struct buf *out, const struct evaluation *e, struct error *err)
{
	const char *comma = "";

	if (buf_add_str(out, ",\"undefined\":{", err) < 0)
		return -1;
	for (unsigned i = 0; i < EVALUATION_METRICS; i++) {
		if (!e->metrics[i].undefined)
			continue;
		if (buf_printf(out, err, "%s\"%s\":\"%s\"", comma, evaluation_keys[i],
			       e->metrics[i].undefined) < 0)
			return -1;
		comma = ",";
	}
	return buf_add_str(out, "}", err);
}

int evaluation_add_json(struct buf *out, const struct evaluation *e, struct error *err)
{
	static const char *const separation[] = {
		[SEPARATION_UNKNOWN] = "null",
		[SEPARATION_NO] = "\"no\"",
		[SEPARATION_YES] = "\"yes\"",
		[SEPARATION_REVERSED] = "\"reversed\"",
	};
	const struct confusion *c = &e->confusion;

	if (buf_printf(out, err,
		       "{\"records\":%" PRIu64 ",\"positives\":%" PRIu64 ",\"negatives\":%" PRIu64
		       ",\"unlabelled\":%" PRIu64 ",\"rejected\":%" PRIu64
		       ",\"confusion\":{\"tp\":%" PRIu64 ",\"fp\":%" PRIu64 ",\"fn\":%" PRIu64
		       ",\"tn\":%" PRIu64 "}",
		       e->positives + e->negatives, e->positives, e->negatives, e->unlabelled,
		       e->rejected, c->tp, c->fp, c->fn, c->tn) < 0 ||
	    add_json_metrics(out, e, err) < 0 ||
	    buf_printf(out, err, ",\"k\":%" PRIu64 ",\"best_f1_threshold\":", e->positives) < 0 ||
	    json_add_real(out, e->best_f1_threshold, err) < 0 ||
	    buf_printf(out, err,
		       ",\"best_f1_chosen_on\":\"same data\",\"lower_is_anomalous\":%s"
		       ",\"separation\":%s,\"bootstrap\":{\"replicates\":%" PRIu64
		       ",\"seed\":%" PRIu64 ",\"coverage\":%g}",
		       e->options.lower_is_anomalous ? "true" : "false", separation[e->separation],
		       e->options.replicates, e->options.seed, BOOTSTRAP_COVERAGE) < 0 ||
	    add_json_undefined(out, e, err) < 0)
		return -1;
	return buf_add_str(out, "}\n", err);
}
