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
	size_t max_size; /* of a message */
	bool max_is_topics;
	bool voiding; /* what is not delivered now is aborted, and no failure */
	bool stuck;   /* a call has not come back: rk is left as it is */
	int transaction_timeout_ms;
	rd_kafka_vu_t *fields; /* of a message with headers or a time */
	size_t fields_cap;
	struct provenance_header *headers; /* of an undelivered one */
	size_t headers_cap;
};

/* Waits for a broker, creates the topic, looks at its partitions and configuration. */
int producer_ask_topic(struct producer *p, struct topic_limits *limits, struct error *err);

/* The value of a whole-number property in use. */
int64_t producer_property(const struct producer *p, const char *name);

#endif
