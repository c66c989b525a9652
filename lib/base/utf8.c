#include "lib/base/utf8.h"

#include <string.h>

bool utf8_is_ascii(const char *s, size_t n)
{
	uint64_t high = 0;
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		uint64_t w[4];
		memcpy(w, s + i, sizeof(w));
		high |= w[0] | w[1] | w[2] | w[3];
	}
	for (; i < n; i++)
		high |= (uint64_t)(unsigned char)s[i];
	return !(high & 0x8080808080808080u);
}

/* The length of the sequence at s (n bytes left), 0 if it is none: table 3-7 of Unicode. */
static size_t sequence(const unsigned char *s, size_t n)
{
	unsigned char lead = s[0], low = 0x80, high = 0xbf;
	size_t len;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		len = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		len = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		len = 4;
	else
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (n < len || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t utf8_check(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint64_t w;
		if (n - i >= 8 && (memcpy(&w, s + i, 8), !(w & 0x8080808080808080u))) {
			i += 8;
			continue;
		}
		size_t len = sequence((const unsigned char *)s + i, n - i);
		if (!len)
			return i;
		i += len;
	}
	return n;
}

static bool is_control(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

size_t utf8_clean(char *out, const char *s, size_t n)
{
	char *o = out;

	for (size_t i = 0; i < n;) {
		size_t valid = i + utf8_check(s + i, n - i);

		while (i < valid) {
			if (is_control(s + i)) {
				i += (unsigned char)s[i] == 0xc2 ? 2 : 1;
				*o++ = '?';
			} else {
				*o++ = s[i++];
			}
		}
		if (i < n) {
			*o++ = '?';
			i++;
		}
	}
	return (size_t)(o - out);
}

size_t utf8_write(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
