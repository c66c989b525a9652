#include "lib/kafka/offset_sender.h"

#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/kafka/bounded_call.h"

#define GRACE_MS 500 /* its own words at its time-out say more */

struct sending {
	rd_kafka_t *rk;
	const rd_kafka_topic_partition_list_t *list;
	const rd_kafka_consumer_group_metadata_t *group;
	int timeout_ms;
	rd_kafka_error_t *e;
};

static void *send_offsets(void *sending)
{
	struct sending *s = sending;

	s->e = rd_kafka_send_offsets_to_transaction(s->rk, s->list, s->group, s->timeout_ms);
	return NULL;
}

int offset_sender_run(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list,
		      const rd_kafka_consumer_group_metadata_t *group, int timeout_ms,
		      rd_kafka_error_t **e, struct error *err)
{
	struct sending *s = mem_alloc(1, sizeof(*s), err);
	bool back;
	int failed;

	if (!s)
		return -1;
	*s = (struct sending){.rk = rk, .list = list, .group = group, .timeout_ms = timeout_ms};
	if ((failed = bounded_call(send_offsets, s, timeout_ms + GRACE_MS, &back))) {
		free(s);
		return error_errno(err, ERROR_RETRY, failed, "cannot start a thread");
	}
	if (!back) /* s is left to it */
		return error_set(err, ERROR_RETRY,
				 "cannot commit the offsets: brokers do not answer");
	*e = s->e;
	free(s);
	return 0;
}
