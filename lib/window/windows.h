/*
 * Windows over event time: records in, one row a window and key out when the watermark passes it.
 *
 * Time. The watermark is the newest event less the lateness, of each source by itself, or with
 * `single` that of the slowest. A window [start, end) is closed when the watermark reaches its
 * end, and its row is given out once; rows come in the order of (end, start, key). A record is late
 * when all windows that it belongs to are closed.
 *
 * Windows begin at multiples of their slide since 1970. They are made of panes, as wide as the
 * greatest common divisor of all sizes and slides: a record goes into one pane of its key, and a
 * window merges its size / pane panes when it closes (none for a window of one pane). A session
 * takes in every record less than the gap before or behind one of its own, and ends the gap behind
 * its last.
 *
 * Wrong clocks. A record more than max_ahead past the newest event is a suspect: it is held, and
 * moves nothing, until another agrees, one of another device that is a suspect too and within
 * max_ahead of it, or until WINDOWS_RUN suspects of one device follow each other so, without a
 * record between them. A device is what has the same first value in its key, for one clock may be
 * behind several keys. Those that agree are taken in the order they came. So is one whose time the
 * newest event reaches; what waited in vain for WINDOWS_PATIENCE more records of its source is
 * rejected. Before there is a newest event every record is a suspect, so that the first may be
 * wrong, too; if the end comes first, all that are held are taken in the order of their times.
 *
 * Memory: a pane for each key and pane width that has records and a window not closed, a session
 * for each; and a suspect's record. No allocation once there are as many as there will be. One
 * thread.
 */
#ifndef WINDOW_WINDOWS_H
#define WINDOW_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/window/aggregate.h"

#define WINDOWS_RUN 10
#define WINDOWS_PATIENCE 50
#define WINDOWS_MAX_PANES 10000 /* in one window */

#define WINDOWS_MAX_NS \
	(INT64_C(3653) * 86400 * 1000000000)             /* longest size, slide, gap: ten years */
#define WINDOWS_MAX_TIME_NS INT64_C(8000000000000000000) /* of events, before and after 1970 */

struct windows_source;

/* A record as windows see it. */
struct windows_record {
	int64_t time_ns; /* at most WINDOWS_MAX_TIME_NS from 1970 */
	const char *key; /* window/key.h */
	size_t key_len;
	const struct aggregate_value *values; /* [n_fields] */
	int64_t offset;                       /* in its source; -1: none */
	bool replay;      /* it was processed before: no row of it, nor a late or rejected record */
	const char *text; /* as it came, without line end */
	size_t text_len;
	const char *file; /* lives as long as the windows */
	uint64_t line;
};

struct windows_row {
	size_t spec; /* which of the specs */
	int64_t start_ns, end_ns;
	const char *key;
	size_t key_len;
	const void *cell;
	bool early; /* an update of a window that is still open */
};

struct windows_options {
	const struct windows_spec {
		int64_t size_ns, slide_ns; /* slide <= size */
	} * specs;
	size_t n_specs;     /* 0: sessions */
	int64_t session_ns; /* the gap */
	int64_t lateness_ns, max_ahead_ns;
	int64_t early_ns; /* updates whenever the newest event passes a multiple of it; 0: none */
	bool single;      /* keys may be in several sources */
	uint64_t max_keys;
	const struct aggregates *aggregates;

	/* Each may fail, which ends windows_add. */
	int (*row)(void *context, const struct windows_row *row, struct error *err);
	int (*late)(void *context, const struct windows_record *r, struct error *err);
	/* why is ERROR_DATA with file and line. */
	int (*reject)(void *context, const struct windows_record *r, const struct error *why,
		      struct error *err);
	void *context;
};

struct windows;

/* options and what they point to must outlive it. ERROR_USAGE: too many panes in a window. */
struct windows *windows_new(const struct windows_options *options, struct error *err);
void windows_free(struct windows *w);

/* Where records come from: a partition, or topic "" and partition -1 for all that do not say.
 * Made when it is not there yet. */
struct windows_source *windows_source(struct windows *w, const char *topic, size_t topic_len,
				      int32_t partition, struct error *err);

/* Any failure is the end of all, and no fault of this record: ERROR_UNAVAILABLE: more keys than
 * max_keys; ERROR_DATA: a key is in two sources, and not `single`. */
int windows_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
		struct error *err);

/* With `single`: sources of which no record came for idle_ns, by calls of this (now_ns is of any
 * clock that does not jump), hold nobody up until their next one. */
int windows_check_idle(struct windows *w, int64_t now_ns, int64_t idle_ns, struct error *err);

/* No more records: suspects are taken or rejected; all open windows are closed, and count as
 * emitted. */
int windows_flush(struct windows *w, struct error *err);

/* Forgets all records and sources. */
void windows_reset(struct windows *w);

struct windows_counts {
	uint64_t keys, panes, suspects, peak_keys;
	uint64_t rows, updates; /* given out; updates are early ones */
	uint64_t late;
	bool any;
	int64_t watermark_ns; /* if any: of the slowest source */
};
void windows_count(const struct windows *w, struct windows_counts *c);

#endif
