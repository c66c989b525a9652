/*
 * Bytes of files into blocks of whole lines (JSON Lines) or whole rows (CSV).
 *
 * The kind of input is seen from its first byte behind a byte order mark (which is dropped): '{' is JSON Lines, '[' an error that
 * shows the way out, anything else CSV. Several files are one stream; each CSV file brings its header, which must
 * be the first one's. A reader is used by one thread; the blocks it fills may go to others.
 */
#ifndef RECORD_READER_H
#define RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

enum record_format { FORMAT_AUTO, FORMAT_JSON, FORMAT_CSV };

#define READER_MAX_LINE (UINT64_C(16) << 20) /* default limit of a line, bytes */
#define READER_BLOCK (128 << 10)             /* bytes a block holds, unless one line is longer */

struct reader_options {
	char *const *paths; /* NULL-terminated, "-" is standard input; NULL or empty: standard input alone */
	enum record_format format;
	uint64_t max_line;  /* 0: READER_MAX_LINE */
	/* Called before a read that would wait, so that the caller can flush its output; and whenever a signal
	 * interrupts one. Returning 1 ends the input there, -1 (err filled) fails. May be NULL. */
	int (*before_wait)(void *context, struct error *err);
	void *context;
};

/* The columns of a CSV input; shared by all blocks, lives as long as the reader. */
struct csv_header {
	size_t n;
	char **names;     /* [n] dotted paths, unique, NUL-terminated, without quotes */
	const char *text; /* the header row as it came, without its line end */
	size_t len;
};

/* Whole lines. Bytes [0, len) of data hold them with their line ends; 64 readable bytes lie behind. */
struct block {
	char *data;
	size_t len, cap;
	uint64_t first_line;             /* of data[0], counted from 1 in its file */
	const char *file;                /* name for messages; lives as long as the reader */
	enum record_format format;       /* JSON or CSV, never auto */
	const struct csv_header *header; /* CSV */
	bool unterminated;               /* the last line has no newline: the file ended there */
	bool ascii;                      /* no byte above 127 */
};

void block_release(struct block *b);

struct reader;
struct reader *reader_open(const struct reader_options *options, struct error *err);
void reader_close(struct reader *r);

/* The next block into *b (zeroed at first, reused afterwards): 1, 0 at the end of the last file, -1 with err. A line
 * over the limit, or CSV whose quote never closes, is ERROR_DATA at its place: reading cannot go on behind it... */
int reader_next(struct reader *r, struct block *b, struct error *err);

/* The format of the input, once something was read; FORMAT_AUTO before, and for input without a byte. */
enum record_format reader_format(const struct reader *r);

#endif
