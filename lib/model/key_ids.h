/*
 * Numbers for the values of a key field: names known beforehand (the groups of a model, the keys of
 * rules) are 1, 2, ... in bytewise order, all else is 0. Read-only once made.
 */
#ifndef MODEL_KEY_IDS_H
#define MODEL_KEY_IDS_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/record/scanner.h"

struct key_ids {
	char **names; /* [n] ascending, unique; name i has the number i + 1 */
	size_t n, cap;
};

void key_ids_release(struct key_ids *k);

/* Adds a copy of a name, at the end and in no order yet. */
int key_ids_add(struct key_ids *k, const char *name, size_t len, struct error *err);

/* Puts the names in order, those that are there twice once. */
void key_ids_sort(struct key_ids *k);

/* The number of a name, 0 for one that is not known. */
uint32_t key_ids_find(const struct key_ids *k, const char *name, size_t len);

/* Numbers for names as they come: 1, 2, ... in the order of their first time. */
struct key_numbers {
	struct key_ids ids; /* in order at any time */
	uint32_t *number;   /* [ids.n] of each */
	size_t cap;
};

void key_numbers_release(struct key_numbers *k);

/* The number of a name, which becomes known. ERROR_DATA: it has a NUL in it, or there are more than
 * `most`. */
int key_numbers_get(struct key_numbers *k, const char *name, size_t len, size_t most,
		    uint32_t *number, struct error *err);

/* Turns n such numbers into those of k->ids (0 stays 0). */
int key_numbers_sort(const struct key_numbers *k, uint32_t *numbers, uint64_t n, struct error *err);

/*
 * Appends the text of a key: a string's characters; a number, true or false as it is spelled, so
 * that 7 and "7" are one key. Nothing for a missing value. ERROR_DATA: the field `path` is absent,
 * an object, an array, or has half a surrogate pair in it.
 */
int key_text(const struct value *v, const char *path, struct buf *out, struct error *err);

#endif
