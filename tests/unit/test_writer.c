/* Records out: passed through, made anew, from one format to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/csv.h"
#include "lib/record/writer.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

static const char *const verdict[] = {"score", "alarm", "word", "n", "none"};

/* What is asked of a writer: columns "a,b" (NULL: passed through), the first n_added of verdict. */
struct job {
	enum record_format to;
	const char *columns;
	size_t n_added;
	const char *object;
};

/* The names of "a,b.c", in storage that the next call takes. */
static const char *const *names(const char *list, size_t *n)
{
	static char text[8][64];
	static const char *pointers[8];

	for (*n = 0; list && *list; ++*n) {
		size_t len = strcspn(list, ",");
		snprintf(text[*n], sizeof(text[0]), "%.*s", (int)len, list);
		pointers[*n] = text[*n];
		list += len + (list[len] == ',');
	}
	return pointers;
}

static int write_record(const struct writer *w, const struct record *rec, const struct job *job,
			struct buf *out, struct error *err)
{
	if (writer_begin(w, rec, out, err))
		return -1;
	for (size_t i = 0; i < job->n_added; i++) {
		if (i == 0)
			writer_real(w, out, i, 0.5);
		else if (i == 1)
			writer_bool(w, out, i, true);
		else if (i == 2)
			writer_word(w, out, i, "12345678e901");
		else if (i == 3)
			writer_count(w, out, i, 7);
		else
			writer_null(w, out, i);
	}
	return writer_end(w, rec, out, err);
}

/* The output for input of one block; header NULL: JSON Lines. Bad records come out as "! what". */
static int run(const struct job *job, const char *header, const struct block *b, struct buf *out,
	       struct error *err)
{
	struct writer_options o = {.from = header ? FORMAT_CSV : FORMAT_JSON,
				   .to = job->to,
				   .pass_through = !job->columns,
				   .added = verdict,
				   .n_added = job->n_added,
				   .object = job->object,
				   .header = b->header};
	struct fields *f = fields_new(err);
	struct writer *w = NULL;
	struct scanner *s = NULL;
	struct record rec;
	int ret = -1;

	o.columns = names(job->columns, &o.n_columns);
	if (!f || !(w = writer_new(&o, f, err)) || !(s = scanner_new(f, err)) ||
	    writer_header(w, out, err) || scanner_start(s, b, err))
		goto out;
	while ((ret = scanner_next(s, &rec, err)) > 0) {
		size_t undo = out->len;
		if (!write_record(w, &rec, job, out, err))
			continue;
		if (err->kind != ERROR_DATA) {
			ret = -1;
			goto out;
		}
		out->len = undo;
		if (buf_printf(out, err, "! %d %s\n", (int)err->column, err->what)) {
			ret = -1;
			goto out;
		}
	}
out:
	scanner_free(s);
	writer_free(w);
	fields_free(f);
	return ret;
}

static void expect(struct job job, const char *header, const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = NULL;
	struct buf out = BUF_INIT;

	if (header) {
		size_t len = strlen(header);
		bool crlf = len && header[len - 1] == '\r';
		h = csv_header_new(header, len - crlf, crlf, &err);
		assert_non_null(h);
	}
	struct block b = text_block(text, strlen(text), h);
	int ret = run(&job, header, &b, &out, &err);
	if (ret)
		buf_printf(&out, &err, "! %s", err.what);
	assert_int_equal(buf_terminate(&out, &err), 0);
	if (strcmp(out.data, expected))
		fail_msg("%s\n got %snot %s", text, out.data, expected);
	buf_release(&out);
	text_block_free(&b);
	csv_header_free(h);
}

static const struct job pass_json = {.to = FORMAT_JSON, .n_added = 2};
static const struct job pass_csv = {.to = FORMAT_CSV, .n_added = 2};

static void json_passes_untouched(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"{}", "{\"score\":0.5,\"alarm\":true}\n"},
		{"{ }\n", "{ \"score\":0.5,\"alarm\":true}\n"},
		{"{\"a\":1}\n", "{\"a\":1,\"score\":0.5,\"alarm\":true}\n"},
		{"{\"a\":1}\r\n", "{\"a\":1,\"score\":0.5,\"alarm\":true}\r\n"},
		{" { \"a\" : 1.50 , \"a\":1e999 } \n",
		 " { \"a\" : 1.50 , \"a\":1e999 ,\"score\":0.5,\"alarm\":true} \n"},
		{"{\"score\":1,\"a\":1}\n", "{\"a\":1,\"score\":0.5,\"alarm\":true}\n"},
		{"{\"a\":1,\"alarm\":{\"x\":[]},\"b\":2,\"score\":null}\n",
		 "{\"a\":1,\"b\":2,\"score\":0.5,\"alarm\":true}\n"},
		{"{\"score\":1}\n", "{\"score\":0.5,\"alarm\":true}\n"},
		{"{\"score\":1,\"alarm\":2}\n", "{\"score\":0.5,\"alarm\":true}\n"},
		{"{ \"score\":1, \"alarm\":2 }\n", "{ \"score\":0.5,\"alarm\":true}\n"},
		{"{\"\\u0073core\":1,\"word\":9}\n", "{\"word\":9,\"score\":0.5,\"alarm\":true}\n"},
		{"{\"x\":{\"score\":1}}\n", "{\"x\":{\"score\":1},\"score\":0.5,\"alarm\":true}\n"},
		{"{\"big\":123456789012345678901234567890,\"s\":\"\\u00e4\\/\"}\n",
		 "{\"big\":123456789012345678901234567890,\"s\":\"\\u00e4\\/\",\"score\":0.5,"
		 "\"alarm\":true}\n"},
	};
	struct job none = {.to = FORMAT_JSON}, object = pass_json;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(pass_json, NULL, cases[i].in, cases[i].out);
	expect(none, NULL, "{ \"score\":1 }\r\n{}", "{ \"score\":1 }\r\n{}\n");
	object.object = "v.w\"";
	expect(object, NULL, "{\"score\":1,\"v.w\\\"\":{\"x\":1},\"v\":{\"w\\\"\":2}}\n{}\n",
	       "{\"score\":1,\"v\":{\"w\\\"\":2},\"v.w\\\"\":{\"score\":0.5,\"alarm\":true}}\n"
	       "{\"v.w\\\"\":{\"score\":0.5,\"alarm\":true}}\n");
}

static void csv_passes_untouched(void **state)
{
	struct job none = {.to = FORMAT_CSV}, object = pass_csv;

	(void)state;
	expect(pass_csv, "a,b", "1,2\n\"x\"\"\", y\r\n,\n",
	       "a,b,score,alarm\n1,2,0.5,true\n\"x\"\"\", y,0.5,true\r\n,,0.5,true\n");
	expect(pass_csv, "a,b\r", "1,2", "a,b,score,alarm\r\n1,2,0.5,true\n");
	expect(pass_csv, "score,\"a\",alarm.x,alarm.y,\"b,\"", "1,2,3,4,5\n",
	       "\"a\",\"b,\",score,alarm\n2,5,0.5,true\n");
	expect(pass_csv, "score,alarm", "1,2\n", "score,alarm\n0.5,true\n");
	expect(none, "score,b", "1,2\n", "score,b\n1,2\n");
	/* what comes to stand first and would be seen as another format is quoted */
	expect(pass_csv, "score,{b", "1,2\n", "\"{b\",score,alarm\n2,0.5,true\n");
	expect(pass_csv, "score, [b", "1,2\n", "\" [b\",score,alarm\n2,0.5,true\n");
	expect(pass_csv, "score,\xef\xbb\xbf,c", "1,2,3\n",
	       "\"\xef\xbb\xbf\",c,score,alarm\n2,3,0.5,true\n");
	expect(pass_csv, "score,b;c", "1,2\n", "\"b;c\",score,alarm\n2,0.5,true\n");
	expect(pass_csv, "b;c,d", "1,2\n", "b;c,d,score,alarm\n1,2,0.5,true\n");
	object.object = "v.w";
	expect(object, "v.w,v\\.w,score", "1,2,3\n",
	       "v.w,score,v\\.w.score,v\\.w.alarm\n1,3,0.5,true\n");
}

static void added_values_of_every_kind(void **state)
{
	struct job job = {.to = FORMAT_JSON, .n_added = 5};

	(void)state;
	expect(job, NULL, "{}\n",
	       "{\"score\":0.5,\"alarm\":true,\"word\":\"12345678e901\",\"n\":7,\"none\":null}\n");
	/* in CSV a word that looks like a number is kept a string by quotes */
	job.to = FORMAT_CSV;
	expect(job, "a", "1\n", "a,score,alarm,word,n,none\n1,0.5,true,\"12345678e901\",7,\n");
	job.columns = "a";
	expect(job, NULL, "{\"a\":1}\n",
	       "a,score,alarm,word,n,none\n1,0.5,true,\"12345678e901\",7,\n");
}

static void json_is_made_anew_from_json(void **state)
{
	struct job job = {.to = FORMAT_JSON, .columns = "b.y,a,b.x.z,c\\.d,b.w"};

	(void)state;
	expect(job, NULL,
	       "{\"a\":1.50,\"b\":{\"w\":[1, 2],\"x\":{\"z\":\"\\u0041\",\"q\":1},\"y\":null},"
	       "\"c.d\":{ \"e\" : 1 },\"f\":2}\n",
	       "{\"b\":{\"y\":null,\"x\":{\"z\":\"\\u0041\"},\"w\":[1, 2]},\"a\":1.50,"
	       "\"c.d\":{ \"e\" : 1 }}\n");
	expect(job, NULL, "{\"b\":{\"x\":{}},\"a\":1}\r\n", "{\"a\":1}\n");
	expect(job, NULL, "{\"b\":{\"x\":{\"z\":1}}}\n", "{\"b\":{\"x\":{\"z\":1}}}\n");
	expect(job, NULL, "{\"f\":1}\n", "{}\n");
	job.n_added = 1;
	expect(job, NULL, "{\"f\":1,\"score\":3}\n{\"a\":1}\n",
	       "{\"score\":0.5}\n{\"a\":1,\"score\":0.5}\n");
	job.object = "v";
	expect(job, NULL, "{\"a\":1}\n{}\n",
	       "{\"a\":1,\"v\":{\"score\":0.5}}\n{\"v\":{\"score\":0.5}}\n");
	job.columns = "";
	expect(job, NULL, "{\"a\":1}\n", "{\"v\":{\"score\":0.5}}\n");
}

static void csv_becomes_json(void **state)
{
	struct job job = {.to = FORMAT_JSON, .columns = "a,n.b,n.c,d"};

	(void)state;
	expect(job, "a,n.b,n.c,d", "1,-0.50,1e9,true\nfalse,,\"\",null\n",
	       "{\"a\":1,\"n\":{\"b\":-0.50,\"c\":1e9},\"d\":true}\n"
	       "{\"a\":false,\"n\":{\"b\":null,\"c\":\"\"},\"d\":\"null\"}\n");
	expect(job, "a,n.b,n.c,d", "007,+1,.5, 1\n\"1\",\"true\",True,NaN\n",
	       "{\"a\":\"007\",\"n\":{\"b\":\"+1\",\"c\":\".5\"},\"d\":\" 1\"}\n"
	       "{\"a\":\"1\",\"n\":{\"b\":\"true\",\"c\":\"True\"},\"d\":\"NaN\"}\n");
	expect(job, "a,n.b,n.c,d", "\"\"\"\",\"a\"\"b\"\"\",\"\"\"\"\"\",\"\\\"\"\"\n",
	       "{\"a\":\"\\\"\",\"n\":{\"b\":\"a\\\"b\\\"\",\"c\":\"\\\"\\\"\"},\"d\":\"\\\\\\\"\"}"
	       "\n");
	expect(job, "a,n.b,n.c,d", "\"x\ny\r\n\",\\,\"\x01\",\xc3\xa4\n",
	       "{\"a\":\"x\\ny\\r\\n\",\"n\":{\"b\":\"\\\\\",\"c\":\"\\u0001\"},\"d\":\"\xc3\xa4\"}"
	       "\n");
	expect(job, "d,a", "1,2\n", "{\"a\":2,\"d\":1}\n");
	job.columns = "c\\.d,\"";
	expect(job, "c\\.d,\"\"\"\"", "1,2\n", "{\"c.d\":1,\"\\\"\":2}\n");
}

static void json_becomes_csv(void **state)
{
	struct job job = {.to = FORMAT_CSV, .columns = "a,n.b,n.c,d"};

	(void)state;
	expect(job, NULL,
	       "{\"a\":1.50,\"n\":{\"b\":true,\"c\":null},\"d\":\"x\"}\n"
	       "{\"d\":\"1\",\"n\":{\"c\":\"\"},\"a\":\"true\"}\n"
	       "{\"a\":\"a,\\\"b\\\"\\n\",\"d\":\" x\",\"n\":{\"b\":\"\\u00e4\"}}\n",
	       "a,n.b,n.c,d\n1.50,true,,x\n\"true\",,\"\",\"1\"\n"
	       "\"a,\"\"b\"\"\n\",\xc3\xa4,,\" x\"\n");
	expect(job, NULL, "{\"a\":[1, \"x\"],\"d\":{},\"n\":{\"b\":{ },\"c\":[]}}\n",
	       "a,n.b,n.c,d\n\"[1, \"\"x\"\"]\",{ },[],{}\n");
	expect(job, NULL, "{\"a\":{\"x\":1}}\n{\"d\":2}\n",
	       "a,n.b,n.c,d\n! 6 an object stands where the output has one column\n,,,2\n");
	expect(job, NULL, "{\"a\":\"\\ud800\"}\n",
	       "a,n.b,n.c,d\n! 6 string holds half a surrogate pair\n");
	expect(job, NULL, "{\"a\":\"x\\u0000\"}\n",
	       "a,n.b,n.c,d\n! 6 a NUL character cannot stand in CSV\n");
	job.columns = "a b, c";
	expect(job, NULL, "{\"a b\":1,\" c\":2}\n", "a b,\" c\"\n1,2\n");
	/* what would be seen as another format is quoted */
	job.columns = "{,b";
	expect(job, NULL, "{\"{\":1}\n", "\"{\",b\n1,\n");
	job.columns = "{\",b";
	expect(job, NULL, "{\"{\\\"\":1}\n", "\"{\"\"\",b\n1,\n");
	job.columns = "a;b";
	expect(job, NULL, "{\"a;b\":1}\n", "\"a;b\"\n1\n");
	job.columns = "BZh91AY&SYx";
	expect(job, NULL, "{\"BZh91AY&SYx\":1}\n", "\"BZh91AY&SYx\"\n1\n");
	job.columns = "[x,b";
	expect(job, NULL, "{\"[x\":1}\n", "\"[x\",b\n1,\n");
	job.columns = "\xef\xbb\xbfx,b";
	expect(job, NULL, "{\"\xef\xbb\xbfx\":1}\n", "\"\xef\xbb\xbfx\",b\n1,\n");
}

static void csv_is_made_anew_from_csv(void **state)
{
	struct job job = {.to = FORMAT_CSV, .columns = "d,a,x"};

	(void)state;
	expect(job, "a,b,d", "1,2,\"3\"\n007,,\r\n\"\",1,\"\"\"\"",
	       "d,a,x\n\"3\",1,\n,007,\n\"\"\"\",\"\",\n");
}

/* A blank line would be no record. */
static void no_row_is_blank(void **state)
{
	struct job job = {.to = FORMAT_CSV, .columns = "b"};

	(void)state;
	expect(job, NULL, "{\"b\":1}\n{\"b\":null}\n{\"c\":1}\n{\"b\":\"\"}\n",
	       "b\n1\n! 0 the row would be a blank line: its one value is missing\n"
	       "! 0 the row would be a blank line: its one value is missing\n\"\"\n");
	expect(job, "a,b", "1,\n1,2\n",
	       "b\n! 0 the row would be a blank line: its one value is missing\n2\n");
	job.n_added = 1;
	expect(job, "a,b", "1,\n", "b,score\n,0.5\n");
}

static void columns_within_columns_are_refused(void **state)
{
	struct job job = {.to = FORMAT_JSON, .columns = "a,a.b"};

	(void)state;
	expect(job, NULL, "{}\n", "! field 'a.b' lies inside another that is written");
	job.columns = "a.b.c,a.b";
	expect(job, NULL, "{}\n", "! field 'a.b' holds another that is written");
	job.columns = "a.b.c,a";
	expect(job, NULL, "{}\n", "! field 'a' holds another that is written");
	job.columns = "a..b";
	expect(job, NULL, "{}\n",
	       "! field path 'a..b' has an empty name in it (a dot within a name is written "
	       "'\\.')");
}

static void raw_values_of_any_length(void **state)
{
	static const char *const label[] = {"label", "more"};
	struct writer_options o = {.from = FORMAT_JSON,
				   .to = FORMAT_JSON,
				   .pass_through = true,
				   .added = label,
				   .n_added = 2};
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);
	struct writer *w = writer_new(&o, f, &err);
	struct scanner *s = scanner_new(f, &err);
	struct block b = text_block("{\"a\":1}\n", 8, NULL);
	struct buf out = BUF_INIT;
	struct record rec;
	char text[5000];

	(void)state;
	memset(text, '1', sizeof(text));
	assert_int_equal(scanner_start(s, &b, &err), 0);
	assert_int_equal(scanner_next(s, &rec, &err), 1);
	assert_int_equal(writer_begin(w, &rec, &out, &err), 0);
	assert_int_equal(writer_raw(w, &out, 0, text, sizeof(text), &err), 0);
	writer_real(w, &out, 1, 1.5);
	assert_int_equal(writer_end(w, &rec, &out, &err), 0);
	assert_int_equal(out.len, sizeof(text) + strlen("{\"a\":1,\"label\":,\"more\":1.5}\n"));
	assert_memory_equal(out.data + out.len - 14, "1,\"more\":1.5}\n", 14);
	buf_release(&out);
	scanner_free(s);
	writer_free(w);
	fields_free(f);
	text_block_free(&b);
	writer_free(NULL);
}

/* Once buffers have grown, records cost no allocation, whatever the conversion. */
static void no_allocation_per_record(void **state)
{
	static const char text[] = "{\"a\":\"x,\\u00e4\\\"\",\"n\":{\"b\":[1,2]}}\n"
				   "{\"a\":\"y,\\u00e4\\\"\",\"n\":{\"b\":[1,2]}}\n";
	static const char *const columns[] = {"a", "n.b"};
	struct writer_options o = {.from = FORMAT_JSON,
				   .to = FORMAT_CSV,
				   .columns = columns,
				   .n_columns = 2,
				   .added = verdict,
				   .n_added = 2};
	struct job job = {.n_added = 2};
	struct error err = ERROR_INIT;

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		o.pass_through = pass == 1;
		o.to = pass ? FORMAT_JSON : FORMAT_CSV;
		struct fields *f = fields_new(&err);
		struct writer *w = writer_new(&o, f, &err);
		struct scanner *s = scanner_new(f, &err);
		struct block b = text_block(text, sizeof(text) - 1, NULL);
		struct buf out = BUF_INIT;
		struct record rec;
		assert_int_equal(scanner_start(s, &b, &err), 0);
		assert_int_equal(scanner_next(s, &rec, &err), 1);
		assert_int_equal(write_record(w, &rec, &job, &out, &err), 0);
		assert_int_equal(buf_reserve(&out, 4096, &err), 0);
		alloc_fail_after(0);
		int ret =
			scanner_next(s, &rec, &err) != 1 || write_record(w, &rec, &job, &out, &err);
		assert_false(alloc_fail_off());
		assert_int_equal(ret, 0);
		buf_release(&out);
		scanner_free(s);
		writer_free(w);
		fields_free(f);
		text_block_free(&b);
	}
}

struct memory_case {
	const struct job *job;
	const char *header;
	struct block b;
};

static int run_case(void *arg, struct error *err)
{
	struct memory_case *c = arg;
	struct buf out = BUF_INIT;
	int ret = run(c->job, c->header, &c->b, &out, err);

	buf_release(&out);
	return ret;
}

static void memory_runs_out(void **state)
{
	static const char json[] = "{\"a\":\"\\u0041,\",\"n\":{\"b\":1}}\n{\"a\":[1,2]}\n";
	static const char rows[] = "1,\"a\"\"b\"\n2,3\n";
	static const struct job jobs[] = {
		{FORMAT_JSON, NULL, 5, NULL},   {FORMAT_JSON, NULL, 5, "v"},
		{FORMAT_JSON, "a,n.b", 2, "v"}, {FORMAT_CSV, "a,n.b", 5, "v"},
		{FORMAT_CSV, "a,n.b", 0, NULL},
	};
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new("a,n.b", 5, false, &err);

	(void)state;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		for (int csv = 0; csv < 2; csv++) {
			struct memory_case c = {&jobs[i], csv ? "a,n.b" : NULL, {0}};
			struct job through = {FORMAT_CSV, NULL, 5, "v"};
			if (csv && !jobs[i].columns)
				c.job = &through;
			c.b = csv ? text_block(rows, sizeof(rows) - 1, h)
				  : text_block(json, sizeof(json) - 1, NULL);
			assert_true(alloc_fail_each(run_case, &c) > 10);
			text_block_free(&c.b);
		}
	}
	csv_header_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_passes_untouched),
		cmocka_unit_test(csv_passes_untouched),
		cmocka_unit_test(added_values_of_every_kind),
		cmocka_unit_test(json_is_made_anew_from_json),
		cmocka_unit_test(csv_becomes_json),
		cmocka_unit_test(json_becomes_csv),
		cmocka_unit_test(csv_is_made_anew_from_csv),
		cmocka_unit_test(no_row_is_blank),
		cmocka_unit_test(columns_within_columns_are_refused),
		cmocka_unit_test(raw_values_of_any_length),
		cmocka_unit_test(no_allocation_per_record),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
