/* Times of records: read, written in the same kind, put in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/record/csv.h"
#include "lib/record/event_time.h"
#include "lib/record/writer.h"
#include "tests/unit/record_text.h"

#define NOW (INT64_C(1735732800) * NS_PER_SECOND + 123456789) /* 2025-01-01T12:00:00.123… */

static struct event_time t = {.path = "m.t", .offset_s = 3600};

/* The record with its m.t set to NOW and "own" cut, as a writer passes it through; or the error. */
static const char *restamped(const char *text, const struct csv_header *header)
{
	static const char *const added[] = {"own"};
	static struct buf out;
	struct error err = ERROR_INIT;
	struct fields *fields = text_fields("m.t", NULL);
	struct writer_options o = {.from = header ? FORMAT_CSV : FORMAT_JSON,
				   .to = header ? FORMAT_CSV : FORMAT_JSON,
				   .pass_through = true,
				   .added = added,
				   .n_added = 1,
				   .header = header};
	struct writer *w = writer_new(&o, fields, &err);
	struct scanner *s = scanner_new(fields, &err);
	struct block b = text_block(text, strlen(text), header);
	char now[EVENT_TIME_MAX];
	struct record rec;
	int64_t ns;

	out.len = 0;
	assert_int_equal(buf_add_str(&out, "before ", &err), 0);
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	if (event_time_read(&t, rec.values, &ns, &err)) {
		assert_int_equal(err.kind, ERROR_DATA);
		out.len = 0;
		assert_int_equal(buf_add_str(&out, err.what, &err), 0);
	} else {
		size_t at = out.len, n = event_time_format(&t, rec.values, NOW, now);
		assert_int_equal(writer_begin(w, &rec, &out, &err), 0);
		assert_int_equal(event_time_replace(&rec, rec.values, now, n, &out, at, &err), 0);
		assert_int_equal(buf_reserve(&out, 4 * WRITER_VALUE_MAX, &err), 0);
		writer_bool(w, &out, 0, true);
		assert_int_equal(writer_end(w, &rec, &out, &err), 0);
	}
	assert_int_equal(buf_terminate(&out, &err), 0);
	text_block_free(&b);
	scanner_free(s);
	writer_free(w);
	fields_free(fields);
	return out.data;
}

static const char *json(const char *value)
{
	static char text[300];

	snprintf(text, sizeof(text), "{\"m\":{\"t\":%s}}\n", value);
	return restamped(text, NULL);
}

static const char *json_wanted(const char *value)
{
	static char text[300];

	snprintf(text, sizeof(text), "before {\"m\":{\"t\":%s},\"own\":true}\n", value);
	return text;
}

static void keeps_its_kind(void **state)
{
	static const struct {
		const char *was, *is;
	} cases[] = {
		{"\"2024-01-01T00:00:00Z\"", "\"2025-01-01T12:00:00.123Z\""},
		{"\"2024-01-01 00:00:00\"", "\"2025-01-01T12:00:00.123Z\""},
		{"\"2024-01-01T00:00:00.123456789+05:30\"", "\"2025-01-01T12:00:00.123Z\""},
		{"\"2024-01-01T00:00:00\\u005a\"", "\"2025-01-01T12:00:00.123Z\""},
		{"1704067200", "1735732800"},
		{"0", "1735732800"},
		{"-1704067200", "1735732800"},
		{"1704067200.5", "1735732800.123"},
		{"1.7e9", "1735732800.123"},
		{"1704067200000", "1735732800123"},
		{"1704067200000.25", "1735732800123.456"},
		{"1704067200000000", "1735732800123456"},
		{"1704067200000000000", "1735732800123456789"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(json(cases[i].was), json_wanted(cases[i].is));
	t.unit = TIME_UNIT_MS;
	assert_string_equal(json("5"), json_wanted("1735732800123"));
	t.unit = TIME_UNIT_AUTO;
}

static void refuses_what_is_no_time(void **state)
{
	(void)state;
	assert_string_equal(json("null"), "record has no time: 'm.t' is null");
	assert_string_equal(restamped("{\"m\":{}}\n", NULL), "record has no time: 'm.t' is absent");
	assert_string_equal(json("true"), "'m.t' is neither a string nor a number");
	assert_string_equal(json("[1]"), "'m.t' is neither a string nor a number");
	assert_non_null(strstr(json("\"\""), "'m.t': '' is not a timestamp"));
	assert_non_null(strstr(json("\"noon\""), "'m.t': 'noon' is not a timestamp"));
	assert_non_null(strstr(json("1e300"), "'m.t': '1e300' is not a timestamp"));
	assert_non_null(strstr(json("\"\\ud800\""), "'m.t': "));
}

static void reads_with_offset(void **state)
{
	struct error err = ERROR_INIT;
	struct value naive = {.text = "\"1970-01-01 01:00:00\"", .len = 21, .kind = VALUE_STRING},
		     utc = {.text = "\"1970-01-01T01:00:00Z\"", .len = 22, .kind = VALUE_STRING};
	int64_t ns;

	(void)state;
	t.naive = false;
	assert_int_equal(event_time_read(&t, &utc, &ns, &err), 0);
	assert_int_equal(ns, 3600 * NS_PER_SECOND);
	assert_false(t.naive);
	assert_int_equal(event_time_read(&t, &naive, &ns, &err), 0);
	assert_int_equal(ns, 0);
	assert_true(t.naive);
}

static void in_its_place(void **state)
{
	(void)state;
	assert_string_equal(
		restamped("{ \"own\" : 1, \"a\" : 1e999, \"m\":{\"u\":[],\"t\":1, \"v\":2 }, "
			  "\"own\":[2] , \"z\":\"\\u0000\" }\r\n",
			  NULL),
		"before { \"a\" : 1e999, \"m\":{\"u\":[],\"t\":1735732800, \"v\":2 } , "
		"\"z\":\"\\u0000\" ,\"own\":true}\r\n");
	/* The last of duplicates is the one that is read. */
	assert_string_equal(restamped("{\"m\":{\"t\":1,\"t\":2000000000000}}\n", NULL),
			    "before {\"m\":{\"t\":1,\"t\":1735732800123},\"own\":true}\n");
}

static void in_csv(void **state)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new("own,m.t,b", 9, false, &err);

	(void)state;
	assert_string_equal(restamped("x,1,2\n", h), "before 1735732800,2,true\n");
	assert_string_equal(restamped("x,2024-01-01T00:00:00Z,2\n", h),
			    "before 2025-01-01T12:00:00.123Z,2,true\n");
	assert_string_equal(restamped("x,\"2024-01-01T00:00:00Z\",2\n", h),
			    "before \"2025-01-01T12:00:00.123Z\",2,true\n");
	assert_string_equal(restamped("x,,2\n", h), "record has no time: 'm.t' is null");
	csv_header_free(h);
}

static int release(void **state)
{
	(void)state;
	event_time_release(&t);
	return 0;
}

/* Texts of one minute one after the other are read alike, whatever came before. */
static void minutes(void **state)
{
	static const char *const texts[] = {
		"1970-01-01T00:00:00Z",     "1970-01-01T00:00:59.999Z", "1970-01-01T00:00:60Z",
		"1970-01-01T00:00:0xZ",     "1970-01-01T00:00:7.000Z",  "1969-12-31T23:59:59.001Z",
		"1969-12-31T23:59:58Z",     "2024-02-29 12:34:56.789Z", "2024-02-29 12:34:56.7890",
		"2024-02-29 12:34:56.789z", "2024-02-29 12:34:00Z",     "2024-02-29 12:34:61Z",
		"2024-02-29 12:34:56+01Z",  "2024-02-29 12:34:5+.789Z", "2024-02-29 12:34:56,789Z",
		"2262-04-11T23:47:16.854Z", "2262-04-11T23:47:16.855Z", "2262-04-11T23:47:17Z",
		"1677-09-21T00:12:44Z",     "1677-09-21T00:12:43.145Z", "2024-02-29 12:34:56.78Z",
	};
	struct event_time time = {.path = "t"};
	struct value nuls = {.kind = VALUE_STRING};
	struct error err = ERROR_INIT;
	char text[256] = "\"";
	int64_t ns, expected;
	bool naive;

	(void)state;
	for (int i = 0; i < 17; i++)
		strncat(text, "\\u0000", sizeof(text) - strlen(text) - 1);
	strncat(text, "00Z\"", sizeof(text) - strlen(text) - 1);
	nuls.text = text;
	nuls.len = strlen(text);
	assert_int_equal(event_time_read(&time, &nuls, &ns, &err), -1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (size_t j = 0; j < sizeof(texts) / sizeof(*texts); j++) {
			size_t len = strlen(texts[j]);
			struct value v = {.kind = VALUE_STRING, .text = texts[i]};
			v.len = strlen(texts[i]);
			v.csv = true;
			event_time_read(&time, &v, &ns, &err);
			v.text = texts[j];
			v.len = len;
			int read = event_time_read(&time, &v, &ns, &err);
			assert_int_equal(
				read, timestamp_parse(texts[j], len, 0, &expected, &naive, &err));
			if (!read)
				assert_true(ns == expected);
		}
	event_time_release(&time);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_kind),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(reads_with_offset),
		cmocka_unit_test(in_its_place),
		cmocka_unit_test(in_csv),
		cmocka_unit_test(minutes),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
