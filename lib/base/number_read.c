#include "lib/base/number.h"

#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "lib/base/decimal.h"

#define MAX_EXPONENT INT64_C(100000000000000000) /* no text is that long */
#define SHORT_ROOM 18 /* a sign, seven digits, a point, eight bytes and the one behind */

#define EACH_BYTE(x) ((uint64_t)(x)*0x0101010101010101ULL)

static const uint32_t int_pow10[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

static const double real_pow10[8] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline uint64_t load_8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline uint32_t load_4(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return le32toh(x);
}

/* Up to eight bytes at p, the first in the lowest byte, zeros from end on. */
static inline uint64_t load_up_to_8(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (__builtin_expect(n >= 8, 1))
		return load_8(p);
	if (n >= 4)
		return load_4(p) | (uint64_t)load_4(p + n - 4) << (8 * (n - 4));
	if (n == 0)
		return 0;
	return (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << (8 * (n / 2)) |
	       (uint64_t)(uint8_t)p[n - 1] << (8 * (n - 1));
}

/* Of x, eight bytes less '0' each: the high bit of each byte that was no digit, right up
 * to the first such byte. */
static inline uint64_t not_digits(uint64_t x)
{
	return ((x + EACH_BYTE(0x80 - 10)) | x) & EACH_BYTE(0x80);
}

/* The bits of the digits before the first of `stop`, which is not 0. */
static inline unsigned bits_before(uint64_t stop)
{
	return (unsigned)__builtin_ctzll(stop) & ~7U;
}

/* The number whose digits are the bytes of x, the lowest byte first. Pairs, then fours, then
 * eights are joined, each by one multiplication. */
static inline uint32_t join_8(uint64_t x)
{
	x = (x * (10 * 0x100 + 1)) >> 8;
	x = ((x & 0x00FF00FF00FF00FFULL) * (100 * 0x10000ULL + 1)) >> 16;
	return (uint32_t)(((x & 0x0000FFFF0000FFFFULL) * (10000 * 0x100000000ULL + 1)) >> 32);
}

/* Passes the digits at p and appends them to *w, modulo 2^64. */
static inline const char *read_digits(const char *p, const char *end, uint64_t *w)
{
	for (;; p += 8) {
		uint64_t x = load_up_to_8(p, end) ^ EACH_BYTE('0');
		uint64_t stop = not_digits(x);

		if (stop) {
			unsigned bits = bits_before(stop);

			/* Shifted in two steps: by 64 in one is undefined. */
			*w = *w * int_pow10[bits / 8] + join_8((x << 1) << (63 - bits));
			return p + bits / 8;
		}
		*w = *w * 100000000 + join_8(x);
	}
}

static inline const char *skip_digits(const char *p, const char *end)
{
	for (;; p += 8) {
		uint64_t stop = not_digits(load_up_to_8(p, end) ^ EACH_BYTE('0'));

		if (stop)
			return p + bits_before(stop) / 8;
	}
}

/* Reads the exponent at p, behind its 'e', and adds it to *exponent; NULL if there is none. */
static const char *read_exponent(const char *p, const char *end, int64_t *exponent)
{
	bool negative = p < end && *p == '-';
	int64_t x = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end || !is_digit(*p))
		return NULL;
	for (; p < end && is_digit(*p); p++) {
		if (x < MAX_EXPONENT)
			x = x * 10 + (*p - '0');
	}
	*exponent += negative ? -x : x;
	return p;
}

/* Without a branch, as signs follow no pattern. */
static inline void store(double x, bool negative, double *value)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits |= (uint64_t)negative << 63;
	memcpy(value, &bits, sizeof(bits));
}

static __attribute__((noinline)) const char *read_any(const char *p, const char *end, double *value,
						      unsigned *flags)
{
	bool negative = p < end && *p == '-';
	const char *digits = p + negative;
	uint64_t w = 0;
	int64_t q = 0;

	p = read_digits(digits, end, &w);
	ptrdiff_t n = p - digits;
	if (n == 0)
		return NULL;
	if (*digits == '0' && n > 1) {
		p = digits + 1;
		n = 1;
		w = 0;
	}
	*flags = NUMBER_INTEGER;
	if (p < end && *p == '.') {
		const char *fraction = p + 1;

		p = read_digits(fraction, end, &w);
		if (p == fraction)
			return NULL;
		q = fraction - p;
		n -= q;
		*flags = 0;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p = read_exponent(p + 1, end, &q);
		if (!p)
			return NULL;
		*flags = 0;
	}
	double x = decimal_to_double(digits, p, n, w, q);
	if (x == HUGE_VAL)
		*flags |= NUMBER_OVERFLOW;
	store(x, negative, value);
	return p;
}

/*
 * Most numbers by far have one to seven digits before the point, as many behind it or no point,
 * no exponent, and the rest of a record behind them: those take no loop, and no branch on how
 * many digits there are. What counts is the way from where one number begins to where the next
 * does. Up to 15 digits and 10^7 are exact in double, so the division is the one rounding.
 */
const char *number_read(const char *p, const char *end, double *value, unsigned *flags)
{
	if (end - p < SHORT_ROOM)
		return read_any(p, end, value, flags);

	bool negative = false;
	const char *digits = p;
	if (__builtin_expect(*p == '-', 0)) {
		negative = true;
		digits++;
		/* Keeps this a branch, which is foreseen; an addition would be waited for. */
		__asm__("" : "+r"(digits));
	}
	uint64_t x = load_8(digits) ^ EACH_BYTE('0');
	uint64_t stop = not_digits(x);
	unsigned bits = stop ? bits_before(stop) : 0;
	if (bits == 0 || (bits > 8 && (uint8_t)x == 0))
		return read_any(p, end, value, flags);
	uint64_t w = join_8(x << (64 - bits));
	const char *rest = digits + bits / 8;
	unsigned seen = NUMBER_INTEGER;
	double result;
	if (*rest == '.') {
		x = load_8(rest + 1) ^ EACH_BYTE('0');
		stop = not_digits(x);
		bits = stop ? bits_before(stop) : 0;
		if (bits == 0)
			return read_any(p, end, value, flags);
		w = w * int_pow10[bits / 8] + join_8(x << (64 - bits));
		rest += 1 + bits / 8;
		seen = 0;
		result = (double)(int64_t)w / real_pow10[bits / 8];
	} else {
		result = (double)(int64_t)w;
	}
	if ((*rest | 0x20) == 'e')
		return read_any(p, end, value, flags);
	*flags = seen;
	store(result, negative, value);
	return rest;
}

const char *number_skip(const char *p, const char *end)
{
	const char *digits = p;

	if (__builtin_expect(p < end && *p == '-', 0)) {
		digits++;
		__asm__("" : "+r"(digits)); /* as in number_read */
	}
	p = skip_digits(digits, end);
	if (p == digits)
		return NULL;
	if (*digits == '0')
		p = digits + 1;
	if (p < end && *p == '.') {
		const char *fraction = p + 1;

		p = skip_digits(fraction, end);
		if (p == fraction)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		int64_t ignored = 0;

		p = read_exponent(p + 1, end, &ignored);
	}
	return p;
}

int number_read_int(const char *p, const char *end, int64_t *value)
{
	bool negative = p < end && *p == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, x = 0;

	p += negative;
	if (p == end || (*p == '0' && end - p > 1))
		return -1;
	for (; p < end; p++) {
		unsigned digit = (unsigned char)(*p - '0');

		if (digit > 9 || x > (limit - digit) / 10)
			return -1;
		x = x * 10 + digit;
	}
	*value = (int64_t)(negative ? -x : x);
	return 0;
}
