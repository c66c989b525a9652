/*
 * Points in time as int64_t nanoseconds since 1970-01-01T00:00:00Z (from the year
 * 1677 to 2262), leap seconds not counted as in POSIX.
 */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

enum time_unit { TIME_UNIT_AUTO, TIME_UNIT_S, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS };

/*
 * RFC 3339, and beside it: a space or 't' for 'T', 'z', an offset of +HH or +HHMM, no
 * offset at all (*naive is then set and the time taken at offset_s seconds east of UTC). A second
 * of 60 is read as the first of the next minute. Fractions beyond nanoseconds are cut. 0, or -1
 * with ERROR_DATA naming the text: a day that does not exist, an hour of 24, out of range.
 */
int timestamp_parse(const char *s, size_t len, int32_t offset_s, int64_t *ns, bool *naive,
		    struct error *err);

/* Reads an offset "Z", "+HH:MM", "-HHMM" or "+HH" into seconds east of UTC; ERROR_USAGE if it is
 * none. */
int timestamp_parse_offset(const char *s, size_t len, int32_t *offset_s, struct error *err);

/*
 * A number's text: integers and fractions exactly to the nanosecond, exponents through a double.
 * TIME_UNIT_AUTO: |x| < 1e11 is seconds, < 1e14 milliseconds, < 1e17 microseconds, else
 * nanoseconds.
 */
int timestamp_from_number(const char *s, size_t len, enum time_unit unit, int64_t *ns,
			  struct error *err);

/* A length of time: "10s", "500ms", "1m", "2h", "1d", "250us", "10ns"; fractions allowed ("1.5s").
 * At least a nanosecond; ERROR_USAGE if it is none or more than int64_t holds. */
int duration_parse(const char *s, size_t len, int64_t *ns, struct error *err);

/* The same, or none at all: "0", or 0 of any unit. */
int duration_parse_or_0(const char *s, size_t len, int64_t *ns, struct error *err);

/* Room for what timestamp_format writes, its NUL included. */
#define TIMESTAMP_MAX 32

/* RFC 3339 in UTC with milliseconds, rounded down: 2024-01-01T00:00:00.000Z. Returns the length. */
size_t timestamp_format(char out[TIMESTAMP_MAX], int64_t ns);

/* The same of milliseconds since 1970, years 0 to 9999: 0 for others, which RFC 3339 cannot write.
 */
size_t timestamp_format_ms(char out[TIMESTAMP_MAX], int64_t ms);

/* The unit that timestamp_from_number takes a number for. */
enum time_unit timestamp_unit(double x, enum time_unit unit);

/* A number of units (not TIME_UNIT_AUTO), the rest cut: a whole one, or with a point and three
 * decimals. Returns the length. */
size_t timestamp_format_number(char out[TIMESTAMP_MAX], int64_t ns, enum time_unit unit,
			       bool decimals);

/* The wall clock. */
int64_t timestamp_now(void);

/* A clock that nobody sets: for lengths of time, of the beginning of which it says nothing. */
int64_t clock_monotonic_ns(void);

#endif
