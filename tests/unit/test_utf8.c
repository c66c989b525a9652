/* UTF-8: every code point, every sequence of two and three bytes, against RFC 3629 counted out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/utf8.h"

static void every_code_point_is_written_and_valid(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char s[4];
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		size_t n = utf8_write(s, c);
		assert_int_equal(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
		assert_int_equal(utf8_check(s, n), n);
		assert_int_equal(utf8_is_ascii(s, n), c < 0x80);
		uint32_t back = (unsigned char)s[0] & (n == 1 ? 0x7f : 0x7f >> n);
		for (size_t i = 1; i < n; i++)
			back = back << 6 | ((unsigned char)s[i] & 0x3f);
		assert_int_equal(back, c);
	}
}

/* Decodes by the table of RFC 3629, section 4, the slow way. */
static size_t valid_prefix(const unsigned char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = s[i] < 0x80   ? 1
			     : s[i] < 0xc0 ? 0
			     : s[i] < 0xe0 ? 2
			     : s[i] < 0xf0 ? 3
					   : 4;
		if (s[i] >= 0xf8 || !len || i + len > n)
			return i;
		uint32_t c = len == 1 ? s[i] : s[i] & (0x7fu >> len);
		for (size_t k = 1; k < len; k++) {
			if (s[i + k] >> 6 != 2)
				return i;
			c = c << 6 | (s[i + k] & 0x3fu);
		}
		if ((len == 2 && c < 0x80) || (len == 3 && c < 0x800) ||
		    (len == 4 && c < 0x10000) || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
			return i;
		i += len;
	}
	return n;
}

static void short_sequences_are_judged_right(void **state)
{
	(void)state;
	for (uint32_t w = 0; w < 1u << 24; w += (w >> 16) < 0xe0 ? 0x101 : 1) {
		unsigned char s[4] = {(unsigned char)(w >> 16), (unsigned char)(w >> 8),
				      (unsigned char)w, 0x80};
		for (size_t n = 1; n <= 4; n++)
			if (utf8_check((char *)s, n) != valid_prefix(s, n))
				fail_msg("%02x %02x %02x of %zu", s[0], s[1], s[2], n);
	}
}

static void four_byte_limits(void **state)
{
	static const struct {
		const char *s;
		size_t good;
	} cases[] = {
		{"\xf0\x8f\xbf\xbf", 0}, {"\xf0\x90\x80\x80", 4}, {"\xf4\x8f\xbf\xbf", 4},
		{"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0}, {"\xf1\x80\x80\xc0", 0},
		{"\xf1\x80\x7f\x80", 0}, {"\xff\xff\xff\xff", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(utf8_check(cases[i].s, 4), cases[i].good);
}

/* A wrong byte is found wherever it stands in a long text, and no byte behind n is looked at. */
static void place_of_the_first_wrong_byte(void **state)
{
	(void)state;
	for (size_t n = 0; n < 80; n++) {
		char *s = malloc(n + 1); /* exactly: a sanitizer sees what lies behind */
		memset(s, 'a', n + 1);
		assert_int_equal(utf8_check(s, n), n);
		assert_true(utf8_is_ascii(s, n));
		s[n] = '\xff';
		assert_int_equal(utf8_check(s, n), n);
		assert_true(utf8_is_ascii(s, n));
		for (size_t at = 0; at < n; at++) {
			s[at] = '\xc3';
			assert_int_equal(utf8_check(s, n), at);
			assert_false(utf8_is_ascii(s, n));
			if (at + 1 < n) {
				s[at + 1] = '\xa4';
				assert_int_equal(utf8_check(s, n), n);
				s[at + 1] = 'a';
			}
			s[at] = 'a';
		}
		free(s);
	}
}

static void what_people_cannot_read_is_cleaned(void **state)
{
	static const char in[] = "a\x1b[31m\0\x7f\xc2\x9b \xc2\xa0\xc3\xa4\xff\xe2\x82\xac\xe2\x82";
	static const char out[] = "a?[31m??? \xc2\xa0\xc3\xa4?\xe2\x82\xac??";
	char got[sizeof(in)];

	(void)state;
	assert_int_equal(utf8_clean(got, in, sizeof(in) - 1), sizeof(out) - 1);
	assert_memory_equal(got, out, sizeof(out) - 1);
	assert_int_equal(utf8_clean(got, in, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_is_written_and_valid),
		cmocka_unit_test(short_sequences_are_judged_right),
		cmocka_unit_test(four_byte_limits),
		cmocka_unit_test(place_of_the_first_wrong_byte),
		cmocka_unit_test(what_people_cannot_read_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
