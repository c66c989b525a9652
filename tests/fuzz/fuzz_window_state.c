/* The bytes of --state, signed rightly, and the object that goes with marks: any are refused by
 * name, or give windows that work. The first byte says which it is, and of which windows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/sha256.h"
#include "lib/window/offsets.h"
#include "lib/window/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_row(void *context, const struct windows_row *row, struct error *err)
{
	struct windows *const *w = context;

	(void)w;
	(void)err;
	return row->start_ns < row->end_ns ? 0 : (abort(), -1);
}

static int on_record(void *context, const struct windows_record *r, struct error *err)
{
	(void)context;
	(void)r;
	(void)err;
	return 0;
}

static int on_reject(void *context, const struct windows_record *r, const struct error *why,
		     struct error *err)
{
	(void)context;
	(void)r;
	(void)err;
	return why->kind == ERROR_DATA ? 0 : (abort(), -1);
}

static void check_error(const struct error *err)
{
	if ((err->kind != ERROR_DATA && err->kind != ERROR_CONFIG &&
	     err->kind != ERROR_UNAVAILABLE) ||
	    !err->what[0])
		abort();
}

static void add_records(struct windows *w, struct windows_source *s, const struct aggregates *a)
{
	struct aggregate_value values[2] = {{1, AGGREGATE_REAL}, {2, AGGREGATE_REAL}};
	struct error err = ERROR_INIT;

	if (a->n_fields > 2)
		abort();
	for (int i = 0; i < 30; i++) {
		struct windows_record r = {.time_ns = i * INT64_C(1000000000),
					   .key = "",
					   .values = values,
					   .offset = i,
					   .text = "",
					   .file = ""};
		if (offsets_take(s, i, &r.replay) && windows_add(w, s, &r, &err))
			check_error(&err);
	}
}

static void load_file(struct windows *w, const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct sha256 sha;

	if (buf_add(&b, data, size, &err) || buf_reserve(&b, SHA256_SIZE, &err))
		abort();
	sha256_init(&sha);
	sha256_update(&sha, b.data, size);
	sha256_final(&sha, (uint8_t *)b.data + b.len);
	b.len += SHA256_SIZE;
	/* A key of one value would do for the file, but not for records without one. */
	if (windows_load(w, NULL, 0, 1, b.data, b.len, &err))
		check_error(&err);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct windows_spec specs[] = {{10000000000, 5000000000},
						    {7000000000, 7000000000}};
	struct aggregates a = {.n = 0};
	struct error err = ERROR_INIT;
	struct windows_options o = {.specs = specs,
				    .max_ahead_ns = 5000000000,
				    .max_keys = 1000,
				    .aggregates = &a,
				    .row = on_row,
				    .late = on_record,
				    .reject = on_reject};

	if (!size)
		return 0;
	o.n_specs = data[0] & 1 ? 2 : 0;
	o.session_ns = data[0] & 1 ? 0 : 3000000000;
	o.early_ns = data[0] & 2 ? 2000000000 : 0;
	if (aggregates_parse(&a, "x:mean,stddev,p50,first", &err) ||
	    aggregates_parse(&a, "y:max", &err) || aggregates_finish(&a, &err))
		abort();
	struct windows *w = windows_new(&o, &err);
	if (!w)
		abort();
	if (data[0] & 4) {
		load_file(w, data + 1, size - 1);
	} else {
		struct windows_source *s = windows_source(w, "t", 1, 0, &err);
		struct buf own = BUF_INIT;
		int64_t from;
		if (!s || offsets_assign(w, s, 20, (const char *)data + 1, size - 1, &err))
			check_error(&err);
		else
			add_records(w, s, &a);
		if (s && !err.kind && offsets_mark(w, s, 30, &own, &from, &err))
			check_error(&err);
		buf_release(&own);
	}
	if (!err.kind && windows_flush(w, &err))
		check_error(&err);
	windows_free(w);
	aggregates_release(&a);
	return 0;
}
