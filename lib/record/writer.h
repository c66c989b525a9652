/*
 * Records out: as they came, less what a program owns, with what it adds; or made anew from
 * chosen fields, or in the other format.
 *
 * Passed through, a record keeps every byte but the cuts and its line end's absence. Made anew,
 * JSON objects are built along the dotted paths of the columns; a field that is absent is left out
 * (CSV: an empty cell); JSON values keep their spelling. CSV to JSON: an unquoted cell that is an
 * RFC 8259 number is a number, true/false are booleans, an empty cell is null, all else is a
 * string. JSON to CSV: null is an empty cell, an array one cell of JSON text, a string is quoted
 * where it would read back as anything else.
 *
 * A writer is read-only once made; threads give their own buffers.
 */
#ifndef RECORD_WRITER_H
#define RECORD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

struct writer_options {
	enum record_format from, to; /* JSON or CSV */
	bool pass_through;           /* all fields, as they came; from == to */
	const char *const *columns;  /* else: [n_columns] paths of the fields to write */
	size_t n_columns;
	const char *const *added; /* [n_added] names of the fields that the program adds */
	size_t n_added;
	const char *object; /* the added ones go into an object of this name; NULL: at top level */
	const struct csv_header *header; /* of CSV input that is passed through */
};

struct writer;

/* Wants the columns in fields (which must be the scanners') and owns the added names there. */
struct writer *writer_new(const struct writer_options *options, struct fields *fields,
			  struct error *err);
void writer_free(struct writer *w);

/* CSV: appends the header row. JSON: nothing. */
int writer_header(const struct writer *w, struct buf *out, struct error *err);

/* Appends a record up to where fields are added. ERROR_DATA: a field holds an object where a
 * column was expected, or what CSV cannot (NUL, half a surrogate pair); a row of one missing value,
 * which would be a blank line. */
int writer_begin(const struct writer *w, const struct record *rec, struct buf *out,
		 struct error *err);

/* One value for each added name, in their order. Room must have been reserved: writer_begin left
 * enough for numbers and short strings (WRITER_VALUE_MAX bytes each). */
#define WRITER_VALUE_MAX 64
void writer_real(const struct writer *w, struct buf *out, size_t i, double x);
void writer_count(const struct writer *w, struct buf *out, size_t i, uint64_t n);
void writer_bool(const struct writer *w, struct buf *out, size_t i, bool b);
void writer_null(const struct writer *w, struct buf *out, size_t i);
/* word: letters, digits, '-', '_', ':', '.' only, at most WRITER_VALUE_MAX - 2. */
void writer_word(const struct writer *w, struct buf *out, size_t i, const char *word);

/* The text of a value of the input (of the same format as the output), of any length. */
int writer_raw(const struct writer *w, struct buf *out, size_t i, const char *text, size_t len,
	       struct error *err);

/* A value that is JSON text, of any length: as it is, in CSV as a cell that holds it. */
int writer_json(const struct writer *w, struct buf *out, size_t i, const char *text, size_t len,
		struct error *err);

/* The record's end. */
int writer_end(const struct writer *w, const struct record *rec, struct buf *out,
	       struct error *err);

#endif
