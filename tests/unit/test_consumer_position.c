/* Where a consumer stands, and when a mark is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/kafka/mark_pace.h"
#include "lib/kafka/position.h"
#include "tests/unit/alloc_fail.h"

static struct positions three(void)
{
	struct positions p = {.n = 0};
	struct error err = ERROR_INIT;

	assert_int_equal(positions_add(&p, "b", 0, &err), 0);
	assert_int_equal(positions_add(&p, "a", 10, &err), 0);
	assert_int_equal(positions_add(&p, "a", 9, &err), 0);
	return p;
}

static void order(void **state)
{
	struct positions p = three();

	(void)state;
	assert_int_equal(p.n, 3);
	assert_string_equal(p.items[0].topic, "a");
	assert_int_equal(p.items[0].partition, 9);
	assert_int_equal(p.items[1].partition, 10);
	assert_string_equal(p.items[2].topic, "b");
	assert_ptr_equal(positions_find(&p, "a", 10), &p.items[1]);
	assert_ptr_equal(positions_find(&p, "b", 0), &p.items[2]);
	assert_null(positions_find(&p, "a", 0));
	assert_null(positions_find(&p, "b", 1));
	assert_null(positions_find(&p, "", 0));
	assert_int_equal(p.items[0].stored, OFFSET_NONE);
	assert_int_equal(p.items[0].epoch, CONTROL_NO_EPOCH);
	positions_clear(&p);
	assert_null(positions_find(&p, "a", 10));
	positions_release(&p);
}

static void offsets(void **state)
{
	struct position x = {.topic = (char[]){"t"}};
	struct error err = ERROR_INIT;

	(void)state;
	position_start(&x, 10, 10, 20);
	assert_int_equal(position_passed(&x), 10);
	assert_int_equal(position_received(&x, 10, &err), 0);
	assert_true(x.received);
	assert_int_equal(position_passed(&x), 11);
	assert_int_equal(position_received(&x, 15, &err), 0); /* compaction leaves gaps */
	assert_int_equal(position_passed(&x), 16);
	position_reached(&x, 12);
	assert_int_equal(position_passed(&x), 16);
	position_reached(&x, 18);
	assert_int_equal(position_passed(&x), 18);
	assert_int_equal(position_received(&x, 17, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(err.what, "topic 't', partition 0: offset 17 came again, behind 17");
	assert_int_equal(position_passed(&x), 18);
	position_start(&x, 3, 3, 3);
	assert_false(x.received);
}

/* A replay ends at `processed`, which may be reached without a record. */
static void replay_ends(void **state)
{
	struct positions p = three();
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < p.n; i++)
		position_start(&p.items[i], 5, i ? 5 + (int64_t)i : 5, 20);
	assert_false(position_replays(&p.items[0]));
	assert_true(position_replays(&p.items[1]));
	assert_true(positions_replay(&p));
	assert_int_equal(position_received(&p.items[1], 5, &err), 0);
	assert_false(position_replays(&p.items[1]));
	assert_true(positions_replay(&p));
	position_reached(&p.items[2], 6);
	assert_true(positions_replay(&p));
	position_reached(&p.items[2], 9);
	assert_false(positions_replay(&p));
	positions_release(&p);
	assert_false(positions_replay(&p));
}

/* Marks tell nothing of replayed records: a store has an offset behind them already. */
static void replay(void **state)
{
	struct positions p = {.n = 0};
	struct error err = ERROR_INIT;
	struct control_record mark = CONTROL_RECORD_INIT;

	(void)state;
	assert_int_equal(positions_add(&p, "t", 0, &err), 0);
	position_start(&p.items[0], 5, 8, 20);
	assert_int_equal(position_passed(&p.items[0]), 8);
	assert_int_equal(position_received(&p.items[0], 5, &err), 0);
	assert_int_equal(position_received(&p.items[0], 7, &err), 0);
	assert_false(positions_moved(&p));
	assert_int_equal(position_received(&p.items[0], 8, &err), 0);
	assert_true(positions_moved(&p));
	assert_int_equal(positions_tell(&p, false, &mark, &err), 0);
	assert_int_equal(mark.n, 1);
	assert_int_equal(mark.partitions[0].from, 8);
	assert_int_equal(mark.partitions[0].to, 9);
	control_record_release(&mark);
	positions_release(&p);
}

static void telling(void **state)
{
	struct positions p = three();
	struct error err = ERROR_INIT;
	struct control_record mark = CONTROL_RECORD_INIT;

	(void)state;
	for (size_t i = 0; i < p.n; i++)
		position_start(&p.items[i], (int64_t)i, (int64_t)i, 100);
	assert_int_equal(positions_tell(&p, true, &mark, &err), 0);
	assert_int_equal(mark.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(mark.partitions[i].topic, p.items[i].topic);
		assert_int_equal(mark.partitions[i].partition, p.items[i].partition);
		assert_int_equal(mark.partitions[i].from, i);
		assert_int_equal(mark.partitions[i].to, i);
	}
	control_record_release(&mark);
	assert_false(positions_moved(&p));
	position_reached(&p.items[1], 50);
	assert_true(positions_moved(&p));
	mark = (struct control_record)CONTROL_RECORD_INIT;
	assert_int_equal(positions_tell(&p, false, &mark, &err), 0);
	assert_int_equal(mark.n, 1);
	assert_int_equal(mark.partitions[0].partition, 10);
	assert_int_equal(mark.partitions[0].from, 1);
	assert_int_equal(mark.partitions[0].to, 50);
	assert_false(positions_moved(&p));
	control_record_release(&mark);
	positions_release(&p);
}

static void behind(void **state)
{
	struct positions p = three();
	struct error err = ERROR_INIT;
	struct control_record mark = CONTROL_RECORD_INIT;

	(void)state;
	for (size_t i = 0; i < p.n; i++)
		position_start(&p.items[i], 0, 0, 0);
	position_reached(&p.items[0], 7);
	/* Partitions of which nothing is stored must get their start. */
	assert_int_equal(positions_behind(&p, (int64_t[]){-1, -1, -1}), 3);
	assert_int_equal(positions_behind(&p, (int64_t[]){0, 0, 0}), 0);
	assert_int_equal(positions_tell(&p, false, &mark, &err), 0);
	assert_int_equal(positions_behind(&p, (int64_t[]){0, 0, 0}), 1);
	assert_int_equal(positions_behind(&p, (int64_t[]){6, 0, 0}), 1);
	assert_int_equal(positions_behind(&p, (int64_t[]){7, 0, 0}), 0);
	assert_int_equal(positions_behind(&p, (int64_t[]){8, 1, 1}), 0);
	control_record_release(&mark);
	positions_release(&p);
}

static void ends(void **state)
{
	struct positions p = {.n = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(positions_at_end(&p));
	p = three();
	for (size_t i = 0; i < p.n; i++)
		position_start(&p.items[i], 5, 5, i ? 5 : 7);
	assert_false(positions_at_end(&p));
	assert_int_equal(position_received(&p.items[0], 5, &err), 0);
	assert_false(positions_at_end(&p));
	assert_int_equal(position_received(&p.items[0], 6, &err), 0);
	assert_true(positions_at_end(&p));
	position_start(&p.items[0], 5, 5, 7);
	p.items[0].at_end = true; /* seen, before the offsets that no message has */
	assert_true(positions_at_end(&p));
	positions_release(&p);
}

static void pace(void **state)
{
	struct mark_pace m = {.interval_ns = 100, .last_ns = 0};

	(void)state;
	assert_false(mark_pace_due(&m, 99, true));
	assert_true(mark_pace_due(&m, 100, true));
	assert_int_equal(mark_pace_wait_ns(&m, 40, true), 60);
	assert_int_equal(mark_pace_wait_ns(&m, 140, true), 0);
	/* With nothing to tell: a heartbeat. */
	assert_false(mark_pace_due(&m, MARK_HEARTBEAT_NS - 1, false));
	assert_true(mark_pace_due(&m, MARK_HEARTBEAT_NS, false));
	assert_int_equal(mark_pace_wait_ns(&m, 1, false), MARK_HEARTBEAT_NS - 1);
	m.size = MARK_SIZE_MAX;
	assert_true(mark_pace_due(&m, 1, true));
	mark_pace_marked(&m, 1);
	assert_false(mark_pace_due(&m, 100, true));
	assert_true(mark_pace_due(&m, 101, true));
	/* A longer interval than that of heartbeats is theirs, too. */
	m.interval_ns = 5 * MARK_HEARTBEAT_NS;
	assert_false(mark_pace_due(&m, 2 * MARK_HEARTBEAT_NS, false));
	assert_true(mark_pace_due(&m, 5 * MARK_HEARTBEAT_NS + 1, false));
}

/* What pipes and buffers take at once is cut into small pieces until it is seen how much comes. */
static void pace_of_records(void **state)
{
	struct mark_pace m = {.interval_ns = INT64_C(100000000), .last_ns = 0};
	int64_t now = INT64_C(5000000000);

	(void)state;
	m.last_ns = now;
	/* Ten of 7 kB, the pace of a filter that takes 10 s for as many. */
	for (int i = 0; i < 9; i++)
		mark_pace_record(&m, 7000);
	assert_false(mark_pace_due(&m, now, true));
	mark_pace_record(&m, 7000);
	assert_true(mark_pace_due(&m, now, true));
	/* And small ones, a thousand at the most. */
	mark_pace_marked(&m, now);
	for (int i = 0; i < 1000; i++)
		mark_pace_record(&m, 2);
	assert_true(mark_pace_due(&m, now, true));
	/* 3,000,000 in two seconds. */
	mark_pace_marked(&m, now);
	for (int i = 0; i < 20; i++) {
		now += INT64_C(100000000);
		m.size = 150000;
		mark_pace_marked(&m, now);
	}
	m.size = 1499999;
	assert_false(mark_pace_due(&m, now, true));
	m.size = 1500000;
	assert_true(mark_pace_due(&m, now, true));
	/* Then nothing for a while. */
	m.size = 0;
	mark_pace_marked(&m, now + INT64_C(9000000000));
	m.size = MARK_SIZE_MIN;
	assert_true(mark_pace_due(&m, now + INT64_C(9000000000), true));
}

static int add_and_tell(void *arg, struct error *err)
{
	struct positions p = {.n = 0};
	struct control_record mark = CONTROL_RECORD_INIT;
	int ret = positions_add(&p, "b", 0, err) || positions_add(&p, "a", 1, err) ||
				  positions_tell(&p, true, &mark, err)
			  ? -1
			  : 0;

	(void)arg;
	control_record_release(&mark);
	positions_release(&p);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(add_and_tell, NULL) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(offsets),
		cmocka_unit_test(replay_ends),
		cmocka_unit_test(replay),
		cmocka_unit_test(telling),
		cmocka_unit_test(behind),
		cmocka_unit_test(ends),
		cmocka_unit_test(pace),
		cmocka_unit_test(pace_of_records),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
