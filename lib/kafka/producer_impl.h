/* The inside of struct producer, shared by sending, what is asked of the topic, and transactions.
 */
#ifndef KAFKA_PRODUCER_IMPL_H
#define KAFKA_PRODUCER_IMPL_H

#include "lib/kafka/producer.h"

struct producer {
	const struct producer_options *options;
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	struct kafka_reasons *reasons;
	struct topic_limits limits;
	size_t max_size; /* of a message */
	bool max_is_topics;
	bool voiding; /* what is not delivered now is aborted, and no failure */
	bool stuck;   /* a call has not come back: rk is left as it is */
	int transaction_timeout_ms;
	/* Messages taken and not handed to librdkafka yet, which takes many at a time for less. */
	rd_kafka_message_t *batch;
	size_t batch_at, batch_end;
	char *batch_text; /* their keys and values */
	size_t batch_len;
	/* What librdkafka has, as it counts it: nothing is handed over that its queue has no room
	 * for. Bytes are those of values. */
	int64_t n_queued, queued_bytes, max_queued, max_queued_bytes;
	rd_kafka_resp_err_t refused; /* why, when a message was not taken by librdkafka */
	rd_kafka_vu_t *fields;       /* of a message that is in no batch */
	size_t fields_cap;
	struct provenance_header *headers; /* of an undelivered one */
	size_t headers_cap;
};

/* Waits for a broker, creates the topic, looks at its partitions and configuration. */
int producer_ask_topic(struct producer *p, struct topic_limits *limits, struct error *err);

int producer_alloc_batch(struct producer *p, struct error *err);

/* Hands all that was taken to librdkafka, waiting for room: 1; 0: stop, if it may, ended that. What
 * is refused is told as undelivered. */
int producer_hand_over(struct producer *p, bool may_stop);

/* Forgets what was taken and not handed over. */
void producer_drop_batch(struct producer *p);

/* librdkafka's callback for every message, delivered or not. */
void producer_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);

/* The value of a whole-number property in use. */
int64_t producer_property(const struct producer *p, const char *name);

#endif
