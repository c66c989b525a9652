/*
 * librdkafka does not tell that a topic has been deleted, so brokers are asked now and then: by a
 * thread, for an answer stands behind a fetch that waits for messages.
 */
#include <stdio.h>
#include <string.h>
#include "lib/kafka/bounded_call.h"
#include "lib/kafka/consumer_impl.h"

#define LOOK_EVERY_MS 3000
#define LOOK_AGAIN_MS 250
#define ANSWER_MS 5000
#define CONFIRM_MS 3000 /* of a topic being unknown; a broker may only be new */

enum { IDLE, ASKING, ANSWERED };

static void *ask(void *watch)
{
	struct topic_watch *w = watch;

	if (rd_kafka_metadata(w->rk, 0, NULL, &w->answer, ANSWER_MS))
		w->answer = NULL;
	atomic_store(&w->state, ANSWERED);
	return NULL;
}

/* The first of our topics that is unknown; NULL: there is none. */
static const char *find_unknown(const struct consumer *c)
{
	const rd_kafka_metadata_t *answer = c->watch.answer;

	for (size_t i = 0; answer && i < c->positions.n; i++)
		for (int j = 0; j < answer->topic_cnt; j++)
			if (answer->topics[j].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
			    !strcmp(answer->topics[j].topic, c->positions.items[i].topic))
				return c->positions.items[i].topic;
	return NULL;
}

static int tell_gone(const struct consumer *c, const char *topic, struct error *err)
{
	for (size_t i = 0; i < c->o.n_topics; i++)
		if (!strcmp(c->o.topics[i], topic))
			return kafka_error(err, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, NULL,
					   false, "topic '%s'", topic);
	return error_set(err, ERROR_RETRY,
			 "topic '%s' has been deleted; started again, we go on without it", topic);
}

void consumer_watch_soon(struct consumer *c)
{
	c->watch.next_ms = 0;
}

int consumer_watch_topics(struct consumer *c, int64_t now_ms, struct error *err)
{
	struct topic_watch *w = &c->watch;
	const char *unknown;
	int ret = 0;

	if (atomic_load(&w->state) == ANSWERED) {
		unknown = find_unknown(c);
		if (!unknown || strcmp(unknown, w->unknown) != 0)
			w->unknown_ms = now_ms;
		snprintf(w->unknown, sizeof(w->unknown), "%s", unknown ? unknown : "");
		if (unknown && now_ms - w->unknown_ms >= CONFIRM_MS)
			ret = tell_gone(c, unknown, err);
		if (w->answer)
			rd_kafka_metadata_destroy(w->answer);
		w->answer = NULL;
		w->next_ms = now_ms + (unknown ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
		atomic_store(&w->state, IDLE);
	} else if (atomic_load(&w->state) == IDLE && now_ms >= w->next_ms && !c->all_down &&
		   c->positions.n) {
		w->rk = c->rk;
		atomic_store(&w->state, ASKING);
		if (bounded_call_begin(ask, w))
			atomic_store(&w->state, IDLE); /* without a thread it is asked later */
	}
	return ret;
}
