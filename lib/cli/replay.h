/*
 * The loop of record-replay: records as they came or made anew, each in its time, once or again
 * and again. Control records are consumed.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/filter.h"
#include "lib/cli/time_options.h"
#include "lib/cli/options.h"

#define REPLAY_FOR_EVER UINT64_MAX

struct replay_options {
	struct filter_options filter; /* but its threads */
	double rate_hz;               /* records a second; 0: not by rate */
	double speed;                 /* times as fast as event time; 0: not by event time */
	uint64_t passes;              /* over all input, from 1 */
	uint64_t count;               /* records to write at most; 0: all */
	bool restamp;                 /* event time becomes now */
	const char *stamp;            /* name of a field that gets now; NULL: none */
	struct time_options time;
};

/* Runs until the end and returns the exit status. */
int replay_run(const struct program *p, const struct replay_options *o, char *const *paths);

#endif
