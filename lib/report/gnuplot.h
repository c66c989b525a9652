/*
 * Runs gnuplot on a script made here: without a shell, in an environment of its own, with nothing
 * written to disk. The script goes in through its standard input and the picture comes out through
 * its standard output, both files in memory; what it says is kept for the error message.
 */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include "lib/base/error.h"
#include "lib/base/mem.h"

/* Finds gnuplot in PATH; the path is appended, NUL-terminated. ERROR_UNAVAILABLE where there is
 * none: the message names Debian's package. */
int gnuplot_find(struct buf *path, struct error *err);

/*
 * Appends what gnuplot writes for the script to out. Its address space may grow to the hard limit,
 * whatever the soft limit here. Fails with ERROR_UNAVAILABLE, and the last words of gnuplot, when
 * it cannot be run, ends with anything but 0 or draws nothing.
 */
int gnuplot_run(const char *path, const struct buf *script, struct buf *out, struct error *err);

#endif
