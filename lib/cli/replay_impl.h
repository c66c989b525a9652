/* The inside of record-replay's loop, shared with what it sets on records. */
#ifndef CLI_REPLAY_IMPL_H
#define CLI_REPLAY_IMPL_H

#include "lib/base/file.h"
#include "lib/cli/filter_impl.h"
#include "lib/cli/intake.h"
#include "lib/cli/paced_output.h"
#include "lib/cli/progress.h"
#include "lib/cli/repeat.h"
#include "lib/cli/replay.h"
#include "lib/record/event_time.h"

struct replay {
	const struct replay_options *options;
	struct filter filter; /* what the output is made of: its options and added fields */
	const char *added[1];

	struct reader *reader;
	struct repeat repeat;
	struct block block;
	struct filter_columns columns;
	bool decided;
	struct filter_plan *plan, *provisional; /* the latter before the first good record */
	const struct filter_plan *scanned_by;
	struct scanner *scanner; /* made for scanned_by */
	size_t time_slot;
	struct event_time time;
	bool paced, naive_told;
	struct file_out file; /* -o, and standard output goes there */
	struct paced_output out;
	struct intake intake;
	uint64_t n_written;
	bool stopped; /* before the end of input: by a signal, --count or a failure of metrics */
	int status;
	struct progress progress;
	struct metrics_clock metrics;
};

/* Owns the field of --stamp and `_kafka`: a record that is written again is a new one, and where
 * the old one came from would be a lie. ERROR_USAGE: options that contradict each other. To be
 * called before columns are decided. */
int replay_own(struct replay *l, struct fields *fields, struct error *err);

/* ERROR_USAGE: a column holds the time that --restamp must replace. */
int replay_check_columns(const struct replay *l, struct error *err);

/* Appends a record with what is set on it. */
int replay_add_record(struct replay *l, const struct record *rec, struct error *err);

#endif
