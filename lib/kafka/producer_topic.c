#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/kafka/producer_impl.h"

#define ASK_MS 10000
/* A topic that a broker makes by itself may not be there at once. */
#define TOPIC_WAIT_MS 5000
#define TOPIC_PAUSE_MS 50
#define GONE_MS 1000

static rd_kafka_AdminOptions_t *admin_options(struct producer *p, rd_kafka_admin_op_t operation,
					      int timeout_ms)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(p->rk, operation);
	char ignored[1];

	rd_kafka_AdminOptions_set_request_timeout(o, timeout_ms, ignored, sizeof(ignored));
	if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS)
		rd_kafka_AdminOptions_set_operation_timeout(o, timeout_ms, ignored,
							    sizeof(ignored));
	return o;
}

/* What CreateTopics answered. */
static int judge_creation(const struct producer *p, rd_kafka_event_t *event, bool *existed,
			  struct error *err)
{
	const rd_kafka_CreateTopics_result_t *result =
		event ? rd_kafka_event_CreateTopics_result(event) : NULL;
	rd_kafka_resp_err_t code =
		event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	const char *text = event ? rd_kafka_event_error_string(event) : NULL;
	size_t n = 0;

	if (!code && result) {
		const rd_kafka_topic_result_t **topics =
			rd_kafka_CreateTopics_result_topics(result, &n);
		code = n ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
		text = n ? rd_kafka_topic_result_error_string(topics[0]) : NULL;
	}
	*existed = code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
	if (!code || *existed)
		return 0;
	return kafka_error(err, code, text, true, "cannot create topic '%s'", p->options->topic);
}

static int create_topic(struct producer *p, bool *existed, struct error *err)
{
	const struct producer_options *o = p->options;
	rd_kafka_NewTopic_t *topic;
	char why[300];

	topic = rd_kafka_NewTopic_new(o->topic, o->create_partitions, o->create_replication, why,
				      sizeof(why));
	if (!topic)
		return error_set(err, ERROR_CONFIG, "cannot create topic '%s': %s", o->topic, why);
	rd_kafka_AdminOptions_t *options =
		admin_options(p, RD_KAFKA_ADMIN_OP_CREATETOPICS, o->timeout_ms);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);

	rd_kafka_CreateTopics(p->rk, &topic, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, o->timeout_ms + ASK_MS);
	int ret = judge_creation(p, event, existed, err);

	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy(topic);
	return ret;
}

static bool may_appear(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

/* The number of the topic's partitions. */
static int count_partitions(struct producer *p, struct topic_limits *limits, struct error *err)
{
	const struct producer_options *o = p->options;
	struct kafka_reach reach = {.timeout_ms = o->timeout_ms,
				    .topic = o->topic,
				    .stop = o->stop,
				    .context = o->context};
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	for (int waited = 0; waited <= TOPIC_WAIT_MS; waited += TOPIC_PAUSE_MS) {
		const rd_kafka_metadata_t *metadata;
		if (kafka_reach(p->rk, &reach, p->reasons, &metadata, err))
			return -1;
		code = metadata->topic_cnt ? metadata->topics[0].err
					   : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		limits->n_partitions = metadata->topic_cnt ? metadata->topics[0].partition_cnt : 0;
		rd_kafka_metadata_destroy(metadata);
		if (!may_appear(code))
			break;
		rd_kafka_poll(p->rk, TOPIC_PAUSE_MS);
	}
	if (!code && limits->n_partitions)
		return 0;
	if (may_appear(code) || !code)
		return error_set(err, ERROR_CONFIG,
				 "topic '%s' does not exist ('--create-topic' makes it)", o->topic);
	return kafka_error(err, code, NULL, true, "topic '%s'", o->topic);
}

struct topic_config {
	struct topic_limits *limits;
	bool deletes;
	int64_t difference_ms; /* both ways, before Kafka had a limit for each */
};

static void read_config(const char *name, const char *value, struct topic_config *c)
{
	struct topic_limits *limits = c->limits;
	int64_t x;
	bool number = value && !number_read_int(value, value + strlen(value), &x);

	if (!value)
		return;
	if (!strcmp(name, "max.message.bytes") && number && x > 0)
		limits->max_message_bytes = x;
	else if (!strcmp(name, "retention.ms") && number)
		limits->retention_ms = x;
	else if (!strcmp(name, "message.timestamp.type"))
		limits->append_time = !strcmp(value, "LogAppendTime");
	else if (!strcmp(name, "message.timestamp.before.max.ms") && number)
		limits->max_before_ms = x;
	else if (!strcmp(name, "message.timestamp.after.max.ms") && number)
		limits->max_after_ms = x;
	else if (!strcmp(name, "message.timestamp.difference.max.ms") && number)
		c->difference_ms = x;
	else if (!strcmp(name, "cleanup.policy")) {
		c->deletes = strstr(value, "delete") != NULL;
		limits->needs_key = strstr(value, "compact") != NULL;
	}
}

static void read_configs(rd_kafka_event_t *event, struct topic_limits *limits)
{
	const rd_kafka_DescribeConfigs_result_t *result =
		event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
	struct topic_config c = {.limits = limits, .deletes = true, .difference_ms = INT64_MAX};
	size_t n = 0;

	if (!result || rd_kafka_event_error(event))
		return;
	const rd_kafka_ConfigResource_t **r = rd_kafka_DescribeConfigs_result_resources(result, &n);
	if (!n || rd_kafka_ConfigResource_error(r[0]))
		return;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(r[0], &n);
	for (size_t i = 0; i < n; i++)
		read_config(rd_kafka_ConfigEntry_name(entries[i]),
			    rd_kafka_ConfigEntry_value(entries[i]), &c);
	limits->asked = n > 0;
	if (!c.deletes)
		limits->retention_ms = -1;
	if (limits->max_before_ms == INT64_MAX)
		limits->max_before_ms = c.difference_ms;
	if (limits->max_after_ms == INT64_MAX)
		limits->max_after_ms = c.difference_ms;
	if (limits->append_time)
		limits->max_before_ms = limits->max_after_ms = INT64_MAX;
}

/* Goes on with what is usual where the broker does not tell: it may not let us ask. */
static void ask_configuration(struct producer *p, struct topic_limits *limits)
{
	int ms = p->options->timeout_ms < ASK_MS ? p->options->timeout_ms : ASK_MS;
	rd_kafka_ConfigResource_t *resource =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, p->options->topic);
	rd_kafka_AdminOptions_t *options = admin_options(p, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, ms);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);

	rd_kafka_DescribeConfigs(p->rk, &resource, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ms + TOPIC_WAIT_MS);

	read_configs(event, limits);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_ConfigResource_destroy(resource);
}

/* Waits for a broker. *controlled: the cluster has a controller among its brokers; librdkafka's
 * mock has none, and answers no administrator's requests. */
static int reach_cluster(struct producer *p, bool *controlled, struct error *err)
{
	const struct producer_options *o = p->options;
	struct kafka_reach reach = {
		.timeout_ms = o->timeout_ms, .stop = o->stop, .context = o->context};
	const rd_kafka_metadata_t *metadata;

	if (kafka_reach(p->rk, &reach, p->reasons, &metadata, err))
		return -1;
	int32_t controller = rd_kafka_controllerid(p->rk, 0);
	*controlled = false;
	for (int i = 0; i < metadata->broker_cnt; i++)
		*controlled |= metadata->brokers[i].id == controller;
	rd_kafka_metadata_destroy(metadata);
	return 0;
}

int producer_ask_topic(struct producer *p, struct topic_limits *limits, struct error *err)
{
	const struct producer_options *o = p->options;
	bool controlled, existed;

	if (reach_cluster(p, &controlled, err))
		return -1;
	existed = !controlled;
	if (o->create_partitions && controlled && create_topic(p, &existed, err))
		return -1;
	if (count_partitions(p, limits, err))
		return -1;
	if (o->create_partitions && existed && limits->n_partitions != o->create_partitions)
		limits->found_partitions = limits->n_partitions;
	if (o->partition >= limits->n_partitions)
		return error_set(err, ERROR_CONFIG,
				 "topic '%s' has no partition %d, but %d of them", o->topic,
				 (int)o->partition, (int)limits->n_partitions);
	if (controlled)
		ask_configuration(p, limits);
	return 0;
}

bool producer_topic_gone(struct producer *p)
{
	const rd_kafka_metadata_t *metadata;
	bool gone;

	if (rd_kafka_metadata(p->rk, 0, p->topic, &metadata, GONE_MS))
		return false;
	gone = metadata->topic_cnt == 1 &&
	       metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	rd_kafka_metadata_destroy(metadata);
	return gone;
}
