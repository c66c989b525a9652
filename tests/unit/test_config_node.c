/* Values of a file that people write: what is wrong with one is said behind its place. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/config_node.h"

/* Quotes are written as ' in the texts here. */
static json_t *parse(const char *text)
{
	char quoted[2000];
	size_t n = strlen(text);

	assert_true(n < sizeof(quoted));
	for (size_t i = 0; i < n; i++)
		quoted[i] = text[i] == '\'' ? '"' : text[i];
	json_t *json = json_loadb(quoted, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!json)
		fail_msg("no JSON: %s", text);
	return json;
}

#define WRONG(result, err, message)                         \
	do {                                                \
		assert_int_equal(result, -1);               \
		assert_string_equal((err).what, message);   \
		assert_int_equal((err).kind, ERROR_CONFIG); \
	} while (0)

static void places(void **state)
{
	struct error err = ERROR_INIT;
	json_t *json = parse("{'a':{'b':[[1,2],{'c':7}]}}");
	struct node top = {.json = json}, a, b, c, none;

	(void)state;
	assert_true(node_get(&top, "a", &a));
	assert_false(node_get(&top, "z", &none));
	assert_int_equal(node_need(&a, "b", &b, &err), 0);
	struct node b0 = node_item(&b, 0), b01 = node_item(&b0, 1), b1 = node_item(&b, 1);
	assert_int_equal(node_need(&b1, "c", &c, &err), 0);
	assert_int_equal(json_integer_value(c.json), 7);

	WRONG(node_fail(&top, &err, "is %s", "odd"), err, "is odd");
	WRONG(node_fail(&a, &err, "is odd"), err, "a: is odd");
	WRONG(node_fail(&b01, &err, "is odd"), err, "a.b[0][1]: is odd");
	WRONG(node_fail(&c, &err, "is odd"), err, "a.b[1].c: is odd");
	WRONG(node_need(&top, "z", &none, &err), err, "lacks 'z'");
	WRONG(node_need(&b1, "z", &none, &err), err, "a.b[1]: lacks 'z'");
	/* no object has no members */
	WRONG(node_need(&c, "z", &none, &err), err, "a.b[1].c: lacks 'z'");

	struct node items = {.json = parse("[5]")}, item = node_item(&items, 0);
	WRONG(node_fail(&item, &err, "is odd"), err, "[0]: is odd");
	json_decref((json_t *)(uintptr_t)items.json);
	json_decref(json);
}

static void what_it_is_instead(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"'text'", "must be X, not 'text'"},
		{"''", "must be X, not ''"},
		{"7", "must be X, not 7"},
		{"-9223372036854775808", "must be X, not -9223372036854775808"},
		/* no whole number looks like one */
		{"2.0", "must be X, not 2.0"},
		{"0.1", "must be X, not 0.1"},
		{"1e300", "must be X, not 1e+300"},
		{"{'a':1}", "must be X, not an object"},
		{"[]", "must be X, not an array of 0"},
		{"[1,2]", "must be X, not an array of 2"},
		{"null", "must be X, not null"},
		{"true", "must be X, not true"},
		{"false", "must be X, not false"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *json = parse(cases[i].text);
		struct node n = {.json = json};
		WRONG(node_refuse(&n, "X", &err), err, cases[i].message);
		json_decref(json);
	}
}

static void members_and_items(void **state)
{
	static const char *const known[] = {"a", "b", NULL}, *const nothing[] = {NULL};
	json_t *json = parse("{'o':{'a':1,'c':2},'e':[],'l':[1,2,3]}");
	struct node top = {.json = json}, o, e, l;
	struct error err = ERROR_INIT;
	size_t n;

	(void)state;
	assert_true(node_get(&top, "o", &o) && node_get(&top, "e", &e) && node_get(&top, "l", &l));
	assert_int_equal(node_object(&o, NULL, &err), 0);
	WRONG(node_object(&o, known, &err), err,
	      "o.c: is unknown; what may stand here is 'a', 'b'");
	json_object_del((json_t *)(uintptr_t)o.json, "c");
	assert_int_equal(node_object(&o, known, &err), 0);
	WRONG(node_object(&o, nothing, &err), err,
	      "o.a: is unknown; what may stand here is nothing");
	WRONG(node_object(&l, NULL, &err), err, "l: must be an object, not an array of 3");

	assert_int_equal(node_array(&l, &n, &err), 0);
	assert_int_equal(n, 3);
	WRONG(node_array(&e, &n, &err), err,
	      "e: must be an array that is not empty, not an array of 0");
	WRONG(node_array(&o, &n, &err), err,
	      "o: must be an array that is not empty, not an object");
	json_decref(json);
}

/* What node_real says of a text; "" of a good one. */
static const char *real(const char *text, double low, double high, double *x)
{
	static struct error err;
	json_t *json = parse(text);
	struct node n = {.json = json};

	err = (struct error)ERROR_INIT;
	int result = node_real(&n, low, high, x, &err);
	assert_int_equal(result, err.kind ? -1 : 0);
	json_decref(json);
	return err.what;
}

static const char *count(const char *text, uint64_t low, uint64_t high, uint64_t *x)
{
	static struct error err;
	json_t *json = parse(text);
	struct node n = {.json = json};

	err = (struct error)ERROR_INIT;
	int result = node_count(&n, low, high, x, &err);
	assert_int_equal(result, err.kind ? -1 : 0);
	json_decref(json);
	return err.what;
}

static void numbers(void **state)
{
	uint64_t whole;
	double x;

	(void)state;
	assert_string_equal(real("0", 0, 1, &x), "");
	assert_string_equal(real("1.0", 0, 1, &x), "");
	assert_true(x == 1);
	assert_string_equal(real("-1", 0, 1, &x), "must be a number from 0 to 1, not -1");
	assert_string_equal(real("1.25", 0, 1, &x), "must be a number from 0 to 1, not 1.25");
	assert_string_equal(real("'1'", 0, 1, &x), "must be a number from 0 to 1, not '1'");
	assert_string_equal(real("null", 0, 1, &x), "must be a number from 0 to 1, not null");
	assert_string_equal(real("-1.7976931348623157e308", -INFINITY, INFINITY, &x), "");
	assert_true(x == -DBL_MAX);
	assert_string_equal(real("'1'", -INFINITY, INFINITY, &x), "must be a number, not '1'");

	assert_string_equal(count("2", 2, 9, &whole), "");
	assert_string_equal(count("9", 2, 9, &whole), "");
	assert_int_equal(whole, 9);
	assert_string_equal(count("1", 2, 9, &whole), "must be a whole number from 2 to 9, not 1");
	assert_string_equal(count("10", 2, 9, &whole),
			    "must be a whole number from 2 to 9, not 10");
	assert_string_equal(count("2.0", 2, 9, &whole),
			    "must be a whole number from 2 to 9, not 2.0");
	assert_string_equal(count("true", 2, 9, &whole),
			    "must be a whole number from 2 to 9, not true");
	/* as an unsigned number it would be within */
	assert_string_equal(count("-1", 0, UINT64_MAX, &whole),
			    "must be a whole number from 0 to 18446744073709551615, not -1");
}

static void ranges(void **state)
{
	json_t *json = parse("{'one':3,'two':[-1,2.5],'turned':[2,1],'low':[-9,0],'many':[1,2,3],"
			     "'text':'1 to 2'}");
	struct node top = {.json = json}, n;
	struct error err = ERROR_INIT;
	double r[2];

	(void)state;
	assert_true(node_get(&top, "one", &n));
	assert_int_equal(node_range(&n, -5, 5, r, &err), 0);
	assert_true(r[0] == 3 && r[1] == 3);
	WRONG(node_range(&n, -5, 2, r, &err), err, "one: must be a number from -5 to 2, not 3");
	assert_true(node_get(&top, "two", &n));
	assert_int_equal(node_range(&n, -5, 5, r, &err), 0);
	assert_true(r[0] == -1 && r[1] == 2.5);
	assert_true(node_get(&top, "turned", &n));
	WRONG(node_range(&n, -5, 5, r, &err), err, "turned: 2 is above 1");
	assert_true(node_get(&top, "low", &n));
	WRONG(node_range(&n, -5, 5, r, &err), err, "low[0]: must be a number from -5 to 5, not -9");
	assert_true(node_get(&top, "many", &n));
	WRONG(node_range(&n, -5, 5, r, &err), err,
	      "many: must be a number or [lowest, highest], not an array of 3");
	assert_true(node_get(&top, "text", &n));
	WRONG(node_range(&n, -5, 5, r, &err), err,
	      "text: must be a number or [lowest, highest], not '1 to 2'");
	json_decref(json);
}

static void texts_and_choices(void **state)
{
	static const char *const names[] = {"low", "high", NULL};
	json_t *json = parse("{'t':'high','e':'','yes':true,'n':0}");
	struct node top = {.json = json}, t, e, yes, n;
	struct error err = ERROR_INIT;
	const char *text;
	unsigned choice;
	bool truth;

	(void)state;
	assert_true(node_get(&top, "t", &t) && node_get(&top, "e", &e));
	assert_true(node_get(&top, "yes", &yes) && node_get(&top, "n", &n));
	assert_int_equal(node_text(&t, &text, &err), 0);
	assert_string_equal(text, "high");
	assert_int_equal(node_text(&e, &text, &err), 0);
	assert_string_equal(text, "");
	WRONG(node_text(&n, &text, &err), err, "n: must be a string, not 0");

	assert_int_equal(node_choice(&t, names, &choice, &err), 0);
	assert_int_equal(choice, 1);
	WRONG(node_choice(&e, names, &choice, &err), err,
	      "e: must be one of 'low', 'high', not ''");
	WRONG(node_choice(&n, names, &choice, &err), err, "n: must be one of 'low', 'high', not 0");

	assert_int_equal(node_truth(&yes, &truth, &err), 0);
	assert_true(truth);
	WRONG(node_truth(&n, &truth, &err), err, "n: must be true or false, not 0");
	json_decref(json);
}

/* However long names and texts are, and however deep they stand, the message ends, with the place
 * first and the reason behind it as far as there is room. */
static void long_ones_are_cut(void **state)
{
	char name[301], text[301], message[512];
	struct node chain[80], *last = &chain[79];
	struct error err = ERROR_INIT;

	(void)state;
	memset(name, 'k', sizeof(name) - 1);
	memset(text, 't', sizeof(text) - 1);
	name[sizeof(name) - 1] = text[sizeof(text) - 1] = '\0';
	json_t *json = json_pack("{s:s}", name, text);
	struct node top = {.json = json}, n;

	assert_true(node_get(&top, name, &n));
	snprintf(message, sizeof(message), "%.100s: must be X, not '%.40s'", name, text);
	WRONG(node_refuse(&n, "X", &err), err, message);

	for (size_t i = 0; i < 80; i++)
		chain[i] = (struct node){
			.json = json, .up = i ? &chain[i - 1] : NULL, .key = i ? name : NULL};
	WRONG(node_fail(last, &err, "%s%s", text, text), err, err.what);
	assert_int_equal(strlen(err.what), sizeof(err.what) - 1);
	snprintf(message, sizeof(message), "%.100s.%.100s.%.100s.%.96s: ttt", name, name, name,
		 name);
	assert_memory_equal(err.what, message, strlen(message));

	for (size_t i = 1; i < 80; i++)
		chain[i] = (struct node){.json = json, .up = &chain[i - 1], .index = i};
	WRONG(node_fail(last, &err, "is odd"), err, err.what);
	assert_memory_equal(err.what, "[16][17]", 8);
	assert_string_equal(err.what + strlen(err.what) - strlen("[78][79]: is odd"),
			    "[78][79]: is odd");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(what_it_is_instead),
		cmocka_unit_test(members_and_items),
		cmocka_unit_test(numbers),
		cmocka_unit_test(ranges),
		cmocka_unit_test(texts_and_choices),
		cmocka_unit_test(long_ones_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
