/* Records into messages, and messages that were not delivered into records again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/kafka/outgoing.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

static void add_bytes(struct buf *out, const char *name, const void *bytes, size_t len)
{
	struct error err = ERROR_INIT;

	assert_int_equal(buf_printf(out, &err, "%s%s=", out->len ? " " : "", name), 0);
	assert_int_equal(bytes ? buf_add(out, bytes, len, &err) : buf_add_str(out, "-", &err), 0);
}

/* The message as "key=… value=… NAME=… @TIME"; with `again` the record that it becomes again. */
static int make(const struct outgoing_options *o, const char *text, bool again, struct buf *out,
		struct error *err)
{
	struct block b = text_block(text, strlen(text), NULL);
	struct fields *fields = fields_new(err);
	struct outgoing *g = fields ? outgoing_new(o, fields, err) : NULL;
	struct scanner *s = NULL;
	struct record rec;
	struct message m;
	int ret = -1;

	if (!g || outgoing_start(g, fields, FORMAT_JSON, NULL, err) ||
	    !(s = scanner_new(fields, err)) || scanner_start(s, &b, err) ||
	    scanner_next(s, &rec, err) != 1 || outgoing_provenance(g, &rec, err) ||
	    outgoing_make(g, &rec, &m, err))
		goto out;
	if (again) {
		ret = outgoing_again(out, &m, o->value, err);
		goto out;
	}
	add_bytes(out, "key", m.key, m.key_len);
	add_bytes(out, "value", m.value, m.value_len);
	for (size_t i = 0; i < m.n_headers; i++)
		add_bytes(out, m.headers[i].name, m.headers[i].null ? NULL : m.headers[i].value,
			  m.headers[i].len);
	if (m.timestamp_ms)
		assert_int_equal(buf_printf(out, err, " @%lld", (long long)m.timestamp_ms), 0);
	ret = 0;
out:
	scanner_free(s);
	outgoing_free(g);
	fields_free(fields);
	text_block_free(&b);
	return ret;
}

/* Good until the next call. */
static const char *made(const struct outgoing_options *o, const char *text, bool again)
{
	static struct buf out;
	struct error err = ERROR_INIT;

	out.len = 0;
	if (make(o, text, again, &out, &err))
		assert_int_equal(buf_printf(&out, &err, "%d: %s", err.kind, err.what), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	return out.data;
}

#define message(text, ...) made(&(struct outgoing_options){__VA_ARGS__}, text "\n", false)
#define record(text, ...) made(&(struct outgoing_options){__VA_ARGS__}, text "\n", true)

static void values(void **state)
{
	(void)state;
	assert_string_equal(message("{\"a\": 1.50 }", .key_text = NULL),
			    "key=- value={\"a\": 1.50 }");
	assert_string_equal(
		message("{\"a\":1,\"_kafka\":{\"offset\":3},\"b\":2}", .key_text = NULL),
		"key=- value={\"a\":1,\"b\":2}");
	assert_string_equal(message("{\"_kafka\":{},\"b\":2}", .key_text = NULL),
			    "key=- value={\"b\":2}");
	assert_string_equal(message("{\"a\":1,\"_kafka\":{}}", .key_text = NULL),
			    "key=- value={\"a\":1}");
	assert_string_equal(message("{\"_kafka\":{}}", .key_text = NULL), "key=- value={}");
	assert_string_equal(message("{\"_kafka\":{}}", .tombstones = true), "key=- value=-");
	assert_string_equal(message("{\"a\":null}", .tombstones = true),
			    "key=- value={\"a\":null}");
}

static void one_field(void **state)
{
	(void)state;
	assert_string_equal(message("{\"a\":{\"b\":\"x\\u00e4\\n\"}}", .value = "a.b"),
			    "key=- value=x\xc3\xa4\n");
	assert_string_equal(message("{\"a\":1.50}", .value = "a"), "key=- value=1.50");
	assert_string_equal(message("{\"a\":\"\"}", .value = "a"), "key=- value=");
	assert_string_equal(message("{\"a\":{\"b\":[1]}}", .value = "a"),
			    "key=- value={\"b\":[1]}");
	assert_string_equal(message("{\"a\":null}", .value = "a"), "key=- value=null");
	assert_string_equal(message("{\"a\":null}", .value = "a", .tombstones = true),
			    "key=- value=-");
	assert_string_equal(message("{\"b\":1}", .value = "a"),
			    "65: field 'a', the value, is absent");
	assert_non_null(strstr(message("{}", .value = "a..b"), "64: option '--value': "));
}

static void keys(void **state)
{
	static const char in[] = "{\"a\":1,\"b\":\"x,\",\"_kafka\":{\"key\":\"k\"}}\n";

	(void)state;
	assert_string_equal(made(&(struct outgoing_options){.n_headers = 0}, in, false),
			    "key=k value={\"a\":1,\"b\":\"x,\"}");
	assert_string_equal(made(&(struct outgoing_options){.key_text = "all"}, in, false),
			    "key=all value={\"a\":1,\"b\":\"x,\"}");
	assert_string_equal(made(&(struct outgoing_options){.key_fields = "b"}, in, false),
			    "key=x, value={\"a\":1,\"b\":\"x,\"}");
	assert_string_equal(made(&(struct outgoing_options){.key_fields = "a,b"}, in, false),
			    "key=[1,\"x,\"] value={\"a\":1,\"b\":\"x,\"}");
	assert_string_equal(made(&(struct outgoing_options){.key_format = "s_%{a}"}, in, false),
			    "key=s_1 value={\"a\":1,\"b\":\"x,\"}");
	/* An empty key is one. */
	assert_string_equal(message("{\"a\":\"\"}", .key_fields = "a"), "key= value={\"a\":\"\"}");
	assert_string_equal(message("{\"_kafka\":{\"key\":\"\"}}", .key_text = NULL),
			    "key= value={}");
	assert_string_equal(message("{\"_kafka\":{\"key_base64\":\"/w==\"}}", .key_text = NULL),
			    "key=\xff value={}");
	assert_non_null(strstr(message("{\"a\":null}", .key_fields = "a"), "65: "));
	assert_non_null(strstr(message("{}", .key_fields = "a"), "65: "));
	assert_non_null(strstr(message("{}", .key_fields = "a,"), "64: option '--key': "));
	assert_non_null(strstr(message("{}", .key_format = "%{"), "64: option '--key-format': "));
	assert_non_null(strstr(message("{\"_kafka\":{\"key\":1}}", .key_text = NULL), "65: "));
}

static void headers(void **state)
{
	static const char *const site[] = {"site=%{s}", "x=", "site=y=z"}, *const bad[] = {"=x"};
	static const char in[] = "{\"s\":\"a\",\"_kafka\":{\"headers\":[{\"name\":\"h\","
				 "\"value\":\"1\"},{\"name\":\"n\",\"value\":null},{\"name\":\"\","
				 "\"value_base64\":\"/w==\"}]}}\n";

	(void)state;
	assert_string_equal(made(&(struct outgoing_options){.n_headers = 0}, in, false),
			    "key=- value={\"s\":\"a\"} h=1 n=- =\xff");
	assert_string_equal(
		made(&(struct outgoing_options){.headers = site, .n_headers = 3}, in, false),
		"key=- value={\"s\":\"a\"} site=a x= site=y=z");
	assert_string_equal(
		made(&(struct outgoing_options){.headers = bad, .n_headers = 1}, in, false),
		"64: option '-H': '=x' is not NAME=TEMPLATE");
}

static void times(void **state)
{
	static const struct event_time time = {.path = "t"};

	(void)state;
	assert_string_equal(message("{\"t\":\"2024-01-01T00:00:00.5Z\"}", .time = &time),
			    "key=- value={\"t\":\"2024-01-01T00:00:00.5Z\"} @1704067200500");
	assert_string_equal(message("{\"t\":1704067200}", .time = &time),
			    "key=- value={\"t\":1704067200} @1704067200000");
	assert_non_null(strstr(message("{\"t\":-1}", .time = &time), "65: field 't': Kafka takes"));
	assert_non_null(strstr(message("{}", .time = &time), "65: "));
}

static void rows_of_csv(void **state)
{
	static char a[] = "a", b[] = "b.c", k[] = "_kafka.key";
	char *names[] = {a, b, k};
	struct csv_header header = {3, names, "a,b.c,_kafka.key", 16, false};
	static const char text[] = "007,1.50,x\n";
	struct outgoing_options o = {.key_fields = "b.c"};
	struct error err = ERROR_INIT;
	struct block block = text_block(text, strlen(text), &header);
	struct fields *fields = fields_new(&err);
	struct outgoing *g = outgoing_new(&o, fields, &err);
	struct record rec;
	struct message m;

	(void)state;
	assert_non_null(g);
	assert_int_equal(outgoing_start(g, fields, FORMAT_CSV, &header, &err), 0);
	struct scanner *s = scanner_new(fields, &err);
	assert_int_equal(scanner_start(s, &block, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(outgoing_provenance(g, &rec, &err), 0);
	assert_int_equal(outgoing_make(g, &rec, &m, &err), 0);
	assert_int_equal(m.value_len, strlen("{\"a\":\"007\",\"b\":{\"c\":1.50}}"));
	assert_memory_equal(m.value, "{\"a\":\"007\",\"b\":{\"c\":1.50}}", m.value_len);
	assert_int_equal(m.key_len, 4);
	assert_memory_equal(m.key, "1.50", 4);
	scanner_free(s);
	outgoing_free(g);
	fields_free(fields);
	text_block_free(&block);
}

static void messages_become_records_again(void **state)
{
	static const char *const site[] = {"h=1"};

	(void)state;
	assert_string_equal(record("{\"a\": 1 }", .key_text = NULL), "{\"a\": 1 }\n");
	assert_string_equal(record("{\"a\":1}", .key_text = "k\""),
			    "{\"a\":1,\"_kafka\":{\"key\":\"k\\\"\"}}\n");
	assert_string_equal(record("{ }", .key_text = "k"), "{ \"_kafka\":{\"key\":\"k\"}}\n");
	assert_string_equal(
		record("{\"a\":1}", .headers = site, .n_headers = 1),
		"{\"a\":1,\"_kafka\":{\"headers\":[{\"name\":\"h\",\"value\":\"1\"}]}}\n");
	assert_string_equal(record("{\"_kafka\":{\"key_base64\":\"/w==\"}}", .tombstones = true),
			    "{\"_kafka\":{\"key_base64\":\"/w==\"}}\n");
	assert_string_equal(record("{\"_kafka\":{}}", .tombstones = true), "{}\n");
	assert_string_equal(record("{\"a\":{\"b\":\"x\\n\"}}", .value = "a.b", .key_text = "k"),
			    "{\"a\":{\"b\":\"x\\n\"},\"_kafka\":{\"key\":\"k\"}}\n");
	assert_string_equal(record("{\"a\":1.50}", .value = "a"), "{\"a\":\"1.50\"}\n");
	assert_string_equal(record("{\"a\":null}", .value = "a", .tombstones = true),
			    "{\"a\":null}\n");
}

/* The same bytes as the first time. */
static void again_and_again(void **state)
{
	static const char *const in[] = {
		"{\"a\": "
		"[1,{\"b\":2}],\"_kafka\":{\"key\":\"\\u00e4\",\"headers\":[{\"name\":\"x\","
		"\"value\":null},{\"name\":\"x\",\"value_base64\":\"gA==\"}]}}\n",
		"{\"_kafka\":{\"key\":\"k\"}, \"a\":\"\\ud800\"}\n",
		"{}\n",
	};
	const struct outgoing_options o = {.tombstones = true};
	char first[400], text[400];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		*first = *text = '\0';
		text_append(first, sizeof(first), made(&o, in[i], false));
		text_append(text, sizeof(text), made(&o, in[i], true));
		assert_string_equal(made(&o, text, false), first);
		char once[400] = "";
		text_append(once, sizeof(once), text);
		assert_string_equal(made(&o, once, true), text);
	}
}

static int make_all(void *arg, struct error *err)
{
	static const char *const site[] = {"site=%{s}"};
	static const struct event_time time = {.path = "t"};
	struct outgoing_options o = {
		.key_fields = "s,t", .headers = site, .n_headers = 1, .value = "s", .time = &time};
	struct buf out = BUF_INIT;
	int ret;

	(void)arg;
	/* With the record again, which the test does not have to copy. */
	ret = make(
		&o,
		"{\"s\":\"\\u00e4\",\"t\":\"2024-01-01T00:00:00Z\",\"_kafka\":{\"key\":\"k\"}}\n",
		true, &out, err);
	buf_release(&out);
	return ret;
}

static void survives_any_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(make_all, NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(one_field),
		cmocka_unit_test(keys),
		cmocka_unit_test(headers),
		cmocka_unit_test(times),
		cmocka_unit_test(rows_of_csv),
		cmocka_unit_test(messages_become_records_again),
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(survives_any_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
