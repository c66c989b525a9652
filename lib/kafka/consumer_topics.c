#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/kafka/assignment.h"
#include "lib/kafka/consumer_impl.h"

#define APPEAR_MS 1000 /* in which a topic that has just been made is known to all brokers */
#define PAUSE_MS 50

static struct kafka_reach reach_of(struct consumer *c, const char *topic)
{
	return (struct kafka_reach){.timeout_ms = c->o.timeout_ms,
				    .topic = topic,
				    .stop = c->o.stop,
				    .context = c->o.context};
}

/* The partitions of a topic that is there. */
static int find_topic(struct consumer *c, const char *topic, const rd_kafka_metadata_t **metadata,
		      struct error *err)
{
	const struct kafka_reach reach = reach_of(c, topic);
	rd_kafka_resp_err_t code;

	for (int left = APPEAR_MS;; left -= PAUSE_MS) {
		if (kafka_reach(c->rk, &reach, c->reasons, metadata, err))
			return -1;
		code = (*metadata)->topic_cnt ? (*metadata)->topics[0].err
					      : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		if (!code)
			return 0;
		rd_kafka_metadata_destroy(*metadata);
		if (left <= 0 || c->o.stop(c->o.context))
			return kafka_error(err, code, NULL, true, "topic '%s'", topic);
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
	}
}

int consumer_reach(struct consumer *c, struct error *err)
{
	const struct kafka_reach reach = reach_of(c, NULL);
	const rd_kafka_metadata_t *metadata;

	if (kafka_reach(c->rk, &reach, c->reasons, NULL, err))
		return -1;
	for (size_t i = 0; i < c->o.n_topics; i++) {
		if (c->o.topics[i][0] == '^')
			continue;
		if (find_topic(c, c->o.topics[i], &metadata, err))
			return -1;
		rd_kafka_metadata_destroy(metadata);
	}
	return 0;
}

static bool is_chosen(const struct consumer *c, int32_t partition)
{
	for (size_t i = 0; i < c->o.n_partitions; i++)
		if (c->o.partitions[i] == partition)
			return true;
	return !c->o.n_partitions;
}

static int add_topic(struct consumer *c, const rd_kafka_metadata_topic_t *t, struct error *err)
{
	size_t n = 0;

	for (int i = 0; i < t->partition_cnt; i++) {
		int32_t partition = t->partitions[i].id;
		if (!is_chosen(c, partition))
			continue;
		n++;
		if (!positions_find(&c->positions, t->topic, partition) &&
		    positions_add(&c->positions, t->topic, partition, err))
			return -1;
	}
	if (n < c->o.n_partitions)
		return error_set(err, ERROR_CONFIG,
				 "topic '%s' has %d partitions, not all that '-p' names", t->topic,
				 t->partition_cnt);
	return 0;
}

static bool is_internal(const char *name)
{
	return name[0] == '_' && name[1] == '_';
}

bool consumer_hides_internal(const struct consumer_options *o)
{
	bool patterns = false, named = false;

	for (size_t i = 0; i < o->n_topics; i++) {
		patterns |= o->topics[i][0] == '^';
		named |= is_internal(o->topics[i] + (o->topics[i][0] == '^'));
	}
	return patterns && !named;
}

/* Those of all topics whose names match. */
static int add_matching(struct consumer *c, const char *pattern, struct error *err)
{
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t code;
	regex_t regex;
	int ret = 0;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return error_set(err, ERROR_USAGE, "topic '%s' is no regular expression", pattern);
	code = rd_kafka_metadata(c->rk, 1, NULL, &metadata, c->o.timeout_ms);
	if (code) {
		ret = kafka_error(err, code, NULL, true, "cannot find out what topics there are");
		goto out;
	}
	for (int i = 0; !ret && i < metadata->topic_cnt; i++)
		if (!metadata->topics[i].err &&
		    !(is_internal(metadata->topics[i].topic) && !is_internal(pattern + 1)) &&
		    !regexec(&regex, metadata->topics[i].topic, 0, NULL, 0))
			ret = add_topic(c, &metadata->topics[i], err);
	rd_kafka_metadata_destroy(metadata);
out:
	regfree(&regex);
	return ret;
}

int consumer_find_partitions(struct consumer *c, struct error *err)
{
	const rd_kafka_metadata_t *metadata;

	for (size_t i = 0; i < c->o.n_topics; i++) {
		const char *topic = c->o.topics[i];
		int ret;
		if (topic[0] == '^') {
			ret = add_matching(c, topic, err);
		} else if (!(ret = find_topic(c, topic, &metadata, err))) {
			ret = add_topic(c, &metadata->topics[0], err);
			rd_kafka_metadata_destroy(metadata);
		}
		if (ret)
			return -1;
	}
	return 0;
}

int consumer_read(struct consumer *c, struct error *err)
{
	const struct assignment a = {.rk = c->rk,
				     .from = &c->o.from,
				     .timeout_ms = c->o.timeout_ms,
				     .stop = c->o.stop,
				     .context = c->o.context};

	if (consumer_find_partitions(c, err))
		return -1;
	if (!c->positions.n)
		return error_set(err, ERROR_CONFIG, "no topic matches '%s'", c->o.topics[0]);
	if (assignment_resolve(&a, &c->positions, err) ||
	    !(c->handles = mem_alloc(c->positions.n, sizeof(rd_kafka_topic_t *), err)))
		return -1;
	c->queue = rd_kafka_queue_new(c->rk);
	for (size_t i = 0; i < c->positions.n; i++) {
		const struct position *x = &c->positions.items[i];
		c->handles[i] = rd_kafka_topic_new(c->rk, x->topic, NULL);
		if (!c->handles[i] ||
		    rd_kafka_consume_start_queue(c->handles[i], x->partition, x->next, c->queue))
			return kafka_error(err, rd_kafka_last_error(), NULL, true,
					   "cannot read topic '%s', partition %d", x->topic,
					   (int)x->partition);
	}
	c->assigned = true;
	return 0;
}
