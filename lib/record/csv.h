/* CSV rows as RFC 4180 has them, strictly: quotes only around a whole cell, doubled inside it. */
#ifndef RECORD_CSV_H
#define RECORD_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/reader.h"

struct csv_cell {
	const char *text; /* as it came, with its quotes */
	size_t len;
	bool quoted;
};

/*
 * The cell at p of a row that ends before `end` (its line end not included). Returns the first byte
 * behind it: a comma or end. NULL with err's kind, what and column (counted from row) for a stray
 * quote, an unterminated one, a NUL or other control character outside quotes, or a NUL inside.
 */
const char *csv_cell(const char *row, const char *p, const char *end, struct csv_cell *cell,
		     struct error *err);

/* Appends a cell's characters, quotes resolved. */
int csv_unquote(const struct csv_cell *cell, struct buf *out, struct error *err);

/* Appends text as a cell, quoted if it must be (comma, quote, control character, leading or
 * trailing space, or text that would read back as another kind: number, true, false, empty).
 * ERROR_DATA for a NUL, which no cell may hold. */
int csv_write_string(struct buf *out, const char *text, size_t len, struct error *err);

/* As csv_write_string, of the text that out holds from `at` on, in its place. */
int csv_quote(struct buf *out, size_t at, struct error *err);

/*
 * Where rows end, over a text in pieces. As in csv_cell a quote opens only at a cell's start: a
 * stray one spoils its row, and not those behind.
 */
struct csv_split {
	bool open;   /* inside quotes */
	bool closed; /* the last byte is the quote that closed them; another one opens them again */
	char last;   /* the last byte */
};

#define CSV_SPLIT_INIT       \
	{                    \
		.last = '\n' \
	}

/* Behind the first row end in [p, end), or NULL: none, and the state is that at end. */
const char *csv_row_end(struct csv_split *s, const char *p, const char *end);

/* Bytes of the row at p (of n bytes that hold at least one whole row or the last one), its line
 * end included: up to the first newline outside quotes, or n. *lines counts its newlines. */
size_t csv_row(const char *p, size_t n, uint64_t *lines);

/*
 * Reads a header row (without its line end). Names must be valid paths, unique, none the beginning
 * of another ("a" beside "a.b"). NULL with ERROR_DATA and the column.
 */
struct csv_header *csv_header_new(const char *text, size_t len, bool crlf, struct error *err);
void csv_header_free(struct csv_header *h);

#endif
