/* The inside of struct reader, shared by the beginning of a file and what follows. */
#ifndef RECORD_READER_IMPL_H
#define RECORD_READER_IMPL_H

#include <string.h>
#include "lib/record/csv.h"
#include "lib/record/reader.h"

struct reader {
	struct reader_options options;
	size_t next_path;
	int fd; /* -1: between files */
	const char *file;
	bool regular;
	enum { FILE_START, FILE_FORMAT, FILE_HEADER, FILE_BODY } stage;
	bool eof;
	bool failed_line; /* the last failure was one line's fault */
	bool skipping;    /* a line over the limit is being passed over */
	bool ended;       /* before_wait ended the input */
	enum record_format format;
	struct csv_header *header;
	uint64_t line;          /* of the first byte not yet given out */
	struct buf rest;        /* bytes read behind the last whole line given out */
	size_t scanned;         /* bytes of the data at hand that were looked at for line ends */
	size_t whole;           /* bytes up to the last line end found */
	struct csv_split split; /* CSV: where the quotes stand behind the bytes scanned */
	uint64_t skipped_line;  /* where the line being passed over begins */
	uint64_t bytes, size;
};

static inline uint64_t count_newlines(const char *p, size_t n)
{
	uint64_t count = 0;

	for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		count++;
	return count;
}

static inline void drop_front(struct block *b, size_t n)
{
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
}

/* The line at r->line is over the limit; a header's is final. */
int reader_line_too_long(struct reader *r, struct error *err);

/*
 * At the start of a file: drops the byte order mark and blank lines and sees the format. 0, and the
 * stage is one of the next when enough bytes were there; -1.
 */
int reader_see_format(struct reader *r, struct block *b, struct error *err);

/* Takes the header row, which is there whole, off the front of b. */
int reader_take_header(struct reader *r, struct block *b, struct error *err);

#endif
