/*
 * gnuplot's SVG made fit to stand inside a page: of its elements and attributes only those pass
 * that draw, whatever else is in it (scripts, links, styles, titles, filters) is left out with its
 * content, and ids get a prefix, so that pictures in one page do not answer for each other.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stddef.h>
#include "lib/base/error.h"
#include "lib/report/text.h"

/* Writes what stands inside the outermost <svg> element, prefix before every id (letters and
 * digits). Text that is no well-formed SVG fails with ERROR_UNAVAILABLE: gnuplot is to blame. */
int svg_inline(const char *svg, size_t n, const char *prefix, struct text *out, struct error *err);

#endif
