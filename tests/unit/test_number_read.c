#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/base/number.h"
#include "lib/base/rng.h"
#include "tests/unit/bigint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* RFC 8259's number, byte by byte. Returns its length, 0 if there is none. */
static size_t grammar_length(const char *s, size_t len, bool *integer)
{
	size_t i = 0, start;

	*integer = true;
	if (i < len && s[i] == '-')
		i++;
	if (i < len && s[i] == '0') {
		i++;
	} else {
		for (start = i; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
		}
		if (i == start)
			return 0;
	}
	if (i < len && s[i] == '.') {
		*integer = false;
		for (start = ++i; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
		}
		if (i == start)
			return 0;
	}
	if (i < len && (s[i] == 'e' || s[i] == 'E')) {
		*integer = false;
		i++;
		if (i < len && (s[i] == '+' || s[i] == '-'))
			i++;
		for (start = i; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
		}
		if (i == start)
			return 0;
	}
	return i;
}

/* Reads [s, s + len), where a NUL must follow, by number_read and by the C library. */
static void check_against_libc(const char *s, size_t len)
{
	bool integer;
	size_t length = grammar_length(s, len, &integer);
	double value = 0;
	unsigned flags = 0;
	const char *stop = number_read(s, s + len, &value, &flags);

	assert_ptr_equal(number_skip(s, s + len), stop);
	if (length == 0) {
		assert_null(stop);
		return;
	}
	assert_ptr_equal(stop, s + length);
	double expected = strtod(s, NULL);
	if (bits_of(value) != bits_of(expected))
		fail_msg("'%.*s' gives %a, not %a", (int)len, s, value, expected);
	assert_int_equal(flags, (integer ? NUMBER_INTEGER : 0u) |
					(isinf(expected) ? NUMBER_OVERFLOW : 0u));
}

/* The same, alone and with bytes of a record behind. */
static void check_text(const char *s)
{
	char longer[2048];
	static const char *const behind[] = {
		"", ",", "}", ",\"speed\": 1.25, \"x\":", "\r\n", "y1234567890123456789012345"};

	for (size_t i = 0; i < COUNT(behind); i++) {
		int n = snprintf(longer, sizeof(longer), "%s%s", s, behind[i]);

		check_against_libc(longer, (size_t)n);
	}
}

static void test_grammar(void **state)
{
	static const struct {
		const char *text;
		int length;
	} cases[] = {
		{"0", 1},          {"-0", 2},
		{"1", 1},          {"-1", 2},
		{"10", 2},         {"0123", 1},
		{"-0123", 2},      {"00", 1},
		{"00.5", 1},       {"0.5", 3},
		{"1.50e+10", 8},   {"1E5", 3},
		{"1e-5", 4},       {"1e05", 4},
		{"0e0", 3},        {"1.2.3", 3},
		{"1-2", 1},        {"1e5e5", 3},
		{"12a", 2},        {"1,2", 1},
		{"1e5.5", 3},      {"-", 0},
		{"", 0},           {"+1", 0},
		{".5", 0},         {"-.5", 0},
		{"1.", 0},         {"1.e5", 0},
		{"1e", 0},         {"1e+", 0},
		{"1e-", 0},        {"1.5e", 0},
		{"1.5e+x", 0},     {"NaN", 0},
		{"nan", 0},        {"Infinity", 0},
		{"-inf", 0},       {"--1", 0},
		{"- 1", 0},        {" 1", 0},
		{"1_000", 1},      {"0x10", 1},
		{"1f", 1},         {"/", 0},
		{":", 0},          {"1:", 1},
		{"1/", 1},         {"12345678", 8},
		{"12345678.", 0},  {"1.12345678.", 10},
		{"1.1234567:", 9}, {"\x80", 0},
		{"1\xB1", 1},
	};
	static const char *const behind[] = {"", ",", " 1234567890123456789012345"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t k = 0; k < COUNT(behind); k++) {
			char text[64];
			double value;
			unsigned flags;
			int n = snprintf(text, sizeof(text), "%s%s", cases[i].text, behind[k]);
			const char *stop = cases[i].length ? text + cases[i].length : NULL;

			assert_ptr_equal(number_read(text, text + n, &value, &flags), stop);
			assert_ptr_equal(number_skip(text, text + n), stop);
		}
	}
}

/* A NUL ends neither a number's text nor the reading: only `end` and the grammar do. */
static void test_nul_is_a_byte(void **state)
{
	static const char text[] = "1\0002345678901234567890";
	double value;
	unsigned flags;

	(void)state;
	assert_ptr_equal(number_read(text, text + sizeof(text), &value, &flags), text + 1);
	assert_true(value == 1);
}

static void test_flags(void **state)
{
	static const struct {
		const char *text;
		unsigned flags;
		double value;
	} cases[] = {
		{"17", NUMBER_INTEGER, 17},
		{"-17", NUMBER_INTEGER, -17},
		{"1.0", 0, 1},
		{"1e2", 0, 100},
		{"1e308", 0, 1e308},
		{"1e309", NUMBER_OVERFLOW, HUGE_VAL},
		{"-1e999", NUMBER_OVERFLOW, -HUGE_VAL},
		{"1e99999999999999999999999999", NUMBER_OVERFLOW, HUGE_VAL},
		{"-1e-99999999999999999999999999", 0, -0.0},
		{"0e99999999999999999999999999", 0, 0},
		{"0.000e-99999999999999999999999999", 0, 0},
		{"123456789012345678901234567890", NUMBER_INTEGER,
		 123456789012345678901234567890.0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *end = cases[i].text + strlen(cases[i].text);
		double value;
		unsigned flags;

		assert_ptr_equal(number_read(cases[i].text, end, &value, &flags), end);
		assert_int_equal(flags, cases[i].flags);
		assert_int_equal(bits_of(value), bits_of(cases[i].value));
	}
	char ones[400];
	memset(ones, '1', sizeof(ones));
	double value;
	unsigned flags;
	assert_ptr_equal(number_read(ones, ones + 400, &value, &flags), ones + 400);
	assert_int_equal(flags, NUMBER_INTEGER | NUMBER_OVERFLOW);
	assert_true(value == HUGE_VAL);
}

static void test_known_hard_texts(void **state)
{
	static const char *const texts[] = {
		"0",
		"-0",
		"0.0",
		"-0.0e5",
		"1",
		"0.1",
		"0.3",
		"100",
		"2187.7333",
		"97.6133",
		"1e22",
		"1e23",
		"9007199254740991",
		"9007199254740992",
		"9007199254740993",
		"9007199254740994",
		"9007199254740995",
		"18446744073709551615",
		"18446744073709551616",
		"9007199254740993.0",
		"9007199254740992.9999999999999",
		"9007199254740993.00000000001",
		"1.7976931348623157e308",
		"1.7976931348623158e308",
		"1.7976931348623159e308",
		"179769313486231580793e289",
		"4.9406564584124654e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"2.2250738585072011e-308",
		"2.2250738585072012e-308",
		"2.2250738585072014e-308",
		"2.225073858507201e-308",
		"5e-324",
		"3e-324",
		"2e-324",
		"1e-323",
		"1e-400",
		"1e-342",
		"1e-343",
		"9999999999999999999e-343",
		"9999999999999999999e-342",
		"1e308",
		"1e309",
		"17976931348623158e292",
		"6.02214076e23",
		"8.98846567431158e307",
		"1090544144181609348671888949248",
		"3.518437208883201171875e13",
		"62.5364939768271845828",
		"8.10109172351e-10",
		"1.50000000000000011102230246251565",
		"899981168364.9999999999",
		"1.00000000000000000000",
		"0.50000000000000000000000",
		"0.000000000000000000000000000000000000012345",
		"123456789012345678",
		"1234567890123456789",
		"12345678901234567890",
		"1234567890.1234567890123",
		"0.00000000000000000000",
		"7.2057594037927933e16",
		"0.000000000000000000000000000000000000000000000000000000000000000000000000001e75",
		"100000000000000000000000000000000000000000000000000000000000000000000000000e-74",
		"6929495644600919.5",
		"3.2378839133029012895883524125015321748630943e+0000000000000000000000307",
		"2.4354e-323",
		"7.4109846876186981e-324",
		"7.4109846876186982e-324",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		check_text(texts[i]);
}

static double random_scale(struct rng *rng)
{
	static const double scales[] = {1, 10, 1e3, 1e5, 1e10, 1e-3};

	return scales[rng_below(rng, COUNT(scales))];
}

static void test_random_doubles_at_every_precision(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 3, 0);
	for (int i = 0; i < 1000000; i++) {
		char text[NUMBER_MAX + 16];
		double x = from_bits(rng_next(&rng));

		if (!isfinite(x))
			continue;
		/* Every other one of the size of measurements. */
		if (i % 2)
			x = (rng_uniform(&rng) - 0.5) * random_scale(&rng);
		int precision = i % 4 < 2 ? 17 : 1 + (int)rng_below(&rng, 20);
		int n = snprintf(text, sizeof(text), "%.*g", precision, x);

		check_against_libc(text, (size_t)n);
	}
}

static void test_random_decimals(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 4, 0);
	for (int i = 0; i < 600000; i++) {
		char text[128];
		int n = 0, digits = 1 + (int)rng_below(&rng, 40);
		int point = (int)rng_below(&rng, 2 * (uint64_t)digits);

		if (rng_below(&rng, 4) == 0)
			text[n++] = '-';
		if (point == 0) {
			text[n++] = '0';
			text[n++] = '.';
		}
		/* Runs of zeros and nines are where carries hide. */
		uint64_t kind = rng_below(&rng, 4);
		for (int k = 0; k < digits; k++) {
			if (k > 0 && k == point)
				text[n++] = '.';
			uint64_t digit = kind == 0   ? (k < digits / 2 ? rng_below(&rng, 10) : 0)
					 : kind == 1 ? (k < digits / 2 ? rng_below(&rng, 10) : 9)
						     : rng_below(&rng, 10);
			if (k == 0 && digit == 0 && point != 0)
				digit = 1;
			text[n++] = (char)('0' + digit);
		}
		text[n] = '\0';
		if (rng_below(&rng, 2))
			n += snprintf(text + n, sizeof(text) - (size_t)n, "e%d",
				      (int)rng_below(&rng, 720) - 370);
		check_against_libc(text, (size_t)n);
	}
}

static double read_whole(const char *text)
{
	double value;
	unsigned flags;
	const char *end = text + strlen(text);

	assert_ptr_equal(number_read(text, end, &value, &flags), end);
	return value;
}

/* The exact middle between a double and the next, which may have 767 digits: it goes to the
 * even one, one digit more or less to the nearer one. The expected values are the
 * doubles we began with. */
static void check_middle(uint64_t bits)
{
	char digits[1000], text[1100];
	double lower = from_bits(bits), upper = from_bits(bits + 1);
	double even = bits % 2 == 0 ? lower : upper;
	int field = (int)(bits >> 52);
	uint64_t c = (bits & ((UINT64_C(1) << 52) - 1)) | (field ? UINT64_C(1) << 52 : 0);
	int e = (field ? field : 1) - 1075 - 1;
	struct big middle = big_from(2 * c + 1);

	if (e >= 0)
		big_shift_left(&middle, (unsigned)e);
	else
		big_multiply_power(&middle, 5, -e);
	size_t n = big_to_decimal(middle, digits);
	int exponent = e < 0 ? e : 0;

	snprintf(text, sizeof(text), "%se%d", digits, exponent);
	assert_int_equal(bits_of(read_whole(text)), bits_of(even));
	snprintf(text, sizeof(text), "%s.%s0e%d", "0", digits, exponent + (int)n);
	assert_int_equal(bits_of(read_whole(text)), bits_of(even));
	snprintf(text, sizeof(text), "%s.%060d1e%d", digits, 0, exponent);
	assert_int_equal(bits_of(read_whole(text)), bits_of(upper));
	/* The middle's last digit is never 0 unless it is a large integer. */
	big_decrement(&middle);
	big_to_decimal(middle, digits);
	snprintf(text, sizeof(text), "%s.9%060d1e%d", digits, 0, exponent);
	assert_int_equal(bits_of(read_whole(text)), bits_of(lower));
}

static void test_middles(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, 0);
	check_middle(0);
	check_middle(1);
	check_middle(bits_of(DBL_MIN));
	check_middle(bits_of(DBL_MIN) - 1);
	check_middle(bits_of(DBL_MIN) - 2);
	check_middle(bits_of(1));
	check_middle(bits_of(1) - 1);
	check_middle(bits_of(DBL_MAX));
	check_middle(bits_of(DBL_MAX) - 1);
	check_middle(bits_of(9007199254740992.0));
	for (int i = 0; i < 150; i++)
		check_middle(rng_next(&rng) % bits_of(DBL_MAX));
	for (int i = 0; i < 300; i++)
		check_middle(bits_of(0x1p-60) + rng_next(&rng) % (UINT64_C(180) << 52));
}

/* Texts that end where readable memory ends, cut at every point. */
static void test_never_reads_past_the_end(void **state)
{
	static const char *const texts[] = {
		"-1234567.7654321e-10",
		"123456789012345678901234567890.123456789",
		"0.00000000001e+300",
		"-0",
		"2187.7333,",
		"1234567,123456",
		"12345678.12345678e12",
		"-0.5",
		"1.5e",
		"99999999",
		"1.7976931348623157e308",
		"9007199254740993.00000000000000000000000000000000000001",
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < COUNT(texts); i++) {
		for (size_t len = 0; len <= strlen(texts[i]); len++) {
			char *text = map + page - len, copy[128];
			double value = 0, expected = 0;
			unsigned flags = 0;
			bool integer;
			int64_t whole;

			memcpy(text, texts[i], len);
			memcpy(copy, texts[i], len);
			copy[len] = '\0';
			size_t length = grammar_length(copy, len, &integer);
			const char *stop = length ? text + length : NULL;
			assert_ptr_equal(number_read(text, map + page, &value, &flags), stop);
			assert_ptr_equal(number_skip(text, map + page), stop);
			number_read_int(text, map + page, &whole);
			if (stop)
				expected = strtod(copy, NULL);
			assert_int_equal(bits_of(value), bits_of(expected));
		}
	}
	munmap(map, 2 * page);
}

static void test_read_int(void **state)
{
	static const struct {
		const char *text;
		int status;
		int64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"7", 0, 7},
		{"-42", 0, -42},
		{"9223372036854775807", 0, INT64_MAX},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775808", -1, 0},
		{"-9223372036854775809", -1, 0},
		{"99999999999999999999999", -1, 0},
		{"18446744073709551617", -1, 0},
		{"", -1, 0},
		{"-", -1, 0},
		{"+1", -1, 0},
		{"01", -1, 0},
		{"-01", -1, 0},
		{"00", -1, 0},
		{"1.0", -1, 0},
		{"1e3", -1, 0},
		{" 1", -1, 0},
		{"1 ", -1, 0},
		{"1:", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t value = -1;
		int status = number_read_int(cases[i].text, cases[i].text + strlen(cases[i].text),
					     &value);

		assert_int_equal(status, cases[i].status);
		assert_int_equal(value, status == 0 ? cases[i].value : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_nul_is_a_byte),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_known_hard_texts),
		cmocka_unit_test(test_random_doubles_at_every_precision),
		cmocka_unit_test(test_random_decimals),
		cmocka_unit_test(test_middles),
		cmocka_unit_test(test_never_reads_past_the_end),
		cmocka_unit_test(test_read_int),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
