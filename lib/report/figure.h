/*
 * The pictures of a report: each as gnuplot commands, with its caption and a text that stands for
 * it, or the sentence why it cannot be drawn.
 *
 * Colours are those of Okabe and Ito ("Color Universal Design", 2008), told apart by lightness and
 * by shape as well; the heat map uses cividis (Nuñez, Anderton and Renslow, PLoS ONE 13(7), 2018).
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stdbool.h>
#include "lib/base/error.h"
#include "lib/report/report.h"
#include "lib/report/text.h"

enum figure_kind {
	FIGURE_SCORES,
	FIGURE_TIMELINE,
	FIGURE_HOURS,
	FIGURE_DAYS,
	FIGURE_FEATURES,
	FIGURE_SEVERITY,
	FIGURE_ROC,
	FIGURE_PRECISION_RECALL,
	FIGURES,
};

/* What each is called: the name of its PNG file without ".png", and of its place in the page. */
extern const char *const figure_names[FIGURES];

struct figure {
	enum figure_kind kind;
	unsigned width, height; /* px */
	struct text script;     /* gnuplot commands behind `set terminal` */
	struct text alt;        /* HTML: what the picture shows, in a sentence */
	struct text caption;    /* HTML: what one sees, and the definition */
	struct text missing;    /* HTML: why there is no picture; empty if there is */
};

/* Zeroed but for kind. Fails for memory alone. */
int figure_build(struct figure *f, const struct report *r, const struct contrast_result *ranking,
		 struct error *err);
void figure_release(struct figure *f);

bool figure_is_drawn(const struct figure *f);

/* Draws by the gnuplot at `gnuplot` and appends to out: SVG to stand in a page, its ids unique to
 * the kind, or a PNG file of twice the size. */
int figure_svg(const struct figure *f, const char *gnuplot, struct text *out, struct error *err);
int figure_png(const struct figure *f, const char *gnuplot, struct buf *out, struct error *err);

#endif
