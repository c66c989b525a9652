/* Windows without a program around them: keys, what is kept in bytes and by offsets, memory that
 * runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/rng.h"
#include "lib/base/sha256.h"
#include "lib/window/key.h"
#include "lib/window/offsets.h"
#include "lib/window/saved.h"
#include "lib/window/windows.h"
#include "tests/unit/alloc_fail.h"

#define S INT64_C(1000000000)

static const struct windows_setting settings[] = {{"--key", "k"}, {"--window", "10s"}};

struct test {
	struct aggregates aggregates;
	struct windows *windows;
	struct buf out; /* rows, late and rejected records as words */
};

static int on_row(void *context, const struct windows_row *row, struct error *err)
{
	struct test *t = context;
	struct buf key = BUF_INIT;
	int ret = key_describe(row->key, row->key_len, &key, err) ||
				  buf_printf(&t->out, err, "%s%s@%lld:%llu ",
					     row->early ? "early " : "", key.data,
					     (long long)(row->end_ns / S),
					     (unsigned long long)aggregates_records(row->cell))
			  ? -1
			  : 0;

	buf_release(&key);
	return ret;
}

static int on_late(void *context, const struct windows_record *r, struct error *err)
{
	struct test *t = context;

	return buf_printf(&t->out, err, "late@%lld ", (long long)(r->time_ns / S));
}

static int on_reject(void *context, const struct windows_record *r, const struct error *why,
		     struct error *err)
{
	struct test *t = context;

	assert_int_equal(why->kind, ERROR_DATA);
	return buf_printf(&t->out, err, "bad@%lld ", (long long)(r->time_ns / S));
}

static int open_windows(struct test *t, bool sessions, bool single, struct error *err)
{
	static const struct windows_spec specs[] = {{10 * S, 5 * S}};
	struct windows_options o = {.specs = specs,
				    .n_specs = !sessions,
				    .session_ns = sessions ? 3 * S : 0,
				    .lateness_ns = 2 * S,
				    .max_ahead_ns = 60 * S,
				    .single = single,
				    .max_keys = 10,
				    .row = on_row,
				    .late = on_late,
				    .reject = on_reject,
				    .context = t};

	*t = (struct test){.windows = NULL};
	o.aggregates = &t->aggregates;
	if (aggregates_parse(&t->aggregates, "x:mean,stddev,p50,first,last", err) ||
	    aggregates_finish(&t->aggregates, err))
		return -1;
	t->windows = windows_new(&o, err);
	return t->windows ? 0 : -1;
}

static void close_windows(struct test *t)
{
	windows_free(t->windows);
	aggregates_release(&t->aggregates);
	buf_release(&t->out);
}

static int add(struct test *t, const char *key, int64_t seconds, struct error *err)
{
	struct aggregate_value v = {.x = (double)seconds, .kind = AGGREGATE_REAL};
	struct value text = {.kind = VALUE_STRING, .text = key, .len = strlen(key), .csv = true};
	struct windows_source *s = windows_source(t->windows, "", 0, -1, err);
	struct windows_record r = {.time_ns = seconds * S,
				   .values = &v,
				   .offset = -1,
				   .text = key,
				   .text_len = text.len,
				   .file = "file"};
	struct buf k = BUF_INIT;
	int ret = s ? key_add(&k, &text, err) : -1;

	r.key = k.data;
	r.key_len = k.len;
	if (!ret)
		ret = windows_add(t->windows, s, &r, err);
	buf_release(&k);
	return ret;
}

static void expect(struct test *t, const char *words)
{
	struct error err = ERROR_INIT;

	assert_int_equal(buf_terminate(&t->out, &err), 0);
	assert_string_equal(t->out.len ? t->out.data : "", words);
	t->out.len = 0;
}

static void order_of_keys(void **state)
{
	static const struct value ascending[] = {
		{.kind = VALUE_NULL, .text = "", .csv = true},
		{.kind = VALUE_FALSE, .text = "false", .len = 5},
		{.kind = VALUE_TRUE, .text = "true", .len = 4},
		{.kind = VALUE_NUMBER, .text = "-1e3", .len = 4},
		{.kind = VALUE_NUMBER, .text = "2", .len = 1},
		{.kind = VALUE_NUMBER, .text = "2.0", .len = 3},
		{.kind = VALUE_NUMBER, .text = "10", .len = 2},
		{.kind = VALUE_NUMBER, .text = "12345678901234567890", .len = 20},
		{.kind = VALUE_NUMBER, .text = "12345678901234567891", .len = 20},
		{.kind = VALUE_STRING, .text = "\"\"", .len = 2},
		{.kind = VALUE_STRING, .text = "\"\\u0000\"", .len = 8},
		{.kind = VALUE_STRING, .text = "\"10\"", .len = 4},
		{.kind = VALUE_STRING, .text = "\"2\"", .len = 3},
		{.kind = VALUE_STRING, .text = "a", .len = 1, .csv = true},
	};
	enum { N = sizeof(ascending) / sizeof(*ascending) };
	struct error err = ERROR_INIT;
	struct buf keys[N];

	(void)state;
	memset(keys, 0, sizeof(keys));
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(key_add(&keys[i], &ascending[i], &err), 0);
		assert_true(key_valid(keys[i].data, keys[i].len, 1));
		for (size_t n = 0; n < keys[i].len; n++)
			assert_false(key_valid(keys[i].data, n, 1));
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++) {
			int d = key_order(keys[i].data, keys[i].len, keys[j].data, keys[j].len);
			assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
			if (i != j)
				assert_true(key_hash(keys[i].data, keys[i].len) !=
					    key_hash(keys[j].data, keys[j].len));
		}
	for (size_t i = 0; i < N; i++)
		buf_release(&keys[i]);
}

static void windows_of_two_keys(void **state)
{
	struct error err = ERROR_INIT;
	struct test t;

	(void)state;
	assert_int_equal(open_windows(&t, false, false, &err), 0);
	add(&t, "b", 1, &err);
	add(&t, "a", 3, &err);
	add(&t, "a", 6, &err);
	expect(&t, "");
	add(&t, "a", 7, &err); /* the watermark is 5 */
	expect(&t, "a@5:1 b@5:1 ");
	add(&t, "b", 2, &err); /* in [0, 10) yet */
	add(&t, "b", 12, &err);
	expect(&t, "a@10:3 b@10:2 ");
	add(&t, "a", 4, &err);
	expect(&t, "late@4 ");
	add(&t, "a", 400, &err); /* alone so far ahead */
	add(&t, "a", 13, &err);
	assert_int_equal(windows_flush(t.windows, &err), 0);
	expect(&t, "bad@400 a@15:3 b@15:1 a@20:1 b@20:1 ");
	close_windows(&t);
}

/* A suspect is rejected once 50 records did not agree with it; ten in a row do. The page says so,
 * hence by numbers. */
static void patience(void **state)
{
	struct error err = ERROR_INIT;
	struct test t;

	(void)state;
	assert_int_equal(open_windows(&t, false, false, &err), 0);
	add(&t, "a", 1, &err);
	add(&t, "b", 1, &err);
	add(&t, "c", 100, &err);
	for (int i = 0; i < 50; i++)
		add(&t, "a", 1, &err);
	expect(&t, "");
	add(&t, "a", 1, &err);
	expect(&t, "bad@100 ");
	/* In a row: each agrees with the one before. */
	for (int i = 0; i < 9; i++)
		add(&t, "c", 100 + 60 * i, &err);
	expect(&t, "");
	add(&t, "c", 100 + 60 * 9, &err);
	t.out.len = 0;
	struct windows_counts c;
	windows_count(t.windows, &c);
	assert_int_equal(c.watermark_ns, (100 + 60 * 9 - 2) * S);
	assert_int_equal(c.suspects, 0);
	close_windows(&t);
}

/* Saved and loaded after every record: what is loaded is what was saved. */
static void saved_and_loaded(void **state)
{
	struct error err = ERROR_INIT;
	struct buf saved = BUF_INIT, again = BUF_INIT;
	struct rng rng;

	(void)state;
	for (int sessions = 0; sessions < 2; sessions++) {
		struct test t, other;
		rng_init(&rng, 9, (uint64_t)sessions);
		assert_int_equal(open_windows(&t, sessions, false, &err), 0);
		for (int i = 0; i < 300; i++) {
			char key[2] = {(char)('a' + rng_below(&rng, 4)), 0};
			int64_t at =
				i + (int64_t)rng_below(&rng, 6) + (rng_below(&rng, 30) ? 0 : 1000);
			assert_int_equal(add(&t, key, at, &err), 0);
			saved.len = again.len = t.out.len = 0;
			assert_int_equal(windows_save(t.windows, settings, 2, &saved, &err), 0);
			assert_int_equal(open_windows(&other, sessions, false, &err), 0);
			if (windows_load(other.windows, settings, 2, 1, saved.data, saved.len,
					 &err))
				fail_msg("%s", err.what);
			assert_int_equal(windows_save(other.windows, settings, 2, &again, &err), 0);
			assert_int_equal(again.len, saved.len);
			if (i < 3) /* keys come in the order they were saved in */
				assert_memory_equal(again.data, saved.data, saved.len);
			close_windows(&other);
		}
		close_windows(&t);
	}
	buf_release(&saved);
	buf_release(&again);
}

/* Gives the bytes a right digest, whatever they are. */
static void sign(struct buf *b)
{
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update(&sha, b->data, b->len - SHA256_SIZE);
	sha256_final(&sha, (uint8_t *)b->data + b->len - SHA256_SIZE);
}

static void damage(void **state)
{
	struct error err = ERROR_INIT;
	struct buf saved = BUF_INIT, bad = BUF_INIT;
	struct test t, other;
	struct rng rng;

	(void)state;
	rng_init(&rng, 4, 4);
	assert_int_equal(open_windows(&t, false, false, &err), 0);
	for (int i = 0; i < 20; i++)
		add(&t, i % 2 ? "a" : "b", i, &err);
	add(&t, "c", 500, &err);
	assert_int_equal(windows_save(t.windows, settings, 2, &saved, &err), 0);
	for (size_t i = 0; i < saved.len; i++) {
		bad.len = 0;
		assert_int_equal(buf_add(&bad, saved.data, saved.len, &err), 0);
		bad.data[i] ^= 0x10;
		assert_int_equal(open_windows(&other, false, false, &err), 0);
		assert_int_equal(
			windows_load(other.windows, settings, 2, 1, bad.data, bad.len, &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_int_equal(windows_load(other.windows, settings, 2, 1, saved.data, i, &err),
				 -1);
		close_windows(&other);
		/* One who signs what he changed may get through, but breaks nothing. */
		sign(&bad);
		assert_int_equal(open_windows(&other, false, false, &err), 0);
		if (!windows_load(other.windows, settings, 2, 1, bad.data, bad.len, &err))
			windows_flush(other.windows, &err);
		close_windows(&other);
	}
	struct windows_setting changed[] = {{"--key", "k"}, {"--window", "20s"}};
	assert_int_equal(open_windows(&other, false, false, &err), 0);
	assert_int_equal(windows_load(other.windows, changed, 2, 1, saved.data, saved.len, &err),
			 -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.what, "it was made with --window '10s', not '20s'");
	close_windows(&other);
	close_windows(&t);
	buf_release(&saved);
	buf_release(&bad);
}

/* However many marks there are, the state stays small, and the offset near what is needed. */
static void checkpoints_stay_few(void **state)
{
	struct error err = ERROR_INIT;
	struct buf own = BUF_INIT;
	int64_t from = 0;
	struct test t;
	struct aggregate_value v = {.x = 1, .kind = AGGREGATE_REAL};
	struct value text = {.kind = VALUE_STRING, .text = "a", .len = 1, .csv = true};
	struct buf k = BUF_INIT;

	(void)state;
	assert_int_equal(open_windows(&t, false, false, &err), 0);
	assert_int_equal(key_add(&k, &text, &err), 0);
	struct windows_source *s = windows_source(t.windows, "t", 1, 0, &err);
	assert_int_equal(offsets_assign(t.windows, s, 0, NULL, 0, &err), 0);
	for (int64_t i = 0; i < 20000; i++) { /* 100 a second, a mark after each tenth */
		struct windows_record r = {.time_ns = i * S / 100,
					   .key = k.data,
					   .key_len = k.len,
					   .values = &v,
					   .offset = i,
					   .text = "",
					   .file = ""};
		assert_true(offsets_take(s, i, &r.replay));
		assert_int_equal(windows_add(t.windows, s, &r, &err), 0);
		if (i % 10)
			continue;
		own.len = 0;
		assert_int_equal(offsets_mark(t.windows, s, i + 1, &own, &from, &err), 0);
		assert_true(own.len < 200);
		/* What is open began at most 12 + 2 s ago: 1400 records, and a checkpoint. */
		if (i > 2000)
			assert_true(from >= i - 1600 && from < i - 600);
	}
	close_windows(&t);
	buf_release(&own);
	buf_release(&k);
}

/* A record of a device and metric comes as `offset`. */
static void add_at(struct test *t, int64_t offset, const char *device, const char *metric,
		   int64_t seconds)
{
	struct error err = ERROR_INIT;
	struct windows_source *s = windows_source(t->windows, "t", 1, 0, &err);
	struct aggregate_value v = {.x = 1, .kind = AGGREGATE_REAL};
	const struct value values[] = {
		{.kind = VALUE_STRING, .text = device, .len = strlen(device), .csv = true},
		{.kind = VALUE_STRING, .text = metric, .len = strlen(metric), .csv = true}};
	struct windows_record r = {
		.time_ns = seconds * S, .values = &v, .offset = offset, .text = "", .file = "file"};
	struct buf k = BUF_INIT;

	assert_int_equal(key_add(&k, &values[0], &err), 0);
	assert_int_equal(key_add(&k, &values[1], &err), 0);
	r.key = k.data;
	r.key_len = k.len;
	assert_true(offsets_take(s, offset, &r.replay));
	assert_int_equal(windows_add(t->windows, s, &r, &err), 0);
	buf_release(&k);
}

static int64_t watermark(const struct test *t)
{
	struct windows_counts c;

	windows_count(t->windows, &c);
	return c.watermark_ns / S;
}

/* Begins with what a mark kept; or, with *own empty, at 0. */
static struct windows_source *assign(struct test *t, int64_t processed, const struct buf *own)
{
	struct error err = ERROR_INIT;

	assert_int_equal(open_windows(t, false, false, &err), 0);
	struct windows_source *s = windows_source(t->windows, "t", 1, 0, &err);
	assert_int_equal(offsets_assign(t->windows, s, processed, own->data, own->len, &err), 0);
	return s;
}

static int64_t mark(struct test *t, struct windows_source *s, int64_t to, struct buf *own)
{
	struct error err = ERROR_INIT;
	int64_t from = 0;

	own->len = 0;
	assert_int_equal(offsets_mark(t->windows, s, to, own, &from, &err), 0);
	return from;
}

/* Behind the mark at 3: another metric of the device whose record is held. */
static void wait_in_vain(struct test *t)
{
	add_at(t, 3, "d2", "x", 30);
	add_at(t, 4, "d1", "y", 201);
	for (int i = 0; i < 60; i++)
		add_at(t, 5 + i, "d2", "x", 30);
}

/* Behind the mark at 7: the other half of ten in a row. */
static void go_on_in_a_row(struct test *t)
{
	for (int i = 0; i < 5; i++)
		add_at(t, 7 + i, "d1", i % 2 ? "x" : "y", 240 + i);
}

/* A restart amid suspects: what is left of them is which device they were of. */
static void suspects_of_a_run_before(void **state)
{
	struct buf own = BUF_INIT;
	struct test t;

	(void)state;
	for (int in_a_row = 0; in_a_row < 2; in_a_row++) {
		void (*rest)(struct test *) = in_a_row ? go_on_in_a_row : wait_in_vain;
		int64_t begin = in_a_row ? 7 : 3, end = in_a_row ? 12 : 65;
		own.len = 0;
		struct windows_source *s = assign(&t, 0, &own);
		add_at(&t, 0, "d1", "x", 1);
		add_at(&t, 1, "d2", "x", 1);
		for (int64_t i = 2; i < begin; i++)
			add_at(&t, i, "d1", i % 2 ? "y" : "x", 198 + i);
		mark(&t, s, begin, &own);
		assert_int_equal(watermark(&t), -1);
		rest(&t);
		assert_int_equal(watermark(&t), in_a_row ? 242 : 28);
		assert_int_equal(mark(&t, s, end, &own), begin);
		close_windows(&t);
		assign(&t, end, &own);
		rest(&t);
		assert_int_equal(watermark(&t), in_a_row ? 242 : 28);
		close_windows(&t);
	}
	buf_release(&own);
}

static int all_of_it(void *arg, struct error *err)
{
	struct buf saved = BUF_INIT;
	struct test t = {.windows = NULL}, other = {.windows = NULL};
	bool sessions = arg;
	int ret = open_windows(&t, sessions, false, err);

	for (int i = 0; i < 12 && !ret; i++) {
		char key[2] = {(char)('a' + i % 3), 0};
		ret = add(&t, key, 3 * i + (i == 6 ? 300 : 0), err);
	}
	if (!ret)
		ret = windows_save(t.windows, settings, 2, &saved, err);
	if (!ret)
		ret = open_windows(&other, sessions, false, err);
	if (!ret)
		ret = windows_load(other.windows, settings, 2, 1, saved.data, saved.len, err);
	if (!ret)
		ret = windows_flush(t.windows, err);
	close_windows(&t);
	close_windows(&other);
	buf_release(&saved);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(all_of_it, NULL) > 20);
	assert_true(alloc_fail_each(all_of_it, "sessions") > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_keys),
		cmocka_unit_test(windows_of_two_keys),
		cmocka_unit_test(patience),
		cmocka_unit_test(saved_and_loaded),
		cmocka_unit_test(damage),
		cmocka_unit_test(checkpoints_stay_few),
		cmocka_unit_test(suspects_of_a_run_before),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
