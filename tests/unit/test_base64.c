/* Base64: the vectors of RFC 4648, all that is not exactly it, and both ways round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/base/base64.h"
#include "lib/base/rng.h"
#include "tests/unit/alloc_fail.h"

static void vectors(void **state)
{
	/* RFC 4648, section 10; the last two for the digits above 61. */
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff", "+/8="},
		{"\xff\xff\xff", "////"},
	};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const char *plain = pairs[i][0], *text = pairs[i][1];
		b.len = 0;
		assert_int_equal(buf_add_str(&b, "<", &err), 0);
		assert_int_equal(base64_add(&b, plain, strlen(plain), &err), 0);
		assert_int_equal(b.len, 1 + strlen(text));
		assert_memory_equal(b.data + 1, text, strlen(text));
		b.len = 1;
		assert_int_equal(base64_read(&b, text, strlen(text), &err), 0);
		assert_int_equal(b.len, 1 + strlen(plain));
		assert_memory_equal(b.data, "<", 1);
		assert_memory_equal(b.data + 1, plain, strlen(plain));
	}
	buf_release(&b);
}

static void strict(void **state)
{
	static const char *const bad[] = {
		"Z",    "Zg",   "Zg=",  "Zm9",       "Zm9v\n", "Zm9vZg==\n", "=",
		"==",   "====", "Z===", "Zg==Zm9v",  "Zg=v",   "Zm=v",       "Zh==",
		"Zm9=", "Zm-v", "Zm_v", "Zm9v Zm9v", "Zm 9",   "Zm.v",       "Zm9\xc3",
	};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.kind = ERROR_NONE;
		if (!base64_read(&b, bad[i], strlen(bad[i]), &err))
			fail_msg("'%s' is taken for base64", bad[i]);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_int_equal(b.len, 0);
	}
	buf_release(&b);
}

static void both_ways_round(void **state)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT, back = BUF_INIT;
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, 0);
	for (size_t n = 0; n < 300; n++) {
		unsigned char bytes[300];
		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)rng_next(&rng);
		text.len = back.len = 0;
		assert_int_equal(base64_add(&text, bytes, n, &err), 0);
		assert_int_equal(text.len, (n + 2) / 3 * 4);
		assert_int_equal(base64_read(&back, text.data, text.len, &err), 0);
		assert_int_equal(back.len, n);
		if (n)
			assert_memory_equal(back.data, bytes, n);
	}
	buf_release(&text);
	buf_release(&back);
}

static int add_and_read(void *arg, struct error *err)
{
	struct buf text = BUF_INIT, back = BUF_INIT;
	int ret =
		base64_add(&text, "foobar", 6, err) || base64_read(&back, text.data, text.len, err)
			? -1
			: 0;

	(void)arg;
	buf_release(&text);
	buf_release(&back);
	return ret;
}

static void memory_runs_out(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(alloc_fail_each(add_and_read, NULL), 2);
	assert_int_equal(base64_add(&b, "", SIZE_MAX, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(strict),
		cmocka_unit_test(both_ways_round),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
