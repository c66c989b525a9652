#include "lib/cli/replay_impl.h"

#include <errno.h>
#include <unistd.h>
#include "lib/cli/message.h"
#include "lib/cli/output_file.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/signals.h"

static void show_metrics(struct replay *l, bool last)
{
	struct error err = ERROR_INIT;

	if (!metrics_due(&l->metrics, last))
		return;
	const struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)l->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)l->intake.n_rejected},
		{"records_written_total", "Records written.", "counter", (double)l->n_written},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(l->reader)},
		{"schedule_put_off_seconds_total",
		 "By how much records came later than their schedule had them at first.", "counter",
		 (double)l->out.pace.put_off_ns / (double)NS_PER_SECOND},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};

	if (metrics_show(&l->metrics, metrics, sizeof(metrics) / sizeof(*metrics), &err)) {
		l->stopped = true;
		l->status = message_also(l->status, &err);
	}
}

/* What there is to do between records: 1 when no more should come. */
static int idle(void *context)
{
	struct replay *l = context;

	show_metrics(l, false);
	l->stopped |= signals_terminated() || signals_interrupted();
	return l->stopped;
}

static void forget_controls(struct replay *l)
{
	control_check_release(&l->intake.control);
	l->intake.control = (struct control_check){.seen = false};
}

static int before_wait(void *context, int *timeout_ms, struct error *err)
{
	struct replay *l = context;

	signals_seen();
	pace_starved(&l->out.pace);
	if (paced_output_flush(&l->out, err))
		return -1;
	int ret = idle(l);
	metrics_wait(&l->metrics, timeout_ms);
	return ret;
}

/* The plan for a block, which the first good record decides (b NULL: the header alone). */
static const struct filter_plan *plan_for(struct replay *l, const struct block *b,
					  struct error *err)
{
	int ret;

	if (l->decided)
		return l->plan;
	ret = filter_columns_decide(&l->columns, &l->filter, reader_format(l->reader),
				    reader_header(l->reader), b, err);
	if (!ret) {
		struct fields *fields = l->provisional ? NULL : fields_new(err);
		if (fields && !(l->provisional = filter_plan_new(fields, NULL, NULL, err)))
			fields_free(fields);
		return l->provisional;
	}
	if (ret < 0 || replay_check_columns(l, err) ||
	    filter_plan_finish(l->plan, &l->filter, &l->columns, err) ||
	    writer_header(l->plan->writer, &l->out.buf, err))
		return NULL;
	l->decided = true;
	return l->plan;
}

static int start_block(struct replay *l, struct error *err)
{
	const struct filter_plan *plan = plan_for(l, &l->block, err);

	if (!plan)
		return -1;
	if (plan != l->scanned_by) {
		scanner_free(l->scanner);
		l->scanner = scanner_new(plan->fields, err);
		l->scanned_by = plan;
		if (l->scanner && plan->refuse_unknown)
			scanner_refuse_unknown(l->scanner);
	}
	return l->scanner ? scanner_start(l->scanner, &l->block, err) : -1;
}

static int take_control(struct replay *l, const struct record *rec, struct error *err)
{
	if (control_check_next(&l->intake.control, rec->control, rec->seq, rec->session,
			       rec->session_len, err))
		return error_at(err, l->block.file, rec->line, 0);
	if (rec->control != CONTROL_RESET)
		return 0;
	error_set(err, ERROR_RETRY, "control record 'reset' makes void what was replayed");
	return error_at(err, l->block.file, rec->line, 0);
}

static int read_time(struct replay *l, const struct record *rec, int64_t *ns, struct error *err)
{
	if (event_time_read(&l->time, &rec->values[l->time_slot], ns, err))
		return -1;
	time_options_remark(&l->options->time, l->time.naive, &l->naive_told);
	return 0;
}

/* Writes a record when it is due: 1; 0 if a signal came first; -1: it is bad, or worse. */
static int replay_record(struct replay *l, const struct record *rec, struct error *err)
{
	const struct replay_options *o = l->options;
	int64_t event_ns = 0;
	int ret;

	if ((o->restamp || o->speed > 0) && read_time(l, rec, &event_ns, err))
		return -1;
	if (l->paced && (ret = paced_output_wait(&l->out, event_ns, err)) != 0)
		return ret < 0 ? -1 : 0;
	size_t undo = l->out.buf.len;
	if (replay_add_record(l, rec, err)) {
		l->out.buf.len = undo;
		return -1;
	}
	l->n_written++;
	l->stopped = l->n_written == o->count || signals_terminated() || signals_interrupted();
	return paced_output_added(&l->out, err) ? -1 : 1;
}

static int replay_block(struct replay *l, struct error *err)
{
	struct record rec;
	int ret = start_block(l, err);

	while (!ret && !l->stopped && (ret = scanner_next(l->scanner, &rec, err)) != 0) {
		bool scanned = ret > 0, control = scanned && rec.control != CONTROL_NONE;

		l->intake.torn = rec.torn;
		if (control)
			ret = take_control(l, &rec, err);
		else if (scanned)
			ret = replay_record(l, &rec, err);
		if (ret < 0 && !control) {
			if (err->kind == ERROR_DATA)
				error_at(err, l->block.file, rec.line, 0);
			ret = intake_reject(&l->intake, err, &rec,
					    scanned ? &rec.values[l->scanned_by->kafka_slot] : NULL,
					    err);
		} else if (ret > 0) {
			ret = intake_count(&l->intake, 1, NULL, 0, err);
		}
	}
	progress_bytes(&l->progress, reader_bytes(l->reader),
		       l->options->passes == 1 ? reader_size(l->reader) : 0);
	return ret;
}

/* All of the input once. */
static int replay_pass(struct replay *l, struct error *err)
{
	int ret;

	while (!l->stopped && (ret = reader_next(l->reader, &l->block, err)) != 0) {
		if (ret < 0)
			ret = reader_can_go_on(l->reader)
				      ? intake_reject(&l->intake, err, NULL, NULL, err)
				      : -1;
		else
			ret = replay_block(l, err);
		if (ret)
			return -1;
		idle(l);
	}
	if (l->stopped) /* what was not read to its end need not be complete */
		forget_controls(l);
	return intake_judge(&l->intake, true, err) || intake_end(&l->intake, err) ? -1 : 0;
}

static int replay_all(struct replay *l, struct error *err)
{
	uint64_t before;

	for (uint64_t pass = 0; pass < l->options->passes && !l->stopped; pass++) {
		if (pass) {
			if (repeat_again(&l->repeat, l->reader, err))
				return -1;
			forget_controls(l);
			pace_begin_anew(&l->out.pace);
		}
		before = l->n_written;
		if (replay_pass(l, err))
			return -1;
		if (l->n_written == before) /* it would be so for ever */
			break;
	}
	/* A header and no rows. */
	if (!l->decided && reader_header(l->reader) && !plan_for(l, NULL, err))
		return -1;
	return 0;
}

static int set_up(struct replay *l, char *const *paths, struct error *err)
{
	const struct replay_options *o = l->options;
	struct reader_options r = {.paths = paths,
				   .format = (enum record_format)o->filter.stream.from,
				   .max_line = o->filter.stream.max_line,
				   .before_wait = before_wait,
				   .context = l,
				   .wake_fd = signals_wake_fd()};
	const struct overwrite_output outputs[] = {{"--output", o->filter.output}, {NULL, NULL}};
	struct fields *fields;
	int slot;

	if (overwrite_check_stream(paths, &o->filter.stream, outputs, err))
		return -1;
	if (o->passes > 1 && repeat_init(&l->repeat, paths, err))
		return error_prefix(err, "option '--repeat'");
	if (!(fields = fields_new(err)))
		return -1;
	if (!(l->plan = filter_plan_new(fields, NULL, NULL, err))) {
		fields_free(fields);
		return -1;
	}
	if ((slot = fields_want(fields, o->time.field, err)) < 0)
		return error_prefix(err, "option '--time-field'");
	l->time_slot = (size_t)slot;
	if (replay_own(l, fields, err) || intake_open(&l->intake, &o->filter.stream, err))
		return -1;
	l->reader = reader_open(&r, err);
	if (!l->reader || output_file_begin(&l->file, o->filter.output, err))
		return -1;
	l->out.path = l->file.path;
	return 0;
}

static void tear_down(struct replay *l)
{
	scanner_free(l->scanner);
	filter_plan_free(l->plan);
	filter_plan_free(l->provisional);
	filter_columns_release(&l->columns);
	block_release(&l->block);
	reader_close(l->reader);
	intake_release(&l->intake);
	event_time_release(&l->time);
	paced_output_release(&l->out);
}

int replay_run(const struct program *p, const struct replay_options *o, char *const *paths)
{
	struct error err = ERROR_INIT, why = ERROR_INIT;
	struct replay l = {
		.options = o,
		.filter = {.options = &o->filter},
		.file = FILE_OUT_INIT,
		.time = {.path = o->time.field,
			 .unit = (enum time_unit)o->time.unit,
			 .offset_s = o->time.offset_s},
		.paced = o->rate_hz > 0 || o->speed > 0,
		.out = {.idle = idle, .context = &l},
		.metrics = {.path = o->filter.stream.metrics},
	};
	l.filter.added = l.added;
	pace_init(&l.out.pace, o->rate_hz, o->speed);
	progress_init(&l.progress, o->filter.stream.progress);
	signals_source();
	if (set_up(&l, paths, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		message_die(&err);
	}
	int failed = replay_all(&l, &err);
	progress_clear(&l.progress);
	/* What came before a failure is good. */
	if (paced_output_flush(&l.out, failed ? &why : &err))
		failed = -1;
	if (failed)
		l.status = message_also(l.status, &err);
	show_metrics(&l, true);
	intake_report(&l.intake);
	if (!l.status && close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "cannot write standard output");
		l.status = message_error(&err);
	}
	if (output_file_end(&l.file, !l.status && !signals_interrupted(), &err))
		l.status = message_error(&err);
	tear_down(&l);
	if (!l.status && signals_interrupted())
		signals_die();
	return l.status;
}
