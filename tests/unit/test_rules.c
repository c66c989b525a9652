#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/timestamp.h"
#include "lib/model/rule_state.h"
#include "lib/model/rules.h"
#include "tests/unit/alloc_fail.h"

#define RULE(more) "{\"rules\":[{\"name\":\"r\",\"severity\":\"low\",\"field\":\"x\"," more "}]}"

static struct rules *parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct rules *r = rules_parse(text, strlen(text), "f", &err);

	if (!r)
		fail_msg("%s: %s", text, err.what);
	return r;
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"", "no valid JSON"},
		{"{", "no valid JSON"},
		{"[]", "must be an object, not an array of 0"},
		{"{\"rules\":[],\"rules\":[]}", "duplicate"},
		{"{}", "lacks 'rules'"},
		{"{\"rules\":{}}", "rules: must be an array that is not empty, not an object"},
		{"{\"rules\":[]}", "rules: must be an array that is not empty, not an array of 0"},
		{"{\"rule\":[],\"rules\":[]}",
		 "rule: is unknown; what may stand here is 'note', 'by', 'key', 'rules'"},
		{"{\"rules\":[7]}", "rules[0]: must be an object, not 7"},
		{"{\"by\":7,\"rules\":[7]}", "by: must be a string, not 7"},
		{"{\"by\":\"a..b\",\"rules\":[7]}",
		 "by: field path 'a..b' has an empty name in it"},
		{"{\"key\":[\"a\",7],\"rules\":[7]}", "key[1]: must be a string, not 7"},
		{"{\"key\":{},\"rules\":[7]}", "key: must be a string, not an object"},
		{"{\"rules\":[{}]}", "rules[0]: lacks 'name'"},
		{"{\"rules\":[{\"name\":\"\"}]}", "rules[0].name: is empty"},
		{"{\"rules\":[{\"name\":\"model\"}]}",
		 "rules[0].name: 'model' stands for the model"},
		{"{\"rules\":[{\"name\":\"a\"}]}", "rules[0]: lacks 'kind'"},
		{"{\"rules\":[{\"name\":\"a\",\"kind\":\"over\"}]}",
		 "rules[0].kind: must be one of 'above', 'below', 'range', 'rate', 'stuck', "
		 "'missing', not 'over'"},
		{"{\"rules\":[{\"name\":\"a\",\"kind\":\"above\"}]}", "rules[0]: lacks 'severity'"},
		{"{\"rules\":[{\"name\":\"a\",\"kind\":\"above\",\"severity\":\"none\"}]}",
		 "rules[0].severity: must be one of 'low', 'medium', 'high', not 'none'"},
		{"{\"rules\":[{\"name\":\"a\",\"kind\":\"above\",\"severity\":\"low\"}]}",
		 "rules[0]: lacks 'field'"},
		{RULE("\"kind\":\"above\""), "rules[0]: lacks 'limit'"},
		{RULE("\"kind\":\"above\",\"limit\":\"7\""),
		 "rules[0].limit: must be a number, not '7'"},
		{RULE("\"kind\":\"above\",\"limit\":1e999"), "no valid JSON: real number overflow"},
		{RULE("\"kind\":\"above\",\"limit\":1,\"min\":2"),
		 "rules[0].min: is no member of a rule of kind 'above'"},
		{RULE("\"kind\":\"above\",\"limit\":1,\"colour\":2"),
		 "rules[0].colour: is unknown; what may stand here is 'name', 'severity', "},
		{RULE("\"kind\":\"range\",\"min\":1"), "rules[0]: lacks 'max'"},
		{RULE("\"kind\":\"range\",\"min\":1,\"max\":1"),
		 "rules[0]: has a 'min' of 1 that is not below its 'max' of 1"},
		{RULE("\"kind\":\"rate\",\"per_second\":0"),
		 "rules[0].per_second: must be a number above 0, not 0"},
		{RULE("\"kind\":\"rate\",\"per_second\":\"2\""),
		 "rules[0].per_second: must be a number above 0, not '2'"},
		{RULE("\"kind\":\"stuck\""), "rules[0]: has neither 'records' nor 'for'"},
		{RULE("\"kind\":\"stuck\",\"records\":3,\"for\":\"1m\""),
		 "rules[0]: has both 'records' and 'for'"},
		{RULE("\"kind\":\"stuck\",\"records\":1"),
		 "rules[0].records: must be a whole number from 2 to 1000000000, not 1"},
		{RULE("\"kind\":\"stuck\",\"records\":2.0"),
		 "rules[0].records: must be a whole number from 2 to 1000000000, not 2.0"},
		{RULE("\"kind\":\"stuck\",\"for\":\"soon\""),
		 "rules[0].for: must be a length of time such as '90s', '10m' or '2h', not 'soon'"},
		{RULE("\"kind\":\"stuck\",\"for\":60"),
		 "rules[0].for: must be a length of time such as '90s', '10m' or '2h', not 60"},
		{RULE("\"kind\":\"missing\",\"records\":0"),
		 "rules[0].records: must be a whole number from 1 to 1000000000, not 0"},
		{RULE("\"kind\":\"above\",\"limit\":1,\"per_key\":{}"),
		 "rules[0].per_key: needs 'by' at the top"},
		{"{\"by\":\"z\",\"rules\":[{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\","
		 "\"kind\":\"above\",\"limit\":1,\"per_key\":[]}]}",
		 "rules[0].per_key: must be an object, not an array of 0"},
		{"{\"by\":\"z\",\"rules\":[{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\","
		 "\"kind\":\"above\",\"limit\":1,\"per_key\":{\"p\":{\"limit\":true}}}]}",
		 "rules[0].per_key.p.limit: must be a number, not true"},
		{"{\"by\":\"z\",\"rules\":[{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\","
		 "\"kind\":\"above\",\"limit\":1,\"per_key\":{\"p\":{\"max\":1}}}]}",
		 "rules[0].per_key.p.max: is unknown; what may stand here is 'limit'"},
		{"{\"by\":\"z\",\"rules\":[{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\","
		 "\"kind\":\"range\",\"min\":1,\"max\":9,\"per_key\":{\"p\":{\"max\":0}}}]}",
		 "rules[0].per_key.p: has a 'min' of 1 that is not below its 'max' of 0"},
		{"{\"rules\":[{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\",\"kind\":"
		 "\"above\",\"limit\":1},{\"name\":\"a\"}]}",
		 "rules[1].name: 'a' is the name of rules[0], too"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;
		if (rules_parse(cases[i].text, strlen(cases[i].text), "f", &err))
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(err.what, cases[i].what))
			fail_msg("%s: '%s' instead of '%s'", cases[i].text, err.what,
				 cases[i].what);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_string_equal(err.file, "f");
	}
}

static void too_many_rules(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	for (int n = RULES_MAX; n <= RULES_MAX + 1; n++) {
		b.len = 0;
		buf_add_str(&b, "{\"rules\":[", &err);
		for (int i = 0; i < n; i++)
			buf_printf(&b, &err,
				   "%s{\"name\":\"%d\",\"severity\":\"low\",\"field\":\"x%d\","
				   "\"kind\":\"above\",\"limit\":%d}",
				   i ? "," : "", i, i, i);
		buf_add_str(&b, "]}", &err);
		struct rules *r = rules_parse(b.data, b.len, "f", &err);
		assert_int_equal(r != NULL, n == RULES_MAX);
		rules_free(r);
	}
	assert_string_equal(err.what, "rules: has 65 rules, not 1 to 64");
	buf_release(&b);
}

static struct verdict judge(const struct rules *r, const double *x, uint32_t by)
{
	struct error err = ERROR_INIT;
	struct scorer *s = scorer_rules_new(r, &err);
	struct verdict v;
	const struct scorer_rows rows = {.n = 1, .stride = r->n_fields, .x = x, .key_id = &by};

	assert_non_null(s);
	assert_false(s->keyed);
	scorer_score(s, &rows, 1, NULL, &v);
	scorer_free(s);
	return v;
}

static void rules_of_one_record(void **state)
{
	struct rules *r = parse("{\"by\":\"zone\",\"rules\":["
				"{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\",\"kind\":"
				"\"above\",\"limit\":40,"
				"\"per_key\":{\"p\":{\"limit\":50},\"q\":null}},"
				"{\"name\":\"b\",\"severity\":\"medium\",\"field\":\"x\",\"kind\":"
				"\"below\",\"limit\":-5},"
				"{\"name\":\"c\",\"severity\":\"high\",\"field\":\"y\",\"kind\":"
				"\"range\",\"min\":0,\"max\":1,"
				"\"per_key\":{\"r\":{\"max\":2}}}]}");
	static const struct {
		double x, y;
		uint32_t by;
		uint64_t reasons;
		enum severity severity;
	} cases[] = {
		{40, 0, 0, 0, SEVERITY_NONE},    {40.5, 1, 0, 1, SEVERITY_LOW},
		{-5, NAN, 0, 0, SEVERITY_NONE},  {-5.5, 1, 0, 2, SEVERITY_MEDIUM},
		{NAN, 1.5, 0, 4, SEVERITY_HIGH}, {NAN, -0.5, 0, 4, SEVERITY_HIGH},
		{41, 7, 0, 5, SEVERITY_HIGH},    {45, 0, 1, 0, SEVERITY_NONE},
		{51, 0, 1, 1, SEVERITY_LOW},     {1000, 0, 2, 0, SEVERITY_NONE},
		{41, 1.5, 3, 1, SEVERITY_LOW},   {0, 2.5, 3, 4, SEVERITY_HIGH},
	};

	(void)state;
	assert_int_equal(r->n, 3);
	assert_int_equal(r->n_fields, 2);
	assert_int_equal(r->n_keyed, 0);
	assert_string_equal(r->by, "zone");
	assert_int_equal(r->by_values.n, 3);
	assert_int_equal(key_ids_find(&r->by_values, "q", 1), 2);
	assert_int_equal(strlen(r->version), MODEL_VERSION_LEN);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double x[] = {cases[i].x, cases[i].y};
		struct verdict v = judge(r, x, cases[i].by);
		assert_int_equal(v.status, ROW_OK);
		assert_int_equal(v.reasons, cases[i].reasons);
		assert_int_equal(v.severity, cases[i].severity);
		assert_int_equal(v.is_anomaly, cases[i].reasons != 0);
		assert_true(v.score == rule_weight(cases[i].severity));
		assert_true(isnan(v.quantile));
	}
	struct verdict v = judge(r, (double[]){NAN, NAN}, 0);
	assert_int_equal(v.status, ROW_TOO_MANY_MISSING);
	assert_int_equal(v.imputed, 2);
	rules_free(r);
}

/* Two rules are high, whatever they are; what is missing once needs no series. */
static void two_are_high(void **state)
{
	struct rules *r =
		parse("{\"rules\":["
		      "{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\",\"kind\":\"missing\"},"
		      "{\"name\":\"b\",\"severity\":\"low\",\"field\":\"y\",\"kind\":\"missing\","
		      "\"records\":1}]}");

	(void)state;
	assert_int_equal(r->n_keyed, 0);
	assert_true(r->fields[0].may_be_absent && !r->fields[0].number);
	assert_int_equal(judge(r, (double[]){1, NAN}, 0).severity, SEVERITY_LOW);
	assert_int_equal(judge(r, (double[]){NAN, NAN}, 0).severity, SEVERITY_HIGH);
	assert_int_equal(judge(r, (double[]){1, 1}, 0).severity, SEVERITY_NONE);
	rules_free(r);
}

static void verdicts_as_one(void **state)
{
	const double s = 0.6;
	struct verdict rules = {.reasons = 1,
				.is_anomaly = true,
				.severity = SEVERITY_MEDIUM,
				.score = rule_weight(SEVERITY_MEDIUM)},
		       none = {.score = 0}, model = {.score = s};

	(void)state;
	verdict_merge(&model, &none);
	assert_true(model.score == s && !model.is_anomaly && model.severity == SEVERITY_NONE);
	verdict_merge(&model, &rules);
	assert_true(model.is_anomaly && model.severity == SEVERITY_MEDIUM && model.reasons == 1);
	assert_true(fabs(model.score - 0.9) < 1e-15);
	model = (struct verdict){.score = s, .is_anomaly = true, .severity = SEVERITY_HIGH};
	verdict_merge(&model, &rules);
	assert_int_equal(model.severity, SEVERITY_HIGH);
	model = (struct verdict){.score = 1};
	verdict_merge(&model, &rules);
	assert_true(model.score == 1);
}

/* A series of one key: "seconds value" pairs, NAN for a missing value. */
struct step {
	double seconds, x;
	bool fires;
};

static void follow(const char *rule, const struct step *steps, size_t n)
{
	char text[512];
	struct error err = ERROR_INIT;
	int len =
		snprintf(text, sizeof(text),
			 "{\"key\":[],\"by\":\"z\",\"rules\":[{\"name\":\"r\",\"severity\":\"low\","
			 "\"field\":\"x\",%s}]}",
			 rule);
	struct rules *r = rules_parse(text, (size_t)len, "f", &err);
	assert_non_null(r);
	const struct rule_state_options o = {.n_memories = r->n_keyed,
					     .max_keys = 1,
					     .idle_ns = 3600 * NS_PER_SECOND,
					     .forget = 1000};
	struct rule_states *states = rule_states_new(&o, &err);
	struct scorer *s = scorer_rules_new(r, &err);
	size_t partition;

	assert_true(states && s && s->keyed && r->has_key && r->n_key == 0);
	assert_int_equal(rule_states_partition(states, NULL, 0, 0, &partition, &err), 0);
	for (size_t i = 0; i < n; i++) {
		int64_t ns = (int64_t)(steps[i].seconds * NS_PER_SECOND);
		void *key = rule_states_at(states, partition, "", 0, (int64_t)i, &err);
		struct verdict v;
		const struct scorer_rows row = {
			.n = 1, .stride = 1, .x = &steps[i].x, .time_ns = &ns, .state = &key};
		scorer_score(s, &row, 1, NULL, &v);
		/* Without a rule that watches for it, a record of nothing is no record. */
		if (v.status == ROW_OK && v.is_anomaly != steps[i].fires)
			fail_msg("%s: step %zu", rule, i);
	}
	scorer_free(s);
	rule_states_free(states);
	rules_free(r);
}

#define FOLLOW(rule, ...)                                \
	follow(rule, (const struct step[]){__VA_ARGS__}, \
	       sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void rates(void **state)
{
	(void)state;
	FOLLOW("\"kind\":\"rate\",\"per_second\":2", {0, 10, false}, {1, 12, false},
	       {2, 14.5, true}, {4, 10.5, false}, {5, 8, true}, /* back */ {3, 3, true},
	       /* one time twice has no rate */ {3, 100, false}, {4, 101, false},
	       /* what is missing is passed over */ {5, NAN, false}, {6, 106, true},
	       /* a pause begins anew */ {3607, 0, false}, {3608, 3, true}, {7, 0, false});
}

static void stuck_for_records(void **state)
{
	(void)state;
	FOLLOW("\"kind\":\"stuck\",\"records\":3", {0, 1, false}, {1, 1, false}, {2, 1, true},
	       {3, 1, true}, {4, 2, false}, {5, 2, false}, {6, NAN, false}, {7, 2, true},
	       {8, 2, true}, {7, 2, true}, {9, 3, false}, {10, 3, false}, {3611, 3, false},
	       {3612, 3, false}, {3613, 3, true}, /* zeros are equal */ {3614, 0.0, false},
	       {3615, -0.0, false}, {3616, 0.0, true});
}

static void stuck_for_a_time(void **state)
{
	(void)state;
	FOLLOW("\"kind\":\"stuck\",\"for\":\"10s\"", {0, 1, false}, {5, 1, false}, {9, 1, false},
	       {10, 1, true}, {3, 1, true}, {11, 2, false}, {30, 2, true}, {31, 3, false},
	       /* the earliest counts, whenever it came */ {25, 3, false}, {35, 3, true});
}

static void missing_for_some_time(void **state)
{
	(void)state;
	FOLLOW("\"kind\":\"missing\",\"records\":2", {0, NAN, false}, {1, NAN, true},
	       {2, NAN, true}, {3, 0, false}, {4, NAN, false}, {5, 7, false}, {6, NAN, false},
	       {7, NAN, true});
	FOLLOW("\"kind\":\"missing\",\"for\":\"1m\"", {0, NAN, false}, {59, NAN, false},
	       {60, NAN, true}, {61, 1, false}, {62, NAN, false}, {4000, NAN, false});
}

static void keys_of_series(void **state)
{
	struct error err = ERROR_INIT;
	struct rules *r =
		parse("{\"key\":\"sensor\",\"rules\":[{\"name\":\"r\",\"severity\":\"low\","
		      "\"field\":\"x\",\"kind\":\"stuck\",\"records\":2}]}");
	const struct rule_state_options o = {
		.n_memories = 1, .max_keys = 300, .idle_ns = 1, .forget = 1000};
	struct rule_states *s = rule_states_new(&o, &err);
	size_t a, b, again;

	(void)state;
	assert_int_equal(r->n_key, 1);
	assert_string_equal(r->key[0], "sensor");
	assert_int_equal(rule_states_partition(s, "t", 1, 0, &a, &err), 0);
	assert_int_equal(rule_states_partition(s, "t", 1, 1, &b, &err), 0);
	assert_int_equal(rule_states_partition(s, "t", 1, 0, &again, &err), 0);
	assert_true(a == again && a != b);
	assert_int_equal(rule_states_need(s, a, 7), 7);
	/* The same key in two partitions is two; each is found again. */
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 150; i++) {
			char key[8];
			size_t len = (size_t)snprintf(key, sizeof(key), "%d", i);
			struct rule_key *ka = rule_states_at(s, a, key, len, round * 150 + i, &err);
			struct rule_key *kb = rule_states_at(s, b, key, len, round * 150 + i, &err);
			assert_true(ka && kb && ka != kb);
			assert_int_equal(ka->memory[0].records, round);
			ka->memory[0] = (struct rule_memory){
				.any = true, .records = 1, .need = i, .offset = round * 150 + i};
			kb->memory[0].records = 1;
		}
	assert_int_equal(rule_states_keys(s), 300);
	assert_int_equal(rule_states_need(s, a, 300), 0);
	assert_int_equal(rule_states_need(s, b, 300), 300);
	assert_null(rule_states_at(s, a, "x", 1, 300, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "--max-keys"));
	/* Those that had none of the last thousand are gone: 150 to 199 of partition a. */
	assert_non_null(rule_states_at(s, a, "149", 3, 1200, &err));
	assert_non_null(rule_states_at(s, a, "x", 1, 1200, &err));
	assert_int_equal(rule_states_keys(s), 300 - 50 + 1);
	assert_int_equal(rule_states_need(s, a, 1201), 50);
	rule_states_drop(s, a);
	assert_int_equal(rule_states_keys(s), 150);
	assert_int_equal(rule_states_need(s, a, 1201), 1201);
	rule_states_free(s);
	rules_free(r);
}

static void described(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct rules *r = parse("{\"by\":\"zone\",\"key\":[\"s\",\"t\"],\"rules\":["
				"{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\",\"kind\":"
				"\"above\",\"limit\":40,"
				"\"per_key\":{\"p\":{\"limit\":50},\"q\":null}},"
				"{\"name\":\"b\",\"severity\":\"high\",\"field\":\"y\",\"kind\":"
				"\"stuck\",\"for\":\"1m\"}]}");

	(void)state;
	assert_int_equal(rules_describe(r, false, &b, &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_non_null(strstr(b.data, "limits by      zone\nseries by      s, t\n"));
	assert_non_null(strstr(b.data, "  a  low: x above 40\n    p: x above 50\n    q: never\n"));
	assert_non_null(strstr(b.data, "  b  high: y the same for 60 s\n"));
	b.len = 0;
	assert_int_equal(rules_describe(r, true, &b, &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_non_null(strstr(b.data, "\"limit\":40.0,\"per_key\":{\"p\":{\"limit\":50.0},"
				       "\"q\":null}}"));
	assert_non_null(strstr(b.data, ",\"seconds\":60.0,\"per_key\":{\"p\":{\"seconds\":60.0}"));
	buf_release(&b);
	rules_free(r);
}

static int parse_and_score(void *arg, struct error *err)
{
	struct rules *r = rules_parse(arg, strlen(arg), "f", err);
	struct scorer *s = r ? scorer_rules_new(r, err) : NULL;
	int ret = s ? 0 : -1;

	if (s)
		scorer_free(s);
	rules_free(r);
	return ret;
}

static void out_of_memory(void **state)
{
	static char text[] = "{\"by\":\"zone\",\"key\":[\"s\",\"t\"],\"rules\":["
			     "{\"name\":\"a\",\"severity\":\"low\",\"field\":\"x\",\"kind\":"
			     "\"above\",\"limit\":40,"
			     "\"per_key\":{\"p\":{\"limit\":50},\"q\":null}}]}";

	(void)state;
	assert_true(alloc_fail_each(parse_and_score, text) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(too_many_rules),
		cmocka_unit_test(rules_of_one_record),
		cmocka_unit_test(two_are_high),
		cmocka_unit_test(verdicts_as_one),
		cmocka_unit_test(rates),
		cmocka_unit_test(stuck_for_records),
		cmocka_unit_test(stuck_for_a_time),
		cmocka_unit_test(missing_for_some_time),
		cmocka_unit_test(keys_of_series),
		cmocka_unit_test(described),
		cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
