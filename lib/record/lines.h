/*
 * Lines of a text file that is plain or gzip'd (RFC 1952; seen from its first two bytes, several
 * members are one text). A line ends with LF or CRLF, or with the file; a byte order mark before
 * the first one is dropped. Used by one thread.
 */
#ifndef RECORD_LINES_H
#define RECORD_LINES_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define LINES_MAX_LINE ((size_t)16 << 20) /* longest line, bytes */

struct lines_options {
	const char *path; /* "-" is standard input; must outlive the lines */
	/* Called before a read that would wait, and whenever a signal interrupts one; returning 1
	 * ends the text there, -1 (err filled) fails. May be NULL. */
	int (*before_wait)(void *context, struct error *err);
	void *context;
};

struct lines;

/* A directory or a file that cannot be opened is ERROR_NO_INPUT. */
struct lines *lines_open(const struct lines_options *options, struct error *err);
void lines_close(struct lines *l);

/*
 * The next line without its line end, good until the next call: 1, 0 at the end, -1 with err. What
 * cannot be gone on from is ERROR_DATA: a line over LINES_MAX_LINE, gzip data that are damaged or
 * end early.
 */
int lines_next(struct lines *l, const char **line, size_t *len, struct error *err);

/* The number of the line that lines_next gave last, from 1; 0 before the first. */
uint64_t lines_number(const struct lines *l);

/* The name for messages; lives as long as l. */
const char *lines_name(const struct lines *l);

#endif
