/* Runs that are stopped at every mark and started again with what the mark kept judge as the run
 * that nobody stopped, and so they do for a stage behind that asks for a replay from anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"
#include "lib/cli/score_series.h"
#include "lib/model/rules.h"
#include "lib/record/control_needs.h"
#include "lib/record/control_state.h"
#include "tests/unit/alloc_fail.h"

enum { RECORDS = 1500, KEYS = 5, MARK_EVERY = 7 };

static const char rules_text[] =
	"{\"key\":\"k\",\"by\":\"z\",\"rules\":["
	"{\"name\":\"rate\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"rate\",\"per_second\":"
	"1.5},"
	"{\"name\":\"stuck\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"stuck\",\"records\":4,"
	"\"per_key\":{\"a\":{\"records\":3}}},"
	"{\"name\":\"still\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"stuck\",\"for\":"
	"\"20s\"},"
	"{\"name\":\"away\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"missing\",\"records\":"
	"3},"
	"{\"name\":\"gone\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"missing\",\"for\":"
	"\"15s\"}]}";

struct record_in {
	char key;
	uint32_t by;
	int64_t time_ns;
	double x;
};

struct run {
	struct rules *rules;
	struct scorer *scorer;
	struct series *series;
};

static void run_begin(struct run *r)
{
	struct error err = ERROR_INIT;
	struct rule_state_options o = {
		.max_keys = 100, .idle_ns = 200 * NS_PER_SECOND, .forget = 120};

	r->rules = rules_parse(rules_text, strlen(rules_text), "f", &err);
	assert_non_null(r->rules);
	o.n_memories = r->rules->n_keyed;
	r->scorer = scorer_rules_new(r->rules, &err);
	r->series = series_new(&o, r->rules->version, &err);
	assert_true(r->scorer && r->series);
}

static void run_end(struct run *r)
{
	series_leave(r->series);
	scorer_free(r->scorer);
	rules_free(r->rules);
}

static uint64_t judge(struct run *r, const struct record_in *in, int64_t offset)
{
	struct error err = ERROR_INIT;
	struct series_place at = {"t", 1, 3, offset};
	void *key = series_key(r->series, &at, &in->key, 1, &err);
	struct verdict v;
	const struct scorer_rows row = {.n = 1,
					.stride = 1,
					.x = &in->x,
					.key_id = &in->by,
					.time_ns = &in->time_ns,
					.state = &key};

	assert_non_null(key);
	scorer_score(r->scorer, &row, 1, NULL, &v);
	assert_int_equal(v.status, ROW_OK);
	return v.reasons;
}

/* What the control record of one partition has as its state afterwards; to be freed. */
static char *control(struct run *r, enum control_kind kind, int64_t from, int64_t to,
		     const char *state)
{
	struct error err = ERROR_INIT;
	struct control_record c = {.kind = kind};

	assert_non_null(control_record_add(&c, "t", 3, from, to, state, &err));
	if (series_control(r->series, &c, &err) < 0)
		fail_msg("%s", err.what);
	char *kept = c.partitions[0].state ? strdup(c.partitions[0].state) : NULL;
	control_record_release(&c);
	return kept;
}

static void make_records(struct record_in *in)
{
	struct rng rng;
	double now = 1000;

	rng_init(&rng, 11, 0);
	for (size_t i = 0; i < RECORDS; i++) {
		struct record_in *r = &in[i];
		uint64_t what = rng_below(&rng, 20);
		/* The last key is silent for long. */
		uint64_t keys = i % 400 < 300 ? KEYS - 1 : KEYS;
		*r = (struct record_in){.key = (char)('a' + rng_below(&rng, keys))};
		/* For long there is but one. */
		if (i >= 800 && i < 1300)
			r->key = 'a';
		now += rng_uniform(&rng) * 2;
		if (i == RECORDS / 2)
			now += 500;
		r->by = r->key == 'a' ? 1 : rng_below(&rng, 40) == 0;
		r->time_ns = (int64_t)((now - (what == 0 ? 30 : 0)) * NS_PER_SECOND);
		/* Mostly runs of a few values and of none. */
		r->x = (i / 40 + (uint64_t)r->key) % 4 == 0 ? NAN
							    : (double)((i / 60) % 3 + (what == 1));
	}
}

/* Verdicts from offset `begin` on, the run beginning with what a mark kept at `processed`. */
static void check_from(const struct record_in *in, const uint64_t *want, const char *state,
		       int64_t from, int64_t processed, int64_t begin)
{
	struct run r;

	run_begin(&r);
	free(control(&r, CONTROL_ASSIGN, from, processed, state));
	for (int64_t i = from; i < RECORDS && i < begin + 150; i++) {
		uint64_t got = judge(&r, &in[i], i);
		if (i >= begin && got != want[i])
			fail_msg("stopped at %lld, replayed from %lld: record %lld has %llx "
				 "instead of %llx",
				 (long long)processed, (long long)from, (long long)i,
				 (unsigned long long)got, (unsigned long long)want[i]);
	}
	run_end(&r);
}

/* A stage behind asks at the mark for the records from `wanted` on. */
static int64_t ask(const char *state, int64_t wanted)
{
	struct error err = ERROR_INIT;
	struct control_partition p = {.state = strdup(state)};
	int64_t offset;

	assert_int_equal(control_state_put(&p, "window-agg", "{}", wanted, &err), 0);
	assert_int_equal(control_state_replay_from(p.state, &offset, &err), 0);
	free(p.state);
	return offset;
}

static void stopped_at_every_mark(void **unused)
{
	static struct record_in in[RECORDS];
	static uint64_t want[RECORDS];
	uint64_t seen = 0, n_replayed = 0, n_stops = 0;
	struct error err = ERROR_INIT;
	struct run r;

	(void)unused;
	make_records(in);
	run_begin(&r);
	free(control(&r, CONTROL_ASSIGN, 0, 0, NULL));
	for (int64_t i = 0; i < RECORDS; i++) {
		seen |= want[i] = judge(&r, &in[i], i);
		if (i % MARK_EVERY)
			continue;
		free(control(&r, CONTROL_MARK, i > MARK_EVERY ? i - MARK_EVERY : 0, i + 1, NULL));
	}
	run_end(&r);
	assert_int_equal(seen, 0x1f); /* all rules fired somewhere */

	run_begin(&r);
	free(control(&r, CONTROL_ASSIGN, 0, 0, NULL));
	for (int64_t i = 0; i < RECORDS; i++) {
		assert_int_equal(judge(&r, &in[i], i), want[i]);
		if (i % MARK_EVERY)
			continue;
		char *state = control(&r, CONTROL_MARK, 0, i + 1, NULL);
		int64_t from;
		assert_int_equal(control_state_replay_from(state, &from, &err), 0);
		check_from(in, want, state, from < 0 ? i + 1 : from, i + 1, i + 1);
		n_replayed += (uint64_t)(from < 0 ? 0 : i + 1 - from);
		n_stops++;
		for (int64_t back = 1; back <= i; back = back * 2 + i % 3) {
			int64_t wanted = i + 1 - back;
			from = ask(state, wanted);
			assert_true(from <= wanted);
			check_from(in, want, state, from, i + 1, wanted);
		}
		free(state);
	}
	run_end(&r);
	/* Keys that are silent for long hold nothing back. */
	assert_true(n_replayed / n_stops < 200);
}

/* What was kept under other rules says nothing; what makes no sense is refused. */
static void states_of_others(void **unused)
{
	static const char *const bad[] = {
		"{\"anomaly-score\":7}",
		"{\"anomaly-score\":{\"rules\":\"%s\",\"needs\":7}}",
		"{\"anomaly-score\":{\"rules\":\"%s\",\"needs\":[[7]]}}",
		"{\"anomaly-score\":{\"rules\":\"%s\",\"needs\":[[7,8]]}}",
		"{\"anomaly-score\":{\"rules\":\"%s\",\"needs\":[[7,1],[7,1]]}}",
	};
	struct error err = ERROR_INIT;
	struct run r;
	char text[200];

	(void)unused;
	run_begin(&r);
	free(control(&r, CONTROL_ASSIGN, 4, 10,
		     "{\"anomaly-score\":{\"rules\":\"0123456789ab\",\"needs\":[[2,1]]}}"));
	char *state = control(&r, CONTROL_MARK, 10, 12, "{\"x\":{}}");
	snprintf(text, sizeof(text),
		 "{\"x\":{},\"anomaly-score\":{\"rules\":\"%s\",\"needs\":[[4,0],[12,0]]}}",
		 r.rules->version);
	assert_string_equal(state, text);
	/* The second stage of the name leaves the first one's to it. */
	char *second = control(&r, CONTROL_MARK, 12, 12, state);
	assert_non_null(strstr(second, "\"anomaly-score.2\":{"));
	free(second);
	char *left = control(&r, CONTROL_ASSIGN, 12, 12, state);
	assert_string_equal(left, "{\"x\":{}}");
	free(left);
	free(state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct control_record c = {.kind = CONTROL_ASSIGN};
		snprintf(text, sizeof(text), bad[i], r.rules->version);
		assert_non_null(control_record_add(&c, "t", 3, 1, 2, text, &err));
		assert_int_equal(series_control(r.series, &c, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		control_record_release(&c);
	}
	run_end(&r);
}

static int follow_and_mark(void *arg, struct error *err)
{
	static const char kept[] = "{\"anomaly-score\":{\"rules\":\"v\",\"needs\":[[0,0],[4,2]]}}";
	const struct rule_state_options o = {
		.n_memories = 2, .max_keys = 100, .idle_ns = 1, .forget = 10};
	struct series *s = series_new(&o, "v", err);
	struct control_record assign = {.kind = CONTROL_ASSIGN}, mark = {.kind = CONTROL_MARK};
	int ret = -1;

	(void)arg;
	if (!s || !control_record_add(&assign, "t", 3, 2, 5, kept, err) ||
	    series_control(s, &assign, err) < 0)
		goto out;
	for (int64_t i = 2; i < 90; i++) {
		const struct series_place at = {"t", 1, 3, i};
		char key = (char)i;
		if (!series_key(s, &at, &key, 1, err))
			goto out;
	}
	if (control_record_add(&mark, "t", 3, 5, 90, "{\"x\":{}}", err) &&
	    series_control(s, &mark, err) > 0)
		ret = 0;
out:
	control_record_release(&assign);
	control_record_release(&mark);
	series_leave(s);
	return ret;
}

static void out_of_memory(void **unused)
{
	(void)unused;
	assert_true(alloc_fail_each(follow_and_mark, NULL) > 90);
}

/* The list grows with the logarithm of the offsets. */
static void needs_thin_out(void **unused)
{
	struct control_needs needs = {.n = 0};
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	(void)unused;
	for (int64_t i = 0; i < 3000000; i += 10) {
		assert_int_equal(control_needs_add(&needs, i, i > 5 ? i - 5 : 0, &err), 0);
		if (i % 100000)
			continue;
		assert_true(needs.n <= 40);
		/* No gap is wider than about four times its younger end's age. */
		for (size_t k = 1; k < needs.n; k++) {
			int64_t younger = i - needs.at[k].offset,
				older = i - needs.at[k - 1].offset;
			assert_true(older / 16 <= (younger > 1000 ? younger : 1000));
		}
		assert_int_equal(needs.at[0].offset, 0);
	}
	assert_int_equal(control_needs_write(&needs, &text, &err), 0);
	assert_true(text.len < 1000);
	control_needs_release(&needs);
	buf_release(&text);
}

/* What one stage needs, one before it may need more for. */
static void needs_of_stages_add_up(void **unused)
{
	static const char state[] = "{\"a\":{\"needs\":[[10,3],[50,20],[90,0]]},\"x\":7,"
				    "\"b\":{\"needs\":[[40,0],[95,10]],\"y\":1},\"c\":{}}";
	static const int64_t cases[][2] = {{5, 5}, {10, 7}, {39, 7}, {50, 7}, {95, 30}, {200, 30}};
	struct error err = ERROR_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t offset = cases[i][0];
		assert_int_equal(control_needs_lower(state, &offset, &err), 0);
		assert_int_equal(offset, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_at_every_mark),  cmocka_unit_test(states_of_others),
		cmocka_unit_test(out_of_memory),          cmocka_unit_test(needs_thin_out),
		cmocka_unit_test(needs_of_stages_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
