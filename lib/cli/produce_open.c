/* What kafka-produce needs before its first record, and gives back after its last. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/produce_impl.h"
#include "lib/cli/signals.h"
#include "lib/record/rejects.h"

/* A transaction must be over long before brokers take it for abandoned. */
static int check_interval(const struct sink *s, struct error *err)
{
	int64_t timeout_ms = producer_transaction_timeout_ms(s->producer);

	if (s->options->commit_interval_ns <= timeout_ms * NS_PER_MS / 2)
		return 0;
	return error_set(err, ERROR_USAGE,
			 "option '--commit-interval' must be at most half of "
			 "transaction.timeout.ms, which is %lld ms",
			 (long long)timeout_ms);
}

int sink_open_producer(struct sink *s, struct error *err)
{
	const struct produce_options *o = s->options;

	s->producer_options = (struct producer_options){
		.kafka = &s->kafka,
		.topic = o->topic,
		.partition = o->partition == PRODUCE_ANY_PARTITION ? PRODUCER_ANY_PARTITION
								   : (int32_t)o->partition,
		.partitioner = o->partitioner,
		.compression = o->compression,
		.transactional_id = o->transactional_id,
		.create_partitions = o->create_partitions,
		.create_replication = o->create_replication,
		.timeout_ms = kafka_cli_timeout_ms(&o->kafka),
		.undelivered = sink_undelivered,
		.stop = sink_stop_waiting,
		.context = s,
		.log = kafka_cli_log,
		.wake_fd = signals_wake_fd()};
	s->opening = true;
	s->producer = producer_open(&s->producer_options, &s->limits, err);
	s->opening = false;
	if (!s->producer)
		return -1;
	if (o->transactional_id && check_interval(s, err))
		return -1;
	if (s->limits.found_partitions)
		message_note("topic '%s' existed, with %d partitions", o->topic,
			     s->limits.found_partitions);
	if (o->time.field && s->limits.append_time)
		message_note("topic '%s' has its own times (message.timestamp.type LogAppendTime): "
			     "those of '--timestamp-field' are not kept",
			     o->topic);
	return 0;
}

static int want_source(struct sink *s, struct error *err)
{
	int topic = fields_want(s->fields, "_kafka.topic", err),
	    partition = fields_want(s->fields, "_kafka.partition", err);

	if (topic < 0 || partition < 0)
		return -1;
	s->topic_slot = (size_t)topic;
	s->partition_slot = (size_t)partition;
	return 0;
}

static int make_outgoing(struct sink *s, struct error *err)
{
	const struct produce_options *o = s->options;

	s->time = (struct event_time){.path = o->time.field,
				      .unit = (enum time_unit)o->time.unit,
				      .offset_s = o->time.offset_s};
	s->outgoing_options = o->outgoing;
	s->outgoing_options.headers = o->headers.items;
	s->outgoing_options.n_headers = o->headers.n;
	s->outgoing_options.time = o->time.field ? &s->time : NULL;
	s->fields = fields_new(err);
	if (!s->fields || (o->transactional_id && want_source(s, err)))
		return -1;
	s->outgoing = outgoing_new(&s->outgoing_options, s->fields, err);
	return s->outgoing ? 0 : -1;
}

/* What cannot be read is said before a broker is waited for. Nothing is opened: that would begin
 * with a pipe's writer. */
static int check_inputs(char *const *paths, struct error *err)
{
	struct stat st;

	for (; *paths; paths++) {
		if (!strcmp(*paths, "-"))
			continue;
		if (stat(*paths, &st) || eaccess(*paths, R_OK))
			return error_errno(err, ERROR_NO_INPUT, errno, "cannot open '%s'", *paths);
		if (S_ISDIR(st.st_mode))
			return error_set(err, ERROR_NO_INPUT, "'%s' is a directory", *paths);
	}
	return 0;
}

int sink_open(struct sink *s, char *const *paths, struct error *err)
{
	const struct produce_options *o = s->options;
	struct reader_options r = {.paths = paths,
				   .format = (enum record_format)o->stream.from,
				   .max_line = o->stream.max_line,
				   .before_wait = sink_before_wait,
				   .context = s,
				   .wake_fd = signals_wake_fd()};
	const struct overwrite_output outputs[] = {{"--unsent", o->unsent}, {NULL, NULL}};

	if (overwrite_check_stream(paths, &o->stream, outputs, err) || make_outgoing(s, err) ||
	    check_inputs(paths, err) || intake_open(&s->intake, &o->stream, err))
		return -1;
	if (o->unsent && (s->unsent_fd = rejects_open(o->unsent, err)) < 0)
		return -1;
	s->transaction.interval_ns = o->commit_interval_ns;
	s->reader = reader_open(&r, err);
	return s->reader ? 0 : -1;
}

void sink_release(struct sink *s)
{
	producer_close(s->producer);
	outgoing_free(s->outgoing);
	scanner_free(s->scanner);
	fields_free(s->fields);
	block_release(&s->block);
	reader_close(s->reader);
	intake_release(&s->intake);
	transaction_release(&s->transaction);
	control_record_release(&s->control);
	kafka_options_release(&s->kafka);
	buf_release(&s->again);
	free(s->files);
	if (s->unsent_fd >= 0)
		close(s->unsent_fd);
}
