#include "lib/cli/consume.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/consume_impl.h"
#include "lib/cli/message.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/signals.h"

#define BLOCK_BYTES (128 << 10)
#define BLOCK_MESSAGES 2048
#define LOOK_NS (100 * NS_PER_MS) /* for signals, the reader, brokers, metrics */
#define PAUSE_NS NS_PER_SECOND    /* pausing throws away what was fetched */
#define FULL_WAIT_MS 50
#define LEAVE_MS 1000

int64_t consume_now_ns(void)
{
	return clock_monotonic_ns();
}

bool consume_stopped(void *context)
{
	const struct consume *c = context;

	return signals_terminated() || signals_interrupted() ||
	       (!c->closed && background_output_gone(c->out));
}

static void note(void *context, const char *text)
{
	const struct consume *c = context;

	if (!c->options->quiet)
		message_note("%s", text);
}

static int keep_bad(void *context, const struct error *why, const struct record *rec,
		    const struct value *kafka, struct error *err)
{
	struct consume *c = context;

	if (intake_reject(&c->intake, why, rec, kafka, err))
		return -1;
	c->rejects_dirty = true;
	return 0;
}

int consume_sync_rejects(struct consume *c, struct error *err)
{
	int ret = c->rejects_dirty ? intake_keep(&c->intake, "", 0, true, err) : 0;

	c->rejects_dirty = false;
	return ret;
}

int consume_settle(struct consume *c, struct error *err)
{
	size_t n = message_block_count(c->block), bad;

	if (message_block_write(c->block, background_output_buffer(c->out), &bad, err))
		return -1;
	return intake_count(&c->intake, n - bad, NULL, 0, err);
}

static int look_around(struct consume *c, int64_t now, struct error *err)
{
	if (now < c->look_ns)
		return 0;
	c->look_ns = now + LOOK_NS;
	if (background_output_gone(c->out))
		return error_set(err, ERROR_NONE, "stopped");
	if (consume_write_metrics(c, false, err))
		return -1;
	return consumer_serve(c->consumer, err);
}

/* What is read becomes records and marks, and is handed to the reader. */
static int hand_on(struct consume *c, struct error *err)
{
	int64_t now = consume_now_ns();

	if (consume_settle(c, err) || consume_marks(c, now, err) ||
	    background_output_push(c->out, err) < 0)
		return -1;
	return look_around(c, now, err);
}

/* Takes the next message, or what comes in its place: 1, 0 when none came in time, -1. */
static int take(struct consume *c, int timeout_ms, struct error *err)
{
	const struct position *x;
	rd_kafka_message_t *m;
	int ret = consumer_next(c->consumer, timeout_ms, &m, &x, err);

	if (ret <= 0)
		return ret;
	c->n_messages++;
	mark_pace_record(&c->pace, m->len);
	return message_block_add(c->block, m, m->offset < x->processed, err) ? -1 : 1;
}

/* The reader has no time. After a while nothing is fetched any more, but the group is served: 1,
 * -1. */
static int wait_for_reader(struct consume *c, struct error *err)
{
	int64_t now = consume_now_ns();

	if (!c->full_ns)
		c->full_ns = now;
	if (!c->paused && now - c->full_ns > PAUSE_NS) {
		consumer_pause(c->consumer, true);
		c->paused = true;
	}
	if (c->paused && (take(c, 0, err) < 0 || consume_settle(c, err)))
		return -1;
	if (background_output_wait(c->out, FULL_WAIT_MS, err) < 0 ||
	    background_output_push(c->out, err) < 0)
		return -1;
	return look_around(c, now, err) ? -1 : 1;
}

static bool done(const struct consume *c)
{
	const struct consume_options *o = c->options;

	if (o->count && c->n_messages >= o->count)
		return true;
	return o->exit_at_end && consumer_assigned(c->consumer) &&
	       positions_at_end(consumer_positions(c->consumer));
}

/* One message, or a look at what there is to do besides: 1 when that may have been the last one, 0,
 * -1. */
static int step(struct consume *c, struct error *err)
{
	int64_t wait_ns = 0;
	int ret;

	if (!background_output_room(c->out))
		return wait_for_reader(c, err);
	if (c->paused)
		consumer_pause(c->consumer, false);
	c->paused = false;
	c->full_ns = 0;
	if (!message_block_count(c->block)) {
		wait_ns = consume_idle_ns(c, consume_now_ns());
		if (wait_ns > LOOK_NS)
			wait_ns = LOOK_NS;
	}
	if ((ret = take(c, (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS), err)) < 0 ||
	    /* The end may lie behind what is no message. */
	    (!ret && c->options->exit_at_end && consumer_update_positions(c->consumer, err)))
		return -1;
	if (ret && message_block_bytes(c->block) < BLOCK_BYTES &&
	    message_block_count(c->block) < BLOCK_MESSAGES && c->n_messages != c->options->count)
		return 0;
	return hand_on(c, err) ? -1 : 1;
}

/* Until all is read that should be, or a signal comes, or the reader has gone. */
static int run(struct consume *c, struct error *err)
{
	int ret = 0;

	while (!signals_terminated() && !signals_interrupted() && !(ret > 0 && done(c)))
		if ((ret = step(c, err)) < 0)
			return err->kind == ERROR_NONE ? 0 : -1;
	return 0;
}

static int set_up(struct consume *c, char *const *operands, struct error *err)
{
	const struct consume_options *o = c->options;
	size_t n_operands = 0;
	uint64_t random;

	while (operands[n_operands])
		n_operands++;
	c->n_topics = o->topics.n + n_operands;
	if (!(c->topics = mem_alloc(c->n_topics, sizeof(*c->topics), err)))
		return -1;
	for (size_t i = 0; i < c->n_topics; i++)
		c->topics[i] = i < o->topics.n ? o->topics.items[i] : operands[i - o->topics.n];
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_errno(err, ERROR_UNAVAILABLE, errno, "cannot get random bytes");
	snprintf(c->session, sizeof(c->session), "%016llx", (unsigned long long)random);
	c->marking = o->group && !o->commit_on_write;
	c->committing = o->group && o->commit_on_write;
	c->pace.interval_ns = (int64_t)o->mark_interval_ms * NS_PER_MS;
	const struct message_block_options block = {.provenance = !o->no_provenance,
						    .tombstones = o->tombstones,
						    .bad = keep_bad,
						    .context = c};
	if (overwrite_check_outputs(&o->stream, NULL, err) ||
	    intake_open(&c->intake, &o->stream, err) ||
	    !(c->block = message_block_new(&block, err)) ||
	    !(c->out = background_output_new(STDOUT_FILENO, err)))
		return -1;
	return 0;
}

static int open_consumer(const struct program *p, struct consume *c, struct error *err)
{
	const struct consume_options *o = c->options;
	struct kafka_options kafka = KAFKA_OPTIONS_INIT;
	const struct consumer_options options = {
		.kafka = &kafka,
		.group = o->group,
		.instance = o->instance,
		.topics = c->topics,
		.n_topics = c->n_topics,
		.partitions = o->partitions.items,
		.n_partitions = o->partitions.n,
		.from = o->from,
		.offsets_from = o->offsets_from,
		.timeout_ms = kafka_cli_timeout_ms(&o->kafka),
		.drain_ms = (int)(o->drain_s * 1000),
		.context = c,
		.assigned = consume_assigned,
		.revoked = consume_revoked,
		.note = note,
		.stop = consume_stopped,
		.log = kafka_cli_log,
	};

	kafka_cli_read(p, &o->kafka, &kafka);
	c->consumer = consumer_open(&options, err);
	kafka_options_release(&kafka);
	return c->consumer ? 0 : -1;
}

static void die_of_pipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
}

/* What is left to do after run, or after the consumer could not be opened: the exit status, or 128
 * and SIGPIPE. */
static int end(struct consume *c, int ret, struct error *err)
{
	int64_t limit = consume_now_ns() + (int64_t)(c->options->drain_s * 1e9);
	bool gone = background_output_gone(c->out);
	struct error ignored;
	int status = 0;

	if (!gone && !ret && !signals_interrupted() && c->consumer)
		ret = consume_finish(c, err) || intake_judge(&c->intake, true, err) ? -1 : 0;
	else if (!gone && !(ret && c->marking) && !(!ret && consume_settle(c, err)) &&
		 /* What came before a signal or a failure is good, unless a mark is missing. */
		 consume_flush(c, limit, false, &ignored) > 0 && c->committing && c->consumer &&
		 consumer_assigned(c->consumer))
		consume_commit_all(c, &ignored);
	gone = gone || (!c->closed && background_output_gone(c->out));
	if (ret && !gone)
		status = message_error(err);
	if (consume_sync_rejects(c, err))
		status = message_also(status, err);
	if (consume_write_metrics(c, true, err))
		status = message_also(status, err);
	if (!c->options->quiet)
		intake_report(&c->intake);
	return gone ? 128 + SIGPIPE : status;
}

int consume_run(const struct program *p, const struct consume_options *o, char *const *operands)
{
	/* To the end of the process: a thread may hang in a write. */
	static struct consume consume;
	struct consume *c = &consume;
	struct error err = ERROR_INIT;
	struct sigaction pipe_before;
	int ret, status;

	c->options = o;
	c->metrics.path = o->stream.metrics;
	signals_source();
	sigaction(SIGPIPE, NULL, &pipe_before);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would take a command's status away */
	if (set_up(c, operands, &err) || open_consumer(p, c, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		if (err.kind != ERROR_NONE)
			_exit(message_error(&err));
		ret = 0; /* a signal, or no reader */
	} else {
		ret = run(c, &err);
	}
	status = end(c, ret, &err);
	consumer_close(c->consumer, LEAVE_MS);
	if (signals_interrupted() && !status)
		signals_die();
	if (status == 128 + SIGPIPE && pipe_before.sa_handler != SIG_IGN)
		die_of_pipe();
	if (status == 128 + SIGPIPE) {
		error_errno(&err, ERROR_IO, EPIPE, "cannot write standard output");
		status = message_error(&err);
	}
	/* Threads of librdkafka may be left. */
	_exit(status);
}
