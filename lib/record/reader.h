/*
 * Bytes of files into blocks of whole lines (JSON Lines) or whole rows (CSV).
 *
 * The kind of input is seen from its first byte behind a byte order mark (which is dropped) and
 * white space: '{' is JSON Lines, anything else CSV; what is known to be neither, such as a JSON
 * array or a compressed file, is an error that shows the way out (record/foreign.h). Several
 * files are one stream; each CSV file brings its header, which must be the first one's. A reader is
 * used by one thread; the blocks it fills may go to others.
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
#define READER_PAD 64                        /* readable bytes behind a block's data */

struct reader_options {
	char *const *paths; /* NULL-terminated, "-" is standard input; NULL or empty: standard
			       input alone */
	enum record_format format;
	uint64_t max_line; /* 0: READER_MAX_LINE */
	/*
	 * Called before a read that would wait and each time wake_fd becomes readable while
	 * waiting, so that the caller can flush its output and look at what signals
	 * left. It may set *timeout_ms (-1: for ever), after which it is called again. Returning 1
	 * ends the input there, -1 (err filled) fails. May be NULL.
	 */
	int (*before_wait)(void *context, int *timeout_ms, struct error *err);
	void *context;
	int wake_fd; /* -1: none */
	int out_fd;  /* a pipe whose reader may go: before_wait is called then, too; 0: none */
};

/* The columns of a CSV input; shared by all blocks, lives as long as the reader. */
struct csv_header {
	size_t n;
	char **names; /* [n] dotted paths as path_append spells them, unique, none within another */
	const char *text; /* the header row as it came, without its line end */
	size_t len;
	bool crlf; /* it ended in CR LF */
};

/* Whole lines with their line ends, and READER_PAD bytes behind them, the first a newline. */
struct block {
	char *data;
	size_t len, cap;
	uint64_t first_line;             /* of data[0], counted from 1 in its file */
	const char *file;                /* name for messages; lives as long as the reader */
	enum record_format format;       /* JSON or CSV, never auto */
	const struct csv_header *header; /* CSV */
	bool unterminated;               /* the file ended without a newline, behind this block */
	bool ascii;                      /* no byte above 127 */
};

void block_release(struct block *b);

struct reader;
struct reader *reader_open(const struct reader_options *options, struct error *err);
void reader_close(struct reader *r);

/*
 * The next block into *b (zeroed at first, reused afterwards): 1, 0 at the end of the last
 * file, -1 with err. ERROR_DATA with a line is one line's fault (it is over the limit): reading
 * may go on behind it. Any other failure is final: what cannot be opened or read, a CSV header that
 * makes no sense, a CSV quote that never closes, a mixture of formats.
 */
int reader_next(struct reader *r, struct block *b, struct error *err);

/* After the end: reads all files once more, their headers still the first one's. Only regular files
 * have the same to give again; standard input must stand where it did. Counts of bytes go on. */
void reader_rewind(struct reader *r);

/* Whether the last failure of reader_next was one line's fault. */
bool reader_can_go_on(const struct reader *r);

/* The format of the input, once something was read; FORMAT_AUTO for input without a byte. */
enum record_format reader_format(const struct reader *r);

/* The CSV header, once it was read; NULL before and for JSON. */
const struct csv_header *reader_header(const struct reader *r);

/* Bytes read so far, and the size of all input if every file is a regular one (else 0). */
uint64_t reader_bytes(const struct reader *r);
uint64_t reader_size(const struct reader *r);

#endif
