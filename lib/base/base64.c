#include "lib/base/base64.h"

#include <stdint.h>
#include <string.h>

#define NO_DIGIT 64

/* Four digits for 24 bits. */
static char *put(char *to, unsigned bits)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	to[0] = digits[bits >> 18];
	to[1] = digits[bits >> 12 & 63];
	to[2] = digits[bits >> 6 & 63];
	to[3] = digits[bits & 63];
	return to + 4;
}

int base64_add(struct buf *out, const void *bytes, size_t n, struct error *err)
{
	const unsigned char *p = bytes;

	if (!n)
		return 0;
	if (n > SIZE_MAX / 4)
		return error_memory(err, UINT64_MAX);
	if (buf_reserve(out, (n + 2) / 3 * 4, err))
		return -1;
	char *to = out->data + out->len;
	for (; n >= 3; n -= 3, p += 3)
		to = put(to, (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2]);
	if (n) {
		to = put(to, (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0));
		memset(to - 3 + n, '=', 3 - n);
	}
	out->len = (size_t)(to - out->data);
	return 0;
}

static unsigned digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : NO_DIGIT;
}

int base64_read(struct buf *out, const char *text, size_t n, struct error *err)
{
	size_t n_digits = n, bits = 0;
	uint32_t word = 0;

	if (n % 4)
		return error_set(err, ERROR_DATA,
				 "it is not base64: its length, %zu, is no multiple of 4", n);
	if (!n)
		return 0;
	if (buf_reserve(out, n / 4 * 3, err))
		return -1;
	while (n_digits && n - n_digits < 2 && text[n_digits - 1] == '=')
		n_digits--;
	char *to = out->data + out->len;
	for (size_t i = 0; i < n_digits; i++) {
		unsigned d = digit(text[i]);
		if (d == NO_DIGIT)
			return error_set(err, ERROR_DATA,
					 "it is not base64: character %zu is no digit of it",
					 i + 1);
		word = word << 6 | d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*to++ = (char)(word >> bits);
		}
	}
	if (word & ((1u << bits) - 1))
		return error_set(err, ERROR_DATA,
				 "it is not base64: bits are set behind its last byte");
	out->len = (size_t)(to - out->data);
	return 0;
}
