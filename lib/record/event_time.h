/*
 * When what a record tells of happened: its time field, read and put right.
 *
 * The field holds RFC 3339 text or a number of a unit (base/timestamp.h). Anew it gets the same
 * kind: text in our format (UTC, milliseconds), a number in its unit, whole if it was whole, else
 * with three decimals.
 */
#ifndef RECORD_EVENT_TIME_H
#define RECORD_EVENT_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"
#include "lib/record/scanner.h"

#define EVENT_TIME_MINUTE 17 /* "2024-01-01T00:00:" */

struct event_time {
	const char *path; /* of the field, for messages */
	enum time_unit unit;
	int32_t offset_s; /* of text without an offset, seconds east of UTC */
	bool naive;       /* such a text was read */
	struct buf text;  /* its own */
	/* Its own: the last text's date, hour and minute, and the time they begin at. */
	char minute[EVENT_TIME_MINUTE];
	int64_t minute_ns;
};

void event_time_release(struct event_time *t);

/* ERROR_DATA, naming the field: it is absent, null, or no time. */
int event_time_read(struct event_time *t, const struct value *v, int64_t *ns, struct error *err);

/* Room for what event_time_format writes; it adds no NUL. */
#define EVENT_TIME_MAX 40

/* The text that takes the place of v's, which event_time_read has read. Returns the length. */
size_t event_time_format(const struct event_time *t, const struct value *v, int64_t ns,
			 char out[EVENT_TIME_MAX]);

/*
 * Replaces the text of v, a value of rec, in the record at out->data[at] that a writer passed
 * through (writer_begin). v must not lie in what was cut.
 */
int event_time_replace(const struct record *rec, const struct value *v, const char *text,
		       size_t len, struct buf *out, size_t at, struct error *err);

#endif
