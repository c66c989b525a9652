/* Messages from the caller into the queue of librdkafka, and out of it. */
#include <stdlib.h>
#include <string.h>
#include "lib/base/timestamp.h"
#include "lib/kafka/producer_impl.h"

#define WAIT_MS 100
#define BATCH_MESSAGES 128
#define BATCH_BYTES 65536
/* Kafka's record batch, version 2: its own bytes, and of its first record the attributes and the
 * differences to the batch's time and offset. */
#define BATCH_OVERHEAD 61
#define RECORD_OVERHEAD 3

int producer_alloc_batch(struct producer *p, struct error *err)
{
	p->batch = mem_alloc(BATCH_MESSAGES, sizeof(*p->batch), err);
	p->batch_text = p->batch ? mem_alloc(BATCH_BYTES, 1, err) : NULL;
	return p->batch_text ? 0 : -1;
}

void producer_drop_batch(struct producer *p)
{
	p->batch_at = p->batch_end = p->batch_len = 0;
}

/* Of a length, which has a sign: -1, no key or no value, takes as much as 0. */
static size_t varint_size(size_t n)
{
	size_t size = 1;

	for (n *= 2; n >= 128; n >>= 7)
		size++;
	return size;
}

static size_t counted_size(size_t len)
{
	return varint_size(len) + len;
}

/* The bytes that a message takes in a batch of its own, before compression. */
static size_t message_size(const struct message *m)
{
	size_t size = RECORD_OVERHEAD + counted_size(m->key_len) + counted_size(m->value_len) +
		      varint_size(m->n_headers);

	for (size_t i = 0; i < m->n_headers; i++)
		size += counted_size(strlen(m->headers[i].name)) + counted_size(m->headers[i].len);
	return BATCH_OVERHEAD + counted_size(size);
}

static struct undelivered undelivered_of(const rd_kafka_message_t *m)
{
	return (struct undelivered){.message = {.key = m->key,
						.key_len = m->key_len,
						.value = m->payload,
						.value_len = m->len},
				    .partition = m->partition,
				    .tag = (uint64_t)(uintptr_t)m->_private,
				    .code = m->err};
}

/* A message that librdkafka did not take. */
static void tell_refused(struct producer *p, const struct undelivered *u)
{
	p->refused = u->code;
	p->options->undelivered(p->options->context, u);
}

/* Fills u->message's headers from a message of librdkafka. */
static void read_headers(struct producer *p, const rd_kafka_message_t *m, struct message *to)
{
	rd_kafka_headers_t *headers;
	struct error ignored = ERROR_INIT;
	size_t n = 0;

	if (rd_kafka_message_headers(m, &headers))
		return;
	for (;; n++) {
		struct provenance_header h = {.null = false};
		if (rd_kafka_header_get_all(headers, n, &h.name, &h.value, &h.len) ||
		    MEM_GROW(&p->headers, &p->headers_cap, n + 1, &ignored))
			break;
		h.null = !h.value;
		p->headers[n] = h;
	}
	to->headers = p->headers;
	to->n_headers = n;
}

void producer_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct producer *p = opaque;
	struct undelivered u;

	(void)rk;
	p->n_queued--;
	p->queued_bytes -= (int64_t)m->len;
	if (!m->err || p->voiding)
		return;
	u = undelivered_of(m);
	u.maybe = rd_kafka_message_status(m) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED;
	read_headers(p, m, &u.message);
	p->options->undelivered(p->options->context, &u);
}

static int refuse_size(const struct producer *p, size_t size, struct error *err)
{
	return error_set(err, ERROR_DATA, "the message has %zu bytes, %s at most %zu", size,
			 p->max_is_topics ? "the topic takes (max.message.bytes)"
					  : "the client sends (message.max.bytes)",
			 p->max_size);
}

/* What brokers would refuse with all that is in the same batch. */
static int check_limits(const struct producer *p, const struct message *m, struct error *err)
{
	const struct topic_limits *t = &p->limits;
	int64_t ahead;

	if (t->needs_key && !m->key)
		return error_set(err, ERROR_DATA,
				 "the message has no key, and the topic is compacted "
				 "(cleanup.policy): it takes none without");
	if (m->timestamp_ms == PRODUCER_NOW ||
	    (t->max_before_ms == INT64_MAX && t->max_after_ms == INT64_MAX))
		return 0;
	ahead = m->timestamp_ms - timestamp_now() / NS_PER_MS;
	if (ahead > t->max_after_ms)
		return error_set(err, ERROR_DATA,
				 "the time is %lld ms ahead of now, the topic takes "
				 "(message.timestamp.after.max.ms) at most %lld",
				 (long long)ahead, (long long)t->max_after_ms);
	if (-ahead > t->max_before_ms)
		return error_set(err, ERROR_DATA,
				 "the time is %lld ms before now, the topic takes "
				 "(message.timestamp.before.max.ms) at most %lld",
				 (long long)-ahead, (long long)t->max_before_ms);
	return 0;
}

/* Whether so many messages more, of so many bytes, fit into the queue. */
static bool has_room(const struct producer *p, int64_t n, int64_t bytes)
{
	return (!p->max_queued || p->n_queued + n <= p->max_queued) &&
	       p->queued_bytes + bytes <= p->max_queued_bytes;
}

/* How many of the batch's messages the queue has room for. */
static size_t count_fitting(const struct producer *p)
{
	size_t n = p->batch_end - p->batch_at;
	int64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += (int64_t)p->batch[p->batch_at + i].len;
		if (!has_room(p, (int64_t)i + 1, bytes))
			return i;
	}
	return n;
}

/* Hands over the next n. */
static void hand_over(struct producer *p, size_t n)
{
	rd_kafka_message_t *m = &p->batch[p->batch_at];

	rd_kafka_produce_batch(p->topic, p->options->partition, RD_KAFKA_MSG_F_COPY, m, (int)n);
	for (size_t i = 0; i < n; i++) {
		if (m[i].err) {
			struct undelivered u = undelivered_of(&m[i]);
			tell_refused(p, &u);
			continue;
		}
		p->n_queued++;
		p->queued_bytes += (int64_t)m[i].len;
	}
	p->batch_at += n;
	if (p->batch_at == p->batch_end)
		producer_drop_batch(p);
}

int producer_hand_over(struct producer *p, bool may_stop)
{
	while (p->batch_end) {
		size_t n = count_fitting(p);
		if (n) {
			hand_over(p, n);
			continue;
		}
		rd_kafka_poll(p->rk, WAIT_MS);
		if (may_stop && p->options->stop(p->options->context))
			return 0;
	}
	return 1;
}

static const void *keep(struct producer *p, const void *bytes, size_t len)
{
	char *to = p->batch_text + p->batch_len;

	if (!bytes)
		return NULL;
	memcpy(to, bytes, len);
	p->batch_len += len;
	return to;
}

static void add_to_batch(struct producer *p, const struct message *m, uint64_t tag)
{
	rd_kafka_message_t *to = &p->batch[p->batch_end++];

	*to = (rd_kafka_message_t){.partition = p->options->partition,
				   .payload = (void *)(uintptr_t)keep(p, m->value, m->value_len),
				   .len = m->value_len,
				   .key = (void *)(uintptr_t)keep(p, m->key, m->key_len),
				   .key_len = m->key_len,
				   ._private = (void *)(uintptr_t)tag};
}

static rd_kafka_resp_err_t produce_alone(struct producer *p, const struct message *m, uint64_t tag)
{
	rd_kafka_vu_t *v = p->fields;
	size_t n = 0;

	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = p->topic};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = p->options->partition};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
				 .u.mem = {(void *)(uintptr_t)m->value, m->value_len}};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
				 .u.mem = {(void *)(uintptr_t)m->key, m->key_len}};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)tag};
	v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->timestamp_ms};
	for (size_t i = 0; i < m->n_headers; i++) {
		const struct provenance_header *h = &m->headers[i];
		v[n++] = (rd_kafka_vu_t){
			.vtype = RD_KAFKA_VTYPE_HEADER,
			.u.header = {h->name, h->null ? NULL : h->value, (ssize_t)h->len}};
	}
	rd_kafka_error_t *e = rd_kafka_produceva(p->rk, v, n);
	rd_kafka_resp_err_t code = rd_kafka_error_code(e);

	if (e)
		rd_kafka_error_destroy(e);
	return code;
}

/* One with headers or a time of its own, or a long one. */
static int send_alone(struct producer *p, const struct message *m, uint64_t tag, struct error *err)
{
	struct undelivered u = {.message = *m, .partition = p->options->partition, .tag = tag};

	if (MEM_GROW(&p->fields, &p->fields_cap, m->n_headers + 8, err))
		return -1;
	if (!producer_hand_over(p, true))
		return 0;
	while (!has_room(p, 1, (int64_t)m->value_len)) {
		rd_kafka_poll(p->rk, WAIT_MS);
		if (p->options->stop(p->options->context))
			return 0;
	}
	u.code = produce_alone(p, m, tag);
	if (u.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return refuse_size(p, message_size(m), err);
	if (u.code) {
		tell_refused(p, &u);
		return 1;
	}
	p->n_queued++;
	p->queued_bytes += (int64_t)m->value_len;
	return 1;
}

int producer_send(struct producer *p, const struct message *m, uint64_t tag, struct error *err)
{
	size_t size = message_size(m), len = m->key_len + m->value_len;

	if (size > p->max_size)
		return refuse_size(p, size, err);
	if ((int64_t)m->value_len > p->max_queued_bytes)
		return error_set(err, ERROR_DATA,
				 "the message has %zu bytes, more than queue.buffering.max.kbytes",
				 size);
	if (check_limits(p, m, err))
		return -1;
	if (m->n_headers || m->timestamp_ms != PRODUCER_NOW || len > BATCH_BYTES)
		return send_alone(p, m, tag, err);
	if ((p->batch_end == BATCH_MESSAGES || p->batch_len + len > BATCH_BYTES) &&
	    !producer_hand_over(p, true))
		return 0;
	add_to_batch(p, m, tag);
	return 1;
}

int producer_poll(struct producer *p, struct error *err)
{
	char text[300];
	rd_kafka_resp_err_t code;

	producer_hand_over(p, true);
	rd_kafka_poll(p->rk, 0);
	code = rd_kafka_fatal_error(p->rk, text, sizeof(text));
	return code ? kafka_error(err, code, text, false, "the producer failed for good") : 0;
}

void producer_wait(struct producer *p, int timeout_ms)
{
	rd_kafka_poll(p->rk, timeout_ms);
}

int producer_flush(struct producer *p)
{
	for (producer_hand_over(p, true); rd_kafka_outq_len(p->rk) > 0;) {
		rd_kafka_flush(p->rk, WAIT_MS);
		if (p->options->stop(p->options->context))
			break;
	}
	return producer_queued(p);
}

void producer_purge(struct producer *p, bool in_flight)
{
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | (in_flight ? RD_KAFKA_PURGE_F_INFLIGHT : 0));
	rd_kafka_flush(p->rk, WAIT_MS);
	for (size_t i = p->batch_at; i < p->batch_end; i++) {
		struct undelivered u = undelivered_of(&p->batch[i]);
		u.code = RD_KAFKA_RESP_ERR__PURGE_QUEUE;
		tell_refused(p, &u);
	}
	producer_drop_batch(p);
}

int producer_queued(const struct producer *p)
{
	return rd_kafka_outq_len(p->rk) + (int)(p->batch_end - p->batch_at);
}

rd_kafka_resp_err_t producer_reason(struct producer *p, char *text, size_t size)
{
	return kafka_reasons_last(p->reasons, text, size);
}
