#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/sha256.h"
#include "lib/base/sha256_impl.h"

static void assert_digest(struct sha256 *s, const char *expected)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256_final(s, digest);
	sha256_hex(digest, hex);
	assert_string_equal(hex, expected);
}

/* FIPS 180-4 and the examples NIST publishes with it. */
static void test_published_digests(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
		 "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sha256 s;

		sha256_init(&s);
		sha256_update(&s, cases[i].text, strlen(cases[i].text));
		assert_digest(&s, cases[i].digest);
	}
}

static void test_million_letters(void **state)
{
	char letters[997];
	struct sha256 s;
	size_t left = 1000000;

	(void)state;
	memset(letters, 'a', sizeof(letters));
	sha256_init(&s);
	while (left > 0) {
		size_t n = left < sizeof(letters) ? left : sizeof(letters);

		sha256_update(&s, letters, n);
		left -= n;
	}
	assert_digest(&s, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_split_at_every_point(void **state)
{
	uint8_t data[200], whole[SHA256_SIZE], parts[SHA256_SIZE];
	struct rng rng;
	struct sha256 s;

	(void)state;
	rng_init(&rng, 1, 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rng_next(&rng);
	for (size_t len = 0; len <= sizeof(data); len++) {
		sha256_init(&s);
		sha256_update(&s, data, len);
		sha256_final(&s, whole);
		for (size_t cut = 0; cut <= len; cut++) {
			sha256_init(&s);
			sha256_update(&s, data, cut);
			sha256_update(&s, NULL, 0);
			sha256_update(&s, data + cut, len - cut);
			sha256_final(&s, parts);
			assert_memory_equal(parts, whole, SHA256_SIZE);
		}
	}
}

static void test_hardware_equals_portable(void **state)
{
	struct rng rng;
	uint8_t blocks[7 * 64 + 1];

	(void)state;
	if (!sha256_has_hardware())
		skip();
	rng_init(&rng, 2, 0);
	for (int round = 0; round < 2000; round++) {
		uint32_t portable[8], hardware[8];
		size_t n = rng_below(&rng, 8), shift = rng_below(&rng, 2);

		for (size_t i = 0; i < sizeof(blocks); i++)
			blocks[i] = (uint8_t)rng_next(&rng);
		for (int i = 0; i < 8; i++)
			portable[i] = hardware[i] = (uint32_t)rng_next(&rng);
		sha256_compress_portable(portable, blocks + shift, n);
		sha256_compress_hardware(hardware, blocks + shift, n);
		assert_memory_equal(portable, hardware, sizeof(portable));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_digests),
		cmocka_unit_test(test_million_letters),
		cmocka_unit_test(test_split_at_every_point),
		cmocka_unit_test(test_hardware_equals_portable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
