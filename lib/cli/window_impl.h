/* The inside of window-agg's loop: its set-up, rows, control records, and what it keeps in files.
 */
#ifndef CLI_WINDOW_IMPL_H
#define CLI_WINDOW_IMPL_H

#include "lib/cli/intake.h"
#include "lib/cli/metrics.h"
#include "lib/cli/progress.h"
#include "lib/cli/window.h"
#include "lib/cli/window_row.h"
#include "lib/record/control_record.h"
#include "lib/record/event_time.h"
#include "lib/window/windows.h"

#define WINDOW_STAGE "window-agg" /* in the state of marks */

struct window_loop {
	const struct window_options *options;
	/* What the options say. */
	struct windows_spec *specs;
	size_t n_specs;
	char **spec_names;
	char **keys;
	size_t n_keys, keys_cap;
	struct aggregates aggregates;
	struct windows_options windows_options;

	struct reader *reader;
	struct fields *fields;
	struct scanner *scanner;
	struct block block;
	size_t *key_slots, *value_slots;
	size_t time_slot, kafka_slot, topic_slot, partition_slot, offset_slot;
	struct event_time time;
	struct intake intake;
	uint64_t n_good; /* of the block, not in the intake's books yet */

	struct windows *windows;
	struct aggregate_value *values;
	struct buf key;
	struct windows_source *source; /* of the last record */
	int32_t source_partition;
	struct buf source_topic;

	struct window_rows *rows; /* NULL until the form of the output is decided */
	bool csv;
	struct buf out;

	struct control_record control;
	bool assigning;      /* the last line was an `assign` */
	bool held_mark;      /* a mark before which rows of --flush may have to come */
	int64_t mark_due_ns; /* when it goes on without; 0: input was not waited for since then */
	struct buf mark_line, own;

	int late_fd; /* -1: late records are counted only */
	struct buf late;
	uint64_t n_late, n_late_kept; /* given to the buffer, and written */
	bool late_unsynced;

	bool stopped; /* before the end of input, by a signal */
	bool told_naive;
	struct progress progress;
	struct metrics_clock metrics;
};

/* window_open.c */
int window_open(struct window_loop *l, char *const *paths, struct error *err);
void window_release(struct window_loop *l);
/* Decides the form of the output, which may be that of the input, and writes its header. */
int window_begin(struct window_loop *l, struct error *err);

/* window_record.c: reads what is needed of a record: 0, or -1: it is bad, or worse. r->offset is
 * that of a bad one, too, if it is known. */
int window_read_record(struct window_loop *l, const struct record *rec, struct windows_record *r,
		       struct error *err);

/* window_marks.c: a control record; lets a mark that is held go on. */
int window_control(struct window_loop *l, const struct record *rec, struct error *err);
int window_release_mark(struct window_loop *l, struct error *err);

/* window_keep.c */
int window_late(void *context, const struct windows_record *r, struct error *err);
/* Writes what is late; sync: makes it durable. */
int window_flush_late(struct window_loop *l, bool sync, struct error *err);
int window_load_state(struct window_loop *l, struct error *err);
int window_save_state(struct window_loop *l, struct error *err);

#define WINDOW_OUT_FULL 65536 /* bytes that are gathered before they are written */

#endif
