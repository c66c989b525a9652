/* Windows of a fixed size, tumbling or sliding, out of panes. */
#include <string.h>
#include "lib/window/offsets_impl.h"
#include "lib/window/windows_impl.h"

#define KEY_PANES 2 /* places a key begins with: one that fills, and one that is late */

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
	size_t from = d->first_slice, to = d->end_slice;

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
	int64_t first = d->first_slice < d->end_slice
				? time_floor(d->slices[d->first_slice] - x->size_ns, x->slide_ns) +
					  x->slide_ns + x->size_ns
				: TIME_END;

	if (from < first || first == TIME_END)
		return first;
	int64_t end = time_floor(from - x->size_ns, x->slide_ns) + x->slide_ns + x->size_ns;
	size_t i = find_slice(d, end - x->size_ns);

	if (i == d->end_slice)
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

	if (i < d->end_slice && d->slices[i] == start_ns)
		return 0;
	if (MEM_GROW(&d->slices, &d->slices_cap, d->end_slice + 1, err))
		return -1;
	memmove(d->slices + i + 1, d->slices + i, (d->end_slice - i) * sizeof(*d->slices));
	d->slices[i] = start_ns;
	d->end_slice++;
	d->next_ns = next_close(w, d, d->watermark_ns);
	return 0;
}

/* The key's first pane that begins at start_ns or behind it. */
static size_t find_pane(const struct window_key *k, int64_t start_ns)
{
	size_t from = k->first, to = k->end;

	if (from < to && k->panes[from]->start_ns >= start_ns) /* windows close there */
		return from;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (k->panes[middle]->start_ns < start_ns)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static int put_pane(struct window_key *k, size_t i, struct pane *p, struct error *err)
{
	if (!k->panes && !(k->panes = mem_alloc(KEY_PANES, sizeof(struct pane *), err)))
		return -1;
	if (!k->panes_cap)
		k->panes_cap = KEY_PANES;
	if (MEM_GROW(&k->panes, &k->panes_cap, k->end + 1, err))
		return -1;
	memmove(k->panes + i + 1, k->panes + i, (k->end - i) * sizeof(struct pane *));
	k->panes[i] = p;
	k->end++;
	return 0;
}

/* The key's pane that begins at start_ns, made if need be. */
static struct pane *reach(struct windows *w, struct domain *d, struct window_key *k,
			  int64_t start_ns, struct error *err)
{
	struct pane *p = k->end > k->first ? k->panes[k->end - 1] : NULL;
	size_t i;

	if (p && p->start_ns == start_ns)
		return p;
	i = find_pane(k, start_ns);
	if (i < k->end && k->panes[i]->start_ns == start_ns)
		return k->panes[i];
	if (add_slice(w, d, start_ns, err) || !(p = pane_new(w, err)))
		return NULL;
	p->start_ns = start_ns;
	return put_pane(k, i, p, err) ? NULL : p;
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

	for (size_t i = find_pane(k, start_ns); i < k->end; i++) {
		const struct pane *p = k->panes[i];
		if (p->start_ns >= end_ns)
			break;
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

/* Moves what is left of an array, [first, end), to its begin, once that is no more than what has
 * gone: each element is moved less than once for one that goes. */
static void move_up(void *array, size_t size, size_t *first, size_t *end)
{
	size_t n = *end - *first;

	if (!*first || n > *first)
		return;
	memmove(array, (char *)array + *first * size, n * size);
	*first = 0;
	*end = n;
}

/* Frees the panes that lie in no window any more, and the keys without panes. */
static void drop(struct windows *w, struct domain *d, int64_t closed_ns)
{
	size_t first = d->first_slice;

	while (d->first_slice < d->end_slice && last_end(w, d->slices[d->first_slice]) <= closed_ns)
		d->first_slice++;
	if (d->first_slice == first)
		return;
	int64_t kept_ns = d->first_slice < d->end_slice ? d->slices[d->first_slice] : TIME_END;

	move_up(d->slices, sizeof(*d->slices), &d->first_slice, &d->end_slice);
	for (size_t i = 0; i < d->n_keys; i++) {
		struct window_key *k = d->keys[i];
		while (k->first < k->end && k->panes[k->first]->start_ns < kept_ns)
			pane_free(w, k->panes[k->first++]);
		move_up(k->panes, sizeof(*k->panes), &k->first, &k->end);
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

int fixed_restored(struct windows *w, struct domain *d, struct window_key *k, struct pane *p,
		   struct error *err)
{
	return add_slice(w, d, p->start_ns, err) || put_pane(k, find_pane(k, p->start_ns), p, err)
		       ? -1
		       : 0;
}
