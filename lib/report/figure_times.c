/* Pictures along time: scores, anomalies an hour, hours by days. */
#include <math.h>
#include "lib/base/timestamp.h"
#include "lib/report/axis.h"
#include "lib/report/figure_impl.h"

#define COLOUR_RANGE "#A6D3F0" /* a lighter sky blue, for what lies behind dots */
#define MANY_MARKS 300         /* triangles that would hide each other */
#define RIGHT 40               /* pixels beside an axis of time: half a date under its last tick */
#define GAPPED_BARS 150
#define LABELLED_BARS 30 /* with more of them numbers over bars would touch */
#define LEGEND(shape, size, colour, title) \
	", keyentry with points pt " shape " ps " size " lc rgb \"" colour "\" title \"" title "\""
#define LABELLED_ROWS 31 /* likewise in the heat map */

static bool no_times(struct figure *f, const struct report *r)
{
	if (!r->timed)
		figure_missing(f,
			       r->n ? "The records have no time stamps." : "There are no records.");
	return !r->timed;
}

/* The middle of a step on the time axis. */
static double middle(const struct report *r, const struct timebins *t, size_t i)
{
	return axis_seconds(r->first_ns, timebins_start_ns(t, i)) +
	       (double)timebins_width_ns(t) / 2e9;
}

/* Steps with records: x, mean of all, least and greatest normal score, the most anomalous one; NaN
 * where there is none. Returns the most records a step has. */
static uint64_t add_steps(struct text *s, const struct report *r, uint64_t *steps)
{
	const struct timebins *t = &r->timeline;
	uint64_t most = 0;

	text_add(s, "$steps << EOD\n");
	for (size_t i = 0; i < t->n; i++) {
		const struct timebin *b = &t->bins[i];

		if (!b->n)
			continue;
		text_printf(s, "%.17g\t%.17g\t", middle(r, t, i), b->sum / (double)b->n);
		if (b->n > b->anomalies)
			text_printf(s, "%.17g\t%.17g\t", b->min, b->max);
		else
			text_add(s, "NaN\tNaN\t");
		if (b->anomalies)
			text_printf(s, "%.17g\n", r->lower_is_anomalous ? b->a_min : b->a_max);
		else
			text_add(s, "NaN\n");
		most = b->n > most ? b->n : most;
		*steps += 1;
	}
	text_add(s, "EOD\n");
	return most;
}

static void timeline_caption(struct figure *f, const struct report *r, uint64_t most,
			     uint64_t steps)
{
	struct text *c = &f->caption;

	if (most == 1) {
		text_add(c, "The score of each record along time (UTC). ");
	} else {
		text_add(c, "Scores along time (UTC), in ");
		text_count(c, steps);
		text_add(c, steps == 1 ? " step of " : " steps of ");
		text_duration(c, (uint64_t)timebins_width_ns(&r->timeline));
		text_add(c, steps == 1 ? " that has records" : " that have records");
		text_add(c, ": a line from the least to the greatest score of the normal records, "
			    "a dot at the mean of all. ");
	}
	if (r->anomalies)
		text_add(c, most == 1 ? "Triangles: records called anomalous. "
				      : "A triangle: the most anomalous score of a step with "
					"records called anomalous. ");
	if (!isnan(r->threshold)) {
		text_add(c, "Dashed: the threshold, ");
		text_real(c, r->threshold);
		text_add(c, ". ");
	}
	if (r->timed < r->n) {
		text_count(c, r->n - r->timed);
		text_add(c, " records without time stamp are not shown. ");
	}
	text_add(&f->alt, "Anomaly scores along time, from ");
	text_time(&f->alt, r->first_ns);
	text_add(&f->alt, " to ");
	text_time(&f->alt, r->last_ns);
	text_add(&f->alt, " UTC, the anomalous ones marked.");
}

static size_t steps_marked(const struct timebins *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->bins[i].anomalies > 0;
	return n;
}

void figure_timeline(struct figure *f, const struct report *r)
{
	struct text *s = &f->script;
	uint64_t steps = 0;

	if (no_times(f, r) || figure_beyond_drawing(f, r))
		return;
	figure_begin(f, FIGURE_WIDTH, 350, 70, RIGHT, 34, 66);
	uint64_t most = add_steps(s, r, &steps);
	timeline_caption(f, r, most, steps);

	double from = fmin(r->normal_min, r->anomalous_min);
	double to = fmax(r->normal_max, r->anomalous_max);
	double pad = to > from ? 0.06 * (to - from) : fmax(fabs(to) * 0.05, 1e-6);
	text_printf(s, "set yrange [%.17g:%.17g]\n", from - pad, to + pad);
	bool relative = axis_time(s, r->first_ns, r->last_ns);
	figure_key(f);
	bool threshold = figure_threshold(f, r, false, from - pad, to + pad);
	figure_score_ticks(f, 'y', from - pad, to + pad);
	figure_x_title(f, relative ? "time since the first record" : "time (UTC)");
	figure_y_title(f, "anomaly score");
	text_add(s, "plot ");
	if (most == 1)
		text_add(s, "$steps using 1:2 with points pt 7 ps 0.3 lc rgb \"" COLOUR_NORMAL
			    "\" notitle" LEGEND("7", "0.6", COLOUR_NORMAL, "record"));
	else
		text_add(s, "$steps using 1:3:(0):($4-$3) with vectors nohead lw 1.2 lc rgb "
			    "\"" COLOUR_RANGE "\" title \"normal range\", "
			    "$steps using 1:2 with points pt 7 ps 0.25 lc rgb \"" COLOUR_MEAN
			    "\" notitle" LEGEND("7", "0.5", COLOUR_MEAN, "mean"));
	if (r->anomalies)
		text_printf(s,
			    ", $steps using 1:5 with points pt 9 ps %s lc rgb \"" COLOUR_ANOMALOUS
			    "\" notitle" LEGEND("9", "1", COLOUR_ANOMALOUS, "anomalous"),
			    steps_marked(&r->timeline) > MANY_MARKS ? "0.45" : "0.7");
	if (threshold)
		figure_threshold_key(f);
	text_add(s, "\n");
}

static bool no_anomalies(struct figure *f, const struct report *r)
{
	if (!r->timed_anomalies)
		figure_missing(f, r->anomalies ? "No record with a time stamp was called anomalous."
					       : "No record was called anomalous.");
	return !r->timed_anomalies;
}

static void add_unit(struct text *t, const struct timebins *hours)
{
	if (timebins_width_ns(hours) == NS_PER_HOUR)
		text_add(t, "hour");
	else
		text_duration(t, (uint64_t)timebins_width_ns(hours));
}

static void hours_caption(struct figure *f, const struct timebins *t, bool calm)
{
	text_add(&f->caption, "How many records were called anomalous in each ");
	add_unit(&f->caption, t);
	text_add(&f->caption, " (UTC). ");
	if (calm)
		text_add(&f->caption, "A grey dot on the axis: records, none of them anomalous. ");
	if (timebins_width_ns(t) > NS_PER_HOUR)
		text_add(&f->caption, "The span is too long to show each hour. ");
	text_add(&f->alt, "Bars of the number of anomalous records in each ");
	add_unit(&f->alt, t);
	text_add(&f->alt, ".");
}

/* Steps with records: from, to, how many are anomalous, and that as text where it fits. Returns the
 * most. */
static uint64_t add_hours(struct text *s, const struct timebins *t, bool *calm)
{
	double width = (double)timebins_width_ns(t) / 1e9;
	uint64_t most = 0;

	text_add(s, "$steps << EOD\n");
	for (size_t i = 0; i < t->n; i++) {
		double from = axis_seconds(timebins_start_ns(t, 0), timebins_start_ns(t, i));
		uint64_t n = t->bins[i].anomalies;

		if (!t->bins[i].n)
			continue;
		text_printf(s, "%.17g\t%.17g\t%llu\t", from, from + width, (unsigned long long)n);
		if (n && t->n <= LABELLED_BARS)
			text_count(s, n);
		text_add(s, "\n");
		most = n > most ? n : most;
		*calm |= !n;
	}
	text_add(s, "EOD\n");
	return most;
}

void figure_hours(struct figure *f, const struct report *r)
{
	const struct timebins *t = &r->hours;
	struct text *s = &f->script;
	bool calm = false;

	if (no_times(f, r) || no_anomalies(f, r))
		return;
	figure_begin(f, FIGURE_WIDTH, 290, 70, RIGHT, 40, 66);
	figure_x_title(f, "time (UTC)");
	figure_y_title(f, "anomalous records");
	uint64_t most = add_hours(s, t, &calm);
	hours_caption(f, t, calm);
	axis_counts(s, most, 5);
	axis_time(s, timebins_start_ns(t, 0), timebins_start_ns(t, t->n));
	text_printf(s, "gap = %s\n", t->n <= GAPPED_BARS ? "0.05" : "0");
	text_add(s, "plot $steps using (($1+$2)/2):3:($1+gap*($2-$1)):($2-gap*($2-$1)):(0):3 "
		    "with boxxyerror fc rgb \"" COLOUR_ANOMALOUS "\", "
		    "$steps using (($1+$2)/2):($3==0?0:NaN) with points pt 7 ps 0.35 lc rgb "
		    "\"" COLOUR_FAINT "\", "
		    "$steps using (($1+$2)/2):3:4 with labels offset 0,0.5 textcolor rgb "
		    "\"" COLOUR_INK "\"\n");
}

/* The rows of the heat map: from the first step any hour has to the last. */
static void day_range(const struct report *r, int64_t *first, int64_t *end)
{
	*first = INT64_MAX;
	*end = INT64_MIN;
	for (size_t h = 0; h < 24; h++) {
		const struct timebins *t = &r->days[h];

		if (t->n && t->first < *first)
			*first = t->first;
		if (t->n && t->first + (int64_t)t->n > *end)
			*end = t->first + (int64_t)t->n;
	}
}

/* Hour, row, share in percent, count as text and the colour it is read best in. Returns the largest
 * share. */
static double add_cells(struct text *s, const struct report *r, int64_t first)
{
	double most = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t h = 0; h < 24; h++) {
			const struct timebins *t = &r->days[h];

			for (size_t i = 0; i < t->n; i++) {
				const struct timebin *b = &t->bins[i];
				double share = 100 * (double)b->anomalies / (double)b->n;

				if (b->n == 0)
					continue;
				most = fmax(most, share);
				if (pass == 0)
					continue;
				text_printf(s, "%zu\t%lld\t%.17g\t", h,
					    (long long)(t->first + (int64_t)i - first), share);
				text_count(s, b->anomalies);
				text_printf(s, "\t0x%s\n",
					    share > 0.45 * most ? "FFFFFF" : "1B2631");
			}
		}
	}
	return most;
}

static void add_row_labels(struct text *s, const struct report *r, int64_t first, unsigned rows)
{
	struct timebins t = r->days[0];
	char stamp[TIMESTAMP_MAX];

	t.first = first;
	text_add(s, "set ytics scale 0 (");
	for (unsigned i = 0; i < rows; i++) {
		timestamp_format(stamp, timebins_start_ns(&t, i));
		text_printf(s, "%s\"%.10s\" %u", i ? ", " : "", stamp, i);
	}
	text_add(s, ")\n");
}

static void days_caption(struct figure *f, int64_t row_ns, bool labelled)
{
	text_add(&f->caption, "The share of records called anomalous, by hour of the day (across, "
			      "UTC) and ");
	if (row_ns == NS_PER_DAY) {
		text_add(&f->caption, "day (down)");
	} else {
		text_duration(&f->caption, (uint64_t)row_ns);
		text_add(&f->caption,
			 " from the date on (down; the span is too long for each day)");
	}
	text_add(&f->caption, labelled ? "; in a cell the number of them. " : ". ");
	text_add(&f->caption, "Darker is more. White: no records.");
	text_add(&f->alt,
		 "Heat map of the share of anomalous records by hour of the day and date.");
}

/* A scale above the plot, at the right, of the same size in every picture. */
static void add_colour_box(struct figure *f, double most)
{
	double above = 1 - 22.0 / f->height;

	text_printf(&f->script,
		    "set colorbox horizontal user origin screen 0.68, screen %.6f size screen 0.3, "
		    "screen %.6f noborder\nset cbtics scale 0 offset 0,0.4 0, %.17g\n"
		    "set label \"share called anomalous, %%\" at screen 0.665, screen %.6f right "
		    "textcolor rgb \"" COLOUR_INK "\"\n",
		    above, 10.0 / f->height, axis_step(most, 5), above + 5.0 / f->height);
}

void figure_days(struct figure *f, const struct report *r)
{
	struct text *s = &f->script;
	int64_t first, end;

	if (no_times(f, r) || no_anomalies(f, r))
		return;
	day_range(r, &first, &end);
	unsigned rows = (unsigned)(end - first), cell = rows <= 31 ? 24 : 16;
	days_caption(f, timebins_width_ns(&r->days[0]), rows <= LABELLED_ROWS);
	figure_begin(f, FIGURE_WIDTH, 122 + cell * rows, 96, 16, 58, 64);
	text_add(s, "$cells << EOD\n");
	double most = add_cells(s, r, first);
	text_add(s, "EOD\n");
	text_printf(s, "set xrange [-0.5:23.5]\nset yrange [%u.5:-0.5]\n", rows - 1);
	add_row_labels(s, r, first, rows);
	text_printf(s, "set cbrange [0:%.17g]\n", most > 0 ? most : 1);
	/* cividis from its light end, at ninths. */
	text_add(s, "set palette defined (0 \"#FEE838\", 1 \"#E1CC55\", 2 \"#C3B369\", "
		    "3 \"#A59C74\", 4 \"#8A8678\", 5 \"#707173\", 6 \"#575D6D\", 7 \"#3B496C\", "
		    "8 \"#123570\", 9 \"#00224E\")\n"
		    "unset grid\nset border 15 lw 0.7\n"
		    "set xtics scale 0 0, 2, 22\n");
	figure_x_title(f, "hour of the day (UTC)");
	add_colour_box(f, most);
	text_add(s, "plot $cells using 1:2:($1-0.48):($1+0.48):($2-0.46):($2+0.46):3 "
		    "with boxxyerror fc palette");
	if (rows <= LABELLED_ROWS)
		text_add(s,
			 ", $cells using 1:2:4:5 with labels font \",11\" textcolor rgb variable");
	text_add(s, "\n");
}
