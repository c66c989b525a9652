/* The scanner of JSON Lines, line by line: what is accepted, what is found, what is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

/* A scanner with its fields, to which texts are given. */
struct fixture {
	struct fields *fields;
	struct scanner *scanner;
	struct block block;
	struct record rec;
	struct error err;
};

static struct fixture make(const char *wanted, const char *owned)
{
	struct fixture x = {.fields = text_fields(wanted, owned)};

	x.scanner = scanner_new(x.fields, &x.err);
	assert_non_null(x.scanner);
	return x;
}

static void give(struct fixture *x, const char *text, size_t len)
{
	if (x->block.data)
		text_block_free(&x->block);
	x->block = text_block(text, len, NULL);
	assert_int_equal(scanner_start(x->scanner, &x->block, &x->err), 0);
}

/* The next record as a text; NULL at the end of the block. */
static const char *next(struct fixture *x)
{
	int ret = scanner_next(x->scanner, &x->rec, &x->err);

	return ret ? text_record(x->fields, &x->rec, ret, &x->err) : NULL;
}

static void done(struct fixture *x)
{
	assert_null(next(x));
	text_block_free(&x->block);
	scanner_free(x->scanner);
	fields_free(x->fields);
}

/* One record, without its newline. What begins with "!" needs to be the beginning only. */
static void expect(const char *wanted, const char *line, size_t len, const char *expected)
{
	struct fixture x = make(wanted, NULL);
	struct buf text = BUF_INIT;
	const char *got;

	assert_int_equal(buf_add(&text, line, len, &x.err), 0);
	assert_int_equal(buf_add_str(&text, "\n", &x.err), 0);
	give(&x, text.data, text.len);
	buf_release(&text);
	got = next(&x);
	assert_non_null(got);
	if (*expected == '!' ? strncmp(got, expected, strlen(expected)) : strcmp(got, expected))
		fail_msg("%.200s\n got %s\nnot %s", line, got, expected);
	done(&x);
}

#define EXPECT(wanted, line, expected) expect(wanted, line, sizeof(line) - 1, expected)

static void values_of_every_kind(void **state)
{
	(void)state;
	EXPECT("a", "{}", "-");
	EXPECT("a", "{\"a\":null}", "z");
	EXPECT("a", "{\"a\":true}", "t");
	EXPECT("a", "{\"a\":false}", "f");
	EXPECT("a", "{\"a\":0}", "i:0");
	EXPECT("a", "{\"a\":-0}", "i:-0");
	EXPECT("a", "{\"a\":1.50}", "n:1.50");
	EXPECT("a", "{\"a\":1E+2}", "n:1E+2");
	EXPECT("a", "{\"a\":\"\"}", "s:\"\"");
	EXPECT("a", "{\"a\":\"x\\\"\\u00e4\"}", "s:\"x\\\"\\u00e4\"");
	EXPECT("a", "{\"a\":[]}", "a:[]");
	EXPECT("a", "{\"a\":[1,[2,{\"b\":[]}],{}] }", "a:[1,[2,{\"b\":[]}],{}]");
	EXPECT("a", "{\"a\":{}}", "o:{}");
	EXPECT("a", "{\"a\":{ \"b\" : 1 } }", "o:{ \"b\" : 1 }");
}

static void white_space_everywhere(void **state)
{
	(void)state;
	EXPECT("a,b.c,d", "\t { \"a\" :\t1 , \"b\" : { \"c\"\r:\t[ 1 , 2 ] } , \"d\" : true } \t",
	       "i:1 a:[ 1 , 2 ] t");
	EXPECT("a,b.c", "{\"b\":{ }, \"a\":[ ]}", "a:[ ] -");
	EXPECT("a", "{ }", "-");
	EXPECT("a", "{\"a\":1}\r", "i:1");
}

static void nested_fields(void **state)
{
	(void)state;
	EXPECT("a.b.c,a.b,a", "{\"a\":{\"x\":1,\"b\":{\"c\":2,\"y\":3},\"z\":4}}",
	       "i:2 o:{\"c\":2,\"y\":3} o:{\"x\":1,\"b\":{\"c\":2,\"y\":3},\"z\":4}");
	EXPECT("a.b", "{\"a\":1}", "-");
	EXPECT("a.b,a", "{\"a\":[{\"b\":1}]}", "- a:[{\"b\":1}]");
	EXPECT("a.b", "{\"a.b\":1}", "-");
	EXPECT("a\\.b", "{\"a.b\":1}", "i:1");
	EXPECT("a\\.b.c", "{\"a.b\":{\"c\":1}}", "i:1");
	EXPECT("b", "{\"a\":{\"b\":1}}", "-");
	EXPECT("a.a.a", "{\"a\":{\"a\":{\"a\":1}}}", "i:1");
}

static void names_with_escapes(void **state)
{
	(void)state;
	EXPECT("ab", "{\"\\u0061\\u0062\":1}", "i:1");
	EXPECT("a.b", "{\"\\u0061\":{\"\\u0062\":1}}", "i:1");
	EXPECT("a\\.b", "{\"a\\u002eb\":1}", "i:1");
	EXPECT("a\"b", "{\"a\\\"b\":1}", "i:1");
	EXPECT("\xc3\xa4", "{\"\\u00e4\":1}", "i:1");
	EXPECT("\xf0\x9f\x98\x80", "{\"\\ud83d\\ude00\":1}", "i:1");
	EXPECT("\xc3\xa4", "{\"\xc3\xa4\":1}", "i:1");
	EXPECT("a", "{\"\":1,\"a\":2}", "i:2");
	/* no field can have such a name */
	EXPECT("a", "{\"a\\u0000\":1,\"a\":2}", "i:2");
	EXPECT("a", "{\"\\ud800\":1,\"a\":2}", "i:2");
	EXPECT("a.b", "{\"a\":{\"\\udc00\":1,\"b\":2}}", "i:2");
}

static void last_of_duplicates_counts(void **state)
{
	(void)state;
	EXPECT("a", "{\"a\":1,\"a\":\"x\",\"a\":2.0}", "n:2.0");
	EXPECT("a", "{\"a\":1,\"\\u0061\":2}", "i:2");
	EXPECT("a.b,a.c", "{\"a\":{\"b\":1,\"c\":2},\"a\":{\"c\":3}}", "- i:3");
	EXPECT("a.b,a", "{\"a\":{\"b\":1},\"a\":null}", "- z");
	EXPECT("a.b,a", "{\"a\":7,\"a\":{\"b\":1}}", "i:1 o:{\"b\":1}");
	EXPECT("a.b.c,a.b", "{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":2}}", "- i:2");
	EXPECT("a.b.c,a.b", "{\"a\":{\"b\":{\"c\":1},\"b\":{}}}", "- o:{}");
	EXPECT("a.b.c", "{\"a\":{\"b\":{\"c\":1}},\"a\":{}}", "-");
	EXPECT("a.b.c", "{\"a\":{\"b\":{\"c\":1}},\"a\":[]}", "-");
}

static void numbers(void **state)
{
	char line[1200];
	struct fixture x = make("a", NULL);

	(void)state;
	EXPECT("a", "{\"a\":123456789012345678901234567890123456789012345678901234567890}",
	       "i:123456789012345678901234567890123456789012345678901234567890");
	EXPECT("a", "{\"a\":1e999}", "n:1e999");
	EXPECT("a", "{\"a\":-1E-999}", "n:-1E-999");
	EXPECT("a", "{\"a\":0123}", "! 1:6 a number must not begin with 0");
	EXPECT("a", "{\"a\":-01}", "! 1:6 a number must not begin with 0");
	EXPECT("b", "{\"a\":00}", "! 1:6 a number must not begin with 0");
	EXPECT("a", "{\"a\":+1}", "! 1:6 expected a value, not '+1");
	EXPECT("a", "{\"a\":NaN}", "! 1:6 expected a value, not 'NaN', which is no number of JSON");
	EXPECT("a", "{\"a\":Infinity}", "! 1:6 expected a value, not 'Inf");
	EXPECT("a", "{\"a\":-Infinity}", "! 1:6 expected a value");
	EXPECT("a", "{\"a\":.5}", "! 1:6 expected a value, not '.5");
	EXPECT("a", "{\"a\":1.}", "! 1:6 expected a value, not '1.', which");
	EXPECT("a", "{\"a\":1e}", "! 1:6 ");
	EXPECT("a", "{\"a\":-}", "! 1:6 ");
	EXPECT("a", "{\"a\":0x10}", "! 1:7 ");
	EXPECT("a", "{\"a\":1.2.3}", "! 1:9 ");
	EXPECT("a", "{\"a\":1 2}", "! 1:8 ");
	memset(line, '9', sizeof(line));
	memcpy(line, "{\"a\":", 5);
	line[sizeof(line) - 1] = '}';
	give(&x, line, sizeof(line));
	assert_non_null(next(&x));
	assert_int_equal(x.rec.values[0].kind, VALUE_NUMBER);
	assert_true(isinf(x.rec.values[0].number) && x.rec.values[0].integer);
	done(&x);
}

static void strings(void **state)
{
	(void)state;
	EXPECT("a", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\uDd1E\"}",
	       "s:\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\uDd1E\"");
	EXPECT("a", "{\"a\":\"\x7f\"}", "s:\"\x7f\"");
	EXPECT("a", "{\"a\":\"\\x\"}", "! 1:7 '\\x' is no escape");
	EXPECT("a", "{\"a\":\"\\\0\"}", "! 1:7 ");
	EXPECT("a", "{\"a\":\"\\u12g4\"}", "! 1:7 \\u needs four hex digits");
	EXPECT("a", "{\"a\":\"\\u12\"}", "! 1:7 \\u needs four hex digits");
	EXPECT("a", "{\"a\":\"a\tb\"}", "! 1:8 control character 0x09");
	EXPECT("a", "{\"a\":\"a\0b\"}", "! 1:8 control character 0x00");
	EXPECT("a", "{\"a\":\"a\x1f\"}", "! 1:8 control character 0x1f");
	EXPECT("a", "{\"a\":\"a\r\"}", "! 1:8 control character 0x0d");
	EXPECT("b", "{\"a\":'x'}", "! 1:6 ");
}

/* Every length of string with every kind of end, over the words that are scanned at once. */
static void strings_of_every_length(void **state)
{
	static const struct {
		const char *end;
		int good;
		const char *what;
	} ends[] = {{"\"}", 1, ""},
		    {"\\n\"}", 3, ""},
		    {"\x01\"}", 0, "control character 0x01"},
		    {"", 0, "line ends inside a string"}};

	(void)state;
	for (int n = 0; n < 40; n++) {
		for (size_t end = 0; end < sizeof(ends) / sizeof(*ends); end++) {
			char line[100], expected[100];
			int len = snprintf(line, sizeof(line), "{\"a\":\"%.*s%s", n,
					   "xyzxyzxyzxyzxyz\x7fxyzxyzxyzxyzxyzxyzxyzxyzxyz",
					   ends[end].end);
			if (ends[end].good)
				snprintf(expected, sizeof(expected), "s:%.*s",
					 n + 1 + ends[end].good, line + 5);
			else
				snprintf(expected, sizeof(expected), "! 1:%d %s", n + 7,
					 ends[end].what);
			expect("a", line, (size_t)len, expected);
			expect("b", line, (size_t)len, ends[end].good ? "-" : expected);
		}
	}
}

static void what_is_no_record(void **state)
{
	(void)state;
	EXPECT("a", "[]", "! 1:1 ");
	EXPECT("a", "1", "! 1:1 ");
	EXPECT("a", "\"a\"", "! 1:1 ");
	EXPECT("a", "null", "! 1:1 ");
	EXPECT("a", "  x", "! 1:3 ");
	EXPECT("a", "{", "! 1:2 ");
	EXPECT("a", "{\"a\"", "! 1:5 ");
	EXPECT("a", "{\"a\":", "! 1:6 ");
	EXPECT("a", "{\"a\":1", "! 1:7 ");
	EXPECT("a", "{\"a\":1,", "! 1:8 ");
	EXPECT("a", "{\"a\":1,}", "! 1:8 ");
	EXPECT("a", "{,}", "! 1:2 ");
	EXPECT("a", "{,\"a\":1}", "! 1:2 ");
	EXPECT("a", "{\"a\" 1}", "! 1:6 ");
	EXPECT("a", "{\"a\"::1}", "! 1:6 ");
	EXPECT("a", "{a:1}", "! 1:2 ");
	EXPECT("a", "{\"a\":1 \"b\":2}", "! 1:8 ");
	EXPECT("a", "{\"a\":1}}", "! 1:8 text behind the record's end");
	EXPECT("a", "{\"a\":1}{\"a\":1}", "! 1:8 text behind the record's end");
	EXPECT("a", "{\"a\":1}\0", "! 1:8 text behind the record's end");
	EXPECT("a", "\0{\"a\":1}", "! 1:1 ");
	EXPECT("a", "{\"a\":tru}", "! 1:6 ");
	EXPECT("a", "{\"a\":nulll}", "! 1:10 ");
	EXPECT("a", "{\"a\":True}", "! 1:6 ");
	EXPECT("a", "{\"a\":[1,]}", "! 1:9 ");
	EXPECT("a", "{\"a\":[,1]}", "! 1:7 ");
	EXPECT("a", "{\"a\":[1 2]}", "! 1:9 ");
	EXPECT("a", "{\"a\":[1}", "! 1:8 ");
	EXPECT("a", "{\"a\":[", "! 1:7 ");
	EXPECT("a", "{\"a\":[1,", "! 1:9 ");
	EXPECT("a", "{\"a\":[1", "! 1:8 ");
	EXPECT("a", "{\"a\":{\"b\"}}", "! 1:10 ");
	EXPECT("a", "{\"a\":{\"b\":}}", "! 1:11 ");
	EXPECT("a", "{\"a\":{\"b\":1]}", "! 1:12 ");
	EXPECT("a", "{\"a\":{b:1}}", "! 1:7 ");
	EXPECT("a", "{\"a\":{\"b\":1,}}", "! 1:13 ");
	EXPECT("a", "{\"a\":{", "! 1:7 ");
	EXPECT("a", "{\"a\":{\"b\"", "! 1:10 ");
	EXPECT("a", "{\"a\":{\"b\":", "! 1:11 ");
	EXPECT("a.b", "{\"a\":{\"b\":1", "! 1:12 ");
	EXPECT("a.b", "{\"a\":{", "! 1:7 ");
	EXPECT("a.b", "{\"a\":}", "! 1:6 ");
	EXPECT("a", "{\"a\":1} // x", "! 1:9 ");
	EXPECT("a", "\xef\xbb\xbf{}", "! 1:1 ");
}

static void utf8_is_checked(void **state)
{
	(void)state;
	EXPECT("a", "{\"a\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}",
	       "s:\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	EXPECT("b", "{\"a\":\"\xc3\"}", "! 1:7 byte 0xc3 is not valid UTF-8");
	EXPECT("b", "{\"a\":\"\xed\xa0\x80\"}", "! 1:7 byte 0xed is not valid UTF-8");
	EXPECT("b", "{\"a\":\"\xf4\x90\x80\x80\"}", "! 1:7 ");
	EXPECT("b", "{\"a\":\"\xc0\x80\"}", "! 1:7 ");
	EXPECT("b", "{\"\xff\":1}", "! 1:3 ");
	EXPECT("b", "{\"a\":1}\xe4", "! 1:8 ");
}

/* {"a":{"a":…}} or {"a":[…]}, `depth` deep in all. */
static void nest(char line[static 4096], int depth, bool arrays)
{
	snprintf(line, 4096, "{\"a\":");
	for (int i = 2; i <= depth; i++)
		text_append(line, 4096, arrays ? "[" : i < depth ? "{\"a\":" : "{");
	for (int i = 2; i <= depth; i++)
		text_append(line, 4096, arrays ? "]" : "}");
	text_append(line, 4096, "}");
}

static void depth_is_limited(void **state)
{
	char line[4096], path[200] = "a";

	(void)state;
	for (int arrays = 0; arrays < 2; arrays++) {
		nest(line, 64, arrays);
		expect("b", line, strlen(line), "-");
		nest(line, 65, arrays);
		expect("b", line, strlen(line),
		       arrays ? "! 1:69 nested deeper than 64" : "! 1:321 nested deeper than 64");
		expect("a", line, strlen(line),
		       arrays ? "! 1:69 nested deeper than 64" : "! 1:321 nested deeper than 64");
	}
	/* the same where fields lead all the way down */
	for (int i = 1; i < 64; i++)
		text_append(path, sizeof(path), ".a");
	nest(line, 64, false);
	expect(path, line, strlen(line), "-");
	nest(line, 65, false);
	expect(path, line, strlen(line), "! 1:321 nested deeper than 64");
	nest(line, 1000, true);
	expect("b", line, 200, "! 1:69 nested deeper than 64");
	/* wide is not deep */
	snprintf(line, sizeof(line), "{\"a\":[");
	for (int i = 0; i < 100; i++)
		text_append(line, sizeof(line), "[],{},");
	text_append(line, sizeof(line), "0]}");
	expect("b", line, strlen(line), "-");
}

/* One scanner over many lines: what it learned of one must not mislead it on the next. */
static void shapes_change(void **state)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":3},\"d\":4}", "i:1 i:2 i:3 i:4"},
		{"{\"a\":5,\"n\":{\"b\":6,\"c\":7},\"d\":8}", "i:5 i:6 i:7 i:8"},
		{"{\"a\": 1, \"n\": {\"b\": 2, \"c\": 3}, \"d\": 4}", "i:1 i:2 i:3 i:4"},
		{"{\"a\":\t1,\"n\":\t{\"b\":\r2,\"c\": 3},\"d\": 4}", "i:1 i:2 i:3 i:4"},
		{"{ \"a\":1 ,\"n\":{ \"b\":2 ,\"c\":3 } ,\"d\":4 }", "i:1 i:2 i:3 i:4"},
		{"{\"d\":4,\"n\":{\"c\":3,\"b\":2},\"a\":1}", "i:1 i:2 i:3 i:4"},
		{"{\"n\":{\"b\":2,\"c\":3},\"d\":4}", "- i:2 i:3 i:4"},
		{"{\"a\":1,\"n\":{\"c\":3},\"d\":4}", "i:1 - i:3 i:4"},
		{"{\"a\":1,\"n\":{\"b\":2},\"d\":4}", "i:1 i:2 - i:4"},
		{"{\"a\":1,\"n\":{},\"d\":4}", "i:1 - - i:4"},
		{"{\"a\":1,\"n\":{ },\"d\":4}", "i:1 - - i:4"},
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":3}}", "i:1 i:2 i:3 -"},
		{"{\"a\":1}", "i:1 - - -"},
		{"{}", "- - - -"},
		{"{\"a\":1,\"x\":9,\"n\":{\"y\":{\"d\":9},\"b\":2,\"c\":3,\"d\":9},\"d\":4}",
		 "i:1 i:2 i:3 i:4"},
		{"{\"a\":1,\"n\":[{\"b\":9}],\"d\":4}", "i:1 - - i:4"},
		{"{\"a\":1,\"n\":null,\"d\":4}", "i:1 - - i:4"},
		{"{\"a\":1,\"b\":9,\"c\":9,\"d\":4,\"n\":{\"d\":9,\"a\":9}}", "i:1 - - i:4"},
		{"{\"a\":{\"b\":9},\"n\":{\"a\":9,\"b\":2,\"c\":3},\"d\":4}",
		 "o:{\"b\":9} i:2 i:3 i:4"},
		{"{\"aa\":1,\"n\":{\"bb\":2,\"c\":3},\"d\":4}", "- - i:3 i:4"},
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":3},\"d\":4,\"a\":10}", "i:10 i:2 i:3 i:4"},
		{"{\"\\u0061\":1,\"n\":{\"b\":2,\"c\":3},\"d\":4}", "i:1 i:2 i:3 i:4"},
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":3},\"d\":4", "! "},
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":", "! "},
		{"{\"a\":", "! "},
		{"{\"a\":\r", "! "},
		{"{\"a\":1,\"n\":{\"b\":2,\"c\":3}\"d\":4}", "! "},
		{"{\"a\":1,\"n\":{,\"b\":2,\"c\":3},\"d\":4}", "! "},
		{"{,\"a\":1,\"n\":{\"b\":2,\"c\":3},\"d\":4}", "! "},
		{"{\"a\":1\"n\":{\"b\":2,\"c\":3},\"d\":4}", "! "},
	};
	enum { N = sizeof(cases) / sizeof(*cases) };
	struct fixture x = make("a,n.b,n.c,d", NULL);
	char text[4 * 128];

	(void)state;
	/* after each first, each second, then each first again */
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < N; k++) {
			size_t order[] = {i, k, i, k};
			snprintf(text, sizeof(text), "%s\n%s\r\n%s\n%s\n", cases[i].line,
				 cases[k].line, cases[i].line, cases[k].line);
			give(&x, text, strlen(text));
			for (size_t m = 0; m < 4; m++) {
				const char *want = cases[order[m]].expected, *got = next(&x);
				assert_non_null(got);
				if (*want == '!' ? strncmp(got, want, 2) : strcmp(got, want))
					fail_msg("%s\nafter\n%s\n got %s\nnot %s",
						 cases[order[m]].line,
						 cases[order[m ? m - 1 : 0]].line, got, want);
				assert_int_equal(x.rec.line, m + 1);
			}
			assert_null(next(&x));
		}
	}
	done(&x);
}

static void owned_members_are_cut(void **state)
{
	static const struct {
		const char *line, *rest;
		bool empty;
	} cases[] = {
		{"{}", "{}", true},
		{"{\"a\":1}", "{\"a\":1}", false},
		{"{\"v\":1}", "{}", true},
		{"{ \"v\" : 1 }", "{ }", true},
		{"{\"v\":1,\"a\":2}", "{\"a\":2}", false},
		{"{ \"v\" : 1 , \"a\":2}", "{ \"a\":2}", false},
		{"{\"a\":2,\"v\":1}", "{\"a\":2}", false},
		{"{\"a\":2 , \"v\" : 1 }", "{\"a\":2  }", false},
		{"{\"a\":2,\"v\":1,\"b\":3}", "{\"a\":2,\"b\":3}", false},
		{"{\"a\":2 ,\t\"v\" :1 ,\"b\":3}", "{\"a\":2  ,\"b\":3}", false},
		{"{\"v\":1,\"w\":2}", "{}", true},
		{"{\"v\":1,\"w\":2,\"v\":3}", "{}", true},
		{"{ \"v\":1 , \"w\":2 , \"v\":3 }", "{ }", true},
		{"{\"v\":1,\"w\":2,\"a\":3}", "{\"a\":3}", false},
		{"{\"a\":3,\"v\":1,\"w\":2}", "{\"a\":3}", false},
		{"{\"a\":3,\"v\":1,\"w\":2,\"b\":4,\"v\":5}", "{\"a\":3,\"b\":4}", false},
		{"{\"v\":1,\"a\":3,\"w\":2}", "{\"a\":3}", false},
		{"{\"v\":{\"x\":1,\"y\":{\"v\":2}},\"a\":3}", "{\"a\":3}", false},
		{"{\"v\":{\"y\":{}},\"a\":3}", "{\"a\":3}", false},
		{"{\"v\":[{\"v\":1},[],\"}\"],\"a\":3}", "{\"a\":3}", false},
		{"{\"a\":{\"v\":1}}", "{\"a\":{\"v\":1}}", false},
		{"{\"a\":3,\"\\u0076\":1}", "{\"a\":3}", false},
		{"{\"v\":\"\\\"},{\",\"a\":3}", "{\"a\":3}", false},
		{"{\"a\":1,\"a\":2,\"v\":1,\"a\":3}", "{\"a\":1,\"a\":2,\"a\":3}", false},
		{" {\"v\":1,\"a\":2} ", " {\"a\":2} ", false},
	};
	struct fixture x = make("v.x,a", "v,w");

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			give(&x, cases[i].line, strlen(cases[i].line));
			const char *got = next(&x);
			assert_true(*got != '!');
			if (strcmp(text_uncut(&x.rec), cases[i].rest) ||
			    x.rec.empty != cases[i].empty || x.rec.text[x.rec.close] != '}')
				fail_msg("%s: %s, empty %d", cases[i].line, text_uncut(&x.rec),
					 x.rec.empty);
		}
	}
	done(&x);
}

static void lines_and_their_ends(void **state)
{
	static const char text[] =
		"{\"a\":1}\n\n \t \r\n{\"a\":2}\r\n\r\n{\"a\":x}\n{\"a\":3} \r\n{\"a\":4}";
	struct fixture x = make("a", NULL);

	(void)state;
	give(&x, text, sizeof(text) - 1);
	x.block.first_line = 11;
	assert_int_equal(scanner_start(x.scanner, &x.block, &x.err), 0);
	assert_string_equal(next(&x), "i:1");
	assert_int_equal(x.rec.line, 11);
	assert_string_equal(x.rec.eol, "\n");
	assert_string_equal(next(&x), "i:2");
	assert_int_equal(x.rec.line, 14);
	assert_string_equal(x.rec.eol, "\r\n");
	assert_int_equal(x.rec.len, 7);
	assert_memory_equal(next(&x), "! 16:6 ", 7);
	assert_string_equal(x.err.file, "test");
	assert_int_equal(x.rec.line, 16);
	assert_int_equal(x.rec.len, 7);
	assert_memory_equal(x.rec.text, "{\"a\":x}", 7);
	assert_string_equal(x.rec.eol, "\n");
	assert_false(x.rec.torn);
	assert_string_equal(next(&x), "i:3");
	assert_int_equal(x.rec.len, 8);
	assert_string_equal(next(&x), "i:4");
	assert_int_equal(x.rec.line, 18);
	assert_string_equal(x.rec.eol, "");
	assert_true(x.rec.torn);
	done(&x);
}

static void last_line_without_newline(void **state)
{
	struct fixture x = make("a", NULL);

	(void)state;
	give(&x, "{\"a\":1", 6);
	assert_non_null(strstr(next(&x), "! 1:7 last line has no newline and is no record: line"));
	assert_true(x.rec.torn);
	give(&x, "{\"a\":1}\n  ", 10);
	assert_string_equal(next(&x), "i:1");
	assert_false(x.rec.torn);
	done(&x);
}

static void control_records(void **state)
{
	struct fixture x = make("a,_kafka", NULL);
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"{\"_kafka\":{\"control\":\"assign\",\"seq\":0,\"session\":\"s\"}}",
		 "control 1 0 \"s\""},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":12,\"session\":\"s\",\"group\":{}}}",
		 "control 2 12 \"s\""},
		{" { \"x\":1, \"_kafka\" : {\"seq\":3,\"control\": \"reset\" } }", "control 3 3 "},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":4}}", "control 4 4 "},
		{"{\"a\":1,\"_kafka\":{\"seq\":1}}", "i:1 o:{\"seq\":1}"},
		{"{\"a\":1,\"_kafka\":5}", "i:1 i:5"},
		{"{\"a\":1,\"control\":\"mark\"}", "i:1 -"},
		{"{\"a\":1,\"b\":{\"_kafka\":{\"control\":\"mark\"}}}", "i:1 -"},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":1},\"_kafka\":{},\"a\":2}", "i:2 o:{}"},
		{"{\"_kafka\":{\"control\":\"stop\",\"seq\":1}}",
		 "! 1:22 control record: its kind"},
		{"{\"_kafka\":{\"control\":null,\"seq\":1}}", "! 1:22 control record: its kind"},
		{"{\"_kafka\":{\"control\":\"mark\"}}",
		 "! 1:1 control record: it has no number 'seq'"},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":\"1\"}}",
		 "! 1:35 control record: it has no"},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":1.5}}",
		 "! 1:35 control record: it has no"},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":-1}}",
		 "! 1:35 control record: it has no"},
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":99999999999999999999}}",
		 "! 1:35 control record: it has no"},
	};

	(void)state;
	/* twice: an error's place must not be left from another record */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			give(&x, cases[i].line, strlen(cases[i].line));
			const char *got = next(&x), *want = cases[i].expected;
			if (*want == '!' ? strncmp(got, want, strlen(want)) : strcmp(got, want))
				fail_msg("%s\n got %s\nnot %s", cases[i].line, got, want);
			if (*want == '!')
				assert_int_equal(x.err.kind, ERROR_CONFIG);
		}
	}
	done(&x);
}

static void values_without_a_column_are_refused_when_asked(void **state)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"{\"a\":1,\"n\":{\"b\":2}}", "i:1 i:2 -"},
		{"{\"a\":null,\"n\":{\"b\":null}}", "z z -"},
		{"{\"n\":{},\"v\":{\"x\":1},\"w\":2}", "- - -"},
		{"{\"n\":null}", "- - -"},
		{"{\"n\":nul}", "! 1:6 "},
		{"{\"a\":[1]}", "a:[1] - -"},
		{"{\"a\":1,\"x\":2}",
		 "! 1:8 the output has no column for field \"x\"; name all with"},
		{"{\"a\":1,\"x\":2,\"y\":3}", "! 1:8 the output has no column for field \"x\""},
		{"{\"a\":1,\"n\":{\"b\":2,\"y\":2}}",
		 "! 1:19 the output has no column for field \"y\""},
		{"{\"\":1}", "! 1:2 the output has no column for field \"\""},
		{"{\"n\":5}", "! 1:2 the output has no column for field \"n\""},
		{"{\"n\":[5]}", "! 1:2 the output has no column for field \"n\""},
		{"{ \"m\" : 5}", "! 1:3 the output has no column for field \"m\""},
		{"{\"m\":{\"a\":1}}", "! 1:2 the output has no column for field \"m\""},
		/* what is cut needs no column, whatever is in it */
		{"{\"v\":{\"q\":1}}", "- - -"},
		{"{\"w\":{\"q\":1},\"a\":1}", "i:1 - -"},
		/* nor does a control record */
		{"{\"_kafka\":{\"control\":\"mark\",\"seq\":0,\"group\":\"g\",\"x\":{}},\"x\":1}",
		 "control 2 0 "},
		{"{\"y\":1,\"_kafka\":{\"control\":\"stop\",\"seq\":0,\"group\":\"g\"}}",
		 "! 1:28 control record"},
		/* what is no JSON is no record, columns or not */
		{"{\"x\":1,\"a\":y}", "! 1:12 expected a value"},
	};
	struct fixture x = {.fields = text_fields("a,n.b,m", "v,w")};

	(void)state;
	/* m is wanted, but no column; a and n.b are both */
	assert_int_equal(fields_column(x.fields, "a", &x.err), 0);
	assert_int_equal(fields_column(x.fields, "n.b", &x.err), 1);
	assert_int_equal(fields_column(x.fields, "n..b", &x.err), -1);
	x.scanner = scanner_new(x.fields, &x.err);
	scanner_refuse_unknown(x.scanner);
	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			char line[100];
			int len = snprintf(line, sizeof(line), "%s%s", cases[i].line,
					   pass ? "\n" : "");
			give(&x, line, (size_t)len);
			const char *got = next(&x), *want = cases[i].expected;
			if (!pass && strstr(got, "last line has no newline and is no record: ex"))
				continue;
			if (*want == '!' ? strncmp(got, want, strlen(want)) : strcmp(got, want))
				fail_msg("%s\n got %s\nnot %s", cases[i].line, got, want);
		}
	}
	done(&x);
}

static void long_names_are_cut_in_messages(void **state)
{
	struct fixture x = make("a", NULL);
	char line[2000];

	(void)state;
	scanner_refuse_unknown(x.scanner);
	memset(line, 'n', sizeof(line));
	memcpy(line, "{\"", 2);
	memcpy(line + 1000, "\":1}", 4);
	give(&x, line, 1004);
	assert_non_null(strstr(next(&x), "--csv-fields"));
	done(&x);
}

static int collect(void *context, const char *path, const struct value *v, struct error *err)
{
	struct buf *b = context;

	if (!strcmp(path, "stop"))
		return 7;
	assert_int_equal(buf_printf(b, err, "%s=", path), 0);
	text_value(b, v);
	return buf_add_str(b, " ", err);
}

static void expect_walk(const char *line, int ret, const char *expected)
{
	struct fixture x = make(NULL, NULL);
	struct buf b = BUF_INIT;

	give(&x, line, strlen(line));
	assert_string_equal(next(&x), "");
	assert_int_equal(scanner_walk(x.scanner, &x.rec, collect, &b, &x.err), ret);
	assert_int_equal(buf_terminate(&b, &x.err), 0);
	assert_string_equal(b.data, expected);
	buf_release(&b);
	done(&x);
}

static void walk_calls_every_leaf(void **state)
{
	(void)state;
	expect_walk("{}", 0, "");
	expect_walk(" { \"a\" : 1 , \"b\":\"x\"} ", 0, "a=i:1 b=s:\"x\" ");
	expect_walk("{\"a\":{\"b\":{\"c\":null,\"d\":true},\"e\":[{\"f\":1}]},\"g\":{},\"h\":{ }}",
		    0, "a.b.c=z a.b.d=t a.e=a:[{\"f\":1}] g=o:{} h=o:{ } ");
	expect_walk("{\"a.b\":{\"c\\\\\":1},\"\\u0061\":2}", 0, "a\\.b.c\\\\=i:1 a=i:2 ");
	expect_walk("{\"a\":1,\"a\":{\"b\":2},\"a\":3}", 0, "a=i:1 a.b=i:2 a=i:3 ");
	expect_walk("{\"a\":1,\"stop\":2,\"b\":3}", 7, "a=i:1 ");
	expect_walk("{\"x\":{\"y\":1,\"z\":2}}", 0, "x.y=i:1 x.z=i:2 ");
	/* names that no path can hold are passed over */
	expect_walk("{\"\":1,\"a\\u0000b\":2,\"\\ud800\":3,\"a\":4}", 0, "a=i:4 ");
	expect_walk("{\"a\":{\"\":{\"b\":1},\"c\":2},\"\\udfff\":{\"d\":[1]},\"e\":3}", 0,
		    "a.c=i:2 e=i:3 ");
}

static void expect_text(const char *json, const char *expected, size_t len)
{
	struct value v = {.text = json, .len = strlen(json), .kind = VALUE_STRING};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	if (!expected) {
		assert_int_equal(value_string(&v, &b, &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
	} else {
		assert_int_equal(value_string(&v, &b, &err), 0);
		assert_int_equal(b.len, len);
		assert_memory_equal(b.data, expected, len);
	}
	buf_release(&b);
}

static void strings_are_read(void **state)
{
	(void)state;
	expect_text("\"abc\"", "abc", 3);
	expect_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	expect_text("\"a\\u0000b\"",
		    "a\0"
		    "b",
		    3);
	expect_text("\"\\u0041\\u00E4\\u20ac\"", "A\xc3\xa4\xe2\x82\xac", 6);
	expect_text("\"\\uD83D\\uDE00\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8);
	expect_text("\"\\u0041\\uD83D\\uDE00\"", "A\xf0\x9f\x98\x80", 5);
	expect_text("\"\\uDBFF\\uDFFF\\uD800\\uDC00\"", "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80", 8);
	expect_text("\"\\uD83D\"", NULL, 0);
	expect_text("\"\\uD83Dx\"", NULL, 0);
	expect_text("\"\\uDE00\"", NULL, 0);
	expect_text("\"\\uD83D\\u0041\"", NULL, 0);
	expect_text("\"\\uD83D\\uD83D\"", NULL, 0);
	expect_text("\"\\uD83D\\n\"", NULL, 0);
	expect_text("\"\\uDE00\\uD83D\"", NULL, 0);
}

static void truth(void **state)
{
	static const struct {
		const char *json;
		int truth; /* -1: none */
	} cases[] = {{"true", 1},  {"false", 0},  {"1", 1},   {"0", 0},         {"1.0", 1},
		     {"0e5", 0},   {"-0", 0},     {"2", -1},  {"-1", -1},       {"0.5", -1},
		     {"null", -1}, {"\"1\"", -1}, {"[]", -1}, {"\"true\"", -1}, {NULL, -1}};
	struct fixture x = make("a", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char line[64];
		bool is = false;
		if (cases[i].json)
			snprintf(line, sizeof(line), "{\"a\":%s}", cases[i].json);
		else
			snprintf(line, sizeof(line), "{}");
		give(&x, line, strlen(line));
		assert_non_null(next(&x));
		int ret = value_truth(&x.rec.values[0], &is, &x.err);
		assert_int_equal(ret, cases[i].truth < 0 ? -1 : 0);
		if (ret)
			assert_int_equal(x.err.kind, ERROR_DATA);
		else
			assert_int_equal(is, cases[i].truth);
	}
	/* what is absent is named so, and no text of another record */
	assert_non_null(strstr(x.err.what, "missing"));
	done(&x);
}

static void without_fields(void **state)
{
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(NULL, &err);
	struct block b = text_block("{\"a\":1}\n{\n", 10, NULL);
	struct record rec;

	(void)state;
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(rec.n_cuts, 0);
	assert_int_equal(scanner_next(s, &rec, &err), -1);
	assert_int_equal(scanner_next(s, &rec, &err), 0);
	scanner_free(s);
	scanner_free(NULL);
	text_block_free(&b);
}

/* More members than a shape remembers, and names that fill its text. */
static void very_wide_records(void **state)
{
	enum { N = 20000 };
	struct fixture x = make("m19999,m0,m16384", NULL);
	struct buf b = BUF_INIT;

	(void)state;
	for (int line = 0; line < 3; line++) {
		for (int i = 0; i < N; i++)
			assert_int_equal(
				buf_printf(&b, &x.err, "%s\"m%d\":%d", i ? "," : "{", i, i + line),
				0);
		assert_int_equal(buf_add_str(&b, "}\n", &x.err), 0);
	}
	give(&x, b.data, b.len);
	assert_string_equal(next(&x), "i:19999 i:0 i:16384");
	assert_string_equal(next(&x), "i:20000 i:1 i:16385");
	assert_string_equal(next(&x), "i:20001 i:2 i:16386");
	done(&x);
	buf_release(&b);
}

static int collect_fallible(void *context, const char *path, const struct value *v,
			    struct error *err)
{
	(void)v;
	return buf_add_str(context, path, err);
}

static int walk_all(void *arg, struct error *err)
{
	struct fixture *x = arg;
	struct buf b = BUF_INIT;
	int ret = scanner_walk(x->scanner, &x->rec, collect_fallible, &b, err);

	buf_release(&b);
	return ret;
}

static int scan_only(void *arg, struct error *err)
{
	struct block *b = arg;
	struct fields *f = fields_new(err);
	struct scanner *s = NULL;
	struct record rec;
	int ret = -1;

	if (f && fields_want(f, "n.b", err) >= 0 && !fields_own(f, "v", err) &&
	    (s = scanner_new(f, err)) && !scanner_start(s, b, err))
		while ((ret = scanner_next(s, &rec, err)) > 0)
			;
	scanner_free(s);
	fields_free(f);
	return ret;
}

static void memory_runs_out(void **state)
{
	static const char text[] =
		"{\"a\":1,\"n\":{\"\\u0062\":2},\"v\":1}\n{\"x\":{\"y\":[1]},"
		"\"v\":2,\"v\":3}\n{\"_kafka\":{\"control\":\"end\",\"seq\":1}}\n";
	struct block b = text_block(text, sizeof(text) - 1, NULL);
	struct fixture x = make(NULL, NULL);

	(void)state;
	assert_true(alloc_fail_each(scan_only, &b) > 10);
	text_block_free(&b);
	give(&x, text, sizeof(text) - 1);
	assert_string_equal(next(&x), "");
	assert_true(alloc_fail_each(walk_all, &x) > 1);
	next(&x);
	next(&x);
	done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_kind),
		cmocka_unit_test(white_space_everywhere),
		cmocka_unit_test(nested_fields),
		cmocka_unit_test(names_with_escapes),
		cmocka_unit_test(last_of_duplicates_counts),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(strings_of_every_length),
		cmocka_unit_test(what_is_no_record),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(shapes_change),
		cmocka_unit_test(owned_members_are_cut),
		cmocka_unit_test(lines_and_their_ends),
		cmocka_unit_test(last_line_without_newline),
		cmocka_unit_test(control_records),
		cmocka_unit_test(values_without_a_column_are_refused_when_asked),
		cmocka_unit_test(long_names_are_cut_in_messages),
		cmocka_unit_test(walk_calls_every_leaf),
		cmocka_unit_test(strings_are_read),
		cmocka_unit_test(truth),
		cmocka_unit_test(without_fields),
		cmocka_unit_test(very_wide_records),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
