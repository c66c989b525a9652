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

/*
 * Delays of up to max_ns, one record in `often`, before a record is asked for and before it is
 * written. Returns the largest burst: what a bucket that leaks at leak_hz holds, as time at
 * rate_hz.
 */
static double delayed(struct pace *p, int n, uint64_t often, int64_t max_ns, double leak_hz,
		      int64_t *now)
{
	struct rng rng;
	int64_t before = *now;
	double level = 0, burst = 0;

	rng_init(&rng, 1, 1);
	for (int k = 0; k < n; k++) {
		if (rng_below(&rng, often) == 0)
			*now += (int64_t)rng_below(&rng, (uint64_t)max_ns);
		take(p, 0, now);
		if (rng_below(&rng, often) == 0)
			*now += (int64_t)rng_below(&rng, (uint64_t)max_ns);
		level -= (double)(*now - before) * 1e-9 * leak_hz;
		level = (level > 0 ? level : 0) + 1;
		burst = level > burst ? level : burst;
		before = *now;
	}
	return burst / p->rate_hz * 1e9;
}

static void bursts_are_bounded(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	/* More delay than can be made up. */
	pace_init(&p, 100000, 0);
	double burst = delayed(&p, 2000000, 5000, 60 * MS, 110000.1, &now);
	assert_true(burst < 10.0 * MS);
	assert_true(burst > 8.0 * MS); /* the bound is used */
	assert_true(p.put_off_ns > NS_PER_SECOND);
	/* All of the time is what was written, what was put off and what lags. */
	int64_t rest = now - START - p.put_off_ns - 20 * NS_PER_SECOND;
	assert_true(rest >= -PACE_STEP_NS && rest <= PACE_LAG_NS + PACE_BURST_NS + 60 * MS);
}

static void delays_are_made_up(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 100000, 0);
	assert_true(delayed(&p, 2000000, 100000, 60 * MS, 110000.1, &now) < 10.0 * MS);
	for (int k = 0; k < 100000; k++)
		take(&p, 0, &now);
	assert_int_equal(p.put_off_ns, 0);
	assert_int_equal(p.lag_ns, 0);
	assert_in_range(now, START + 21 * NS_PER_SECOND - 10000,
			START + 21 * NS_PER_SECOND - 10000 + PACE_STEP_NS);
}

static void short_delays_are_made_up_at_once(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 1000, 0);
	for (int k = 0; k < 1000; k++) {
		if (k % 100 == 50)
			now += 8 * MS;
		assert_in_range(take(&p, 0, &now), START + k * MS, START + (k + 8) * MS);
	}
	assert_int_equal(now, START + 999 * MS);
}

/* How many records of 1000 a second are due at once at `now`; *now is then a little later. */
static int at_once(struct pace *p, int64_t *now)
{
	int64_t from = *now;
	int n = 0;

	while (take(p, 0, now) == from)
		n++;
	return n;
}

static void long_delays_put_the_schedule_off(void **state)
{
	const int64_t hour = 3600 * NS_PER_SECOND;
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 1000, 0);
	take(&p, 0, &now);
	now = START + hour;
	assert_int_equal(at_once(&p, &now), 10);
	assert_int_equal(p.put_off_ns, hour - MS - PACE_BURST_NS - PACE_LAG_NS);
	/* The second that is left takes ten to make up, and no more. */
	for (int k = 0; k < 20000; k++)
		take(&p, 0, &now);
	assert_int_equal(p.lag_ns, 0);
	assert_in_range(now - START - hour, 19 * NS_PER_SECOND, 19 * NS_PER_SECOND + 20 * MS);
}

static void what_was_not_there_is_not_made_up(void **state)
{
	struct pace p;
	int64_t now = START;

	(void)state;
	pace_init(&p, 1000, 0);
	take(&p, 0, &now);
	now = START + 500 * MS;
	pace_starved(&p);
	assert_int_equal(at_once(&p, &now), 10);
	assert_int_equal(p.put_off_ns, 500 * MS - MS - PACE_BURST_NS);
	assert_int_equal(p.lag_ns, 0);
	/* What lagged before still is. */
	now += 100 * MS;
	take(&p, 0, &now);
	int64_t lag = p.lag_ns;
	assert_in_range(lag, 80 * MS, 100 * MS);
	now += 500 * MS;
	pace_starved(&p);
	take(&p, 0, &now);
	assert_in_range(p.lag_ns, lag - MS, lag);
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
	/* A day is not made up, but for a second. */
	now += day;
	assert_int_equal(take(&p, event + 120 * NS_PER_SECOND, &now), START + 2000 * MS + day);
	assert_int_equal(take(&p, event + 180 * NS_PER_SECOND, &now),
			 START + 3000 * MS + day - PACE_BURST_NS - 1000 * MS / PACE_MAKE_UP);
	assert_int_equal(take(&p, event + 1800 * NS_PER_SECOND, &now),
			 START + 30000 * MS + day - PACE_BURST_NS - 1000 * MS);
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
		cmocka_unit_test(delays_are_made_up),
		cmocka_unit_test(short_delays_are_made_up_at_once),
		cmocka_unit_test(long_delays_put_the_schedule_off),
		cmocka_unit_test(what_was_not_there_is_not_made_up),
		cmocka_unit_test(by_event_time),
		cmocka_unit_test(event_time_does_not_drift),
		cmocka_unit_test(rates_do_not_begin_anew),
		cmocka_unit_test(far_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
