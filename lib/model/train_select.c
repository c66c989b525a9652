#include "lib/model/train_select.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include "lib/base/mem.h"

/* Keeps the columns that vary over the rows kept. */
static void select_columns(struct selection *s)
{
	for (size_t j = 0; j < s->n_fields; j++)
		s->range[j] = (struct column_range){0, INFINITY, -INFINITY};
	for (uint64_t i = 0; i < s->n_kept; i++) {
		const double *row = selection_row(s, i);
		for (size_t j = 0; j < s->n_fields; j++) {
			struct column_range *r = &s->range[j];
			r->present += isnan(row[j]) ? 0 : 1;
			r->min = row[j] < r->min ? row[j] : r->min;
			r->max = row[j] > r->max ? row[j] : r->max;
		}
	}
	s->n_columns = 0;
	for (size_t j = 0; j < s->n_fields; j++)
		if (s->range[j].min < s->range[j].max)
			s->column[s->n_columns++] = j;
}

static bool lacks_too_much(const struct selection *s, const double *row, double max_missing)
{
	size_t missing = 0;
	for (size_t k = 0; k < s->n_columns; k++)
		missing += isnan(row[s->column[k]]) ? 1 : 0;
	return missing == s->n_columns || (double)missing > max_missing * (double)s->n_columns;
}

/* Drops the rows that lack too much. Returns 1 when some were, 0 when none, -1 on failure. */
static int select_rows(struct selection *s, double max_missing, struct error *err)
{
	uint64_t kept = 0, n = s->n_kept;
	for (uint64_t i = 0; i < n; i++) {
		bool drop = lacks_too_much(s, selection_row(s, i), max_missing);
		if (drop && !s->row) {
			if (!(s->row = mem_alloc(n, sizeof(*s->row), err)))
				return -1;
			for (uint64_t k = 0; k < n; k++)
				s->row[k] = k;
		}
		if (!drop && s->row)
			s->row[kept] = s->row[i];
		kept += drop ? 0 : 1;
	}
	s->n_kept = kept;
	return kept < n;
}

int selection_make(struct selection *s, const double *x, uint64_t n_rows, size_t n_fields,
		   double max_missing, struct error *err)
{
	*s = (struct selection){.x = x, .n_fields = n_fields, .n_kept = n_rows};
	if (n_rows == 0)
		return error_set(err, ERROR_DATA, "there are no rows to learn from");
	if (!(s->column = mem_alloc(n_fields, sizeof(*s->column), err)) ||
	    !(s->range = mem_alloc(n_fields, sizeof(*s->range), err)))
		return -1;
	int dropped;
	do {
		select_columns(s);
		if (s->n_columns == 0)
			return error_set(
				err, ERROR_DATA,
				"no field is left to learn from: each of %zu is constant or "
				"missing in all of %llu rows",
				n_fields, (unsigned long long)s->n_kept);
		dropped = select_rows(s, max_missing, err);
		if (dropped < 0)
			return -1;
		if (s->n_kept == 0)
			return error_set(
				err, ERROR_DATA,
				"no row is left to learn from: each of %llu lacks more than "
				"%g of its features",
				(unsigned long long)n_rows, max_missing);
	} while (dropped);
	return 0;
}

void selection_release(struct selection *s)
{
	free(s->row);
	free(s->column);
	free(s->range);
}

int selection_left_out(const struct selection *s, const char *const *names, char ***list, size_t *n,
		       struct error *err)
{
	if (!(*list = mem_alloc(s->n_fields - s->n_columns, sizeof(**list), err)))
		return -1;
	size_t next = 0;
	for (size_t j = 0; j < s->n_fields; j++) {
		struct buf text = BUF_INIT;
		if (next < s->n_columns && s->column[next] == j) {
			next++;
			continue;
		}
		if (buf_printf(&text, err, "%s: %s", names[j],
			       s->range[j].present ? "constant" : "all missing") < 0 ||
		    buf_terminate(&text, err) < 0) {
			buf_release(&text);
			return -1;
		}
		(*list)[(*n)++] = text.data;
	}
	return 0;
}
