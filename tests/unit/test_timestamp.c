#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NEW_YEAR_2024 INT64_C(1704067200000000000)

static int64_t parse(const char *text, bool *naive)
{
	struct error err = ERROR_INIT;
	int64_t ns = -1;

	if (timestamp_parse(text, strlen(text), 0, &ns, naive, &err) < 0)
		fail_msg("%s", err.what);
	return ns;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		bool naive;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, false},
		{"2024-01-01T00:00:00Z", NEW_YEAR_2024, false},
		{"2024-01-01t00:00:00z", NEW_YEAR_2024, false},
		{"2024-01-01 00:00:00Z", NEW_YEAR_2024, false},
		{"2024-01-01T00:00:00", NEW_YEAR_2024, true},
		{"2024-01-01 00:00:00.5", NEW_YEAR_2024 + 500000000, true},
		{"2024-01-01T01:00:00+01:00", NEW_YEAR_2024, false},
		{"2024-01-01T01:30:00+0130", NEW_YEAR_2024, false},
		{"2023-12-31T19:00:00-05", NEW_YEAR_2024, false},
		{"2024-01-01 00:00:00+00", NEW_YEAR_2024, false},
		{"2024-01-01T00:00:00-00:00", NEW_YEAR_2024, false},
		{"2024-01-01T23:59:00+23:59", NEW_YEAR_2024, false},
		{"2024-01-01T00:00:00.1Z", NEW_YEAR_2024 + 100000000, false},
		{"2024-01-01T00:00:00.000000001Z", NEW_YEAR_2024 + 1, false},
		{"2024-01-01T00:00:00.0000000019Z", NEW_YEAR_2024 + 1, false},
		{"2024-01-01T00:00:00.123456789123456789123Z", NEW_YEAR_2024 + 123456789, false},
		{"1969-12-31T23:59:59.9999999999Z", -1, false},
		{"1969-12-31T23:59:59Z", -1000000000, false},
		{"2024-02-29T00:00:00Z", INT64_C(1709164800000000000), false},
		{"2000-02-29T00:00:00Z", INT64_C(951782400000000000), false},
		{"1900-03-01T00:00:00Z", INT64_C(-2203891200000000000), false},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000000000), false},
		{"2016-12-31T23:59:60.25Z", INT64_C(1483228800250000000), false},
		{"2038-01-19T03:14:08Z", INT64_C(2147483648000000000), false},
		{"1677-09-21T00:12:43.145224192Z", INT64_MIN, false},
		{"2262-04-11T23:47:16.854775807Z", INT64_MAX, false},
		{"2262-04-12T00:47:16.854775807+01:00", INT64_MAX, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool naive = !cases[i].naive;

		assert_int_equal(parse(cases[i].text, &naive), cases[i].ns);
		assert_int_equal(naive, cases[i].naive);
	}
}

static void test_naive_takes_the_offset(void **state)
{
	struct error err = ERROR_INIT;
	int64_t ns;
	bool naive;

	(void)state;
	assert_int_equal(timestamp_parse("2024-01-01T01:00:00", 19, 3600, &ns, &naive, &err), 0);
	assert_int_equal(ns, NEW_YEAR_2024);
	assert_true(naive);
	/* One that is written wins. */
	assert_int_equal(timestamp_parse("2024-01-01T00:00:00Z", 20, 3600, &ns, &naive, &err), 0);
	assert_int_equal(ns, NEW_YEAR_2024);
	assert_false(naive);
}

static void test_parse_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		"2024",
		"2024-01-01",
		"2024-01-01T",
		"2024-01-01T00:00",
		"2024-01-01T00:00Z",
		"2024-02-30T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2024-04-31T00:00:00Z",
		"2024-00-01T00:00:00Z",
		"2024-13-01T00:00:00Z",
		"2024-01-00T00:00:00Z",
		"2024-01-32T00:00:00Z",
		"2024-01-01T24:00:00Z",
		"2024-01-01T00:60:00Z",
		"2024-01-01T00:00:61Z",
		"2024-01-01T00:00:00.Z",
		"2024-01-01T00:00:00,5Z",
		"2024-01-01T00:00:00 Z",
		"2024-01-01T00:00:00Zx",
		"2024-01-01T00:00:00+1",
		"2024-01-01T00:00:00+24:00",
		"2024-01-01T00:00:00+00:60",
		"2024-01-01T00:00:00+00:",
		"2024-01-01T00:00:00+00:0",
		"2024-01-01T00:00:00+000",
		"2024-01-01T00:00:00+00000",
		"2024-01-01T00:00:00+",
		"2024-01-01X00:00:00Z",
		"2024/01/01T00:00:00Z",
		"24-01-01T00:00:00Z",
		"+2024-01-01T00:00:00Z",
		"2024-1-01T00:00:00Z",
		" 2024-01-01T00:00:00Z",
		"2024-01-01T00:00:00Z ",
		"2024-01-01T00:00:0-Z",
		"2024-01-01T00:00:00.5.5Z",
		"1677-09-21T00:12:43.145224191Z",
		"2262-04-11T23:47:16.854775808Z",
		"0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z",
		"yesterday",
		"1704067200",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct error err = ERROR_INIT;
		int64_t ns = 42;
		bool naive;

		if (timestamp_parse(texts[i], strlen(texts[i]), 0, &ns, &naive, &err) == 0)
			fail_msg("'%s' was read", texts[i]);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_non_null(strstr(err.what, texts[i]));
	}
}

/* No cut of a time stamp is read past its end. The address sanitizer sees to the rest. */
static void test_every_cut(void **state)
{
	static const char text[] = "2024-01-01T00:00:00.25+01:30";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct error err = ERROR_INIT;
		char copy[sizeof(text)];
		int64_t ns;
		bool naive;

		memcpy(copy + sizeof(copy) - len, text, len);
		int status = timestamp_parse(copy + sizeof(copy) - len, len, 0, &ns, &naive, &err);
		bool whole = len == 19 || len == 21 || len == 22 || len == 25 || len == 28;
		assert_int_equal(status, whole ? 0 : -1);
	}
}

static void test_every_day_against_libc(void **state)
{
	(void)state;
	for (int64_t day = -106751; day <= 106751; day++) {
		char text[TIMESTAMP_MAX], expected[64];
		time_t t = (time_t)(day * 86400 + 43200);
		struct tm tm;
		bool naive;

		size_t n = timestamp_format(text, (int64_t)t * NS_PER_SECOND);
		assert_int_equal(n, 24);
		gmtime_r(&t, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		assert_string_equal(text, expected);
		assert_int_equal(parse(text, &naive), (int64_t)t * NS_PER_SECOND);
	}
}

static void test_format(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{999999, "1970-01-01T00:00:00.000Z"},
		{1000000, "1970-01-01T00:00:00.001Z"},
		{-1000000, "1969-12-31T23:59:59.999Z"},
		{-1000001, "1969-12-31T23:59:59.998Z"},
		{NEW_YEAR_2024, "2024-01-01T00:00:00.000Z"},
		{NEW_YEAR_2024 - 1, "2023-12-31T23:59:59.999Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854Z"},
	};
	struct rng rng;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[TIMESTAMP_MAX];

		assert_int_equal(timestamp_format(text, cases[i].ns), 24);
		assert_string_equal(text, cases[i].text);
	}
	rng_init(&rng, 1, 0);
	for (int i = 0; i < 100000; i++) {
		char text[TIMESTAMP_MAX];
		int64_t ns = (int64_t)(rng_next(&rng) >> 1) * (i % 2 ? 1 : -1);
		bool naive;

		timestamp_format(text, ns);
		int64_t back = parse(text, &naive);
		assert_true(back <= ns && ns - back < 1000000);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		int64_t ns;
		enum time_unit unit;
		const char *whole, *decimals;
	} cases[] = {
		{NEW_YEAR_2024 + 987654321, TIME_UNIT_S, "1704067200", "1704067200.987"},
		{NEW_YEAR_2024 + 987654321, TIME_UNIT_MS, "1704067200987", "1704067200987.654"},
		{NEW_YEAR_2024 + 987654321, TIME_UNIT_US, "1704067200987654",
		 "1704067200987654.321"},
		{NEW_YEAR_2024 + 987654321, TIME_UNIT_NS, "1704067200987654321",
		 "1704067200987654321.000"},
		{-1500000, TIME_UNIT_MS, "-1", "-1.500"},
		{INT64_MIN, TIME_UNIT_NS, "-9223372036854775808", "-9223372036854775808.000"},
		{0, TIME_UNIT_S, "0", "0.000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int decimals = 0; decimals < 2; decimals++) {
			const char *wanted = decimals ? cases[i].decimals : cases[i].whole;
			char text[TIMESTAMP_MAX];

			assert_int_equal(
				timestamp_format_number(text, cases[i].ns, cases[i].unit, decimals),
				strlen(wanted));
			assert_string_equal(text, wanted);
		}
	}
	assert_int_equal(timestamp_unit(-99999999999.0, TIME_UNIT_AUTO), TIME_UNIT_S);
	assert_int_equal(timestamp_unit(1e11, TIME_UNIT_AUTO), TIME_UNIT_MS);
	assert_int_equal(timestamp_unit(1e14, TIME_UNIT_AUTO), TIME_UNIT_US);
	assert_int_equal(timestamp_unit(-1e300, TIME_UNIT_AUTO), TIME_UNIT_NS);
	assert_int_equal(timestamp_unit(5, TIME_UNIT_MS), TIME_UNIT_MS);
}

static void test_parse_offset(void **state)
{
	static const struct {
		const char *text;
		int32_t seconds;
	} right[] = {
		{"Z", 0},       {"z", 0},         {"+00:00", 0},
		{"-00:00", 0},  {"+01:00", 3600}, {"-0530", -19800},
		{"+14", 50400}, {"+00:01", 60},   {"-23:59", -86340},
	};
	static const char *const wrong[] = {
		"",        "+",    "+1",  "01:00", "+24:00", "+00:60", "+1:00", "+01:0",
		"+01:000", "+01:", "UTC", "Z ",    "+010",   "--01",   "+-1",   "+01-00"};
	struct error err = ERROR_INIT;
	int32_t seconds;

	(void)state;
	for (size_t i = 0; i < COUNT(right); i++) {
		assert_int_equal(timestamp_parse_offset(right[i].text, strlen(right[i].text),
							&seconds, &err),
				 0);
		assert_int_equal(seconds, right[i].seconds);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		seconds = 7;
		if (timestamp_parse_offset(wrong[i], strlen(wrong[i]), &seconds, &err) == 0)
			fail_msg("'%s' was read", wrong[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_int_equal(seconds, 7);
	}
}

static void test_from_number(void **state)
{
	static const struct {
		const char *text;
		enum time_unit unit;
		int64_t ns;
	} cases[] = {
		{"0", TIME_UNIT_AUTO, 0},
		{"-0", TIME_UNIT_AUTO, 0},
		{"1704067200", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"1704067200000", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"1704067200000000", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"1704067200000000000", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"1704067200.123456789", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200.1234567899", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200123.456789", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200123.4567899", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200123456.789", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200123456.7899", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1704067200123456789.9", TIME_UNIT_AUTO, NEW_YEAR_2024 + 123456789},
		{"1.7040672e9", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"1.7040672E+12", TIME_UNIT_AUTO, NEW_YEAR_2024},
		{"17040672005e-1", TIME_UNIT_AUTO, NEW_YEAR_2024 + 500000000},
		{"-1.5", TIME_UNIT_AUTO, -1500000000},
		{"-0.0000000019", TIME_UNIT_AUTO, -1},
		{"-15e-1", TIME_UNIT_AUTO, -1500000000},
		/* The seams of the units. */
		{"100000000000", TIME_UNIT_AUTO, INT64_C(100000000000000000)},
		{"100000000000000", TIME_UNIT_AUTO, INT64_C(100000000000000000)},
		{"100000000000000000", TIME_UNIT_AUTO, INT64_C(100000000000000000)},
		{"-100000000000000000", TIME_UNIT_AUTO, INT64_C(-100000000000000000)},
		{"9223372036854775807", TIME_UNIT_AUTO, INT64_MAX},
		{"9223372036854775807.9", TIME_UNIT_NS, INT64_MAX},
		{"-9223372036854775808", TIME_UNIT_AUTO, INT64_MIN},
		{"9223372036.854775807", TIME_UNIT_S, INT64_MAX},
		{"-9223372036.854775808", TIME_UNIT_S, INT64_MIN},
		{"5", TIME_UNIT_S, 5000000000},
		{"5", TIME_UNIT_MS, 5000000},
		{"5", TIME_UNIT_US, 5000},
		{"5", TIME_UNIT_NS, 5},
		{"5e3", TIME_UNIT_NS, 5000},
		{"5e-1", TIME_UNIT_NS, 0},
		{"1704067200000000", TIME_UNIT_NS, INT64_C(1704067200000000)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = ERROR_INIT;
		int64_t ns = 42;

		if (timestamp_from_number(cases[i].text, strlen(cases[i].text), cases[i].unit, &ns,
					  &err) < 0)
			fail_msg("%s", err.what);
		if (ns != cases[i].ns)
			fail_msg("'%s' gives %lld", cases[i].text, (long long)ns);
	}
}

static void test_from_number_refuses(void **state)
{
	static const struct {
		const char *text;
		enum time_unit unit;
	} cases[] = {
		{"", TIME_UNIT_AUTO},
		{"x", TIME_UNIT_AUTO},
		{"1x", TIME_UNIT_AUTO},
		{"1 ", TIME_UNIT_AUTO},
		{"+1", TIME_UNIT_AUTO},
		{"01", TIME_UNIT_AUTO},
		{"NaN", TIME_UNIT_AUTO},
		{"1e", TIME_UNIT_AUTO},
		{"99999999999", TIME_UNIT_AUTO}, /* seconds, of the year 5138 */
		{"99999999999999", TIME_UNIT_AUTO},
		{"99999999999999999", TIME_UNIT_AUTO}, /* microseconds; as a double it is 1e17 */
		{"9223372036854775808", TIME_UNIT_AUTO},
		{"-9223372036854775809", TIME_UNIT_AUTO},
		{"99999999999999999999999999", TIME_UNIT_AUTO},
		{"18446744073709551617", TIME_UNIT_AUTO},
		{"9223372036.854775808", TIME_UNIT_S},
		{"9223372037", TIME_UNIT_S},
		{"1e400", TIME_UNIT_AUTO},
		{"-1e400", TIME_UNIT_AUTO},
		{"1e19", TIME_UNIT_AUTO},
		{"1e10", TIME_UNIT_S},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = ERROR_INIT;
		int64_t ns;

		if (timestamp_from_number(cases[i].text, strlen(cases[i].text), cases[i].unit, &ns,
					  &err) == 0)
			fail_msg("'%s' was read", cases[i].text);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_non_null(strstr(err.what, cases[i].text));
	}
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} right[] = {
		{"10s", 10 * NS_PER_SECOND},
		{"500ms", 500000000},
		{"1m", 60 * NS_PER_SECOND},
		{"2h", 7200 * NS_PER_SECOND},
		{"1d", 86400 * NS_PER_SECOND},
		{"250us", 250000},
		{"10ns", 10},
		{"1.5s", 1500000000},
		{"0.1h", 360 * NS_PER_SECOND},
		{"0.000000001s", 1},
		{"1.9ns", 1},
		{"0.5us", 500},
		{"1.00000000000000000000000001d", 86400 * NS_PER_SECOND},
		{"9223372036.854775807s", INT64_MAX},
		{"106751d", 106751 * (86400 * NS_PER_SECOND)},
	};
	static const char *const wrong[] = {
		"",
		"s",
		"10",
		"10 s",
		" 10s",
		"10s ",
		"-10s",
		"+10s",
		"1e3s",
		"10S",
		".5s",
		"5.s",
		"1..5s",
		"10sec",
		"1h30m",
		"0s",
		"0.0ms",
		"0.9ns",
		"10x",
		"10mss",
		"9223372036.854775808s",
		"106752d",
		"99999999999999999999s",
		"18446744073709551617ns",
	};
	struct error err = ERROR_INIT;
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT(right); i++) {
		if (duration_parse(right[i].text, strlen(right[i].text), &ns, &err) < 0)
			fail_msg("%s", err.what);
		assert_int_equal(ns, right[i].ns);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		ns = 42;
		if (duration_parse(wrong[i], strlen(wrong[i]), &ns, &err) == 0)
			fail_msg("'%s' was read", wrong[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_int_equal(ns, 42);
	}
}

static void test_no_duration(void **state)
{
	static const char *const none[] = {"0", "0s", "0ms", "0.0ns", "00d", "0.000"},
				 *const wrong[] = {"", "s", "1", "0x", "0.9ns", "-0s", "0 s"};
	struct error err = ERROR_INIT;
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		ns = 42;
		assert_int_equal(duration_parse_or_0(none[i], strlen(none[i]), &ns, &err), 0);
		assert_int_equal(ns, 0);
		assert_int_equal(duration_parse(none[i], strlen(none[i]), &ns, &err), -1);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (duration_parse_or_0(wrong[i], strlen(wrong[i]), &ns, &err) == 0)
			fail_msg("'%s' was read", wrong[i]);
	assert_int_equal(duration_parse_or_0("1.5s", 4, &ns, &err), 0);
	assert_int_equal(ns, 1500000000);
}

static void test_now(void **state)
{
	time_t before = time(NULL);
	int64_t now = timestamp_now();

	(void)state;
	assert_in_range(now / NS_PER_SECOND, before - 1, time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_naive_takes_the_offset),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_day_against_libc),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_parse_offset),
		cmocka_unit_test(test_from_number),
		cmocka_unit_test(test_from_number_refuses),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_no_duration),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
