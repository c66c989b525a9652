/* What a cell holds: the number of records, and of each field the number of values and its parts.
 */
#ifndef WINDOW_AGGREGATE_IMPL_H
#define WINDOW_AGGREGATE_IMPL_H

#include "lib/window/aggregate.h"
#include "lib/window/ddsketch.h"
#include "lib/window/sums.h"

enum {
	PART_RANGE = 1,
	PART_SUM = 2,
	PART_SPREAD = 4,
	PART_FIRST = 8,
	PART_LAST = 16,
	PART_SKETCH = 32,
};

/* The top bit of a field's number of values: not all of them were truth values. */
#define VALUES_REAL (UINT64_C(1) << 63)

struct part_range {
	double min, max;
};

struct part_event {
	int64_t time_ns;
	double x;
};

static inline uint64_t *cell_values(const struct aggregate_field *f, const void *cell)
{
	return (uint64_t *)((char *)(uintptr_t)cell + f->at);
}

#define CELL_PART(type, name)                                                                     \
	static inline struct type *cell_##name(const struct aggregate_field *f, const void *cell) \
	{                                                                                         \
		return (struct type *)((char *)(uintptr_t)cell + f->name);                        \
	}

CELL_PART(part_range, range)
CELL_PART(compensated, sum)
CELL_PART(spread, spread)
CELL_PART(part_event, first)
CELL_PART(part_event, last)
CELL_PART(ddsketch, sketch)

#endif
