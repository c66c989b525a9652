#include "lib/window/windows.h"

#include <stdlib.h>
#include <string.h>
#include "lib/window/offsets_impl.h"
#include "lib/window/windows_impl.h"

static void domain_init(struct domain *d)
{
	*d = (struct domain){
		.watermark_ns = TIME_NEVER, .restored_ns = TIME_NEVER, .next_ns = TIME_END};
}

static void domain_clear(struct domain *d)
{
	free(d->keys);
	free(d->slices);
	free(d->heap);
	domain_init(d);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* In the order of rows, so that it does not matter in which one they were given. */
static uint32_t shape_of(const struct windows *w)
{
	const struct windows_options *o = &w->options;
	uint64_t h = key_hash((const char *)&o->session_ns, sizeof(o->session_ns));

	for (size_t i = 0; i < o->n_specs; i++) {
		const struct windows_spec *x = &o->specs[w->order[i]];
		uint64_t part[] = {h, (uint64_t)x->size_ns, (uint64_t)x->slide_ns};
		h = key_hash((const char *)part, sizeof(part));
	}
	return (uint32_t)h;
}

/* Panes as wide as all sizes and slides allow. */
static int plan(struct windows *w, struct error *err)
{
	const struct windows_options *o = &w->options;
	int64_t longest = 0;

	if (!(w->order = mem_alloc(o->n_specs, sizeof(*w->order), err)))
		return -1;
	for (size_t i = 0; i < o->n_specs; i++) {
		size_t at = i;
		w->pane_ns = common_divisor(w->pane_ns, o->specs[i].size_ns);
		w->pane_ns = common_divisor(w->pane_ns, o->specs[i].slide_ns);
		longest = o->specs[i].size_ns > longest ? o->specs[i].size_ns : longest;
		for (; at && o->specs[w->order[at - 1]].size_ns < o->specs[i].size_ns; at--)
			w->order[at] = w->order[at - 1];
		w->order[at] = i;
	}
	if (w->pane_ns && longest / w->pane_ns > WINDOWS_MAX_PANES)
		return error_set(err, ERROR_USAGE,
				 "windows of these sizes and slides would be made of %lld panes "
				 "of %.9g s, which is more than %d: give sizes and slides that "
				 "have a larger common divisor",
				 (long long)(longest / w->pane_ns), (double)w->pane_ns / 1e9,
				 WINDOWS_MAX_PANES);
	w->shape = shape_of(w);
	return 0;
}

struct windows *windows_new(const struct windows_options *options, struct error *err)
{
	struct windows *w = mem_alloc(1, sizeof(*w), err);

	if (!w)
		return NULL;
	w->options = *options;
	w->aggregates = options->aggregates;
	w->cell_at = options->n_specs ? sizeof(struct pane) : sizeof(struct session);
	w->pane_size = w->cell_at + w->aggregates->cell_size;
	w->pane_start_ns = w->pane_end_ns = 0;
	domain_init(&w->common);
	if (plan(w, err) || !(w->scratch = mem_alloc(1, w->aggregates->cell_size, err))) {
		windows_free(w);
		return NULL;
	}
	return w;
}

static void source_free(struct windows *w, struct windows_source *s)
{
	checkpoints_clear(s);
	free(s->checkpoints);
	gate_clear(&s->gate);
	if (s->domain != &w->common) {
		domain_clear(s->domain);
		free(s->domain);
	}
	free(s->topic);
	free(s);
}

void windows_reset(struct windows *w)
{
	keys_clear(w);
	for (size_t i = 0; i < w->n_sources; i++)
		source_free(w, w->sources[i]);
	w->n_sources = 0;
	domain_clear(&w->common);
}

void windows_free(struct windows *w)
{
	if (!w)
		return;
	windows_reset(w);
	panes_release(w);
	if (w->scratch)
		aggregates_drop(w->aggregates, w->scratch);
	free(w->scratch);
	free(w->sources);
	free(w->table);
	free(w->order);
	free(w->closing);
	free(w);
}

static struct windows_source *source_new(struct windows *w, const char *topic, size_t topic_len,
					 int32_t partition, struct error *err)
{
	struct windows_source *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	s->partition = partition;
	s->reach_ns = TIME_NEVER;
	s->domain = &w->common;
	if (!(s->topic = mem_strndup(topic, topic_len, err)))
		goto fail;
	if (!w->options.single) {
		if (!(s->domain = mem_alloc(1, sizeof(*s->domain), err)))
			goto fail;
		domain_init(s->domain);
	}
	return s;
fail:
	free(s->topic);
	free(s);
	return NULL;
}

struct windows_source *windows_source(struct windows *w, const char *topic, size_t topic_len,
				      int32_t partition, struct error *err)
{
	struct windows_source *s;

	for (size_t i = 0; i < w->n_sources; i++) {
		s = w->sources[i];
		if (s->partition == partition && strlen(s->topic) == topic_len &&
		    !memcmp(s->topic, topic, topic_len))
			return s;
	}
	if (MEM_GROW(&w->sources, &w->sources_cap, w->n_sources + 1, err) ||
	    !(s = source_new(w, topic, topic_len, partition, err)))
		return NULL;
	w->sources[w->n_sources++] = s;
	return s;
}

/* The newest event of the source that is behind all others, TIME_NEVER while one has none. Idle
 * ones do not count; when all are, it is the newest of any, as it was when the last of them spoke.
 */
static int64_t slowest(const struct windows *w)
{
	int64_t slowest_ns = TIME_END, newest_ns = TIME_NEVER;

	for (size_t i = 0; i < w->n_sources; i++) {
		const struct windows_source *s = w->sources[i];
		int64_t ns = s->gate.any ? s->gate.newest_ns : TIME_NEVER;
		if (!s->idle && ns < slowest_ns)
			slowest_ns = ns;
		if (ns > newest_ns)
			newest_ns = ns;
	}
	return slowest_ns == TIME_END ? newest_ns : slowest_ns;
}

static int close_until(struct windows *w, struct domain *d, int64_t until, struct error *err)
{
	if (until < d->next_ns)
		return 0;
	return w->options.n_specs ? fixed_close(w, d, until, err)
				  : sessions_close(w, d, until, err);
}

static int update(struct windows *w, struct domain *d, int64_t newest_ns, struct error *err)
{
	int64_t tick = time_floor(newest_ns, w->options.early_ns);
	bool due = d->ticking && tick > d->tick;

	if (!d->ticking || tick > d->tick)
		d->tick = tick;
	d->ticking = true;
	if (due && !w->replay &&
	    (w->options.n_specs ? fixed_update(w, d, err) : sessions_update(w, d, err)))
		return -1;
	for (size_t i = 0; due && i < d->n_keys; i++)
		d->keys[i]->changed = false;
	return 0;
}

/* The domain's newest event is of this time. */
static int advance(struct windows *w, struct domain *d, int64_t newest_ns, struct error *err)
{
	if (newest_ns == TIME_NEVER)
		return 0;
	int64_t watermark_ns = time_add(newest_ns, -w->options.lateness_ns);

	if (watermark_ns > d->watermark_ns) {
		if (close_until(w, d, watermark_ns, err))
			return -1;
		d->watermark_ns = watermark_ns;
		for (size_t i = 0; d == &w->common && i < w->n_sources; i++)
			w->sources[i]->moved = true;
	}
	return w->options.early_ns ? update(w, d, newest_ns, err) : 0;
}

int windows_newest(struct windows *w, struct windows_source *s, int64_t time_ns, struct error *err)
{
	struct gate *g = &s->gate;

	if (g->any && time_ns <= g->newest_ns)
		return 0;
	g->any = true;
	g->newest_ns = time_ns;
	return advance(w, s->domain, w->options.single ? slowest(w) : time_ns, err);
}

int windows_take(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 struct error *err)
{
	int late = w->options.n_specs ? fixed_add(w, s, r, err) : sessions_add(w, s, r, err);

	if (late > 0) {
		w->n_late++;
		late = w->options.late(w->options.context, r, err);
	}
	return late ? -1 : windows_newest(w, s, r->time_ns, err);
}

int windows_check_idle(struct windows *w, int64_t now_ns, int64_t idle_ns, struct error *err)
{
	bool changed = false;

	for (size_t i = 0; i < w->n_sources; i++) {
		struct windows_source *s = w->sources[i];
		if (!s->heard_ns || s->heard_seq != s->gate.seq) {
			s->heard_ns = now_ns;
			s->heard_seq = s->gate.seq;
		} else if (!s->idle && now_ns - s->heard_ns >= idle_ns) {
			s->idle = changed = true;
		}
	}
	w->replay = false;
	return changed ? advance(w, &w->common, slowest(w), err) : 0;
}

int windows_flush(struct windows *w, struct error *err)
{
	w->replay = false;
	for (size_t i = 0; i < w->n_sources; i++)
		if (gate_end(w, w->sources[i], err))
			return -1;
	for (size_t i = 0; i < w->n_sources; i++) {
		if (close_until(w, w->sources[i]->domain, TIME_END - 1, err))
			return -1;
		w->sources[i]->moved = true;
	}
	return 0;
}

int windows_give(struct windows *w, const struct domain *d, struct windows_row *row,
		 struct error *err)
{
	if (row->end_ns <= d->restored_ns)
		return 0;
	w->n_rows += !row->early;
	w->n_updates += row->early;
	return w->options.row(w->options.context, row, err);
}

void windows_count(const struct windows *w, struct windows_counts *c)
{
	*c = (struct windows_counts){.keys = w->n_keys,
				     .peak_keys = w->peak_keys,
				     .panes = w->n_panes,
				     .rows = w->n_rows,
				     .updates = w->n_updates,
				     .late = w->n_late,
				     .watermark_ns = TIME_END};
	for (size_t i = 0; i < w->n_sources; i++) {
		int64_t watermark_ns = w->sources[i]->domain->watermark_ns;
		c->suspects += w->sources[i]->gate.n_held;
		if (watermark_ns != TIME_NEVER && watermark_ns < c->watermark_ns)
			c->watermark_ns = watermark_ns;
	}
	c->any = c->watermark_ns != TIME_END;
}
