#include "lib/window/saved.h"

#include <string.h>
#include "lib/base/sha256.h"
#include "lib/window/saved_impl.h"
#include "lib/window/windows_impl.h"

#define PUT(out, x, err) buf_add(out, &(x), sizeof(x), err)

static int put_text(struct buf *out, const char *text, size_t n, struct error *err)
{
	uint64_t len = n;

	return PUT(out, len, err) || buf_add(out, text, n, err) ? -1 : 0;
}

static int put_domain(struct buf *out, const struct domain *d, struct error *err)
{
	uint8_t ticking = d->ticking;

	return PUT(out, d->watermark_ns, err) || PUT(out, d->restored_ns, err) ||
			       PUT(out, d->tick, err) || PUT(out, ticking, err)
		       ? -1
		       : 0;
}

static int put_held(const struct windows *w, struct buf *out, const struct held *h,
		    struct error *err)
{
	const struct windows_record *r = h->record;
	uint8_t known = r != NULL;

	if (PUT(out, h->time_ns, err) || PUT(out, h->device, err) || PUT(out, h->seq, err) ||
	    PUT(out, known, err))
		return -1;
	if (!r)
		return 0;
	if (PUT(out, r->offset, err) || PUT(out, r->line, err) ||
	    put_text(out, r->key, r->key_len, err) || put_text(out, r->text, r->text_len, err))
		return -1;
	for (size_t i = 0; i < w->aggregates->n_fields; i++) {
		uint8_t kind = (uint8_t)r->values[i].kind;
		if (PUT(out, r->values[i].x, err) || PUT(out, kind, err))
			return -1;
	}
	return 0;
}

static int put_source(const struct windows *w, struct buf *out, const struct windows_source *s,
		      struct error *err)
{
	const struct gate *g = &s->gate;
	uint8_t any = g->any;
	uint32_t run = g->run;
	uint64_t n_held = g->n_held;

	if (put_text(out, s->topic, strlen(s->topic), err) || PUT(out, s->partition, err) ||
	    put_domain(out, s->domain, err) || PUT(out, any, err) || PUT(out, g->newest_ns, err) ||
	    PUT(out, g->seq, err) || PUT(out, run, err) || PUT(out, g->run_device, err) ||
	    PUT(out, g->run_time_ns, err) || PUT(out, n_held, err))
		return -1;
	for (size_t i = 0; i < g->n_held; i++)
		if (put_held(w, out, &g->held[i], err))
			return -1;
	return 0;
}

static int put_pane(const struct windows *w, struct buf *out, const struct pane *p,
		    struct error *err)
{
	const struct session *x = (const struct session *)(const void *)p;

	return PUT(out, p->start_ns, err) ||
			       (!w->options.n_specs &&
				(PUT(out, x->end_ns, err) || PUT(out, x->offset, err))) ||
			       aggregates_save(w->aggregates, pane_cell(w, p), out, err)
		       ? -1
		       : 0;
}

/* Panes and sessions newest first. */
static int put_key(const struct windows *w, struct buf *out, const struct window_key *k,
		   struct error *err)
{
	uint64_t source = 0, n_panes = k->end - k->first;
	uint8_t changed = k->changed;

	while (w->sources[source] != k->source)
		source++;
	for (const struct pane *p = k->sessions; p; p = p->next)
		n_panes++;
	if (PUT(out, source, err) || put_text(out, k->bytes, k->len, err) ||
	    PUT(out, changed, err) || PUT(out, n_panes, err))
		return -1;
	for (size_t i = k->end; i > k->first; i--)
		if (put_pane(w, out, k->panes[i - 1], err))
			return -1;
	for (const struct pane *p = k->sessions; p; p = p->next)
		if (put_pane(w, out, p, err))
			return -1;
	return 0;
}

static int put_keys(const struct windows *w, struct buf *out, struct error *err)
{
	uint64_t n_keys = w->n_keys;

	if (PUT(out, n_keys, err))
		return -1;
	for (size_t i = 0; i < w->n_sources; i++) {
		const struct domain *d = w->sources[i]->domain;
		if (i && d == &w->common)
			break;
		for (size_t j = 0; j < d->n_keys; j++)
			if (put_key(w, out, d->keys[j], err))
				return -1;
	}
	return 0;
}

int windows_save(const struct windows *w, const struct windows_setting *settings, size_t n,
		 struct buf *out, struct error *err)
{
	uint32_t version = SAVED_VERSION, mark = SAVED_BYTE_ORDER;
	uint64_t n_settings = n, n_sources = w->n_sources;
	size_t begin = out->len;
	struct sha256 sha;

	if (buf_add(out, SAVED_MAGIC, SAVED_MAGIC_LEN, err) || PUT(out, version, err) ||
	    PUT(out, mark, err) || PUT(out, n_settings, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (put_text(out, settings[i].name, strlen(settings[i].name), err) ||
		    put_text(out, settings[i].text, strlen(settings[i].text), err))
			return -1;
	if (PUT(out, n_sources, err))
		return -1;
	for (size_t i = 0; i < w->n_sources; i++)
		if (put_source(w, out, w->sources[i], err))
			return -1;
	if (put_keys(w, out, err) || buf_reserve(out, SHA256_SIZE, err))
		return -1;
	sha256_init(&sha);
	sha256_update(&sha, out->data + begin, out->len - begin);
	sha256_final(&sha, (uint8_t *)out->data + out->len);
	out->len += SHA256_SIZE;
	return 0;
}
