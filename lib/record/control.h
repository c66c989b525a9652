/*
 * Control records in a stream: numbered from 0 within a session, without gaps, the last one `end`.
 */
#ifndef RECORD_CONTROL_H
#define RECORD_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

struct control_check {
	bool seen;  /* any came */
	bool ended; /* the last one was `end` */
	uint64_t next;
	struct buf session;
};

void control_check_release(struct control_check *c);

/* Takes note of a control record. ERROR_CONFIG: its seq is not the one due, so a foreign filter
 * dropped or doubled one. A new session starts at 0 again; ERROR_RETRY: the one before had not
 * ended, and what it left unfinished comes again. */
int control_check_next(struct control_check *c, enum control_kind kind, uint64_t seq,
		       const char *session, size_t session_len, struct error *err);

/* At the end of input: ERROR_RETRY if there were control records and the last was not `end`, or
 * if the last line was torn behind one. */
int control_check_end(const struct control_check *c, bool torn, struct error *err);

#endif
