#include "tests/unit/model_bytes.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/sha256.h"

#define DIGEST_KEY "\"digest\":\""

size_t model_bytes_data(const struct buf *b)
{
	uint64_t length;
	memcpy(&length, b->data, sizeof(length));
	return 8 + (size_t)length;
}

void model_bytes_seal(struct buf *b, size_t header_end)
{
	uint64_t length = header_end - 8;
	uint8_t raw[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct sha256 sha;

	memcpy(b->data, &length, sizeof(length));
	char *digits = memmem(b->data, header_end, DIGEST_KEY, strlen(DIGEST_KEY));
	if (!digits || digits + strlen(DIGEST_KEY) + 64 > b->data + header_end)
		return;
	digits += strlen(DIGEST_KEY);
	memset(digits, '0', 64);
	sha256_init(&sha);
	sha256_update(&sha, b->data, b->len);
	sha256_final(&sha, raw);
	sha256_hex(raw, hex);
	memcpy(digits, hex, 64);
}

void model_bytes_replace(struct buf *b, const char *old, const char *new)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	size_t data = model_bytes_data(b);
	char *at = memmem(b->data, data, old, strlen(old));

	if (!at)
		fail_msg("the header has no '%s'", old);
	size_t before = (size_t)(at - b->data), after = before + strlen(old);
	while (b->data[data - 1] == ' ')
		data--;
	assert_int_equal(buf_add(&out, b->data, before, &err), 0);
	assert_int_equal(buf_add_str(&out, new, &err), 0);
	assert_int_equal(buf_add(&out, b->data + after, data - after, &err), 0);
	while (out.len % 64)
		assert_int_equal(buf_add(&out, " ", 1, &err), 0);
	size_t header_end = out.len;
	data = model_bytes_data(b);
	assert_int_equal(buf_add(&out, b->data + data, b->len - data, &err), 0);
	model_bytes_seal(&out, header_end);
	buf_release(b);
	*b = out;
}

char *model_bytes_tensor(const struct buf *b, const char *name)
{
	char key[64];
	uint64_t begin;
	size_t data = model_bytes_data(b);

	snprintf(key, sizeof(key), "\"%s\":{", name);
	char *at = memmem(b->data, data, key, strlen(key));
	assert_non_null(at);
	at = memmem(at, data, "\"data_offsets\":[", 16);
	assert_non_null(at);
	begin = strtoull(at + 16, NULL, 10);
	return b->data + data + begin;
}

struct model *small_model(void)
{
	enum { ROWS = 200, FIELDS = 5 };
	static const char *const names[FIELDS] = {"a", "b", "c.1", "same", "none"};
	double x[ROWS][FIELDS];
	struct error err = ERROR_INIT;
	struct train_result result;
	struct rng rng;

	rng_init(&rng, 5, 0);
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t j = 0; j < 3; j++)
			x[i][j] = rng_uniform(&rng) * (double)(j + 1);
		if (i % 7 == 0)
			x[i][1] = NAN;
		x[i][3] = 4;
		x[i][4] = NAN;
	}
	const struct train_options options = {.impute = IMPUTE_MEDIAN,
					      .scaling = SCALING_STANDARD,
					      .n_trees = 5,
					      .max_samples = 32,
					      .contamination = 0.1,
					      .max_missing = 0.5,
					      .seed = 7,
					      .n_threads = 1};
	struct model *m = model_train(&options, x[0], ROWS, names, FIELDS, &result, &err);
	if (!m)
		fail_msg("%s", err.what);
	return m;
}

struct buf small_model_bytes(void)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct model *m = small_model();
	assert_int_equal(model_encode(m, &b, &err), 0);
	model_free(m);
	return b;
}
