/* Texts as blocks, and records as texts, for tests of what reads and writes records. */
#ifndef TESTS_RECORD_TEXT_H
#define TESTS_RECORD_TEXT_H

#include <stddef.h>

#include "lib/record/scanner.h"

/*
 * A block of these bytes, READER_PAD bytes before a page that cannot be read, so that a read too
 * far ends the test; what is promised of the padding is kept, the rest are quotes. A text
 * without a newline at its end is unterminated. header (CSV) stays the caller's.
 */
struct block text_block(const char *text, size_t len, const struct csv_header *header);
void text_block_free(struct block *b);

/* fields that want each path of "a,b.c" and own each name of "d,e"; either may be NULL. */
struct fields *text_fields(const char *wanted, const char *owned);

/* A value as "kind:text", kinds - absent, z null, t true, f false, i integer, n other number, s
 * string, o object, a array. */
void text_value(struct buf *out, const struct value *v);

/* All wanted values of a record with blanks between them; or its error as "! LINE:COLUMN what".
 * Good until the next call. */
const char *text_record(const struct fields *f, const struct record *rec, int ret,
			const struct error *err);

/* The record with what is cut left out. Good until the next call. */
const char *text_uncut(const struct record *rec);

/* Appends s to the string in text[size], as far as there is room. */
void text_append(char *text, size_t size, const char *s);

#endif
