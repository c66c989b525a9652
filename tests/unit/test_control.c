/* Control records: numbered without gaps, by session, and an end that was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/record/control.h"
#include "tests/unit/alloc_fail.h"

static int next(struct control_check *c, enum control_kind kind, uint64_t seq, const char *session,
		struct error *err)
{
	return control_check_next(c, kind, seq, session, session ? strlen(session) : 0, err);
}

static void a_stream_without_any_ends_well(void **state)
{
	struct control_check c = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(control_check_end(&c, false, &err), 0);
	assert_int_equal(control_check_end(&c, true, &err), 0);
	control_check_release(&c);
}

static void numbered_without_gaps(void **state)
{
	struct control_check c = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(next(&c, CONTROL_ASSIGN, 0, "\"s\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_MARK, 1, "\"s\"", &err), 0);
	assert_int_equal(control_check_end(&c, false, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_int_equal(next(&c, CONTROL_MARK, 3, "\"s\"", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.what, "3 came where 2 was due"));
	assert_int_equal(next(&c, CONTROL_MARK, 1, "\"s\"", &err), -1);
	assert_non_null(strstr(err.what, "drops or repeats"));
	assert_int_equal(next(&c, CONTROL_MARK, 2, "\"s\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_END, 3, "\"s\"", &err), 0);
	assert_int_equal(control_check_end(&c, false, &err), 0);
	assert_int_equal(control_check_end(&c, true, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.what, "torn"));
	control_check_release(&c);
}

static void a_session_begins_at_0(void **state)
{
	struct control_check c = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(next(&c, CONTROL_MARK, 1, "\"s\"", &err), -1);
	control_check_release(&c);
	c = (struct control_check){0};
	assert_int_equal(next(&c, CONTROL_MARK, 0, "\"s\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_END, 1, "\"s\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_MARK, 0, "\"t\"", &err), 0);
	assert_int_equal(control_check_end(&c, false, &err), -1); /* the second has no end */
	assert_int_equal(next(&c, CONTROL_END, 1, "\"t\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_MARK, 1, "\"t", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	control_check_release(&c);
	c = (struct control_check){0};
	assert_int_equal(next(&c, CONTROL_MARK, 0, NULL, &err), 0);
	assert_int_equal(next(&c, CONTROL_END, 1, NULL, &err), 0);
	assert_int_equal(control_check_end(&c, false, &err), 0);
	control_check_release(&c);
}

static void a_session_follows_only_one_that_ended(void **state)
{
	struct control_check c = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(next(&c, CONTROL_ASSIGN, 0, "\"s\"", &err), 0);
	assert_int_equal(next(&c, CONTROL_ASSIGN, 0, "\"t\"", &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.what, "another took its place"));
	control_check_release(&c);
}

static int check_two(void *arg, struct error *err)
{
	struct control_check c = {0};
	int ret = next(&c, CONTROL_MARK, 0, "\"s\"", err) || next(&c, CONTROL_MARK, 1, "\"s\"", err)
			  ? -1
			  : 0;

	(void)arg;
	control_check_release(&c);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_int_equal(alloc_fail_each(check_two, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_without_any_ends_well),
		cmocka_unit_test(numbered_without_gaps),
		cmocka_unit_test(a_session_begins_at_0),
		cmocka_unit_test(a_session_follows_only_one_that_ended),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
