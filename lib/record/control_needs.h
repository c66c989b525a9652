/*
 * What a stage needs again so that it does the same with later records, as it was at offsets
 * passed: a member of the stage's object in the `state` of marks.
 *
 *     "needs":[[1000,20],[1400,35]]
 *
 * says: to do with the records from 1000 on what was done at first, the stage must be given those
 * from 980 on; for those from 1400 on, those from 1365 on. A stage behind it that asks for a replay
 * gets records whose first fields the stage before has added: it gets the same only if the replay
 * begins so much earlier. Between two offsets the former counts. The list thins out with age, so
 * that it grows with the logarithm of the offsets passed, and what is asked for is at most about
 * four times as far back as it must be.
 */
#ifndef RECORD_CONTROL_NEEDS_H
#define RECORD_CONTROL_NEEDS_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

struct control_needs {
	struct control_need {
		int64_t offset, from; /* from <= offset */
	} * at;                       /* [n], offsets ascending */
	size_t n, cap;
};

void control_needs_release(struct control_needs *needs);

/* Adds an offset beyond all that are there; one that is there already takes its place. */
int control_needs_add(struct control_needs *needs, int64_t offset, int64_t from, struct error *err);

/* Drops those of offsets beyond this one. */
void control_needs_cut(struct control_needs *needs, int64_t offset);

/* From where records are needed to do with those from `offset` on what was done at first. */
int64_t control_needs_from(const struct control_needs *needs, int64_t offset);

/* Appends the list as JSON text: [[1000,20]]. */
int control_needs_write(const struct control_needs *needs, struct buf *out, struct error *err);

/* Reads the member "needs" of a stage's object into needs, which it empties first; none: it stays
 * empty. ERROR_CONFIG: the object is none, or the member no such list. */
int control_needs_read(struct control_needs *needs, const char *object, struct error *err);

/* Lowers *offset, from which a stage behind those of the state wants its records as they were, to
 * what these need for that. */
int control_needs_lower(const char *state, int64_t *offset, struct error *err);

#endif
