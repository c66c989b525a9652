#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/base/file.h"
#include "lib/model/model.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/model_bytes.h"

static void test_round_trip(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct model *a = small_model();
	assert_int_equal(model_encode(a, &first, &err), 0);
	struct model *b = model_decode(first.data, first.len, "m", &err);
	assert_non_null(b);
	assert_string_equal(a->digest, b->digest);
	assert_int_equal(strlen(b->version), MODEL_VERSION_LEN);
	assert_memory_equal(b->version, b->digest, MODEL_VERSION_LEN);
	assert_int_equal(b->n_features, 3);
	assert_string_equal(b->features[2].name, "c.1");
	assert_true(b->features[1].missing_share == a->features[1].missing_share);
	assert_int_equal(b->features[1].sketch.n, a->features[1].sketch.n);
	assert_memory_equal(b->features[1].sketch.at, a->features[1].sketch.at,
			    a->features[1].sketch.points * sizeof(double));
	assert_int_equal(b->prepare.impute, IMPUTE_MEDIAN);
	assert_int_equal(b->prepare.scaling, SCALING_STANDARD);
	assert_memory_equal(b->prepare.scale, a->prepare.scale, 3 * sizeof(double));
	assert_int_equal(b->forest->n_trees, 5);
	assert_int_equal(b->forest->max_samples, 32);
	assert_int_equal(b->forest->max_depth, a->forest->max_depth);
	assert_true(b->offset == a->offset && b->medium == a->medium && b->high == a->high);
	assert_true(!b->contamination_auto && b->contamination == 0.1);
	assert_int_equal(b->scores.n, a->scores.n);
	assert_int_equal(b->n_rows, 200);
	assert_int_equal(b->seed, 7);
	assert_int_equal(b->max_features, 3);
	assert_true(b->max_missing == 0.5);
	assert_int_equal(b->n_left_out, 2);
	assert_string_equal(b->left_out[0], "same: constant");
	assert_string_equal(b->left_out[1], "none: all missing");
	assert_string_equal(b->source, "iforest-train");
	assert_int_equal(model_encode(b, &second, &err), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	model_free(a);
	model_free(b);
	buf_release(&first);
	buf_release(&second);
}

/* A model that says nothing optional: all integers, names to escape, no calibration. */
static void test_extremes(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct model *m = small_model();
	free(m->features[0].name);
	m->features[0].name = strdup("\"\\\n\x01 é");
	m->seed = UINT64_MAX;
	m->n_rows_seen = INT64_MAX;
	m->scores.n = m->scores.points = 0;
	for (size_t i = 0; i < 3; i++)
		m->features[i].sketch.n = m->features[i].sketch.points = 0;
	m->contamination_auto = true;
	m->medium = m->high = 1;
	assert_int_equal(model_encode(m, &b, &err), 0);
	struct model *back = model_decode(b.data, b.len, "m", &err);
	assert_non_null(back);
	assert_string_equal(back->features[0].name, m->features[0].name);
	assert_true(back->seed == UINT64_MAX);
	assert_true(back->n_rows_seen == INT64_MAX);
	assert_int_equal(back->scores.points, 0);
	assert_true(back->contamination_auto && isnan(back->contamination));
	model_free(m);
	model_free(back);
	buf_release(&b);
}

static void test_unknown_keys_and_tensors_are_ignored(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf b = small_model_bytes();
	model_bytes_replace(&b, "{\\\"kind\\\"", "{\\\"later\\\":[{}],\\\"kind\\\"");
	model_bytes_replace(&b, "\"calibration.scores\":",
			    "\"a\":{\"dtype\":\"I32\",\"shape\":[0],"
			    "\"data_offsets\":[0,0]},\"calibration.scores\":");
	struct model *m = model_decode(b.data, b.len, "m", &err);
	if (!m)
		fail_msg("%s", err.what);
	model_free(m);
	buf_release(&b);
}

static void assert_refused(const struct buf *b, size_t n, const char *message)
{
	struct error err = ERROR_INIT;
	/* A copy of the very size, so that reading past its end is seen. */
	char *copy = malloc(n ? n : 1);
	memcpy(copy, b->data, n);
	struct model *m = model_decode(copy, n, "the.model", &err);
	free(copy);
	if (m)
		fail_msg("not refused: %s", message);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.file, "the.model");
	if (!strstr(err.what, message))
		fail_msg("'%s' has no '%s'", err.what, message);
}

static void test_cut_short(void **state)
{
	(void)state;
	struct buf b = small_model_bytes();
	for (size_t n = 0; n < b.len; n += n < 1024 ? 1 : 1024)
		assert_refused(&b, n, "");
	for (size_t k = 1; k <= 9; k++)
		assert_refused(&b, model_bytes_data(&b) - k,
			       "is not a model file, or is cut short");
	assert_refused(&b, model_bytes_data(&b), "is damaged");
	assert_refused(&b, b.len - 1, "is damaged");
	buf_release(&b);
}

static void test_every_header_byte_flipped(void **state)
{
	(void)state;
	struct buf b = small_model_bytes();
	size_t data = model_bytes_data(&b);
	for (size_t i = 0; i < data; i++) {
		static const unsigned char masks[] = {0x01, 0x20, 0xff};
		for (size_t k = 0; k < sizeof(masks); k++) {
			b.data[i] = (char)(b.data[i] ^ masks[k]);
			assert_refused(&b, b.len, "");
			b.data[i] = (char)(b.data[i] ^ masks[k]);
		}
	}
	for (size_t i = data; i < b.len; i += 97) {
		b.data[i] = (char)(b.data[i] ^ 1);
		assert_refused(&b, b.len, "is damaged");
		b.data[i] = (char)(b.data[i] ^ 1);
	}
	buf_release(&b);
}

#define DEEP                                                                                       \
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" \
	"[[[["
#define DEEPER DEEP DEEP DEEP DEEP DEEP DEEP DEEP DEEP DEEP DEEP DEEP DEEP
#define DEEPEST DEEPER DEEPER

static void test_wrong_headers_under_a_right_digest(void **state)
{
	(void)state;
	static const struct {
		const char *old, *new, *message;
	} cases[] = {
		{"\"format\":\"sensorutils-model\"", "\"format\":\"pt\"", "format is 'pt'"},
		{"\"format_version\":\"1\"", "\"format_version\":\"2\"", "format version '2'"},
		{"isolation-forest", "lstm", "kind 'lstm', which is not supported"},
		{"\\\"kind\\\":", "\\\"kin\\\":", "'kind' is not a string"},
		{"{\\\"kind\\\"", "{\\\"groups\\\":[],\\\"kind\\\"",
		 "config key 'by' is not a string"},
		{"{\\\"kind\\\"", "{\\\"seed\\\":1,\\\"kind\\\"", "config is not valid JSON"},
		{"{\\\"kind\\\"", "{\\\"x\\\":" DEEPEST ",\\\"kind\\\"",
		 "config is not valid JSON"},
		{"{\\\"kind\\\"", "\\\"kind\\\"", "config is not valid JSON"},
		{"{\\\"kind\\\"", "{\\\"\\\\u0000\\\":1,\\\"kind\\\"", "config is not valid JSON"},
		{"[\\\"a\\\",\\\"b\\\",\\\"c.1\\\"]", "[]", "'features' is not a list"},
		{"[\\\"a\\\",\\\"b\\\",\\\"c.1\\\"]", "{}", "'features' is not a list"},
		{"[\\\"a\\\",\\\"b\\\",\\\"c.1\\\"]", "[\\\"a\\\"]",
		 "'max_features' is not an integer of 0 to 1"},
		{"\\\"b\\\",", "\\\"a\\\",", "feature 'a' is named twice"},
		{"\\\"b\\\",", "\\\"\\\",", "'features' holds something that is no name"},
		{"\\\"b\\\",", "2,", "'features' holds something that is no name"},
		{"\\\"impute\\\":\\\"median\\\"", "\\\"impute\\\":\\\"zero\\\"",
		 "'impute' is 'zero'"},
		{"\\\"impute\\\":\\\"median\\\"", "\\\"impute\\\":\\\"none\\\"",
		 "feature 'a' has a fill that does not go with the impute 'none'"},
		{"\\\"scale\\\":\\\"standard\\\"", "\\\"scale\\\":7", "'scale' is not a string"},
		{"\\\"offset\\\":-0.", "\\\"offset\\\":-7.", "are out of order"},
		{"\\\"offset\\\":-0.", "\\\"offset\\\":null,\\\"x\\\":-0.",
		 "'offset' is not a number"},
		{"\\\"offset\\\":-0.", "\\\"offset\\\":1e999,\\\"x\\\":-0.", "not valid JSON"},
		{"\\\"medium\\\":0", "\\\"medium\\\":9", "are out of order"},
		{"\\\"high\\\":0", "\\\"high\\\":-1", "are out of order"},
		{"\\\"contamination\\\":0.1", "\\\"contamination\\\":0", "'contamination' is not"},
		{"\\\"contamination\\\":0.1", "\\\"contamination\\\":0.6",
		 "'contamination' is not"},
		{"\\\"contamination\\\":0.1", "\\\"contamination\\\":\\\"x\\\"", "'contamination'"},
		{"\\\"n_scores\\\":200", "\\\"n_scores\\\":-200", "'n_scores' is not an integer"},
		{"\\\"n_scores\\\":200", "\\\"n_scores\\\":201", "'calibration.scores' has not"},
		{"\\\"n_scores\\\":200", "\\\"n_scores\\\":199", "'calibration.scores' has not"},
		{"\\\"max_samples\\\":32", "\\\"max_samples\\\":0", "sub-sample size of 0"},
		{"\\\"max_samples\\\":32", "\\\"max_samples\\\":4294967296",
		 "'max_samples' is not"},
		{"\\\"max_features\\\":3", "\\\"max_features\\\":4", "'max_features' is not"},
		{"\\\"max_missing\\\":0.5", "\\\"max_missing\\\":1.5",
		 "'max_missing' is not a share"},
		{"\\\"n_rows\\\":200", "\\\"n_rows\\\":2.0", "'n_rows' is not an integer"},
		{"\\\"seed\\\":\\\"7\\\"", "\\\"seed\\\":7", "'seed' is not a string"},
		{"\\\"seed\\\":\\\"7\\\"", "\\\"seed\\\":\\\"\\\"", "'seed' is not a string of"},
		{"\\\"seed\\\":\\\"7\\\"", "\\\"seed\\\":\\\"18446744073709551616\\\"", "'seed'"},
		{"\\\"source\\\":", "\\\"sauce\\\":", "'source' is not a string"},
		{"\\\"left_out\\\":[", "\\\"left_out\\\":[0,", "'left_out' holds"},
		{"[\\\"a\\\",\\\"b\\\",\\\"c.1\\\"]", "[\\\"a\\\",\\\"b\\\",\\\"c\\\",\\\"d\\\"]",
		 "'feature.center' has not the size"},
		/* Tensors. */
		{"\"node.left\"", "\"node.lemon\"", "tensor 'node.left' is missing"},
		{"\"feature.center\":{\"dtype\":\"F64\",\"shape\":[3]",
		 "\"feature.center\":{\"dtype\":\"F32\",\"shape\":[6]",
		 "'feature.center' is not of"},
		{"\"feature.center\":{\"dtype\":\"F64\",\"shape\":[3]",
		 "\"feature.center\":{\"dtype\":\"U64\",\"shape\":[3]",
		 "'feature.center' is not of"},
		{"\"feature.center\":{\"dtype\":\"F64\",\"shape\":[3]",
		 "\"feature.center\":{\"dtype\":\"F64\",\"shape\":[1,3]", "with 1 dimension"},
		{"\"feature.center\":{\"dtype\":\"F64\",\"shape\":[3]",
		 "\"feature.center\":{\"dtype\":\"F64\",\"shape\":[4]", "but its shape 32"},
		{"\"forest.start\":{\"dtype\":\"U64\",\"shape\":[6]",
		 "\"forest.start\":{\"dtype\":\"F64\",\"shape\":[6]", "'forest.start' is not of"},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct buf b = small_model_bytes();
		model_bytes_replace(&b, cases[c].old, cases[c].new);
		assert_refused(&b, b.len, cases[c].message);
		buf_release(&b);
	}
}

/* Two tensors that exchanged their shapes, and two that exchanged their names. */
static void test_swapped(void **state)
{
	(void)state;
	struct buf b = small_model_bytes();
	model_bytes_replace(&b, "\"feature.center\":{\"dtype\":\"F64\",\"shape\":[3]",
			    "\"feature.center\":{\"dtype\":\"F64\",\"shape\":[6]");
	model_bytes_replace(&b, "\"forest.start\":{\"dtype\":\"U64\",\"shape\":[6]",
			    "\"forest.start\":{\"dtype\":\"U64\",\"shape\":[3]");
	assert_refused(&b, b.len, "tensor 'feature.center' takes 24 bytes, but its shape 48");
	buf_release(&b);

	b = small_model_bytes();
	model_bytes_replace(&b, "\"feature.center\"", "\"x\"");
	model_bytes_replace(&b, "\"feature.sketch\"", "\"feature.center\"");
	model_bytes_replace(&b, "\"x\"", "\"feature.sketch\"");
	assert_refused(&b, b.len, "is not where the tensors before it end");
	buf_release(&b);
}

static void put_f64(char *at, double x)
{
	memcpy(at, &x, sizeof(x));
}

static void put_f32(char *at, float x)
{
	memcpy(at, &x, sizeof(x));
}

static void put_i32(char *at, int32_t x)
{
	memcpy(at, &x, sizeof(x));
}

static void put_u64(char *at, uint64_t x)
{
	memcpy(at, &x, sizeof(x));
}

static void test_wrong_tensors_under_a_right_digest(void **state)
{
	(void)state;
	static const struct {
		const char *tensor;
		char type;
		size_t element;
		double value;
		const char *message;
	} cases[] = {
		{"node.left", 'i', 0, 0, "a child that does not follow it"},
		{"node.left", 'i', 0, -1, "a child out of range"},
		{"node.left", 'i', 0, 1000000, "a child out of range"},
		{"node.right", 'i', 0, 1, ""},
		{"node.right", 'i', 0, 2147483647, "a child out of range"},
		{"node.feature", 'i', 0, 3, "a feature out of range"},
		{"node.feature", 'i', 0, -2, "a feature out of range"},
		{"node.feature", 'i', 0, -1, "children, and no feature"},
		{"node.n_samples", 'i', 0, 0, "no training rows"},
		{"node.n_samples", 'i', 0, -5, "not the sum of its children's"},
		{"node.threshold", 'f', 0, NAN, "a threshold that is not finite"},
		{"node.threshold", 'f', 0, INFINITY, "a threshold that is not finite"},
		{"node.when_missing_left", 'b', 0, 2, "a direction of missing values"},
		{"forest.start", 'u', 0, 1, "trees do not cover"},
		{"forest.start", 'u', 1, 0, "tree 0 begins or ends out of range"},
		{"forest.start", 'u', 1, 1e18, "tree 0 begins or ends out of range"},
		{"forest.start", 'u', 5, 1, "trees do not cover"},
		{"feature.fill", 'd', 1, NAN, "feature 'b' has a fill that does not go"},
		{"feature.center", 'd', 2, INFINITY, "'c.1' has an impossible center or scale"},
		{"feature.scale", 'd', 0, 0, "'a' has an impossible center or scale"},
		{"feature.scale", 'd', 0, -1, "'a' has an impossible center or scale"},
		{"feature.scale", 'd', 0, NAN, "'a' has an impossible center or scale"},
		{"feature.missing_share", 'd', 0, 1.5, "impossible missing share"},
		{"feature.missing_share", 'd', 0, NAN, "impossible missing share"},
		{"feature.sketch", 'd', 5, 1e9, "sketch of 'a' does not ascend"},
		{"feature.sketch", 'd', 0, NAN, "sketch of 'a' does not ascend"},
		{"feature.sketch_n", 'u', 2, 199, "'feature.sketch' is too long"},
		{"feature.sketch_n", 'u', 0, 199, ""},
		{"feature.sketch_n", 'u', 2, 1e19, "'feature.sketch' is too short"},
		{"calibration.scores", 'd', 0, 1, "sketch of 'calibration.scores' does not"},
		{"calibration.scores", 'd', 3, NAN, "sketch of 'calibration.scores' does not"},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct buf b = small_model_bytes();
		char *at = model_bytes_tensor(&b, cases[c].tensor);
		size_t i = cases[c].element;
		double value = cases[c].value;
		switch (cases[c].type) {
		case 'i':
			put_i32(at + 4 * i, (int32_t)value);
			break;
		case 'f':
			put_f32(at + 4 * i, (float)value);
			break;
		case 'd':
			put_f64(at + 8 * i, value);
			break;
		case 'u':
			put_u64(at + 8 * i, (uint64_t)value);
			break;
		default:
			at[i] = (char)value;
		}
		model_bytes_seal(&b, model_bytes_data(&b));
		assert_refused(&b, b.len, cases[c].message);
		buf_release(&b);
	}
}

static void test_save_and_load(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	char folder[] = "/tmp/model-XXXXXX", path[64], missing[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.model", folder);
	snprintf(missing, sizeof(missing), "%s/none.model", folder);

	struct model *m = small_model();
	assert_int_equal(model_save(m, path, &err), 0);
	struct model *back = model_load(path, &err);
	assert_non_null(back);
	assert_string_equal(back->digest, m->digest);
	model_free(back);
	assert_null(model_load(missing, &err));
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_null(model_load(folder, &err));
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_int_equal(model_save(m, folder, &err), -1);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(model_save(m, path, &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	model_free(m);
}

static void test_describe(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct buf b = small_model_bytes();
	struct model *m = model_decode(b.data, b.len, "m", &err);
	assert_int_equal(model_describe(m, true, &text, &err), 0);
	assert_int_equal(text.data[text.len - 1], '\n');
	assert_ptr_equal(memchr(text.data, '\n', text.len), text.data + text.len - 1);
	json_error_t json_err;
	json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &json_err);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "model_version")), m->version);
	assert_int_equal(json_integer_value(json_object_get(json, "n_trees")), 5);
	assert_int_equal(json_array_size(json_object_get(json, "feature")), 3);
	assert_true(json_real_value(json_object_get(json, "offset")) == m->offset);
	json_decref(json);

	text.len = 0;
	assert_int_equal(model_describe(m, false, &text, &err), 0);
	assert_int_equal(text.data[text.len - 1], '\n');
	assert_int_equal(buf_terminate(&text, &err), 0);
	assert_non_null(strstr(text.data, m->version));
	assert_non_null(strstr(text.data, "\n  same: constant\n"));
	assert_non_null(strstr(text.data, "contamination  0.1\n"));

	text.len = 0;
	m->scores.n = m->scores.points = 0;
	m->features[0].sketch.n = m->features[0].sketch.points = 0;
	assert_int_equal(model_describe(m, false, &text, &err), 0);
	assert_int_equal(buf_terminate(&text, &err), 0);
	assert_non_null(strstr(text.data, "the training scores are not known"));
	assert_null(strstr(text.data, "nan"));
	model_free(m);
	buf_release(&b);
	buf_release(&text);
}

/* What a model's maker wrote is not obeyed by a terminal. */
static void test_describe_is_harmless(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct model *m = small_model();
	char **texts[] = {&m->source, &m->features[0].name, &m->left_out[0]};
	for (size_t i = 0; i < 3; i++) {
		free(*texts[i]);
		*texts[i] = strdup("\x1b[2J\nt\xc3\xa4");
	}
	assert_int_equal(model_describe(m, false, &text, &err), 0);
	assert_int_equal(buf_terminate(&text, &err), 0);
	assert_null(strchr(text.data, '\x1b'));
	assert_non_null(strstr(text.data, "isolation forest, by ?[2J?t\xc3\xa4\n"));
	assert_non_null(strstr(text.data, "\n  ?[2J?t\xc3\xa4  "));
	assert_non_null(strstr(text.data, "\n  ?[2J?t\xc3\xa4\n"));
	model_free(m);
	buf_release(&text);
}

static int encode(void *arg, struct error *err)
{
	struct buf b = BUF_INIT;
	int rc = model_encode(arg, &b, err);
	buf_release(&b);
	return rc;
}

static int decode(void *arg, struct error *err)
{
	const struct buf *b = arg;
	struct model *m = model_decode(b->data, b->len, "m", err);
	model_free(m);
	return m ? 0 : -1;
}

static int describe(void *arg, struct error *err)
{
	struct buf b = BUF_INIT;
	int rc = model_describe(arg, false, &b, err);
	if (rc == 0)
		rc = model_describe(arg, true, &b, err);
	buf_release(&b);
	return rc;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct model *m = small_model();
	struct buf b = small_model_bytes();
	assert_true(alloc_fail_each(encode, m) > 5);
	assert_true(alloc_fail_each(decode, &b) > 15);
	assert_true(alloc_fail_each(describe, m) > 1);
	model_free(m);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_unknown_keys_and_tensors_are_ignored),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_every_header_byte_flipped),
		cmocka_unit_test(test_wrong_headers_under_a_right_digest),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_wrong_tensors_under_a_right_digest),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_describe_is_harmless),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
