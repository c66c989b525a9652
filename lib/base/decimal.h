/* The second half of reading a number: from digits to the nearest double. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * The double nearest to a number, ties to even; beyond DBL_MAX an infinity. Its n digits begin at
 * `digits` and end before `end`, a point among them or not, anything but a digit or a point behind
 * them. w is what they make as an integer, modulo 2^64, q the power of ten of the last.
 */
double decimal_to_double(const char *digits, const char *end, ptrdiff_t n, uint64_t w, int64_t q);

#endif
