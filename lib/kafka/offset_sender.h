/*
 * rd_kafka_send_offsets_to_transaction, bounded.
 *
 * librdkafka (2.0.2) sometimes never comes back from it when brokers go away in the middle,
 * whatever time-out it was given. So it is called in a thread of its own, which is left behind
 * then.
 */
#ifndef KAFKA_OFFSET_SENDER_H
#define KAFKA_OFFSET_SENDER_H

#include <librdkafka/rdkafka.h>
#include "lib/base/error.h"

/*
 * 0: *e is what the call has returned (NULL: sent). -1 (ERROR_RETRY): it has not come back soon
 * after timeout_ms, or could not be made; nothing that it was given may be destroyed any more.
 */
int offset_sender_run(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list,
		      const rd_kafka_consumer_group_metadata_t *group, int timeout_ms,
		      rd_kafka_error_t **e, struct error *err);

#endif
