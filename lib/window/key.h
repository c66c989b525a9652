/*
 * Keys of windows: the values of the key fields of a record as one run of bytes, equal for equal
 * keys.
 *
 * Each value is a byte for its kind, its length (4 bytes), and its characters: of a string without
 * escapes and quotes, so that it is the same string in JSON and CSV; of a number as it is spelt,
 * for identifiers may be larger than doubles tell apart.
 */
#ifndef WINDOW_KEY_H
#define WINDOW_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

#define KEY_HEAD 5 /* bytes before the characters */

/* Appends a value. ERROR_DATA: it is absent, an array, an object, or half a surrogate pair is in
 * it. */
int key_add(struct buf *key, const struct value *v, struct error *err);

uint64_t key_hash(const char *key, size_t len);

/* By their values one after the other: missing ones, false, true, numbers by size, strings by their
 * bytes. 0 only for equal keys. */
int key_order(const char *a, size_t a_len, const char *b, size_t b_len);

/* The next value of a key at *p, which is moved behind it. */
struct key_value {
	char kind; /* one of KEY_… */
	const char *text;
	size_t len;
};
enum { KEY_MISSING = '0', KEY_FALSE = '1', KEY_TRUE = '2', KEY_NUMBER = '3', KEY_STRING = '4' };

struct key_value key_next(const char **p);

/* Appends a value as JSON, or as a cell of CSV (ERROR_DATA: a NUL is in it). */
int key_write(const struct key_value *v, bool csv, struct buf *out, struct error *err);

/* The key as words for messages: its values with commas between them. */
int key_describe(const char *key, size_t len, struct buf *out, struct error *err);

/* Whether bytes from elsewhere are a key of n values. */
bool key_valid(const char *key, size_t len, size_t n);

#endif
