/* The loop of window-agg: records in, a row for each window and key out. */
#ifndef CLI_WINDOW_H
#define CLI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/options.h"
#include "lib/cli/stream.h"
#include "lib/cli/time_options.h"

struct window_options {
	struct stream_options stream;
	struct time_options time;
	int to;                     /* index in stream_formats */
	const char *key;            /* PATH,...; NULL: one window for all */
	struct option_list windows; /* SIZE[/SLIDE] */
	struct option_list aggregates;
	int64_t slide_ns;   /* of windows that state none; 0: their size */
	int64_t session_ns; /* 0: no sessions */
	int64_t lateness_ns, max_ahead_ns;
	int64_t early_ns; /* 0: no updates */
	int64_t idle_ns;  /* 0: none is idle */
	bool single, flush, hold, absent_as_missing;
	const char *late, *state;
	uint64_t max_keys;
};

#define WINDOW_MAX_KEYS 1000000

/* Runs until the end of input and returns the exit status. */
int window_run(const struct program *p, const struct window_options *o, char *const *paths);

#endif
