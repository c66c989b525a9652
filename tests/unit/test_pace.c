/* The schedule of records, on a clock that the tests turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"
#include "lib/cli/pace.h"

#define MS INT64_C(1000000)
#define START (123 * NS_PER_SECOND + 7)

/* Writes a record when it is due: when that was. */
static int64_t take(struct pace *p, int64_t event_ns, int64_t *now_ns)
{
	int64_t wait_ns;

	pace_next(p, event_ns, *now_ns);
	while ((wait_ns = pace_wait(p, *now_ns)) > 0)
		*now_ns += wait_ns;
	return *now_ns;
}

static void no_drift(void **state)
{
	static const double rates[] = {0.3, 7, 200, 1000 / 3.0, 44100, 100000, 3e6};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pace p;
		int64_t now = START;
		uint64_t n = 500000;

		pace_init(&p, rates[i], 0);
		for (uint64_t k = 0; k <= n; k++) {
			int64_t at = take(&p, 0, &now) - START;
			double due = (double)k / rates[i] * 1e9;
			/* Never early, never more than a step late. */
			assert_true((double)at > due - 1.5);
			assert_true((double)at < due + (double)PACE_STEP_NS);
		}
		assert_int_equal(p.put_off_ns, 0);
	}
}

/* Delays of any length, now and then, before a record is asked for and while waiting. */
static void bursts_are_bounded(void **state)
{
	const double rate = 100000;
	struct rng rng;
	struct pace p;
	int64_t now = START, before = START;
	double level = 0, burst = 0;

	(void)state;
	rng_init(&rng, 1, 1);
	pace_init(&p, rate, 0);
	for (int k = 0; k < 2000000; k++) {
		if (rng_below(&rng, 5000) == 0)
			now += (int64_t)rng_below(&rng, 30 * (uint64_t)MS);
		take(&p, 0, &now);
		if (rng_below(&rng, 5000) == 0)
			now += (int64_t)rng_below(&rng, 30 * (uint64_t)MS);
		/* As a bucket that leaks at the rate: what it holds, as time. */
		level -= (double)(now - before);
		level = (level > 0 ? level : 0) + 1e9 / rate;
		burst = level > burst ? level : burst;
		before = now;
	}
	assert_true(burst < 10.0 * MS);
	assert_true(burst > 8.0 * MS); /* the bound is used */
	/* What was written and what was put off are all of the time. */
	assert_true((double)(now - START - p.put_off_ns) >= 2000000 / rate * 1e9 - 1e5);
	assert_true((double)(now - START - p.put_off_ns) <= 2000000 / rate * 1e9 + 40.0 * MS);
}

static void short_delays_are_made_up(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 1000, 0);
	for (int k = 0; k < 1000; k++) {
		if (k % 100 == 50)
			now += 8 * MS;
		take(&p, 0, &now);
	}
	assert_int_equal(now, START + 999 * MS);
	assert_int_equal(p.put_off_ns, 0);
}

static void long_delays_put_the_schedule_off(void **state)
{
	struct pace p;
	int64_t now = START;
	int at_once = 0;

	(void)state;
	pace_init(&p, 1000, 0);
	take(&p, 0, &now);
	now = START + 3600 * NS_PER_SECOND;
	while (take(&p, 0, &now) == START + 3600 * NS_PER_SECOND)
		at_once++;
	assert_int_equal(at_once, 1 + PACE_BURST_NS / MS);
	assert_int_equal(now, START + 3600 * NS_PER_SECOND + MS);
	assert_int_equal(p.put_off_ns, 3600 * NS_PER_SECOND - MS - PACE_BURST_NS);
}

static void by_event_time(void **state)
{
	const int64_t day = 86400 * NS_PER_SECOND, event = 1700000000 * NS_PER_SECOND;
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 0, 60);
	assert_int_equal(take(&p, event, &now), START);
	assert_int_equal(take(&p, event + 30 * NS_PER_SECOND, &now), START + 500 * MS);
	/* Out of order: at once, and those behind are where they were. */
	assert_int_equal(take(&p, event + 20 * NS_PER_SECOND, &now), START + 500 * MS);
	assert_int_equal(take(&p, event - day, &now), START + 500 * MS);
	assert_int_equal(take(&p, INT64_MIN, &now), START + 500 * MS);
	assert_int_equal(take(&p, event + 60 * NS_PER_SECOND, &now), START + 1000 * MS);
	/* Again from the beginning: no time between the last and the first. */
	pace_begin_anew(&p);
	assert_int_equal(take(&p, event, &now), START + 1000 * MS);
	assert_int_equal(take(&p, event + 60 * NS_PER_SECOND, &now), START + 2000 * MS);
	/* A day in which nothing came is not made up. */
	now += day;
	assert_int_equal(take(&p, event + 120 * NS_PER_SECOND, &now), START + 2000 * MS + day);
	assert_int_equal(take(&p, event + 180 * NS_PER_SECOND, &now),
			 START + 3000 * MS + day - PACE_BURST_NS);
}

static void event_time_does_not_drift(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 0, 7);
	for (int64_t k = 0; k <= 100000; k++)
		take(&p, k * 100 * MS, &now);
	assert_in_range(now, START + 100000 * 100 * MS / 7, START + 100000 * 100 * MS / 7 + MS);
}

static void rates_do_not_begin_anew(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 10, 0);
	pace_begin_anew(&p);
	take(&p, 0, &now);
	pace_begin_anew(&p);
	assert_int_equal(take(&p, 0, &now), START + 100 * MS);
	/* Before anything came, neither does event time. */
	pace_init(&p, 0, 1);
	pace_begin_anew(&p);
	assert_int_equal(take(&p, 5, &now), START + 100 * MS);
}

static void far_away(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 1e-300, 0);
	pace_next(&p, 0, START);
	assert_int_equal(pace_wait(&p, START), 0);
	pace_next(&p, 0, START);
	assert_true(pace_wait(&p, START) > 70 * INT64_C(31536000) * NS_PER_SECOND);
	pace_init(&p, 0, 1e-300);
	pace_next(&p, INT64_MIN, START);
	pace_next(&p, INT64_MAX, START);
	assert_true(pace_wait(&p, START) > 70 * INT64_C(31536000) * NS_PER_SECOND);
	/* And faster than any clock. */
	pace_init(&p, 1e300, 0);
	for (int k = 0; k < 1000; k++) {
		pace_next(&p, 0, START);
		assert_int_equal(pace_wait(&p, START), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_drift),
		cmocka_unit_test(bursts_are_bounded),
		cmocka_unit_test(short_delays_are_made_up),
		cmocka_unit_test(long_delays_put_the_schedule_off),
		cmocka_unit_test(by_event_time),
		cmocka_unit_test(event_time_does_not_drift),
		cmocka_unit_test(rates_do_not_begin_anew),
		cmocka_unit_test(far_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
