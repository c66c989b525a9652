/*
 * When records are due: so many a second, or as far apart as their event times.
 *
 * The schedule is absolute: a record is due at start + n / rate, or at start + (its event time -
 * the first one's) / speed, computed anew for each record, so that nothing adds up. Records are
 * never early, and waits are no shorter than PACE_STEP_NS, so that high rates go out in groups.
 *
 * Who comes late (the reader blocked, the machine was busy) finds what became due meanwhile due at
 * once, but never more than PACE_BURST_NS worth of it: the rest lags behind the schedule, and is
 * made up by waiting 1 / PACE_MAKE_UP less between records. A lag of more than PACE_LAG_NS, and
 * what is late for want of records, is not made up: the schedule is put off by it.
 *
 * No clock is read here: the caller gives the time, of a clock that never goes back, in
 * nanoseconds.
 */
#ifndef CLI_PACE_H
#define CLI_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_BURST_NS INT64_C(9000000) /* with a step's delay still under 10 ms */
#define PACE_STEP_NS INT64_C(1000000)
#define PACE_LAG_NS INT64_C(1000000000)
#define PACE_MAKE_UP 11 /* of the time between records: a tenth faster */

struct pace {
	double rate_hz; /* records a second; 0: by event time */
	double speed;   /* then: seconds of event time a second */
	/* Below: its own. */
	bool begun, begin_anew, starved;
	uint64_t n;                            /* records that were made due */
	int64_t start_ns, due_ns;              /* of record 0, of the last one */
	int64_t offset_ns;                     /* of the last one in the schedule */
	int64_t lag_ns;                        /* how far the last one was behind it */
	int64_t first_event_ns, last_event_ns; /* the last: the latest so far */
	int64_t put_off_ns;                    /* how far the schedule was put off, in all */
};

/* rate_hz or speed above 0, the other one 0. */
void pace_init(struct pace *p, double rate_hz, double speed);

/* Makes the next record due. Without a rate event_ns is its event time; one before an earlier
 * record's does not bring the schedule back: it is due at once behind that. */
void pace_next(struct pace *p, int64_t event_ns, int64_t now_ns);

/* The next record had to be waited for. */
void pace_starved(struct pace *p);

/* Event time begins anew with the next record, which is due with the last one. */
void pace_begin_anew(struct pace *p);

/* How long to wait from now for the record made due last: 0, or PACE_STEP_NS and more. */
int64_t pace_wait(const struct pace *p, int64_t now_ns);

#endif
