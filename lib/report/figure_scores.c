/* Pictures of the scores and of the verdicts by themselves: histogram, severity. */
#include <math.h>
#include "lib/report/axis.h"
#include "lib/report/figure_impl.h"

/* A stack of bars for one panel: the normal records below, if asked for, the anomalous above. */
static uint64_t add_bars(struct text *s, const struct scorebins *b, const char *name, bool normal)
{
	uint64_t most = 0;

	text_printf(s, "%s << EOD\n", name);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t below = normal ? b->bins[i].normal : 0;
		uint64_t all = below + b->bins[i].anomalous;

		text_printf(s, "%.17g\t%.17g\t%llu\t%llu\n", scorebins_edge(b, i),
			    scorebins_edge(b, i + 1), (unsigned long long)below,
			    (unsigned long long)all);
		most = all > most ? all : most;
	}
	text_add(s, "EOD\n");
	return most;
}

#define BARS(name, from, to, colour)                                                            \
	name " using (($1+$2)/2):" to ":1:2:(" from "):" to " with boxxyerror fc rgb \"" colour \
	     "\" fs solid border rgb \"#FFFFFF\" lw 0.5"

static void scores_caption(struct figure *f, const struct report *r, double width)
{
	struct text *c = &f->caption;

	text_add(c, "How many records have which score, in bins ");
	text_real(c, width);
	text_add(c, " wide. ");
	if (r->anomalies)
		text_add(c, "Above: all records, those called anomalous dark, on top of the normal "
			    "ones. Below: the anomalous ones alone, on a scale of their own. ");
	if (r->lower_is_anomalous)
		text_add(c, "Here lower scores are more anomalous. ");
	if (!isnan(r->threshold)) {
		text_add(c, "Dashed: the threshold, ");
		text_real(c, r->threshold);
		text_add(c, r->threshold_given ? ", as it was given. " : ". ");
	} else {
		text_add(c, r->anomalies && r->anomalies < r->n
				    ? "No threshold is drawn: the verdicts do not follow from one. "
				    : "No threshold is drawn: all verdicts are the same. ");
	}
	text_add(&f->alt, "Histogram of the anomaly scores of ");
	text_count(&f->alt, r->n);
	text_add(&f->alt, " records, ");
	text_count(&f->alt, r->anomalies);
	text_add(&f->alt, " of them called anomalous.");
}

/* The anomalous records alone, below the panel of all. */
static void add_lower_panel(struct figure *f, uint64_t most, double from, double to)
{
	text_add(&f->script, "unset key\nunset label\nset tmargin at screen 0.35\n"
			     "set bmargin at screen 0.136\n");
	figure_y_title(f, "anomalous records");
	figure_x_title(f, "anomaly score");
	text_add(&f->script, "set format x\n");
	figure_score_ticks(f, 'x', from, to);
	axis_counts(&f->script, most, 3);
	text_add(&f->script,
		 "plot " BARS("$anomalous", "0", "4", COLOUR_ANOMALOUS) "\nunset multiplot\n");
}

void figure_scores(struct figure *f, const struct report *r)
{
	const struct scorebins *b = &r->scores;
	struct text *s = &f->script;

	if (!r->n) {
		figure_missing(f, "There are no records.");
		return;
	}
	if (figure_beyond_drawing(f, r))
		return;
	double width = scorebins_width(b), from = scorebins_edge(b, 0) - width;
	double to = scorebins_edge(b, b->n) + width;
	scores_caption(f, r, width);
	figure_begin(f, FIGURE_WIDTH, r->anomalies ? 470 : 310, 70, 16, 34, 64);
	uint64_t most = add_bars(s, b, "$all", true);
	uint64_t most_anomalous = add_bars(s, b, "$anomalous", false);
	text_printf(s, "set xrange [%.17g:%.17g]\nset xtics autofreq\n", from, to);
	figure_key(f);
	figure_y_title(f, "records");
	bool threshold = figure_threshold(f, r, true, from, to);
	if (r->anomalies) {
		text_add(s, "set multiplot\nset bmargin at screen 0.45\nset format x \"\"\n");
	} else {
		figure_x_title(f, "anomaly score");
		figure_score_ticks(f, 'x', from, to);
	}
	axis_counts(s, most, 5);
	text_add(s, "plot " BARS("$all", "0", "3", COLOUR_NORMAL) " title \"normal\"");
	if (r->anomalies)
		text_add(s, ", " BARS("$all", "$3", "4", COLOUR_ANOMALOUS) " title \"anomalous\"");
	if (threshold)
		figure_threshold_key(f);
	text_add(s, "\n");
	if (r->anomalies)
		add_lower_panel(f, most_anomalous, from, to);
}

void figure_severity(struct figure *f, const struct report *r)
{
	static const char *const shades[] = {"#FDC68C", "#E8833A", "#9C3F00", "#6B7783"};
	struct text *s = &f->script;
	uint64_t most = 0;
	unsigned rows = r->severity[REPORT_OTHER] ? 4 : 3;

	if (r->severity[REPORT_UNSTATED] == r->n) {
		figure_missing(f, r->n ? "The records have no severity." : "There are no records.");
		return;
	}
	for (unsigned i = 0; i < rows; i++)
		most = r->severity[REPORT_LOW + i] > most ? r->severity[REPORT_LOW + i] : most;
	if (!most) {
		figure_missing(f, "No record has a severity other than none.");
		return;
	}
	figure_begin(f, FIGURE_WIDTH, 40 + 34 * rows, 90, 90, 10, 12);
	text_add(s, "set border 2\nunset xtics\nunset grid\n$bars << EOD\n");
	for (unsigned i = 0; i < rows; i++) {
		uint64_t n = r->severity[REPORT_LOW + i];

		text_printf(s, "%u\t%llu\t%s\t", i, (unsigned long long)n,
			    report_severity_names[REPORT_LOW + i]);
		text_count(s, n);
		text_printf(s, "\t0x%s\n", shades[i] + 1);
	}
	text_printf(s, "EOD\nset xrange [0:%llu]\nset yrange [%u.5:-0.5]\n",
		    (unsigned long long)most, rows - 1);
	text_add(s, "set ytics scale 0\n"
		    "plot $bars using ($2/2):1:(0):2:($1-0.34):($1+0.34):5:ytic(3) "
		    "with boxxyerror fc rgb variable, "
		    "$bars using 2:1:4 with labels left offset 0.6,0 textcolor rgb \"" COLOUR_INK
		    "\"\n");
	text_add(&f->caption, "Records by severity, those without any (none) left out: low, past "
			      "the threshold; medium and high, further beyond it, as the model or "
			      "a rule has it.");
	text_add(&f->alt, "Bars of the number of records of low, medium and high severity.");
}
