/*
 * Numbers in and out: RFC 8259 text to the nearest double (ties to even) and
 * doubles to the shortest text that reads back the same. Neither reads the locale.
 *
 * Reading: Clinger's exact cases, then D. Lemire, "Number Parsing at a Gigabyte
 * per Second" (2021), with a slow exact path where 128 bits do not decide.
 * Writing: R. Giulietti, "The Schubfach way to render doubles" (2020).
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum number_flags {
	NUMBER_INTEGER = 1,  /* neither point nor exponent in the text */
	NUMBER_OVERFLOW = 2, /* beyond DBL_MAX; the value is an infinity of its sign */
};

/*
 * Reads the longest RFC 8259 number that begins at p, never past end, of any
 * number of digits. Returns the first byte behind it, or NULL when there is none
 * at p ("+1", ".5", "NaN", "-", "1.", "1e" are none; of "0123" only "0" is read: the caller
 * sees what follows). Underflow rounds to a subnormal or zero and is no error.
 */
const char *number_read(const char *p, const char *end, double *value, unsigned *flags);

/* As number_read, checking the grammar only. */
const char *number_skip(const char *p, const char *end);

/* Reads text [p, end), which must be one whole integer in int64_t's range.
 * 0, or -1. Leading zeros and '+' are refused. */
int number_read_int(const char *p, const char *end, int64_t *value);

/* Room that any of the writers below needs; none adds a NUL. */
#define NUMBER_MAX 32

/* The shortest decimal that reads back as x, of those the nearest to x. Always
 * with a point or an exponent: 22.0, -0.0, 1e-07, 1.5e+300: positional from 1e-4 up to, not
 * including, 1e16, as Python's repr. x must be finite. Returns the length. */
size_t number_write_real(char out[NUMBER_MAX], double x);

size_t number_write_int(char out[NUMBER_MAX], int64_t x);
size_t number_write_uint(char out[NUMBER_MAX], uint64_t x);

#endif
