#include "lib/cli/window.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/signals.h"
#include "lib/cli/wait.h"
#include "lib/cli/window_impl.h"
#include "lib/record/members.h"
#include "lib/window/offsets.h"

#define IDLE_LOOK_NS (5 * NS_PER_SECOND)
#define MARK_WAIT_MS 100 /* a held mark waits so long for `end` */

static int flush_out(struct window_loop *l, struct error *err)
{
	size_t n = l->out.len;

	l->out.len = 0;
	if (n && file_write_all(STDOUT_FILENO, l->out.data, n, err))
		return error_prefix(err, "standard output");
	return 0;
}

static int show_metrics(struct window_loop *l, bool last, struct error *err)
{
	int64_t now = timestamp_now();
	struct windows_counts c;

	if (!metrics_due(&l->metrics, last))
		return 0;
	windows_count(l->windows, &c);
	const struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)l->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)l->intake.n_rejected},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(l->reader)},
		{"windows_total", "Windows closed, of all keys.", "counter", (double)c.rows},
		{"updates_total", "Updates of open windows (--early).", "counter",
		 (double)c.updates},
		{"late_total", "Records all of whose windows were closed.", "counter",
		 (double)c.late},
		{"suspects", "Records held for their time (--max-ahead).", "gauge",
		 (double)c.suspects},
		{"keys", "Keys with open windows.", "gauge", (double)c.keys},
		{"panes", "Panes of all keys, or sessions.", "gauge", (double)c.panes},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(now / NS_PER_SECOND)},
		{"watermark_lag_seconds", "The wall clock less the watermark.", "gauge",
		 ((double)now - (double)c.watermark_ns) / (double)NS_PER_SECOND},
	};
	return metrics_show(&l->metrics, metrics, sizeof(metrics) / sizeof(*metrics) - !c.any, err);
}

/* What there is to do between blocks. */
static int turn(struct window_loop *l, struct error *err)
{
	l->stopped |= signals_interrupted() || signals_late();
	if (l->options->idle_ns &&
	    windows_check_idle(l->windows, clock_monotonic_ns(), l->options->idle_ns, err))
		return -1;
	return show_metrics(l, false, err);
}

/* `end` comes at once behind the last mark; where it does not, others wait for the mark. */
static int wait_for_end(struct window_loop *l, int *timeout_ms, struct error *err)
{
	int64_t now = clock_monotonic_ns();

	if (!l->mark_due_ns)
		l->mark_due_ns = now + MARK_WAIT_MS * NS_PER_MS;
	if (now >= l->mark_due_ns)
		return window_release_mark(l, err);
	wait_at_most(timeout_ms, l->mark_due_ns - now);
	return 0;
}

static int before_wait(void *context, int *timeout_ms, struct error *err)
{
	struct window_loop *l = context;

	signals_seen();
	if (wait_look_for_reader(err) || turn(l, err) ||
	    (l->held_mark && wait_for_end(l, timeout_ms, err)) || flush_out(l, err) ||
	    window_flush_late(l, false, err))
		return -1;
	if (l->options->idle_ns) {
		int64_t ns = l->options->idle_ns / 4;
		wait_at_most(timeout_ms, ns < IDLE_LOOK_NS ? ns : IDLE_LOOK_NS);
	}
	metrics_wait(&l->metrics, timeout_ms);
	return l->stopped;
}

static int add_row(void *context, const struct windows_row *row, struct error *err)
{
	struct window_loop *l = context;

	if (window_rows_add(l->rows, row, &l->out, err))
		return -1;
	return l->out.len < WINDOW_OUT_FULL ? 0 : flush_out(l, err);
}

/* Puts the good records of the block so far into the books. */
static int count_good(struct window_loop *l, struct error *err)
{
	uint64_t n = l->n_good;

	l->n_good = 0;
	return n ? intake_count(&l->intake, n, NULL, 0, err) : 0;
}

/* The record was scanned when it came, and another has taken its place since. */
static int find_provenance(const struct windows_record *r, struct buf *copy, struct value *kafka,
			   struct error *err)
{
	struct value object, name, v;

	if (members_scan(r->text, r->text_len, 0, copy, &object, err))
		return err->kind == ERROR_CONFIG ? 0 : -1; /* a row of CSV has none */
	for (struct members m = members_of(&object); members_next(&m, &name, &v);)
		if (member_is(&name, "_kafka"))
			*kafka = v;
	return 0;
}

static int reject_suspect(void *context, const struct windows_record *r, const struct error *why,
			  struct error *err)
{
	struct window_loop *l = context;
	const struct record rec = {.text = r->text, .len = r->text_len, .eol = "", .line = r->line};
	struct buf copy = BUF_INIT;
	struct value kafka = {.kind = VALUE_ABSENT};

	if (count_good(l, err))
		return -1;
	/* It was counted when it came. */
	l->intake.n_records -= l->intake.n_records > 0;
	int ret = find_provenance(r, &copy, &kafka, err) ||
				  intake_reject(&l->intake, why, &rec, &kafka, err)
			  ? -1
			  : 0;

	buf_release(&copy);
	return ret;
}

/* A record, bad or not. */
static int take_record(struct window_loop *l, const struct record *rec, bool scanned,
		       struct error *err)
{
	struct windows_record r = {.offset = -1};

	if (!scanned || window_read_record(l, rec, &r, err)) {
		/* What was bad before is bad again, and was kept then. */
		if (scanned && err->kind == ERROR_DATA && r.offset >= 0 &&
		    offsets_replays(l->source, r.offset))
			return 0;
		if (err->kind == ERROR_DATA)
			error_at(err, l->block.file, rec->line, 0);
		struct error why = *err;
		return count_good(l, err)
			       ? -1
			       : intake_reject(&l->intake, &why, rec,
					       scanned ? &rec->values[l->kafka_slot] : NULL, err);
	}
	l->n_good++;
	if (l->intake.control.seen && !offsets_assigned(l->source)) {
		error_set(err, ERROR_CONFIG,
			  "a record of a partition that was not assigned: it must carry '_kafka' "
			  "as kafka-consume writes it, for windows are restored by it");
		return error_at(err, l->block.file, rec->line, 0);
	}
	if (!offsets_take(l->source, r.offset, &r.replay))
		return 0;
	return windows_add(l->windows, l->source, &r, err)
		       ? error_at(err, l->block.file, rec->line, 0)
		       : 0;
}

/* One line: 0, or -1 when it stops the program. */
static int take_line(struct window_loop *l, const struct record *rec, bool scanned,
		     struct error *err)
{
	l->intake.torn = rec->torn;
	if (scanned && rec->torn && l->intake.control.seen)
		return 0; /* cut off, and comes again */
	if (scanned && rec->control != CONTROL_NONE)
		return window_control(l, rec, err) ? error_at(err, l->block.file, rec->line, 0) : 0;
	if (l->held_mark && window_release_mark(l, err))
		return -1;
	l->assigning = false;
	return take_record(l, rec, scanned, err);
}

static int take_block(struct window_loop *l, struct error *err)
{
	struct record rec;
	int ret = l->rows ? 0 : window_begin(l, err);

	if (!ret && !l->scanner && !(l->scanner = scanner_new(l->fields, err)))
		ret = -1;
	if (!ret)
		ret = scanner_start(l->scanner, &l->block, err);
	while (!ret && (ret = scanner_next(l->scanner, &rec, err)) != 0)
		ret = take_line(l, &rec, ret > 0, err);
	progress_bytes(&l->progress, reader_bytes(l->reader), reader_size(l->reader));
	return ret || count_good(l, err) ? -1 : 0;
}

static int take_input(struct window_loop *l, struct error *err)
{
	int ret;

	while (!l->stopped && (ret = reader_next(l->reader, &l->block, err)) != 0) {
		if (ret < 0)
			ret = reader_can_go_on(l->reader)
				      ? intake_reject(&l->intake, err, NULL, NULL, err)
				      : -1;
		else
			ret = take_block(l, err);
		if (ret || turn(l, err))
			return -1;
	}
	return 0;
}

/* After the last block: windows are closed, or held. */
static int finish(struct window_loop *l, struct error *err)
{
	const struct window_options *o = l->options;
	bool marks = l->intake.control.seen, cut = l->stopped;

	if (!l->rows && window_begin(l, err))
		return -1;
	if (!cut && intake_end(&l->intake, err))
		return -1;
	if (!cut && !marks && !o->hold && windows_flush(l->windows, err))
		return -1;
	if (!cut && intake_judge(&l->intake, true, err)) /* suspects of the flush, too */
		return -1;
	if (flush_out(l, err) || window_flush_late(l, true, err))
		return -1;
	/* Written first: should this fail, rows are given out again, and none is missing. */
	if (o->state && window_save_state(l, err))
		return -1;
	if (cut && signals_late() && !signals_interrupted())
		return signals_fail_late(o->state ? ": open windows are kept in the state" : "",
					 err);
	return 0;
}

static void report(const struct window_loop *l)
{
	struct windows_counts c;

	windows_count(l->windows, &c);
	if (c.late && c.late == l->n_late_kept)
		message_note("%llu of %llu records late, kept in '%s'", (unsigned long long)c.late,
			     (unsigned long long)l->intake.n_records, l->options->late);
	else if (c.late && l->late_fd >= 0)
		message_note("%llu of %llu records late, %llu of them kept in '%s'",
			     (unsigned long long)c.late, (unsigned long long)l->intake.n_records,
			     (unsigned long long)l->n_late_kept, l->options->late);
	else if (c.late)
		message_note("%llu of %llu records late, and in no window ('--late FILE' keeps "
			     "them)",
			     (unsigned long long)c.late, (unsigned long long)l->intake.n_records);
	intake_report(&l->intake);
}

static int run(struct window_loop *l)
{
	struct error err = ERROR_INIT, more = ERROR_INIT;
	int status = 0;

	if (take_input(l, &err) || finish(l, &err)) {
		progress_clear(&l->progress);
		status = message_error(&err);
		/* What came before a failure is good. */
		if (err.kind != ERROR_IO && flush_out(l, &more))
			message_error(&more);
		if (window_flush_late(l, true, &more))
			message_error(&more);
	}
	progress_clear(&l->progress);
	signals_drained();
	if (show_metrics(l, true, &more))
		status = message_also(status, &more);
	report(l);
	if (!status && close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "cannot write standard output");
		status = message_error(&err);
	}
	return status;
}

static int set_up(struct window_loop *l, char *const *paths, struct error *err)
{
	struct reader_options r = {.paths = paths,
				   .format = (enum record_format)l->options->stream.from,
				   .max_line = l->options->stream.max_line,
				   .before_wait = before_wait,
				   .context = l,
				   .wake_fd = signals_wake_fd(),
				   .out_fd = STDOUT_FILENO};

	l->windows_options.row = add_row;
	l->windows_options.late = window_late;
	l->windows_options.reject = reject_suspect;
	l->windows_options.context = l;
	if (window_open(l, paths, err))
		return -1;
	l->reader = reader_open(&r, err);
	return l->reader ? 0 : -1;
}

int window_run(const struct program *p, const struct window_options *o, char *const *paths)
{
	struct window_loop l = {.options = o,
				.late_fd = -1,
				.intake = {.rejects_fd = -1},
				.source_partition = -2,
				.metrics = {.path = o->stream.metrics}};
	struct error err = ERROR_INIT;

	progress_init(&l.progress, o->stream.progress);
	signals_sink();
	if (set_up(&l, paths, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		message_die(&err);
	}
	int status = run(&l);

	window_release(&l);
	if (!status && signals_interrupted())
		signals_die();
	return status;
}
