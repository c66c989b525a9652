/* Windows of a fixed size, tumbling or sliding, out of panes. */
#include <string.h>
#include "lib/window/offsets_impl.h"
#include "lib/window/windows_impl.h"

/* When the last window that a pane lies in ends. */
static int64_t last_end(const struct windows *w, int64_t start_ns)
{
	int64_t last = TIME_NEVER;

	for (size_t i = 0; i < w->options.n_specs; i++) {
		const struct windows_spec *x = &w->options.specs[i];
		int64_t end = time_floor(start_ns, x->slide_ns) + x->size_ns;
		last = end > last ? end : last;
	}
	return last;
}

/* The first slice that begins at start_ns or behind it. */
static size_t find_slice(const struct domain *d, int64_t start_ns)
{
	size_t from = 0, to = d->n_slices;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (d->slices[middle] < start_ns)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The first end of a window of x behind `from` of a window that has panes; TIME_END: none. */
static int64_t next_end(const struct windows_spec *x, const struct domain *d, int64_t from)
{
	/* From what is before all, or far behind, the first pane leads on. */
	int64_t first = d->n_slices ? time_floor(d->slices[0] - x->size_ns, x->slide_ns) +
					      x->slide_ns + x->size_ns
				    : TIME_END;

	if (!d->n_slices || from < first)
		return first;
	int64_t end = time_floor(from - x->size_ns, x->slide_ns) + x->slide_ns + x->size_ns;
	size_t i = find_slice(d, end - x->size_ns);

	if (i == d->n_slices)
		return TIME_END;
	if (d->slices[i] < end)
		return end;
	return time_floor(d->slices[i] - x->size_ns, x->slide_ns) + x->slide_ns + x->size_ns;
}

static int64_t next_close(const struct windows *w, const struct domain *d, int64_t from)
{
	int64_t next = TIME_END;

	for (size_t i = 0; i < w->options.n_specs; i++) {
		int64_t end = next_end(&w->options.specs[i], d, from);
		next = end < next ? end : next;
	}
	return next;
}

static int add_slice(const struct windows *w, struct domain *d, int64_t start_ns, struct error *err)
{
	size_t i = find_slice(d, start_ns);

	if (i < d->n_slices && d->slices[i] == start_ns)
		return 0;
	if (MEM_GROW(&d->slices, &d->slices_cap, d->n_slices + 1, err))
		return -1;
	memmove(d->slices + i + 1, d->slices + i, (d->n_slices - i) * sizeof(*d->slices));
	d->slices[i] = start_ns;
	d->n_slices++;
	d->next_ns = next_close(w, d, d->watermark_ns);
	return 0;
}

/* The key's pane that begins at start_ns, made if need be. */
static struct pane *reach(struct windows *w, struct domain *d, struct window_key *k,
			  int64_t start_ns, struct error *err)
{
	struct pane **at = &k->panes, *p;

	while (*at && (*at)->start_ns > start_ns)
		at = &(*at)->next;
	if (*at && (*at)->start_ns == start_ns)
		return *at;
	if (add_slice(w, d, start_ns, err) || !(p = pane_new(w, err)))
		return NULL;
	p->start_ns = start_ns;
	p->next = *at;
	*at = p;
	return p;
}

int fixed_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
	      struct error *err)
{
	struct domain *d = s->domain;
	int64_t closed = d->watermark_ns;
	struct window_key *k;
	struct pane *p;

	if (r->time_ns < w->pane_start_ns || r->time_ns >= w->pane_end_ns) {
		w->pane_start_ns = time_floor(r->time_ns, w->pane_ns);
		w->pane_end_ns = w->pane_start_ns + w->pane_ns;
		w->pane_last_ns = last_end(w, w->pane_start_ns);
	}
	if (!w->replay && d->restored_ns > closed)
		closed = d->restored_ns;
	if (w->pane_last_ns <= closed)
		return !w->replay || w->pane_last_ns > d->restored_ns;
	if (!(k = keys_find(w, s, r, err)) || !(p = reach(w, d, k, w->pane_start_ns, err)))
		return -1;
	k->changed = true;
	checkpoints_reach(s, r->offset, w->pane_last_ns);
	return aggregates_add(w->aggregates, pane_cell(w, p), r->time_ns, r->values, err);
}

/* What a key has in a window: its one pane, or several merged; NULL: nothing. *failed: memory. */
static const void *gather(struct windows *w, const struct window_key *k, int64_t start_ns,
			  int64_t end_ns, bool *failed, struct error *err)
{
	const void *one = NULL;
	bool merged = false;

	for (const struct pane *p = k->panes; p && p->start_ns >= start_ns; p = p->next) {
		if (p->start_ns >= end_ns)
			continue;
		if (!one) {
			one = pane_cell(w, p);
			continue;
		}
		if (!merged) {
			aggregates_clear(w->aggregates, w->scratch);
			*failed |= aggregates_merge(w->aggregates, w->scratch, one, err) < 0;
		}
		merged = true;
		*failed |= aggregates_merge(w->aggregates, w->scratch, pane_cell(w, p), err) < 0;
	}
	return merged ? w->scratch : one;
}

/* The rows of the windows of all specs that end here; early: those that have changed. */
static int give_end(struct windows *w, struct domain *d, int64_t end_ns, bool early,
		    struct error *err)
{
	if (keys_sort(d, err))
		return -1;
	for (size_t i = 0; i < w->options.n_specs; i++) {
		const struct windows_spec *x = &w->options.specs[w->order[i]];
		struct windows_row row = {.spec = w->order[i],
					  .start_ns = end_ns - x->size_ns,
					  .end_ns = end_ns,
					  .early = early};
		if (row.start_ns != time_floor(row.start_ns, x->slide_ns))
			continue;
		for (size_t j = 0; j < d->n_keys; j++) {
			const struct window_key *k = d->keys[j];
			bool failed = false;
			if (early && !k->changed)
				continue;
			row.cell = gather(w, k, row.start_ns, end_ns, &failed, err);
			row.key = k->bytes;
			row.key_len = k->len;
			if (failed || (row.cell && windows_give(w, d, &row, err)))
				return -1;
		}
	}
	return 0;
}

/* Frees the panes that lie in no window any more, and the keys without panes. */
static void drop(struct windows *w, struct domain *d, int64_t closed_ns)
{
	size_t n = 0;

	while (n < d->n_slices && last_end(w, d->slices[n]) <= closed_ns)
		n++;
	if (!n)
		return;
	d->n_slices -= n;
	memmove(d->slices, d->slices + n, d->n_slices * sizeof(*d->slices));
	for (size_t i = 0; i < d->n_keys; i++) {
		struct pane **at = &d->keys[i]->panes;
		while (d->n_slices && *at && (*at)->start_ns >= d->slices[0])
			at = &(*at)->next;
		for (struct pane *p = *at, *next; p; p = next) {
			next = p->next;
			pane_free(w, p);
		}
		*at = NULL;
	}
	keys_sweep(w, d);
}

int fixed_close(struct windows *w, struct domain *d, int64_t until, struct error *err)
{
	while (d->next_ns <= until) {
		int64_t end_ns = d->next_ns;
		if (give_end(w, d, end_ns, false, err))
			return -1;
		if (end_ns > d->watermark_ns)
			d->watermark_ns = end_ns;
		drop(w, d, end_ns);
		d->next_ns = next_close(w, d, end_ns);
	}
	return 0;
}

int fixed_update(struct windows *w, struct domain *d, struct error *err)
{
	for (int64_t end_ns = d->next_ns; end_ns != TIME_END; end_ns = next_close(w, d, end_ns))
		if (give_end(w, d, end_ns, true, err))
			return -1;
	return 0;
}

int fixed_restored(struct windows *w, struct domain *d, const struct pane *p, struct error *err)
{
	return add_slice(w, d, p->start_ns, err);
}
