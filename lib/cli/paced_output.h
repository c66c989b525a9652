/*
 * Records to standard output in their time: collected in a buffer that is written before every
 * wait, so that files go through at full speed and a record that is due is seen at once.
 *
 * For programs at the head of a pipeline, after signals_source: a signal interrupts any wait, so
 * that idle can end it. A reader that vanishes while nothing is due ends the program as one that
 * vanishes during a write does.
 */
#ifndef CLI_PACED_OUTPUT_H
#define CLI_PACED_OUTPUT_H

#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/cli/pace.h"

#define PACED_OUTPUT_FULL (64 << 10) /* bytes that paced_output_added lets lie */

struct paced_output {
	struct buf buf; /* the caller appends whole records */
	struct pace pace;
	const char *path; /* what standard output is, for messages; NULL: no file of its own */
	/* Called before each wait, at least once a second while waiting; 1 ends the wait. */
	int (*idle)(void *context);
	void *context;
};

void paced_output_release(struct paced_output *o);

/* Makes the next record due (pace_next) and waits until it is: 0, 1 if idle ended the wait, -1. */
int paced_output_wait(struct paced_output *o, int64_t event_ns, struct error *err);

/* After a record was appended: writes if there is much to write. */
int paced_output_added(struct paced_output *o, struct error *err);

int paced_output_flush(struct paced_output *o, struct error *err);

#endif
