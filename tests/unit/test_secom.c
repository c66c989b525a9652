/* The reader of UCI's SECOM files, and the lines under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/record/lines.h"
#include "lib/record/secom.h"
#include "tests/unit/alloc_fail.h"

static char folder[256], data_path[300], labels_path[300];

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.200s/test_secom.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(data_path, sizeof(data_path), "%s/secom.data", folder);
	snprintf(labels_path, sizeof(labels_path), "%s/secom_labels.data", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(data_path);
	unlink(labels_path);
	return rmdir(folder);
}

static void put(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	struct error err;

	assert_true(fd >= 0);
	assert_int_equal(0, file_write_all(fd, bytes, n, &err));
	close(fd);
}

/* One gzip member, written to out; returns its length. */
static size_t gzip(const char *text, size_t n, unsigned char *out, size_t room)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)n};

	assert_int_equal(Z_OK, deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY));
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(Z_STREAM_END, deflate(&z, Z_FINISH));
	deflateEnd(&z);
	return room - z.avail_out;
}

static struct secom *open_both(const char *data, const char *labels)
{
	struct secom_options options = {.data_path = data_path, .labels_path = labels_path};
	struct error err = ERROR_INIT;

	put(data_path, data, strlen(data));
	put(labels_path, labels, strlen(labels));
	struct secom *s = secom_open(&options, &err);
	assert_non_null(s);
	return s;
}

/* Reads to the end; the number of rows, or -1 with err. */
static int count_rows(struct secom *s, struct error *err)
{
	struct secom_row row;
	int n = 0, more;

	while ((more = secom_next(s, &row, err)) > 0)
		n++;
	secom_close(s);
	return more < 0 ? -1 : n;
}

#define LABEL "-1 \"19/07/2008 11:55:00\""

static void reads_rows(void **state)
{
	struct error err = ERROR_INIT;
	struct secom_row row;
	int64_t ns;
	bool naive;

	(void)state;
	struct secom *s = open_both("3030.93 NaN -0.0034\r\n1.50 2564 1e-3\r\n",
				    LABEL "\r\n1 \"29/02/2008 23:59:59\"\r\n");
	assert_int_equal(1, secom_next(s, &row, &err));
	assert_int_equal(0, row.id);
	assert_false(row.fail);
	assert_int_equal(3, row.n);
	assert_memory_equal("3030.93", row.cells[0].text, row.cells[0].len);
	assert_true(row.cells[0].value == 3030.93);
	assert_true(isnan(row.cells[1].value));
	assert_true(row.cells[2].value == -0.0034);
	timestamp_parse("2008-07-19T11:55:00Z", 20, 0, &ns, &naive, &err);
	assert_int_equal(ns, row.time_ns);

	assert_int_equal(1, secom_next(s, &row, &err));
	assert_int_equal(1, row.id);
	assert_true(row.fail);
	assert_int_equal(4, row.cells[0].len);
	assert_memory_equal("1.50", row.cells[0].text, 4);
	timestamp_parse("2008-02-29T23:59:59Z", 20, 0, &ns, &naive, &err);
	assert_int_equal(ns, row.time_ns);
	assert_int_equal(0, secom_next(s, &row, &err));
	secom_close(s);
}

static void takes_variants_of_lines(void **state)
{
	static const char *const data[] = {
		"1 2\n3 4\n",
		"1 2\r\n3 4\r\n",
		"1 2\n3 4",
		("\xef\xbb\xbf"
		 "1 2\n3 4\n"),
		" 1  2 \n\t3\t4\t\n",
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++)
		assert_int_equal(2, count_rows(open_both(data[i], LABEL "\n" LABEL "\n"), &err));
	assert_int_equal(0, count_rows(open_both("", ""), &err));
}

static void refuses_with_place(void **state)
{
	static const struct {
		const char *data, *labels;
		bool in_labels;
		uint64_t line, column;
		const char *what;
	} cases[] = {
		{"1 2\n3\n", LABEL "\n" LABEL "\n", false, 2, 2,
		 "row has 1 cells, the first has 2"},
		{"1 2\n3 4 5\n", LABEL "\n" LABEL "\n", false, 2, 5,
		 "row is wider than the first, which has 2 cells"},
		{"1 2\n\n3 4\n", LABEL "\n" LABEL "\n" LABEL "\n", false, 2, 1, "row is empty"},
		{"\n", LABEL "\n", false, 1, 1, "row is empty"},
		{"1 x2\n", LABEL "\n", false, 1, 3, "feature 1: 'x2' is no number"},
		{"1 nan\n", LABEL "\n", false, 1, 3, "feature 1: 'nan' is no number"},
		{"1 +2\n", LABEL "\n", false, 1, 3, "feature 1: '+2' is no number"},
		{"1 012\n", LABEL "\n", false, 1, 3, "feature 1: '012' is no number"},
		{"1 1e999\n", LABEL "\n", false, 1, 3,
		 "feature 1: '1e999' is beyond a double's range"},
		{"1,2\n", LABEL "\n", false, 1, 1, "feature 0: '1,2' is no number"},
		{"1\n2\n", LABEL "\n", true, 2, 1, NULL},
		{"1\n", LABEL "\n" LABEL "\n", true, 2, 1, NULL},
		{"1\n", "0 \"19/07/2008 11:55:00\"\n", true, 1, 1, "label '0' is neither -1 nor 1"},
		{"1\n", "1\n", true, 1, 1, "'1' is no label with its time"},
		{"1\n", "1 \"19/07/2008\n", true, 1, 1, NULL},
		{"1\n", "1 19/07/2008 11:55:00\n", true, 1, 1, NULL},
		{"1\n", "1 \"31/02/2008 11:55:00\"\n", true, 1, 3,
		 "'31/02/2008 11:55:00' is no time as dd/mm/yyyy hh:mm:ss"},
		{"1\n", "-1 \"2008-07-19 11:55:00\"\n", true, 1, 4, NULL},
		{"1\n", "1 \"19/07/2008 11:55:0\"\n", true, 1, 3, NULL},
		{"1\n", "1 \"19/07/2008 11:55:00Z\"\n", true, 1, 3, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(-1, count_rows(open_both(cases[i].data, cases[i].labels), &err));
		assert_int_equal(ERROR_DATA, err.kind);
		assert_string_equal(cases[i].in_labels ? labels_path : data_path, err.file);
		assert_int_equal(cases[i].line, err.line);
		assert_int_equal(cases[i].column, err.column);
		if (cases[i].what)
			assert_string_equal(cases[i].what, err.what);
	}
}

/* Fields of any length are no more than refused. */
static void refuses_long_labels(void **state)
{
	char line[2100];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;

		memset(line, '7', sizeof(line));
		memcpy(line + (i ? 0 : 2000), " \"", 2);
		if (i)
			line[0] = '1', line[1] = ' ', line[2] = '"';
		memcpy(line + sizeof(line) - 3, "\"\n", 3);
		assert_int_equal(-1, count_rows(open_both("1\n", line), &err));
		assert_int_equal(ERROR_DATA, err.kind);
		assert_true(strlen(err.what) < 150);
	}
}

static void shows_no_control_characters(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(-1, count_rows(open_both("1 \x1b[2J\n", LABEL "\n"), &err));
	assert_null(strchr(err.what, '\x1b'));
}

/* Members, one after the other, are one text. */
static void reads_gzip_in_members(void **state)
{
	struct secom_options options = {.data_path = data_path, .labels_path = labels_path};
	unsigned char z[400];
	struct error err = ERROR_INIT;

	(void)state;
	size_t n = gzip("1 2\n3 ", 6, z, sizeof(z));
	n += gzip("4\n", 2, z + n, sizeof(z) - n);
	put(data_path, z, n);
	n = gzip(LABEL "\n" LABEL "\n", 2 * strlen(LABEL "\n"), z, sizeof(z));
	put(labels_path, z, n);
	assert_int_equal(2, count_rows(secom_open(&options, &err), &err));
}

static void refuses_gzip_cut_anywhere(void **state)
{
	struct secom_options options = {.data_path = data_path, .labels_path = labels_path};
	unsigned char z[200];
	size_t n = gzip("1 2\n3 4\n", 8, z, sizeof(z));

	(void)state;
	put(labels_path, LABEL "\n" LABEL "\n", 2 * strlen(LABEL "\n"));
	for (size_t cut = 2; cut < n; cut++) {
		struct error err = ERROR_INIT;

		put(data_path, z, cut);
		assert_int_equal(-1, count_rows(secom_open(&options, &err), &err));
		assert_int_equal(ERROR_DATA, err.kind);
		assert_string_equal("gzip data end early", err.what);
	}
}

static void refuses_gzip_damaged(void **state)
{
	struct secom_options options = {.data_path = data_path, .labels_path = labels_path};
	unsigned char z[200];
	size_t n = gzip("1 2\n3 4\n", 8, z, sizeof(z));
	struct error err = ERROR_INIT;

	(void)state;
	put(labels_path, LABEL "\n" LABEL "\n", 2 * strlen(LABEL "\n"));
	z[n - 6] ^= 1; /* in the CRC */
	put(data_path, z, n);
	assert_int_equal(-1, count_rows(secom_open(&options, &err), &err));
	assert_string_equal("gzip data are damaged", err.what);
	z[n - 6] ^= 1;
	z[n] = 'x'; /* behind the end */
	put(data_path, z, n + 1);
	assert_int_equal(-1, count_rows(secom_open(&options, &err), &err));
}

/* A pipe that holds the first part until the reader would wait; then the rest comes. */
struct two_parts {
	int ends[2];
	const char *rest;
	size_t n;
	unsigned waits;
};

static void close_writer(struct two_parts *p)
{
	close(p->ends[1]);
	p->ends[1] = -1;
}

static int send_rest(void *context, struct error *err)
{
	struct two_parts *p = context;

	p->waits++;
	assert_int_equal(0, file_write_all(p->ends[1], p->rest, p->n, err));
	close_writer(p);
	return 0;
}

static struct lines *open_parts(struct two_parts *p, const char *bytes, size_t first, size_t n,
				int (*before_wait)(void *, struct error *))
{
	static char path[64];
	struct lines_options options = {path, before_wait, p};
	struct error err = ERROR_INIT;

	*p = (struct two_parts){.rest = bytes + first, .n = n - first};
	assert_int_equal(0, pipe2(p->ends, O_CLOEXEC));
	assert_int_equal(0, file_write_all(p->ends[1], bytes, first, &err));
	snprintf(path, sizeof(path), "/dev/fd/%d", p->ends[0]);
	struct lines *l = lines_open(&options, &err);
	assert_non_null(l);
	close(p->ends[0]);
	return l;
}

static void expect_lines(struct lines *l, const char *const *expected, size_t n)
{
	struct error err = ERROR_INIT;
	const char *line;
	size_t len;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(1, lines_next(l, &line, &len, &err));
		assert_int_equal(strlen(expected[i]), len);
		assert_memory_equal(expected[i], line, len);
		assert_int_equal(i + 1, lines_number(l));
	}
	assert_int_equal(0, lines_next(l, &line, &len, &err));
	assert_int_equal(0, lines_next(l, &line, &len, &err));
}

static void splits_at_every_point(void **state)
{
	static const char plain[] = "\xef\xbb\xbf"
				    "ab\r\n\r\nc\xc3\xa9\n\nlast";
	static const char *const expected[] = {"ab", "", "c\xc3\xa9", "", "last"};
	unsigned char z[200];
	size_t z_len = gzip(plain, sizeof(plain) - 1, z, sizeof(z));

	(void)state;
	for (int zipped = 0; zipped < 2; zipped++) {
		const char *bytes = zipped ? (const char *)z : plain;
		size_t n = zipped ? z_len : sizeof(plain) - 1;

		for (size_t first = 0; first <= n; first++) {
			struct two_parts p;
			struct lines *l = open_parts(&p, bytes, first, n, send_rest);

			expect_lines(l, expected, 5);
			assert_int_equal(1, p.waits);
			lines_close(l);
		}
	}
}

static int end_here(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return 1;
}

static int fail_here(void *context, struct error *err)
{
	(void)context;
	return error_set(err, ERROR_IO, "no more");
}

static void wait_can_end_or_fail(void **state)
{
	static const char *const expected[] = {"a", "b"};
	struct error err = ERROR_INIT;
	struct two_parts p;
	const char *line;
	size_t len;

	(void)state;
	struct lines *l = open_parts(&p, "a\nb", 3, 3, end_here);
	expect_lines(l, expected, 2);
	lines_close(l);
	close_writer(&p);

	l = open_parts(&p, "a\nb", 3, 3, fail_here);
	assert_int_equal(1, lines_next(l, &line, &len, &err));
	assert_int_equal(-1, lines_next(l, &line, &len, &err));
	assert_string_equal("no more", err.what);
	lines_close(l);
	close_writer(&p);
}

static void refuses_endless_line(void **state)
{
	struct lines_options options = {.path = data_path}, zeros = {.path = "/dev/zero"};
	struct error err = ERROR_INIT;
	const char *line;
	size_t len;

	(void)state;
	/* A hole in a file: NULs that take no room. */
	put(data_path, "a\n", 2);
	assert_int_equal(0, truncate(data_path, (off_t)LINES_MAX_LINE + 3));
	struct lines *l = lines_open(&options, &err);
	assert_int_equal(1, lines_next(l, &line, &len, &err));
	assert_int_equal(-1, lines_next(l, &line, &len, &err));
	assert_int_equal(ERROR_DATA, err.kind);
	assert_int_equal(2, err.line);
	lines_close(l);

	l = lines_open(&zeros, &err);
	assert_non_null(l);
	assert_int_equal(-1, lines_next(l, &line, &len, &err));
	assert_int_equal(1, err.line);
	lines_close(l);
}

/* The longest line, and one of a byte more, whose ends come with their last bytes. */
static void takes_the_longest_line(void **state)
{
	struct lines_options options = {.path = data_path};
	struct error err = ERROR_INIT;
	const char *line;
	size_t len;

	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		put(data_path, "", 0);
		assert_int_equal(0, truncate(data_path, (off_t)(LINES_MAX_LINE + more)));
		int fd = open(data_path, O_WRONLY | O_APPEND);
		assert_int_equal(1, write(fd, "\n", 1));
		close(fd);
		struct lines *l = lines_open(&options, &err);
		assert_int_equal(more ? -1 : 1, lines_next(l, &line, &len, &err));
		assert_true(more || len == LINES_MAX_LINE);
		lines_close(l);
	}
}

static void refuses_what_is_no_file(void **state)
{
	struct secom_options options = {.data_path = folder, .labels_path = labels_path};
	struct error err = ERROR_INIT;

	(void)state;
	put(labels_path, "", 0);
	assert_null(secom_open(&options, &err));
	assert_int_equal(ERROR_NO_INPUT, err.kind);
	options.data_path = "/nonexistent/secom.data";
	assert_null(secom_open(&options, &err));
	assert_int_equal(ERROR_NO_INPUT, err.kind);
}

static int read_both(void *arg, struct error *err)
{
	struct secom *s = secom_open(arg, err);

	return s && count_rows(s, err) == 2 ? 0 : -1;
}

static void survives_lack_of_memory(void **state)
{
	struct secom_options options = {.data_path = data_path, .labels_path = labels_path};

	(void)state;
	put(data_path, "1 2\n3 4\n", 8);
	put(labels_path, LABEL "\n" LABEL "\n", 2 * strlen(LABEL "\n"));
	assert_true(alloc_fail_each(read_both, &options) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rows),
		cmocka_unit_test(takes_variants_of_lines),
		cmocka_unit_test(refuses_with_place),
		cmocka_unit_test(refuses_long_labels),
		cmocka_unit_test(shows_no_control_characters),
		cmocka_unit_test(takes_the_longest_line),
		cmocka_unit_test(reads_gzip_in_members),
		cmocka_unit_test(refuses_gzip_cut_anywhere),
		cmocka_unit_test(refuses_gzip_damaged),
		cmocka_unit_test(splits_at_every_point),
		cmocka_unit_test(wait_can_end_or_fail),
		cmocka_unit_test(refuses_endless_line),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
