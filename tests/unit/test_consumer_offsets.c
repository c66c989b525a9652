/* Where partitions begin, and the command that keeps their offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/kafka/assignment.h"
#include "lib/kafka/offset_command.h"
#include "tests/unit/alloc_fail.h"

static const struct extent extent = {.low = 100, .high = 200, .timed = 150};

static int start_at(enum start_kind kind, int64_t n, int64_t stored, const char *state,
		    struct position *x, struct error *err)
{
	const struct start_offset from = {kind, n};

	*x = (struct position){.topic = (char *)(uintptr_t) "t",
			       .stored = stored,
			       .state = (char *)(uintptr_t)state};
	*err = (struct error)ERROR_INIT;
	return assignment_start(x, &extent, &from, err);
}

static void nothing_stored(void **state)
{
	static const struct {
		enum start_kind kind;
		int64_t n, start;
	} cases[] = {
		{START_BEGINNING, 0, 100},    {START_END, 0, 200},      {START_OFFSET, 100, 100},
		{START_OFFSET, 123, 123},     {START_OFFSET, 200, 200}, {START_LAST, 0, 200},
		{START_LAST, 1, 199},         {START_LAST, 100, 100},   {START_LAST, 101, 100},
		{START_LAST, INT64_MAX, 100}, {START_TIME, 7, 150}};
	struct position x;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(start_at(cases[i].kind, cases[i].n, OFFSET_NONE, NULL, &x, &err),
				 0);
		assert_int_equal(x.next, cases[i].start);
		assert_int_equal(x.processed, cases[i].start);
		assert_int_equal(x.told, cases[i].start);
		assert_int_equal(x.end, 200);
	}
	assert_int_equal(start_at(START_STORED, 0, OFFSET_NONE, NULL, &x, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	for (int64_t n = 99; n <= 201; n += 102) {
		assert_int_equal(start_at(START_OFFSET, n, OFFSET_NONE, NULL, &x, &err), -1);
		assert_int_equal(err.kind, ERROR_NO_INPUT);
		assert_non_null(strstr(err.what, "'--from-offset'"));
	}
}

static void added_to_its_topic(void **state)
{
	static const enum start_kind kinds[] = {START_BEGINNING, START_END, START_STORED};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct start_offset from = {kinds[i], 0};
		struct position x = {
			.topic = (char *)(uintptr_t) "t", .stored = OFFSET_NONE, .added = true};
		assert_int_equal(assignment_start(&x, &extent, &from, &err), 0);
		assert_int_equal(x.next, 100);
		assert_int_equal(x.processed, 100);
	}
}

static void stored(void **state)
{
	struct position x;
	struct error err;

	(void)state;
	for (int64_t n = 100; n <= 200; n += 50) {
		assert_int_equal(start_at(START_END, 0, n, NULL, &x, &err), 0);
		assert_int_equal(x.next, n);
		assert_int_equal(x.processed, n);
	}
	assert_int_equal(start_at(START_STORED, 0, 150, "{\"replay_from\":120}", &x, &err), 0);
	assert_int_equal(x.next, 120);
	assert_int_equal(x.processed, 150);
	/* Its state needs nothing that is behind. */
	assert_int_equal(start_at(START_END, 0, 150, "{\"replay_from\":160}", &x, &err), 0);
	assert_int_equal(x.next, 150);
	assert_int_equal(start_at(START_END, 0, 150, "{\"watermark\":\"\"}", &x, &err), 0);
	assert_int_equal(x.next, 150);
}

static void stored_is_gone(void **state)
{
	struct position x;
	struct error err;

	(void)state;
	assert_int_equal(start_at(START_BEGINNING, 0, 99, NULL, &x, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_non_null(strstr(err.what, "topic 't', partition 0: cannot read on at offset 99 of "
					 "100 to 200: offsets from 99 to 99 are gone"));
	assert_non_null(strstr(err.what, "--reset-offsets"));
	assert_int_equal(start_at(START_BEGINNING, 0, 201, NULL, &x, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_non_null(strstr(err.what, "offset 201 of 100 to 200: the topic was made anew"));
	/* The offset is there, what its state needs is not. */
	assert_int_equal(start_at(START_BEGINNING, 0, 150, "{\"replay_from\":90}", &x, &err), -1);
	assert_non_null(strstr(err.what, "offset 90 of 100 to 200: offsets from 90 to 99"));
}

static struct positions two(void)
{
	struct positions p = {.n = 0};
	struct error err = ERROR_INIT;

	assert_int_equal(positions_add(&p, "a", 0, &err), 0);
	assert_int_equal(positions_add(&p, "a", 3, &err), 0);
	return p;
}

static void question(void **state)
{
	struct positions p = two();
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(offset_question(&b, "claim", "a \"group\"", &p, &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(
		b.data, "{\"operation\":\"claim\",\"group\":\"a \\\"group\\\"\",\"partitions\":["
			"{\"topic\":\"a\",\"partition\":0},{\"topic\":\"a\",\"partition\":3}]}\n");
	buf_release(&b);
	positions_release(&p);
}

#define OF(p, rest) "{\"topic\":\"a\",\"partition\":" #p "," rest "}"
#define NOTHING "\"offset\":null,\"epoch\":null,\"state\":null"
#define ANSWER(list) "{\"partitions\":[" list "]}"

static void answer(void **state)
{
	static const char text[] =
		ANSWER("{\"x\":[1],\"state\":{ \"replay_from\":1,\"y\":1.50},\"epoch\":9,"
		       "\"offset\":41,\"topic\":\"\\u0061\",\"partition\":3}," OF(0, NOTHING)) "\n";
	struct positions p = two();
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(offset_answer(&p, text, sizeof(text) - 1, &err), 0);
	assert_int_equal(p.items[0].stored, OFFSET_NONE);
	assert_int_equal(p.items[0].epoch, CONTROL_NO_EPOCH);
	assert_null(p.items[0].state);
	assert_int_equal(p.items[1].stored, 41);
	assert_int_equal(p.items[1].epoch, 9);
	assert_string_equal(p.items[1].state, "{ \"replay_from\":1,\"y\":1.50}");
	/* Without its newline, and into what has been filled before. */
	assert_int_equal(offset_answer(&p, text, sizeof(text) - 2, &err), 0);
	positions_release(&p);
}

static void wrong_answers(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "it is empty"},
		{"\n", "it is empty"},
		{"no", "its answer is wrong"},
		{"{}", "there is no array 'partitions'"},
		{"{\"partitions\":{}}", "there is no array 'partitions'"},
		{ANSWER("1"), "a partition is no object"},
		{ANSWER(""), "partition 0 of topic 'a' is missing"},
		{ANSWER(OF(3, NOTHING)), "partition 0 of topic 'a' is missing"},
		{ANSWER(OF(0, NOTHING) "," OF(0, NOTHING)), "was there before"},
		{ANSWER(OF(1, NOTHING)), "partition 1 of topic 'a' was not asked for"},
		{ANSWER(OF(null, NOTHING)), "was not asked for"},
		{ANSWER(OF(4294967296, NOTHING)), "was not asked for"},
		{ANSWER(OF(0, "\"offset\":1,\"epoch\":1")), "a partition has no 'state'"},
		{ANSWER("{\"topic\":1,\"partition\":0," NOTHING "}"), "'topic' is no string"},
		{ANSWER("{\"topic\":\"\\ud800\",\"partition\":0," NOTHING "}"), "surrogate"},
		{ANSWER(OF(0, "\"offset\":-1,\"epoch\":1,\"state\":null")), "'offset' is neither"},
		{ANSWER(OF(0, "\"offset\":1.5,\"epoch\":1,\"state\":null")), "'offset' is neither"},
		{ANSWER(OF(0, "\"offset\":1,\"epoch\":\"1\",\"state\":null")),
		 "'epoch' is neither"},
		{ANSWER(OF(0, "\"offset\":1,\"epoch\":1,\"state\":[]")), "'state' is neither"},
		{ANSWER(OF(0, "\"offset\":1,\"epoch\":1,\"state\":{\"replay_from\":\"x\"}")),
		 "replay_from"},
		{ANSWER(OF(0, NOTHING) "," OF(3, NOTHING)) "\n{}", "more than one line"},
		{ANSWER(OF(0, NOTHING) "," OF(3, NOTHING)) "\nbye\n", "more than one line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct positions p = two();
		struct error err = ERROR_INIT;
		assert_int_equal(offset_answer(&p, cases[i].text, strlen(cases[i].text), &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (!strstr(err.what, cases[i].why))
			fail_msg("%s: %s", cases[i].text, err.what);
		positions_release(&p);
	}
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static bool always(void *context)
{
	(void)context;
	return true;
}

static int run(const char *command, int timeout_ms, bool (*stop)(void *), struct buf *out,
	       struct error *err)
{
	static char in[] = "{\"q\":1}\n";
	const struct buf question_text = {in, sizeof(in) - 1, sizeof(in)};
	const struct offset_command c = {command, timeout_ms, stop, NULL};

	*err = (struct error)ERROR_INIT;
	out->len = 0;
	return offset_command_run(&c, &question_text, out, err);
}

static void commands(void **state)
{
	struct buf out = BUF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(run("cat; echo more", 10000, never, &out, &err), 0);
	assert_int_equal(out.len, strlen("{\"q\":1}\nmore\n"));
	assert_memory_equal(out.data, "{\"q\":1}\nmore\n", out.len);
	assert_int_equal(run("exit 66", 10000, never, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_int_equal(run("exit 1", 10000, never, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(err.what, "it ended with status 1");
	assert_int_equal(run("no-such-command", 10000, never, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.what, "it could not be run (127)");
	assert_int_equal(run("kill -TERM $$", 10000, never, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(err.what, "it died of signal 15");
	assert_int_equal(run("exec cat /dev/zero", 100, never, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(err.what, "it had not ended after 0.1 s");
	assert_int_equal(run("exec tail -f /dev/null", 10000, always, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_NONE);
	buf_release(&out);
}

/* Whether all who have the other end of a pipe are gone, or will be in a moment. */
static bool all_gone(const int ends[2])
{
	struct pollfd others = {.fd = ends[0], .events = POLLIN};

	close(ends[1]);
	bool gone = poll(&others, 1, 10000) == 1;
	close(ends[0]);
	return gone;
}

static void commands_end_with_all_they_started(void **state)
{
	static char byte[1];
	struct buf out = BUF_INIT;
	struct error err;
	int ends[2], started[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(run("sleep 47 | cat; true", 100, never, &out, &err), -1);
	assert_true(all_gone(ends));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(run("sleep 47 | cat; true", 10000, always, &out, &err), -1);
	assert_true(all_gone(ends));

	/* The caller itself is killed. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(started), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char command[64];
		snprintf(command, sizeof(command), "echo >&%d; exec sleep 47", started[1]);
		run(command, 60000, never, &out, &err);
		_exit(0);
	}
	assert_int_equal(read(started[0], byte, 1), 1);
	close(started[0]);
	close(started[1]);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(all_gone(ends));
	buf_release(&out);
}

static int ask(void *arg, struct error *err)
{
	static const char text[] = ANSWER(OF(0, "\"offset\":1,\"epoch\":1,\"state\":{}"));
	struct positions p = {.n = 0};
	struct buf b = BUF_INIT;
	int ret = positions_add(&p, "a", 0, err) || offset_question(&b, "read", "g", &p, err) ||
				  offset_answer(&p, text, sizeof(text) - 1, err)
			  ? -1
			  : 0;

	(void)arg;
	buf_release(&b);
	positions_release(&p);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(ask, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_stored),
		cmocka_unit_test(added_to_its_topic),
		cmocka_unit_test(stored),
		cmocka_unit_test(stored_is_gone),
		cmocka_unit_test(question),
		cmocka_unit_test(answer),
		cmocka_unit_test(wrong_answers),
		cmocka_unit_test(commands),
		cmocka_unit_test(commands_end_with_all_they_started),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
