#include "lib/report/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#define REPLACEMENT 0xFFFD

int text_status(const struct text *t)
{
	return t->status;
}

void text_add_bytes(struct text *t, const char *s, size_t n)
{
	if (t->status == 0)
		t->status = buf_add(&t->buf, s, n, t->err);
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	char piece[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	if (t->status == 0 && (n < 0 || (size_t)n >= sizeof(piece)))
		t->status = error_set(t->err, ERROR_INTERNAL, "a piece of text is too long");
	text_add_bytes(t, piece, n < 0 ? 0 : (size_t)n);
}

/* The next character of [*s, end) and past it; REPLACEMENT for a byte that is none and for
 * characters that are not for the eye: controls, directional overrides, noncharacters. */
static uint32_t next_character(const char **s, const char *end)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
	uint32_t c = *p;

	if (n > (size_t)(end - *s) || utf8_check(*s, n) != n) {
		(*s)++;
		return REPLACEMENT;
	}
	*s += n;
	if (n > 1) {
		c &= 0x7Fu >> n;
		for (size_t i = 1; i < n; i++)
			c = c << 6 | (p[i] & 0x3F);
	}
	bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
	bool direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
	bool none = (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
	return control || direction || none ? REPLACEMENT : c;
}

static void add_character(struct text *t, uint32_t c)
{
	char bytes[4];

	text_add_bytes(t, bytes, utf8_write(bytes, c));
}

static void add_html_character(struct text *t, uint32_t c)
{
	switch (c) {
	case '&':
		text_add(t, "&amp;");
		break;
	case '<':
		text_add(t, "&lt;");
		break;
	case '>':
		text_add(t, "&gt;");
		break;
	case '"':
		text_add(t, "&quot;");
		break;
	case '\'':
		text_add(t, "&#39;");
		break;
	default:
		add_character(t, c);
	}
}

/* What stands for a character that gnuplot might take for more than itself. */
static uint32_t harmless(uint32_t c)
{
	switch (c) {
	case '"':
		return 0x201D;
	case '\'':
		return 0x2019;
	case '`':
		return 0x2018;
	case '\\':
		return 0x2216;
	default:
		return c;
	}
}

static void add_label_character(struct text *t, uint32_t c)
{
	add_character(t, harmless(c));
}

/* Adds the characters of s by `add`; of too many the ends, which tell names apart. */
static void add_cut(struct text *t, const char *s, size_t most,
		    void (*add)(struct text *t, uint32_t c))
{
	const char *p = s, *end = s + strlen(s);
	size_t n = 0;

	for (; p < end; n++)
		next_character(&p, end);
	size_t head = n > most ? (most - 1) / 2 : n, tail = n > most ? most - 1 - head : 0;
	p = s;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = next_character(&p, end);

		if (i < head || i >= n - tail)
			add(t, c);
		else if (i == head)
			text_add(t, "…");
	}
}

void text_html(struct text *t, const char *s)
{
	add_cut(t, s, SIZE_MAX, add_html_character);
}

void text_html_cut(struct text *t, const char *s, size_t most)
{
	add_cut(t, s, most, add_html_character);
}

void text_label(struct text *t, const char *s, size_t most)
{
	add_cut(t, *s ? s : "–", most, add_label_character);
}

void text_count(struct text *t, uint64_t n)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text_add(t, ",");
		text_add_bytes(t, digits + i, 1);
	}
}

void text_share(struct text *t, uint64_t part, uint64_t whole)
{
	double percent = 100 * (double)part / (double)whole;

	if (whole == 0)
		text_add(t, "–");
	else if (part == 0 || part == whole)
		text_printf(t, "%.0f\u00a0%%", percent);
	else if (percent < 0.001)
		text_add(t, "&lt;\u00a00.001\u00a0%");
	else
		text_printf(t, "%.*f\u00a0%%", percent < 0.1 ? 3 : percent < 1 ? 2 : 1, percent);
}

void text_real(struct text *t, double x)
{
	if (isnan(x))
		text_add(t, "–");
	else
		text_printf(t, "%s%.4g", x < 0 ? "−" : "", fabs(x));
}

void text_time(struct text *t, int64_t ns)
{
	char stamp[TIMESTAMP_MAX];
	size_t n = timestamp_format(stamp, ns);

	/* …T00:00:00.000Z */
	stamp[10] = ' ';
	n -= memcmp(stamp + n - 5, ".000", 4) == 0 ? 5 : 1;
	text_add_bytes(t, stamp, n);
}

void text_duration(struct text *t, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"d", 86400000000000},
		     {"h", 3600000000000},
		     {"min", 60000000000},
		     {"s", 1000000000},
		     {"ms", 1000000},
		     {"µs", 1000},
		     {"ns", 1}};
	size_t n_units = sizeof(units) / sizeof(units[0]), i = 0;

	if (ns == 0)
		text_add(t, "0\u00a0s");
	while (i < n_units && ns < units[i].ns)
		i++;
	for (size_t shown = 0; shown < 2 && i < n_units; shown++, i++) {
		if (ns >= units[i].ns)
			text_printf(t, "%s%llu\u00a0%s", shown ? " " : "",
				    (unsigned long long)(ns / units[i].ns), units[i].name);
		ns %= units[i].ns;
	}
}
