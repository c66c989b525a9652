#include "lib/window/offsets.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/record/members.h"
#include "lib/window/offsets_impl.h"

#define MAX_CHECKPOINTS 32
#define STATE_DEPTH 5 /* record, _kafka, ranges, one of these, state */

void checkpoints_clear(struct windows_source *s)
{
	for (size_t i = 0; i < s->n_checkpoints; i++)
		gate_clear(&s->checkpoints[i].gate);
	s->n_checkpoints = 0;
}

static void remove_checkpoints(struct windows_source *s, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		gate_clear(&s->checkpoints[i].gate);
	s->n_checkpoints -= n;
	memmove(&s->checkpoints[at], &s->checkpoints[at + n],
		(s->n_checkpoints - at) * sizeof(*s->checkpoints));
}

/* Makes one of the two that lie closest to each other, by the offsets they cover. */
static void thin_out(struct windows_source *s)
{
	const struct checkpoint *c = s->checkpoints;
	size_t best = 1;

	for (size_t i = 1; i + 1 < s->n_checkpoints; i++)
		if (c[i + 1].offset - c[i - 1].offset < c[best + 1].offset - c[best - 1].offset)
			best = i;
	if (c[best].reach_ns > c[best - 1].reach_ns)
		s->checkpoints[best - 1].reach_ns = c[best].reach_ns;
	remove_checkpoints(s, best, 1);
}

/* The gate as it is, without the records it holds. */
static int copy_gate(struct gate *to, const struct gate *from, struct error *err)
{
	struct held *held = to->held;
	size_t cap = to->held_cap;

	if (from->n_held && MEM_GROW(&held, &cap, from->n_held, err))
		return -1;
	*to = *from;
	to->held = held;
	to->held_cap = cap;
	for (size_t i = 0; i < from->n_held; i++) {
		held[i] = from->held[i];
		held[i].record = NULL;
	}
	return 0;
}

/* A checkpoint at `offset`, where the source stands now. */
static int add_checkpoint(struct windows_source *s, int64_t offset, struct error *err)
{
	struct checkpoint *c;

	if (!s->n_checkpoints || s->checkpoints[s->n_checkpoints - 1].offset != offset) {
		if (s->n_checkpoints == MAX_CHECKPOINTS)
			thin_out(s);
		if (MEM_GROW(&s->checkpoints, &s->checkpoints_cap, s->n_checkpoints + 1, err))
			return -1;
		s->checkpoints[s->n_checkpoints++] =
			(struct checkpoint){.offset = offset, .reach_ns = TIME_NEVER};
	}
	c = &s->checkpoints[s->n_checkpoints - 1];
	c->closed_ns = s->domain->watermark_ns;
	return copy_gate(&c->gate, &s->gate, err);
}

void checkpoints_reach_back(struct windows_source *s, int64_t offset, int64_t end_ns)
{
	size_t i = s->n_checkpoints - 1;

	while (i && s->checkpoints[i].offset > offset)
		i--;
	if (end_ns > s->checkpoints[i].reach_ns)
		s->checkpoints[i].reach_ns = end_ns;
}

bool offsets_replays(const struct windows_source *s, int64_t offset)
{
	return s->assigned && offset < s->processed;
}

bool offsets_replaying(const struct windows *w)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		const struct windows_source *s = w->sources[i];
		if (s->assigned && s->replaying && s->last < s->processed - 1)
			return true;
	}
	return false;
}

bool offsets_take(struct windows_source *s, int64_t offset, bool *replay)
{
	*replay = offsets_replays(s, offset);
	if (s->assigned && offset < s->from)
		return false;
	s->last = offset;
	return true;
}

/* The oldest offset of a suspect, or of a session of the source; INT64_MAX: there is none. */
static int64_t oldest_needed(const struct windows *w, const struct windows_source *s)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < s->gate.n_held; i++) {
		const struct windows_record *r = s->gate.held[i].record;
		if (r && r->offset < oldest)
			oldest = r->offset;
	}
	for (size_t i = 0; !w->options.n_specs && i < s->domain->n_keys; i++)
		for (struct pane *p = s->domain->keys[i]->sessions; p; p = p->next) {
			int64_t offset = ((struct session *)(void *)p)->offset;
			oldest = offset < oldest ? offset : oldest;
		}
	return oldest;
}

static int64_t closed_until(const struct domain *d)
{
	return d->watermark_ns > d->restored_ns ? d->watermark_ns : d->restored_ns;
}

/* The first checkpoint that is needed. The last one always is. */
static size_t first_needed(const struct windows *w, const struct windows_source *s)
{
	int64_t oldest = oldest_needed(w, s), closed = closed_until(s->domain);
	size_t i = 0;

	while (i + 1 < s->n_checkpoints && s->checkpoints[i].reach_ns <= closed &&
	       s->checkpoints[i + 1].offset <= oldest)
		i++;
	return i;
}

/* Takes note that all before `to` has come. */
static int settle(struct windows *w, struct windows_source *s, int64_t to, struct error *err)
{
	struct checkpoint *last = &s->checkpoints[s->n_checkpoints - 1];

	/* Where a replay ends nobody says; the last offsets may have no record. */
	if (s->replaying && to <= s->processed && s->last < s->processed - 1)
		return 0;
	s->replaying = false;
	if (s->reach_ns > last->reach_ns)
		last->reach_ns = s->reach_ns;
	s->reach_ns = TIME_NEVER;
	if (add_checkpoint(s, to, err))
		return -1;
	remove_checkpoints(s, 0, first_needed(w, s));
	return 0;
}

static int add_time(struct buf *out, const char *name, bool any, int64_t ns, struct error *err)
{
	return any ? buf_printf(out, err, ",\"%s\":%lld", name, (long long)ns)
		   : buf_printf(out, err, ",\"%s\":null", name);
}

static int add_gate(const struct gate *g, struct buf *out, struct error *err)
{
	if (add_time(out, "newest", g->any, g->newest_ns, err))
		return -1;
	if (g->run && buf_printf(out, err, ",\"run\":[%u,%lld,%lld]", g->run,
				 (long long)g->run_device, (long long)g->run_time_ns))
		return -1;
	for (size_t i = 0; i < g->n_held; i++)
		if (buf_printf(out, err, "%s[%lld,%lld,%llu]", i ? "," : ",\"held\":[",
			       (long long)g->held[i].time_ns, (long long)g->held[i].device,
			       (unsigned long long)(g->seq - g->held[i].seq)))
			return -1;
	return g->n_held ? buf_add(out, "]", 1, err) : 0;
}

/* Up to where what comes behind the checkpoint was late already; TIME_NEVER: as the newest event
 * says. */
static int64_t ahead_of_newest(const struct windows *w, const struct checkpoint *c)
{
	const struct gate *g = &c->gate;

	if (w->options.single || c->closed_ns == TIME_NEVER ||
	    (g->any && c->closed_ns <= time_add(g->newest_ns, -w->options.lateness_ns)))
		return TIME_NEVER;
	return c->closed_ns;
}

int offsets_mark(struct windows *w, struct windows_source *s, int64_t to, struct buf *own,
		 int64_t *replay_from, struct error *err)
{
	int64_t closed = closed_until(s->domain), ahead;

	if (settle(w, s, to, err))
		return -1;
	const struct checkpoint *c = &s->checkpoints[0];

	*replay_from = c->offset < to ? c->offset : -1;
	s->told = to;
	s->moved = false;
	if (buf_printf(own, err, "{\"windows\":%u,\"from\":%lld", w->shape, (long long)c->offset) ||
	    add_time(own, "watermark", closed != TIME_NEVER, closed, err) ||
	    add_gate(&c->gate, own, err))
		return -1;
	if ((ahead = ahead_of_newest(w, c)) != TIME_NEVER &&
	    add_time(own, "closed", true, ahead, err))
		return -1;
	return buf_add(own, "}", 1, err);
}

static int wrong(struct error *err, const char *name)
{
	return error_set(err, ERROR_CONFIG, "state of 'window-agg': '%s' is not as it writes it",
			 name);
}

static bool time_valid(int64_t ns)
{
	return ns >= -WINDOWS_MAX_TIME_NS && ns <= WINDOWS_MAX_TIME_NS;
}

static int read_int(const struct value *v, int64_t *n)
{
	return v->kind == VALUE_NUMBER ? number_read_int(v->text, v->text + v->len, n) : -1;
}

/* [a, b, c] */
static int read_three(const struct value *v, int64_t n[3])
{
	struct value ignored, x;
	size_t i = 0;

	if (v->kind != VALUE_ARRAY)
		return -1;
	for (struct members m = members_of(v); members_next(&m, &ignored, &x); i++)
		if (i == 3 || read_int(&x, &n[i]))
			return -1;
	return i == 3 ? 0 : -1;
}

static int read_held(struct gate *g, const struct value *v, struct error *err)
{
	struct value ignored, x;
	int64_t n[3];

	if (v->kind != VALUE_ARRAY)
		return wrong(err, "held");
	for (struct members m = members_of(v); members_next(&m, &ignored, &x);) {
		if (read_three(&x, n) || !time_valid(n[0]) || n[2] < 0 || n[2] > WINDOWS_PATIENCE ||
		    g->n_held > WINDOWS_PATIENCE)
			return wrong(err, "held");
		if (MEM_GROW(&g->held, &g->held_cap, g->n_held + 1, err))
			return -1;
		g->held[g->n_held++] = (struct held){
			.time_ns = n[0], .device = (uint64_t)n[1], .seq = g->seq - (uint64_t)n[2]};
	}
	return 0;
}

static int check_shape(const struct windows *w, const struct value *v, struct error *err)
{
	int64_t shape;

	if (read_int(v, &shape))
		return wrong(err, "windows");
	if (shape != w->shape)
		return error_set(err, ERROR_CONFIG,
				 "the state of 'window-agg' is of windows of other sizes, slides "
				 "or gap: go on with those, or begin with a new group");
	return 0;
}

static int read_member(const struct windows *w, struct windows_source *s, const struct value *name,
		       const struct value *v, int64_t *watermark_ns, int64_t *closed_ns,
		       struct error *err)
{
	struct gate *g = &s->gate;
	int64_t n[3];

	if (member_is(name, "windows"))
		return check_shape(w, v, err);
	if (member_is(name, "from"))
		return read_int(v, &s->from) || s->from < 0 || s->from > s->processed
			       ? wrong(err, "from")
			       : 0;
	if (member_is(name, "watermark") && v->kind != VALUE_NULL)
		return read_int(v, watermark_ns) ? wrong(err, "watermark") : 0;
	if (member_is(name, "closed"))
		return read_int(v, closed_ns) ? wrong(err, "closed") : 0;
	if (member_is(name, "newest") && v->kind != VALUE_NULL) {
		g->any = true;
		return read_int(v, &g->newest_ns) || !time_valid(g->newest_ns)
			       ? wrong(err, "newest")
			       : 0;
	}
	if (member_is(name, "run")) {
		if (read_three(v, n) || n[0] < 1 || n[0] >= WINDOWS_RUN || !time_valid(n[2]))
			return wrong(err, "run");
		g->run = (unsigned)n[0];
		g->run_device = (uint64_t)n[1];
		g->run_time_ns = n[2];
	}
	return member_is(name, "held") ? read_held(g, v, err) : 0;
}

static int read_state(const struct windows *w, struct windows_source *s, const char *own,
		      size_t len, int64_t *watermark_ns, int64_t *closed_ns, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct value object, name, v;
	int ret = members_scan(own, len, STATE_DEPTH, &copy, &object, err);

	s->gate.seq = WINDOWS_PATIENCE + 1; /* so that what came before has numbers, too */
	if (!ret)
		for (struct members m = members_of(&object); !ret && members_next(&m, &name, &v);)
			ret = read_member(w, s, &name, &v, watermark_ns, closed_ns, err);
	buf_release(&copy);
	return ret;
}

int offsets_assign(struct windows *w, struct windows_source *s, int64_t processed, const char *own,
		   size_t len, struct error *err)
{
	struct domain *d = s->domain;
	int64_t watermark_ns = TIME_NEVER, closed_ns = TIME_NEVER;

	s->assigned = true;
	s->from = s->processed = s->told = processed;
	s->last = -1;
	if (len && read_state(w, s, own, len, &watermark_ns, &closed_ns, err))
		return -1;
	s->replaying = s->from < processed;
	if (watermark_ns > d->restored_ns)
		d->restored_ns = watermark_ns;
	if (!w->options.single) {
		int64_t newest_ns = s->gate.any
					    ? time_add(s->gate.newest_ns, -w->options.lateness_ns)
					    : TIME_NEVER;
		d->watermark_ns = newest_ns > closed_ns ? newest_ns : closed_ns;
		if (s->gate.any && w->options.early_ns) {
			d->tick = time_floor(s->gate.newest_ns, w->options.early_ns);
			d->ticking = true;
		}
	}
	return add_checkpoint(s, s->from, err);
}

struct windows_source *offsets_untold(struct windows *w, int64_t *to)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		struct windows_source *s = w->sources[i];
		if (s->assigned && s->moved) {
			*to = s->told;
			return s;
		}
	}
	return NULL;
}

bool offsets_assigned(const struct windows_source *s)
{
	return s->assigned;
}

int64_t offsets_from(const struct windows_source *s)
{
	return s->from;
}

void offsets_leave(struct windows_source *s)
{
	s->assigned = false;
}

const struct windows_source *offsets_any(const struct windows *w)
{
	for (size_t i = 0; i < w->n_sources; i++)
		if (w->sources[i]->assigned)
			return w->sources[i];
	return NULL;
}

const char *offsets_topic(const struct windows_source *s, int32_t *partition)
{
	*partition = s->partition;
	return s->topic;
}
