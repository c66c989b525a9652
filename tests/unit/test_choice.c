/* The features of a stream, chosen at its first record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/record/choice.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

/* The names chosen of a record, with commas. */
static const char *chosen(const char *patterns, const char *time_field, const char *line)
{
	static char text[1024];
	struct error err = ERROR_INIT;
	struct choice c = {0};
	struct scanner *s = scanner_new(NULL, &err);
	struct block b = text_block(line, strlen(line), NULL);
	struct record rec;

	assert_int_equal(feature_rule_init(&c.rule, patterns, time_field, NULL, &err), 0);
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(scanner_walk(s, &rec, choice_leaf, &c, &err), 0);
	assert_int_equal(choice_finish(&c, &err), 0);
	text[0] = '\0';
	for (size_t i = 0; i < c.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "," : "",
			 c.names[i]);
	choice_release(&c);
	feature_rule_release(&c.rule);
	scanner_free(s);
	text_block_free(&b);
	return text;
}

static void numbers_and_what_is_missing(void **state)
{
	static const char line[] = "{\"timestamp\":1,\"x\":1,\"s\":\"1\",\"b\":true,\"n\":null,"
				   "\"a\":[1],\"o\":{\"y\":2.5,"
				   "\"id\":3,\"_z\":4},\"label\":0,\"unit_id\":5,\"made_at\":6,"
				   "\"is_anomaly\":7,\"e\":{},"
				   "\"x\":8,\"p.q\":1e999}";

	(void)state;
	assert_string_equal(chosen(NULL, "timestamp", line), "x,n,o.y,p\\.q");
	assert_string_equal(chosen(NULL, "x", line), "timestamp,n,o.y,p\\.q");
	assert_string_equal(chosen("o.*,label", "timestamp", line), "o.y,o.id,o._z,label");
	assert_string_equal(chosen("*", "timestamp", line),
			    "timestamp,x,n,label,unit_id,made_at,is_anomaly,p\\.q");
	assert_string_equal(chosen("p\\.q,p.q", NULL, line), "p\\.q,p.q");
	assert_string_equal(chosen("z*", NULL, line), "");
	assert_string_equal(chosen(NULL, NULL, "{}"), "");
	assert_string_equal(chosen(NULL, NULL, "{\"\":1,\"a\\u0000\":2,\"b\":3}"), "b");
}

static void plain_names_are_features_all_the_same(void **state)
{
	(void)state;
	assert_string_equal(chosen("b,a,c.*", NULL, "{\"a\":1,\"c\":{\"d\":2}}"), "a,c.d,b");
	assert_string_equal(chosen("s,b,b", NULL, "{\"s\":\"x\"}"), "s,b");
}

static int choose(void *arg, struct error *err)
{
	struct value v = {.kind = VALUE_NUMBER};
	struct choice c = {0};
	int ret = feature_rule_init(&c.rule, arg, NULL, NULL, err) ||
				  choice_leaf(&c, "a", &v, err) || choice_leaf(&c, "c1", &v, err) ||
				  choice_finish(&c, err)
			  ? -1
			  : 0;

	choice_release(&c);
	feature_rule_release(&c.rule);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(choose, "a,b,c*") > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_what_is_missing),
		cmocka_unit_test(plain_names_are_features_all_the_same),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
