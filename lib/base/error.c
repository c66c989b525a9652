#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/utf8.h"

/* Copies text, which ends in a NUL, into out[size]: cleaned, and cut at a character. */
static void copy_clean(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size) {
		len = size - 1;
		for (int k = 0; k < 3 && ((unsigned char)text[len] & 0xC0) == 0x80; k++)
			len--;
	}
	out[utf8_clean(out, text, len)] = '\0';
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
	copy_clean(err->what, sizeof(err->what), text);
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
		copy_clean(err->file, sizeof(err->file), file);
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
	copy_clean(err->what, sizeof(err->what), text);
	return -1;
}
