#include "lib/cli/produce.h"

#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/produce_impl.h"
#include "lib/cli/signals.h"
#include "lib/cli/wait.h"

int64_t sink_clock_ns(void)
{
	return clock_monotonic_ns();
}

static int show_metrics(struct sink *s, bool last, struct error *err)
{
	if (!metrics_due(&s->metrics, last))
		return 0;
	double queued = s->producer ? producer_queued(s->producer) : 0,
	       failed = (double)(s->n_undelivered - s->n_untaken + s->n_refused);
	double acknowledged = s->options->transactional_id ? (double)s->n_in_topic
							   : (double)s->n_sent - queued - failed;
	const struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)s->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)s->intake.n_rejected},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(s->reader)},
		{"messages_total", "Messages produced, aborted ones too.", "counter",
		 (double)s->n_sent},
		{"message_bytes_total", "Bytes of their keys and values.", "counter",
		 (double)s->sent_bytes},
		{"messages_acknowledged_total",
		 "Messages that brokers have acknowledged, or committed.", "counter", acknowledged},
		{"messages_failed_total", "Messages that were not delivered.", "counter", failed},
		{"queue_messages", "Messages on their way.", "gauge", queued},
		{"transactions_committed_total", "Transactions committed.", "counter",
		 (double)s->n_committed},
		{"transactions_aborted_total", "Transactions aborted.", "counter",
		 (double)s->n_aborted},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};
	return metrics_show(&s->metrics, metrics, sizeof(metrics) / sizeof(*metrics), err);
}

/* Asked by the producer while it waits. */
bool sink_stop_waiting(void *context)
{
	const struct sink *s = context;

	if (s->opening)
		return signals_interrupted() || signals_terminated();
	return s->n_undelivered || s->trouble.kind || signals_late();
}

/* What there is to do between blocks: 1 when the input should end here. */
static int turn(struct sink *s, struct error *err)
{
	if (producer_poll(s->producer, err) || intake_judge(&s->intake, false, err) ||
	    show_metrics(s, false, err) ||
	    (s->options->transactional_id && sink_transaction_time(s, err)))
		return -1;
	s->stopped |=
		s->n_undelivered || s->trouble.kind || signals_interrupted() || signals_late();
	return s->stopped;
}

int sink_before_wait(void *context, int *timeout_ms, struct error *err)
{
	struct sink *s = context;
	int ret;

	signals_seen();
	ret = turn(s, err);
	metrics_wait(&s->metrics, timeout_ms);
	if (s->options->transactional_id)
		wait_at_most(timeout_ms, transaction_wait_ns(&s->transaction, sink_clock_ns()));
	return ret;
}

static int take_control(struct sink *s, const struct record *rec, struct error *err)
{
	if (control_check_next(&s->intake.control, rec->control, rec->seq, rec->session,
			       rec->session_len, err))
		return -1;
	if (s->options->count)
		return error_set(err, ERROR_USAGE,
				 "option '-c' is not for a stream with control records, which "
				 "would be cut off: give it to kafka-consume");
	if (control_record_read(&s->control, rec->text, rec->len, err))
		return -1;
	if (s->options->transactional_id)
		return sink_transaction_control(s, err);
	if (rec->control == CONTROL_RESET)
		return error_set(err, ERROR_RETRY,
				 "control record 'reset' makes void what was produced");
	if (rec->control == CONTROL_MARK && !s->told_marks)
		message_note("marks are not committed: a restart produces records again; "
			     "'--transactional-id' commits them, 'kafka-consume "
			     "--commit-on-write' sends none");
	s->told_marks |= rec->control == CONTROL_MARK;
	return 0;
}

static void remark_times(struct sink *s, const struct record *rec, const struct message *m)
{
	int64_t oldest;

	time_options_remark(&s->options->time, outgoing_naive_time(s->outgoing), &s->told_naive);
	if (s->told_old || s->limits.retention_ms < 0 || s->limits.append_time)
		return;
	oldest = timestamp_now() / NS_PER_MS - s->limits.retention_ms;
	if (m->timestamp_ms >= oldest)
		return;
	s->told_old = true;
	message_note("%s:%llu: the time is older than topic '%s' keeps (retention.ms %lld): Kafka "
		     "may delete such messages at once",
		     s->block.file, (unsigned long long)rec->line, s->options->topic,
		     (long long)s->limits.retention_ms);
}

/* 1: the message was taken; 0: it was not, for the sink stops; -1: bad, or worse. */
static int send_record(struct sink *s, const struct record *rec, struct error *err)
{
	struct message m;
	uint64_t tag = sink_tag(s, rec, err);
	int ret;

	if (!s->n_files || outgoing_make(s->outgoing, rec, &m, err))
		return -1;
	if (s->options->time.field)
		remark_times(s, rec, &m);
	ret = s->stopped ? 0 : producer_send(s->producer, &m, tag, err);
	if (ret > 0) {
		s->n_sent++;
		s->n_open++;
		s->sent_bytes += m.key_len + m.value_len;
		s->stopped |= s->n_sent == s->options->count;
	} else if (!ret) {
		s->stopped = true;
		s->n_undelivered++;
		s->n_untaken++;
		return sink_keep_unsent(s, &m, err);
	}
	return ret;
}

/* 0, or -1: it is bad, or worse. */
static int take_record(struct sink *s, const struct record *rec, struct error *err)
{
	int ret = 1;

	if (outgoing_provenance(s->outgoing, rec, err))
		return -1;
	if (outgoing_read(s->outgoing)->replay)
		return 0; /* it was produced before */
	if (s->options->transactional_id)
		ret = sink_transaction_record(s, rec, err);
	if (ret > 0)
		ret = send_record(s, rec, err);
	return ret < 0 ? -1 : 0;
}

static int reject(struct sink *s, const struct record *rec, bool scanned, struct error *err)
{
	if (err->kind == ERROR_DATA)
		error_at(err, s->block.file, rec->line, 0);
	return intake_reject(&s->intake, err, rec,
			     scanned ? &rec->values[outgoing_kafka_slot(s->outgoing)] : NULL, err);
}

/* One line: 0, or -1 when it stops the program. scanned: it is a record or a control record. */
static int take_line(struct sink *s, const struct record *rec, bool scanned, struct error *err)
{
	s->intake.torn = rec->torn;
	if (scanned && rec->torn && s->intake.control.seen)
		return 0; /* cut off, and comes again */
	if (scanned && rec->control != CONTROL_NONE)
		return take_control(s, rec, err) ? error_at(err, s->block.file, rec->line, 0) : 0;
	if (!scanned || take_record(s, rec, err))
		return reject(s, rec, scanned, err);
	return intake_count(&s->intake, 1, NULL, 0, err);
}

static int start_block(struct sink *s, struct error *err)
{
	if (!s->scanner) {
		if (outgoing_start(s->outgoing, s->fields, reader_format(s->reader),
				   reader_header(s->reader), err))
			return -1;
		s->scanner = scanner_new(s->fields, err);
	}
	return s->scanner ? scanner_start(s->scanner, &s->block, err) : -1;
}

/* What is left of a block once the sink stops is kept as unsent, if that was asked for. */
static bool goes_on(const struct sink *s)
{
	return !s->stopped || (s->unsent_fd >= 0 && s->n_undelivered);
}

static int take_block(struct sink *s, struct error *err)
{
	struct record rec;
	int ret = start_block(s, err);

	while (!ret && goes_on(s) && (ret = scanner_next(s->scanner, &rec, err)) != 0)
		ret = take_line(s, &rec, ret > 0, err);
	progress_bytes(&s->progress, reader_bytes(s->reader), reader_size(s->reader));
	return ret;
}

static int take_input(struct sink *s, struct error *err)
{
	int ret;

	while (!s->stopped && (ret = reader_next(s->reader, &s->block, err)) != 0) {
		if (ret < 0)
			ret = reader_can_go_on(s->reader)
				      ? intake_reject(&s->intake, err, NULL, NULL, err)
				      : -1;
		else
			ret = take_block(s, err);
		if (ret || turn(s, err) < 0)
			return -1;
	}
	return 0;
}

/* After the last block: 0 when all that came is where it belongs. */
static int finish(struct sink *s, struct error *err)
{
	bool transactional = s->options->transactional_id, marks = s->intake.control.seen;

	if (s->n_undelivered || s->trouble.kind) /* which stopped it, and is told in its turn */
		return transactional ? sink_judge_delivery(s, err) : 0;
	/* What is plain does not come again. */
	if (signals_late() && transactional && !s->transaction.provenance && !marks &&
	    sink_transaction_end(s, err))
		return -1;
	if (signals_late())
		return signals_fail_late("", err);
	/* Dies of the signal; what came behind a mark comes again. */
	if (signals_interrupted() && transactional && marks)
		return 0;
	if (!(signals_interrupted() && marks) &&
	    (intake_judge(&s->intake, true, err) || intake_end(&s->intake, err)))
		return -1;
	return transactional ? sink_transaction_end(s, err) : 0;
}

static int run(struct sink *s)
{
	struct error err = ERROR_INIT, more = ERROR_INIT;
	int status = 0;
	bool failed = take_input(s, &err) || finish(s, &err);

	progress_clear(&s->progress);
	if (failed)
		status = message_error(&err);
	sink_drain(s);
	if (s->transaction.state == TRANSACTION_OPEN)
		sink_transaction_give_up(s);
	if (!s->options->transactional_id && sink_judge_delivery(s, &more))
		status = message_also(status, &more);
	/* Brokers may have refused records since. */
	if (!failed && !signals_interrupted() && intake_judge(&s->intake, true, &more))
		status = message_also(status, &more);
	signals_drained();
	if (show_metrics(s, true, &more))
		status = message_also(status, &more);
	intake_report(&s->intake);
	return status;
}

int produce_run(const struct program *p, const struct produce_options *o, char *const *paths)
{
	struct sink s = {.options = o,
			 .unsent_fd = -1,
			 .intake = {.rejects_fd = -1},
			 .metrics = {.path = o->stream.metrics}};
	struct error err = ERROR_INIT;
	int status = 0;

	kafka_cli_read(p, &o->kafka, &s.kafka);
	progress_init(&s.progress, o->stream.progress);
	signals_sink();
	if (sink_open(&s, paths, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		message_die(&err);
	}
	if (!sink_open_producer(&s, &err))
		status = run(&s);
	else if (err.kind == ERROR_USAGE)
		options_fail(p, "%s", err.what);
	else if (err.kind)
		status = message_error(&err);
	else if (!signals_interrupted())
		status = ERROR_RETRY; /* SIGTERM came before a broker did */
	sink_release(&s);
	if (!status && signals_interrupted())
		signals_die();
	return status;
}
