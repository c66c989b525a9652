/* `_kafka` of records: written as sensor-record(5) has it, read back the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/rng.h"
#include "lib/base/utf8.h"
#include "lib/record/provenance.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

static const struct provenance plain = {
	.topic = "t", .partition = 3, .offset = 42, .timestamp_ms = PROVENANCE_NO_TIME};

static void writes(const struct provenance *p, const char *expected)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	assert_int_equal(buf_add_str(&b, "<", &err), 0);
	assert_int_equal(provenance_write(&b, p, &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(b.data + 1, expected);
	buf_release(&b);
}

static void as_the_page_has_it(void **state)
{
	struct provenance p = plain;

	(void)state;
	writes(&p, "{\"topic\":\"t\",\"partition\":3,\"offset\":42}");
	p.topic = "sensor-data.v_2";
	p.partition = INT32_MAX;
	p.offset = INT64_MAX;
	p.timestamp_ms = INT64_C(1704067200123);
	p.key = "sample_7";
	p.key_len = 8;
	p.replay = true;
	writes(&p, "{\"topic\":\"sensor-data.v_2\",\"partition\":2147483647,"
		   "\"offset\":9223372036854775807,\"timestamp\":\"2024-01-01T00:00:00.123Z\","
		   "\"key\":\"sample_7\",\"replay\":true}");
}

static void any_time(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
		{INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
		{INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
		{INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
		{INT64_C(253402300800000), NULL},
		{INT64_C(-62167219200001), NULL},
		{INT64_MAX, NULL},
		{INT64_MIN + 1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct provenance p = plain;
		char expected[256];
		p.timestamp_ms = times[i].ms;
		snprintf(expected, sizeof(expected),
			 "{\"topic\":\"t\",\"partition\":3,\"offset\":42%s%s%s}",
			 times[i].text ? ",\"timestamp\":\"" : "",
			 times[i].text ? times[i].text : "", times[i].text ? "\"" : "");
		writes(&p, expected);
	}
}

static void any_bytes(void **state)
{
	static const struct provenance_header headers[] = {
		{.name = "a", .value = "x\ny", .len = 3},
		{.name = "a", .value = "\xff", .len = 1},
		{.name = "", .value = NULL, .len = 0},
		{.name = "n\xffm\xc3", .null = true},
	};
	struct provenance p = plain;

	(void)state;
	p.key = "";
	writes(&p, "{\"topic\":\"t\",\"partition\":3,\"offset\":42,\"key\":\"\"}");
	p.key = "a\"\\\0\x1f\xc3\xa4/";
	p.key_len = 8;
	writes(&p, "{\"topic\":\"t\",\"partition\":3,\"offset\":42,"
		   "\"key\":\"a\\\"\\\\\\u0000\\u001f\xc3\xa4/\"}");
	p.key = "\xc3";
	p.key_len = 1;
	p.headers = headers;
	p.n_headers = 4;
	writes(&p, "{\"topic\":\"t\",\"partition\":3,\"offset\":42,\"key_base64\":\"ww==\","
		   "\"headers\":[{\"name\":\"a\",\"value\":\"x\\ny\"},"
		   "{\"name\":\"a\",\"value_base64\":\"/w==\"},{\"name\":\"\",\"value\":\"\"},"
		   "{\"name\":\"n\xef\xbf\xbdm\xef\xbf\xbd\",\"value\":null}]}");
}

/* The value of _kafka in a record, scanned; its block stays until the next call or NULL. */
static const struct value *scan(const char *kafka, size_t len)
{
	static struct scanner *s;
	static struct fields *f;
	static struct block block;
	struct error err = ERROR_INIT;
	struct buf line = BUF_INIT;
	struct record rec;

	scanner_free(s);
	fields_free(f);
	if (block.data)
		text_block_free(&block);
	s = NULL;
	f = NULL;
	if (!kafka)
		return NULL;
	assert_int_equal(buf_add_str(&line, "{\"x\":1,\"_kafka\":", &err), 0);
	assert_int_equal(buf_add(&line, kafka, len, &err), 0);
	assert_int_equal(buf_add_str(&line, "}\n", &err), 0);
	block = text_block(line.data, line.len, NULL);
	buf_release(&line);
	f = text_fields("_kafka", NULL);
	s = scanner_new(f, &err);
	assert_non_null(s);
	assert_int_equal(scanner_start(s, &block, &err), 0);
	if (scanner_next(s, &rec, &err) != 1)
		fail_msg("%.*s: %s", (int)len, kafka, err.what);
	return &rec.values[0];
}

static void reads_what_a_producer_needs(void **state)
{
	static const char text[] =
		"{ \"other\":[{\"key\":1}], \"replay\":true,\"k\\u0065y\" : \"a\\u0000\\u00e4\\/\","
		"\"headers\":[ {\"value\":\"v\",\"more\":1,\"name\":\"n\"} ,"
		"{\"name\":\"\",\"value\":null},{\"name\":\"b\",\"value_base64\":\"\\/w==\"}]}";
	struct provenance_in in = {.any = false};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct value *v = scan(text, strlen(text));
		if (provenance_read(&in, v, &err))
			fail_msg("%s", err.what);
		assert_true(in.any && in.keyed && in.replay);
		assert_int_equal(in.key.len, 5);
		assert_memory_equal(in.key.data, "a\0\xc3\xa4/", 5);
		assert_int_equal(in.n_headers, 3);
		const struct provenance_in_header *h = in.headers;
		assert_int_equal(h[0].name_len, 1);
		assert_memory_equal(in.text.data + h[0].name_at, "n", 1);
		assert_memory_equal(in.text.data + h[0].value_at, "v", 1);
		assert_false(h[0].null);
		assert_int_equal(h[1].name_len, 0);
		assert_true(h[1].null);
		assert_int_equal(h[2].value_len, 1);
		assert_memory_equal(in.text.data + h[2].value_at, "\xff", 1);
		/* Nothing of it is left for the next one. */
		assert_int_equal(provenance_read(&in, scan("{}", 2), &err), 0);
		assert_true(in.any && !in.keyed && !in.replay && !in.n_headers);
	}
	assert_int_equal(provenance_read(&in, scan("\"t\"", 3), &err), 0);
	assert_false(in.any);
	assert_int_equal(provenance_read(&in, &(struct value){.kind = VALUE_ABSENT}, &err), 0);
	assert_false(in.any);
	assert_int_equal(provenance_read(&in, scan("{\"replay\":false}", 16), &err), 0);
	assert_true(in.any && !in.replay);
	scan(NULL, 0);
	provenance_in_release(&in);
}

static void refuses_what_is_no_key_and_no_header(void **state)
{
	static const char *const bad[][2] = {
		{"{\"key\":1}", "'_kafka.key': it is no string"},
		{"{\"key\":null}", "'_kafka.key': it is no string"},
		{"{\"key\":\"\\ud800\"}", "'_kafka.key': string holds half"},
		{"{\"key_base64\":\"ww=\"}", "'_kafka.key_base64': it is not base64"},
		{"{\"key_base64\":1}", "'_kafka.key_base64': it is no string"},
		{"{\"key\":\"a\",\"key_base64\":\"ww==\"}", "two keys"},
		{"{\"headers\":{}}", "'_kafka.headers' is no array"},
		{"{\"headers\":null}", "'_kafka.headers' is no array"},
		{"{\"headers\":[{\"name\":\"a\",\"value\":null}],\"headers\":[]}",
		 "two lists of headers"},
		{"{\"headers\":[1]}", "element 1 of '_kafka.headers': it is no object"},
		{"{\"headers\":[{\"name\":\"a\"}]}", "it has no 'value'"},
		{"{\"headers\":[{\"value\":\"a\"}]}", "it has no 'name'"},
		{"{\"headers\":[{\"name\":\"a\",\"value\":1}]}", "'value': it is no string"},
		{"{\"headers\":[{\"name\":null,\"value\":\"a\"}]}", "'name': it is no string"},
		{"{\"headers\":[{\"name\":\"\\u0000\",\"value\":\"a\"}]}", "'name' has a NUL"},
		{"{\"headers\":[{\"name\":\"a\",\"name\":\"a\",\"value\":\"a\"}]}", "two names"},
		{"{\"headers\":[{\"name\":\"a\",\"value\":\"\",\"value_base64\":\"\"}]}",
		 "two values"},
		{"{\"headers\":[{\"name\":\"a\",\"value\":\"\"},{\"name\":\"a\","
		 "\"value_base64\":\"a\"}]}",
		 "element 2 of '_kafka.headers': 'value_base64': it is not base64"},
	};
	struct provenance_in in = {.any = false};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = ERROR_INIT;
		if (!provenance_read(&in, scan(bad[i][0], strlen(bad[i][0])), &err))
			fail_msg("passes: %s", bad[i][0]);
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.what, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], err.what);
	}
	scan(NULL, 0);
	provenance_in_release(&in);
}

#define LEN_MAX 40

static size_t random_bytes(struct rng *rng, char *bytes)
{
	size_t n = (size_t)rng_below(rng, LEN_MAX);
	bool ascii = rng_below(rng, 2);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)rng_below(rng, ascii ? 128 : 256);
	return n;
}

static void both_ways_round(void **state)
{
	struct provenance_in in = {.any = false};
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct rng rng;

	(void)state;
	rng_init(&rng, 4, 0);
	for (int round = 0; round < 2000; round++) {
		char key[LEN_MAX], values[3][LEN_MAX];
		struct provenance_header h[3];
		struct provenance p = plain;
		p.key_len = random_bytes(&rng, key);
		p.key = rng_below(&rng, 4) ? key : NULL;
		p.headers = h;
		p.n_headers = (size_t)rng_below(&rng, 4);
		p.replay = rng_below(&rng, 2);
		for (size_t i = 0; i < 3; i++)
			h[i] = (struct provenance_header){.name = i ? "b" : "\xc3\xa4",
							  .value = values[i],
							  .len = random_bytes(&rng, values[i]),
							  .null = !rng_below(&rng, 4)};
		text.len = 0;
		assert_int_equal(provenance_write(&text, &p, &err), 0);
		assert_int_equal(utf8_check(text.data, text.len), text.len);
		assert_int_equal(provenance_read(&in, scan(text.data, text.len), &err), 0);
		assert_true(in.any);
		assert_int_equal(in.keyed, p.key != NULL);
		assert_int_equal(in.replay, p.replay);
		if (p.key) {
			assert_int_equal(in.key.len, p.key_len);
			assert_memory_equal(in.key.data, key, p.key_len);
		}
		assert_int_equal(in.n_headers, p.n_headers);
		for (size_t i = 0; i < p.n_headers; i++) {
			const struct provenance_in_header *back = &in.headers[i];
			assert_int_equal(back->name_len, strlen(h[i].name));
			assert_memory_equal(in.text.data + back->name_at, h[i].name,
					    back->name_len);
			assert_int_equal(back->null, h[i].null);
			if (h[i].null)
				continue;
			assert_int_equal(back->value_len, h[i].len);
			assert_memory_equal(in.text.data + back->value_at, values[i], h[i].len);
		}
	}
	scan(NULL, 0);
	buf_release(&text);
	provenance_in_release(&in);
}

static const char keyed[] =
	"{\"key\":\"a\",\"headers\":[{\"name\":\"n\",\"value_base64\":\"/w==\"}]}";

static int write_all(void *arg, struct error *err)
{
	static const struct provenance_header h = {.name = "\xff", .value = "\xff", .len = 1};
	struct provenance p = plain;
	struct buf b = BUF_INIT;
	char key[1000] = "";

	(void)arg;
	p.key = key;
	p.key_len = sizeof(key);
	p.headers = &h;
	p.n_headers = 1;
	int ret = provenance_write(&b, &p, err);
	assert_true(!ret || !b.len);
	buf_release(&b);
	return ret;
}

static int read_all(void *arg, struct error *err)
{
	struct provenance_in in = {.any = false};
	int ret = provenance_read(&in, arg, err);

	provenance_in_release(&in);
	return ret;
}

static void memory_runs_out(void **state)
{
	const struct value *v = scan(keyed, strlen(keyed));
	struct provenance_in in = {.any = false};
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(alloc_fail_each(write_all, NULL) >= 3);
	assert_true(alloc_fail_each(read_all, (void *)(uintptr_t)v) >= 3);
	/* Warm, it needs no more. */
	assert_int_equal(provenance_read(&in, v, &err), 0);
	alloc_fail_after(0);
	assert_int_equal(provenance_read(&in, v, &err), 0);
	assert_false(alloc_fail_off());
	provenance_in_release(&in);
	scan(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_page_has_it),
		cmocka_unit_test(any_time),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(reads_what_a_producer_needs),
		cmocka_unit_test(refuses_what_is_no_key_and_no_header),
		cmocka_unit_test(both_ways_round),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
