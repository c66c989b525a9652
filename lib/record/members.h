/*
 * The members of an object and the elements of an array, one after the other where they stand:
 * nothing is built. For what paths cannot name, as the lists in `_kafka`.
 */
#ifndef RECORD_MEMBERS_H
#define RECORD_MEMBERS_H

#include <stdbool.h>
#include <string.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

/*
 * Scans a text, to be put `depth` objects and arrays deep, that must be one object of JSON, valid
 * UTF-8 and without a line end: v lies in `copy`, whose former bytes are lost, with what
 * members_of wants behind it. ERROR_CONFIG.
 */
int members_scan(const char *text, size_t len, int depth, struct buf *copy, struct value *v,
		 struct error *err);

struct members {
	const char *p, *end;
	bool named; /* of an object */
};

/* v is an object or array of JSON from a scanner: its text has scanned well, and as many bytes can
 * be read behind it as behind a block. */
struct members members_of(const struct value *v);

/* The next member or element, false when there is none. name is set for an object's. */
bool members_next(struct members *m, struct value *name, struct value *v);

bool member_unescaped_is(const struct value *name, const char *plain, size_t n);

/* Whether a member's name, escapes resolved, is this one: letters, digits and '_', at most 32. */
static inline bool member_is(const struct value *name, const char *plain)
{
	size_t n = strlen(plain);

	if (name->len == n + 2)
		return !memcmp(name->text + 1, plain, n);
	/* Only a \uXXXX can stand for one of these: five bytes more. */
	return name->len > n + 2 && (name->len - n - 2) % 5 == 0 &&
	       member_unescaped_is(name, plain, n);
}

#endif
