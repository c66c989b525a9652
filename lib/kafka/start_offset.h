/* Where a consumer begins in a partition, as users say it. */
#ifndef KAFKA_START_OFFSET_H
#define KAFKA_START_OFFSET_H

#include <stdint.h>
#include "lib/base/error.h"

enum start_kind {
	START_BEGINNING, /* the oldest message there is */
	START_END,
	START_STORED, /* the offset that the group has committed */
	START_OFFSET, /* n */
	START_LAST,   /* n messages before the end */
	START_TIME,   /* the first message of n ms since 1970 or later */
};

struct start_offset {
	enum start_kind kind;
	int64_t n;
};

/* Reads "beginning", "end", "stored", "N", "-N", "s@MILLISECONDS" (these as kcat has them) or
 * "s@RFC3339", with its offset. ERROR_USAGE: none of them. */
int start_offset_parse(struct start_offset *s, const char *text, struct error *err);

#endif
