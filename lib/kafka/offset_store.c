#include "lib/kafka/offset_store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/assignment.h"
#include "lib/kafka/client.h"
#include "lib/kafka/offset_command.h"

#define ATTEMPT_MS 1000 /* of waiting for an answer, between two looks at stop */
#define PAUSE_MS 50

static int64_t monotonic_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

static rd_kafka_topic_partition_list_t *list_of(const struct positions *p)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)p->n);

	for (size_t i = 0; i < p->n; i++)
		rd_kafka_topic_partition_list_add(list, p->items[i].topic, p->items[i].partition);
	return list;
}

/* How long one may take of what is left until then. */
static int attempt_ms(int64_t end_ms)
{
	int64_t left = end_ms - monotonic_ms();

	return left > ATTEMPT_MS ? ATTEMPT_MS : left > 0 ? (int)left : 0;
}

/* Asks the group once; the error is that of the request or of the first partition that has one. */
static rd_kafka_resp_err_t ask_group(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
				     int timeout_ms)
{
	rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, timeout_ms);

	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	return code;
}

static int take(struct position *x, const rd_kafka_topic_partition_t *stored, struct error *err)
{
	struct error foreign = ERROR_INIT;
	int64_t ignored;

	x->stored = stored->offset >= 0 ? stored->offset : OFFSET_NONE;
	x->epoch = CONTROL_NO_EPOCH;
	free(x->state);
	x->state = NULL;
	if (!stored->metadata_size)
		return 0;
	if (!(x->state = mem_strndup(stored->metadata, stored->metadata_size, err)))
		return -1;
	/* Others may have put there what they like. */
	if (control_state_replay_from(x->state, &ignored, &foreign)) {
		free(x->state);
		x->state = NULL;
	}
	return 0;
}

/* Whether the group has an offset for any partition of a topic. */
static rd_kafka_resp_err_t has_any(const struct offset_store *s, const char *topic, int timeout_ms,
				   bool *any)
{
	rd_kafka_topic_t *handle = rd_kafka_topic_new(s->rk, topic, NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	const rd_kafka_metadata_t *metadata = NULL;
	rd_kafka_resp_err_t code =
		handle ? rd_kafka_metadata(s->rk, 0, handle, &metadata, timeout_ms)
		       : rd_kafka_last_error();

	*any = false;
	if (!code)
		code = metadata && metadata->topic_cnt ? metadata->topics[0].err
						       : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (!code)
		rd_kafka_topic_partition_list_add_range(list, topic, 0,
							metadata->topics[0].partition_cnt - 1);
	if (!code)
		code = ask_group(s->rk, list, timeout_ms);
	for (int i = 0; !code && i < list->cnt; i++)
		*any |= list->elems[i].offset >= 0;
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	if (handle)
		rd_kafka_topic_destroy(handle);
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

/* What is not stored, though other partitions of its topic are, was added to it. */
static rd_kafka_resp_err_t find_added(const struct offset_store *s, struct positions *p,
				      int64_t end_ms)
{
	rd_kafka_resp_err_t code;
	const char *topic = NULL;
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		struct position *x = &p->items[i];
		if (x->stored != OFFSET_NONE)
			continue;
		if ((!topic || strcmp(topic, x->topic) != 0) &&
		    (code = has_any(s, x->topic, attempt_ms(end_ms), &any)))
			return code;
		topic = x->topic;
		x->added = any;
	}
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int claim_from_group(const struct offset_store *s, struct positions *p, int timeout_ms,
			    struct error *err)
{
	rd_kafka_topic_partition_list_t *list = list_of(p);
	int64_t end_ms = monotonic_ms() + timeout_ms;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int ret = 0;

	/* librdkafka by itself would take an error for "nothing is stored". */
	while (monotonic_ms() < end_ms) {
		code = ask_group(s->rk, list, attempt_ms(end_ms));
		for (int i = 0; !code && !ret && i < list->cnt; i++)
			ret = take(&p->items[i], &list->elems[i], err);
		if (!code && !ret)
			code = find_added(s, p, end_ms);
		if (ret || !code || !assignment_may_pass(code))
			break;
		if (s->stop(s->context)) {
			ret = error_set(err, ERROR_NONE, "stopped");
			goto out;
		}
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
	}
	if (code)
		ret = kafka_error(err, code, NULL, false,
				  "cannot find out what group '%s' has committed", s->group);
out:
	rd_kafka_topic_partition_list_destroy(list);
	return ret;
}

/* A program that is ending still has to know what is committed. */
static bool lost(void *context)
{
	const struct offset_store *s = context;

	return rd_kafka_assignment_lost(s->rk);
}

static int ask_command(const struct offset_store *s, const char *operation, struct positions *p,
		       int timeout_ms, struct error *err)
{
	const bool claim = !strcmp(operation, "claim");
	const struct offset_command c = {s->command, timeout_ms, claim ? s->stop : lost,
					 claim ? s->context : (void *)(uintptr_t)s};
	struct buf question = BUF_INIT, answer = BUF_INIT;
	int ret = -1;

	if (!offset_question(&question, operation, s->group, p, err) &&
	    !offset_command_run(&c, &question, &answer, err))
		ret = offset_answer(p, answer.data ? answer.data : "", answer.len, err);
	buf_release(&question);
	buf_release(&answer);
	if (ret && err->kind != ERROR_NONE)
		error_prefix(err, "command of '--offsets-from'");
	return ret;
}

int offset_store_claim(const struct offset_store *s, struct positions *p, int timeout_ms,
		       struct error *err)
{
	if (!p->n)
		return 0;
	return s->command ? ask_command(s, "claim", p, timeout_ms, err)
			  : claim_from_group(s, p, timeout_ms, err);
}

static int read_by_command(const struct offset_store *s, const struct positions *p,
			   int64_t *offsets, int timeout_ms, struct error *err)
{
	struct positions now = {.n = 0};
	int ret = 0;

	for (size_t i = 0; !ret && i < p->n; i++)
		ret = positions_add(&now, p->items[i].topic, p->items[i].partition, err);
	if (!ret)
		ret = ask_command(s, "read", &now, timeout_ms, err);
	for (size_t i = 0; !ret && i < p->n; i++)
		offsets[i] = now.items[i].stored;
	positions_release(&now);
	return ret ? -1 : 1;
}

int offset_store_read(const struct offset_store *s, const struct positions *p, int64_t *offsets,
		      int timeout_ms, struct error *err)
{
	if (!p->n)
		return 1;
	if (s->command)
		return read_by_command(s, p, offsets, timeout_ms, err);
	rd_kafka_topic_partition_list_t *list = list_of(p);
	rd_kafka_resp_err_t code = ask_group(s->rk, list, timeout_ms);
	for (int i = 0; !code && i < list->cnt; i++)
		offsets[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : OFFSET_NONE;
	rd_kafka_topic_partition_list_destroy(list);
	return !code;
}
