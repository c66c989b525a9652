/* --progress: one line on standard error, if that is a terminal, for long work. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on; /* asked for, and standard error is a terminal */
	bool shown;
	uint64_t last; /* bytes when it was last shown */
};

void progress_init(struct progress *p, bool wanted);

/* Bytes read of size (0: not known); shown every few megabytes. */
void progress_bytes(struct progress *p, uint64_t bytes, uint64_t size);

/* A stage of work and the share of it that is done, in [0, 1]. */
void progress_stage(struct progress *p, const char *stage, double share);

/* Removes the line. */
void progress_clear(struct progress *p);

#endif
