/* A report's files. */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include "lib/base/error.h"
#include "lib/report/figure.h"

/* Writes each of the figures[FIGURES] as dir/NAME.png; the folder is made if need be. Of a figure
 * that is not drawn, the file of an earlier run is removed. */
int report_write_pngs(const char *dir, const struct figure *figures, const char *gnuplot,
		      struct error *err);

#endif
