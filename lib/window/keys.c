#include <stdlib.h>
#include <string.h>
#include "lib/window/windows_impl.h"

static bool is_key(const struct window_key *k, uint64_t hash, const struct windows_record *r)
{
	return k->hash == hash && k->len == r->key_len &&
	       (!k->len || !memcmp(k->bytes, r->key, k->len));
}

static void put(struct windows *w, struct window_key *k)
{
	size_t i = k->hash & (w->table_size - 1);

	while (w->table[i].key)
		i = (i + 1) & (w->table_size - 1);
	w->table[i] = (struct key_slot){k->hash, k};
}

static int grow(struct windows *w, struct error *err)
{
	struct key_slot *old = w->table;
	size_t old_size = w->table_size, size = old_size ? old_size * 2 : 64;
	struct key_slot *table = mem_alloc(size, sizeof(*table), err);

	if (!table)
		return -1;
	w->table = table;
	w->table_size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].key)
			put(w, old[i].key);
	free(old);
	return 0;
}

static struct window_key *make(struct windows *w, struct windows_source *s,
			       const struct windows_record *r, uint64_t hash, struct error *err)
{
	struct domain *d = s->domain;
	struct window_key *k;

	if (w->n_keys >= w->options.max_keys) {
		error_set(err, ERROR_UNAVAILABLE,
			  "there are more than %llu keys at once: raise '--max-keys', which costs "
			  "memory, or choose a coarser key",
			  (unsigned long long)w->options.max_keys);
		return NULL;
	}
	if ((w->n_keys * 2 >= w->table_size && grow(w, err)) ||
	    MEM_GROW(&d->keys, &d->keys_cap, d->n_keys + 1, err) ||
	    !(k = mem_alloc(1, sizeof(*k) + r->key_len, err)))
		return NULL;
	k->hash = hash;
	k->source = s;
	k->len = r->key_len;
	if (k->len)
		memcpy(k->bytes, r->key, k->len);
	put(w, k);
	w->n_keys++;
	if (w->n_keys > w->peak_keys)
		w->peak_keys = w->n_keys;
	k->at = d->n_keys;
	d->keys[d->n_keys++] = k;
	return k;
}

static struct window_key *in_two(const struct window_key *k, const struct windows_source *s,
				 struct error *err)
{
	struct buf name = BUF_INIT;

	if (!key_describe(k->bytes, k->len, &name, err))
		error_set(err, ERROR_DATA,
			  "key '%.100s' is in partition %d of topic '%s' and in partition %d of "
			  "'%s': topics must be partitioned by the window's key, or all read by "
			  "one consumer, with '--single'",
			  name.data, (int)k->source->partition, k->source->topic, (int)s->partition,
			  s->topic);
	buf_release(&name);
	return NULL;
}

static struct window_key *look_up(struct windows *w, const struct windows_record *r, uint64_t hash)
{
	if (w->last_key && is_key(w->last_key, hash, r))
		return w->last_key;
	for (size_t i = hash; w->table_size; i++) {
		const struct key_slot *slot = &w->table[i & (w->table_size - 1)];
		if (!slot->key)
			break;
		if (slot->hash == hash && is_key(slot->key, hash, r))
			return w->last_key = slot->key;
	}
	return NULL;
}

struct window_key *keys_look_up(struct windows *w, const struct windows_record *r)
{
	return look_up(w, r, key_hash(r->key, r->key_len));
}

struct window_key *keys_find(struct windows *w, struct windows_source *s,
			     const struct windows_record *r, struct error *err)
{
	uint64_t hash = key_hash(r->key, r->key_len);
	struct window_key *k = look_up(w, r, hash);

	if (!k)
		return w->last_key = make(w, s, r, hash, err);
	if (k->source != s && !w->options.single)
		return in_two(k, s, err);
	return k;
}

static int by_key(const void *a, const void *b)
{
	const struct window_key *const *x = a, *const *y = b;

	return key_order((*x)->bytes, (*x)->len, (*y)->bytes, (*y)->len);
}

int keys_sort(struct domain *d, struct error *err)
{
	size_t n = d->n_keys - d->n_sorted, i = d->n_sorted, at = d->n_keys;
	struct window_key **new;

	if (!n)
		return 0;
	if (!(new = mem_alloc(n, sizeof(*new), err)))
		return -1;
	memcpy(new, d->keys + d->n_sorted, n * sizeof(*new));
	qsort(new, n, sizeof(*new), by_key);
	while (n)
		if (i && by_key(&d->keys[i - 1], &new[n - 1]) > 0)
			d->keys[--at] = d->keys[--i];
		else
			d->keys[--at] = new[--n];
	free(new);
	d->n_sorted = d->n_keys;
	return 0;
}

/* Takes a key out of the table; what came behind it for want of its place moves up. */
static void take_out(struct windows *w, const struct window_key *k)
{
	size_t mask = w->table_size - 1, i = k->hash & mask, j;

	while (w->table[i].key != k)
		i = (i + 1) & mask;
	for (j = (i + 1) & mask; w->table[j].key; j = (j + 1) & mask)
		if (((j - w->table[j].hash) & mask) >= ((j - i) & mask)) {
			w->table[i] = w->table[j];
			i = j;
		}
	w->table[i].key = NULL;
	w->n_keys--;
}

/* What no domain has any more. */
static void forget(struct windows *w, struct window_key *k)
{
	if (w->last_key == k)
		w->last_key = NULL;
	take_out(w, k);
	free(k->panes);
	free(k);
}

void keys_drop(struct windows *w, struct domain *d, struct window_key *k)
{
	struct window_key *last = d->keys[--d->n_keys];

	d->keys[k->at] = last;
	last->at = k->at;
	forget(w, k);
}

void keys_sweep(struct windows *w, struct domain *d)
{
	size_t n = 0, n_sorted = 0;

	for (size_t i = 0; i < d->n_keys; i++) {
		struct window_key *k = d->keys[i];
		if (k->end > k->first) {
			n_sorted += i < d->n_sorted;
			d->keys[n++] = k;
			continue;
		}
		forget(w, k);
	}
	d->n_keys = n;
	d->n_sorted = n_sorted;
}

void keys_clear(struct windows *w)
{
	for (size_t i = 0; i < w->table_size; i++) {
		struct window_key *k = w->table[i].key;
		if (!k)
			continue;
		for (size_t j = k->first; j < k->end; j++)
			pane_free(w, k->panes[j]);
		for (struct pane *p = k->sessions, *next; p; p = next) {
			next = p->next;
			pane_free(w, p);
		}
		free(k->panes);
		free(k);
		w->table[i].key = NULL;
	}
	w->n_keys = 0;
	w->last_key = NULL;
}
