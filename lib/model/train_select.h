/*
 * Which rows and columns of a matrix a model learns from. Inside model_train.
 *
 * Columns that do not vary are left out, then rows that lack too much of the columns left, then
 * columns that no longer vary, and so on until nothing changes: in the end each column kept varies
 * over the rows kept, and each of these has at least one of the columns and lacks at most
 * max_missing of them.
 */
#ifndef MODEL_TRAIN_SELECT_H
#define MODEL_TRAIN_SELECT_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

/* Of the values of a column in the rows kept. */
struct column_range {
	uint64_t present;
	double min, max; /* of those present */
};

struct selection {
	const double *x; /* [n_rows, n_fields], NaN: missing; the caller's */
	size_t n_fields;
	uint64_t n_kept;
	uint64_t *row; /* [n_kept] ascending; NULL when all rows are kept */
	size_t n_columns;
	size_t *column;             /* [n_columns] ascending */
	struct column_range *range; /* [n_fields] */
};

/* ERROR_DATA when no row or no column is left. On failure nothing but selection_release is safe. */
int selection_make(struct selection *s, const double *x, uint64_t n_rows, size_t n_fields,
		   double max_missing, struct error *err);
void selection_release(struct selection *s);

/* The columns left out, each "name: constant" or "name: all missing". On failure *list holds *n
 * texts. */
int selection_left_out(const struct selection *s, const char *const *names, char ***list, size_t *n,
		       struct error *err);

/* Row i of those kept: n_fields values. */
static inline const double *selection_row(const struct selection *s, uint64_t i)
{
	return s->x + (s->row ? s->row[i] : i) * s->n_fields;
}

#endif
