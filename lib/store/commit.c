/* A batch, stored once or not at all, whatever happens on the way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "lib/store/store_impl.h"

#define MARK_NAME_MAX 300

/* One attempt at a batch. */
struct attempt {
	struct store *s;
	const struct store_table *table;
	struct store_batch *batch;
	const struct store_mark *mark;
	const char *name; /* of the mark */
	store_refused_fn *refused;
	void *context;
	bool refusing;   /* rows were refused, and the caller was not told that these were all */
	bool committing; /* a failure says nothing about what became of it */
	bool doubtful;   /* an earlier one may have been committed after all */
};

static int refuse(struct attempt *a, size_t i, struct error *err)
{
	struct store_row *row = &a->batch->rows[i];
	const struct error why = *err;

	if (a->refused(a->context, row, &why, err))
		return -1;
	row->refused = a->refusing = true;
	*err = (struct error)ERROR_INIT;
	return 0;
}

/* Rows at fault are looked for by runs of rows, each of which stands or not. */
struct search {
	size_t from, to; /* the next run; those before it are dealt with */
	size_t since;    /* rows have stood since here */
	size_t fault;    /* past from: a row before this one is at fault */
	size_t usual;    /* how far rows stood before the last fault, and it */
};

/*
 * The run behind the last: in the middle of what holds a fault; else as far as rows stood before,
 * or twice as far as they do now. So a row is sent a few times however many are at fault, and not
 * once a fault.
 */
static void next_run(struct search *x, size_t n)
{
	size_t stood = x->from - x->since, len = x->fault > x->from ? (x->fault - x->from + 1) / 2
						 : stood            ? 2 * stood
								    : x->usual;

	x->to = len < n - x->from ? x->from + len : n;
}

/* The run did not stand: suspect is the row that the database names, or x->to. */
static void shorter_run(struct search *x, size_t suspect)
{
	bool told = suspect < x->to;

	x->fault = told ? suspect + 1 : x->to;
	x->to = told && suspect > x->from ? suspect : x->from + (told ? 1 : (x->to - x->from) / 2);
}

/* Writes the rows but those at fault, each of which is refused for what the database says of it
 * alone. */
static int write_rows(struct attempt *a, struct error *err)
{
	struct store *s = a->s;
	size_t n = a->batch->n;
	bool exact = s->ops->exact;
	struct search x = {.to = n};

	while (x.from < n) {
		size_t stood = x.from, suspect = x.to;
		bool failed =
			s->ops->write(s, a->table, a->batch, x.from, x.to, &stood, &suspect, err);
		s->counts.sent += (failed && exact ? stood + 1 : x.to) - x.from;
		if (failed && err->kind != ERROR_DATA)
			return -1;
		if (failed && !exact && x.to - x.from > 1) {
			shorter_run(&x, suspect);
			*err = (struct error)ERROR_INIT;
			continue;
		}
		if (failed && refuse(a, stood, err))
			return -1;
		if (failed) {
			x.usual = exact ? n : stood - x.since + 1;
			x.since = x.fault = stood + 1;
		}
		x.from = failed ? stood + 1 : x.to;
		next_run(&x, n);
	}
	return 0;
}

/* Says which partition is not as the mark has it. */
static int explain_fence(struct attempt *a, struct error *err)
{
	const struct control_record *m = a->mark->record;
	struct store_offsets now = {.n = 0};
	struct error ignored = ERROR_INIT;

	error_set(err, ERROR_RETRY, "fenced: the partitions of group '%s' were claimed by another",
		  m->group);
	if (!(now.group = mem_strndup(m->group, strlen(m->group), err)))
		goto out;
	for (size_t i = 0; i < m->n; i++)
		if (!store_offsets_add(&now, m->partitions[i].topic, m->partitions[i].partition,
				       &ignored))
			goto out;
	if (a->s->ops->offsets(a->s, &now, &ignored))
		goto out;
	for (size_t i = 0; i < m->n; i++) {
		const struct control_partition *p = &m->partitions[i];
		const struct store_offset *x = &now.items[i];
		int64_t mine = a->mark->epochs[i];
		if (x->epoch == mine && (x->next < 0 || x->next == p->from))
			continue;
		if (x->epoch != mine)
			error_set(err, ERROR_RETRY,
				  "fenced: partition %d of '%s' is claimed by another (epoch "
				  "%" PRId64 ", ours is %" PRId64 ")",
				  (int)p->partition, p->topic, x->epoch, mine);
		else
			error_set(err, ERROR_RETRY,
				  "fenced: the database has partition %d of '%s' at offset "
				  "%" PRId64 ", the mark begins at %" PRId64,
				  (int)p->partition, p->topic, x->next, p->from);
		break;
	}
out:
	store_offsets_release(&now);
	return -1;
}

static int move_offsets(struct attempt *a, struct error *err)
{
	size_t moved;

	if (!a->mark)
		return 0;
	if (a->s->ops->move(a->s, a->mark, a->name, &moved, err))
		return -1;
	return moved == a->mark->record->n ? 0 : explain_fence(a, err);
}

static int transact(struct attempt *a, struct error *err)
{
	struct store *s = a->s;

	a->committing = false;
	if (s->ops->begin(s, !a->mark, err))
		return -1;
	/* Fenced or not is known first, so that a zombie rejects no rows. */
	if (move_offsets(a, err) || write_rows(a, err) ||
	    (a->refusing && a->refused(a->context, NULL, NULL, err)))
		return -1;
	a->refusing = false;
	a->committing = true;
	return s->ops->commit(s, err);
}

/* After a failed attempt: 1 the batch is stored after all, 0 it is to be tried again, -1. */
static int resolve(struct attempt *a, struct store_patience *p, struct error *err)
{
	struct store *s = a->s;
	enum store_fault fault = s->fault;
	struct error why = *err;
	int done = 0;

	a->doubtful |= a->committing && fault == FAULT_LOST;
	a->committing = false;
	s->ops->rollback(s);
	s->fault = fault;
	if (fault == FAULT_NONE && !a->doubtful)
		return -1;
	do {
		if (s->fault != FAULT_NONE && store_recover(s, p, err))
			return a->doubtful
				       ? error_prefix(err, "the last batch may be stored or not")
				       : -1;
		if (!a->doubtful)
			return 0;
		done = s->ops->done(s, a->mark, a->name, err);
	} while (done < 0 && s->fault != FAULT_NONE);
	if (done < 0)
		return error_prefix(err, "the last batch may be stored or not");
	/* Found fenced, perhaps by its own first attempt. */
	if (!done && fault == FAULT_NONE) {
		*err = why;
		return -1;
	}
	a->doubtful = a->mark; /* whose offsets tell again */
	return done;
}

int store_commit(struct store *s, const struct store_table *t, struct store_batch *b,
		 const struct store_mark *mark, store_refused_fn *refused, void *context,
		 struct error *err)
{
	char name[MARK_NAME_MAX] = "";
	struct store_patience patience = {.end_ms = 0};
	struct attempt a = {.s = s,
			    .table = t,
			    .batch = b,
			    .mark = mark,
			    .name = name,
			    .refused = refused,
			    .context = context};
	int ret = 0;

	if (mark)
		snprintf(name, sizeof(name), "%" PRIu64 "/%s", mark->record->seq,
			 mark->record->session);
	s->fault = FAULT_NONE;
	while (!ret && transact(&a, err))
		if ((ret = resolve(&a, &patience, err)) < 0)
			return -1;
	for (size_t i = 0; i < b->n; i++)
		s->counts.rows += !b->rows[i].refused;
	s->counts.transactions++;
	*err = (struct error)ERROR_INIT;
	store_batch_clear(b);
	return 0;
}
