/* What was not delivered: its place, the file that keeps it, the words at the end. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/produce_impl.h"
#include "lib/cli/signals.h"
#include "lib/record/rejects.h"

/* A tag is the file's number and the line in it. */
#define LINE_BITS 44
#define FILES_MAX ((size_t)1 << (64 - LINE_BITS))
#define LINE_MAX_TAG (((uint64_t)1 << LINE_BITS) - 1)

/* How long what was sent may take after the rest was given up. */
#define LAST_WAIT_MS 1500

uint64_t sink_tag(struct sink *s, const struct record *rec, struct error *err)
{
	if (!s->n_files || (s->files[s->n_files - 1] != s->block.file && s->n_files < FILES_MAX)) {
		if (MEM_GROW(&s->files, &s->files_cap, s->n_files + 1, err))
			return 0;
		s->files[s->n_files++] = s->block.file;
	}
	return (uint64_t)(s->n_files - 1) << LINE_BITS | (rec->line & LINE_MAX_TAG);
}

static void place_of(const struct sink *s, uint64_t tag, struct error *err)
{
	error_at(err, s->files[tag >> LINE_BITS], tag & LINE_MAX_TAG, 0);
}

static bool is_records_fault(rd_kafka_resp_err_t code)
{
	return kafka_error_kind(code, false) == ERROR_DATA;
}

/* A record that the broker refused is a bad one. */
static int reject(struct sink *s, const struct undelivered *u, struct error *err)
{
	struct error why = ERROR_INIT;
	struct record rec = {0};
	struct buf line = BUF_INIT;
	int ret = -1;

	error_set(&why, ERROR_DATA, "the broker refuses the record: %s", rd_kafka_err2str(u->code));
	place_of(s, u->tag, &why);
	s->again.len = 0;
	if (outgoing_again(&s->again, &u->message, s->options->outgoing.value, err))
		return -1;
	rec.text = s->again.data;
	rec.len = s->again.len - 1;
	if (!reject_format(&line, message_program(), &why, &rec, NULL, timestamp_now(), err))
		ret = intake_keep(&s->intake, line.data, line.len, false, err);
	buf_release(&line);
	s->intake.n_rejected++; /* among the records it has been counted */
	s->n_refused++;
	return ret;
}

int sink_keep_unsent(struct sink *s, const struct message *m, struct error *err)
{
	if (s->unsent_fd < 0)
		return 0;
	s->again.len = 0;
	if (outgoing_again(&s->again, m, s->options->outgoing.value, err))
		return -1;
	return rejects_write(s->unsent_fd, s->again.data, s->again.len, err)
		       ? error_prefix(err, "'%s'", s->options->unsent)
		       : 0;
}

/* Keeps the first reason; what was given up for another's sake is none. */
static void note_reason(struct sink *s, const struct undelivered *u)
{
	char said[300];
	bool given_up = u->code == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
			u->code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;

	if (s->undelivered.kind || given_up)
		return;
	said[0] = '\0';
	if (u->code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
		producer_reason(s->producer, said, sizeof(said));
	kafka_error(&s->undelivered, u->code, NULL, false, "not delivered to topic '%s'",
		    s->options->topic);
	if (said[0])
		error_set(&s->undelivered, s->undelivered.kind,
			  "not delivered to topic '%s': %s (%s)", s->options->topic,
			  rd_kafka_err2str(u->code), said);
	place_of(s, u->tag, &s->undelivered);
}

void sink_undelivered(void *context, const struct undelivered *u)
{
	struct sink *s = context;
	struct error err = ERROR_INIT;
	int ret;

	if (is_records_fault(u->code) && s->intake.rejects_fd >= 0 &&
	    !s->options->transactional_id) {
		ret = reject(s, u, &err);
	} else {
		note_reason(s, u);
		s->n_undelivered++;
		s->n_maybe += u->maybe;
		ret = sink_keep_unsent(s, &u->message, &err);
	}
	if (ret && !s->trouble.kind)
		s->trouble = err;
}

int sink_blame_topic(const struct sink *s, struct error *err)
{
	struct error was = *err;

	if (!producer_topic_gone(s->producer))
		return -1;
	error_set(err, ERROR_CONFIG, "topic '%s' does not exist any more", s->options->topic);
	return error_at(err, *was.file ? was.file : NULL, was.line, 0);
}

int sink_judge_delivery(const struct sink *s, struct error *err)
{
	*err = s->trouble;
	if (err->kind)
		return -1;
	if (!s->n_undelivered)
		return 0;
	*err = s->undelivered;
	if (err->kind)
		sink_blame_topic(s, err);
	/* Where librdkafka fails for good, it gives up what is in its queue. */
	if (!err->kind && !producer_poll(s->producer, err))
		error_set(err, ERROR_RETRY, "given up");
	return error_prefix(err, "%llu of %llu records not acknowledged%s%s",
			    (unsigned long long)s->n_undelivered,
			    (unsigned long long)(s->intake.n_records - s->intake.n_rejected),
			    s->n_maybe ? " (some may be in the topic all the same)" : "",
			    s->unsent_fd >= 0 ? ", kept by --unsent" : "");
}

void sink_drain(struct sink *s)
{
	struct error err = ERROR_INIT;

	if (!s->producer || s->options->transactional_id)
		return;
	/* As long as each message may take, unless one has failed already or time is short. */
	if (producer_flush(s->producer) > 0) {
		producer_purge(s->producer, false);
		for (int left = LAST_WAIT_MS / 100; producer_queued(s->producer) > 0 && left > 0 &&
						    !producer_poll(s->producer, &err);
		     left--)
			producer_wait(s->producer, 100);
		if (producer_queued(s->producer) > 0)
			producer_purge(s->producer, true);
	}
	if (s->n_refused && intake_keep(&s->intake, "", 0, true, &err) && !s->trouble.kind)
		s->trouble = err;
	if (s->unsent_fd >= 0 && fdatasync(s->unsent_fd) && errno != EINVAL && !s->trouble.kind)
		error_errno(&s->trouble, ERROR_IO, errno, "cannot sync '%s'", s->options->unsent);
}
