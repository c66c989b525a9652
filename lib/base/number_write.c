#include "lib/base/number.h"

#include <stdbool.h>
#include <string.h>
#include "lib/base/pow10.h"

#define FRACTION_BITS 52
#define EXPONENT_BIAS 1075 /* of the exponent of the last place */
/* Powers of ten of the first digit that are written without an exponent. */
#define MIN_POSITIONAL (-4)
#define MAX_POSITIONAL 15

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

/* Writes the digits of x so that they end before `end`. Returns the first. */
static char *write_digits(char *end, uint64_t x)
{
	while (x >= 100) {
		end -= 2;
		memcpy(end, digit_pairs + x % 100 * 2, 2);
		x /= 100;
	}
	if (x >= 10) {
		end -= 2;
		memcpy(end, digit_pairs + x * 2, 2);
	} else {
		*--end = (char)('0' + x);
	}
	return end;
}

static unsigned count_digits(uint64_t x)
{
	static const uint64_t powers[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		UINT64_C(10000000000000000000),
	};
	/* 1233 / 4096 is log10(2), near enough for 64 bits. */
	unsigned guess = (64 - (unsigned)__builtin_clzll(x | 1)) * 1233 >> 12;

	return guess + (x >= powers[guess]);
}

/* Writes the digits of x at out. Returns what follows them. */
static char *put_digits(char *out, uint64_t x)
{
	char *end = out + count_digits(x);

	write_digits(end, x);
	return end;
}

size_t number_write_uint(char out[NUMBER_MAX], uint64_t x)
{
	return (size_t)(put_digits(out, x) - out);
}

size_t number_write_int(char out[NUMBER_MAX], int64_t x)
{
	char *p = out;

	if (x < 0)
		*p++ = '-';
	return (size_t)(put_digits(p, x < 0 ? -(uint64_t)x : (uint64_t)x) - out);
}

/* digits * 10^exponent */
struct decimal {
	uint64_t digits;
	int exponent;
};

static int floor_log10_pow2(int e)
{
	return (e * 1262611) >> 22;
}

/* floor(log10(3/4 * 2^e)) */
static int floor_log10_three_quarters_pow2(int e)
{
	return (e * 1262611 - 524031) >> 22;
}

/* The product of 126 bits and more with x to its integer part, with the lowest bit set if
 * anything was cut: comparisons with integers stay right (Giulietti, section 9.3). */
static uint64_t round_to_odd(const struct pow10 *g, uint64_t x)
{
	unsigned __int128 low = (unsigned __int128)g->low * x;
	unsigned __int128 high = (unsigned __int128)g->high * x + (low >> 64);

	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The shortest decimal inside x's rounding interval, the nearest to x if there are several. */
static struct decimal shortest(uint64_t fraction, int field)
{
	uint64_t c = fraction | (field ? UINT64_C(1) << FRACTION_BITS : 0);
	int q = (field ? field : 1) - EXPONENT_BIAS;

	if (q <= 0 && q > -FRACTION_BITS - 1 && (c & ((UINT64_C(1) << -q) - 1)) == 0)
		return (struct decimal){c >> -q, 0};

	/* Below a power of two the next double is half as far away. */
	bool lower_is_closer = fraction == 0 && field > 1;
	uint64_t open = c & 1; /* ties go to even, so only an even c owns the ends */
	int k = lower_is_closer ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
	int h = q + pow10_log2(-k) + 1;
	const struct pow10 *g = pow10_at(-k);
	uint64_t lower = round_to_odd(g, (4 * c - 2 + lower_is_closer) << h) + open;
	uint64_t middle = round_to_odd(g, 4 * c << h);
	uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - open;

	/* In units of 10^k, times 4: try multiples of ten, then of one. */
	uint64_t s = middle / 4;
	if (s >= 10) {
		uint64_t tens = s / 10;
		bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;

		if (down != up)
			return (struct decimal){tens + up, k + 1};
	}
	bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
	if (down == up)
		up = middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1));
	return (struct decimal){s + up, k};
}

static struct decimal strip_zeros(struct decimal d)
{
	if (d.digits % 100000000 == 0) {
		d.digits /= 100000000;
		d.exponent += 8;
	}
	while (d.digits % 100 == 0) {
		d.digits /= 100;
		d.exponent += 2;
	}
	if (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	return d;
}

/* One digit, the others behind a point, and the power of ten of the first. */
static char *write_scientific(char *out, const char *digits, int n, int exponent)
{
	*out++ = digits[0];
	if (n > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, (size_t)n - 1);
		out += n - 1;
	}
	*out++ = 'e';
	*out++ = exponent < 0 ? '-' : '+';
	unsigned e = (unsigned)(exponent < 0 ? -exponent : exponent);
	if (e >= 100)
		*out++ = (char)('0' + e / 100);
	memcpy(out, digit_pairs + e % 100 * 2, 2);
	return out + 2;
}

/* point: how many digits stand before the point, 0 or less if it begins with zeros. */
static char *write_positional(char *out, const char *digits, int n, int point)
{
	if (point <= 0) {
		memcpy(out, "0.0000", 6);
		out += 2 - point;
		memcpy(out, digits, (size_t)n);
		return out + n;
	}
	if (n > point) {
		memcpy(out, digits, (size_t)point);
		out[point] = '.';
		memcpy(out + point + 1, digits + point, (size_t)(n - point));
		return out + n + 1;
	}
	memcpy(out, digits, (size_t)n);
	memset(out + n, '0', (size_t)(point - n));
	memcpy(out + point, ".0", 2);
	return out + point + 2;
}

size_t number_write_real(char out[NUMBER_MAX], double x)
{
	char text[NUMBER_MAX], *end = text + sizeof(text), *p = out;
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	uint64_t fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
	int field = (int)(bits >> FRACTION_BITS & 0x7FF);
	if (bits >> 63)
		*p++ = '-';
	if (fraction == 0 && field == 0) {
		memcpy(p, "0.0", 3);
		return (size_t)(p + 3 - out);
	}
	struct decimal d = strip_zeros(shortest(fraction, field));
	char *first = write_digits(end, d.digits);
	int n = (int)(end - first), point = n + d.exponent;
	if (point - 1 < MIN_POSITIONAL || point - 1 > MAX_POSITIONAL)
		p = write_scientific(p, first, n, point - 1);
	else
		p = write_positional(p, first, n, point);
	return (size_t)(p - out);
}
