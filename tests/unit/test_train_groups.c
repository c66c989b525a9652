/* Models with groups: learned, written, read, and what each row is judged by. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/model/model.h"
#include "lib/model/scorer.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/model_bytes.h"

enum { FIELDS = 4, A = 400, B = 300, C = MODEL_GROUP_ROWS_MIN - 1, D = 260, NONE = 50 };
enum { ROWS = A + B + C + D + NONE };

static const char *const names[FIELDS] = {"same", "x", "y", "w"};
static double x[ROWS][FIELDS];
static uint32_t group[ROWS];

static const struct train_options options = {.impute = IMPUTE_MEDIAN,
					     .scaling = SCALING_STANDARD,
					     .n_trees = 5,
					     .contamination = 0.1,
					     .max_missing = 0.5,
					     .seed = 7,
					     .n_threads = 1};

/* Four groups, one behind the other so that each is a matrix of its own: y does not vary in b,
 * nothing in d. */
static int make_rows(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, 0);
	for (size_t i = 0; i < ROWS; i++) {
		uint32_t g = i < A             ? 1
			     : i < A + B       ? 2
			     : i < A + B + C   ? 3
			     : i < ROWS - NONE ? 4
					       : 0;
		group[i] = g;
		x[i][0] = 4;
		x[i][1] = g == 4 ? 1 : 10 * g + rng_uniform(&rng);
		x[i][2] = g == 4 || g == 2 ? 2 : rng_uniform(&rng);
		x[i][3] = g == 4 ? 3 : i % 17 == 0 ? NAN : 100 * g + rng_uniform(&rng);
	}
	return 0;
}

static int add_names(struct key_ids *ids, struct error *err)
{
	return key_ids_add(ids, "a", 1, err) || key_ids_add(ids, "b", 1, err) ||
			       key_ids_add(ids, "c", 1, err) || key_ids_add(ids, "d", 1, err)
		       ? -1
		       : 0;
}

static struct model *train(size_t *n_small)
{
	struct error err = ERROR_INIT;
	struct key_ids ids = {.n = 0};
	struct train_result result;
	struct model *m = model_train(&options, x[0], ROWS, names, FIELDS, &result, &err);

	assert_non_null(m);
	assert_int_equal(add_names(&ids, &err), 0);
	if (model_train_groups(m, &options, x[0], ROWS, names, FIELDS, group, &ids, "zone", n_small,
			       &err))
		fail_msg("%s", err.what);
	assert_int_equal(ids.n, 0);
	return m;
}

static void each_as_if_alone(void **state)
{
	static const struct {
		const char *name;
		size_t first, rows;
	} groups[] = {{"a", 0, A}, {"b", A, B}};
	struct error err = ERROR_INIT;
	struct train_result result;
	size_t n_small;
	struct model *m = train(&n_small);

	(void)state;
	assert_int_equal(n_small, 2);
	assert_int_equal(m->group_ids.n, 2);
	assert_string_equal(m->by, "zone");
	assert_int_equal(m->n_rows, ROWS);
	assert_int_equal(m->n_features, 3);
	assert_int_equal(m->groups[1]->n_features, 2);
	assert_string_equal(m->groups[1]->features[1].name, "w");
	for (size_t g = 0; g < 2; g++) {
		/* The common model has left out a column; of the others a group's says the same. */
		double(*own)[3] = malloc(groups[g].rows * sizeof(*own));
		struct buf alone = BUF_INIT, grouped = BUF_INIT;
		for (size_t i = 0; i < groups[g].rows; i++)
			memcpy(own[i], &x[groups[g].first + i][1], sizeof(*own));
		struct model *one =
			model_train(&options, own[0], groups[g].rows, names + 1, 3, &result, &err);
		assert_non_null(one);
		assert_string_equal(m->group_ids.names[g], groups[g].name);
		assert_int_equal(model_encode(one, &alone, &err), 0);
		assert_int_equal(model_encode(m->groups[g], &grouped, &err), 0);
		assert_int_equal(alone.len, grouped.len);
		assert_memory_equal(alone.data, grouped.data, alone.len);
		buf_release(&alone);
		buf_release(&grouped);
		model_free(one);
		free(own);
	}
	model_free(m);
}

static void score(struct scorer *s, const uint32_t *key_id, size_t n, size_t stride,
		  const double *rows_x, struct verdict *v)
{
	void *scratch = aligned_alloc(64, (scorer_scratch(s) + 63) / 64 * 64);
	const struct scorer_rows rows = {.n = n, .stride = stride, .x = rows_x, .key_id = key_id};

	assert_non_null(scratch);
	scorer_score(s, &rows, 0.5, scratch, v);
	free(scratch);
}

/* Rows of all groups mixed, each judged by its own, after a round trip through a file. */
static void rows_by_their_groups(void **state)
{
	enum { N = 3000 };
	static struct verdict mixed[N], want;
	static uint32_t ids[N];
	static double rows[N][3];
	struct error err = ERROR_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;
	size_t n_small;
	struct model *m = train(&n_small);
	struct rng rng;

	(void)state;
	assert_int_equal(model_encode(m, &first, &err), 0);
	struct model *back = model_decode(first.data, first.len, "m", &err);
	if (!back)
		fail_msg("%s", err.what);
	assert_string_equal(back->by, "zone");
	assert_string_equal(back->group_ids.names[1], "b");
	assert_int_equal(model_encode(back, &second, &err), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	rng_init(&rng, 6, 0);
	for (size_t i = 0; i < N; i++) {
		size_t from = rng_below(&rng, ROWS);
		ids[i] = (uint32_t)rng_below(&rng, 3);
		memcpy(rows[i], &x[from][1], sizeof(rows[i]));
		if (i % 50 == 0)
			rows[i][0] = rows[i][2] = NAN; /* too little for any of them */
		if (i % 50 == 1)
			rows[i][2] = 1e300;
	}
	struct scorer *s = scorer_forest_new(back, NULL, &err);
	assert_non_null(s);
	score(s, ids, N, 3, rows[0], mixed);
	/* Without numbers all are common. */
	static struct verdict common[N];
	score(s, NULL, N, 3, rows[0], common);
	for (uint32_t g = 0; g <= 2; g++) {
		/* A group's model, with the columns that it has. */
		const struct model *part = g ? m->groups[g - 1] : m;
		struct buf bytes = BUF_INIT;
		struct model *one;
		if (g) {
			assert_int_equal(model_encode(m->groups[g - 1], &bytes, &err), 0);
			one = model_decode(bytes.data, bytes.len, "m", &err);
		} else {
			one = model_decode(first.data, first.len, "m", &err);
		}
		struct scorer *alone = scorer_forest_new(one, "scalar", &err);
		for (size_t i = 0; i < N; i++) {
			double row[3] = {rows[i][0],
					 part->n_features == 3 ? rows[i][1] : rows[i][2],
					 rows[i][2]};
			if (g == 0) {
				score(alone, NULL, 1, 3, row, &want);
				assert_true(want.status == common[i].status);
				assert_true(want.status != ROW_OK || want.score == common[i].score);
			}
			if (ids[i] != g)
				continue;
			score(alone, NULL, 1, part->n_features, row, &want);
			assert_int_equal(want.status, mixed[i].status);
			assert_int_equal(want.imputed, mixed[i].imputed);
			assert_true(want.status != ROW_OK || want.score == mixed[i].score);
			assert_true(want.status != ROW_OK || want.decision == mixed[i].decision);
			if (want.status == ROW_BEYOND_FLOAT32)
				assert_int_equal(mixed[i].column, 2);
		}
		scorer_free(alone);
		buf_release(&bytes);
	}
	scorer_free(s);
	model_free(m);
	buf_release(&first);
	buf_release(&second);
}

static void damaged_files(void **state)
{
	static const struct {
		const char *old, *new, *what;
	} cases[] = {
		{"\\\"groups\\\":[{", "\\\"groups\\\":7,\\\"x\\\":[{",
		 "config key 'groups' is not a list"},
		{"\\\"by\\\":\\\"zone\\\"", "\\\"by\\\":17", "config key 'by' is not a string"},
		{"{\\\"key\\\":\\\"b\\\"", "{\\\"key\\\":\\\"a\\\"", "group 'a' is out of order"},
		{"{\\\"key\\\":\\\"b\\\"", "{\\\"kex\\\":\\\"b\\\"",
		 "config key 'key' is not a string"},
		{"\\\"features\\\":[\\\"x\\\",\\\"w\\\"]", "\\\"features\\\":[\\\"w\\\",\\\"x\\\"]",
		 "group 'b': feature 'x' is not among those of the model"},
		{"\\\"features\\\":[\\\"x\\\",\\\"w\\\"]", "\\\"features\\\":[\\\"x\\\",\\\"q\\\"]",
		 "group 'b': feature 'q' is not among those of the model"},
		{"\\\"features\\\":[\\\"x\\\",\\\"w\\\"]", "\\\"features\\\":[\\\"x\\\"]",
		 "group 'b': "},
		{"\"g/1/forest.start\"", "\"g/1/forest.stara\"", "group 'b': "},
		{"\"g/0/node.left\"", "\"g/0/node.lefs\"", "group 'a': "},
	};
	struct error err = ERROR_INIT;
	size_t n_small;
	struct model *m = train(&n_small);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;
		assert_int_equal(model_encode(m, &b, &err), 0);
		model_bytes_replace(&b, cases[i].old, cases[i].new);
		if (model_decode(b.data, b.len, "file", &err))
			fail_msg("accepted: %s", cases[i].new);
		if (!strstr(err.what, cases[i].what))
			fail_msg("%s: '%s'", cases[i].new, err.what);
		assert_int_equal(err.kind, ERROR_CONFIG);
		buf_release(&b);
	}
	model_free(m);
}

static int train_encode_decode(void *arg, struct error *err)
{
	struct key_ids ids = {.n = 0};
	struct train_result result;
	struct buf b = BUF_INIT;
	size_t n_small;
	int ret = -1;
	struct model *m = model_train(&options, x[0], A + B, names, FIELDS, &result, err),
		     *back = NULL;

	(void)arg;
	if (m && !add_names(&ids, err) &&
	    !model_train_groups(m, &options, x[0], A + B, names, FIELDS, group, &ids, "zone",
				&n_small, err) &&
	    !model_encode(m, &b, err) && (back = model_decode(b.data, b.len, "m", err))) {
		struct scorer *s = scorer_forest_new(back, NULL, err);
		if (s) {
			ret = 0;
			back = NULL;
			scorer_free(s);
		}
	}
	key_ids_release(&ids);
	model_free(m);
	model_free(back);
	buf_release(&b);
	return ret;
}

static void out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(train_encode_decode, NULL) > 100);
}

static void names_in_any_order(void **state)
{
	static const char *const words[] = {"b", "a", "b", "", "ab", "a", "abc", "B"};
	struct error err = ERROR_INIT;
	struct key_numbers k = {.cap = 0};
	uint32_t numbers[8], n;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(
			key_numbers_get(&k, words[i], strlen(words[i]), 6, &numbers[i], &err), 0);
	assert_int_equal(numbers[1], 2);
	assert_int_equal(numbers[2], numbers[0]);
	assert_int_equal(key_numbers_get(&k, "more", 4, 6, &n, &err), -1);
	assert_int_equal(key_numbers_get(&k, "m\0", 2, 7, &n, &err), -1);
	assert_int_equal(key_numbers_sort(&k, numbers, 8, &err), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_string_equal(k.ids.names[numbers[i] - 1], words[i]);
		assert_int_equal(key_ids_find(&k.ids, words[i], strlen(words[i])), numbers[i]);
	}
	for (size_t i = 1; i < k.ids.n; i++)
		assert_true(strcmp(k.ids.names[i - 1], k.ids.names[i]) < 0);
	assert_int_equal(key_ids_find(&k.ids, "abcd", 4), 0);
	assert_int_equal(key_ids_find(&k.ids, "a\0b", 3), 0);
	key_numbers_release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_as_if_alone),   cmocka_unit_test(rows_by_their_groups),
		cmocka_unit_test(damaged_files),      cmocka_unit_test(out_of_memory),
		cmocka_unit_test(names_in_any_order),
	};
	return cmocka_run_group_tests(tests, make_rows, NULL);
}
