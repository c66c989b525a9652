/* Suspects: records that are too far ahead of all others to be believed alone. */
#include <stdlib.h>
#include <string.h>
#include "lib/base/timestamp.h"
#include "lib/window/windows_impl.h"

void gate_clear(struct gate *g)
{
	for (size_t i = 0; i < g->n_held; i++)
		free(g->held[i].record);
	free(g->held);
	*g = (struct gate){.any = false};
}

/* A copy of a record and of what it points to, but for the file's name. */
static struct windows_record *copy(const struct windows *w, const struct windows_record *r,
				   struct error *err)
{
	size_t n_values = w->aggregates->n_fields * sizeof(*r->values);
	struct windows_record *c =
		mem_alloc(1, sizeof(*c) + n_values + r->key_len + r->text_len, err);

	if (!c)
		return NULL;
	char *values = (char *)(c + 1), *key = values + n_values, *text = key + r->key_len;

	*c = *r;
	if (n_values)
		memcpy(values, r->values, n_values);
	if (r->key_len)
		memcpy(key, r->key, r->key_len);
	if (r->text_len)
		memcpy(text, r->text, r->text_len);
	c->values = (const struct aggregate_value *)(void *)values;
	c->key = key;
	c->text = text;
	return c;
}

int gate_hold(struct windows *w, struct gate *g, const struct windows_record *r, uint64_t device,
	      struct error *err)
{
	struct windows_record *c;

	if (MEM_GROW(&g->held, &g->held_cap, g->n_held + 1, err) || !(c = copy(w, r, err)))
		return -1;
	g->held[g->n_held++] = (struct held){r->time_ns, device, g->seq, c};
	return 0;
}

static struct held take_out(struct gate *g, size_t i)
{
	struct held h = g->held[i];

	memmove(&g->held[i], &g->held[i + 1], (g->n_held - i - 1) * sizeof(h));
	g->n_held--;
	return h;
}

/* Into its windows, and on with the time. Takes h over. */
static int let_in(struct windows *w, struct windows_source *s, struct held h, struct error *err)
{
	int ret =
		h.record ? windows_take(w, s, h.record, err) : windows_newest(w, s, h.time_ns, err);

	free(h.record);
	return ret;
}

static int reject(struct windows *w, struct windows_source *s, struct held h, struct error *err)
{
	char time[TIMESTAMP_MAX], newest[TIMESTAMP_MAX];
	struct error why = ERROR_INIT;
	int ret = 0;

	if (h.record && !w->replay) {
		timestamp_format(time, h.time_ns);
		timestamp_format(newest, s->gate.newest_ns);
		if (s->gate.any)
			error_set(
				&why, ERROR_DATA,
				"its time %s is far ahead (--max-ahead) of all other records, the "
				"newest being of %s, and none agreed with it",
				time, newest);
		else
			error_set(&why, ERROR_DATA,
				  "its time %s is further than --max-ahead from those of all "
				  "records so far, of which no two agree",
				  time);
		error_at(&why, h.record->file, h.record->line, 0);
		ret = w->options.reject(w->options.context, h.record, &why, err);
	}
	free(h.record);
	return ret;
}

/* Whether a and b are at most max_ahead apart. */
static bool near(const struct windows *w, int64_t a, int64_t b)
{
	return a < b ? b <= time_add(a, w->options.max_ahead_ns)
		     : a <= time_add(b, w->options.max_ahead_ns);
}

static bool is_ahead(const struct windows *w, const struct gate *g, int64_t time_ns)
{
	return !g->any || time_ns > time_add(g->newest_ns, w->options.max_ahead_ns);
}

/* A suspect came: counts those of its device that came right before. */
static void count_run(const struct windows *w, struct gate *g, int64_t time_ns, uint64_t device)
{
	bool goes_on = g->run && g->run_device == device && near(w, g->run_time_ns, time_ns);

	g->run = goes_on ? g->run + 1 : 1;
	g->run_device = device;
	g->run_time_ns = time_ns;
}

/* Lets in all that are at most `limit`, in the order they came. 1: some were. */
static int let_in_until(struct windows *w, struct windows_source *s, int64_t limit,
			struct error *err)
{
	struct gate *g = &s->gate;
	int some = 0;

	for (size_t i = 0; i < g->n_held;)
		if (g->held[i].time_ns <= limit) {
			if (let_in(w, s, take_out(g, i), err))
				return -1;
			some = 1;
		} else {
			i++;
		}
	return some;
}

/* Takes those that agree with the suspect r, it last of them, and then all that are suspects no
 * longer. 0: none agrees; 1; -1. */
static int agree(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 uint64_t device, struct error *err)
{
	struct gate *g = &s->gate;
	uint64_t run_from = g->run >= WINDOWS_RUN ? g->seq - g->run + 1 : UINT64_MAX;
	bool agreed = g->run >= WINDOWS_RUN;
	int some;

	for (size_t i = 0; i < g->n_held && !agreed; i++)
		agreed = g->held[i].device != device && near(w, g->held[i].time_ns, r->time_ns);
	if (!agreed)
		return 0;
	for (size_t i = 0; i < g->n_held;)
		if (g->held[i].seq >= run_from || near(w, g->held[i].time_ns, r->time_ns)) {
			if (let_in(w, s, take_out(g, i), err))
				return -1;
		} else {
			i++;
		}
	if (windows_take(w, s, r, err))
		return -1;
	g->run = 0;
	do
		some = let_in_until(w, s, time_add(g->newest_ns, w->options.max_ahead_ns), err);
	while (some > 0);
	return some ? -1 : 1;
}

/* Suspects whose time has come are none, and those that waited for too long are bad. */
static int review(struct windows *w, struct windows_source *s, struct error *err)
{
	struct gate *g = &s->gate;

	if (g->any && let_in_until(w, s, g->newest_ns, err) < 0)
		return -1;
	while (g->n_held && g->seq - g->held[0].seq > WINDOWS_PATIENCE)
		if (reject(w, s, take_out(g, 0), err))
			return -1;
	return 0;
}

/* Whose clock it is, as far as the key tells: a hash of its first value. */
static uint64_t device_of(const struct windows_record *r)
{
	const char *end = r->key;

	if (r->key_len)
		key_next(&end);
	return key_hash(r->key, (size_t)(end - r->key));
}

int windows_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
		struct error *err)
{
	struct gate *g = &s->gate;
	int ret;

	w->replay = r->replay;
	s->moved = true;
	s->idle = false;
	g->seq++;
	if (g->n_held && review(w, s, err))
		return -1;
	if (!is_ahead(w, g, r->time_ns)) {
		g->run = 0;
		return windows_take(w, s, r, err);
	}
	uint64_t device = device_of(r);

	count_run(w, g, r->time_ns, device);
	if ((ret = agree(w, s, r, device, err)) != 0)
		return ret > 0 ? 0 : -1;
	return gate_hold(w, g, r, device, err);
}

static int by_time(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

int gate_end(struct windows *w, struct windows_source *s, struct error *err)
{
	struct gate *g = &s->gate;
	bool any = g->any;

	if (any && let_in_until(w, s, g->newest_ns, err) < 0)
		return -1;
	if (!any && g->n_held)
		qsort(g->held, g->n_held, sizeof(*g->held), by_time);
	while (g->n_held)
		if (any ? reject(w, s, take_out(g, 0), err) : let_in(w, s, take_out(g, 0), err))
			return -1;
	g->run = 0;
	return 0;
}
