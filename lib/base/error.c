#include "lib/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The length of the well-formed UTF-8 character at s, 0 if there is none (Unicode 15, table 3-7).
 * *cut tells that the bytes end too early but are right so far. */
static size_t utf8_length(const unsigned char *s, size_t len, bool *cut)
{
	unsigned char lead = s[0], low = 0x80, high = 0xBF;
	size_t n;

	*cut = false;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		n = 2;
	else if (lead >= 0xE0 && lead <= 0xEF)
		n = 3;
	else if (lead >= 0xF0 && lead <= 0xF4)
		n = 4;
	else
		return 0;
	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	for (size_t i = 1; i < n; i++) {
		if (i == len) {
			*cut = true;
			return 0;
		}
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return n;
}

static bool is_control(const unsigned char *s, size_t n)
{
	return n == 1 ? s[0] < 0x20 || s[0] == 0x7F : n == 2 && s[0] == 0xC2 && s[1] < 0xA0;
}

/* Copies text of `len` bytes into out[size], cleaned and cut at a character. */
static void copy_clean(char *out, size_t size, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t room = size - 1;
	bool too_long = len > room;

	if (too_long)
		len = room;
	size_t o = 0;
	for (size_t i = 0; i < len;) {
		bool cut;
		size_t n = utf8_length(s + i, len - i, &cut);

		if (cut && too_long)
			break;
		if (n == 0 || is_control(s + i, n)) {
			out[o++] = '?';
			i += n ? n : 1;
		} else {
			memcpy(out + o, s + i, n);
			o += n;
			i += n;
		}
	}
	out[o] = '\0';
}

/* The arguments may point into err itself, so text is made aside. One byte more than
 * fits tells copy_clean that something was cut. */
#define TEXT_SIZE (sizeof(((struct error *)0)->what) + 1)

static void set(struct error *err, enum error_kind kind, const char *text)
{
	err->kind = kind;
	err->line = 0;
	err->column = 0;
	err->file[0] = '\0';
	copy_clean(err->what, sizeof(err->what), text, strlen(text));
}

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	set(err, kind, text);
	return -1;
}

int error_errno(struct error *err, enum error_kind kind, int errno_value, const char *fmt, ...)
{
	char text[TEXT_SIZE], reason[128];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s",
			 strerror_r(errno_value, reason, sizeof(reason)));
	set(err, kind, text);
	return -1;
}

int error_memory(struct error *err, uint64_t bytes)
{
	return error_set(err, ERROR_UNAVAILABLE, "out of memory: cannot allocate %llu bytes",
			 (unsigned long long)bytes);
}

int error_at(struct error *err, const char *file, uint64_t line, uint64_t column)
{
	if (file && !err->file[0])
		copy_clean(err->file, sizeof(err->file), file, strlen(file));
	if (!err->line)
		err->line = line;
	if (!err->column)
		err->column = column;
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char prefix[TEXT_SIZE], text[sizeof(prefix) + sizeof(err->what) + 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", prefix, err->what);
	copy_clean(err->what, sizeof(err->what), text, strlen(text));
	return -1;
}
