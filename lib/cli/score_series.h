/*
 * The series that keyed rules follow, and what is kept of them in control records so that a run
 * that is started again judges as if it had never been stopped.
 *
 * In a mark every partition gets the object {"rules":VERSION,"needs":[…]} (control_needs.h) and the
 * oldest offset that its keys still need; nothing else is kept, for the records from there lead to
 * the same (model/rule_state.h). Under other rules than those of the assign, what needs said of
 * earlier offsets no longer holds, and is left out.
 *
 * Used by one thread at a time, but for the counting of its users.
 */
#ifndef CLI_SCORE_SERIES_H
#define CLI_SCORE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/rule_state.h"
#include "lib/record/control_record.h"

struct series;

/* version is that of the rules. */
struct series *series_new(const struct rule_state_options *o, const char *version,
			  struct error *err);
struct series *series_use(struct series *s); /* one user more */
void series_leave(struct series *s);         /* frees it with its last user; NULL is none */
const char *series_version(const struct series *s);

/* Where a record stands. */
struct series_place {
	const char *topic; /* NULL: it has no provenance */
	size_t topic_len;
	int32_t partition;
	int64_t offset;
};

/* What is known of a record's key. */
struct rule_key *series_key(struct series *s, const struct series_place *at, const char *key,
			    size_t len, struct error *err);

/* A control record in its place: 1 if it was changed, 0, -1. */
int series_control(struct series *s, struct control_record *c, struct error *err);

#endif
