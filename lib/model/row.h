/* The features of a record as a row of float64. */
#ifndef MODEL_ROW_H
#define MODEL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/record/scanner.h"

struct row_features {
	size_t n;
	const size_t *slots;    /* [n] of the scanner's fields */
	char *const *names;     /* [n] for messages */
	const bool *ignored;    /* [n] fields that are missing whatever stands there; or NULL */
	bool absent_as_missing; /* an absent field is missing; else it makes a bad record */
};

/* Fills x[n]; missing values are NaN. ERROR_DATA for a field that is absent and, with the column,
 * for one that is no number or beyond the range of a double; *bad (may be NULL) is then its
 * number. */
int row_read(const struct row_features *f, const struct record *rec, double *x, size_t *bad,
	     struct error *err);

#endif
