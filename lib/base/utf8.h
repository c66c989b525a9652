/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte that is not part of a valid sequence; n if all are. */
size_t utf8_check(const char *s, size_t n);

/* Whether all bytes are below 128. */
bool utf8_is_ascii(const char *s, size_t n);

/* Copies n bytes to out, which has room for as many, with '?' for each control character (C0, DEL
 * and C1) and for each byte that is part of no valid sequence. Returns the length. */
size_t utf8_clean(char *out, const char *s, size_t n);

/* Writes a code point (not a surrogate, at most 0x10FFFF) and returns its length, 1 to 4. */
size_t utf8_write(char out[4], uint32_t code_point);

#endif
