/* The parts of the page. */
#ifndef REPORT_PAGE_IMPL_H
#define REPORT_PAGE_IMPL_H

#include "lib/report/page.h"

extern const char page_style[];

/* What stands above the pictures. */
void page_summary(const struct page *p, struct text *out);

/* The numbers beside a picture, as a table; nothing where there are none. */
void page_hours_table(const struct report *r, struct text *out);
void page_features_table(const struct report *r, const struct contrast_result *ranking,
			 struct text *out);
void page_severity_table(const struct report *r, struct text *out);
void page_truth_tables(const struct report *r, struct text *out);

#endif
