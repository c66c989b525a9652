/* Pictures of one class against the other: features, and verdict and score against the truth. */
#include <math.h>
#include "lib/base/mem.h"
#include "lib/report/axis.h"
#include "lib/report/figure_impl.h"
#include <stdlib.h>

#define LABEL_MOST 30     /* characters of a feature's name */
#define CURVE_POINTS 1000 /* more than there are pixels */

static void features_missing(struct figure *f, const struct report *r,
			     const struct contrast_result *ranking)
{
	if (!r->n)
		figure_missing(f, "There are no records.");
	else if (!r->contrast.n)
		figure_missing(f, "The records have no numeric fields to compare.");
	else if (!r->anomalies || r->anomalies == r->n)
		figure_missing(f, r->anomalies ? "Every record was called anomalous: there is "
						 "nothing to compare with."
					       : "No record was called anomalous.");
	else if (!ranking->n_ranked)
		figure_missing(f, "No field varies and has values in both classes.");
}

/* Room for the longest label, in px, by guess: wide scripts take twice the room of Latin. */
static unsigned label_width(const struct report *r, const struct contrast_result *ranking)
{
	unsigned most = 0;

	for (size_t i = 0; i < ranking->n_ranked; i++) {
		const char *name = r->contrast.features[ranking->ranks[i].feature].name;
		unsigned tenths = 0;

		for (const char *p = name; *p; p++) {
			unsigned char c = (unsigned char)*p;

			tenths += c < 0x80 ? 10 : c < 0xC0 ? 0 : c < 0xE0 ? 10 : 18;
		}
		most = tenths > most ? tenths : most;
	}
	return 30 + (most < 10 * LABEL_MOST ? most : 10 * LABEL_MOST) * 8 / 10;
}

void figure_features(struct figure *f, const struct report *r,
		     const struct contrast_result *ranking)
{
	struct text *s = &f->script;
	double low = 0, high = 0;

	features_missing(f, r, ranking);
	if (f->missing.buf.len)
		return;
	unsigned rows = (unsigned)ranking->n_ranked;
	figure_begin(f, FIGURE_WIDTH, 106 + 20 * rows, label_width(r, ranking), 24, 34, 64);
	text_add(s, "$features << EOD\n");
	for (unsigned i = 0; i < rows; i++) {
		const struct contrast_rank *rank = &ranking->ranks[i];

		text_printf(s, "%u\t%.17g\t", i, rank->d);
		text_label(s, r->contrast.features[rank->feature].name, LABEL_MOST);
		text_add(s, "\n");
		low = fmin(low, rank->d);
		high = fmax(high, rank->d);
	}
	double pad = high > low ? 0.06 * (high - low) : 1;
	text_printf(s, "EOD\nset xrange [%.17g:%.17g]\nset yrange [%u.7:-0.7]\n", low - pad,
		    high + pad, rows - 1);
	figure_key(f);
	figure_x_title(f, "difference of means, anomalous less normal, in standard deviations");
	text_add(s, "set border 1\nset ytics scale 0\nset grid x noy\n"
		    "set arrow from first 0, graph 0 to first 0, graph 1 nohead lw 1 lc rgb "
		    "\"" COLOUR_FAINT "\"\n"
		    "plot $features using (0):1:2:(0):ytic(3) with vectors nohead lw 2 lc rgb "
		    "\"" COLOUR_FAINT "\" notitle, "
		    "$features using ($2>=0?$2:NaN):1 with points pt 9 ps 1.1 lc rgb "
		    "\"" COLOUR_ANOMALOUS "\" title \"mean is higher\", "
		    "$features using ($2<0?$2:NaN):1 with points pt 6 ps 1 lw 1.6 lc rgb "
		    "\"" COLOUR_MEAN "\" title \"mean is lower\"\n");
	text_printf(&f->caption,
		    "The %u field%s whose mean differs most between anomalous and "
		    "normal records",
		    rows, rows == 1 ? "" : "s");
	text_add(&f->caption,
		 ": d = (mean of the anomalous − mean of the normal) / s, with the pooled standard "
		 "deviation s = √(((n₁−1)s₁² + (n₀−1)s₀²) / (n₁+n₀−2)). A difference is no cause, "
		 "and among many fields some differ by chance.");
	text_printf(&f->alt,
		    "The %u fields whose mean differs most, as differences in standard "
		    "deviations; the table below has the numbers.",
		    rows);
}

static bool no_truth(struct figure *f, const struct report *r)
{
	if (r->truth[0] && r->truth[1])
		return false;
	if (!r->n)
		figure_missing(f, "There are no records.");
	else if (!r->truth[0] && !r->truth[1])
		figure_missing(f, "The records have no labels.");
	else
		figure_missing(f, r->truth[0] ? "Every label says normal: there is nothing to find."
					      : "Every label says anomalous: there is nothing to "
						"tell it from.");
	return true;
}

/* The points of a curve as a data block; false when there is no memory. */
static bool add_curve(struct text *s, const struct report *r, bool precision_recall)
{
	struct curve_point *points = mem_alloc(CURVE_POINTS, sizeof(*points), s->err);

	if (!points) {
		s->status = -1;
		return false;
	}
	size_t n = (precision_recall ? roc_pr_curve : roc_curve)(&r->roc, CURVE_POINTS, points);
	text_add(s, "$curve << EOD\n");
	for (size_t i = 0; i < n; i++) {
		double y = precision_recall ? report_precision(r, points[i].y) : points[i].y;

		/* The first precision holds from recall 0 on. */
		if (precision_recall && i == 0)
			text_printf(s, "0\t%.17g\n", y);
		text_printf(s, "%.17g\t%.17g\n", points[i].x, y);
	}
	text_add(s, "EOD\n");
	free(points);
	return true;
}

static void add_verdict(struct text *s, double x, double y)
{
	text_add(s, "$verdict << EOD\n");
	if (!isnan(x) && !isnan(y))
		text_printf(s, "%.17g\t%.17g\n", x, y);
	else
		text_add(s, "NaN\tNaN\n");
	text_add(s, "EOD\n");
}

#define CURVE_STYLE " lw 2 lc rgb \"" COLOUR_MEAN "\" title \"score\""
#define CHANCE_STYLE " with lines dt (6,4) lw 1.4 lc rgb \"#8593A0\" title \"chance\""
#define VERDICT_PLOT                                                             \
	"$verdict using 1:2 with points pt 13 ps 1.5 lc rgb \"" COLOUR_ANOMALOUS \
	"\" title \"verdict\"\n"

static void begin_square(struct figure *f)
{
	figure_begin(f, 430, 446, 52, 18, 52, 64);
	figure_key(f);
	axis_unit(&f->script, 'x');
	axis_unit(&f->script, 'y');
}

void figure_roc(struct figure *f, const struct report *r)
{
	struct text *s = &f->script;
	double fpr = (double)r->confusion.fp / (double)r->truth[0];

	if (no_truth(f, r))
		return;
	begin_square(f);
	if (!add_curve(s, r, false))
		return;
	add_verdict(s, fpr, confusion_recall(&r->confusion));
	text_add(s, "$chance << EOD\n0\t0\n1\t1\nEOD\nset grid x\n");
	figure_x_title(f, "false positive rate");
	figure_y_title(f, "true positive rate (recall)");
	text_add(s, "plot $chance using 1:2" CHANCE_STYLE
		    ", $curve using 1:2 with lines" CURVE_STYLE ", " VERDICT_PLOT);
	text_printf(
		&f->caption,
		"ROC: the share of labelled anomalies found against the share of normal "
		"records called anomalous, over all thresholds. The area under it (AUC) is %.3f; "
		"of chance, 0.5.",
		r->auc);
	text_printf(&f->alt, "ROC curve with an area of %.3f.", r->auc);
}

void figure_precision_recall(struct figure *f, const struct report *r)
{
	struct text *s = &f->script;
	double chance = (double)r->truth[1] / (double)(r->truth[0] + r->truth[1]);

	if (no_truth(f, r))
		return;
	begin_square(f);
	if (!add_curve(s, r, true))
		return;
	add_verdict(s, confusion_recall(&r->confusion), confusion_precision(&r->confusion));
	text_printf(s, "$chance << EOD\n0\t%.17g\n1\t%.17g\nEOD\nset grid x\n", chance, chance);
	figure_x_title(f, "recall");
	figure_y_title(f, "precision");
	text_add(s, "plot $chance using 1:2" CHANCE_STYLE
		    ", $curve using 1:2 with fsteps" CURVE_STYLE ", " VERDICT_PLOT);
	text_printf(
		&f->caption,
		"Precision (the share of true ones among those called anomalous) against "
		"recall. Average precision is %.3f; of chance, the share of labelled anomalies, "
		"%.3f.",
		r->average_precision, chance);
	text_printf(&f->alt, "Precision-recall curve with an average precision of %.3f.",
		    r->average_precision);
}
