/* Base64 with the alphabet of RFC 4648, section 4, and its padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* Appends the text of n bytes: four characters for each three. */
int base64_add(struct buf *out, const void *bytes, size_t n, struct error *err);

/* Appends the bytes of a text. There is one text for any bytes: line ends, missing padding and
 * bits set behind the last byte are ERROR_DATA. */
int base64_read(struct buf *out, const char *text, size_t n, struct error *err);

#endif
