#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/cli/filter_crew.h"
#include "lib/cli/intake.h"
#include "lib/cli/message.h"
#include "lib/cli/output_file.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/progress.h"
#include "lib/cli/signals.h"
#include "lib/cli/wait.h"

struct loop {
	const struct filter *filter;
	struct reader *reader;
	struct filter_plan *plan;        /* in use */
	struct filter_plan *provisional; /* for blocks before the first good record */
	struct filter_columns columns;
	bool decided;

	struct file_out file; /* -o, and standard output goes there */
	struct crew crew;
	bool stopped; /* nothing more will be written */
	int status;
	struct intake intake;
	uint64_t n_counted;
	struct metrics_clock metrics;
	struct progress progress;
};

static void fail(struct loop *l, const struct error *err)
{
	progress_clear(&l->progress);
	l->stopped = true;
	l->status = message_also(l->status, err);
}

/* What comes behind a failure need not be told. */
static void stop(struct loop *l, const struct error *err)
{
	if (!l->status)
		fail(l, err);
}

static void show_metrics(struct loop *l, bool last)
{
	const struct filter *f = l->filter;
	struct error err = ERROR_INIT;

	if (!metrics_due(&l->metrics, last))
		return;
	const struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)l->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)l->intake.n_rejected},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(l->reader)},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
		{f->counted, f->counted_help, "counter", (double)l->n_counted},
	};

	if (metrics_show(&l->metrics, metrics, sizeof(metrics) / sizeof(*metrics) - !f->counted,
			 &err))
		fail(l, &err);
}

static int write_out(const struct loop *l, const char *bytes, size_t n, struct error *err)
{
	if (!file_write_all(STDOUT_FILENO, bytes, n, err))
		return 0;
	return error_prefix(err, "%s", l->file.path ? l->file.path : "standard output");
}

/* Puts a finished block into the books and on standard output. */
static void commit(struct loop *l, const struct slot *s)
{
	const struct filter_result *r = &s->result;
	struct intake *in = &l->intake;
	struct error err = ERROR_INIT;
	size_t out_len = r->out.len;
	bool failed = false;

	for (size_t i = 0; i < r->n_controls && !failed; i++) {
		const struct filter_control *c = &r->controls[i];
		failed =
			control_check_next(&in->control, c->kind, c->seq,
					   r->sessions.data ? r->sessions.data + c->session_at : "",
					   c->session_len, &err);
		if (failed) {
			out_len = c->out_len;
			error_at(&err, s->block.file, c->line, 0);
		}
	}
	/* Rejects first: they must be durable before a mark passes on. A torn line comes again. */
	bool torn = r->torn_bad && in->control.seen;
	size_t rejects_len = torn ? r->torn_at : r->rejects.len;
	if (rejects_len) {
		struct error why = ERROR_INIT;
		if (intake_keep(in, r->rejects.data, rejects_len, in->control.seen, &why)) {
			stop(l, &why);
			return;
		}
	}
	if (out_len) {
		struct error why = ERROR_INIT;
		if (write_out(l, r->out.data, out_len, &why)) {
			stop(l, &why);
			return;
		}
	}
	if (r->n_records || r->n_controls)
		in->torn = r->torn;
	l->n_counted += r->n_counted;
	if (!failed)
		failed = torn ? control_check_end(&in->control, true, &err)
			      : intake_count(in, r->n_records, r->bad, r->n_bad, &err);
	if (failed)
		stop(l, &err);
	else if (r->failed)
		stop(l, &r->err);
}

/* Commits what is done, in order; with `wait` at least one slot, if any is under way. */
static void commit_done(struct loop *l, bool wait)
{
	const struct slot *s;

	while ((s = crew_done(&l->crew, wait))) {
		wait = false;
		if (!l->stopped)
			commit(l, s);
		crew_release_slot(&l->crew);
	}
}

/* Commits all that was filled. */
static void finish_under_way(struct loop *l)
{
	while (crew_busy(&l->crew))
		commit_done(l, true);
}

/* What comes between blocks: signals, a new plan, metrics. 1 when the input should end here. */
static int turn(struct loop *l)
{
	const struct filter *f = l->filter;
	struct filter_plan *new = NULL;
	struct error err = ERROR_INIT;

	commit_done(l, false);
	if (f->turn)
		f->turn(f->turn_context, signals_take_hangup(), &new);
	if (new && l->decided && filter_plan_finish(new, f, &l->columns, &err)) {
		message_error(&err);
		filter_plan_free(new);
		new = NULL;
	}
	if (new) {
		crew_leave_plan(&l->crew, l->plan);
		l->plan = new;
	}
	show_metrics(l, false);
	progress_bytes(&l->progress, reader_bytes(l->reader), reader_size(l->reader));
	return l->stopped || signals_interrupted();
}

static int before_wait(void *context, int *timeout_ms, struct error *err)
{
	struct loop *l = context;
	const struct filter *f = l->filter;

	signals_seen();
	if (wait_look_for_reader(err))
		return -1;
	if (f->turn && f->every_ms)
		*timeout_ms = f->every_ms;
	int ret = turn(l);
	metrics_wait(&l->metrics, timeout_ms);
	return ret;
}

/* The plan for a block: the one in use, finished at the first good record, which decides the
 * columns. */
static struct filter_plan *plan_for(struct loop *l, const struct block *b, struct error *err)
{
	struct buf header = BUF_INIT;
	int ret;

	if (l->decided)
		return l->plan;
	l->columns.own = l->plan->fields;
	ret = filter_columns_decide(&l->columns, l->filter, reader_format(l->reader),
				    reader_header(l->reader), b, err);
	if (!ret) {
		struct fields *fields = l->provisional ? NULL : fields_new(err);
		if (fields && !(l->provisional = filter_plan_new(fields, NULL, NULL, err)))
			fields_free(fields);
		return l->provisional;
	}
	if (ret < 0 || filter_plan_finish(l->plan, l->filter, &l->columns, err))
		return NULL;
	l->decided = true;
	ret = writer_header(l->plan->writer, &header, err);
	if (!ret && header.len)
		ret = write_out(l, header.data, header.len, err);
	buf_release(&header);
	return ret ? NULL : l->plan;
}

/* Fills the next slot: 1, 0 at the end of input. */
static int fill(struct loop *l, struct slot *s)
{
	struct error err = ERROR_INIT;
	int ret = reader_next(l->reader, &s->block, &err);

	if (!ret)
		return 0;
	s->bad_line = ret < 0;
	if (ret < 0 && !reader_can_go_on(l->reader)) {
		finish_under_way(l);
		stop(l, &err);
		return 0;
	}
	if (s->bad_line) {
		s->why = err;
		return 1;
	}
	s->plan = plan_for(l, &s->block, &err);
	if (!s->plan) {
		finish_under_way(l);
		stop(l, &err);
		return 0;
	}
	return 1;
}

static void run(struct loop *l)
{
	while (!turn(l)) {
		struct slot *s = crew_next_slot(&l->crew);
		if (!s)
			commit_done(l, true);
		else if (fill(l, s))
			crew_submit(&l->crew);
		else
			break;
	}
	finish_under_way(l);
}

/* After the last block. */
static void finish(struct loop *l)
{
	struct error err = ERROR_INIT;

	signals_drained();
	if (!l->stopped && !l->decided && reader_header(l->reader) &&
	    !plan_for(l, NULL, &err)) /* a header and no rows */
		stop(l, &err);
	if (!l->stopped && !signals_interrupted() &&
	    (intake_judge(&l->intake, true, &err) || intake_end(&l->intake, &err)))
		stop(l, &err);
	show_metrics(l, true);
	progress_clear(&l->progress);
	intake_report(&l->intake);
	if (!l->stopped && close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "cannot write standard output");
		stop(l, &err);
	}
	if (output_file_end(&l->file, !l->status && !signals_interrupted(), &err))
		stop(l, &err);
}

static int set_up(struct loop *l, const struct filter *f, struct error *err)
{
	const struct filter_options *o = f->options;
	struct reader_options r = {.paths = f->paths,
				   .format = (enum record_format)o->stream.from,
				   .max_line = o->stream.max_line,
				   .before_wait = before_wait,
				   .context = l,
				   .wake_fd = signals_wake_fd(),
				   .out_fd = STDOUT_FILENO};
	const struct overwrite_output outputs[] = {{"--output", o->output}, {NULL, NULL}};

	progress_init(&l->progress, o->stream.progress);
	if (filter_options_check(o, err) ||
	    overwrite_check_stream(f->paths, &o->stream, outputs, err) ||
	    intake_open(&l->intake, &o->stream, err) || !(l->reader = reader_open(&r, err)) ||
	    crew_init(&l->crew, f, o->threads, err))
		return -1;
	return output_file_begin(&l->file, o->output, err);
}

static void tear_down(struct loop *l)
{
	crew_leave_plan(&l->crew, l->plan);
	crew_leave_plan(&l->crew, l->provisional);
	crew_release(&l->crew);
	filter_columns_release(&l->columns);
	reader_close(l->reader);
	intake_release(&l->intake);
}

int filter_run(const struct filter *f, struct filter_plan *plan)
{
	struct loop l = {.filter = f,
			 .plan = plan,
			 .file = FILE_OUT_INIT,
			 .metrics = {.path = f->options->stream.metrics}};
	struct error err = ERROR_INIT;

	signals_filter(f->turn != NULL);
	if (set_up(&l, f, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(f->program, "%s", err.what);
		message_die(&err);
	}
	run(&l);
	finish(&l);
	tear_down(&l);
	if (!l.status && signals_interrupted())
		signals_die();
	return l.status;
}
