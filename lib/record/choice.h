/* The features of a stream, chosen at its first record. */
#ifndef RECORD_CHOICE_H
#define RECORD_CHOICE_H

#include <stddef.h>
#include "lib/base/error.h"
#include "lib/record/features.h"
#include "lib/record/scanner.h"

struct choice {
	struct feature_rule rule; /* the caller's */
	char **names;             /* chosen, in the order of the record */
	size_t n, cap;
};

/* For scanner_walk (records_peek) over the first record, context a struct choice: takes the fields
 * that are numbers or missing there and that the rule takes. */
int choice_leaf(void *context, const char *path, const struct value *v, struct error *err);

/* Adds those patterns that are plain names and were not in the record: they are features all the
 * same, which it lacked. */
int choice_finish(struct choice *c, struct error *err);

/* Frees the names; the rule stays. */
void choice_release(struct choice *c);

#endif
