#include "lib/sim/faults_impl.h"

#include <stdlib.h>

/* Streams of the seed that no sensor has. */
#define STREAM(i) (UINT64_MAX - (uint64_t)(i))

struct held {
	int64_t due_ns, time_ns;
	uint64_t order; /* of those due at one time, the first taken is the first out */
	struct buf line;
};

struct faults {
	struct faults_options o;
	struct faults_counts n;
	struct rng duplicate, late, shuffle, corrupt;
	struct held *held; /* a heap, the one due first on top; lines behind n_held are spare */
	size_t n_held, cap_held, n_lines;
	int64_t newest_ns; /* that went on to be shuffled */
	bool any;
	struct buf *group; /* [shuffle] */
	size_t n_group;
};

struct faults *faults_new(const struct faults_options *o, struct error *err)
{
	struct faults *f = mem_alloc(1, sizeof(*f), err);

	if (!f)
		return NULL;
	f->o = *o;
	rng_init(&f->duplicate, o->seed, STREAM(0));
	rng_init(&f->late, o->seed, STREAM(1));
	rng_init(&f->shuffle, o->seed, STREAM(2));
	rng_init(&f->corrupt, o->seed, STREAM(3));
	f->group = mem_alloc(o->shuffle, sizeof(*f->group), err);
	if (f->group)
		return f;
	free(f);
	return NULL;
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_lines; i++)
		buf_release(&f->held[i].line);
	for (size_t i = 0; i < f->o.shuffle; i++)
		buf_release(&f->group[i]);
	free(f->held);
	free(f->group);
	free(f);
}

const struct faults_counts *faults_counts(const struct faults *f)
{
	return &f->n;
}

static int write_line(struct faults *f, const char *line, size_t len, struct buf *out,
		      struct error *err)
{
	bool damaged = rng_uniform(&f->corrupt) < f->o.corrupt && f->n.lines > 0;
	int how;

	f->n.lines++;
	if (!damaged)
		return buf_add(out, line, len, err);
	how = faults_damage(&f->corrupt, f->o.csv, line, len, out, err);
	if (how < 0)
		return -1;
	f->n.damaged[how]++;
	return 0;
}

/* The lines of the group, in a random order. */
static int write_group(struct faults *f, struct buf *out, struct error *err)
{
	for (; f->n_group > 0; f->n_group--) {
		size_t i = rng_below(&f->shuffle, f->n_group);
		struct buf line = f->group[i];

		f->group[i] = f->group[f->n_group - 1];
		f->group[f->n_group - 1] = line;
		if (write_line(f, line.data, line.len, out, err))
			return -1;
	}
	return 0;
}

static int pass(struct faults *f, const char *line, size_t len, struct buf *out, struct error *err)
{
	if (f->o.shuffle < 2)
		return write_line(f, line, len, out, err);
	struct buf *b = &f->group[f->n_group];
	b->len = 0;
	if (buf_add(b, line, len, err))
		return -1;
	return ++f->n_group == f->o.shuffle ? write_group(f, out, err) : 0;
}

/* Whether a line of a later time went before it. */
static bool passes(struct faults *f, int64_t time_ns)
{
	bool late = f->any && f->newest_ns > time_ns;

	if (!late)
		f->newest_ns = time_ns;
	f->any = true;
	return late;
}

static bool before(const struct held *a, const struct held *b)
{
	return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void swap(struct held *a, struct held *b)
{
	struct held t = *a;

	*a = *b;
	*b = t;
}

static int hold(struct faults *f, const char *line, size_t len, int64_t time_ns, struct error *err)
{
	int64_t delay = 1 + (int64_t)rng_below(&f->late, (uint64_t)f->o.late_max_ns);
	size_t i = f->n_held;

	if (i == f->n_lines) {
		if (MEM_GROW(&f->held, &f->cap_held, i + 1, err))
			return -1;
		f->held[f->n_lines++] = (struct held){.line = BUF_INIT};
	}
	struct held *h = &f->held[i];
	h->line.len = 0;
	if (buf_add(&h->line, line, len, err))
		return -1;
	h->time_ns = time_ns;
	h->due_ns = time_ns < INT64_MAX - delay ? time_ns + delay : INT64_MAX;
	h->order = f->n.held++;
	f->n_held++;
	for (; i && before(&f->held[i], &f->held[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&f->held[i], &f->held[(i - 1) / 2]);
	return 0;
}

/* Lets the one that is due first go on. */
static int release(struct faults *f, struct buf *out, struct error *err)
{
	size_t n = --f->n_held, i = 0;

	swap(&f->held[0], &f->held[n]);
	for (;;) {
		size_t left = 2 * i + 1, first = i;

		if (left < n && before(&f->held[left], &f->held[first]))
			first = left;
		if (left + 1 < n && before(&f->held[left + 1], &f->held[first]))
			first = left + 1;
		if (first == i)
			break;
		swap(&f->held[i], &f->held[first]);
		i = first;
	}
	struct held *h = &f->held[n];
	f->n.late += passes(f, h->time_ns);
	return pass(f, h->line.data, h->line.len, out, err);
}

static int take(struct faults *f, const char *line, size_t len, int64_t time_ns, struct buf *out,
		struct error *err)
{
	if (rng_uniform(&f->late) < f->o.late)
		return hold(f, line, len, time_ns, err);
	while (f->n_held && f->held[0].due_ns < time_ns)
		if (release(f, out, err))
			return -1;
	passes(f, time_ns);
	return pass(f, line, len, out, err);
}

int faults_take(struct faults *f, const char *line, size_t len, int64_t time_ns, struct buf *out,
		struct error *err)
{
	bool copy = rng_uniform(&f->duplicate) < f->o.duplicate;

	f->n.duplicated += copy;
	return take(f, line, len, time_ns, out, err) ||
			       (copy && take(f, line, len, time_ns, out, err))
		       ? -1
		       : 0;
}

int faults_end(struct faults *f, struct buf *out, struct error *err)
{
	while (f->n_held)
		if (release(f, out, err))
			return -1;
	return write_group(f, out, err);
}
