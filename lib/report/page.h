/* A report as one HTML page: no script, nothing loaded from elsewhere, fit for print. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "lib/base/error.h"
#include "lib/report/figure.h"
#include "lib/report/report.h"
#include "lib/report/text.h"

struct page {
	const char *title;        /* text, as the user gave it */
	const char *generated_at; /* a time stamp to show, or NULL */
	uint64_t rejected;        /* bad records that were left out */
	const struct report *report;
	const struct contrast_result *ranking;
	const struct figure *figures; /* [FIGURES], built */
	const char *gnuplot;          /* its path */
};

/* Draws the pictures and appends the page to out. */
int page_write(const struct page *p, struct text *out, struct error *err);

#endif
