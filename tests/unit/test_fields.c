/* Dotted paths, patterns, and the tree of fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/fields_impl.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

/* A path's names with '|' between them; the message of the error where it is none. */
static const char *parts(const char *path)
{
	static char text[1024];
	struct error err = ERROR_INIT;
	struct path p;

	if (path_parse(&p, path, strlen(path), &err)) {
		assert_int_equal(err.kind, ERROR_USAGE);
		snprintf(text, sizeof(text), "%s", err.what);
		return text;
	}
	text[0] = '\0';
	for (size_t i = 0; i < p.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s", i ? "|" : "",
			 (int)p.parts[i].len, p.parts[i].name);
	path_release(&p);
	return text;
}

static void paths_come_apart(void **state)
{
	(void)state;
	assert_string_equal(parts("a"), "a");
	assert_string_equal(parts("features.12"), "features|12");
	assert_string_equal(parts("a\\.b.c"), "a.b|c");
	assert_string_equal(parts("a\\\\.b"), "a\\|b");
	assert_string_equal(parts("\\.\\.\\."), "...");
	assert_string_equal(parts(" .\t"), " |\t");
}

static void bad_paths_are_refused(void **state)
{
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a\\", "a.\\", "\\"};
	char deep[200] = "a";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(strstr(parts(bad[i]), "field path '"));
	for (int i = 1; i < 64; i++)
		text_append(deep, sizeof(deep), ".a");
	assert_int_equal(strlen(parts(deep)), 127);
	text_append(deep, sizeof(deep), ".a");
	assert_non_null(strstr(parts(deep), "has more than 64 parts"));
}

static void names_are_appended_with_escapes(void **state)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(path_append(&b, "a.b", 3, &err), 0);
	assert_int_equal(path_append(&b, "c\\", 2, &err), 0);
	assert_int_equal(path_append(&b, "d", 1, &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(b.data, "a\\.b.c\\\\.d");
	assert_string_equal(parts(b.data), "a.b|c\\|d");
	buf_release(&b);
}

static void patterns_match_within_a_name(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		{"a", "a", true},
		{"a", "ab", false},
		{"ab", "a", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a.b", false},
		{"*.*", "a.b", true},
		{"*.*", "a.b.c", false},
		{"features.*", "features.12", true},
		{"features.*", "features", false},
		{"features.*", "features.a.b", false},
		{"temp*", "temperature", true},
		{"temp*", "temp", true},
		{"temp*", "temp.a", false},
		{"*temp", "attemptemp", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"a**c", "abc", true},
		{"*a.b*", "aa.bb", true},
		{"*a.b*", "ab.bb", false},
		{"*.x", "a.y", false},
		/* a dot inside a name is none between names */
		{"*", "a\\.b", true},
		{"a*", "a\\.b", true},
		{"a*b", "a\\.b", true},
		{"*.b", "a\\.b", false},
		{"a.b", "a\\.b", false},
		{"a\\.b", "a\\.b", true},
		{"a\\.b", "a.b", false},
		{"a\\.*", "a\\.b", true},
		{"*\\\\", "a\\\\", true},
		{"*", "a\\\\", true},
		{"*.c", "a\\\\.c", true},
		{"?", "a", false},
		{"[a]", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (path_matches(cases[i].pattern, cases[i].path) != cases[i].matches)
			fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].path);
}

static void slots_are_numbered_in_order(void **state)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);

	(void)state;
	assert_int_equal(fields_count(f), 0);
	assert_int_equal(fields_want(f, "b", &err), 0);
	assert_int_equal(fields_want(f, "a.b", &err), 1);
	assert_int_equal(fields_want(f, "a", &err), 2);
	assert_int_equal(fields_want(f, "_kafka", &err), 3);
	assert_int_equal(fields_want(f, "b", &err), 0);
	assert_int_equal(fields_want(f, "a.b", &err), 1);
	assert_int_equal(fields_count(f), 4);
	assert_string_equal(fields_path(f, 1), "a.b");
	assert_string_equal(fields_path(f, 3), "_kafka");
	assert_int_equal(fields_want(f, "a..b", &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_equal(fields_want(f, "_kafka.seq", &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	err = (struct error)ERROR_INIT;
	assert_int_equal(fields_want(f, "_kafka.control.x.y", &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_equal(fields_count(f), 4);
	fields_free(f);
	fields_free(NULL);
}

static void owned_members_cover_what_is_below(void **state)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);
	static const struct {
		const char *path;
		bool known, owned;
	} cases[] = {{"v", true, true},     {"v.x", true, true},   {"v.y", false, true},
		     {"w", false, false},   {"w.v", false, false}, {"a\\.b", true, true},
		     {"a.b", false, false}, {"x", true, false}};

	(void)state;
	assert_int_equal(fields_want(f, "x", &err), 0);
	assert_int_equal(fields_want(f, "v.x", &err), 1);
	assert_int_equal(fields_own(f, "v", &err), 0);
	assert_int_equal(fields_own(f, "v", &err), 0);
	assert_int_equal(fields_own(f, "a.b", &err), 0); /* a name, no path */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct path p;
		bool owned;
		assert_int_equal(path_parse(&p, cases[i].path, strlen(cases[i].path), &err), 0);
		int32_t n = fields_find(f, &p, &owned);
		path_release(&p);
		if ((n != NODE_NONE) != cases[i].known || owned != cases[i].owned)
			fail_msg("%s: node %d, owned %d", cases[i].path, (int)n, owned);
	}
	fields_free(f);
}

static void many_fields(void **state)
{
	enum { N = 5000 };
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);
	char path[64];

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "g%d.x%d", i % 17, i);
		assert_int_equal(fields_want(f, path, &err), i);
	}
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "g%d.x%d", i % 17, i);
		assert_int_equal(fields_want(f, path, &err), i);
		snprintf(path, sizeof(path), "g%d", i % 17);
		int32_t g = fields_child(f, NODE_ROOT, path, strlen(path));
		snprintf(path, sizeof(path), "x%d", i);
		int32_t n = fields_child(f, g, path, strlen(path));
		assert_int_equal(f->nodes[n].slot, i + SLOTS_OWN);
		assert_int_equal(fields_child(f, NODE_ROOT, path, strlen(path)), NODE_NONE);
	}
	fields_free(f);
}

static int make_fields(void *arg, struct error *err)
{
	struct fields *f = fields_new(err);
	int ret = -1;

	(void)arg;
	if (!f)
		return -1;
	for (int i = 0; i < 100; i++) {
		char path[32];
		snprintf(path, sizeof(path), "a.b%d", i);
		if (fields_want(f, path, err) < 0 || fields_own(f, path, err))
			goto out;
	}
	ret = 0;
out:
	fields_free(f);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(make_fields, NULL) > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_come_apart),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(names_are_appended_with_escapes),
		cmocka_unit_test(patterns_match_within_a_name),
		cmocka_unit_test(slots_are_numbered_in_order),
		cmocka_unit_test(owned_members_cover_what_is_below),
		cmocka_unit_test(many_fields),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
