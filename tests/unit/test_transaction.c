/* What a sink does with its transaction: each state at each thing that comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/kafka/transaction.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

#define S INT64_C(1000000000)

/*
 * Runs steps with blanks between them, and compares what is to be done at each.
 *
 *     p        a record without provenance       r0 r1   one of partition 0, 1
 *     a0 a1    assign                            m z h   mark; one of [1, 1); one without ranges
 *     m1 z1    the same and another range, of partition 1
 *     x0 x01   reset of partition 0; of both     e       end
 *     !        the commit just ordered is fenced .       no more input
 *     tN       N seconds later, asked for the time
 *
 *     - nothing  B begin  S send  D drop  C commit  BC begin, commit  A abort  F75 F78 fail
 */
struct run {
	struct transaction t;
	int64_t now_ns;
	struct error err;
};

static const char *name_action(struct run *r, enum transaction_action a)
{
	static const char *const names[] = {
		[TRANSACTION_NOTHING] = "-", [TRANSACTION_BEGIN] = "B",
		[TRANSACTION_SEND] = "S",    [TRANSACTION_DROP] = "D",
		[TRANSACTION_COMMIT] = "C",  [TRANSACTION_BEGIN_COMMIT] = "BC",
		[TRANSACTION_ABORT] = "A",
	};

	if (a == TRANSACTION_FAIL)
		return r->err.kind == ERROR_RETRY ? "F75" : "F78";
	if (a == TRANSACTION_ABORT)
		transaction_aborted(&r->t, r->now_ns);
	return names[a];
}

static enum transaction_action control(struct run *r, const char *step)
{
	struct control_record c = CONTROL_RECORD_INIT;
	enum transaction_action a;

	c.kind = *step == 'a'   ? CONTROL_ASSIGN
		 : *step == 'x' ? CONTROL_RESET
		 : *step == 'e' ? CONTROL_END
				: CONTROL_MARK;
	for (const char *p = step + 1; *p && *p != ' '; p++)
		assert_non_null(
			control_record_add(&c, "t", *p - '0', *step == 'z', 1, NULL, &r->err));
	if (*step == 'm' || *step == 'z')
		assert_non_null(control_record_add(&c, "t", 0, *step == 'z', 1, NULL, &r->err));
	a = transaction_control(&r->t, &c, r->now_ns, &r->err);
	control_record_release(&c);
	return a;
}

static enum transaction_action take(struct run *r, const char *step)
{
	struct transaction_source from = {.provenance = *step == 'r'};

	switch (*step) {
	case 'r':
		from.topic = "t";
		from.topic_len = 1;
		from.partition = step[1] - '0';
		return transaction_record(&r->t, &from, r->now_ns, &r->err);
	case 'p':
		return transaction_record(&r->t, &from, r->now_ns, &r->err);
	case '.':
		return transaction_end(&r->t, &r->err);
	case 't':
		r->now_ns += (step[1] - '0') * S;
		return transaction_time(&r->t, r->now_ns, &r->err);
	default:
		return control(r, step);
	}
}

static void check_place(const char *steps, const char *expected, const char *file, int line)
{
	struct run r = {.t = {.interval_ns = S}, .err = ERROR_INIT};
	char got[400] = "";

	for (const char *step = steps; step; step = strchr(step, ' ')) {
		step += *step == ' ';
		enum transaction_action a = take(&r, step);
		text_append(got, sizeof(got), *got ? " " : "");
		text_append(got, sizeof(got), name_action(&r, a));
		if (a != TRANSACTION_COMMIT && a != TRANSACTION_BEGIN_COMMIT)
			continue;
		const char *next = strchr(step, ' ');
		if (next && next[1] == '!') {
			transaction_fenced(&r.t, r.now_ns);
			step = next + 1;
		} else {
			transaction_committed(&r.t, r.now_ns);
		}
	}
	transaction_release(&r.t);
	_assert_string_equal(got, expected, file, line);
}

#define check(steps, expected) check_place(steps, expected, __FILE__, __LINE__)

static void records_are_committed_at_marks(void **state)
{
	(void)state;
	check("a0 a1 r0 r1 r0 m e .", "- - B S S C - -");
	check("a0 r0 m r0 r0 m e .", "- B C B S C - -");
	/* The mark behind an assignment has nothing before it, and is committed at once. */
	check("a0 m r0 m e", "- BC B C -");
	/* What a filter made of nothing but time. */
	check("a0 z p z e", "- BC B C -");
	check("a0 z z t9 z e .", "- BC - - - - -");
	/* A heartbeat of two; each assignment is told anew. */
	check("a0 a1 z z1 z z1 a0 z", "- - BC BC - - - BC");
	/* What no partition fences is not committed. */
	check("a0 z h t9 h e .", "- BC - - - - -");
	check("a0 z p h", "- BC B F78");
}

static void plain_input_is_committed_now_and_then(void **state)
{
	(void)state;
	check(".", "-");
	check("p p .", "B S C");
	check("p t0 p t1 t9 p .", "B - S C - B C");
	check("t9 p t0 t1 .", "- B - C -");
}

static void the_end_must_be_behind_a_mark(void **state)
{
	(void)state;
	check("a0 r0 e", "- B F75");
	check("a0 r0 m r0 e", "- B C B F75");
	check("a0 r0 .", "- B F75");
	check("a0 r0 m .", "- B C -"); /* that 'end' lacks is told by control_check_end */
	check("p a0 p .", "B - S F75");
}

static void a_fenced_commit_waits_for_reset(void **state)
{
	(void)state;
	check("a0 r0 m ! r0 m h x0 a0 r0 m e .", "- B C D - - - - B C - -");
	check("a0 r0 m ! t9 t0 t1", "- B C - - F75");
	check("a0 r0 m ! t9 x0 t9 t9", "- B C - - - -");
	check("a0 r0 m ! e", "- B C F75");
	check("a0 r0 m ! .", "- B C F75");
	/* A consumer that finds all committed may be gone before its first mark is. */
	check("a0 z ! z e .", "- BC - - -");
	check("a0 z ! .", "- BC -");
	check("a0 z ! t9 t1", "- BC - -");
	/* Or go on as another member: nothing is void. */
	check("a0 z ! a0 z r0 m e", "- BC - BC B C -");
	/* What it read as the former one is fenced by its own mark. */
	check("a0 z ! r0 e", "- BC B F75");
	check("a0 z ! r0 m ! e", "- BC B C F75");
	check("a0 z ! m ! e", "- BC BC F75");
	check("a0 r0 z ! e", "- B C F75");
	check("a0 p z ! e", "- B C F75");
	check("a0 z ! r0 m ! x0 a0 z e", "- BC B C - - BC -");
	/* Nothing was produced, and a reset is due all the same. */
	check("a0 m ! r0 x0 r0 m e", "- BC D - B C -");
	/* All partitions that were aborted, in one or in several. */
	check("a0 a1 r0 r1 m ! x0 r0 x1 r0 m", "- - B S C - D - B C");
	check("a0 a1 r0 r1 m ! x01 r0", "- - B S C - B");
	check("a0 a1 r0 m ! x0 r1", "- - B C - B");
	/* What was committed before is not aborted. */
	check("a0 a1 r1 m r0 m ! x0 r0", "- - B C B C - B");
}

static void a_reset_voids_what_came_since_the_mark(void **state)
{
	(void)state;
	check("a0 r0 x0 a0 r0 m e", "- B A - B C -");
	check("a0 r0 m x0 a0 r0 m", "- B C - - B C");
	check("x0", "-");
	/* It must cover all that was produced. */
	check("a0 a1 r0 r1 x0", "- - B S F75");
	check("a0 a1 r0 x0 r0", "- - B A B");
	check("a0 a1 r1 m r0 x0", "- - B C B A");
	/* A record without provenance may be of any partition that is assigned. */
	check("a0 a1 p x0", "- - B F75");
	check("a0 a1 p x01", "- - B A");
	check("a0 a1 x1 p x0", "- - - B A");
	/* A new assignment takes the place of the one before. */
	check("a0 a1 m a0 p x0", "- - BC - B A");
	check("a0 a1 m h a0 p x0", "- - BC - - B A");
	check("a0 p m ! x0 p", "- B C - B");
	check("a0 a1 p m ! x0 p x1 p", "- - B C - D - B");
}

static void provenance_without_control_records_is_a_wrong_pipeline(void **state)
{
	(void)state;
	check("r0 r0 .", "B S F78");
	check("r0 t9 r0 t1", "B - S F78");
	check("r0 t9 a0 t9 t9 r0 m e", "B - - - - S C -");
	/* No commit by time any more; the ten seconds begin with the first that has it. */
	check("p t0 r0 t9 t0 t1", "B - S - - F78");
	check("p t1 r0 t9 t1", "B C B - F78");
}

static void says_how_long_it_waits(void **state)
{
	struct transaction t = {.interval_ns = 2 * S};
	struct transaction_source plain = {.topic = NULL}, kafka = {.provenance = true};
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(transaction_wait_ns(&t, 5 * S) == INT64_MAX);
	transaction_record(&t, &plain, 5 * S, &err);
	assert_int_equal(transaction_wait_ns(&t, 6 * S), S);
	assert_int_equal(transaction_wait_ns(&t, 8 * S), 0);
	transaction_record(&t, &kafka, 6 * S, &err);
	assert_int_equal(transaction_wait_ns(&t, 7 * S), TRANSACTION_PATIENCE_NS - S);
	transaction_fenced(&t, 9 * S);
	t.controls = true;
	assert_int_equal(transaction_wait_ns(&t, 9 * S), TRANSACTION_PATIENCE_NS);
	transaction_committed(&t, 9 * S);
	assert_true(transaction_wait_ns(&t, 9 * S) == INT64_MAX);
	transaction_release(&t);
}

static int names_the_partition_left_out(void *arg, struct error *err)
{
	struct transaction t = {.interval_ns = S};
	struct transaction_source from = {
		.provenance = true, .topic = "raw-2", .topic_len = 3, .partition = 7};
	struct control_record c = {.kind = CONTROL_RESET};
	int ret = -1;

	(void)arg;
	if (transaction_record(&t, &from, 0, err) == TRANSACTION_BEGIN &&
	    control_record_add(&c, "raw", 6, 0, 0, NULL, err) &&
	    transaction_control(&t, &c, 0, err) == TRANSACTION_FAIL && err->kind == ERROR_RETRY) {
		assert_non_null(strstr(err->what, "partition 7 of 'raw'"));
		ret = 0;
	}
	control_record_release(&c);
	transaction_release(&t);
	return ret;
}

static void survives_any_failed_allocation(void **state)
{
	(void)state;
	alloc_fail_each(names_the_partition_left_out, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_committed_at_marks),
		cmocka_unit_test(plain_input_is_committed_now_and_then),
		cmocka_unit_test(the_end_must_be_behind_a_mark),
		cmocka_unit_test(a_fenced_commit_waits_for_reset),
		cmocka_unit_test(a_reset_voids_what_came_since_the_mark),
		cmocka_unit_test(provenance_without_control_records_is_a_wrong_pipeline),
		cmocka_unit_test(says_how_long_it_waits),
		cmocka_unit_test(survives_any_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
