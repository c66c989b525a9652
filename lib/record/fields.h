/*
 * Names of fields, and the set of fields a program wants to read or owns.
 *
 * A field is named by a dotted path from the record's top: "features.12" is member "12" of object
 * "features"; a dot or backslash inside a member's name is written "\." or "\\". Array elements
 * have no names. A CSV column's name is such a path.
 */
#ifndef RECORD_FIELDS_H
#define RECORD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* A path taken apart: member names without escapes. */
struct path {
	size_t n;
	struct path_part {
		const char *name; /* not terminated; may hold any byte */
		size_t len;
	} * parts;
	char *storage;
};

/* Refuses (ERROR_USAGE) an empty path or part, a lone backslash at the end, more than 64 parts. */
int path_parse(struct path *p, const char *text, size_t len, struct error *err);
void path_release(struct path *p);

/* Appends a member's name to a dotted path in b, escaping it: "" + "a.b" gives "a\.b", then + "c"
 * "a\.b.c". */
int path_append(struct buf *b, const char *name, size_t len, struct error *err);

/*
 * Does a path match a pattern? '*' in a pattern stands for any run of bytes within one part
 * ("features.*", "temp*"); all else is literal.
 */
bool path_matches(const char *pattern, const char *path);

/*
 * The fields a program reads and those it owns. Made once, then read-only: scanners of any thread
 * share it. Each wanted path gets a slot, numbered from 0 in the order of fields_want; asking twice
 * gives the same slot.
 */
struct fields;
struct fields *fields_new(struct error *err);
void fields_free(struct fields *f);

/* The slot of a path; -1 on failure (a bad path, memory). */
int fields_want(struct fields *f, const char *path, struct error *err);

/* As fields_want, for a path that the output has a column for (scanner_refuse_unknown). */
int fields_column(struct fields *f, const char *path, struct error *err);

/* A top-level member (or CSV column of that name, and all columns below it) that this program owns:
 * output cuts it wherever it stands. */
int fields_own(struct fields *f, const char *name, struct error *err);

/* Whether a path lies at or below an owned member. */
bool fields_owns(const struct fields *f, const struct path *p);

size_t fields_count(const struct fields *f);
const char *fields_path(const struct fields *f, size_t slot);

#endif
