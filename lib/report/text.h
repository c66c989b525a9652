/*
 * Text that is put together piece by piece, for pages and for gnuplot's commands, and figures as
 * people read them. A piece that does not fit in memory makes all later ones no-ops: check once,
 * at the end, with text_status.
 *
 * Text that comes from data goes through text_html or text_label, never through text_printf.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* buf is the caller's to read, and to release. */
struct text {
	struct buf buf;
	struct error *err;
	int status;
};

/* Zeroed but for err is empty: `struct text t = {.err = err};` */
int text_status(const struct text *t);

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *s, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text from data as the content of an element or of a quoted attribute. Markup is escaped; control
 * characters, those that change the direction of what follows, and invalid UTF-8 show as U+FFFD.
 */
void text_html(struct text *t, const char *s);

/* As text_html; of more than `most` characters (>= 3) the middle is left out ("…"). */
void text_html_cut(struct text *t, const char *s, size_t most);

/*
 * Text from data as a column of tab-separated data for gnuplot, to be drawn with "noenhanced". As
 * text_html_cut, without escapes; quotes, backquotes and backslashes become characters that look
 * like them and mean nothing. Never empty.
 */
void text_label(struct text *t, const char *s, size_t most);

/* 1,234,567. */
void text_count(struct text *t, uint64_t n);

/* A share as a percentage of three digits at most: "10.0 %", "0.05 %"; "–" where whole is 0. */
void text_share(struct text *t, uint64_t part, uint64_t whole);

/* Four significant digits; "–" for NaN. */
void text_real(struct text *t, double x);

/* "2024-01-01 00:00:00", UTC, with milliseconds where there are any. */
void text_time(struct text *t, int64_t ns);

/* The two largest units of a length of time: "4 h 21 min", "2 d", "10 s", "500 ms", "0 s". */
void text_duration(struct text *t, uint64_t ns);

#endif
