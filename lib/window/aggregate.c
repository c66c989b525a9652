#include <math.h>
#include <string.h>
#include "lib/window/aggregate_impl.h"

void aggregates_clear(const struct aggregates *a, void *cell)
{
	struct ddsketch sketch;

	for (size_t i = 0; i < a->n_fields; i++) {
		const struct aggregate_field *f = &a->fields[i];
		size_t size = (i + 1 < a->n_fields ? f[1].at : a->cell_size) - f->at;
		bool keeps = f->parts & PART_SKETCH;

		if (keeps)
			sketch = *cell_sketch(f, cell);
		memset((char *)cell + f->at, 0, size);
		if (keeps) {
			ddsketch_clear(&sketch);
			*cell_sketch(f, cell) = sketch;
		}
	}
	*(uint64_t *)cell = 0;
}

void aggregates_drop(const struct aggregates *a, void *cell)
{
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].parts & PART_SKETCH)
			ddsketch_release(cell_sketch(&a->fields[i], cell));
}

/* Of events at one time the first is the smallest value, the last the largest. */
static void take_first(struct part_event *e, bool empty, int64_t time_ns, double x)
{
	if (empty || time_ns < e->time_ns || (time_ns == e->time_ns && x < e->x))
		*e = (struct part_event){time_ns, x};
}

static void take_last(struct part_event *e, bool empty, int64_t time_ns, double x)
{
	if (empty || time_ns > e->time_ns || (time_ns == e->time_ns && x > e->x))
		*e = (struct part_event){time_ns, x};
}

static int add_rare(const struct aggregate_field *f, void *cell, uint64_t n, int64_t time_ns,
		    double x, struct error *err)
{
	if (f->parts & PART_SPREAD)
		spread_add(cell_spread(f, cell), x, n);
	if (f->parts & PART_FIRST)
		take_first(cell_first(f, cell), n == 1, time_ns, x);
	if (f->parts & PART_LAST)
		take_last(cell_last(f, cell), n == 1, time_ns, x);
	return f->parts & PART_SKETCH ? ddsketch_add(cell_sketch(f, cell), x, err) : 0;
}

int aggregates_add(const struct aggregates *a, void *cell, int64_t time_ns,
		   const struct aggregate_value *values, struct error *err)
{
	for (size_t i = 0; i < a->n_fields; i++) {
		const struct aggregate_field *f = &a->fields[i];
		uint64_t *n = cell_values(f, cell);
		/* -0.0 and 0.0 would be equal, and yet of different bytes: now both are 0.0. */
		double x = values[i].x + 0.0;

		if (values[i].kind == AGGREGATE_MISSING)
			continue;
		bool empty = !(*n & ~VALUES_REAL);
		*n = (*n + 1) | (values[i].kind == AGGREGATE_REAL ? VALUES_REAL : 0);
		if (f->parts & PART_RANGE) {
			struct part_range *r = cell_range(f, cell);
			r->min = empty || x < r->min ? x : r->min;
			r->max = empty || x > r->max ? x : r->max;
		}
		if (f->parts & PART_SUM)
			compensated_add(cell_sum(f, cell), x);
		if ((f->parts & ~(unsigned)(PART_RANGE | PART_SUM)) &&
		    add_rare(f, cell, *n & ~VALUES_REAL, time_ns, x, err))
			return -1;
	}
	++*(uint64_t *)cell;
	return 0;
}

static int merge_field(const struct aggregate_field *f, void *cell, const void *from,
		       struct error *err)
{
	uint64_t *values = cell_values(f, cell), n = *values & ~VALUES_REAL,
		 more = *cell_values(f, from), m = more & ~VALUES_REAL;

	if (!m)
		return 0;
	if (f->parts & PART_RANGE) {
		struct part_range *to = cell_range(f, cell), *r = cell_range(f, from);
		to->min = !n || r->min < to->min ? r->min : to->min;
		to->max = !n || r->max > to->max ? r->max : to->max;
	}
	if (f->parts & PART_SUM)
		compensated_merge(cell_sum(f, cell), cell_sum(f, from));
	if (f->parts & PART_SPREAD)
		spread_merge(cell_spread(f, cell), n, cell_spread(f, from), m);
	if (f->parts & PART_FIRST)
		take_first(cell_first(f, cell), !n, cell_first(f, from)->time_ns,
			   cell_first(f, from)->x);
	if (f->parts & PART_LAST)
		take_last(cell_last(f, cell), !n, cell_last(f, from)->time_ns,
			  cell_last(f, from)->x);
	if ((f->parts & PART_SKETCH) &&
	    ddsketch_merge(cell_sketch(f, cell), cell_sketch(f, from), err))
		return -1;
	*values = (n + m) | ((*values | more) & VALUES_REAL);
	return 0;
}

int aggregates_merge(const struct aggregates *a, void *cell, const void *from, struct error *err)
{
	for (size_t i = 0; i < a->n_fields; i++)
		if (merge_field(&a->fields[i], cell, from, err))
			return -1;
	*(uint64_t *)cell += *(const uint64_t *)from;
	return 0;
}

uint64_t aggregates_records(const void *cell)
{
	return *(const uint64_t *)cell;
}

static struct aggregate_result counted(uint64_t n)
{
	return (struct aggregate_result){.kind = RESULT_COUNT, .count = n};
}

/* percent of n - 1, rounded down; a product that is whole may come out an ulp or two below. */
static uint64_t rank_of(double percent, uint64_t n)
{
	double at = percent * (double)(n - 1) / 100;
	uint64_t rank = (uint64_t)at;

	return rank + ((double)(rank + 1) - at <= at * 0x1p-51);
}

/* The extremes are known. */
static double quantile(const struct aggregate_field *f, const void *cell, double percent)
{
	const struct part_range *r = cell_range(f, cell);
	const struct ddsketch *s = cell_sketch(f, cell);
	uint64_t rank = rank_of(percent, s->n);
	double x = rank == 0 ? r->min : rank + 1 >= s->n ? r->max : ddsketch_quantile(s, rank);

	return x < r->min ? r->min : x > r->max ? r->max : x;
}

struct aggregate_result aggregates_result(const struct aggregates *a, const void *cell, size_t i)
{
	const struct aggregate *item = &a->items[i];

	if (item->op == AGGREGATE_RECORDS)
		return counted(aggregates_records(cell));
	const struct aggregate_field *f = &a->fields[item->field];
	uint64_t values = *cell_values(f, cell), n = values & ~VALUES_REAL;
	struct aggregate_result result = {.kind = RESULT_REAL};

	if (item->op == AGGREGATE_COUNT)
		return counted(n);
	if (!n || (item->op == AGGREGATE_STDDEV && n < 2))
		return (struct aggregate_result){.kind = RESULT_MISSING};
	switch (item->op) {
	case AGGREGATE_SUM:
		if (!(values & VALUES_REAL))
			return counted((uint64_t)compensated_value(cell_sum(f, cell)));
		result.real = compensated_value(cell_sum(f, cell));
		break;
	case AGGREGATE_MEAN:
		result.real = compensated_value(cell_sum(f, cell)) / (double)n;
		break;
	case AGGREGATE_MIN:
		result.real = cell_range(f, cell)->min;
		break;
	case AGGREGATE_MAX_OF:
		result.real = cell_range(f, cell)->max;
		break;
	case AGGREGATE_RANGE:
		result.real = cell_range(f, cell)->max - cell_range(f, cell)->min;
		break;
	case AGGREGATE_STDDEV:
		result.real = spread_deviation(cell_spread(f, cell), n);
		break;
	case AGGREGATE_FIRST:
		result.real = cell_first(f, cell)->x;
		break;
	case AGGREGATE_LAST:
		result.real = cell_last(f, cell)->x;
		break;
	default:
		result.real = quantile(f, cell, item->percent);
	}
	return result;
}

/* Everything but the sketches lies in the cell itself. */
int aggregates_save(const struct aggregates *a, const void *cell, struct buf *out,
		    struct error *err)
{
	size_t at = out->len;

	if (buf_add(out, cell, a->cell_size, err))
		return -1;
	for (size_t i = 0; i < a->n_fields; i++) {
		if (!(a->fields[i].parts & PART_SKETCH))
			continue;
		/* No addresses in files. */
		memset(out->data + at + a->fields[i].sketch, 0, sizeof(struct ddsketch));
		const struct ddsketch *s = cell_sketch(&a->fields[i], cell);
		const struct ddsketch_bins *both[] = {&s->positive, &s->negative};
		if (buf_add(out, &s->zeros, sizeof(s->zeros), err))
			return -1;
		for (int j = 0; j < 2; j++)
			if (buf_add(out, &both[j]->lowest, sizeof(both[j]->lowest), err) ||
			    buf_add(out, &both[j]->n, sizeof(both[j]->n), err) ||
			    buf_add(out, both[j]->counts, both[j]->n * sizeof(uint64_t), err))
				return -1;
	}
	return 0;
}

static bool take(void *to, size_t n, const char **p, const char *end)
{
	if ((size_t)(end - *p) < n)
		return false;
	memcpy(to, *p, n);
	*p += n;
	return true;
}

#define BIN_MAX 40000 /* beyond those of any double */

static int load_bins(struct ddsketch *s, struct ddsketch_bins *b, const char **p, const char *end,
		     struct error *err)
{
	int32_t lowest;
	uint32_t n;

	if (!take(&lowest, sizeof(lowest), p, end) || !take(&n, sizeof(n), p, end) ||
	    n > DDSKETCH_BINS || lowest < -BIN_MAX || lowest > BIN_MAX)
		return error_set(err, ERROR_DATA, "a sketch is none");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t count;
		if (!take(&count, sizeof(count), p, end) || count >> 62)
			return error_set(err, ERROR_DATA, "a sketch is cut off");
		if (ddsketch_count(s, b, lowest + (int32_t)i, count, err))
			return -1;
	}
	return 0;
}

static int load_sketch(const struct aggregate_field *f, void *cell, const char **p, const char *end,
		       struct error *err)
{
	struct ddsketch *s = cell_sketch(f, cell);

	if (!take(&s->zeros, sizeof(s->zeros), p, end) || s->zeros >> 62)
		return error_set(err, ERROR_DATA, "a sketch is cut off");
	s->n = s->zeros;
	if (load_bins(s, &s->positive, p, end, err) || load_bins(s, &s->negative, p, end, err))
		return -1;
	if (s->n != (*cell_values(f, cell) & ~VALUES_REAL))
		return error_set(err, ERROR_DATA, "a sketch has not as many values as its field");
	return 0;
}

int aggregates_load(const struct aggregates *a, void *cell, const char **p, const char *end,
		    struct error *err)
{
	if (!take(cell, a->cell_size, p, end))
		return error_set(err, ERROR_DATA, "a cell is cut off");
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].parts & PART_SKETCH)
			*cell_sketch(&a->fields[i], cell) = (struct ddsketch){.n = 0};
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].parts & PART_SPREAD &&
		    cell_spread(&a->fields[i], cell)->n >= SPREAD_BLOCK)
			return error_set(err, ERROR_DATA, "a spread is none");
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].parts & PART_SKETCH &&
		    load_sketch(&a->fields[i], cell, p, end, err))
			return -1;
	return 0;
}
