#include "lib/kafka/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/kafka/producer_impl.h"

#define TEXT_OF(x) #x
#define DIGITS_OF(x) TEXT_OF(x)
#define SETTINGS_MAX 20
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
		/* Two batches of 1 MB. An idempotent producer of librdkafka has one request a
		 * partition under way, and spins where what waits behind it is older than
		 * linger.ms. */
		{"queue.buffering.max.kbytes", kbytes, NULL},
		{"queue.buffering.max.messages", "10000", NULL},
		{"allow.auto.create.topics", "true", NULL},
		/* So that our thread frees the messages, not the one that makes requests, where the
		 * next batch would wait for that. */
		{"delivery.report.only.error", "false", "what is in the queue is counted by them"},
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
	rd_kafka_conf_set_dr_msg_cb(conf, producer_on_delivery);
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
	p->limits = *limits;
	p->max_size = (size_t)producer_property(p, "message.max.bytes");
	p->max_queued = producer_property(p, "queue.buffering.max.messages");
	p->max_queued_bytes = producer_property(p, "queue.buffering.max.kbytes") * 1024;
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
	*limits = (struct topic_limits){.max_message_bytes = BROKER_MAX_BYTES,
					.retention_ms = -1,
					.max_before_ms = INT64_MAX,
					.max_after_ms = INT64_MAX};
	if ((p->reasons = kafka_reasons_new(err)) && !producer_alloc_batch(p, err) &&
	    !start_client(p, NULL, err) && !producer_ask_topic(p, limits, err) &&
	    !fit_topic(p, limits, err) && (!o->transactional_id || !start_transactions(p, err)))
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
	free(p->batch);
	free(p->batch_text);
	free(p);
}
