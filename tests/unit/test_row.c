/* lib/model/row: features of records as rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/model/row.h"

static const char text[] = "{\"a\":1.5,\"b\":null,\"c\":\"x\",\"d\":1e999,\"f\":true}";

enum { A, B, C, D, E, F, N };

static char *const names[N] = {"a", "b", "c", "d", "e", "f"};
static const struct value values[N] = {
	[A] = {.kind = VALUE_NUMBER, .number = 1.5, .text = text + 5, .len = 3},
	[B] = {.kind = VALUE_NULL, .text = text + 13, .len = 4},
	[C] = {.kind = VALUE_STRING, .text = text + 22, .len = 3},
	[D] = {.kind = VALUE_NUMBER, .number = INFINITY, .text = text + 30, .len = 5},
	[E] = {.kind = VALUE_ABSENT},
	[F] = {.kind = VALUE_TRUE, .text = text + 40, .len = 4},
};
static const struct record rec = {.text = text, .values = values};

static int read_slots(const size_t *slots, size_t n, const bool *ignored, bool absent_as_missing,
		      double *x, size_t *bad, struct error *err)
{
	char *chosen[N];
	const struct row_features f = {.n = n,
				       .slots = slots,
				       .names = chosen,
				       .ignored = ignored,
				       .absent_as_missing = absent_as_missing};

	for (size_t i = 0; i < n; i++)
		chosen[i] = names[slots[i]];
	return row_read(&f, &rec, x, bad, err);
}

static void test_values(void **state)
{
	struct error err = ERROR_INIT;
	double x[3] = {9, 9, 9};

	(void)state;
	assert_int_equal(read_slots((size_t[]){B, A, E}, 3, NULL, true, x, NULL, &err), 0);
	assert_true(isnan(x[0]) && x[1] == 1.5 && isnan(x[2]));
}

static void test_ignored_fields_are_missing(void **state)
{
	struct error err = ERROR_INIT;
	const bool ignored[] = {true, true, false, true, true};
	double x[5] = {9, 9, 9, 9, 9};

	(void)state;
	assert_int_equal(read_slots((size_t[]){A, C, A, D, E}, 5, ignored, false, x, NULL, &err),
			 0);
	assert_true(isnan(x[0]) && isnan(x[1]) && x[2] == 1.5 && isnan(x[3]) && isnan(x[4]));
}

static void test_bad_values(void **state)
{
	static const struct {
		size_t slot;
		uint64_t column;
		const char *message;
	} cases[] = {
		{C, 23, "feature 'c' is a string, not a number"},
		{D, 31, "feature 'd' is beyond the range of a double"},
		{E, 0, "feature 'e' is absent (--absent-as-missing would take it as missing)"},
		{F, 41, "feature 'f' is true, not a number"},
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct error err = ERROR_INIT;
		double x[2];
		size_t bad = 99;

		assert_int_equal(
			read_slots((size_t[]){A, cases[c].slot}, 2, NULL, false, x, &bad, &err),
			-1);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_string_equal(err.what, cases[c].message);
		assert_int_equal(err.column, cases[c].column);
		assert_int_equal(bad, 1);
	}
}

static void test_a_record_of_another_kind(void **state)
{
	struct error err = ERROR_INIT;
	double x[2];

	(void)state;
	assert_int_equal(read_slots((size_t[]){E, E}, 2, NULL, false, x, NULL, &err), -1);
	assert_string_equal(err.what,
			    "feature 'e' is absent, and so are the other 1: the record is of "
			    "another kind");
	assert_int_equal(read_slots((size_t[]){E}, 1, NULL, false, x, NULL, &err), -1);
	assert_string_equal(err.what,
			    "feature 'e' is absent (--absent-as-missing would take it as missing)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_ignored_fields_are_missing),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_a_record_of_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
