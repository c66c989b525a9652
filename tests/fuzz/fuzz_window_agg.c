/* --agg: any text is refused with words or gives aggregates whose cells can be filled, merged,
 * saved and read back with the same results. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/window/aggregate.h"

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ret, const struct error *err)
{
	if (ret || err->kind)
		abort();
}

static void use(const struct aggregates *a)
{
	char *cells = calloc(2, a->cell_size);
	struct aggregate_value *values = calloc(a->n_fields + 1, sizeof(*values));
	struct buf saved = BUF_INIT;
	struct error err = ERROR_INIT;

	if (!cells || !values)
		abort();
	for (size_t i = 0; i < 10; i++) {
		for (size_t j = 0; j < a->n_fields; j++)
			values[j] = (struct aggregate_value){
				(double)(i * j) - 5, i == j ? AGGREGATE_MISSING : AGGREGATE_REAL};
		check(aggregates_add(a, cells + (i % 2) * a->cell_size, (int64_t)i, values, &err),
		      &err);
	}
	check(aggregates_merge(a, cells, cells + a->cell_size, &err), &err);
	check(aggregates_save(a, cells, &saved, &err), &err);
	aggregates_drop(a, cells + a->cell_size);
	memset(cells + a->cell_size, 0, a->cell_size);
	const char *p = saved.data;
	check(aggregates_load(a, cells + a->cell_size, &p, p + saved.len, &err), &err);
	for (size_t i = 0; i < a->n; i++) {
		struct aggregate_result x = aggregates_result(a, cells, i),
					y = aggregates_result(a, cells + a->cell_size, i);
		if (x.kind != y.kind || x.count != y.count || bits_of(x.real) != bits_of(y.real))
			abort();
	}
	aggregates_drop(a, cells);
	aggregates_drop(a, cells + a->cell_size);
	buf_release(&saved);
	free(cells);
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aggregates a = {.n = 0};
	struct error err = ERROR_INIT;
	char *text = malloc(size + 1);
	int ret = 0;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	/* Each line is one --agg. */
	for (char *line = text, *end; !ret && line; line = end) {
		if ((end = strchr(line, '\n')))
			*end++ = '\0';
		ret = aggregates_parse(&a, line, &err);
	}
	if (ret && (err.kind != ERROR_USAGE || !err.what[0]))
		abort();
	if (!ret && !aggregates_finish(&a, &err))
		use(&a);
	aggregates_release(&a);
	free(text);
	return 0;
}
