#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/kafka/bounded_call.h"
#include "lib/kafka/consumer_impl.h"

#define LEAVE_SLICE_MS 20

static const char owner_commits[] = "offsets are committed with what was made of their records";
static const char explicit_start[] = "offsets that are gone must not be passed over";

static const struct kafka_setting common_settings[] = {
	{"enable.partition.eof", "true", "the ends of partitions are looked for"},
	{"enable.auto.commit", "false", owner_commits},
	{"enable.auto.offset.store", "false", owner_commits},
	{"auto.offset.reset", "error", explicit_start},
	{"session.timeout.ms", "10000", NULL},
	{"heartbeat.interval.ms", "1000", NULL},
	{"max.poll.interval.ms", "300000", NULL},
#if RD_KAFKA_VERSION >= 0x020200ff
	{"fetch.queue.backoff.ms", "10", NULL},
#endif
};
#define N_COMMON (sizeof(common_settings) / sizeof(*common_settings))

static const struct kafka_setting group_settings[] = {
	{"isolation.level", "read_committed", "in a group others' transactions must be waited for"},
	{"partition.assignment.strategy", "range",
	 "other assignors take partitions away before what was read of them is committed"},
#if RD_KAFKA_VERSION >= 0x020400ff
	{"group.protocol", "classic",
	 "the other takes partitions away before what was read of them is committed"},
#endif
};
#define N_GROUP (sizeof(group_settings) / sizeof(*group_settings))

/* Many partitions of small messages fill an answer of 50 MiB, librdkafka's default, and each
 * message takes some hundred bytes besides, which its limit does not count. */
static const struct kafka_setting small_answers = {"fetch.max.bytes", "8388608", NULL};

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct consumer *c = opaque;
	char text[400];

	if (code == RD_KAFKA_RESP_ERR__FATAL) {
		c->failed = true;
		kafka_error(&c->failure, rd_kafka_fatal_error(rk, text, sizeof(text)), NULL, false,
			    "cannot go on");
		return;
	}
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		c->all_down = true;
	kafka_reasons_note(c->reasons, (rd_kafka_resp_err_t)code, reason);
}

/* Of what is committed without waiting for the answer. */
static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
		      rd_kafka_topic_partition_list_t *list, void *opaque)
{
	const struct consumer *c = opaque;
	char text[300];

	(void)rk;
	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	if (!code || code == RD_KAFKA_RESP_ERR__NO_OFFSET)
		return;
	/* They are due again. */
	for (int i = 0; list && i < list->cnt; i++) {
		struct position *x = positions_find(&c->positions, list->elems[i].topic,
						    list->elems[i].partition);
		if (x)
			x->stored = x->told = OFFSET_NONE;
	}
	snprintf(text, sizeof(text), "cannot commit offsets: %s", rd_kafka_err2str(code));
	c->o.note(c->o.context, text);
}

static rd_kafka_conf_t *configure(struct consumer *c, struct error *err)
{
	struct kafka_setting settings[N_COMMON + N_GROUP + 5] = {0};
	rd_kafka_conf_t *conf;
	size_t n = N_COMMON;

	memcpy(settings, common_settings, sizeof(common_settings));
	if (c->o.group) {
		memcpy(settings + n, group_settings, sizeof(group_settings));
		n += N_GROUP;
		settings[n++] = (struct kafka_setting){"group.id", c->o.group, "'-G' names it"};
		if (c->o.instance)
			settings[n++] = (struct kafka_setting){"group.instance.id", c->o.instance,
							       "'--instance' names it"};
	}
	if (consumer_hides_internal(&c->o))
		settings[n++] = (struct kafka_setting){"topic.blacklist", "^__", NULL};
	/* Those that it must not be below, or above. */
	if (!kafka_option(c->o.kafka, "message.max.bytes") &&
	    !kafka_option(c->o.kafka, "queued.max.messages.kbytes"))
		settings[n++] = small_answers;
	if (!c->o.group && kafka_option(c->o.kafka, "group.id")) {
		error_set(err, ERROR_USAGE, "property 'group.id': it is '-G' that names a group");
		return NULL;
	}
	if (!(conf = kafka_conf_new(c->o.kafka, settings, err)))
		return NULL;
	rd_kafka_conf_set_opaque(conf, c);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (c->o.log)
		rd_kafka_conf_set_log_cb(conf, c->o.log);
	if (c->o.group)
		rd_kafka_conf_set_rebalance_cb(conf, consumer_rebalance);
	rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
	return conf;
}

static int subscribe(struct consumer *c, struct error *err)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t code;

	if (consumer_begin(c, err))
		return -1;
	list = rd_kafka_topic_partition_list_new((int)c->o.n_topics);
	for (size_t i = 0; i < c->o.n_topics; i++)
		rd_kafka_topic_partition_list_add(list, c->o.topics[i], RD_KAFKA_PARTITION_UA);
	code = rd_kafka_poll_set_consumer(c->rk);
	if (!code)
		code = rd_kafka_subscribe(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code ? kafka_error(err, code, NULL, true, "cannot join group '%s'", c->o.group) : 0;
}

/* A callback must be back long before the group gives the consumer up. */
static void bound_drain(struct consumer *c)
{
	char text[32] = "";
	size_t size = sizeof(text);
	int64_t ms;

	if (!rd_kafka_conf_get(rd_kafka_conf(c->rk), "max.poll.interval.ms", text, &size) &&
	    !number_read_int(text, text + strlen(text), &ms) && c->o.drain_ms > ms / 2)
		c->o.drain_ms = (int)(ms / 2);
}

static rd_kafka_t *make_client(struct consumer *c, struct error *err)
{
	rd_kafka_conf_t *conf = configure(c, err);
	rd_kafka_t *rk;
	char why[300];

	if (!conf)
		return NULL;
	if (!(rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why)))) {
		rd_kafka_conf_destroy(conf);
		error_set(err, ERROR_USAGE, "%s", why);
	}
	return rk;
}

struct consumer *consumer_open(const struct consumer_options *o, struct error *err)
{
	struct consumer *c = mem_alloc(1, sizeof(*c), err);

	if (!c)
		return NULL;
	c->o = *o;
	c->membership.generation = c->now.generation = -1;
	if (!(c->reasons = kafka_reasons_new(err)) || !(c->rk = make_client(c, err))) {
		kafka_reasons_free(c->reasons);
		free(c);
		return NULL;
	}
	bound_drain(c);
	c->store = (struct offset_store){.rk = c->rk,
					 .group = o->group,
					 .command = o->offsets_from,
					 .stop = consumer_stopped,
					 .context = c};
	/* librdkafka has c from here on: as by consumer_close, all is left to the program's end. */
	if (consumer_reach(c, err) || (o->group ? subscribe(c, err) : consumer_read(c, err)))
		return NULL;
	return c;
}

/* A rebalance that has failed waits for an assignment still. Before the close that would join the
 * group again, as a member that all others wait for until its session is over. */
static void *leave(void *consumer)
{
	struct consumer *c = consumer;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
	rd_kafka_error_t *failed = rd_kafka_consumer_close_queue(c->rk, queue);

	if (!failed && c->failed)
		rd_kafka_assign(c->rk, NULL);
	while (!failed && !rd_kafka_consumer_closed(c->rk)) {
		rd_kafka_event_t *event = rd_kafka_queue_poll(queue, LEAVE_SLICE_MS);
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
			rd_kafka_assign(c->rk, NULL);
		rd_kafka_event_destroy(event);
	}
	return NULL;
}

/* Bounded, for an assignment that comes when the group has just been left never returns. */
void consumer_close(struct consumer *c, int timeout_ms)
{
	bool left;

	if (!c || !c->rk || !c->o.group || timeout_ms <= 0)
		return;
	c->closing = true;
	bounded_call(leave, c, timeout_ms, &left);
}
