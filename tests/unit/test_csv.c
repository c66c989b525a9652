/* CSV: cells, rows, headers, and the scanner over rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/csv.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

/* A row's cells, unquoted, in [ ] or for quoted ones < >; or "COLUMN what". */
static const char *cells(const char *row, size_t len)
{
	static char text[2048];
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	text[0] = '\0';
	for (const char *p = row;; p++) {
		struct csv_cell cell;
		p = csv_cell(row, p, row + len, &cell, &err);
		if (!p) {
			assert_int_equal(err.kind, ERROR_DATA);
			snprintf(text, sizeof(text), "%d %s", (int)err.column, err.what);
			break;
		}
		b.len = 0;
		assert_int_equal(csv_unquote(&cell, &b, &err), 0);
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 cell.quoted ? "<%.*s>" : "[%.*s]", (int)b.len, b.data ? b.data : "");
		if (p == row + len)
			break;
	}
	buf_release(&b);
	return text;
}

#define CELLS(row) cells(row, sizeof(row) - 1)

static void cells_come_apart(void **state)
{
	(void)state;
	assert_string_equal(CELLS(""), "[]");
	assert_string_equal(CELLS("a"), "[a]");
	assert_string_equal(CELLS("a,b,"), "[a][b][]");
	assert_string_equal(CELLS(",,"), "[][][]");
	assert_string_equal(CELLS(" a , b\t"), "[ a ][ b\t]");
	assert_string_equal(CELLS("\"a\",\"\",\"b,c\""), "<a><><b,c>");
	assert_string_equal(CELLS("\"a\"\"b\",\"\"\"\",\"\"\"\"\"\""), "<a\"b><\"><\"\">");
	assert_string_equal(CELLS("\"a\r\nb\nc\",d"), "<a\r\nb\nc>[d]");
	assert_string_equal(CELLS("\xc3\xa4,\x7f"), "[\xc3\xa4][\x7f]");
	assert_string_equal(CELLS("a"), "[a]");
}

static void bad_cells_are_placed(void **state)
{
	(void)state;
	assert_string_equal(CELLS("a,b\"c"), "4 a quote inside a cell that is not quoted");
	assert_string_equal(CELLS("a, \"b\""), "4 a quote inside a cell that is not quoted");
	assert_string_equal(CELLS("a,\"b"), "3 a quote opens here and never closes");
	assert_string_equal(CELLS("\""), "1 a quote opens here and never closes");
	assert_string_equal(CELLS("\"\"\""), "1 a quote opens here and never closes");
	assert_string_equal(CELLS("\"a\"b,c"), "4 a closing quote must be followed by a comma");
	assert_string_equal(CELLS("\"a\" ,c"), "4 a closing quote must be followed by a comma");
	assert_string_equal(CELLS("a,b\rc"), "4 a control character outside quotes");
	assert_string_equal(CELLS("a,b\0c"), "4 a control character outside quotes");
	assert_string_equal(CELLS("a\x1b[31m"), "2 a control character outside quotes");
	assert_string_equal(CELLS("a,\"b\0c\""), "5 a cell holds a NUL byte");
	assert_string_equal(CELLS("a,\"b\0c"), "5 a cell holds a NUL byte");
}

static void strings_are_quoted_where_they_must(void **state)
{
	static const struct {
		const char *text, *cell;
	} cases[] = {
		{"", "\"\""},
		{"a", "a"},
		{"a b", "a b"},
		{" a", "\" a\""},
		{"a ", "\"a \""},
		{" ", "\" \""},
		{"a,b", "\"a,b\""},
		{"a\"b", "\"a\"\"b\""},
		{"\"", "\"\"\"\""},
		{"a\nb", "\"a\nb\""},
		{"a\r", "\"a\r\""},
		{"a\tb", "\"a\tb\""},
		{"\x01", "\"\x01\""},
		{"true", "\"true\""},
		{"false", "\"false\""},
		{"null", "null"},
		{"True", "True"},
		{"1", "\"1\""},
		{"-0.5e3", "\"-0.5e3\""},
		{"007", "007"},
		{"1a", "1a"},
		{"+1", "+1"},
		{".5", ".5"},
		{"1e999", "\"1e999\""},
		{"NaN", "NaN"},
		{"\xc3\xa4", "\xc3\xa4"},
	};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		b.len = 0;
		assert_int_equal(csv_write_string(&b, cases[i].text, strlen(cases[i].text), &err),
				 0);
		assert_int_equal(buf_terminate(&b, &err), 0);
		assert_string_equal(b.data, cases[i].cell);
	}
	/* our reader refuses NUL, so it must not be written */
	assert_int_equal(csv_write_string(&b, "a\0b", 3, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	buf_release(&b);
}

static void rows_end_outside_quotes(void **state)
{
	static const struct {
		const char *text;
		size_t row, lines;
	} cases[] = {
		{"a,b\nc", 4, 1},
		{"a,b", 3, 0},
		{"\n", 1, 1},
		{"a\r\nb", 3, 1},
		{"\"a\nb\",c\nd", 8, 2},
		{"x,\"a\n\n\"\nd", 8, 3},
		{"\"a\"\"\nb\"\nd", 8, 2},
		{"\"\"\n\"\"\n", 3, 1},
		{"\"\"\"\n\"\nx", 6, 2},
		{"\"a\nb", 4, 1},
		/* a stray quote spoils its own row only */
		{"a\"b\nc", 4, 1},
		{"5\",\"x\ny\",3\nz", 11, 2},
		{"a\"\"\nb", 4, 1},
		{"a \"b\nc", 5, 1},
		{"\"a\"\"b\"c\"\nd", 9, 1},
		{"\"a\"b\"\nc", 6, 1},
		{"\"a\" \"\nc", 6, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t lines;
		size_t n = csv_row(cases[i].text, strlen(cases[i].text), &lines);
		if (n != cases[i].row || lines != cases[i].lines)
			fail_msg("'%s': %zu bytes, %d lines", cases[i].text, n, (int)lines);
	}
}

/* Rows end at the same places whatever pieces the text comes in. */
static void rows_end_alike_in_pieces(void **state)
{
	static const char text[] =
		"a,b\n\"c\"\"\n\"\"\",d\n5\",\"\n\",\"\"\n\"x\"\"\"y\"\n\"\"\"\"\n\"";
	size_t n = sizeof(text) - 1, ends[16] = {0}, n_ends = 0;

	(void)state;
	for (size_t at = 0; at < n;) {
		uint64_t lines;
		at += csv_row(text + at, n - at, &lines);
		ends[n_ends++] = at;
	}
	assert_int_equal(n_ends, 6);
	for (size_t i = 0; i <= n; i++) {
		for (size_t k = i; k <= n; k++) {
			struct csv_split s = CSV_SPLIT_INIT;
			const size_t cuts[] = {0, i, k, n};
			size_t found = 0;
			for (int piece = 0; piece < 3; piece++) {
				const char *p = text + cuts[piece], *end = text + cuts[piece + 1];
				while ((p = csv_row_end(&s, p, end)))
					assert_int_equal(p - text, ends[found++]);
			}
			assert_int_equal(found, 5); /* the last one is open */
			assert_true(s.open);
		}
	}
}

static void expect_header(const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new(text, strlen(text), false, &err);
	char got[2048] = "";

	if (!h) {
		assert_int_equal(err.kind, ERROR_DATA);
		snprintf(got, sizeof(got), "%d %s", (int)err.column, err.what);
	}
	for (size_t i = 0; h && i < h->n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%s]", h->names[i]);
	if (*expected == '[' ? strcmp(got, expected) : !strstr(got, expected))
		fail_msg("%s\n got %s\nnot %s", text, got, expected);
	if (h)
		assert_string_equal(h->text, text);
	csv_header_free(h);
}

static void headers(void **state)
{
	(void)state;
	expect_header("a", "[a]");
	expect_header("a,b.c,b.d", "[a][b.c][b.d]");
	expect_header("\"a,b\",\"c\"\"d\"", "[a,b][c\"d]");
	expect_header("a\\.b,a", "[a\\.b][a]");
	expect_header("a,a-b,ab", "[a][a-b][ab]");
	expect_header("0,1", "[0][1]");
	expect_header("a,b,a", "header names column 'a' twice");
	expect_header("a,\"a\"", "header names column 'a' twice");
	expect_header("a,b,a.c", "header has column 'a' beside 'a.c'");
	expect_header("a.b,a.b.c.d", "header has column 'a.b' beside 'a.b.c.d'");
	expect_header("a,a-b,a.b", "header has column 'a' beside 'a.b'");
	expect_header("", "1 header has a column without a name");
	expect_header("a,,b", "3 header has a column without a name");
	expect_header("a,\"\"", "3 header has a column without a name");
	expect_header("a,b.", "3 header: field path 'b.' has an empty name");
	expect_header("a,b\\", "3 header: field path 'b\\' ends in a backslash");
	expect_header("a,\"b", "3 a quote opens here and never closes");
	expect_header("a,b\xff", "4 header is not valid UTF-8");
	expect_header("a,b\x01", "4 a control character outside quotes");
	expect_header("x;y", "2 header separates its columns by semicolons, not by commas");
	expect_header("x y\tz;", "4 header separates its columns by tabs, not by commas");
	expect_header("x;y,z", "[x;y][z]");
	expect_header("\"x;y\"", "[x;y]");
	/* the same column spelled in two ways */
	expect_header("a\\b,ab", "twice");
	expect_header("a\\\\,a\\\\.b", "header has column 'a\\\\' beside 'a\\\\.b'");
	expect_header("a\\\\,a\\\\\\.b", "[a\\\\][a\\\\\\.b]");
}

static const char *scan_row(struct scanner *s, const struct fields *f, const struct block *b,
			    struct record *rec, struct error *err)
{
	(void)b;
	int ret = scanner_next(s, rec, err);
	return ret ? text_record(f, rec, ret, err) : NULL;
}

static void rows_are_scanned(void **state)
{
	static const char text[] = "1,x,true,,\"q\"\n"
				   "\n"
				   "1.5,\"1\",false,\"\",\"a\nb\"\r\n"
				   "007,+1,NaN,TRUE,-\n"
				   "1,2,3,4\n"
				   "1,2,3,4,5,6\n"
				   "1e999,-0,null, 1,1 \n"
				   "1,2,\"3,4,5\n"
				   "1,2\",3,4,5\n";
	static const struct {
		int line;
		const char *expected;
	} cases[] = {
		{5, "i:1 s:x t z s:\"q\""},
		{7, "n:1.5 s:\"1\" f s:\"\" s:\"a\nb\""},
		{9, "s:007 s:+1 s:NaN s:TRUE s:-"},
		{10, "! 10:8 row has 4 cells, the header 5"},
		{11, "! 11:11 row has more cells than the header's 5"},
		{12, "n:1e999 i:-0 s:null s: 1 s:1 "},
		{13, "! 13:19 row has "}, /* its quote closes in the next row */
	};
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new("a,b,c.d,c.e,f", 13, false, &err);
	struct fields *f = text_fields("a,b,c.d,c.e,f", NULL);
	struct block b = text_block(text, sizeof(text) - 1, h);
	struct scanner *s = scanner_new(f, &err);
	struct record rec;

	(void)state;
	b.first_line = 5;
	assert_int_equal(scanner_start(s, &b, &err), 0);
	for (size_t i = 0; i < 6; i++) {
		const char *got = scan_row(s, f, &b, &rec, &err);
		assert_non_null(got);
		if (*got == '!' ? strncmp(got, cases[i].expected, strlen(cases[i].expected))
				: strcmp(got, cases[i].expected))
			fail_msg("%s\nnot %s", got, cases[i].expected);
		assert_int_equal(rec.line, cases[i].line);
		assert_string_equal(rec.eol, i == 1 ? "\r\n" : "\n");
		assert_int_equal(rec.control, CONTROL_NONE);
	}
	/* two lines, one row, since the quote closes in the second */
	assert_memory_equal(scan_row(s, f, &b, &rec, &err), "! 13:", 5);
	assert_int_equal(rec.len, 21);
	assert_null(scan_row(s, f, &b, &rec, &err));
	scanner_free(s);
	text_block_free(&b);
	fields_free(f);
	csv_header_free(h);
}

static void owned_columns_are_cut(void **state)
{
	static const struct {
		const char *header, *row, *rest;
		bool empty;
	} cases[] = {
		{"a,b", "1,2", "1,2", false},
		{"v,a", "1,2", "2", false},
		{"a,v", "1,2", "1", false},
		{"a,v,b", "1,2,3", "1,3", false},
		{"v,w,a", "1,2,3", "3", false},
		{"a,v,w", "1,2,3", "1", false},
		{"v,a,w", "1,2,3", "2", false},
		{"v", "1", "", true},
		{"v,w", "1,2", "", true},
		{"v.x,a,v.y,b,w", "1,2,3,4,5", "2,4", false},
		{"a,v,b", ",,", ",", false},
		{"v,a,b", "\",\",\",\",", "\",\",", false},
		{"a.v,v\\.x,vv", "1,2,3", "1,2,3", false},
	};
	struct error err = ERROR_INIT;
	struct fields *f = text_fields("v.x,a", "v,w");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct csv_header *h =
			csv_header_new(cases[i].header, strlen(cases[i].header), false, &err);
		struct block b = text_block(cases[i].row, strlen(cases[i].row), h);
		struct scanner *s = scanner_new(f, &err);
		struct record rec;
		assert_int_equal(scanner_start(s, &b, &err), 0);
		assert_int_equal(scanner_next(s, &rec, &err), 1);
		if (strcmp(text_uncut(&rec), cases[i].rest) || rec.empty != cases[i].empty)
			fail_msg("%s %s: '%s'", cases[i].header, cases[i].row, text_uncut(&rec));
		assert_int_equal(rec.close, rec.len);
		assert_true(rec.torn);
		scanner_free(s);
		text_block_free(&b);
		csv_header_free(h);
	}
	fields_free(f);
}

static int collect(void *context, const char *path, const struct value *v, struct error *err)
{
	struct buf *b = context;

	if (buf_printf(b, err, "%s=", path))
		return -1;
	text_value(b, v);
	return buf_add_str(b, " ", err);
}

static void walk_gives_every_column(void **state)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new("a,b.c,\"d,e\"", 11, false, &err);
	struct block b = text_block("1,,\"x\"\n", 7, h);
	struct scanner *s = scanner_new(NULL, &err);
	struct buf out = BUF_INIT;
	struct record rec;

	(void)state;
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(scanner_walk(s, &rec, collect, &out, &err), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	assert_string_equal(out.data, "a=i:1 b.c=z d,e=s:\"x\" ");
	buf_release(&out);
	scanner_free(s);
	text_block_free(&b);
	csv_header_free(h);
}

static void cells_are_read_as_strings(void **state)
{
	static const struct {
		const char *cell, *text;
	} cases[] = {{"x", "x"},         {"\"x\"", "x"}, {"\"\"", ""},  {"\"a\"\"b\"", "a\"b"},
		     {"\"\"\"\"", "\""}, {"\\n", "\\n"}, {"007", "007"}};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;
		struct value v = {.text = cases[i].cell,
				  .len = strlen(cases[i].cell),
				  .kind = VALUE_STRING,
				  .csv = true};
		assert_int_equal(value_string(&v, &b, &err), 0);
		assert_int_equal(buf_terminate(&b, &err), 0);
		assert_string_equal(b.data, cases[i].text);
		buf_release(&b);
	}
}

static void control_columns_are_no_control_records(void **state)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new("_kafka.control,_kafka.seq", 25, false, &err);
	struct block b = text_block("mark,1\n", 7, h);
	struct scanner *s = scanner_new(NULL, &err);
	struct record rec;

	(void)state;
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(rec.control, CONTROL_NONE);
	scanner_free(s);
	text_block_free(&b);
	csv_header_free(h);
}

/* One scanner, blocks of both formats and of two headers in turn. */
static void headers_may_change(void **state)
{
	struct error err = ERROR_INIT;
	struct csv_header *h[2] = {csv_header_new("a,v,b", 5, false, &err),
				   csv_header_new("b,x,y,z,v,a", 11, false, &err)};
	struct fields *f = text_fields("a,b", "v");
	struct scanner *s = scanner_new(f, &err);
	static const char *const texts[] = {"1,x,2\n", "2,x,y,z,v,1\n",
					    "{\"v\":0,\"b\":2,\"a\":1}\n"};

	(void)state;
	for (int i = 0; i < 12; i++) {
		int which = "012210021102"[i] - '0';
		struct block b =
			text_block(texts[which], strlen(texts[which]), which < 2 ? h[which] : NULL);
		struct record rec;
		assert_int_equal(scanner_start(s, &b, &err), 0);
		assert_int_equal(scanner_next(s, &rec, &err), 1);
		assert_string_equal(text_record(f, &rec, 1, &err), "i:1 i:2");
		assert_int_equal(rec.n_cuts, 1);
		text_block_free(&b);
	}
	scanner_free(s);
	fields_free(f);
	csv_header_free(h[0]);
	csv_header_free(h[1]);
}

static int header_and_scan(void *arg, struct error *err)
{
	struct csv_header *h = csv_header_new("a,\"b\"\"\",v,c.d,c.e", 17, true, err);
	struct block *b = arg;
	struct fields *f = NULL;
	struct scanner *s = NULL;
	struct buf out = BUF_INIT;
	struct record rec;
	int ret = -1;

	if (!h)
		return -1;
	b->header = h;
	b->format = FORMAT_CSV;
	if (!(f = fields_new(err)) || fields_want(f, "c.d", err) < 0 || fields_own(f, "v", err) ||
	    !(s = scanner_new(f, err)) || scanner_start(s, b, err) ||
	    (ret = scanner_next(s, &rec, err)) < 0)
		goto out;
	ret = csv_write_string(&out, "a \"b\"", 5, err) || value_string(&rec.values[0], &out, err)
		      ? -1
		      : 0;
out:
	buf_release(&out);
	scanner_free(s);
	fields_free(f);
	csv_header_free(h);
	return ret;
}

static void memory_runs_out(void **state)
{
	struct block b = text_block("1,2,3,x,5\n", 10, NULL);

	(void)state;
	assert_true(alloc_fail_each(header_and_scan, &b) > 20);
	text_block_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_come_apart),
		cmocka_unit_test(bad_cells_are_placed),
		cmocka_unit_test(strings_are_quoted_where_they_must),
		cmocka_unit_test(rows_end_outside_quotes),
		cmocka_unit_test(rows_end_alike_in_pieces),
		cmocka_unit_test(headers),
		cmocka_unit_test(rows_are_scanned),
		cmocka_unit_test(owned_columns_are_cut),
		cmocka_unit_test(walk_gives_every_column),
		cmocka_unit_test(cells_are_read_as_strings),
		cmocka_unit_test(control_columns_are_no_control_records),
		cmocka_unit_test(headers_may_change),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
