#include "lib/base/number.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/pow10.h"

#define MAX_DIGITS_64 19       /* decimal digits that always fit 64 bits */
#define MAX_EXACT (1ULL << 53) /* integers up to here are doubles */
#define MAX_EXACT_POW10 22     /* so are powers of ten up to here */
#define INFINITY_BITS (0x7FFULL << 52)

/* sign, seven digits, point, eight bytes and the one behind */
#define SHORT_ROOM 18

/* A double's shortest decisive prefix has at most 767 digits; what follows matters only in
 * being nonzero. */
#define MAX_SLOW_DIGITS 770
#define MAX_EXPONENT 100000000000000000 /* no text is that long */

#define EACH_BYTE(x) ((uint64_t)(x)*0x0101010101010101ULL)

static const uint32_t int_pow10[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

static const double exact_pow10[MAX_EXACT_POW10 + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

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

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/*
 * The double nearest to w * 10^q, where 128 bits of 10^q decide it (Lemire 2021, sections 5 to 8,
 * with a bound of our own). `product` and `low` are 192 bits of w times the table's entry: the true
 * product lies above them less w, and not above them. All bits from `below` up are kept: the
 * double's and the one that rounds.
 */
static bool round_product(uint64_t w, int64_t q, double *value)
{
	if (w == 0 || q < POW10_MIN) {
		*value = 0;
		return true;
	}
	if (q > DBL_MAX_10_EXP) {
		*value = HUGE_VAL;
		return true;
	}

	const struct pow10 *g = pow10_at((int)q);
	int zeros = __builtin_clzll(w);
	w <<= zeros;
	unsigned __int128 product = (unsigned __int128)w * g->high;
	int below = 9 + (int)(product >> 127);
	int exponent = pow10_log2((int)q) - zeros + below + 1077;
	if (exponent < 1) { /* subnormal: fewer bits stay */
		below += 1 - exponent;
		exponent = 1;
		if (below > 63)
			return false;
	}

	uint64_t mask = (UINT64_C(1) << below) - 1;
	uint64_t rest = (uint64_t)(product >> 64) & mask;
	bool between = true; /* below the rounding bit is something */
	if (rest == 0 || rest == mask) {
		unsigned __int128 second = (unsigned __int128)w * g->low;
		uint64_t low = (uint64_t)second;

		product += second >> 64;
		rest = (uint64_t)(product >> 64) & mask;
		if (rest == 0 && (uint64_t)product == 0 && low < w) {
			if (q < 0 || q > POW10_EXACT_MAX)
				return false;
			between = low != 0;
		}
	}
	uint64_t kept = (uint64_t)(product >> 64) >> below;
	uint64_t odd = kept >> 1 & 1;
	uint64_t bits = ((uint64_t)(exponent - 1) << 52) + (kept >> 1) + (kept & (between | odd));
	*value = from_bits(bits < INFINITY_BITS ? bits : INFINITY_BITS);
	return true;
}

static bool is_exact(uint64_t w, int64_t q)
{
	return w <= MAX_EXACT && q >= -MAX_EXACT_POW10 && q <= MAX_EXACT_POW10;
}

/* Both operands are doubles, so the one operation is the one rounding (Clinger 1990). */
static inline double from_exact(uint64_t w, int64_t q)
{
	double x = (double)(int64_t)w;

	return q > 0 ? x * exact_pow10[q] : x / exact_pow10[-q];
}

/* Digits and point from `digits` on, and a power of ten behind: by strtod, which is exact and, as
 * it sees no point, the same in every locale. */
static double read_slow(const char *digits, const char *end, int64_t q)
{
	char text[MAX_SLOW_DIGITS + 32];
	size_t n = 0;
	bool more = false;

	for (const char *p = digits; p < end && (is_digit(*p) || *p == '.'); p++) {
		if (*p == '.' || (n == 0 && *p == '0'))
			continue;
		if (n < MAX_SLOW_DIGITS) {
			text[n++] = *p;
		} else {
			more |= *p != '0';
			q++;
		}
	}
	if (more) {
		text[n++] = '1';
		q--;
	}
	snprintf(text + n, sizeof(text) - n, "e%lld", (long long)q);
	return strtod(text, NULL);
}

/* A number of n digits from `digits` on, some with a point among them: they are w if they are no
 * more than fit, and q is the power of ten of the last. */
static double from_parts(const char *digits, const char *end, ptrdiff_t n, uint64_t w, int64_t q)
{
	const char *p = digits;
	int64_t last_q = q;
	bool more = false;
	double x, next;

	if (n > MAX_DIGITS_64) {
		for (; n > 0 && (*p == '0' || *p == '.'); p++)
			n -= *p == '0';
	}
	if (n > MAX_DIGITS_64) {
		w = 0;
		for (ptrdiff_t i = 0; i < n; p++) {
			if (*p == '.')
				continue;
			if (i++ < MAX_DIGITS_64) {
				w = w * 10 + (uint64_t)(*p - '0');
			} else {
				more |= *p != '0';
				q++;
			}
		}
	}
	if (!more && is_exact(w, q))
		return from_exact(w, q);
	if (round_product(w, q, &x)) {
		if (!more || (round_product(w + 1, q, &next) && next == x))
			return x;
	} else if (!more) {
		/* Many a number that 128 bits leave undecided is a short one with zeros behind. */
		for (; w % 10 == 0; q++)
			w /= 10;
		if (is_exact(w, q))
			return from_exact(w, q);
	}
	return read_slow(digits, end, last_q);
}

static inline void store(double x, bool negative, double *value)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	*value = from_bits(bits | (uint64_t)negative << 63);
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
	double x = from_parts(digits, p, n, w, q);
	if (x == HUGE_VAL)
		*flags |= NUMBER_OVERFLOW;
	store(x, negative, value);
	return p;
}

/* Most numbers by far have one to seven digits before the point, as many behind it or no point, no
 * exponent, and the rest of a record behind them: no loop, and no branch on how many digits. The
 * way from one number's begin to the next one's is what takes the time. */
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
		result = (double)(int64_t)w / exact_pow10[bits / 8];
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
		__asm__("" : "+r"(digits));
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
