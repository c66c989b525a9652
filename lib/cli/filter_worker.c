#include <stdlib.h>
#include <string.h>
#include "lib/base/timestamp.h"
#include "lib/cli/filter_impl.h"
#include "lib/cli/message.h"
#include "lib/record/provenance.h"

int filter_worker_init(struct filter_worker *w, const struct filter *f, struct error *err)
{
	*w = (struct filter_worker){.filter = f};
	w->items = mem_alloc(FILTER_BATCH, sizeof(*w->items), err);
	w->errors = mem_alloc(FILTER_BATCH, sizeof(*w->errors), err);
	return w->items && w->errors ? 0 : -1;
}

static void leave_plan(struct filter_worker *w)
{
	scanner_free(w->scanner);
	if (w->user)
		w->filter->worker_free(w->user);
	w->scanner = NULL;
	w->user = NULL;
	w->plan = NULL;
}

void filter_worker_release(struct filter_worker *w)
{
	leave_plan(w);
	free(w->items);
	free(w->errors);
	buf_release(&w->staging);
	control_record_release(&w->control);
}

void filter_result_release(struct filter_result *r)
{
	buf_release(&r->out);
	buf_release(&r->rejects);
	buf_release(&r->sessions);
	free(r->controls);
	free(r->bad);
}

static int enter_plan(struct filter_worker *w, struct filter_plan *plan, struct error *err)
{
	if (w->plan == plan)
		return 0;
	leave_plan(w);
	w->scanner = scanner_new(plan->fields, err);
	if (w->scanner && plan->refuse_unknown)
		scanner_refuse_unknown(w->scanner);
	/* A provisional plan (no writer) sees no good record, so needs no user's state. */
	if (w->scanner && plan->writer)
		w->user = w->filter->worker_new(plan, err);
	if (!w->scanner || (plan->writer && !w->user))
		return -1;
	w->plan = plan;
	return 0;
}

static void fail(struct filter_result *r, const struct error *err)
{
	r->failed = true;
	r->err = *err;
}

/* A record that was processed by an earlier run, which dealt with it if it was bad. */
static bool comes_again(const struct filter_item *item)
{
	struct provenance_in p = {.any = false};
	struct error err;
	bool replay = item && !provenance_read(&p, &item->kafka, &err) && p.replay;

	provenance_in_release(&p);
	return replay;
}

/* A record that cannot be handled: kept, or the end of the run. */
static void reject(const struct filter_worker *w, const struct error *why,
		   const struct filter_item *item, struct filter_result *r)
{
	struct error err = ERROR_INIT;

	r->torn_bad = item && item->rec.torn && why->kind == ERROR_DATA;
	r->torn_at = r->rejects.len;
	if (why->kind == ERROR_DATA && comes_again(item))
		return;
	if (!w->filter->options->stream.rejects || why->kind != ERROR_DATA) {
		fail(r, why);
		return;
	}
	if (reject_format(&r->rejects, message_program(), why, item ? &item->rec : NULL,
			  item ? &item->kafka : NULL, timestamp_now(), &err) ||
	    MEM_GROW(&r->bad, &r->bad_cap, r->n_bad + 1, &err)) {
		fail(r, &err);
		return;
	}
	r->bad[r->n_bad++] = (uint32_t)r->n_records++;
}

/* Takes one record into the batch. */
static void take(struct filter_worker *w, struct filter_item *item, size_t *n_taken, int scanned,
		 struct error *err)
{
	item->kind = ITEM_BAD;
	item->kafka.kind = VALUE_ABSENT;
	if (scanned < 0)
		return;
	if (item->rec.control != CONTROL_NONE) {
		item->kind = ITEM_CONTROL;
		return;
	}
	item->kafka = item->rec.values[w->plan->kafka_slot];
	item->staged = w->staging.len;
	if (w->filter->take(w->user, *n_taken, &item->rec, err) ||
	    writer_begin(w->plan->writer, &item->rec, &w->staging, err)) {
		w->staging.len = item->staged;
		return;
	}
	item->staged_end = w->staging.len;
	item->index = (*n_taken)++;
	item->kind = ITEM_GOOD;
}

/* Fills the batch: how many items, and in *n_taken how many of them are good. */
static size_t gather(struct filter_worker *w, const struct block *b, size_t *n_taken, bool *more)
{
	size_t n = 0, n_errors = 0;

	*n_taken = 0;
	*more = true;
	w->staging.len = 0;
	while (n < FILTER_BATCH) {
		struct filter_item *item = &w->items[n];
		struct error *err = &w->errors[n_errors];
		int ret = scanner_next(w->scanner, &item->rec, err);
		if (!ret) {
			*more = false;
			break;
		}
		take(w, item, n_taken, ret, err);
		n++;
		if (item->kind != ITEM_BAD)
			continue;
		error_at(err, b->file, item->rec.line, 0);
		item->err = n_errors++;
		if (err->kind != ERROR_DATA ||
		    (!w->filter->options->stream.rejects && !comes_again(item))) {
			*more = false; /* nothing behind it will count */
			break;
		}
	}
	return n;
}

/* The filter may put something into a control record: it is read, and written anew if so. */
static int add_control(struct filter_worker *w, const struct record *rec, struct buf *out,
		       struct error *err)
{
	const struct filter *f = w->filter;

	if (f->control && w->user && rec->control != CONTROL_END) {
		int ret = control_record_read(&w->control, rec->text, rec->len, err);
		if (!ret)
			ret = f->control(w->user, &w->control, err);
		if (ret)
			return ret < 0 ? -1 : control_record_write(&w->control, out, err);
	}
	return buf_add(out, rec->text, rec->len, err) ||
			       buf_add_str(out, *rec->eol ? rec->eol : "\n", err)
		       ? -1
		       : 0;
}

static void emit_control(struct filter_worker *w, const struct block *b,
			 const struct filter_item *item, struct filter_result *r)
{
	const struct record *rec = &item->rec;
	struct error err = ERROR_INIT;

	if (w->filter->options->to == FORMAT_CSV) {
		error_set(&err, ERROR_USAGE,
			  "CSV cannot carry control records; let kafka-consume leave them out with "
			  "--no-provenance");
		error_at(&err, b->file, rec->line, 0);
		goto failed;
	}
	if (MEM_GROW(&r->controls, &r->controls_cap, r->n_controls + 1, &err))
		goto failed;
	r->controls[r->n_controls++] = (struct filter_control){.kind = rec->control,
							       .seq = rec->seq,
							       .line = rec->line,
							       .session_at = r->sessions.len,
							       .session_len = rec->session_len,
							       .out_len = r->out.len};
	if (buf_add(&r->sessions, rec->session, rec->session_len, &err))
		goto failed;
	if (add_control(w, rec, &r->out, &err)) {
		error_at(&err, b->file, rec->line, 0);
		goto failed;
	}
	return;
failed:
	fail(r, &err);
}

static void emit_record(struct filter_worker *w, const struct block *b,
			const struct filter_item *item, struct filter_result *r)
{
	const struct filter *f = w->filter;
	size_t staged = item->staged_end - item->staged, undo = r->out.len;
	struct error err = ERROR_INIT;
	int ret;

	if (buf_reserve(&r->out, staged + (f->n_added + 1) * 2 * WRITER_VALUE_MAX, &err)) {
		fail(r, &err);
		return;
	}
	memcpy(r->out.data + r->out.len, w->staging.data + item->staged, staged);
	r->out.len += staged;
	ret = f->add(w->user, item->index, w->plan->writer, &r->out, &err);
	if (ret > 0 && writer_end(w->plan->writer, &item->rec, &r->out, &err))
		ret = -1;
	if (ret <= 0)
		r->out.len = undo;
	if (ret < 0) {
		error_at(&err, b->file, item->rec.line, 0);
		reject(w, &err, item, r);
		return;
	}
	r->n_records++;
	r->n_counted += f->count && f->count(w->user, item->index);
}

void filter_work(struct filter_worker *w, struct filter_plan *plan, const struct block *b,
		 struct filter_result *r)
{
	struct error err = ERROR_INIT;
	bool more = true;

	r->out.len = r->rejects.len = r->sessions.len = 0;
	r->n_controls = r->n_bad = 0;
	r->n_records = r->n_counted = 0;
	r->torn = r->torn_bad = r->failed = false;
	if (enter_plan(w, plan, &err) || scanner_start(w->scanner, b, &err)) {
		fail(r, &err);
		return;
	}
	while (more && !r->failed) {
		size_t n_taken, n = gather(w, b, &n_taken, &more);
		if (n_taken)
			w->filter->judge(w->user, n_taken);
		if (w->await_turn)
			w->await_turn(w->turn);
		for (size_t i = 0; i < n && !r->failed; i++) {
			const struct filter_item *item = &w->items[i];
			r->torn = item->rec.torn;
			if (item->kind == ITEM_CONTROL)
				emit_control(w, b, item, r);
			else if (item->kind == ITEM_GOOD)
				emit_record(w, b, item, r);
			else
				reject(w, &w->errors[item->err], item, r);
		}
	}
}

void filter_work_bad_line(struct filter_worker *w, const struct error *why, struct filter_result *r)
{
	r->out.len = r->rejects.len = r->sessions.len = 0;
	r->n_controls = r->n_bad = 0;
	r->n_records = r->n_counted = 0;
	r->torn = r->torn_bad = r->failed = false;
	reject(w, why, NULL, r);
}
