#include "lib/kafka/client.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/timestamp.h"

#define SLICE_MIN_MS 100
#define SLICE_MAX_MS 2000
/* Other brokers may take whom one refuses. */
#define REFUSAL_GRACE_NS NS_PER_SECOND

struct kafka_reasons {
	pthread_mutex_t lock;
	rd_kafka_resp_err_t code;
	char text[400];
	rd_kafka_resp_err_t refusal; /* the last one that no waiting heals */
	char refusal_text[400];
};

struct kafka_reasons *kafka_reasons_new(struct error *err)
{
	struct kafka_reasons *r = mem_alloc(1, sizeof(*r), err);

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void kafka_reasons_free(struct kafka_reasons *r)
{
	if (r)
		pthread_mutex_destroy(&r->lock);
	free(r);
}

/* A server of TLS 1.3 refuses a client's certificate after the handshake: to librdkafka a
 * connection like any other that breaks. */
static bool is_refusal(rd_kafka_resp_err_t code, const char *text)
{
	if (code == RD_KAFKA_RESP_ERR__TRANSPORT)
		return strstr(text, "SSL alert");
	return code != RD_KAFKA_RESP_ERR__FATAL && kafka_error_kind(code, true) == ERROR_CONFIG;
}

void kafka_reasons_note(struct kafka_reasons *r, rd_kafka_resp_err_t code, const char *text)
{
	/* "… (after 2ms in state CONNECT, 3 identical error(s) suppressed)" */
	const char *tail = strstr(text, " (after ");
	int len = (int)(tail ? (size_t)(tail - text) : strnlen(text, sizeof(r->text)));

	pthread_mutex_lock(&r->lock);
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !r->code) {
		r->code = code;
		snprintf(r->text, sizeof(r->text), "%.*s", len, text);
	}
	if (is_refusal(code, text)) {
		r->refusal = code == RD_KAFKA_RESP_ERR__TRANSPORT ? RD_KAFKA_RESP_ERR__SSL : code;
		snprintf(r->refusal_text, sizeof(r->refusal_text), "%.*s", len, text);
	}
	pthread_mutex_unlock(&r->lock);
}

rd_kafka_resp_err_t kafka_reasons_last(struct kafka_reasons *r, char *text, size_t size)
{
	pthread_mutex_lock(&r->lock);
	rd_kafka_resp_err_t code = r->code;
	snprintf(text, size, "%s", r->text);
	pthread_mutex_unlock(&r->lock);
	return code;
}

static rd_kafka_resp_err_t last_refusal(struct kafka_reasons *r, char *text, size_t size)
{
	pthread_mutex_lock(&r->lock);
	rd_kafka_resp_err_t code = r->refusal;
	snprintf(text, size, "%s", r->refusal_text);
	pthread_mutex_unlock(&r->lock);
	return code;
}

/* Reads the brokers back from the configuration in use. */
static void name_brokers(const rd_kafka_t *rk, char *text, size_t size)
{
	size_t n = size;

	if (rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)(uintptr_t)rk), "bootstrap.servers", text,
			      &n) != RD_KAFKA_CONF_OK)
		snprintf(text, size, "?");
}

static int give_up(rd_kafka_t *rk, int timeout_ms, struct kafka_reasons *reasons, struct error *err)
{
	char brokers[200], text[400];
	rd_kafka_resp_err_t code = last_refusal(reasons, text, sizeof(text));

	name_brokers(rk, brokers, sizeof(brokers));
	if (code)
		return error_set(err, kafka_error_kind(code, true), "'%s' refuses: %s", brokers,
				 text);
	code = kafka_reasons_last(reasons, text, sizeof(text));
	return error_set(err, ERROR_UNAVAILABLE, "no broker of '%s' answers within %g s%s%s",
			 brokers, timeout_ms / 1000.0, code ? ": " : "", text);
}

/* One request: 1 when it was answered, 0 when it was not, -1 when it was refused. */
static int ask(rd_kafka_t *rk, rd_kafka_topic_t *topic, int timeout_ms,
	       const rd_kafka_metadata_t **metadata, struct error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, topic, metadata, timeout_ms);

	if (!code)
		return 1;
	rd_kafka_poll(rk, 0); /* for the error callback */
	if (kafka_error_kind(code, true) == ERROR_UNAVAILABLE)
		return 0;
	return kafka_error(err, code, NULL, true, "cannot ask the brokers");
}

int kafka_reach(rd_kafka_t *rk, const struct kafka_reach *r, struct kafka_reasons *reasons,
		const rd_kafka_metadata_t **metadata, struct error *err)
{
	const rd_kafka_metadata_t *answer = NULL;
	rd_kafka_topic_t *topic = r->topic ? rd_kafka_topic_new(rk, r->topic, NULL) : NULL;
	int64_t end = clock_monotonic_ns() + (int64_t)r->timeout_ms * NS_PER_MS, left;
	char ignored[400];
	int ret = 0, slice_ms = SLICE_MIN_MS;
	bool refused = false;

	if (r->topic && !topic)
		return kafka_error(err, rd_kafka_last_error(), NULL, true, "topic '%s'", r->topic);
	/* A slow answer needs a long wait, a signal or a refusal a short one. */
	while (!ret && (left = end - clock_monotonic_ns()) > 0) {
		int ms = (int)((left + NS_PER_MS - 1) / NS_PER_MS);
		ret = ask(rk, topic, ms < slice_ms ? ms : slice_ms, &answer, err);
		slice_ms = slice_ms * 2 < SLICE_MAX_MS ? slice_ms * 2 : SLICE_MAX_MS;
		if (!ret && r->stop && r->stop(r->context)) {
			*err = (struct error)ERROR_INIT;
			ret = -1;
		}
		if (!refused && last_refusal(reasons, ignored, sizeof(ignored))) {
			refused = true;
			if (left > REFUSAL_GRACE_NS)
				end = clock_monotonic_ns() + REFUSAL_GRACE_NS;
		}
	}
	if (topic)
		rd_kafka_topic_destroy(topic);
	if (!ret)
		ret = give_up(rk, r->timeout_ms, reasons, err);
	if (metadata)
		*metadata = ret > 0 ? answer : NULL;
	else if (answer)
		rd_kafka_metadata_destroy(answer);
	return ret > 0 ? 0 : -1;
}

enum error_kind kafka_error_kind(rd_kafka_resp_err_t code, bool at_start)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		return ERROR_DATA;
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
	case RD_KAFKA_RESP_ERR__INVALID_ARG:
	case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
	case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
	case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
	case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
	case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
	case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT:
	case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE:
	case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
	case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
		return ERROR_CONFIG;
	case RD_KAFKA_RESP_ERR__FENCED:
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
	case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
		return ERROR_RETRY;
	default:
		return at_start ? ERROR_UNAVAILABLE : ERROR_RETRY;
	}
}

int kafka_error(struct error *err, rd_kafka_resp_err_t code, const char *reason, bool at_start,
		const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return error_set(err, kafka_error_kind(code, at_start), "%s: %s", what,
			 reason ? reason : rd_kafka_err2str(code));
}
