/* The store: names and types of tables, questions and answers, and batches in a SQLite database in
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/store/store.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

static void names_of_tables(void **state)
{
	static const char *const wrong[] = {"", ".", "a.", ".a", "a.b.c"};
	struct store_table t;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(store_table_init(&t, "a", &err), 0);
	assert_null(t.schema);
	assert_string_equal(t.name, "a");
	store_table_release(&t);
	assert_int_equal(store_table_init(&t, "s x.a", &err), 0);
	assert_string_equal(t.schema, "s x");
	assert_string_equal(t.name, "a");
	store_table_release(&t);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(store_table_init(&t, wrong[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

/* Learns a table of records, one a line. */
static int learn(struct store_table *t, const char *text, struct error *err)
{
	struct block b = text_block(text, strlen(text), NULL);
	struct scanner *s = scanner_new(NULL, err);
	struct record rec;
	int ret = s ? scanner_start(s, &b, err) : -1;

	while (!ret && scanner_next(s, &rec, err) > 0)
		ret = scanner_walk(s, &rec, store_table_learn, t, err);
	scanner_free(s);
	text_block_free(&b);
	return ret;
}

static void types_that_are_learned(void **state)
{
	static const struct {
		const char *values;
		enum store_type type;
	} cases[] = {
		{"1 2", STORE_INTEGER},
		{"1 2.0", STORE_REAL},
		{"1e3 1", STORE_REAL},
		{"1 -9223372036854775808", STORE_INTEGER},
		{"1 9223372036854775808", STORE_BIG},
		{"-12345678901234567890 1", STORE_BIG},
		{"12345678901234567890 1.5", STORE_REAL},
		{"12345678901234567890 \"a\"", STORE_TEXT},
		{"null 1", STORE_INTEGER},
		{"null null", STORE_OTHER},
		{"true false", STORE_BOOLEAN},
		{"true 1", STORE_TEXT},
		{"1 \"a\"", STORE_TEXT},
		{"\"a\" [1]", STORE_JSON},
		{"{} 1", STORE_JSON},
		{"\"2026-01-01T00:00:00Z\" null", STORE_TIME},
		{"\"2026-01-01T00:00:00Z\" \"soon\"", STORE_TEXT},
		{"\"\" \"\"", STORE_TEXT},
		{"\"2026-01-01\" null", STORE_TEXT},
	};
	struct error err = ERROR_INIT;
	char text[200], first[60];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct store_table t;
		const char *space = strchr(cases[i].values, ' ');
		snprintf(first, sizeof(first), "%.*s", (int)(space - cases[i].values),
			 cases[i].values);
		snprintf(text, sizeof(text),
			 "{\"a_at\":%s,\"_kafka\":{\"x\":1}}\n{\"a_at\":%s,\"b\":{\"c\":1}}\n",
			 first, space + 1);
		assert_int_equal(store_table_init(&t, "t", &err), 0);
		assert_int_equal(learn(&t, text, &err), 0);
		assert_int_equal(t.n, 2);
		assert_string_equal(t.columns[0].name, "a_at");
		if (t.columns[0].type != cases[i].type)
			fail_msg("%s: %d", cases[i].values, t.columns[0].type);
		assert_string_equal(t.columns[1].name, "b.c");
		store_table_release(&t);
	}
}

static void keys_and_paths(void **state)
{
	struct store_table t;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(store_table_init(&t, "t", &err), 0);
	assert_int_equal(learn(&t, "{\"a\":1,\"b\":{\"c\":2},\"d.e\":3}\n", &err), 0);
	assert_int_equal(store_table_keys(&t, "b.c,a,a", &err), 0);
	assert_int_equal(t.n_keys, 2);
	assert_true(t.columns[0].key && t.columns[1].key && !t.columns[2].key);
	assert_int_equal(store_table_keys(&t, "a,x", &err), -1);
	assert_string_equal(err.what, "table 't' has no column 'x'");
	assert_true(store_table_takes(&t, "a"));
	assert_true(store_table_takes(&t, "a.x.y"));
	assert_true(store_table_takes(&t, "b.c"));
	assert_true(store_table_takes(&t, "d\\.e"));
	assert_false(store_table_takes(&t, "b"));
	assert_false(store_table_takes(&t, "ab"));
	assert_false(store_table_takes(&t, "a\\.x"));
	store_table_release(&t);
}

static void passwords_in_urls(void **state)
{
	static const char *const with[] = {"postgresql://u:p@h/d", "postgres://:p@/",
					   "postgresql:///d?password=p",
					   "postgresql://h?a=b&password=p"},
				 *const without[] = {"postgresql://u@h:5432/d",
						     "postgresql://h:1/a:b@c",
						     "postgresql://u:@h/d", "sqlite:a:b@c",
						     "postgresql:///d?service=password"};

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++)
		if (!store_url_has_password(with[i]))
			fail_msg("%s", with[i]);
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (store_url_has_password(without[i]))
			fail_msg("%s", without[i]);
}

static int question_and_answer(void *arg, struct error *err)
{
	static const char question[] = "{\"operation\":\"claim\",\"group\":\"g\",\"partitions\":["
				       "{\"topic\":\"t\",\"partition\":10},"
				       "{\"topic\":\"t\",\"partition\":9,\"more\":1}]}\n";
	struct store_offsets o = {.n = 0};
	struct buf out = BUF_INIT;
	int ret;

	(void)arg;
	ret = store_question_read(&o, question, strlen(question), err) ||
			      store_answer_write(&o, &out, err)
		      ? -1
		      : 0;
	if (!ret) {
		assert_true(o.claim);
		assert_string_equal(o.group, "g");
		assert_int_equal(out.len,
				 strlen("{\"partitions\":["
					"{\"topic\":\"t\",\"partition\":9,\"offset\":null,"
					"\"epoch\":null,\"state\":null},"
					"{\"topic\":\"t\",\"partition\":10,\"offset\":null,"
					"\"epoch\":null,\"state\":null}]}\n"));
	}
	store_offsets_release(&o);
	buf_release(&out);
	return ret;
}

static void questions(void **state)
{
	static const struct {
		const char *text, *what;
	} wrong[] = {
		{"", "expected"},
		{"{", "expected"},
		{"{} {}", "end of file"},
		{"{\"operation\":\"Claim\"}", "'operation'"},
		{"{\"operation\":\"read\",\"group\":\"\"}", "'group'"},
		{"{\"operation\":\"read\",\"group\":\"g\",\"partitions\":{}}", "'partitions'"},
		{"{\"operation\":\"read\",\"group\":\"g\",\"partitions\":[1]}", "'topic'"},
		{"{\"operation\":\"read\",\"group\":\"g\",\"partitions\":[{\"topic\":\"t\","
		 "\"partition\":2147483648}]}",
		 "'partition'"},
		{"{\"operation\":\"read\",\"group\":\"g\",\"group\":\"h\",\"partitions\":[]}",
		 "duplicate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct store_offsets o = {.n = 0};
		struct error err = ERROR_INIT;
		assert_int_equal(
			store_question_read(&o, wrong[i].text, strlen(wrong[i].text), &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.what, wrong[i].what))
			fail_msg("%s: %s", wrong[i].text, err.what);
		store_offsets_release(&o);
	}
	assert_true(alloc_fail_each(question_and_answer, NULL) > 4);
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static void silent(void *context, const char *text)
{
	(void)context, (void)text;
}

static int keep_refused(void *context, const struct store_row *row, const struct error *why,
			struct error *err)
{
	struct buf *said = context;

	if (!row)
		return buf_add_str(said, "all\n", err);
	return buf_printf(said, err, "%llu: %s\n", (unsigned long long)row->line, why->what);
}

struct input {
	struct block block;
	struct fields *fields;
};

/* A batch of records into a table of a and b, a INTEGER UNIQUE. */
static int store_rows(void *arg, struct error *err)
{
	const struct input *in = arg;
	const struct store_options options = {
		.url = "sqlite::memory:", .timeout_ms = 100, .stop = never, .note = silent};
	struct scanner *scanner = NULL;
	struct store_batch batch = {.n = 0};
	struct store_table t = {.n = 0};
	struct buf said = BUF_INIT;
	struct store *s = store_open(&options, err);
	struct record rec;
	int ret = -1;

	if (!s || store_table_init(&t, "t", err) ||
	    store_run(s, "CREATE TABLE t (a INTEGER UNIQUE, b TEXT) STRICT", err) ||
	    store_describe(s, &t, err) < 0 || !(scanner = scanner_new(in->fields, err)) ||
	    scanner_start(scanner, &in->block, err))
		goto out;
	while ((ret = scanner_next(scanner, &rec, err)) > 0) {
		if (store_add(s, &t, rec.values, &batch, err)) {
			ret = -1;
			goto out;
		}
		batch.rows[batch.n - 1].line = rec.line;
	}
	if (ret || (ret = store_commit(s, &t, &batch, NULL, keep_refused, &said, err)))
		goto out;
	assert_int_equal(store_counts(s).rows, 2);
	assert_int_equal(store_counts(s).transactions, 1);
	assert_int_equal(batch.n, 0);
	static const char wanted[] = "2: UNIQUE constraint failed: t.a\n"
				     "4: cannot store TEXT value in INTEGER column t.a\n"
				     "all\n";
	assert_int_equal(said.len, strlen(wanted));
	assert_memory_equal(said.data, wanted, said.len);
out:
	store_close(s);
	store_table_release(&t);
	store_batch_release(&batch);
	buf_release(&said);
	scanner_free(scanner);
	return ret;
}

static void rows_that_are_refused(void **state)
{
	static const char text[] =
		"{\"a\":1,\"b\":\"x\\ty\"}\n{\"a\":1}\n{\"b\":null}\n{\"a\":\"q\"}\n";
	struct input in = {text_block(text, strlen(text), NULL), text_fields("a,b", NULL)};
	struct error err = ERROR_INIT;

	(void)state;
	if (store_rows(&in, &err))
		fail_msg("%s", err.what);
	assert_true(alloc_fail_each(store_rows, &in) > 10);
	fields_free(in.fields);
	text_block_free(&in.block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_tables), cmocka_unit_test(types_that_are_learned),
		cmocka_unit_test(keys_and_paths),  cmocka_unit_test(passwords_in_urls),
		cmocka_unit_test(questions),       cmocka_unit_test(rows_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
