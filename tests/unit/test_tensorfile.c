#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/model/tensorfile.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/model_bytes.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define METADATA                                                                       \
	"\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\"," \
	"\"digest\":\"" ZEROS "\",\"config\":\"{}\"}"

static const double reals[3] = {1, -2.5, 1e300};
static const uint32_t counts[2] = {7, 4000000000};
static const uint8_t flags[5] = {1, 0, 0, 1, 1};

static void write_some(struct buf *out, char digest[SHA256_HEX])
{
	struct error err = ERROR_INIT;
	const struct tensor tensors[] = {
		{"a", TENSOR_F64, 2, {3, 1}, reals},
		{"b", TENSOR_U32, 1, {2}, counts},
		{"c", TENSOR_U8, 1, {5}, flags},
		{"d", TENSOR_F32, 1, {0}, NULL},
	};
	assert_int_equal(tensorfile_write(out, tensors, 4, "{\"x\":\"\\\"\n\"}", digest, &err), 0);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct tensorfile f;
	char digest[SHA256_HEX];

	write_some(&b, digest);
	size_t data = model_bytes_data(&b);
	assert_int_equal(data % 64, 0);
	assert_int_equal(b.len - data, 24 + 8 + 5);
	assert_int_equal(tensorfile_read(&f, b.data, b.len, &err), 0);
	assert_int_equal(f.n_tensors, 4);
	assert_string_equal(f.config, "{\"x\":\"\\\"\n\"}");
	assert_string_equal(f.digest, digest);
	const struct tensor *t = tensorfile_find(&f, "a", TENSOR_F64, 2, &err);
	assert_non_null(t);
	assert_int_equal(tensor_elements(t), 3);
	assert_memory_equal(t->data, reals, sizeof(reals));
	t = tensorfile_find(&f, "b", TENSOR_U32, 1, &err);
	assert_memory_equal(t->data, counts, sizeof(counts));
	t = tensorfile_find(&f, "c", TENSOR_U8, 1, &err);
	assert_memory_equal(t->data, flags, sizeof(flags));
	assert_non_null(tensorfile_find(&f, "d", TENSOR_F32, 1, &err));

	assert_null(tensorfile_find(&f, "e", TENSOR_F32, 1, &err));
	assert_string_equal(err.what, "tensor 'e' is missing");
	assert_null(tensorfile_find(&f, "a", TENSOR_F32, 2, &err));
	assert_null(tensorfile_find(&f, "a", TENSOR_F64, 1, &err));
	assert_string_equal(err.what, "tensor 'a' is not of dtype F64 with 1 dimension");
	tensorfile_release(&f);
	buf_release(&b);
}

/* A file from the text of its header, with the right length and digest. */
static struct buf file_of(const char *header, size_t n_data)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	assert_int_equal(buf_add(&b, "........", 8, &err), 0);
	assert_int_equal(buf_add_str(&b, header, &err), 0);
	size_t header_end = b.len;
	for (size_t i = 0; i < n_data; i++)
		assert_int_equal(buf_add(&b, "x", 1, &err), 0);
	model_bytes_seal(&b, header_end);
	return b;
}

#define U8(name, shape, offsets) \
	",\"" name "\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_good_headers(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		size_t n_data;
	} cases[] = {
		{"{" METADATA "}", 0},
		{"{" METADATA "}      ", 0},
		{"{" METADATA U8("a", "[]", "[0,1]") "}", 1},
		{"{" METADATA U8("a", "[2,3]", "[0,6]") "}", 6},
		{"{" METADATA U8("b", "[3]", "[2,5]") U8("a", "[2]", "[0,2]") "}", 5},
		{"{" METADATA U8("a", "[0]", "[0,0]") U8("b", "[4,0,9]", "[0,0]") "}", 0},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct error err = ERROR_INIT;
		struct tensorfile f;
		struct buf b = file_of(cases[c].header, cases[c].n_data);
		if (tensorfile_read(&f, b.data, b.len, &err) < 0)
			fail_msg("case %zu: %s", c, err.what);
		tensorfile_release(&f);
		buf_release(&b);
	}
}

static void test_bad_headers(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		size_t n_data;
		const char *message;
	} cases[] = {
		{"{}", 0, "no object '__metadata__'"},
		{"[]", 0, "no object '__metadata__'"},
		{"nonsense", 0, "not valid JSON"},
		{"{" METADATA "}}", 0, "not valid JSON"},
		{"{" METADATA "," METADATA "}", 0, "not valid JSON: duplicate"},
		{"{" METADATA U8("a", "[1]", "[0,1]") U8("a", "[1]", "[0,1]") "}", 1, "duplicate"},
		{"{\"__metadata__\":[]}", 0, "no object '__metadata__'"},
		{"{\"__metadata__\":{\"digest\":\"" ZEROS "\"}}", 0, "no string 'format'"},
		{"{\"__metadata__\":{\"format\":1}}", 0, "metadata 'format' is no string"},
		{"{\"__metadata__\":{\"format\":\"pt\"}}", 0, "format is 'pt'"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\"}}", 0, "'format_version'"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"2\"}}",
		 0, "format version '2' is not supported"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\"}}",
		 0, "no string 'digest'"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\","
		 "\"digest\":\"12\"}}",
		 0, "digest has not 64 digits"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\","
		 "\"digest\":\"" ZEROS "\"}}",
		 0, "no string 'config'"},
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\","
		 "\"config\":\"\",\"digest\": \"" ZEROS "\"}}",
		 0, "is damaged"},
		/* What looks like the digest, with less than its digits behind it. */
		{"{\"__metadata__\":{\"format\":\"sensorutils-model\",\"format_version\":\"1\","
		 "\"config\":\"\",\"digest\": \"" ZEROS "\"},\"digest\":\"0\"}",
		 0, "is damaged"},
		{"{" METADATA ",\"a\":1}", 0, "tensor 'a' has dtype ''"},
		{"{" METADATA ",\"a\":{}}", 0, "tensor 'a' has dtype ''"},
		{"{" METADATA ",\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}}", 2,
		 "tensor 'a' has dtype 'F16'"},
		{"{" METADATA U8("a", "1", "[0,1]") "}", 1, "no shape"},
		{"{" METADATA U8("a", "[1,1,1,1,1]", "[0,1]") "}", 1, "no shape"},
		{"{" METADATA U8("a", "[-1]", "[0,1]") "}", 1, "impossible shape"},
		{"{" METADATA U8("a", "[1.0]", "[0,1]") "}", 1, "impossible shape"},
		{"{" METADATA U8("a", "[\"1\"]", "[0,1]") "}", 1, "impossible shape"},
		{"{" METADATA U8("a", "[4294967296,4294967296]", "[0,0]") "}", 0, "impossible"},
		{"{" METADATA U8("a", "[4294967296,4294967297]", "[0,4294967296]") "}", 0,
		 "impossible"},
		{"{" METADATA U8("a", "[99999999999999999999]", "[0,1]") "}", 1, "not valid JSON"},
		{"{" METADATA U8("a", "[1]", "[0]") "}", 1, "no valid data_offsets"},
		{"{" METADATA U8("a", "[1]", "[0,1,2]") "}", 1, "no valid data_offsets"},
		{"{" METADATA U8("a", "[1]", "[1,0]") "}", 1, "no valid data_offsets"},
		{"{" METADATA U8("a", "[1]", "[-1,0]") "}", 1, "no valid data_offsets"},
		{"{" METADATA U8("a", "[1]", "[0,2]") "}", 2, "takes 2 bytes, but its shape 1"},
		{"{" METADATA U8("a", "[3]", "[0,3]") "}", 2, "is not where"},
		{"{" METADATA U8("a", "[3]", "[9223372036854775804,9223372036854775807]") "}", 3,
		 "is not where"},
		{"{" METADATA U8("a", "[1]", "[1,2]") "}", 2, "is not where"},
		{"{" METADATA U8("a", "[2]", "[0,2]") U8("b", "[2]", "[1,3]") "}", 3, "is not"},
		{"{" METADATA U8("a", "[1]", "[0,1]") U8("b", "[1]", "[2,3]") "}", 3, "is not"},
		{"{" METADATA U8("b", "[1]", "[0,1]") U8("a", "[1]", "[1,2]") "}", 2, "is not"},
		{"{" METADATA U8("a", "[1]", "[0,1]") "}", 2, "take 1 bytes, but there are 2"},
		{"{" METADATA "}", 1, "take 0 bytes, but there are 1"},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct error err = ERROR_INIT;
		struct tensorfile f;
		struct buf b = file_of(cases[c].header, cases[c].n_data);
		assert_int_equal(tensorfile_read(&f, b.data, b.len, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (!strstr(err.what, cases[c].message))
			fail_msg("case %zu: '%s' has no '%s'", c, err.what, cases[c].message);
		assert_null(f.tensors);
		assert_null(f.header);
		buf_release(&b);
	}
}

static void test_wrong_lengths(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct tensorfile f;
	struct buf b = file_of("{" METADATA "}", 0);
	static const uint64_t lengths[] = {0, 1, 1000, UINT64_C(1) << 26, UINT64_MAX};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memcpy(b.data, &lengths[i], 8);
		assert_int_equal(tensorfile_read(&f, b.data, b.len, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.what, "is not a model file"));
	}
	assert_int_equal(tensorfile_read(&f, NULL, 0, &err), -1);
	buf_release(&b);

	uint64_t longest = TENSOR_HEADER_MAX + 1;
	char *large = calloc(8 + longest, 1);
	assert_non_null(large);
	memcpy(large, &longest, 8);
	assert_int_equal(tensorfile_read(&f, large, 8 + longest, &err), -1);
	assert_string_equal(err.what, "is not a model file");
	free(large);
}

/* Brackets deeper than any parser's stack. */
static void test_deep_header(void **state)
{
	(void)state;
	enum { DEPTH = 1000000 };
	struct error err = ERROR_INIT;
	struct tensorfile f;
	char *header = malloc(DEPTH + 1);
	memset(header, '[', DEPTH);
	header[DEPTH] = '\0';
	struct buf b = file_of(header, 0);
	assert_int_equal(tensorfile_read(&f, b.data, b.len, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	buf_release(&b);
	free(header);
}

static int write_and_read(void *arg, struct error *err)
{
	static const struct tensor t = {"a", TENSOR_F64, 1, {3}, reals};
	(void)arg;
	struct buf b = BUF_INIT;
	struct tensorfile f;
	char digest[SHA256_HEX];
	int rc = tensorfile_write(&b, &t, 1, "{}", digest, err);
	if (rc == 0 && (rc = tensorfile_read(&f, b.data, b.len, err)) == 0)
		tensorfile_release(&f);
	buf_release(&b);
	return rc;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(write_and_read, NULL) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_good_headers),
		cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_deep_header), cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
