#include "lib/kafka/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/kafka/producer_impl.h"

#define TEXT_OF(x) #x
#define DIGITS_OF(x) TEXT_OF(x)
#define WAIT_MS 100
/* A message that is delivered wakes nobody (delivery.report.only.error), so who waits for room in
 * the queue has to look. */
#define FULL_MS 2
#define SETTINGS_MAX 20
/* Of a batch of one record: the batch's own 61 bytes and what is the most a record has besides its
 * key, value and headers. Kafka's record batch, version 2. */
#define BATCH_OVERHEAD 61
#define RECORD_OVERHEAD 36
#define HEADER_OVERHEAD 10
/* What a broker takes unless told otherwise (max.message.bytes), in a batch. */
#define BROKER_MAX_BYTES 1048588
#define CLIENT_MAX_BYTES 1000000000
#define QUEUE_KBYTES 16384

static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
	struct producer *p = opaque;

	(void)rk;
	kafka_reasons_note(p->reasons, (rd_kafka_resp_err_t)code, text);
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

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct producer *p = opaque;
	struct undelivered u = {
		.message = {.key = m->key,
			    .key_len = m->key_len,
			    .value = m->payload,
			    .value_len = m->len},
		.partition = m->partition,
		.tag = (uint64_t)(uintptr_t)m->_private,
		.code = m->err,
		.maybe = rd_kafka_message_status(m) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED,
	};

	(void)rk;
	if (!m->err || p->voiding)
		return;
	read_headers(p, m, &u.message);
	p->options->undelivered(p->options->context, &u);
}

int64_t producer_property(const struct producer *p, const char *name)
{
	char text[64];
	size_t size = sizeof(text);
	int64_t x = -1;

	if (rd_kafka_conf_get(rd_kafka_conf(p->rk), name, text, &size) == RD_KAFKA_CONF_OK)
		number_read_int(text, text + strnlen(text, sizeof(text)), &x);
	return x;
}

/* Our settings; those that were found to be needed for this topic come with max_bytes. */
static size_t choose_settings(const struct producer *p, struct kafka_setting *s,
			      const char *max_bytes, const char *kbytes)
{
	static const char whole[] = "a transaction is all or nothing";
	const struct producer_options *o = p->options;
	const struct kafka_setting always[] = {
		{"client.id", "kafka-produce", NULL},
		{"acks", "all", o->transactional_id ? whole : NULL},
		{"enable.idempotence", "true", o->transactional_id ? whole : NULL},
		{"compression.type", o->compression ? o->compression : "zstd", NULL},
		{"partitioner", o->partitioner ? o->partitioner : "murmur2_random", NULL},
		{"linger.ms", "10", NULL},
		/* No more than is under way at a time: where messages are ready and no more
		 * requests are allowed, librdkafka spins. */
		{"queue.buffering.max.kbytes", kbytes, NULL},
		{"queue.buffering.max.messages", "10000", NULL},
		{"allow.auto.create.topics", "true", NULL},
		{"delivery.report.only.error", "true", "what was delivered is told by its absence"},
	};
	const struct kafka_setting transactional[] = {
		{"transactional.id", o->transactional_id, "'--transactional-id' names it"},
		{"transaction.timeout.ms", "15000", NULL},
		{"retry.backoff.ms", "10", NULL},
	};
	size_t n = sizeof(always) / sizeof(*always);

	memcpy(s, always, sizeof(always));
	if (o->transactional_id) {
		memcpy(s + n, transactional, sizeof(transactional));
		n += sizeof(transactional) / sizeof(*transactional);
	}
	s[n++] = (struct kafka_setting){"message.max.bytes",
					max_bytes ? max_bytes : DIGITS_OF(BROKER_MAX_BYTES), NULL};
	return n;
}

static rd_kafka_conf_t *make_conf(struct producer *p, const struct topic_limits *limits,
				  struct error *err)
{
	const struct producer_options *o = p->options;
	struct kafka_setting settings[SETTINGS_MAX];
	char text[NUMBER_MAX + 1], batch[NUMBER_MAX + 1], kbytes[NUMBER_MAX + 1];
	long long queue = QUEUE_KBYTES;
	rd_kafka_conf_t *conf;
	size_t n;

	snprintf(text, sizeof(text), "%lld", limits ? (long long)limits->max_message_bytes : 0LL);
	/* There must be room for two. */
	if (limits && limits->max_message_bytes / 512 > queue)
		queue = limits->max_message_bytes / 512;
	snprintf(kbytes, sizeof(kbytes), "%lld", queue);
	n = choose_settings(p, settings, limits ? text : NULL, kbytes);
	/* The user's message.max.bytes may be above what the topic takes in one batch. */
	if (limits && limits->max_message_bytes < BROKER_MAX_BYTES) {
		snprintf(batch, sizeof(batch), "%s", text);
		settings[n++] = (struct kafka_setting){"batch.size", batch, NULL};
	}
	settings[n] = (struct kafka_setting){NULL, NULL, NULL};
	conf = kafka_conf_new(o->kafka, settings, err);
	if (!conf)
		return NULL;
	rd_kafka_conf_set_opaque(conf, p);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	if (o->log)
		rd_kafka_conf_set_log_cb(conf, o->log);
	return conf;
}

/* A client that knows of no topic yet: asking for one may make it. */
static int start_client(struct producer *p, const struct topic_limits *limits, struct error *err)
{
	static const uint64_t one = 1;
	const struct producer_options *o = p->options;
	rd_kafka_conf_t *conf = make_conf(p, limits, err);
	char why[400];

	if (!conf)
		return -1;
	p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!p->rk) {
		rd_kafka_conf_destroy(conf);
		return error_set(err, ERROR_USAGE, "properties: %s", why);
	}
	if (o->wake_fd >= 0) {
		rd_kafka_queue_t *main_queue = rd_kafka_queue_get_main(p->rk);
		rd_kafka_queue_io_event_enable(main_queue, o->wake_fd, &one, sizeof(one));
		rd_kafka_queue_destroy(main_queue);
	}
	return 0;
}

static void stop_client(struct producer *p)
{
	p->voiding = true;
	if (p->topic)
		rd_kafka_topic_destroy(p->topic);
	if (p->rk)
		rd_kafka_destroy(p->rk);
	p->topic = NULL;
	p->rk = NULL;
	p->voiding = false;
}

/* A client whose limits are not those of the topic is made anew, for they cannot be changed. */
static int fit_topic(struct producer *p, struct topic_limits *limits, struct error *err)
{
	int64_t most = limits->max_message_bytes;

	if (most != BROKER_MAX_BYTES) {
		limits->max_message_bytes = most = most < 1000               ? 1000
						   : most < CLIENT_MAX_BYTES ? most
									     : CLIENT_MAX_BYTES;
		stop_client(p);
		if (start_client(p, limits, err))
			return -1;
	}
	p->topic = rd_kafka_topic_new(p->rk, p->options->topic, NULL);
	if (!p->topic)
		return kafka_error(err, rd_kafka_last_error(), NULL, true, "topic '%s'",
				   p->options->topic);
	p->max_size = (size_t)producer_property(p, "message.max.bytes");
	p->max_is_topics = limits->asked && p->max_size == (size_t)most;
	return 0;
}

static int start_transactions(struct producer *p, struct error *err)
{
	const struct producer_options *o = p->options;
	rd_kafka_error_t *e = rd_kafka_init_transactions(p->rk, o->timeout_ms);

	p->transaction_timeout_ms = (int)producer_property(p, "transaction.timeout.ms");
	if (!e)
		return 0;
	kafka_error(err, rd_kafka_error_code(e), rd_kafka_error_string(e), true,
		    "cannot begin as transactional id '%s'", o->transactional_id);
	rd_kafka_error_destroy(e);
	return -1;
}

struct producer *producer_open(const struct producer_options *o, struct topic_limits *limits,
			       struct error *err)
{
	struct producer *p = mem_alloc(1, sizeof(*p), err);

	if (!p)
		return NULL;
	p->options = o;
	*limits = (struct topic_limits){.max_message_bytes = BROKER_MAX_BYTES, .retention_ms = -1};
	if ((p->reasons = kafka_reasons_new(err)) && !start_client(p, NULL, err) &&
	    !producer_ask_topic(p, limits, err) && !fit_topic(p, limits, err) &&
	    (!o->transactional_id || !start_transactions(p, err)))
		return p;
	producer_close(p);
	return NULL;
}

void producer_close(struct producer *p)
{
	if (!p || p->stuck)
		return;
	stop_client(p);
	kafka_reasons_free(p->reasons);
	free(p->fields);
	free(p->headers);
	free(p);
}

size_t producer_message_size(const struct message *m)
{
	size_t size = BATCH_OVERHEAD + RECORD_OVERHEAD + m->key_len + m->value_len;

	for (size_t i = 0; i < m->n_headers; i++)
		size += HEADER_OVERHEAD + strlen(m->headers[i].name) + m->headers[i].len;
	return size;
}

static rd_kafka_resp_err_t produce_plain(struct producer *p, const struct message *m, uint64_t tag)
{
	if (!rd_kafka_produce(p->topic, p->options->partition, RD_KAFKA_MSG_F_COPY,
			      (void *)(uintptr_t)m->value, m->value_len, m->key, m->key_len,
			      (void *)(uintptr_t)tag))
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_last_error();
}

/* With headers or a time of its own. */
static rd_kafka_resp_err_t produce_fields(struct producer *p, const struct message *m, uint64_t tag)
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

static int refuse_size(const struct producer *p, size_t size, struct error *err)
{
	return error_set(err, ERROR_DATA, "the message has %zu bytes, %s at most %zu", size,
			 p->max_is_topics ? "the topic takes (max.message.bytes)"
					  : "the client sends (message.max.bytes)",
			 p->max_size);
}

int producer_send(struct producer *p, const struct message *m, uint64_t tag, struct error *err)
{
	bool plain = !m->n_headers && m->timestamp_ms == PRODUCER_NOW, empty = false;
	size_t size = producer_message_size(m);
	rd_kafka_resp_err_t code;

	if (size > p->max_size)
		return refuse_size(p, size, err);
	if (!plain && MEM_GROW(&p->fields, &p->fields_cap, m->n_headers + 8, err))
		return -1;
	for (;;) {
		code = plain ? produce_plain(p, m, tag) : produce_fields(p, m, tag);
		if (!code)
			return 1;
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			break;
		if (empty)
			return error_set(err, ERROR_DATA,
					 "the message has %zu bytes, more than "
					 "queue.buffering.max.kbytes",
					 size);
		rd_kafka_poll(p->rk, FULL_MS);
		empty = !rd_kafka_outq_len(p->rk);
		if (p->options->stop(p->options->context))
			return 0;
	}
	if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return refuse_size(p, size, err);
	if (code == RD_KAFKA_RESP_ERR__FATAL && producer_poll(p, err))
		return -1;
	return kafka_error(err, code, NULL, false, "cannot produce to topic '%s'",
			   p->options->topic);
}

int producer_poll(struct producer *p, struct error *err)
{
	char text[300];
	rd_kafka_resp_err_t code;

	rd_kafka_poll(p->rk, 0);
	code = rd_kafka_fatal_error(p->rk, text, sizeof(text));
	return code ? kafka_error(err, code, text, false, "the producer failed for good") : 0;
}

void producer_wait(struct producer *p, int timeout_ms)
{
	rd_kafka_poll(p->rk, timeout_ms);
}

/* Looks after 1 ms first, and then less often the longer it takes, as nothing wakes it. */
int producer_flush(struct producer *p, int timeout_ms)
{
	int waited = 0;

	while (rd_kafka_outq_len(p->rk) > 0 && (timeout_ms < 0 || waited < timeout_ms)) {
		int slice = waited < WAIT_MS * 8 ? 1 + waited / 8 : WAIT_MS;
		if (timeout_ms >= 0 && slice > timeout_ms - waited)
			slice = timeout_ms - waited;
		rd_kafka_flush(p->rk, slice);
		waited += slice;
		if (p->options->stop(p->options->context))
			break;
	}
	return rd_kafka_outq_len(p->rk);
}

void producer_purge(struct producer *p, bool in_flight)
{
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | (in_flight ? RD_KAFKA_PURGE_F_INFLIGHT : 0));
	rd_kafka_flush(p->rk, WAIT_MS);
}

int producer_queued(const struct producer *p)
{
	return rd_kafka_outq_len(p->rk);
}

rd_kafka_resp_err_t producer_reason(struct producer *p, char *text, size_t size)
{
	return kafka_reasons_last(p->reasons, text, size);
}
