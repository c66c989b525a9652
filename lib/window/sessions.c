/* Windows that last as long as a key's records follow each other. */
#include <stdlib.h>
#include "lib/window/windows_impl.h"

static struct session *of_pane(struct pane *p)
{
	return (struct session *)(void *)p;
}

static void swap(struct domain *d, size_t i, size_t j)
{
	struct session *x = d->heap[i];

	d->heap[i] = d->heap[j];
	d->heap[j] = x;
}

static int heap_push(struct domain *d, struct session *x, struct error *err)
{
	if (MEM_GROW(&d->heap, &d->heap_cap, d->n_heap + 1, err))
		return -1;
	size_t i = d->n_heap++;
	d->heap[i] = x;
	x->due_ns = x->end_ns;
	for (; i && d->heap[(i - 1) / 2]->due_ns > d->heap[i]->due_ns; i = (i - 1) / 2)
		swap(d, i, (i - 1) / 2);
	d->next_ns = d->heap[0]->due_ns;
	return 0;
}

/* Puts the first where it belongs, now that it is due later. */
static void heap_sink(struct domain *d)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < d->n_heap; i = child) {
		if (child + 1 < d->n_heap && d->heap[child + 1]->due_ns < d->heap[child]->due_ns)
			child++;
		if (d->heap[child]->due_ns >= d->heap[i]->due_ns)
			break;
		swap(d, i, child);
	}
	d->next_ns = d->n_heap ? d->heap[0]->due_ns : TIME_END;
}

static struct session *heap_pop(struct domain *d)
{
	struct session *x = d->heap[0];

	d->heap[0] = d->heap[--d->n_heap];
	heap_sink(d);
	return x;
}

/* Takes every session that a record touches out of the key's list into one: NULL, there is none;
 * merged ones stay in the heap, as nobody's. */
static struct session *touched(struct windows *w, struct window_key *k, int64_t time_ns,
			       bool *failed, struct error *err)
{
	int64_t gap = w->options.session_ns;
	struct session *all = NULL;

	for (struct pane **at = &k->panes; *at;) {
		struct session *x = of_pane(*at);
		if (x->pane.start_ns - gap >= time_ns || time_ns >= x->end_ns) {
			at = &x->pane.next;
			continue;
		}
		*at = x->pane.next;
		if (!all) {
			all = x;
			continue;
		}
		*failed |= aggregates_merge(w->aggregates, pane_cell(w, &all->pane),
					    pane_cell(w, &x->pane), err) < 0;
		if (x->pane.start_ns < all->pane.start_ns)
			all->pane.start_ns = x->pane.start_ns;
		if (x->end_ns > all->end_ns)
			all->end_ns = x->end_ns;
		if (x->offset < all->offset)
			all->offset = x->offset;
		x->key = NULL;
	}
	return all;
}

static struct session *begin(struct windows *w, struct domain *d, const struct windows_record *r,
			     struct error *err)
{
	struct pane *p = pane_new(w, err);
	struct session *x = p ? of_pane(p) : NULL;

	if (!x)
		return NULL;
	x->pane.start_ns = r->time_ns;
	x->end_ns = r->time_ns + w->options.session_ns;
	x->offset = r->offset;
	if (heap_push(d, x, err)) {
		pane_free(w, p);
		return NULL;
	}
	return x;
}

static bool touches_any(const struct windows *w, const struct window_key *k, int64_t time_ns)
{
	for (struct pane *p = k ? k->panes : NULL; p; p = p->next)
		if (p->start_ns - w->options.session_ns < time_ns && time_ns < of_pane(p)->end_ns)
			return true;
	return false;
}

int sessions_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 struct error *err)
{
	struct domain *d = s->domain;
	int64_t closed = d->watermark_ns, end = r->time_ns + w->options.session_ns;
	bool failed = false;

	if (!w->replay && d->restored_ns > closed)
		closed = d->restored_ns;
	if (end <= closed && !touches_any(w, keys_look_up(w, r), r->time_ns))
		return !w->replay || end > d->restored_ns;
	struct window_key *k = keys_find(w, s, r, err);
	struct session *x = k ? touched(w, k, r->time_ns, &failed, err) : NULL;

	if (!k || failed || (!x && !(x = begin(w, d, r, err))))
		return -1;
	x->key = k;
	x->pane.next = k->panes;
	k->panes = &x->pane;
	k->changed = true;
	if (r->time_ns < x->pane.start_ns)
		x->pane.start_ns = r->time_ns;
	if (end > x->end_ns)
		x->end_ns = end;
	if (r->offset < x->offset)
		x->offset = r->offset;
	return aggregates_add(w->aggregates, pane_cell(w, &x->pane), r->time_ns, r->values, err);
}

static int by_end(const void *a, const void *b)
{
	const struct session *x = *(struct session *const *)a, *y = *(struct session *const *)b;

	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	if (x->pane.start_ns != y->pane.start_ns)
		return x->pane.start_ns < y->pane.start_ns ? -1 : 1;
	return key_order(x->key->bytes, x->key->len, y->key->bytes, y->key->len);
}

static int give(struct windows *w, const struct domain *d, size_t n, bool early, struct error *err)
{
	if (n)
		qsort(w->closing, n, sizeof(struct session *), by_end);
	for (size_t i = 0; i < n; i++) {
		const struct session *x = w->closing[i];
		struct windows_row row = {.start_ns = x->pane.start_ns,
					  .end_ns = x->end_ns,
					  .key = x->key->bytes,
					  .key_len = x->key->len,
					  .cell = pane_cell(w, &x->pane),
					  .early = early};
		if (windows_give(w, d, &row, err))
			return -1;
	}
	return 0;
}

static void forget(struct windows *w, struct session *x)
{
	for (struct pane **at = &x->key->panes; *at; at = &(*at)->next)
		if (*at == &x->pane) {
			*at = x->pane.next;
			break;
		}
	pane_free(w, &x->pane);
}

int sessions_close(struct windows *w, struct domain *d, int64_t until, struct error *err)
{
	size_t n = 0;

	while (d->next_ns <= until) {
		struct session *x = d->heap[0];
		if (x->key && x->end_ns > x->due_ns) { /* it has grown since */
			x->due_ns = x->end_ns;
			heap_sink(d);
			continue;
		}
		heap_pop(d);
		if (!x->key) {
			pane_free(w, &x->pane);
			continue;
		}
		if (MEM_GROW(&w->closing, &w->closing_cap, n + 1, err))
			return -1;
		w->closing[n++] = x;
		if (x->end_ns > d->watermark_ns)
			d->watermark_ns = x->end_ns;
	}
	if (!n)
		return 0;
	int ret = give(w, d, n, false, err);

	for (size_t i = 0; i < n; i++)
		forget(w, w->closing[i]);
	keys_sweep(w, d);
	return ret;
}

void sessions_clear(struct windows *w, const struct domain *d)
{
	for (size_t i = 0; i < d->n_heap; i++)
		if (!d->heap[i]->key)
			pane_free(w, &d->heap[i]->pane);
}

int sessions_update(struct windows *w, struct domain *d, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_keys; i++) {
		struct pane *p = d->keys[i]->changed ? d->keys[i]->panes : NULL;
		for (; p; p = p->next) {
			if (MEM_GROW(&w->closing, &w->closing_cap, n + 1, err))
				return -1;
			w->closing[n++] = of_pane(p);
		}
	}
	return give(w, d, n, true, err);
}

int sessions_restored(struct windows *w, struct domain *d, struct session *x, struct error *err)
{
	(void)w;
	return heap_push(d, x, err);
}
