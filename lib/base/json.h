/* JSON text appended to a buffer, the same bytes for the same values. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* A string with its quotes. text is UTF-8 and may hold any character, NUL too: quotes, backslashes
 * and control characters are escaped. */
int json_add_text(struct buf *out, const char *text, size_t len, struct error *err);

/* json_add_text of a NUL-terminated string. */
int json_add_string(struct buf *out, const char *s, struct error *err);

/* Shortest text that reads back the same; NaN and infinities are null. */
int json_add_real(struct buf *out, double value, struct error *err);

int json_add_uint(struct buf *out, uint64_t value, struct error *err);

#endif
