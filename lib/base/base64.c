#include "lib/base/base64.h"

#include <stdint.h>

#define NO_DIGIT 64

int base64_add(struct buf *out, const void *bytes, size_t n, struct error *err)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = bytes;

	if (!n)
		return 0;
	if (n > SIZE_MAX / 4)
		return error_memory(err, UINT64_MAX);
	if (buf_reserve(out, (n + 2) / 3 * 4, err))
		return -1;
	char *to = out->data + out->len;
	for (; n >= 3; n -= 3, p += 3, to += 4) {
		to[0] = digits[p[0] >> 2];
		to[1] = digits[(p[0] << 4 | p[1] >> 4) & 63];
		to[2] = digits[(p[1] << 2 | p[2] >> 6) & 63];
		to[3] = digits[p[2] & 63];
	}
	if (n) {
		unsigned second = n > 1 ? p[1] : 0;
		to[0] = digits[p[0] >> 2];
		to[1] = digits[(p[0] << 4 | second >> 4) & 63];
		to[2] = '=';
		if (n > 1)
			to[2] = digits[second << 2 & 63];
		to[3] = '=';
		to += 4;
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
