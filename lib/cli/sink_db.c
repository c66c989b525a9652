#include "lib/cli/sink_db.h"

#include <stdlib.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/signals.h"
#include "lib/cli/sink_db_impl.h"
#include "lib/cli/wait.h"

int64_t db_sink_clock_ns(void)
{
	return clock_monotonic_ns();
}

/* context: the sink, once it is open; before, nothing is to be brought to an end. */
static bool stop(void *context)
{
	const struct db_sink *s = context;

	return signals_interrupted() || signals_late() ||
	       ((!s || !s->opened) && signals_terminated());
}

static void note(void *context, const char *text)
{
	(void)context;
	message_note("%s", text);
}

struct store *db_sink_store(const struct db_sink_options *o, struct db_sink *s, bool existing,
			    struct error *err)
{
	const struct store_options options = {.url = o->url,
					      .timeout_ms = (int)(o->timeout_s * 1000),
					      .existing = existing,
					      .stop = stop,
					      .note = note,
					      .context = s};

	return store_open(&options, err);
}

static int show_metrics(struct db_sink *s, bool last, struct error *err)
{
	struct store_counts counts = store_counts(s->store);

	if (!metrics_due(&s->metrics, last))
		return 0;
	const struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)s->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)s->intake.n_rejected},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(s->reader)},
		{"rows_total", "Rows stored, those too that took the place of another.", "counter",
		 (double)counts.rows},
		{"rows_sent_total",
		 "Rows given to the database, those too that were given again: the transaction was "
		 "begun again, or a row at fault was looked for.",
		 "counter", (double)counts.sent},
		{"transactions_committed_total", "Transactions committed.", "counter",
		 (double)counts.transactions},
		{"transactions_repeated_total",
		 "Transactions begun again: a lost connection, a lock.", "counter",
		 (double)counts.repeats},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};
	return metrics_show(&s->metrics, metrics, sizeof(metrics) / sizeof(*metrics), err);
}

static int take_control(struct db_sink *s, const struct record *rec, struct error *err)
{
	if (control_check_next(&s->intake.control, rec->control, rec->seq, rec->session,
			       rec->session_len, err) ||
	    control_record_read(&s->control, rec->text, rec->len, err))
		return -1;
	return db_sink_transaction_control(s, err);
}

/* 0, or -1: it is bad, or worse. */
static int take_record(struct db_sink *s, const struct block *b, const struct record *rec,
		       struct error *err)
{
	int ret;

	if (rec->values[s->replay_slot].kind == VALUE_TRUE)
		return 0; /* it was stored before */
	ret = db_sink_transaction_record(s, rec, err);
	if (ret > 0)
		ret = db_sink_add(s, b, rec, err);
	return ret < 0 ? -1 : 0;
}

static int reject(struct db_sink *s, const struct block *b, const struct record *rec, bool scanned,
		  struct error *err)
{
	if (err->kind == ERROR_DATA)
		error_at(err, b->file, rec->line, 0);
	return intake_reject(&s->intake, err, rec, scanned ? &rec->values[s->kafka_slot] : NULL,
			     err);
}

/* One line: 0, or -1 when it stops the program. scanned: it is a record or a control record. */
static int take_line(struct db_sink *s, const struct block *b, const struct record *rec,
		     bool scanned, struct error *err)
{
	s->intake.torn = rec->torn;
	if (scanned && rec->torn && s->intake.control.seen)
		return 0; /* cut off, and comes again */
	if (scanned && rec->control != CONTROL_NONE)
		return take_control(s, rec, err) ? error_at(err, b->file, rec->line, 0) : 0;
	if (!scanned || take_record(s, b, rec, err))
		return reject(s, b, rec, scanned, err);
	return intake_count(&s->intake, 1, NULL, 0, err) || db_sink_transaction_full(s, err) ? -1
											     : 0;
}

static int take_block(struct db_sink *s, const struct block *b, struct error *err)
{
	struct record rec;
	int ret;

	if (db_sink_check_header(s, err))
		return error_at(err, b->file, 1, 0);
	ret = scanner_start(s->scanner, b, err);
	while (!ret && (ret = scanner_next(s->scanner, &rec, err)) != 0)
		ret = take_line(s, b, &rec, ret > 0, err);
	progress_bytes(&s->progress, reader_bytes(s->reader), reader_size(s->reader));
	return ret;
}

/* Makes the table of the blocks that are held, and takes them. */
static int take_held(struct db_sink *s, struct error *err)
{
	if (db_sink_make_table(s, err))
		return -1;
	for (size_t i = 0; i < s->n_held; i++) {
		if (take_block(s, &s->held[i], err))
			return -1;
		block_release(&s->held[i]);
	}
	s->n_held = 0;
	return 0;
}

/* Takes the block that is held and has no record: control records, and what is bad. */
static int take_recordless(struct db_sink *s, struct error *err)
{
	struct block *b = &s->held[--s->n_held];
	struct record rec;
	int ret = scanner_start(s->learner, b, err);

	while (!ret && (ret = scanner_next(s->learner, &rec, err)) != 0)
		ret = take_line(s, b, &rec, ret > 0, err);
	block_release(b);
	return ret;
}

/* What there is to do between blocks: 1 when the input should end here. */
static int turn(struct db_sink *s, struct error *err)
{
	if (show_metrics(s, false, err))
		return -1;
	if (!s->scanner && db_sink_learned(s) && take_held(s, err))
		return -1;
	if (db_sink_transaction_time(s, err))
		return -1;
	s->stopped |= stop(s);
	return s->stopped;
}

static int before_wait(void *context, int *timeout_ms, struct error *err)
{
	struct db_sink *s = context;
	int64_t now;
	int ret;

	signals_seen();
	ret = turn(s, err);
	now = db_sink_clock_ns();
	metrics_wait(&s->metrics, timeout_ms);
	wait_at_most(timeout_ms, transaction_wait_ns(&s->transaction, now));
	if (!s->scanner && s->n_learned)
		wait_at_most(timeout_ms, s->held_ns + s->options->commit_interval_ns - now);
	return ret;
}

static int take_input(struct db_sink *s, struct error *err)
{
	int ret;

	while (!s->stopped && (ret = reader_next(s->reader, &s->block, err)) != 0) {
		if (ret < 0)
			ret = reader_can_go_on(s->reader)
				      ? intake_reject(&s->intake, err, NULL, NULL, err)
				      : -1;
		else if (s->scanner)
			ret = take_block(s, &s->block, err);
		else if ((ret = db_sink_learn(s, err)) > 0)
			ret = take_held(s, err);
		else if (!ret && !s->n_learned)
			ret = take_recordless(s, err);
		if (ret || turn(s, err) < 0)
			return -1;
	}
	return s->scanner || !s->n_held ? 0 : take_held(s, err);
}

/* After the last block: 0 when all that came is where it belongs. */
static int finish(struct db_sink *s, struct error *err)
{
	bool marks = s->intake.control.seen;

	/* What is plain does not come again. */
	if (signals_late() && !s->transaction.provenance && !marks &&
	    db_sink_transaction_end(s, err))
		return -1;
	if (signals_late())
		return signals_fail_late("", err);
	/* Dies of the signal; what came behind a mark comes again. */
	if (signals_interrupted() && marks)
		return 0;
	s->ending = true;
	return intake_judge(&s->intake, true, err) || intake_end(&s->intake, err) ||
			       db_sink_transaction_end(s, err)
		       ? -1
		       : 0;
}

static int run(struct db_sink *s)
{
	struct error err = ERROR_INIT, more = ERROR_INIT;
	bool failed = take_input(s, &err) || finish(s, &err);
	int status = 0;

	progress_clear(&s->progress);
	if (failed) {
		status = message_error(&err);
		if (!s->intake.control.seen && store_counts(s->store).rows)
			message_note("%llu rows were stored before",
				     (unsigned long long)store_counts(s->store).rows);
	}
	signals_drained();
	if (show_metrics(s, true, &more))
		status = message_also(status, &more);
	intake_report(&s->intake);
	return status;
}

static int open_sink(struct db_sink *s, char *const *paths, struct error *err)
{
	const struct db_sink_options *o = s->options;
	struct reader_options r = {.paths = paths,
				   .format = (enum record_format)o->stream.from,
				   .max_line = o->stream.max_line,
				   .before_wait = before_wait,
				   .context = s,
				   .wake_fd = signals_wake_fd()};
	int there;

	if (overwrite_check_stream(paths, &o->stream, NULL, err) ||
	    intake_open(&s->intake, &o->stream, err) || store_table_init(&s->table, o->table, err))
		return -1;
	s->transaction.interval_ns = o->commit_interval_ns;
	if (!(s->reader = reader_open(&r, err)))
		return -1;
	if (!(s->store = db_sink_store(o, s, !o->create && !o->schema, err)))
		return err->kind ? -1 : db_sink_no_table(s, err);
	s->opened = true;
	if ((there = db_sink_find_table(s, err)) <= 0)
		return there;
	return db_sink_use_table(s, err);
}

static void release(struct db_sink *s)
{
	store_close(s->store);
	store_table_release(&s->table);
	reader_close(s->reader);
	intake_release(&s->intake);
	for (size_t i = 0; i < s->n_held; i++)
		block_release(&s->held[i]);
	free(s->held);
	scanner_free(s->learner);
	scanner_free(s->scanner);
	fields_free(s->fields);
	block_release(&s->block);
	free(s->slots);
	free(s->cells);
	buf_release(&s->rest_text);
	store_batch_release(&s->batch);
	transaction_release(&s->transaction);
	control_record_release(&s->control);
	for (size_t i = 0; i < s->n_epochs; i++)
		free(s->epochs[i].topic);
	free(s->epochs);
	free(s->mark_epochs);
}

int db_sink_run(const struct program *p, const struct db_sink_options *o, char *const *paths)
{
	struct db_sink s = {
		.options = o, .intake = {.rejects_fd = -1}, .metrics = {.path = o->stream.metrics}};
	struct error err = ERROR_INIT;
	int status = 0;

	progress_init(&s.progress, o->stream.progress);
	signals_sink();
	if (!open_sink(&s, paths, &err))
		status = run(&s);
	else if (err.kind == ERROR_USAGE)
		options_fail(p, "%s", err.what);
	else if (!signals_interrupted())
		status = message_error(&err);
	release(&s);
	if (!status && signals_interrupted())
		signals_die();
	return status;
}
