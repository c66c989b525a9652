/* Pieces of JSON text appended to a buffer, the same bytes for the same values. */
#ifndef MODEL_JSON_WRITE_H
#define MODEL_JSON_WRITE_H

#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* A string with its quotes. s is UTF-8; control characters, quotes and backslashes are escaped. */
int json_add_string(struct buf *out, const char *s, struct error *err);

/* Shortest text that reads back the same; NaN and infinities are null. */
int json_add_real(struct buf *out, double value, struct error *err);

int json_add_uint(struct buf *out, uint64_t value, struct error *err);

#endif
