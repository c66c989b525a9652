/* lib/cli/parse: amounts and sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/cli/parse.h"

static void test_amounts(void **state)
{
	static const struct {
		const char *text;
		double value;
		bool share;
	} good[] = {{"auto", 0, false},   {"1", 1, false},  {"256", 256, false},
		    {"0.5", 0.5, true},   {"1.0", 1, true}, {"4294967295", 4294967295.0, false},
		    {"1e-2", 0.01, true}, {"1e0", 1, true}};
	static const char *const bad[] = {"",    "0",  "0.0",        "-1",    "1.5",  "2.0", "x",
					  "12 ", "+1", "4294967296", "1e300", "Auto", "0x10"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct amount a = {-1, false};
		assert_int_equal(parse_amount(good[i].text, &a, &err), 0);
		assert_true(a.value == good[i].value);
		assert_int_equal(a.share, good[i].share);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct amount a;
		assert_int_equal(parse_amount(bad[i], &a, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_non_null(strstr(err.what, bad[i]));
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"1", 1},           {"1073741824", 1073741824},
		    {"1K", 1024},       {"512M", 536870912},
		    {"2G", 2147483648}, {"8589934591G", UINT64_C(8589934591) << 30}};
	static const char *const bad[] = {"",     "0",   "0K",          "-1",
					  "1k",   "1 M", "M",           "1T",
					  "1.5G", "1KB", "8589934592G", "99999999999999999999"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t bytes = 0;
		assert_int_equal(parse_size(good[i].text, &bytes, &err), 0);
		assert_true(bytes == good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t bytes;
		assert_int_equal(parse_size(bad[i], &bytes, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_amounts),
					   cmocka_unit_test(test_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
