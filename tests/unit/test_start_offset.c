/* Where a consumer begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/kafka/start_offset.h"

static void good(void **state)
{
	static const struct {
		const char *text;
		enum start_kind kind;
		int64_t n;
	} all[] = {
		{"beginning", START_BEGINNING, 0},
		{"end", START_END, 0},
		{"stored", START_STORED, 0},
		{"0", START_OFFSET, 0},
		{"42", START_OFFSET, 42},
		{"9223372036854775807", START_OFFSET, INT64_MAX},
		{"-1", START_LAST, 1},
		{"-100", START_LAST, 100},
		{"-0", START_LAST, 0},
		{"s@0", START_TIME, 0},
		{"s@1704067200123", START_TIME, 1704067200123},
		{"s@2024-01-01T00:00:00.123Z", START_TIME, 1704067200123},
		{"s@2024-01-01 01:00:00+01:00", START_TIME, 1704067200000},
		/* No message of .123 lies before it. */
		{"s@2024-01-01T00:00:00.1230001Z", START_TIME, 1704067200124},
		{"s@1970-01-01T00:00:00Z", START_TIME, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct error err = ERROR_INIT;
		struct start_offset s;
		if (start_offset_parse(&s, all[i].text, &err))
			fail_msg("'%s': %s", all[i].text, err.what);
		assert_int_equal(s.kind, all[i].kind);
		assert_int_equal(s.n, all[i].n);
	}
}

static void bad(void **state)
{
	static const char *const all[][2] = {
		{"", "takes 'beginning', 'end', 'stored', an offset, -N for the last N, or s@TIME"},
		{"start", "not 'start'"},
		{"END", "not 'END'"},
		{"1.5", "not '1.5'"},
		{"+1", "not '+1'"},
		{"-", "not '-'"},
		{"--1", "not '--1'"},
		{"01", "not '01'"},
		{" 1", "not ' 1'"},
		{"9223372036854775808", "not '9223372036854775808'"},
		{"e@5", "not 'e@5'"},
		{"s@", "takes 's@' and milliseconds since 1970 or a time: '' is not"},
		{"s@-1", "'-1' is not a timestamp"},
		{"s@1.5", "'1.5' is not a timestamp"},
		{"s@yesterday", "'yesterday' is not a timestamp"},
		{"s@2024-01-01T00:00:00", "'2024-01-01T00:00:00Z' say"},
		{"s@1969-12-31T23:59:59Z", "a time since 1970"},
		{"s@2024-02-30T00:00:00Z", "no such day"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct error err = ERROR_INIT;
		struct start_offset s;
		if (!start_offset_parse(&s, all[i][0], &err))
			fail_msg("passes: '%s'", all[i][0]);
		assert_int_equal(err.kind, ERROR_USAGE);
		if (!strstr(err.what, all[i][1]))
			fail_msg("'%s': %s", all[i][0], err.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
