/* What befalls lines: counted exactly, within its bounds, and nothing else changes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "lib/base/utf8.h"
#include "lib/record/csv.h"
#include "lib/sim/faults.h"
#include "tests/unit/alloc_fail.h"

enum { N = 20000 };

static int write_line(char *line, size_t size, bool csv, int i)
{
	return csv ? snprintf(line, size, "%d,\"a, \"\"b\"\"\",%d.5,x\n", i, i)
		   : snprintf(line, size, "{\"i\":%d,\"s\":\"a, b\",\"x\":%d.5}\n", i, i);
}

/* N lines a second apart through the faults. */
static char *run(const struct faults_options *o, int n, struct faults_counts *counts)
{
	struct error err = ERROR_INIT;
	struct faults *f = faults_new(o, &err);
	struct buf out = BUF_INIT;
	char line[100];

	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		int len = write_line(line, sizeof(line), o->csv, i);
		assert_int_equal(
			faults_take(f, line, (size_t)len, INT64_C(1000000000) * i, &out, &err), 0);
	}
	assert_int_equal(faults_end(f, &out, &err), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	*counts = *faults_counts(f);
	faults_free(f);
	return out.data;
}

/* The next line's number, or -1 behind the last. */
static int next(const char **p)
{
	const char *line = *p, *end = strchr(line, '\n');
	int i = -1;

	if (!end)
		return -1;
	*p = end + 1;
	assert_int_equal(sscanf(line, *line == '{' ? "{\"i\":%d," : "%d,", &i), 1);
	return i;
}

static void near_share(uint64_t n, double of, double share)
{
	assert_true(fabs((double)n - of * share) < 5 * sqrt(of * share * (1 - share)));
}

static void test_none(void **state)
{
	struct faults_counts n;
	char *out = run(&(struct faults_options){.seed = 1}, N, &n), line[100];
	const char *p = out;

	(void)state;
	for (int i = 0; i < N; i++) {
		int len = write_line(line, sizeof(line), false, i);
		assert_memory_equal(p, line, (size_t)len);
		p += len;
	}
	assert_true(!*p && n.lines == N);
	assert_true(!n.duplicated && !n.held && !n.late && !n.damaged[0] && !n.damaged[1] &&
		    !n.damaged[2]);
	free(out);
}

static void test_duplicate(void **state)
{
	struct faults_counts n;
	char *out = run(&(struct faults_options){.duplicate = 0.1, .seed = 1}, N, &n);
	const char *p = out;
	uint64_t again = 0;
	int before = -1, i;

	(void)state;
	while ((i = next(&p)) >= 0) {
		assert_true(i == before || i == before + 1);
		again += i == before;
		before = i;
	}
	assert_int_equal(before, N - 1);
	assert_int_equal(again, n.duplicated);
	assert_int_equal(n.lines, N + again);
	near_share(again, N, 0.1);
	free(out);
}

/* Late ones lie behind a newer one, by at most the longest delay; the others are in order. */
static void test_late(void **state)
{
	struct faults_counts n;
	char *out =
		run(&(struct faults_options){.late = 0.2, .late_max_ns = 30500000000, .seed = 2}, N,
		    &n);
	static bool seen[N];
	const char *p = out;
	uint64_t late = 0;
	int newest = -1, i, most = 0;
	double sum = 0;

	(void)state;
	memset(seen, 0, sizeof(seen));
	while ((i = next(&p)) >= 0) {
		assert_false(seen[i]);
		seen[i] = true;
		if (i > newest) {
			newest = i;
			continue;
		}
		late++;
		sum += newest - i;
		most = newest - i > most ? newest - i : most;
	}
	assert_int_equal(late, n.late);
	assert_int_equal(n.lines, N);
	near_share(n.held, N, 0.2);
	/* Those held for less than the second to the next line are not overtaken. */
	near_share(n.late, N, 0.2 * 29.5 / 30.5);
	assert_true(most <= 30 && most >= 29);
	assert_true(sum / (double)late > 14 && sum / (double)late < 16.5);
	free(out);
}

static void test_shuffle(void **state)
{
	struct faults_counts n;
	int groups = N / 7, order[7][7] = {{0}};
	char *out = run(&(struct faults_options){.shuffle = 7, .seed = 3}, N, &n);
	const char *p = out;

	(void)state;
	for (int g = 0; g <= groups; g++) {
		int size = g < groups ? 7 : N % 7;
		unsigned members = 0;

		for (int k = 0; k < size; k++) {
			int i = next(&p);
			assert_int_equal(i / 7, g);
			members |= 1u << (i % 7);
			if (size == 7)
				order[k][i % 7]++;
		}
		assert_int_equal(members, (1u << size) - 1);
	}
	assert_int_equal(next(&p), -1);
	assert_int_equal(n.lines, N);
	for (int k = 0; k < 7; k++)
		for (int i = 0; i < 7; i++)
			near_share((uint64_t)order[k][i], groups, 1.0 / 7);
	free(out);
}

static bool is_row(const char *line, size_t len, int columns)
{
	struct error err = ERROR_INIT;
	struct csv_cell cell;
	const char *p = line;
	int cells = 1;

	if (utf8_check(line, len) < len)
		return false;
	for (; (p = csv_cell(line, p, line + len, &cell, &err)) && p < line + len; p++)
		cells++;
	return p && cells == columns;
}

static bool is_record(const char *line, size_t len, bool csv)
{
	json_error_t why;
	json_t *record;
	bool good;

	if (csv)
		return is_row(line, len, 4);
	if (utf8_check(line, len) < len)
		return false;
	record = json_loadb(line, len, 0, &why);
	good = json_is_object(record);
	json_decref(record);
	return good;
}

static void test_corrupt(void **state)
{
	(void)state;
	for (int csv = 0; csv < 2; csv++) {
		struct faults_counts n;
		char *out =
			run(&(struct faults_options){.corrupt = 0.3, .csv = csv, .seed = 4}, N, &n);
		uint64_t lines = 0, bad = 0;

		for (const char *p = out, *end; *p; p = end + 1) {
			char line[100];

			end = strchr(p, '\n');
			assert_non_null(end);
			assert_true(end > p);
			if (!is_record(p, (size_t)(end - p), csv)) {
				assert_true(lines > 0);
				bad++;
			} else {
				int len = write_line(line, sizeof(line), csv, (int)lines);
				assert_int_equal(len, end + 1 - p);
				assert_memory_equal(p, line, (size_t)len);
			}
			lines++;
		}
		assert_int_equal(lines, N);
		assert_int_equal(bad, n.damaged[0] + n.damaged[1] + n.damaged[2]);
		near_share(bad, N, 0.3);
		for (int i = 0; i < DAMAGES; i++)
			near_share(n.damaged[i], (double)bad, 1.0 / 3);
		free(out);
	}
}

/* Rows whose last cell is quoted, rows that are short, quotes in all cells: whatever befalls one,
 * the reader that is strict takes it for no row, and takes every other row. */
static void test_corrupt_quoted_rows(void **state)
{
	static const char *const rows[] = {
		"1,\"a\"\n",      "12,\"a, b\"\n", "\"a\",\"b, \"\"c\"\"\"\n",
		"\"a,b\",\"\"\n", ",\"007\"\n",    "\"1\",2\n",
		"3,\n",           ",4\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct faults_options o = {.corrupt = 0.5, .csv = true, .seed = i};
		struct error err = ERROR_INIT;
		struct faults *f = faults_new(&o, &err);
		struct buf out = BUF_INIT;
		uint64_t lines = 0, bad = 0;
		size_t len = strlen(rows[i]), row;

		assert_non_null(f);
		for (int k = 0; k < 3000; k++)
			assert_int_equal(faults_take(f, rows[i], len, 0, &out, &err), 0);
		const struct faults_counts *n = faults_counts(f);
		for (size_t at = 0; at < out.len; at += row) {
			uint64_t newlines;

			row = csv_row(out.data + at, out.len - at, &newlines);
			if (row != len || memcmp(out.data + at, rows[i], len) != 0) {
				assert_true(row > 1);
				assert_false(is_row(out.data + at, row - 1, 2));
				bad++;
			}
			lines++;
		}
		assert_int_equal(lines, 3000);
		assert_int_equal(bad, n->damaged[0] + n->damaged[1] + n->damaged[2]);
		near_share(bad, 3000, 0.5);
		faults_free(f);
		buf_release(&out);
	}
}

/* All but the first line, by which readers tell the form. */
static void test_first_line_stays_whole(void **state)
{
	struct faults_counts n;
	char *out = run(&(struct faults_options){.corrupt = 1, .seed = 9}, 100, &n), line[100];
	int len = write_line(line, sizeof(line), false, 0);

	(void)state;
	assert_memory_equal(out, line, (size_t)len);
	assert_int_equal(n.damaged[0] + n.damaged[1] + n.damaged[2], 99);
	free(out);
}

/* None moves where another strikes. */
static void test_apart(void **state)
{
	struct faults_options o = {
		.duplicate = 0.1, .late = 0.1, .late_max_ns = 9000000000, .seed = 5};
	struct faults_counts n, with;

	(void)state;
	free(run(&o, N, &n));
	o.shuffle = 20;
	o.corrupt = 0.5;
	free(run(&o, N, &with));
	assert_int_equal(n.duplicated, with.duplicated);
	assert_int_equal(n.held, with.held);
	assert_int_equal(n.late, with.late);
	assert_int_equal(n.lines, with.lines);
}

static int pass_some(void *arg, struct error *err)
{
	const struct faults_options o = {.duplicate = 0.5,
					 .late = 0.5,
					 .late_max_ns = 5000000000,
					 .shuffle = 3,
					 .corrupt = 0.5,
					 .seed = 6};
	struct faults *f = faults_new(&o, err);
	struct buf out = BUF_INIT;
	int ret = f ? 0 : -1;
	char line[100];

	(void)arg;
	for (int i = 0; i < 30 && !ret; i++) {
		int len = write_line(line, sizeof(line), false, i);
		ret = faults_take(f, line, (size_t)len, INT64_C(1000000000) * i, &out, err);
	}
	if (!ret)
		ret = faults_end(f, &out, err);
	faults_free(f);
	buf_release(&out);
	return ret;
}

static void test_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(pass_some, NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_corrupt_quoted_rows),
		cmocka_unit_test(test_first_line_stays_whole),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
