#include "lib/store/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"
#include "lib/store/store_impl.h"

#define FIRST_PAUSE_MS 20
#define LAST_PAUSE_MS 1000
#define SLICE_MS 20

static const struct store_ops *const all_ops[] = {&sqlite_ops, &postgresql_ops};

int64_t store_clock_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

static const struct store_ops *ops_of(const char *url)
{
	for (size_t i = 0; i < sizeof(all_ops) / sizeof(*all_ops); i++)
		for (const char *const *x = all_ops[i]->schemes; *x; x++)
			if (!strncmp(url, *x, strlen(*x)))
				return all_ops[i];
	return NULL;
}

/* False when it was stopped. */
static bool pause_ms(const struct store *s, int ms)
{
	for (; ms > 0; ms -= SLICE_MS) {
		if (s->options.stop(s->options.context))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = SLICE_MS * 1000000L}, NULL);
	}
	return !s->options.stop(s->options.context);
}

/* How a wait ended without success: 1 when it has not. */
static int judge_wait(struct store *s, struct store_patience *p, struct error *err)
{
	if (store_clock_ms() >= p->end_ms) {
		err->kind = ERROR_RETRY;
		return error_prefix(err, "given up after %g s", s->options.timeout_ms / 1000.0);
	}
	if (!pause_ms(s, p->pause_ms)) {
		err->kind = ERROR_RETRY;
		return error_prefix(err, "a signal came while it was tried again");
	}
	p->pause_ms = p->pause_ms * 2 < LAST_PAUSE_MS ? p->pause_ms * 2 : LAST_PAUSE_MS;
	return 1;
}

int store_recover(struct store *s, struct store_patience *p, struct error *err)
{
	char text[sizeof(err->what) + 40];
	enum store_fault fault = s->fault;

	if (fault == FAULT_NONE)
		return -1;
	if (!p->end_ms) {
		p->end_ms = store_clock_ms() + s->options.timeout_ms;
		p->pause_ms = FIRST_PAUSE_MS;
	}
	s->end_ms = p->end_ms;
	if (fault == FAULT_LOST) {
		snprintf(text, sizeof(text), "%s; connecting again", err->what);
		s->options.note(s->options.context, text);
	}
	if (judge_wait(s, p, err) < 0)
		return -1;
	while (fault == FAULT_LOST) {
		s->fault = FAULT_NONE;
		if (!s->ops->connect(s, err)) {
			s->options.note(s->options.context, "connected again");
			break;
		}
		if (judge_wait(s, p, err) < 0)
			return -1;
	}
	s->counts.repeats++;
	s->fault = FAULT_NONE;
	*err = (struct error)ERROR_INIT;
	return 0;
}

struct store *store_open(const struct store_options *o, struct error *err)
{
	const struct store_ops *ops = ops_of(o->url);
	struct store_patience p = {.end_ms = store_clock_ms() + o->timeout_ms,
				   .pause_ms = FIRST_PAUSE_MS};
	struct store *s;

	if (!ops) {
		error_set(err, ERROR_USAGE,
			  "the URL is neither sqlite:PATH nor postgresql://HOST/DATABASE");
		return NULL;
	}
	if (!(s = ops->make(o, err)))
		return NULL;
	s->ops = ops;
	s->options = *o;
	s->end_ms = p.end_ms;
	while (ops->connect(s, err)) {
		if (s->fault == FAULT_NONE || judge_wait(s, &p, err) < 0) {
			if (s->fault == FAULT_LOST && !o->stop(o->context))
				err->kind = ERROR_UNAVAILABLE;
			if (s->missing)
				*err = (struct error)ERROR_INIT;
			store_close(s);
			return NULL;
		}
		s->fault = FAULT_NONE;
	}
	return s;
}

void store_close(struct store *s)
{
	if (s)
		s->ops->free(s);
}

bool store_url_has_password(const char *url)
{
	const char *authority = strstr(url, "://"), *end, *at, *colon;

	if (ops_of(url) != &postgresql_ops || !authority)
		return false;
	authority += 3;
	end = authority + strcspn(authority, "/?#");
	at = memchr(authority, '@', (size_t)(end - authority));
	colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
	for (const char *x = end; (x = strpbrk(x, "?&")) != NULL;) {
		x++;
		if (!strncmp(x, "password=", 9) || !strncmp(x, "sslpassword=", 12))
			return true;
	}
	return colon && colon + 1 < at;
}

struct store_counts store_counts(const struct store *s)
{
	return s->counts;
}

/* What is done alone, and may be done again. */
struct deed {
	struct store_table *table;
	const char *sql;
	struct store_offsets *offsets;
};

static int describe(struct store *s, const struct deed *d, struct error *err)
{
	store_table_clear(d->table);
	return s->ops->describe(s, d->table, err);
}

static int run(struct store *s, const struct deed *d, struct error *err)
{
	return s->ops->run(s, d->sql, err);
}

static int create(struct store *s, const struct deed *d, struct error *err)
{
	return s->ops->create(s, d->table, err);
}

static int answer(struct store *s, const struct deed *d, struct error *err)
{
	store_offsets_clear(d->offsets);
	if (!d->offsets->claim)
		return s->ops->offsets(s, d->offsets, err);
	if (s->ops->create_offsets(s, err) || s->ops->begin(s, false, err))
		return -1;
	return s->ops->offsets(s, d->offsets, err) || s->ops->commit(s, err) ? -1 : 0;
}

static int repeat(struct store *s, int (*act)(struct store *, const struct deed *, struct error *),
		  const struct deed *d, struct error *err)
{
	struct store_patience p = {.end_ms = 0};
	int ret;

	s->fault = FAULT_NONE;
	while ((ret = act(s, d, err)) < 0) {
		enum store_fault fault = s->fault;
		s->ops->rollback(s);
		s->fault = fault;
		if (store_recover(s, &p, err))
			return -1;
	}
	return ret;
}

int store_describe(struct store *s, struct store_table *t, struct error *err)
{
	return repeat(s, describe, &(struct deed){.table = t}, err);
}

int store_run(struct store *s, const char *sql, struct error *err)
{
	return repeat(s, run, &(struct deed){.sql = sql}, err);
}

int store_create(struct store *s, const struct store_table *t, struct error *err)
{
	struct deed d = {.table = (struct store_table *)(uintptr_t)t};

	return repeat(s, create, &d, err);
}

int store_answer(struct store *s, struct store_offsets *o, struct error *err)
{
	return repeat(s, answer, &(struct deed){.offsets = o}, err);
}

/* Room for a set behind the others, and in it what these cells leave to the database. */
static int find_absent(const struct store_table *t, const struct value *cells,
		       struct store_batch *b, struct error *err)
{
	size_t nth = 0;
	uint64_t *absent;

	if (!b->n)
		b->n_words = store_table_filled(t) / 64 + 1;
	if (b->sets_cap < (b->n_sets + 1) * b->n_words &&
	    MEM_GROW(&b->sets, &b->sets_cap, (b->n_sets + 1) * b->n_words, err))
		return -1;
	absent = b->sets + b->n_sets * b->n_words;
	for (size_t i = 0; i < b->n_words; i++)
		absent[i] = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->columns[i].filled)
			continue;
		if (cells[i].kind == VALUE_ABSENT)
			absent[nth / 64] |= UINT64_C(1) << nth % 64;
		nth++;
	}
	return 0;
}

int store_add(struct store *s, const struct store_table *t, const struct value *cells,
	      struct store_batch *b, struct error *err)
{
	struct store_row row = {.at = b->encoded.len};
	size_t n_sets = b->n_sets;

	if (MEM_GROW(&b->rows, &b->cap, b->n + 1, err) || find_absent(t, cells, b, err))
		return -1;
	row.set = store_batch_add_set(b);
	if (s->ops->encode(s, t, cells, b, row.set, err)) {
		b->encoded.len = row.at;
		b->n_sets = n_sets;
		return -1;
	}
	row.len = b->encoded.len - row.at;
	b->rows[b->n++] = row;
	return 0;
}

int store_check_key(const struct store_column *c, const struct value *v, struct error *err)
{
	if (!c->key || (v->kind != VALUE_ABSENT && v->kind != VALUE_NULL))
		return 0;
	return error_set(err, ERROR_DATA, "field '%s' is missing, which is of the key", c->name);
}

int store_text_of(const struct value *v, struct buf *room, struct store_text *t, struct error *err)
{
	*t = (struct store_text){v->text, v->len};
	if (v->kind != VALUE_STRING)
		return 0;
	if (!v->csv && !memchr(v->text, '\\', v->len)) {
		*t = (struct store_text){v->text + 1, v->len - 2};
		return 0;
	}
	room->len = 0;
	if (value_string(v, room, err))
		return -1;
	*t = (struct store_text){room->data, room->len};
	return 0;
}

int store_json_of(const struct value *v, struct buf *room, struct store_text *t, struct error *err)
{
	size_t from;

	if (v->kind != VALUE_STRING || !v->csv) {
		*t = (struct store_text){v->text, v->len};
		return 0;
	}
	room->len = 0;
	if (value_string(v, room, err))
		return -1;
	if (!room->len || !strchr("[{", room->data[0])) {
		from = room->len;
		struct buf text = BUF_INIT;
		int ret = buf_add(&text, room->data ? room->data : "", from, err);
		room->len = 0;
		if (!ret)
			ret = json_add_text(room, text.data ? text.data : "", from, err);
		buf_release(&text);
		if (ret)
			return -1;
	}
	*t = (struct store_text){room->data, room->len};
	return 0;
}
