/* Windows that last as long as a key's records follow each other. */
#include <stdlib.h>
#include "lib/window/windows_impl.h"

static struct session *of_pane(struct pane *p)
{
	return (struct session *)(void *)p;
}

/* The heap's i-th place is for x. */
static void place(struct domain *d, size_t i, struct due x)
{
	d->heap[i] = x;
	x.session->at = i;
}

/* Puts x at i or, as it is due earlier than those above, higher. */
static void rise(struct domain *d, size_t i, struct due x)
{
	for (; i && d->heap[(i - 1) / 2].ns > x.ns; i = (i - 1) / 2)
		place(d, i, d->heap[(i - 1) / 2]);
	place(d, i, x);
}

/* Puts x at i or, as it is due later than those below, deeper. */
static void sink(struct domain *d, size_t i, struct due x)
{
	for (size_t child; (child = 2 * i + 1) < d->n_heap; i = child) {
		if (child + 1 < d->n_heap && d->heap[child + 1].ns < d->heap[child].ns)
			child++;
		if (d->heap[child].ns >= x.ns)
			break;
		place(d, i, d->heap[child]);
	}
	place(d, i, x);
}

static void heap_looked(struct domain *d)
{
	d->next_ns = d->n_heap ? d->heap[0].ns : TIME_END;
}

static int heap_push(struct domain *d, struct session *x, struct error *err)
{
	if (MEM_GROW(&d->heap, &d->heap_cap, d->n_heap + 1, err))
		return -1;
	rise(d, d->n_heap++, (struct due){x->end_ns, x});
	heap_looked(d);
	return 0;
}

static void heap_remove(struct domain *d, const struct session *x)
{
	struct due last = d->heap[--d->n_heap];
	size_t i = x->at;

	if (last.session != x && i && d->heap[(i - 1) / 2].ns > last.ns)
		rise(d, i, last);
	else if (last.session != x)
		sink(d, i, last);
	heap_looked(d);
}

/* A key's sessions lie apart by the gap at least, newest first. */
static void link_behind(struct window_key *k, struct session *newer, struct session *x)
{
	struct pane **at = newer ? &newer->pane.next : &k->sessions;

	x->newer = newer;
	x->pane.next = *at;
	if (*at)
		of_pane(*at)->newer = x;
	*at = &x->pane;
}

static void unlink_from(struct window_key *k, struct session *x)
{
	*(x->newer ? &x->newer->pane.next : &k->sessions) = x->pane.next;
	if (x->pane.next)
		of_pane(x->pane.next)->newer = x->newer;
}

/* The newest session of a key that a record of this time touches or lies behind; *newer: the one
 * that is newer than that. */
static struct session *find(const struct windows *w, const struct window_key *k, int64_t time_ns,
			    struct session **newer)
{
	struct pane *p = k ? k->sessions : NULL;

	*newer = NULL;
	for (; p && p->start_ns - w->options.session_ns >= time_ns; p = p->next)
		*newer = of_pane(p);
	return p ? of_pane(p) : NULL;
}

static bool touched(const struct session *found, int64_t time_ns)
{
	return found && time_ns < found->end_ns;
}

/* Takes the next older session into x, which has come to touch it. */
static int take_older(struct windows *w, struct domain *d, struct window_key *k, struct session *x,
		      struct error *err)
{
	struct session *old = of_pane(x->pane.next);

	if (aggregates_merge(w->aggregates, pane_cell(w, &x->pane), pane_cell(w, &old->pane), err))
		return -1;
	x->pane.start_ns = old->pane.start_ns;
	if (old->offset < x->offset)
		x->offset = old->offset;
	heap_remove(d, old);
	unlink_from(k, old);
	pane_free(w, &old->pane);
	return 0;
}

static struct session *begin(struct windows *w, struct domain *d, struct window_key *k,
			     struct session *newer, const struct windows_record *r,
			     struct error *err)
{
	struct pane *p = pane_new(w, err);
	struct session *x = p ? of_pane(p) : NULL;

	if (!x)
		return NULL;
	x->pane.start_ns = r->time_ns;
	x->end_ns = r->time_ns + w->options.session_ns;
	x->offset = r->offset;
	x->key = k;
	if (heap_push(d, x, err)) {
		pane_free(w, p);
		return NULL;
	}
	link_behind(k, newer, x);
	return x;
}

int sessions_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 struct error *err)
{
	struct domain *d = s->domain;
	int64_t closed = d->watermark_ns, end = r->time_ns + w->options.session_ns;
	struct window_key *k;
	struct session *newer, *x;

	if (!w->replay && d->restored_ns > closed)
		closed = d->restored_ns;
	if (end <= closed && !touched(find(w, keys_look_up(w, r), r->time_ns, &newer), r->time_ns))
		return !w->replay || end > d->restored_ns;
	if (!(k = keys_find(w, s, r, err)))
		return -1;
	x = find(w, k, r->time_ns, &newer);
	if (!touched(x, r->time_ns) && !(x = begin(w, d, k, newer, r, err)))
		return -1;
	k->changed = true;
	if (r->time_ns < x->pane.start_ns)
		x->pane.start_ns = r->time_ns;
	if (end > x->end_ns)
		x->end_ns = end;
	if (r->offset < x->offset)
		x->offset = r->offset;
	/* It may lie less than the gap behind the one before, but not behind two. */
	if (touched(x->pane.next ? of_pane(x->pane.next) : NULL, r->time_ns) &&
	    take_older(w, d, k, x, err))
		return -1;
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

int sessions_close(struct windows *w, struct domain *d, int64_t until, struct error *err)
{
	size_t n = 0;

	while (d->next_ns <= until) {
		struct session *x = d->heap[0].session;
		if (x->end_ns > d->heap[0].ns) { /* it has grown since */
			sink(d, 0, (struct due){x->end_ns, x});
			heap_looked(d);
			continue;
		}
		if (MEM_GROW(&w->closing, &w->closing_cap, n + 1, err))
			return -1;
		heap_remove(d, x);
		w->closing[n++] = x;
		if (x->end_ns > d->watermark_ns)
			d->watermark_ns = x->end_ns;
	}
	int ret = give(w, d, n, false, err);

	for (size_t i = 0; i < n; i++) {
		struct session *x = w->closing[i];
		unlink_from(x->key, x);
		if (!x->key->sessions)
			keys_drop(w, d, x->key);
		pane_free(w, &x->pane);
	}
	return ret;
}

int sessions_update(struct windows *w, struct domain *d, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_keys; i++) {
		struct pane *p = d->keys[i]->changed ? d->keys[i]->sessions : NULL;
		for (; p; p = p->next) {
			if (MEM_GROW(&w->closing, &w->closing_cap, n + 1, err))
				return -1;
			w->closing[n++] = of_pane(p);
		}
	}
	return give(w, d, n, true, err);
}

int sessions_restored(struct domain *d, struct session *x, struct error *err)
{
	return heap_push(d, x, err);
}
