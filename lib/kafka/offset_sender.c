#include "lib/kafka/offset_sender.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"
#include "lib/kafka/thread.h"

#define GRACE_MS 500 /* its own words at its time-out say more */

struct call {
	rd_kafka_t *rk;
	const rd_kafka_topic_partition_list_t *list;
	const rd_kafka_consumer_group_metadata_t *group;
	int timeout_ms;
	rd_kafka_error_t *e;
	bool done;
	pthread_mutex_t lock;
	pthread_cond_t came_back;
};

static void *run(void *context)
{
	struct call *c = context;
	rd_kafka_error_t *e =
		rd_kafka_send_offsets_to_transaction(c->rk, c->list, c->group, c->timeout_ms);

	pthread_mutex_lock(&c->lock);
	c->e = e;
	c->done = true;
	pthread_cond_signal(&c->came_back);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static bool wait_for(struct call *c)
{
	struct timespec until;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t end = until.tv_nsec + (int64_t)(c->timeout_ms + GRACE_MS) * NS_PER_MS;
	until.tv_sec += end / NS_PER_SECOND;
	until.tv_nsec = end % NS_PER_SECOND;
	pthread_mutex_lock(&c->lock);
	while (!c->done && !pthread_cond_timedwait(&c->came_back, &c->lock, &until))
		;
	done = c->done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

static struct call *new_call(struct error *err)
{
	struct call *c = mem_alloc(1, sizeof(*c), err);
	pthread_condattr_t attributes;

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&c->came_back, &attributes);
	pthread_condattr_destroy(&attributes);
	return c;
}

static void free_call(struct call *c)
{
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->came_back);
	free(c);
}

int offset_sender_run(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list,
		      const rd_kafka_consumer_group_metadata_t *group, int timeout_ms,
		      rd_kafka_error_t **e, struct error *err)
{
	struct call *c = new_call(err);
	pthread_t thread;
	int failed;

	if (!c)
		return -1;
	c->rk = rk;
	c->list = list;
	c->group = group;
	c->timeout_ms = timeout_ms;
	if ((failed = thread_start(&thread, run, c))) {
		free_call(c);
		return error_errno(err, ERROR_RETRY, failed, "cannot start a thread");
	}
	if (!wait_for(c)) {
		pthread_detach(thread); /* it may come back yet: c is left to it */
		return error_set(err, ERROR_RETRY,
				 "cannot commit the offsets: brokers do not answer");
	}
	pthread_join(thread, NULL);
	*e = c->e;
	free_call(c);
	return 0;
}
