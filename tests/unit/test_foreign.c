/* Input that is no stream of records, by its first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/record/foreign.h"

struct form {
	const char *bytes;
	size_t n;
	int result;
	const char *message; /* of result -1 */
};

#define FORM(bytes, result, message)                      \
	{                                                 \
		bytes, sizeof(bytes) - 1, result, message \
	}

typedef int check_fn(const char *p, size_t n, const char *name, struct error *err);

static void expect(check_fn *check, const struct form *forms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		int got = check(forms[i].bytes, forms[i].n, "day", &err);
		if (got != forms[i].result)
			fail_msg("%zu: %d", i, got);
		if (got < 0) {
			assert_int_equal(err.kind, ERROR_DATA);
			assert_string_equal(err.what, forms[i].message);
		}
	}
}

static void test_files_of_other_kinds(void **state)
{
	static const char utf16[] = "input is UTF-16, not UTF-8; try: iconv -f UTF-16 -t UTF-8 day";
	static const struct form forms[] = {
		FORM("\x1f\x8b\x08\0", -1, "input is compressed; try: zcat day"),
		FORM("\x28\xb5\x2f\xfd", -1, "input is compressed; try: zstdcat day"),
		FORM("\xfd\x37zXZ\0", -1, "input is compressed; try: xzcat day"),
		FORM("BZh91AY&SY", -1, "input is compressed; try: bzcat day"),
		FORM("\xff\xfe{\0", -1, utf16),
		FORM("\xfe\xff\0{", -1, utf16),
		FORM("PK\x03\x04", -1,
		     "input is a zip archive, as spreadsheets are, not CSV or JSON Lines"),
		FORM("\x38\x02\0\0\0\0\0\0{\"__", -1, "input is a model, not records"),
		FORM("\x38\x02\0\0\0\0\0\0", 0, NULL),
		FORM("\x38\x02\0\0\0\0\0\0x", 0, NULL),
		FORM("BZh,x\n", 0, NULL),
		FORM("PK,x\n", 0, NULL),
		FORM("{\"x\":1}\n", 0, NULL),
		FORM("\x1f", 0, NULL),
		FORM("", 0, NULL),
	};

	(void)state;
	expect(foreign_check, forms, sizeof(forms) / sizeof(*forms));
}

static void test_json_of_other_kinds(void **state)
{
	static const char lines[] =
		"input is JSON over several lines, not one object a line; try: jq -c . day";
	static const struct form forms[] = {
		FORM("[{\"x\":1}]", -1,
		     "input is a JSON array, not one object a line; try: jq -c '.[]' day"),
		FORM("{\n\"x\"", -1, lines),
		FORM("{\n", 1, NULL),
		FORM("{\n{\"x\":1}\n", 0, NULL),
		FORM("{ \t\r\n  \"x\": 1\n}", -1, lines),
		FORM("{ \t\r", 1, NULL),
		FORM("{", 1, NULL),
		FORM("{}\n", 0, NULL),
		FORM("{ \"x\":\n1}", 0, NULL),
		FORM("x\n", 0, NULL),
	};
	struct error err = ERROR_INIT;

	(void)state;
	expect(foreign_check_json, forms, sizeof(forms) / sizeof(*forms));
	assert_int_equal(foreign_check_json("[", 1, "(stdin)", &err), -1);
	assert_non_null(strstr(err.what, "try: jq -c '.[]' FILE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_of_other_kinds),
		cmocka_unit_test(test_json_of_other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
