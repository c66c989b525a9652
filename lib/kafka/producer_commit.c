#include <string.h>
#include <time.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/offset_sender.h"
#include "lib/kafka/producer_impl.h"

/* What a broker keeps with an offset, unless told otherwise (offset.metadata.max.bytes). */
#define STATE_MAX 4096
#define RETRY_PAUSE_NS 10000000

#define GIVE_UP_MS 1500

static int64_t now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

static int left_ms(int64_t end_ms)
{
	int64_t left = end_ms - now_ms();

	return left > 0 ? (int)left : 0;
}

int64_t producer_transaction_timeout_ms(const struct producer *p)
{
	return p->transaction_timeout_ms;
}

static int explain(rd_kafka_error_t *e, const char *what, struct error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(e);

	kafka_error(err, code, rd_kafka_error_string(e), false, "%s%s", what,
		    code == RD_KAFKA_RESP_ERR__FENCED
			    ? " (another has this transactional id, or the transaction took longer "
			      "than transaction.timeout.ms)"
			    : "");
	if (err->kind != ERROR_CONFIG)
		err->kind = ERROR_RETRY;
	rd_kafka_error_destroy(e);
	return -1;
}

static bool is_fencing(const rd_kafka_error_t *e)
{
	switch (rd_kafka_error_code(e)) {
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
		return !rd_kafka_error_is_fatal(e);
	default:
		return false;
	}
}

/* Whether to try again what failed: e is freed then. A call that is refused at once for another
 * that has not ended will be refused until that has. */
static bool try_again(rd_kafka_error_t *e, int64_t end_ms)
{
	if (!e || !rd_kafka_error_is_retriable(e) ||
	    rd_kafka_error_code(e) == RD_KAFKA_RESP_ERR__CONFLICT || now_ms() >= end_ms)
		return false;
	rd_kafka_error_destroy(e);
	nanosleep(&(struct timespec){.tv_nsec = RETRY_PAUSE_NS}, NULL);
	return true;
}

int producer_begin(struct producer *p, struct error *err)
{
	rd_kafka_error_t *e = rd_kafka_begin_transaction(p->rk);

	return e ? explain(e, "cannot begin a transaction", err) : 0;
}

static int list_offsets(const struct control_record *mark, rd_kafka_topic_partition_list_t *list,
			struct error *err)
{
	for (size_t i = 0; i < mark->n; i++) {
		const struct control_partition *c = &mark->partitions[i];
		rd_kafka_topic_partition_t *to =
			rd_kafka_topic_partition_list_add(list, c->topic, c->partition);
		size_t len = c->state ? strlen(c->state) : 0;

		to->offset = c->to;
		if (!len)
			continue;
		if (len > STATE_MAX)
			return error_set(err, ERROR_CONFIG,
					 "the state kept for partition %d of '%s' has %zu bytes; "
					 "Kafka keeps at most %d with an offset",
					 (int)c->partition, c->topic, len, STATE_MAX);
		/* librdkafka gives it back with rd_free(), which is free(3). */
		to->metadata = mem_strndup(c->state, len, err);
		if (!to->metadata)
			return -1;
		to->metadata_size = len;
	}
	return 0;
}

/* The offsets and the group of a mark into the transaction: as producer_commit. */
static int send_offsets(struct producer *p, const struct control_record *mark, int64_t end_ms,
			struct error *err)
{
	rd_kafka_consumer_group_metadata_t *group;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_error_t *e;
	int ret = -1;

	if (mark->generation < 0 || mark->generation > INT32_MAX || !mark->member || !*mark->member)
		return error_set(err, ERROR_CONFIG,
				 "a mark without a member and a generation would be fenced by "
				 "nobody");
	list = rd_kafka_topic_partition_list_new((int)mark->n);
	group = rd_kafka_consumer_group_metadata_new_with_genid(
		mark->group, (int32_t)mark->generation, mark->member, mark->instance);
	if (list_offsets(mark, list, err))
		goto out;
	do {
		if (offset_sender_run(p->rk, list, group, left_ms(end_ms), &e, err)) {
			p->stuck = true;
			return -1;
		}
	} while (try_again(e, end_ms));
	ret = e ? is_fencing(e) : 0;
	if (e && explain(e, "cannot commit the offsets", err) && !ret)
		ret = -1;
out:
	rd_kafka_consumer_group_metadata_destroy(group);
	rd_kafka_topic_partition_list_destroy(list);
	return ret;
}

int producer_commit(struct producer *p, const struct control_record *mark, struct error *err)
{
	int64_t end_ms = now_ms() + p->transaction_timeout_ms;
	rd_kafka_error_t *e;
	int ret;

	producer_hand_over(p, false);
	if (p->refused)
		return kafka_error(err, p->refused, NULL, false, "cannot produce to topic '%s'",
				   p->options->topic);
	if (mark && mark->n && (ret = send_offsets(p, mark, end_ms, err)) != 0)
		return ret;
	do
		e = rd_kafka_commit_transaction(p->rk, left_ms(end_ms));
	while (try_again(e, end_ms));
	return e ? explain(e, "cannot commit", err) : 0;
}

static int abort_within(struct producer *p, int timeout_ms, struct error *err)
{
	int64_t end_ms = now_ms() + timeout_ms;
	rd_kafka_error_t *e;

	p->voiding = true;
	producer_drop_batch(p);
	do
		e = rd_kafka_abort_transaction(p->rk, left_ms(end_ms));
	while (try_again(e, end_ms));
	rd_kafka_poll(p->rk, 0);
	p->voiding = false;
	return e ? explain(e, "cannot abort", err) : 0;
}

int producer_abort(struct producer *p, struct error *err)
{
	return abort_within(p, p->transaction_timeout_ms, err);
}

void producer_give_up(struct producer *p)
{
	struct error ignored = ERROR_INIT;

	if (!p->stuck)
		abort_within(p, GIVE_UP_MS, &ignored);
}
