/*
 * Values of a file of rules, which know where in it they stand, so that what is wrong can be named:
 * 'rules[2].per_key.Downtown.limit'. All failures are ERROR_CONFIG.
 */
#ifndef MODEL_RULES_ENTRY_H
#define MODEL_RULES_ENTRY_H

#include <jansson.h>
#include <stddef.h>
#include "lib/base/error.h"

struct entry {
	const json_t *json;     /* NULL: it is absent */
	const struct entry *in; /* NULL: the file itself */
	const char *name;       /* of a member; NULL: an element */
	size_t index;
};

struct entry entry_member(const struct entry *in, const char *name);
struct entry entry_element(const struct entry *in, size_t i);

/* "a string", "a number"; the entry is there. */
const char *entry_type(const json_t *json);

/* Says what is wrong with an entry, behind its path. Returns -1. */
int entry_bad(const struct entry *n, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An object whose members are all among `known` (NULL-terminated). */
int entry_object(const struct entry *n, const char *const *known, struct error *err);

/* A string that is not empty, as it stands in the entry; NULL on failure. */
const char *entry_string(const struct entry *n, struct error *err);

/* A copy of a string that is the path of a field. */
char *entry_path(const struct entry *n, struct error *err);

/* Which of the names a string is. */
int entry_choice(const struct entry *n, const char *const *names, unsigned *choice,
		 struct error *err);

/* A finite number. */
int entry_real(const struct entry *n, double *x, struct error *err);

#endif
