/* Windows that stop at every record and go on, by offsets and by what was saved: the rows are those
 * of a run that nothing disturbed, to the byte, and late and rejected records the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/rng.h"
#include "lib/window/key.h"
#include "lib/window/offsets.h"
#include "lib/window/saved.h"
#include "lib/window/windows.h"

#define MS INT64_C(1000000)
#define PARTITIONS 3
#define RECORDS 90

/* A stream, and the windows made of it. */
struct play {
	struct windows_options options;
	struct windows_spec specs[2];
	struct aggregates aggregates;
	int partitions;
	size_t n, flush_at; /* a run ends well there: its windows are closed; 0: none does */
	struct {
		int partition, device, metric;
		int64_t offset, time_ns;
		double x;
	} records[RECORDS];
};

/* What a partition keeps with its offset. */
struct kept {
	int64_t processed, from;
	struct buf own;
};

struct run {
	const struct play *play;
	struct windows *windows;
	struct kept kept[PARTITIONS];
	int64_t next[PARTITIONS]; /* offset that lies behind what has come */
	struct buf waiting, rows; /* behind the last mark; committed */
	bool late[RECORDS], bad[RECORDS];
};

static void must(int failed, const struct error *err)
{
	if (failed)
		fail_msg("%s", err->what);
}

static int on_row(void *context, const struct windows_row *row, struct error *err)
{
	struct run *t = context;
	const struct aggregates *a = &t->play->aggregates;
	struct buf key = BUF_INIT;

	must(key_describe(row->key, row->key_len, &key, err), err);
	must(buf_printf(&t->waiting, err, "%s%s %zu [%lld, %lld):", row->early ? "early " : "",
			key.data, row->spec, (long long)(row->start_ns / MS),
			(long long)(row->end_ns / MS)),
	     err);
	for (size_t i = 0; i < a->n; i++) {
		struct aggregate_result x = aggregates_result(a, row->cell, i);
		must(buf_printf(&t->waiting, err, " %d,%llu,%.17g", (int)x.kind,
				(unsigned long long)x.count, x.real),
		     err);
	}
	buf_release(&key);
	return buf_add(&t->waiting, "\n", 1, err);
}

static int on_late(void *context, const struct windows_record *r, struct error *err)
{
	(void)err;
	((struct run *)context)->late[r->line] = true;
	return 0;
}

static int on_reject(void *context, const struct windows_record *r, const struct error *why,
		     struct error *err)
{
	(void)why;
	(void)err;
	((struct run *)context)->bad[r->line] = true;
	return 0;
}

static struct windows *open_windows(struct run *t)
{
	struct windows_options *o = malloc(sizeof(*o)); /* outlives the windows */
	struct error err = ERROR_INIT;

	*o = t->play->options;
	o->specs = t->play->specs;
	o->aggregates = &t->play->aggregates;
	o->row = on_row;
	o->late = on_late;
	o->reject = on_reject;
	o->context = t;
	struct windows *w = windows_new(o, &err);
	must(!w, &err);
	free(o);
	return w;
}

static struct windows_source *source(struct run *t, int partition)
{
	struct error err = ERROR_INIT;
	struct windows_source *s = windows_source(t->windows, "t", 1, partition, &err);

	must(!s, &err);
	return s;
}

/* The i-th record comes; offsets: it may be a replay. */
static void add(struct run *t, size_t i, bool offsets)
{
	const struct play *p = t->play;
	char name[3] = {(char)('a' + p->records[i].partition), (char)('0' + p->records[i].device),
			0};
	struct value device = {.kind = VALUE_STRING, .text = name, .len = 2, .csv = true};
	struct value metric = {.kind = VALUE_STRING,
			       .text = p->records[i].metric ? "x" : "y",
			       .len = 1,
			       .csv = true};
	struct aggregate_value v = {.x = p->records[i].x, .kind = AGGREGATE_REAL};
	struct windows_source *s = source(t, p->records[i].partition);
	struct windows_record r = {.time_ns = p->records[i].time_ns,
				   .values = &v,
				   .offset = p->records[i].offset,
				   .text = "",
				   .file = "",
				   .line = i};
	struct error err = ERROR_INIT;
	struct buf key = BUF_INIT;

	must(key_add(&key, &device, &err) || key_add(&key, &metric, &err), &err);
	r.key = key.data;
	r.key_len = key.len;
	if (!offsets || offsets_take(s, r.offset, &r.replay))
		must(windows_add(t->windows, s, &r, &err), &err);
	if (r.offset >= t->next[p->records[i].partition])
		t->next[p->records[i].partition] = r.offset + 1;
	buf_release(&key);
}

/* A mark of what has moved, which is committed. */
static void mark(struct run *t)
{
	struct error err = ERROR_INIT;

	for (int p = 0; p < t->play->partitions; p++) {
		struct kept *k = &t->kept[p];
		k->own.len = 0;
		must(offsets_mark(t->windows, source(t, p), t->next[p], &k->own, &k->from, &err),
		     &err);
		k->processed = t->next[p];
		if (k->from < 0)
			k->from = k->processed;
	}
	must(t->waiting.len && buf_add(&t->rows, t->waiting.data, t->waiting.len, &err), &err);
	t->waiting.len = 0;
}

/* A run from what is kept up to the record `stop`, a mark behind each `every`. */
static void go_on(struct run *t, size_t stop, size_t every)
{
	const struct play *p = t->play;
	struct error err = ERROR_INIT;
	bool ends = stop == p->n || stop == p->flush_at;

	t->windows = open_windows(t);
	t->waiting.len = 0;
	for (int i = 0; i < p->partitions; i++) {
		const struct kept *k = &t->kept[i];
		must(offsets_assign(t->windows, source(t, i), k->processed, k->own.data, k->own.len,
				    &err),
		     &err);
		t->next[i] = k->processed;
	}
	for (int turn = p->partitions - 1; turn >= 0; turn--) /* replays, in another order */
		for (size_t i = 0; i < stop; i++)
			if (p->records[i].partition == turn &&
			    p->records[i].offset >= t->kept[turn].from &&
			    p->records[i].offset < t->kept[turn].processed) {
				add(t, i, true);
				if (i % 11 == 0)
					mark(t);
			}
	int64_t begun[PARTITIONS];
	for (int i = 0; i < PARTITIONS; i++)
		begun[i] = t->kept[i].processed;
	for (size_t i = 0; i < stop; i++) {
		if (p->records[i].offset < begun[p->records[i].partition])
			continue;
		add(t, i, true);
		if ((i + 1) % every == 0)
			mark(t);
	}
	if (ends) {
		must(windows_flush(t->windows, &err), &err);
		mark(t);
	}
	windows_free(t->windows);
}

static void finish(struct run *t)
{
	for (int i = 0; i < PARTITIONS; i++)
		buf_release(&t->kept[i].own);
	buf_release(&t->waiting);
	buf_release(&t->rows);
}

/* As go_on, to the end, through crashes at both records (0: none). */
static struct run through(const struct play *p, size_t crash, size_t again, size_t every)
{
	struct run t = {.play = p};

	for (size_t stop = 1; stop <= p->n; stop++)
		if (stop == crash || stop == again || stop == p->flush_at || stop == p->n)
			go_on(&t, stop, every);
	return t;
}

static void expect_same(const struct run *t, const struct run *whole, uint64_t seed, size_t at)
{
	for (size_t i = 0; i < t->play->n; i++)
		if (t->late[i] != whole->late[i] || t->bad[i] != whole->bad[i])
			fail_msg("play %llu, stopped at %zu: record %zu is%s late, is%s bad",
				 (unsigned long long)seed, at, i, t->late[i] ? "" : " not",
				 t->bad[i] ? "" : " not");
	size_t i = 0, line = 0;

	while (i < t->rows.len && i < whole->rows.len && t->rows.data[i] == whole->rows.data[i])
		line = t->rows.data[i++] == '\n' ? i : line;
	if (i < t->rows.len || i < whole->rows.len)
		fail_msg("play %llu, stopped at %zu: after %zu bytes of rows\n%.*s\nnot\n%.*s",
			 (unsigned long long)seed, at, line, (int)(t->rows.len - line),
			 t->rows.data + line, (int)(whole->rows.len - line),
			 whole->rows.data + line);
}

static void make_play(struct play *p, struct rng *rng)
{
	struct windows_options *o = &p->options;
	int64_t t = 1000 * MS, offsets[PARTITIONS] = {0};
	uint64_t kind = rng_below(rng, 6), step = rng_below(rng, 2) ? 1000 : 200;
	int64_t disorder = (int64_t)rng_below(rng, 3) * 2000;
	struct error err = ERROR_INIT;

	*p = (struct play){.n = RECORDS, .partitions = 1 + (int)rng_below(rng, PARTITIONS)};
	p->specs[0] = (struct windows_spec){4000 * MS, (kind == 4 ? 1500 : 4000) * MS};
	p->specs[1] = (struct windows_spec){10000 * MS, 2500 * MS};
	o->n_specs = kind < 3 ? 0 : kind == 5 ? 2 : 1;
	o->session_ns = kind < 3 ? (int64_t)(500 + 2000 * kind) * MS : 0;
	o->lateness_ns = (int64_t)rng_below(rng, 4) * 1000 * MS;
	o->max_ahead_ns = 20000 * MS;
	o->early_ns = rng_below(rng, 2) ? 1300 * MS : 0;
	o->max_keys = 100;
	p->flush_at = rng_below(rng, 3) ? 0 : 1 + rng_below(rng, RECORDS - 1);
	must(aggregates_parse(&p->aggregates, "x:mean,stddev,p50,first,last,max", &err) ||
		     aggregates_finish(&p->aggregates, &err),
	     &err);
	uint64_t wrong =
		0; /* records to come of a device whose clock is wrong: it may be believed */
	int q = 0, device = 0;
	for (size_t i = 0; i < p->n; i++) {
		wrong = wrong ? wrong - 1 : rng_below(rng, 20) ? 0 : 1 + rng_below(rng, 16);
		if (!wrong || !rng_below(rng, 25)) {
			q = (int)rng_below(rng, (uint64_t)p->partitions);
			device = (int)rng_below(rng, 3);
		}
		t += (int64_t)rng_below(rng, 2 * step);
		t += rng_below(rng, 40) ? 0 : 15000;
		int64_t ms = t - (disorder ? (int64_t)rng_below(rng, (uint64_t)disorder) : 0);
		ms += rng_below(rng, 30) ? 0 : 30000 + (int64_t)rng_below(rng, 60000);
		ms += wrong ? 40000 : 0;
		p->records[i].partition = q;
		p->records[i].device = device;
		p->records[i].metric = (int)rng_below(rng, 2);
		p->records[i].offset = offsets[q];
		p->records[i].time_ns = ms * MS;
		p->records[i].x = rng_uniform(rng) * 100 - 20;
		offsets[q] += 1 + (int64_t)rng_below(rng, 5) / 4;
	}
}

#define PLAYS 16

static void stopped_at_every_record(void **state)
{
	size_t rows = 0, late = 0, bad = 0;

	(void)state;
	for (uint64_t seed = 0; seed < PLAYS; seed++) {
		struct rng rng;
		struct play p;
		rng_init(&rng, 11, seed);
		make_play(&p, &rng);
		size_t every = 1 + rng_below(&rng, 9);
		struct run whole = through(&p, 0, 0, every);
		for (size_t at = 1; at < p.n; at++) {
			struct run t = through(&p, at, at + rng_below(&rng, p.n - at), every);
			expect_same(&t, &whole, seed, at);
			finish(&t);
		}
		for (size_t i = 0; i < p.n; i++) {
			late += whole.late[i];
			bad += whole.bad[i];
		}
		rows += whole.rows.len;
		finish(&whole);
		aggregates_release(&p.aggregates);
	}
	assert_true(rows > 0 && late > PLAYS && bad > PLAYS);
}

/* All of it, saved and loaded behind the record `at` (0: never). */
static struct run saved_at(const struct play *p, size_t at)
{
	static const struct windows_setting settings[] = {{"--key", "k"}};
	struct run t = {.play = p};
	struct buf saved = BUF_INIT;
	struct error err = ERROR_INIT;

	t.windows = open_windows(&t);
	for (size_t i = 0; i < p->n; i++) {
		add(&t, i, false);
		if (i + 1 == p->flush_at)
			must(windows_flush(t.windows, &err), &err);
		if (i + 1 != at)
			continue;
		must(windows_save(t.windows, settings, 1, &saved, &err), &err);
		windows_free(t.windows);
		t.windows = open_windows(&t);
		must(windows_load(t.windows, settings, 1, 2, saved.data, saved.len, &err), &err);
	}
	must(windows_flush(t.windows, &err), &err);
	windows_free(t.windows);
	buf_release(&saved);
	t.rows = t.waiting;
	t.waiting = (struct buf)BUF_INIT;
	return t;
}

static void saved_at_every_record(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < PLAYS; seed++) {
		struct rng rng;
		struct play p;
		rng_init(&rng, 11, seed);
		make_play(&p, &rng);
		struct run whole = saved_at(&p, 0);
		for (size_t at = 1; at < p.n; at++) {
			struct run t = saved_at(&p, at);
			expect_same(&t, &whole, seed, at);
			finish(&t);
		}
		finish(&whole);
		aggregates_release(&p.aggregates);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_at_every_record),
		cmocka_unit_test(saved_at_every_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
