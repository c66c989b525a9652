/* What the files that build pictures share. */
#ifndef REPORT_FIGURE_IMPL_H
#define REPORT_FIGURE_IMPL_H

#include "lib/report/figure.h"

/* Okabe and Ito's sky blue, blue, vermillion; and greys. */
#define COLOUR_NORMAL "#56B4E9"
#define COLOUR_MEAN "#0072B2"
#define COLOUR_ANOMALOUS "#D55E00"
#define COLOUR_INK "#33404D"
#define COLOUR_FAINT "#A8B2BC"

#define FIGURE_WIDTH 860 /* px */

/* Sets the size and begins the script: margins in px from the picture's edges. */
void figure_begin(struct figure *f, unsigned width, unsigned height, unsigned left, unsigned right,
		  unsigned top, unsigned bottom);

/* "set key": a line of legend at the top right. */
void figure_key(struct figure *f);

/* Titles of the axes: x below its middle, y level above its end. */
void figure_x_title(struct figure *f, const char *title);
void figure_y_title(struct figure *f, const char *title);

/* Ticks of scores along an axis, all with the same digits. */
void figure_score_ticks(struct figure *f, char axis, double from, double to);

/* Scores that gnuplot's axes cannot hold: then figure_missing has said so. */
bool figure_beyond_drawing(struct figure *f, const struct report *r);

/* Why there is no picture. */
void figure_missing(struct figure *f, const char *why);

/*
 * The threshold as a dashed line across the plot, vertical or horizontal, if there is one within
 * from and to, the ends of its axis; figure_threshold_key, behind the plots, puts it in the legend,
 * without its digits: captions have them, and four entries must fit in a row.
 */
bool figure_threshold(struct figure *f, const struct report *r, bool vertical, double from,
		      double to);
void figure_threshold_key(struct figure *f);

void figure_scores(struct figure *f, const struct report *r);
void figure_severity(struct figure *f, const struct report *r);
void figure_timeline(struct figure *f, const struct report *r);
void figure_hours(struct figure *f, const struct report *r);
void figure_days(struct figure *f, const struct report *r);
void figure_features(struct figure *f, const struct report *r,
		     const struct contrast_result *ranking);
void figure_roc(struct figure *f, const struct report *r);
void figure_precision_recall(struct figure *f, const struct report *r);

#endif
