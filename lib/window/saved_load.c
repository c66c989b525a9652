/* Windows out of the bytes of a file, of which nothing is taken on trust. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/sha256.h"
#include "lib/window/saved.h"
#include "lib/window/saved_impl.h"
#include "lib/window/windows_impl.h"

/* Where a suspect came from is not known any more. */
static const char held_by[] = "(held by --state)";

struct cursor {
	const char *p, *end;
	struct error *err;
};

static int damaged(const struct cursor *c)
{
	error_set(c->err, ERROR_DATA, "it is damaged");
	return -1;
}

static int get(struct cursor *c, void *to, size_t n)
{
	if ((size_t)(c->end - c->p) < n)
		return damaged(c);
	memcpy(to, c->p, n);
	c->p += n;
	return 0;
}

#define GET(c, x) get(c, &(x), sizeof(x))

static int get_text(struct cursor *c, const char **text, size_t *n)
{
	uint64_t len;

	if (GET(c, len))
		return -1;
	if (len > (size_t)(c->end - c->p))
		return damaged(c);
	*text = c->p;
	*n = (size_t)len;
	c->p += len;
	return 0;
}

static bool time_valid(int64_t ns)
{
	return ns >= -WINDOWS_MAX_TIME_NS && ns <= WINDOWS_MAX_TIME_NS;
}

static int get_domain(struct cursor *c, struct domain *d)
{
	uint8_t ticking;

	if (GET(c, d->watermark_ns) || GET(c, d->restored_ns) || GET(c, d->tick) || GET(c, ticking))
		return -1;
	if (d->watermark_ns > WINDOWS_MAX_TIME_NS + WINDOWS_MAX_NS)
		return damaged(c);
	d->ticking = ticking;
	return 0;
}

static int get_record(struct cursor *c, struct windows *w, struct gate *g, size_t n_key,
		      struct held *h)
{
	struct windows_record r = {.time_ns = h->time_ns, .file = held_by};
	struct aggregate_value *values;
	int ret = -1;

	if (GET(c, r.offset) || GET(c, r.line) || get_text(c, &r.key, &r.key_len) ||
	    get_text(c, &r.text, &r.text_len))
		return -1;
	if (!key_valid(r.key, r.key_len, n_key))
		return damaged(c);
	if (!(values = mem_alloc(w->aggregates->n_fields, sizeof(*values), c->err)))
		return -1;
	for (size_t i = 0; i < w->aggregates->n_fields; i++) {
		uint8_t kind;
		if (GET(c, values[i].x) || GET(c, kind))
			goto out;
		if (kind > AGGREGATE_TRUTH || !(fabs(values[i].x) <= AGGREGATE_MAX)) {
			damaged(c);
			goto out;
		}
		values[i].kind = kind;
	}
	r.values = values;
	ret = gate_hold(w, g, &r, h->device, c->err);
	if (!ret)
		g->held[g->n_held - 1].seq = h->seq;
out:
	free(values);
	return ret;
}

static int get_held(struct cursor *c, struct windows *w, struct gate *g, size_t n_key)
{
	struct held h = {.record = NULL};
	uint8_t known;

	if (GET(c, h.time_ns) || GET(c, h.device) || GET(c, h.seq) || GET(c, known))
		return -1;
	if (!time_valid(h.time_ns))
		return damaged(c);
	if (known)
		return get_record(c, w, g, n_key, &h);
	if (MEM_GROW(&g->held, &g->held_cap, g->n_held + 1, c->err))
		return -1;
	g->held[g->n_held++] = h;
	return 0;
}

static int get_source(struct cursor *c, struct windows *w, size_t n_key)
{
	struct windows_source *s;
	struct domain d;
	const char *topic;
	size_t topic_len, n_sources = w->n_sources;
	int32_t partition;
	uint64_t n_held;
	uint32_t run;
	uint8_t any;

	if (get_text(c, &topic, &topic_len) || GET(c, partition) || get_domain(c, &d))
		return -1;
	if (memchr(topic, 0, topic_len))
		return damaged(c);
	if (!(s = windows_source(w, topic, topic_len, partition, c->err)))
		return -1;
	struct gate *g = &s->gate;
	if (GET(c, any) || GET(c, g->newest_ns) || GET(c, g->seq) || GET(c, run) ||
	    GET(c, g->run_device) || GET(c, g->run_time_ns) || GET(c, n_held))
		return -1;
	if (w->n_sources == n_sources || (any && !time_valid(g->newest_ns)) ||
	    (run && !time_valid(g->run_time_ns)))
		return damaged(c);
	g->any = any;
	g->run = run;
	s->domain->watermark_ns = d.watermark_ns;
	s->domain->restored_ns = d.restored_ns;
	s->domain->tick = d.tick;
	s->domain->ticking = d.ticking;
	for (; n_held; n_held--)
		if (get_held(c, w, g, n_key))
			return -1;
	return 0;
}

static bool pane_valid(const struct windows *w, const struct pane *p, const struct pane *newer)
{
	const struct session *x = (const struct session *)(const void *)p;
	int64_t last_ns, end_ns;

	if (p->start_ns > WINDOWS_MAX_TIME_NS)
		return false;
	if (w->options.n_specs) {
		end_ns = time_add(p->start_ns, w->pane_ns);
		last_ns = end_ns - 1;
	} else {
		end_ns = x->end_ns;
		last_ns = time_add(end_ns, -w->options.session_ns);
	}
	return time_valid(last_ns) && last_ns >= p->start_ns &&
	       (!newer || end_ns <= newer->start_ns) &&
	       (w->options.n_specs ? time_floor(p->start_ns, w->pane_ns) == p->start_ns
				   : time_valid(p->start_ns));
}

/* The key's next pane, behind the one before it (NULL: it is the first). */
static struct pane *get_pane(struct cursor *c, struct windows *w, struct window_key *k,
			     struct pane *newer)
{
	bool sessions = !w->options.n_specs;
	struct pane *p = pane_new(w, c->err);
	struct session *x = (struct session *)(void *)p;
	struct domain *d = k->source->domain;

	if (!p)
		return NULL;
	if (GET(c, p->start_ns) || (sessions && (GET(c, x->end_ns) || GET(c, x->offset))) ||
	    aggregates_load(w->aggregates, pane_cell(w, p), &c->p, c->end, c->err))
		return NULL;
	if (!pane_valid(w, p, newer)) {
		damaged(c);
		return NULL;
	}
	if (!sessions)
		return fixed_restored(w, d, k, p, c->err) ? NULL : p;
	*(newer ? &newer->next : &k->sessions) = p;
	x->key = k;
	x->newer = (struct session *)(void *)newer;
	return sessions_restored(d, x, c->err) ? NULL : p;
}

static int get_key(struct cursor *c, struct windows *w, size_t n_key)
{
	struct windows_record r = {.time_ns = 0};
	struct pane *pane = NULL;
	uint64_t source, n_panes;
	size_t n_keys = w->n_keys;
	uint8_t changed;

	if (GET(c, source) || get_text(c, &r.key, &r.key_len) || GET(c, changed) || GET(c, n_panes))
		return -1;
	if (source >= w->n_sources || !key_valid(r.key, r.key_len, n_key) || !n_panes)
		return damaged(c);
	struct window_key *k = keys_find(w, w->sources[source], &r, c->err);
	if (!k)
		return -1;
	if (w->n_keys == n_keys)
		return damaged(c);
	k->changed = changed;
	for (; n_panes; n_panes--)
		if (!(pane = get_pane(c, w, k, pane)))
			return -1;
	return 0;
}

static int check_settings(struct cursor *c, const struct windows_setting *settings, size_t n)
{
	uint64_t n_settings;
	const char *name, *text;
	size_t name_len, text_len;

	if (GET(c, n_settings))
		return -1;
	if (n_settings != n)
		return error_set(c->err, ERROR_CONFIG, "it is of another version of window-agg");
	for (size_t i = 0; i < n; i++) {
		if (get_text(c, &name, &name_len) || get_text(c, &text, &text_len))
			return -1;
		if (name_len != strlen(settings[i].name) ||
		    memcmp(name, settings[i].name, name_len) != 0)
			return error_set(c->err, ERROR_CONFIG,
					 "it is of another version of window-agg");
		if (text_len != strlen(settings[i].text) ||
		    memcmp(text, settings[i].text, text_len) != 0)
			return error_set(c->err, ERROR_CONFIG,
					 "it was made with %s '%.*s', not '%s'", settings[i].name,
					 text_len < 100 ? (int)text_len : 100, text,
					 settings[i].text);
	}
	return 0;
}

static int check_whole(struct cursor *c)
{
	uint8_t digest[SHA256_SIZE];
	uint32_t version = 0, mark = 0;
	struct sha256 sha;

	if ((size_t)(c->end - c->p) <
		    SAVED_MAGIC_LEN + sizeof(version) + sizeof(mark) + SHA256_SIZE ||
	    memcmp(c->p, SAVED_MAGIC, SAVED_MAGIC_LEN) != 0)
		return error_set(c->err, ERROR_DATA, "it is no state of windows");
	c->end -= SHA256_SIZE;
	sha256_init(&sha);
	sha256_update(&sha, c->p, (size_t)(c->end - c->p));
	sha256_final(&sha, digest);
	if (memcmp(digest, c->end, SHA256_SIZE) != 0)
		return damaged(c);
	c->p += SAVED_MAGIC_LEN;
	if (GET(c, version) || GET(c, mark))
		return -1;
	if (version != SAVED_VERSION || mark != SAVED_BYTE_ORDER)
		return error_set(c->err, ERROR_CONFIG,
				 "it is of another version of window-agg, or another machine");
	return 0;
}

int windows_load(struct windows *w, const struct windows_setting *settings, size_t n, size_t n_key,
		 const char *bytes, size_t len, struct error *err)
{
	struct cursor c = {.p = bytes, .end = bytes + len, .err = err};
	uint64_t n_sources, n_keys;

	if (check_whole(&c) || check_settings(&c, settings, n) || GET(&c, n_sources))
		return -1;
	for (; n_sources; n_sources--)
		if (get_source(&c, w, n_key))
			return -1;
	if (GET(&c, n_keys))
		return -1;
	for (; n_keys; n_keys--)
		if (get_key(&c, w, n_key))
			return -1;
	return c.p == c.end ? 0 : damaged(&c);
}
