#include "lib/model/training_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

#define STREAM UINT64_MAX /* of the random numbers; trees have 0, 1, … */

void training_rows_init(struct training_rows *r, size_t width, uint64_t reservoir, uint64_t limit,
			uint64_t seed)
{
	*r = (struct training_rows){.width = width, .reservoir = reservoir, .limit = limit};
	rng_init(&r->rng, seed, STREAM);
}

void training_rows_release(struct training_rows *r)
{
	free(r->x);
	free(r->any);
	free(r->group);
	r->x = NULL;
	r->group = NULL;
	r->any = NULL;
}

static int make_room(struct training_rows *r, struct error *err)
{
	uint64_t values = (uint64_t)r->width * sizeof(double);
	uint64_t row_bytes = values + TRAINING_ROW_OVERHEAD;

	if (r->grouped)
		row_bytes += values + sizeof(*r->group);

	if (r->n >= r->limit / row_bytes)
		return error_set(err, ERROR_UNAVAILABLE,
				 "%llu rows of %zu values are all that %llu bytes hold (--memory): "
				 "raise it, or sample with --reservoir",
				 (unsigned long long)r->n, r->width, (unsigned long long)r->limit);
	if (r->grouped && MEM_GROW(&r->group, &r->group_cap, (size_t)r->n + 1, err))
		return -1;
	return MEM_GROW(&r->x, &r->cap, (size_t)(r->n + 1) * r->width, err);
}

void training_rows_by_group(struct training_rows *r)
{
	r->grouped = true;
}

int training_rows_add(struct training_rows *r, const double *row, uint32_t group, struct error *err)
{
	uint64_t at = r->n;

	if (!r->any && !(r->any = mem_alloc(r->width, sizeof(*r->any), err)))
		return -1;
	for (size_t j = 0; j < r->width; j++)
		r->any[j] |= !isnan(row[j]);
	if (r->reservoir && r->n == r->reservoir) {
		at = rng_below(&r->rng, r->seen + 1);
		if (at >= r->reservoir) {
			r->seen++;
			return 0;
		}
	} else {
		if (make_room(r, err))
			return -1;
		r->n++;
	}
	r->seen++;
	memcpy(r->x + at * r->width, row, r->width * sizeof(*row));
	if (r->grouped)
		r->group[at] = group;
	return 0;
}

bool training_rows_any(const struct training_rows *r, size_t column)
{
	return r->any && r->any[column];
}
