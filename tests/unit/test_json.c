#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/json.h"
#include "tests/unit/alloc_fail.h"

static void assert_text(struct buf *b, const char *expected)
{
	assert_int_equal(b->len, strlen(expected));
	assert_memory_equal(b->data, expected, b->len);
	b->len = 0;
}

static void test_text(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(json_add_string(&b, "", &err), 0);
	assert_text(&b, "\"\"");
	assert_int_equal(json_add_string(&b, "a/\"\\\b\f\n\r\t\x01\x1f\x7f\xc3\xa4", &err), 0);
	assert_text(&b, "\"a/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4\"");
	assert_int_equal(json_add_text(&b, "a\0b", 3, &err), 0);
	assert_text(&b, "\"a\\u0000b\"");
	assert_int_equal(json_add_text(&b, "", SIZE_MAX / 6, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	buf_release(&b);
}

static void test_numbers(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(json_add_real(&b, 0.1, &err), 0);
	assert_text(&b, "0.1");
	assert_int_equal(json_add_real(&b, -3, &err), 0);
	assert_text(&b, "-3.0");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(json_add_real(&b,
					       i == 0   ? NAN
					       : i == 1 ? HUGE_VAL
							: -HUGE_VAL,
					       &err),
				 0);
		assert_text(&b, "null");
	}
	assert_int_equal(json_add_uint(&b, UINT64_MAX, &err), 0);
	assert_text(&b, "18446744073709551615");
	buf_release(&b);
}

static int add_all(void *arg, struct error *err)
{
	struct buf b = BUF_INIT;
	int rc = 0;

	(void)arg;
	for (int i = 0; i < 100 && rc == 0; i++)
		if (json_add_string(&b, "text", err) < 0 || json_add_real(&b, i, err) < 0 ||
		    json_add_uint(&b, 7, err) < 0)
			rc = -1;
	buf_release(&b);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(add_all, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
