/* Keys and headers made of fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/kafka/template.h"
#include "lib/record/csv.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

/* What a template, or a list of paths, makes of a record; "! …" when it fails. Good until the next
 * call. */
static const char *made(bool list, const char *text, const char *line,
			const struct csv_header *header)
{
	static char shown[512];
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	struct template t;
	struct record rec;

	if ((list ? template_parse_list : template_parse)(&t, "the key", text, &err))
		fail_msg("'%s': %s", text, err.what);
	struct fields *fields = fields_new(&err);
	assert_non_null(fields);
	assert_int_equal(fields_want(fields, "before", &err), 0);
	assert_int_equal(template_want(&t, fields, &err), 0);
	struct scanner *s = scanner_new(fields, &err);
	struct block block = text_block(line, strlen(line), header);
	assert_non_null(s);
	assert_int_equal(scanner_start(s, &block, &err), 0);
	if (scanner_next(s, &rec, &err) != 1)
		fail_msg("%s: %s", line, err.what);
	assert_int_equal(buf_add_str(&out, "<", &err), 0);
	shown[0] = '\0';
	if (template_render(&t, rec.values, &out, &err)) {
		assert_int_equal(err.kind, ERROR_DATA);
		assert_int_equal(out.len, 1);
		text_append(shown, sizeof(shown), "! ");
		text_append(shown, sizeof(shown), err.what);
	} else {
		assert_int_equal(buf_terminate(&out, &err), 0);
		text_append(shown, sizeof(shown), out.data + 1);
	}
	scanner_free(s);
	text_block_free(&block);
	fields_free(fields);
	template_release(&t);
	buf_release(&out);
	return shown;
}

#define RECORD                                                                                     \
	"{\"id\":7,\"x\":1.50,\"big\":123456789012345678901,\"name\":\"z\\u00f6\\\"n\\/"           \
	"e\",\"on\":"                                                                              \
	"true,\"off\":false,\"none\":null,\"list\":[1],\"in\":{\"a.b\":\"deep\",\"}\":2,\"p%\":3}" \
	","                                                                                        \
	"\"a,b\":4,\"empty\":\"\",\"half\":\"\\ud800\"}\n"

static void templates(void **state)
{
	static const char *const pairs[][2] = {
		{"sample_%{id}", "sample_7"},
		{"%{id}", "7"},
		{"", ""},
		{"no field", "no field"},
		{"100%%", "100%"},
		{"%%{id}%%%{id}%%", "%{id}%7%"},
		{"%{x}/%{big}/%{on}%{off}", "1.50/123456789012345678901/truefalse"},
		{"<%{name}>", "<z\xc3\xb6\"n/e>"},
		{"%{in.a\\.b} %{in.\\}} %{in.p%}", "deep 2 3"},
		{"%{empty}", ""},
		{"%{id}%{id}", "77"},
		{"{%{id}}", "{7}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(made(false, pairs[i][0], RECORD, NULL), pairs[i][1]);
}

static void lists(void **state)
{
	static const char *const pairs[][2] = {
		{"id", "7"},
		{"name", "z\xc3\xb6\"n/e"},
		{"a\\,b", "4"},
		{"id,name", "[7,\"z\xc3\xb6\\\"n/e\"]"},
		{"on,x,empty,id", "[true,1.50,\"\",7]"},
		{"a\\,b,in.a\\.b", "[4,\"deep\"]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(made(true, pairs[i][0], RECORD, NULL), pairs[i][1]);
}

/* A separator would make one key of these. */
static void lists_that_differ_stay_apart(void **state)
{
	char one[64] = "";

	(void)state;
	text_append(one, sizeof(one), made(true, "a,b", "{\"a\":\"1,2\",\"b\":\"3\"}\n", NULL));
	assert_string_not_equal(one, made(true, "a,b", "{\"a\":\"1\",\"b\":\"2,3\"}\n", NULL));
}

static void of_csv(void **state)
{
	static const char names[] = "id,name,n.x,none";
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new(names, strlen(names), false, &err);

	(void)state;
	assert_non_null(h);
	assert_string_equal(made(false, "%{id}-%{name}-%{n.x}", "007,\"a\"\"b\",2.50,\n", h),
			    "007-a\"b-2.50");
	assert_string_equal(made(true, "id,name", "7,\"a\"\"b\",2.50,\n", h), "[7,\"a\\\"b\"]");
	assert_string_equal(made(false, "%{none}", "007,a,2,\n", h),
			    "! field 'none' of the key is missing");
	csv_header_free(h);
}

static void without_a_text(void **state)
{
	(void)state;
	assert_string_equal(made(false, "a%{none}", RECORD, NULL),
			    "! field 'none' of the key is missing");
	assert_string_equal(made(false, "a%{gone.x}", RECORD, NULL),
			    "! field 'gone.x' of the key is missing");
	assert_string_equal(made(true, "id,in", RECORD, NULL),
			    "! field 'in' of the key is an object");
	assert_string_equal(made(false, "%{list}", RECORD, NULL),
			    "! field 'list' of the key is an array");
	assert_string_equal(made(false, "%{half}", RECORD, NULL),
			    "! field 'half' of the key: string holds half a surrogate pair");
	assert_string_equal(made(true, "half,id", RECORD, NULL),
			    "! field 'half' of the key: string holds half a surrogate pair");
}

static void refused(void **state)
{
	static const struct {
		bool list;
		const char *text, *what;
	} bad[] = {
		{false, "%", "'%' at byte 1 is neither '%%' nor '%{PATH}'"},
		{false, "abc%", "'%' at byte 4"},
		{false, "a%s", "'%' at byte 2"},
		{false, "%%%", "'%' at byte 3"},
		{false, "ab%{id", "'%{' at byte 3 has no '}'"},
		{false, "%{id\\}", "'%{' at byte 1 has no '}'"},
		{false, "%{id\\", "'%{' at byte 1 has no '}'"},
		{false, "x%{}", "at byte 4: field path '' has an empty name"},
		{false, "%{id}%{a..b}", "at byte 8: field path 'a..b'"},
		{true, "", "at byte 1: field path ''"},
		{true, "a,", "at byte 3: field path ''"},
		{true, "a,,b", "at byte 3: field path ''"},
		{true, "a,b\\", "at byte 3: field path 'b\\' ends in a backslash"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = ERROR_INIT;
		struct template t;
		if (!(bad[i].list ? template_parse_list : template_parse)(&t, "", bad[i].text,
									  &err))
			fail_msg("passes: '%s'", bad[i].text);
		assert_int_equal(err.kind, ERROR_USAGE);
		if (!strstr(err.what, bad[i].what))
			fail_msg("'%s': %s", bad[i].text, err.what);
	}
}

static int parse_and_render(void *arg, struct error *err)
{
	const struct value values[] = {{.text = "\"abc\"", .len = 5, .kind = VALUE_STRING},
				       {.text = "1", .len = 1, .kind = VALUE_NUMBER}};
	struct fields *fields = fields_new(err);
	struct buf out = BUF_INIT;
	struct template t = {.of = NULL};
	int ret = -1;

	if (fields &&
	    !(arg ? template_parse_list(&t, "", arg, err) : template_parse(&t, "", "x%{a}", err)) &&
	    !template_want(&t, fields, err) && !template_render(&t, values, &out, err)) {
		ret = 0;
		out.len = 0;
		alloc_fail_off();
		alloc_fail_after(0); /* warm: it needs no more */
		assert_int_equal(template_render(&t, values, &out, err), 0);
	}
	template_release(&t);
	fields_free(fields);
	buf_release(&out);
	return ret;
}

static void memory_runs_out(void **state)
{
	static char list[] = "a,b";

	(void)state;
	assert_true(alloc_fail_each(parse_and_render, NULL) > 8);
	assert_true(alloc_fail_each(parse_and_render, list) > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test(lists),
		cmocka_unit_test(lists_that_differ_stay_apart),
		cmocka_unit_test(of_csv),
		cmocka_unit_test(without_a_text),
		cmocka_unit_test(refused),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
