#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base/pow10.h"
#include "tests/unit/bigint.h"

/* The entry for 10^q is the ceiling of 10^q / 2^e, 128 bits wide: with everything multiplied by
 * what makes it whole, (entry - 1) * 2^e < 10^q <= entry * 2^e. */
static void test_every_entry_is_the_ceiling(void **state)
{
	(void)state;
	for (int q = POW10_MIN; q <= POW10_MAX; q++) {
		const struct pow10 *g = pow10_at(q);
		int e = pow10_log2(q) - 127;
		struct big entry = {.limb = {(uint32_t)g->low, (uint32_t)(g->low >> 32),
					     (uint32_t)g->high, (uint32_t)(g->high >> 32)}};
		struct big less = entry, power = big_from(1);

		assert_int_equal(g->high >> 63, 1);
		big_decrement(&less);
		if (q >= 0) {
			big_multiply_power(&power, 10, q);
		} else {
			big_multiply_power(&entry, 10, -q);
			big_multiply_power(&less, 10, -q);
		}
		big_shift_left(&power, e < 0 ? (unsigned)-e : 0);
		big_shift_left(&entry, e > 0 ? (unsigned)e : 0);
		big_shift_left(&less, e > 0 ? (unsigned)e : 0);
		assert_true(big_compare(&less, &power) < 0);
		if (q >= 0 && q <= POW10_EXACT_MAX)
			assert_int_equal(big_compare(&entry, &power), 0);
		else
			assert_true(big_compare(&entry, &power) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_entry_is_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
