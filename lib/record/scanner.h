/*
 * Records of a block, scanned in place: values of the wanted fields, nothing built.
 *
 * JSON is checked whole against RFC 8259 (and UTF-8, RFC 3629; depth at most 64; the record an
 * object). Where this differs from other parsers, on purpose: integers of any length and 1e999
 * pass, and are an error only when read as a number; "\u0000" passes in values; a duplicate member
 * counts with its last value. CSV is RFC 4180, strict. Blank lines are no records. Fields are found
 * by the order in which the last records had them first, by name where that fails.
 */
#ifndef RECORD_SCANNER_H
#define RECORD_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/fields.h"
#include "lib/record/reader.h"

enum value_kind {
	VALUE_ABSENT, /* no such field */
	VALUE_NULL,   /* null, or an empty CSV cell: missing */
	VALUE_FALSE,
	VALUE_TRUE,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_OBJECT,
	VALUE_ARRAY,
};

/* A value where it stands in the record. */
struct value {
	const char *text; /* as it came: a string with its quotes and escapes (CSV: a quoted cell
			     with its quotes) */
	size_t len;
	double number; /* VALUE_NUMBER: nearest double; infinite when beyond DBL_MAX */
	enum value_kind kind;
	bool integer; /* VALUE_NUMBER: neither point nor exponent */
	bool csv;     /* text is a CSV cell, not JSON */
};

enum control_kind { CONTROL_NONE, CONTROL_ASSIGN, CONTROL_MARK, CONTROL_RESET, CONTROL_END };

struct record {
	const char *text; /* the line without its line end */
	size_t len;
	const char *eol;           /* "\n", "\r\n" or "" as it came */
	uint64_t line;             /* in its file; of a CSV row its first */
	enum control_kind control; /* not CONTROL_NONE: a control record, values are not set */
	uint64_t seq;              /* of a control record */
	const char *session;       /* of a control record: its text with quotes, or NULL */
	size_t session_len;
	bool torn;                  /* last line of the input, without a newline */
	const struct value *values; /* [fields_count], good until the next record */

	/* For the writer: what to leave out, and where to add. */
	const struct cut {
		uint32_t from, to;
	} * cuts; /* ascending, of owned members */
	size_t n_cuts;
	uint32_t close; /* offset of the object's '}' */
	bool empty;     /* no member would be left after the cuts */
};

struct scanner;

/* fields may be NULL: nothing wanted. It must outlive the scanner. One scanner a thread. */
struct scanner *scanner_new(const struct fields *fields, struct error *err);
void scanner_free(struct scanner *s);

/* Sets the block to scan; b must stay as it is until the next call. */
int scanner_start(struct scanner *s, const struct block *b, struct error *err);

/*
 * The next record: 1; 0 at the end of the block; -1 for a bad one: err (ERROR_DATA, with file,
 * line and column) says what is wrong, rec's text, len, eol, line and torn are set, and the next
 * call goes on behind it. A control record that is damaged (unknown kind, no seq) is ERROR_CONFIG:
 * no --rejects may pass over it.
 */
int scanner_next(struct scanner *s, struct record *rec, struct error *err);

/* From now on a JSON record is a bad one when it has a value that is neither a column's
 * (fields_column) nor owned: it would be lost. (null where columns lie below is none.) */
void scanner_refuse_unknown(struct scanner *s);

/* From now on such a JSON record passes, and scanner_unknown tells the first such field of the
 * current one: its name as it stands there, with quotes, and its length; NULL: there is none. */
void scanner_note_unknown(struct scanner *s);
const char *scanner_unknown(const struct scanner *s, size_t *len);

/* From now on no record is a control record, whatever its `_kafka` says: for values that anybody
 * may have written. */
void scanner_no_control(struct scanner *s);

/*
 * Calls leaf for every value of the record that is no object (an array, and an object without
 * members, is one value), in order, with its dotted path, good during the call. Members whose name
 * no path can hold (empty, with a NUL, with half a surrogate pair) are passed over. Stops when leaf
 * returns nonzero and returns that; -1 also for memory. The record must have scanned well.
 */
typedef int scanner_leaf_fn(void *context, const char *path, const struct value *v,
			    struct error *err);
int scanner_walk(struct scanner *s, const struct record *rec, scanner_leaf_fn *leaf, void *context,
		 struct error *err);

/* The characters of a string value (VALUE_STRING), escapes resolved, as UTF-8 appended to out;
 * "\u0000" gives a NUL byte, a lone surrogate is ERROR_DATA. */
int value_string(const struct value *v, struct buf *out, struct error *err);

/* Reads true/false or the numbers 0/1. Anything else, missing values too: -1 with ERROR_DATA. */
int value_truth(const struct value *v, bool *truth, struct error *err);

#endif
