/*
 * UCI's SECOM as it is published: secom.data, a row a line, cells separated by spaces, "NaN"
 * for missing; and secom_labels.data, for each row its label, -1 (pass) or 1 (fail), and a quoted
 * time "dd/mm/yyyy hh:mm:ss" without a zone, taken as UTC. Both may be gzip'd, lines may end with
 * CRLF.
 *
 * M. McCann, A. Johnston, SECOM (2008), https://doi.org/10.24432/C54305.
 */
#ifndef RECORD_SECOM_H
#define RECORD_SECOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

struct secom_options {
	const char *data_path, *labels_path; /* "-" is standard input; must outlive the reader */
	/* As in struct lines_options. */
	int (*before_wait)(void *context, struct error *err);
	void *context;
};

struct secom_cell {
	const char *text; /* as it stands in the file: an RFC 8259 number, or "NaN" */
	size_t len;
	double value; /* finite; NaN when missing */
};

struct secom_row {
	uint64_t id;     /* from 0 */
	bool fail;       /* the label */
	int64_t time_ns; /* the label file's time */
	size_t n;        /* cells; the same in all rows */
	const struct secom_cell *cells;
};

struct secom;

struct secom *secom_open(const struct secom_options *options, struct error *err);
void secom_close(struct secom *s);

/*
 * The next row, good until the next call: 1; 0 when both files ended; -1 with err. ERROR_DATA with
 * file, line and column (bytes): a row wider or narrower than the first, a cell that is no number
 * or beyond a double's range, a label other than -1 and 1, a time that does not exist, more rows
 * than labels or fewer.
 */
int secom_next(struct secom *s, struct secom_row *row, struct error *err);

#endif
