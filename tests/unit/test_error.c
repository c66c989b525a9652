#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/error.h"

static void test_starts_empty(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.what, "");
	assert_string_equal(err.file, "");
	assert_int_equal(err.line, 0);
	assert_int_equal(err.column, 0);
}

static void test_set_forgets_the_place(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_DATA, "'%s' has %d rows", "a.csv", 3), -1);
	assert_int_equal(error_at(&err, "a.csv", 7, 9), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_string_equal(err.what, "'a.csv' has 3 rows");
	assert_string_equal(err.file, "a.csv");
	assert_int_equal(err.line, 7);
	assert_int_equal(err.column, 9);
	error_set(&err, ERROR_IO, "other");
	assert_int_equal(err.kind, ERROR_IO);
	assert_string_equal(err.what, "other");
	assert_string_equal(err.file, "");
	assert_int_equal(err.line, 0);
	assert_int_equal(err.column, 0);
}

static void test_at_keeps_what_is_known(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_DATA, "bad");
	error_at(&err, NULL, 0, 5);
	error_at(&err, NULL, 3, 6);
	error_at(&err, "f", 4, 7);
	error_at(&err, "g", 8, 8);
	assert_string_equal(err.file, "f");
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 5);
}

static void test_errno(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_errno(&err, ERROR_NO_INPUT, ENOENT, "cannot open '%s'", "x"), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_string_equal(err.what, "cannot open 'x': No such file or directory");
}

static void test_memory(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_memory(&err, 12345), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "12345 bytes"));
}

static void test_prefix(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_CONFIG, "no such key");
	error_at(&err, "m", 2, 0);
	assert_int_equal(error_prefix(&err, "in '%s'", "model"), -1);
	assert_string_equal(err.what, "in 'model': no such key");
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.file, "m");
	assert_int_equal(err.line, 2);
}

/* The parts of a message may come from the error that it replaces. */
static void test_own_text_as_argument(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_DATA, "inner");
	error_set(&err, ERROR_CONFIG, "outer (%s)", err.what);
	assert_string_equal(err.what, "outer (inner)");
	error_prefix(&err, "%s", err.what);
	assert_string_equal(err.what, "outer (inner): outer (inner)");
}

static void test_bytes_are_cleaned(void **state)
{
	static const struct {
		const char *bytes, *shown;
	} cases[] = {
		{"plain", "plain"},
		{"tab\there", "tab?here"},
		{"line\nbreak\r", "line?break?"},
		{"\x1b[31mred", "?[31mred"},
		{"del\x7f", "del?"},
		{"grün ∆ 😀", "grün ∆ 😀"},
		{"\xc2\x85", "?"},                        /* a control of Latin-1's */
		{"\xc2\xa0", "\xc2\xa0"},                 /* the first that is none */
		{"\xff\xfe", "??"},                       /* never in UTF-8 */
		{"\x80", "?"},                            /* continues nothing */
		{"\xc0\xaf", "??"},                       /* overlong */
		{"\xe0\x80\xaf", "???"},                  /* overlong */
		{"\xf0\x80\x80\xaf", "????"},             /* overlong */
		{"\xed\xa0\x80", "???"},                  /* a surrogate */
		{"\xed\x9f\xbf", "\xed\x9f\xbf"},         /* the last before them */
		{"\xf4\x90\x80\x80", "????"},             /* past U+10FFFF */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* U+10FFFF */
		{"\xe2\x82", "??"},                       /* too short at the end */
		{"\xe2\x82x", "??x"},                     /* too short before a letter */
		{"\xe2(\xa1", "?(?"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error_set(&err, ERROR_DATA, "%s", cases[i].bytes);
		assert_string_equal(err.what, cases[i].shown);
		error_at(&err, cases[i].bytes, 0, 0);
		assert_string_equal(err.file, cases[i].shown);
		error_set(&err, ERROR_DATA, "x");
		error_prefix(&err, "%s", cases[i].bytes);
		assert_memory_equal(err.what, cases[i].shown, strlen(cases[i].shown));
	}
}

static void test_cut_at_a_character(void **state)
{
	struct error err = ERROR_INIT;
	char text[1200];
	size_t room = sizeof(err.what) - 1;

	(void)state;
	/* Three-byte characters that begin at each offset. */
	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = 0;

		while (n < shift)
			text[n++] = 'x';
		while (n + 3 < sizeof(text)) {
			memcpy(text + n, "\xe2\x82\xac", 3);
			n += 3;
		}
		text[n] = '\0';
		size_t whole = shift + (room - shift) / 3 * 3;

		error_set(&err, ERROR_DATA, "%s", text);
		assert_int_equal(strlen(err.what), whole);
		assert_memory_equal(err.what, text, whole);
		error_at(&err, text, 0, 0);
		assert_int_equal(strlen(err.file), whole);
		error_prefix(&err, "y");
		assert_true(strlen(err.what) > room - 3);
		assert_null(strchr(err.what, '?'));
		error_errno(&err, ERROR_DATA, ENOENT, "%s", text);
		assert_int_equal(strlen(err.what), whole);
	}
	/* What fits to the last byte is not cut. */
	memset(text, 'a', room);
	text[room] = '\0';
	error_set(&err, ERROR_DATA, "%s", text);
	assert_string_equal(err.what, text);
	/* A prefix that fills all the room. */
	memset(text, 'b', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.what), room);
	assert_int_equal(err.what[room - 1], 'b');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_empty),
		cmocka_unit_test(test_set_forgets_the_place),
		cmocka_unit_test(test_at_keeps_what_is_known),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_bytes_are_cleaned),
		cmocka_unit_test(test_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
