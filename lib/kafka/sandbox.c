#include "lib/kafka/sandbox.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include "lib/base/mem.h"

#define ASK_TIMEOUT_MS 10000
#define ASK_TIMEOUT "10000" /* queries of watermarks heed only that of the socket */
#define ALL_BROKERS (-1)
#define API_KEYS 68 /* Kafka's requests have keys below this */

struct sandbox {
	rd_kafka_t *client; /* that the cluster lives in; it connects to nothing */
	rd_kafka_mock_cluster_t *cluster;
	sandbox_log_fn *log;
	void *log_context;
	bool slow, down; /* commands to the cluster may take a second: none is given in vain */
	atomic_bool transactions;
};

/* The cluster keeps no list of requests in this version: what it says at debug level has to do. */
static bool is_transactional(const char *text)
{
	return strstr(text, ": Received AddPartitionsToTxnRequest") ||
	       strstr(text, ": Received AddOffsetsToTxnRequest");
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct sandbox *s = rd_kafka_opaque(rk);

	(void)facility;
	if (level == LOG_DEBUG && is_transactional(text))
		atomic_store(&s->transactions, true);
	if (level <= LOG_WARNING && s->log)
		s->log(s->log_context, level, text);
}

static rd_kafka_t *new_client(struct sandbox *s, const char *const properties[][2],
			      struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256] = "";

	for (; (*properties)[0]; properties++)
		if (rd_kafka_conf_set(conf, (*properties)[0], (*properties)[1], why, sizeof(why))) {
			rd_kafka_conf_destroy(conf);
			error_set(err, ERROR_INTERNAL, "cannot set up librdkafka: %s", why);
			return NULL;
		}
	rd_kafka_conf_set_opaque(conf, s);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));

	if (!rk) {
		rd_kafka_conf_destroy(conf);
		error_set(err, ERROR_UNAVAILABLE, "cannot start librdkafka: %s", why);
	}
	return rk;
}

static int inject(struct sandbox *s, const struct sandbox_error *e, struct error *err)
{
	rd_kafka_resp_err_t *codes = mem_alloc(e->count, sizeof(*codes), err);

	if (!codes)
		return -1;
	for (size_t i = 0; i < e->count; i++)
		codes[i] = (rd_kafka_resp_err_t)e->code;
	rd_kafka_mock_push_request_errors_array(s->cluster, e->api, e->count, codes);
	free(codes);
	return 0;
}

static int set_latency(struct sandbox *s, int ms, struct error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_mock_broker_set_rtt(s->cluster, ALL_BROKERS, ms);

	if (code)
		return error_set(err, ERROR_INTERNAL, "cannot set the latency: %s",
				 rd_kafka_err2str(code));
	s->slow = ms > 0;
	return 0;
}

static int prepare(struct sandbox *s, const struct sandbox_options *o, struct error *err)
{
	rd_kafka_resp_err_t code;

	for (size_t i = 0; i < o->n_topics; i++) {
		code = rd_kafka_mock_topic_create(s->cluster, o->topics[i].name,
						  o->topics[i].partitions, o->brokers);
		if (code)
			return error_set(err, ERROR_INTERNAL, "cannot create topic '%s': %s",
					 o->topics[i].name, rd_kafka_err2str(code));
	}
	for (size_t i = 0; i < o->n_errors; i++)
		if (inject(s, &o->errors[i], err))
			return -1;
	return o->latency_ms ? set_latency(s, o->latency_ms, err) : 0;
}

struct sandbox *sandbox_start(const struct sandbox_options *o, struct error *err)
{
	static const char *const properties[][2] = {
		{"client.id", "kafka-sandbox"}, {"debug", "mock"}, {NULL, NULL}};
	struct sandbox *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	s->log = o->log;
	s->log_context = o->log_context;
	if (!(s->client = new_client(s, properties, err)))
		goto fail;
	if (!(s->cluster = rd_kafka_mock_cluster_new(s->client, o->brokers))) {
		error_set(err, ERROR_UNAVAILABLE, "cannot listen on loopback");
		goto fail;
	}
	if (prepare(s, o, err) == 0)
		return s;
fail:
	sandbox_stop(s);
	return NULL;
}

const char *sandbox_address(const struct sandbox *s)
{
	return rd_kafka_mock_cluster_bootstraps(s->cluster);
}

int sandbox_set_up(struct sandbox *s, bool up, struct error *err)
{
	rd_kafka_resp_err_t code = up ? rd_kafka_mock_broker_set_up(s->cluster, ALL_BROKERS)
				      : rd_kafka_mock_broker_set_down(s->cluster, ALL_BROKERS);

	if (code)
		return error_set(err, ERROR_INTERNAL, "cannot %s the brokers: %s",
				 up ? "bring back" : "take away", rd_kafka_err2str(code));
	s->down = !up;
	return 0;
}

bool sandbox_transactions(const struct sandbox *s)
{
	return atomic_load(&s->transactions);
}

static int ask_topic(rd_kafka_t *rk, const struct rd_kafka_metadata_topic *t, sandbox_loss_fn *told,
		     void *context, struct error *err)
{
	int n = 0;

	for (int i = 0; i < t->partition_cnt; i++) {
		int64_t low, high;
		int32_t partition = t->partitions[i].id;
		rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
			rk, t->topic, partition, &low, &high, ASK_TIMEOUT_MS);

		if (code)
			return error_set(err, ERROR_UNAVAILABLE,
					 "cannot tell what was lost of topic '%s', partition %d: "
					 "%s",
					 t->topic, (int)partition, rd_kafka_err2str(code));
		if (low > 0) {
			told(context, t->topic, (int)partition, low, high);
			n++;
		}
	}
	return n;
}

int sandbox_losses(struct sandbox *s, sandbox_loss_fn *told, void *context, struct error *err)
{
	const char *const properties[][2] = {{"client.id", "kafka-sandbox"},
					     {"bootstrap.servers", sandbox_address(s)},
					     {"socket.timeout.ms", ASK_TIMEOUT},
					     {NULL, NULL}};
	const struct rd_kafka_metadata *topics = NULL;
	rd_kafka_resp_err_t code;
	int n = 0;

	for (int16_t api = 0; api < API_KEYS; api++)
		rd_kafka_mock_clear_request_errors(s->cluster, api);
	if ((s->slow && set_latency(s, 0, err)) || (s->down && sandbox_set_up(s, true, err)))
		return -1;
	rd_kafka_t *rk = new_client(s, properties, err);

	if (!rk)
		return -1;
	code = rd_kafka_metadata(rk, 1, NULL, &topics, ASK_TIMEOUT_MS);
	if (code)
		n = error_set(err, ERROR_UNAVAILABLE, "cannot tell what was lost: %s",
			      rd_kafka_err2str(code));
	for (int i = 0; n >= 0 && topics && i < topics->topic_cnt; i++) {
		int more = ask_topic(rk, &topics->topics[i], told, context, err);

		n = more < 0 ? -1 : n + more;
	}
	if (topics)
		rd_kafka_metadata_destroy(topics);
	rd_kafka_destroy(rk);
	return n;
}

void sandbox_stop(struct sandbox *s)
{
	if (!s)
		return;
	if (s->cluster)
		rd_kafka_mock_cluster_destroy(s->cluster);
	if (s->client)
		rd_kafka_destroy(s->client);
	free(s);
}
