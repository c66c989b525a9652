/* A consumer's place in its group, by which what it hands on can be committed by another process.
 */
#ifndef KAFKA_MEMBERSHIP_H
#define KAFKA_MEMBERSHIP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

struct membership {
	int32_t generation; /* -1: none */
	char *member;       /* "": none */
	char *instance;     /* NULL: none */
};

void membership_release(struct membership *m);

/*
 * What rd_kafka_consumer_group_metadata_write gives, for librdkafka has no other way to the
 * generation before 2.8.0: "CGMDv2:", the generation as an int32_t of this machine, group and
 * member each with a NUL, an int8_t that is 0 when an instance with its NUL follows. ERROR_INTERNAL
 * when it is anything else. m's former strings are freed.
 */
int membership_decode(struct membership *m, const void *bytes, size_t len, struct error *err);

/* The consumer's membership now; without one generation is -1 and member "". */
int membership_read(struct membership *m, rd_kafka_t *rk, struct error *err);

/* Whether a broker fences what is committed by it: generation -1 with an empty member is taken from
 * anybody. */
bool membership_valid(const struct membership *m);

#endif
