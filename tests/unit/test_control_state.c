/* The states that stages put into marks and take out of assigns: what others have put there stays
 * byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/control_state.h"
#include "tests/unit/alloc_fail.h"

#define NO_STATE "" /* in the tables below */

static struct control_partition with_state(const char *state)
{
	struct control_partition p = {.topic = NULL};

	if (*state)
		p.state = strdup(state);
	return p;
}

static void what_is_put(void **state)
{
	static const struct {
		const char *before, *own;
		int64_t replay_from;
		const char *after;
	} cases[] = {
		{NO_STATE, "{}", -1, "{\"w\":{}}"},
		{NO_STATE, "{ \"a\" : 1.50 }", 7, "{\"replay_from\":7,\"w\":{ \"a\" : 1.50 }}"},
		{"{}", "{}", -1, "{\"w\":{}}"},
		{" { } ", "{}", 0, "{\"replay_from\":0,\"w\":{}}"},
		{"{\"replay_from\":3}", "{}", -1, "{\"replay_from\":3,\"w\":{}}"},
		{"{\"replay_from\":3}", "{}", 4, "{\"replay_from\":3,\"w\":{}}"},
		{"{\"replay_from\":3}", "{}", 2, "{\"replay_from\":2,\"w\":{}}"},
		{"{ \"x\" : [1.0, \"\\u00e4}\"], \"r\\u0065play_from\" : 9 , \"y\":{ }}", "{}", 8,
		 "{\"replay_from\":8,\"x\":[1.0, \"\\u00e4}\"],\"y\":{ },\"w\":{}}"},
		{"{\"w\":{\"a\":1}}", "{}", -1, "{\"w\":{\"a\":1},\"w.2\":{}}"},
		{"{\"w\":{},\"w.2\":{}}", "{}", -1, "{\"w\":{},\"w.2\":{},\"w.3\":{}}"},
		{"{\"w.7\":{}}", "{}", -1, "{\"w.7\":{},\"w.8\":{}}"},
		{"{\"\\u0077\":{}}", "{}", -1, "{\"\\u0077\":{},\"w.2\":{}}"},
		{"{\"w.\":1,\"w.1\":1,\"w.02\":1,\"w.x\":1,\"w2\":1,\"\\ud800\":1,\"v\":1}", "{}",
		 -1,
		 "{\"w.\":1,\"w.1\":1,\"w.02\":1,\"w.x\":1,\"w2\":1,\"\\ud800\":1,\"v\":1,\"w\":{}"
		 "}"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct control_partition p = with_state(cases[i].before);
		if (control_state_put(&p, "w", cases[i].own, cases[i].replay_from, &err))
			fail_msg("%s: %s", cases[i].before, err.what);
		assert_string_equal(p.state, cases[i].after);
		free(p.state);
	}
}

static void what_is_taken(void **state)
{
	static const struct {
		const char *before, *own, *after;
	} cases[] = {
		{NO_STATE, "", NO_STATE},
		{"{}", "", "{}"},
		{" { \"x\" : 1 } ", "", " { \"x\" : 1 } "},
		{"{\"replay_from\":7,\"w\":{ \"a\" : 1.50 }}", "{ \"a\" : 1.50 }",
		 "{\"replay_from\":7}"},
		{"{ \"w\":{},\"replay_from\" : 7, \"x\" : [1.0,2] }", "{}",
		 "{\"replay_from\":7,\"x\":[1.0,2]}"},
		{"{\"w\":{\"a\":1},\"w.2\":{\"a\":2}}", "{\"a\":1}", "{\"w.2\":{\"a\":2}}"},
		{"{\"x\":1,\"w.2\":{\"a\":2}}", "{\"a\":2}", "{\"x\":1}"},
		{"{\"\\u0077\":{\"w\":{}}}", "{\"w\":{}}", "{}"},
		{"{\"w.1\":{},\"ww\":{}}", "", "{\"w.1\":{},\"ww\":{}}"},
	};
	struct error err = ERROR_INIT;
	struct buf own = BUF_INIT;

	(void)state;
	assert_int_equal(buf_add_str(&own, "former", &err), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct control_partition p = with_state(cases[i].before);
		if (control_state_take(&p, "w", &own, &err))
			fail_msg("%s: %s", cases[i].before, err.what);
		assert_int_equal(own.len, strlen(cases[i].own));
		assert_memory_equal(own.data, cases[i].own, own.len);
		if (*cases[i].after)
			assert_string_equal(p.state, cases[i].after);
		else
			assert_null(p.state);
		free(p.state);
	}
	buf_release(&own);
}

/* Three stages put in their order, and take in the same. */
static void stages_of_one_name(void **state)
{
	struct control_partition p = {.topic = NULL};
	struct error err = ERROR_INIT;
	struct buf own = BUF_INIT;

	(void)state;
	assert_int_equal(control_state_put(&p, "window-agg", "{\"n\":1}", 30, &err), 0);
	assert_int_equal(control_state_put(&p, "anomaly-score", "{\"n\":2}", 20, &err), 0);
	assert_int_equal(control_state_put(&p, "window-agg", "{\"n\":3}", 40, &err), 0);
	assert_string_equal(p.state,
			    "{\"replay_from\":20,\"window-agg\":{\"n\":1},\"anomaly-score\":{"
			    "\"n\":2},\"window-agg.2\":{\"n\":3}}");
	assert_int_equal(control_state_take(&p, "window-agg", &own, &err), 0);
	assert_memory_equal(own.data, "{\"n\":1}", own.len);
	assert_int_equal(control_state_take(&p, "anomaly-score", &own, &err), 0);
	assert_memory_equal(own.data, "{\"n\":2}", own.len);
	assert_int_equal(control_state_take(&p, "window-agg", &own, &err), 0);
	assert_memory_equal(own.data, "{\"n\":3}", own.len);
	assert_string_equal(p.state, "{\"replay_from\":20}");
	free(p.state);
	buf_release(&own);
}

static void refused(void **state)
{
	static const struct {
		const char *before, *own;
	} put[] = {{"[]", "{}"},    {"{", "{}"},    {"{\"replay_from\":-1}", "{}"},
		   {"{}", "[]"},    {"{}", "{}{}"}, {"{}", "{\n}"},
		   {"{}", "null"},  {"{}", ""},     {"{}", "{"},
		   {"{}", "{\xff}"}};
	static const char *const take[] = {"[]", "{", "{\"w\":1}", "{\"w\":null}", "{\"w.2\":[]}"};
	struct error err;
	struct buf own = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(put) / sizeof(*put); i++) {
		struct control_partition p = with_state(put[i].before);
		err = (struct error)ERROR_INIT;
		assert_int_equal(control_state_put(&p, "w", put[i].own, 1, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_string_equal(p.state, put[i].before);
		free(p.state);
	}
	for (size_t i = 0; i < sizeof(take) / sizeof(*take); i++) {
		struct control_partition p = with_state(take[i]);
		err = (struct error)ERROR_INIT;
		assert_int_equal(control_state_take(&p, "w", &own, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.what, "state"));
		assert_string_equal(p.state, take[i]);
		free(p.state);
	}
	buf_release(&own);
}

/* What passes here can be read where it will stand. */
static void as_deep_as_a_mark_allows(void **state)
{
	struct error err = ERROR_INIT;
	char text[2 * 64 + 16];
	int64_t offset;

	(void)state;
	for (size_t depth = 57; depth <= 60; depth++) {
		struct control_partition p = {.topic = NULL};
		memcpy(text, "{\"a\":", 5);
		memset(text + 5, '[', depth - 1);
		memset(text + 5 + depth - 1, ']', depth - 1);
		memcpy(text + 5 + 2 * (depth - 1), "}", 2);
		bool fits = !control_state_put(&p, "w", text, 1, &err);
		assert_int_equal(fits, depth <= 59);
		if (fits)
			assert_int_equal(control_state_replay_from(p.state, &offset, &err), 0);
		free(p.state);
	}
}

static int put_and_take(void *arg, struct error *err)
{
	struct control_partition p = {.topic = NULL};
	struct buf own = BUF_INIT;
	int ret = -1;

	(void)arg;
	if ((p.state = mem_strndup("{\"w\":{},\"replay_from\":3}", 24, err)) &&
	    !control_state_put(&p, "w", "{\"a\":1}", 2, err) &&
	    !control_state_take(&p, "w", &own, err))
		ret = 0;
	free(p.state);
	buf_release(&own);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(put_and_take, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put),
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(stages_of_one_name),
		cmocka_unit_test(refused),
		cmocka_unit_test(as_deep_as_a_mark_allows),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
