/* Control records: written as sensor-record(5) shows them, read back the same, and refused where
 * anything in them is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/control_record.h"
#include "tests/unit/alloc_fail.h"

#define HEAD(kind) "{\"_kafka\":{\"control\":\"" kind "\",\"seq\":7,\"session\":\"c2b7\""
#define MARK HEAD("mark") ",\"group\":\"g\",\"generation\":3,\"member\":\"g-1-9f\",\"instance\":"
#define RANGE "{\"topic\":\"t\",\"partition\":0,\"from\":41,\"to\":43}"
#define ASSIGN HEAD("assign") ",\"topic\":\"t\",\"partition\":0,"

/* Both of these write as they read. */
static const char *const lines[] = {
	ASSIGN "\"replay_from\":41,\"processed\":41,\"epoch\":null,\"state\":null}}\n",
	ASSIGN "\"replay_from\":0,\"processed\":9223372036854775807,\"epoch\":12,"
	       "\"state\":{ \"replay_from\":1, \"x\":[1.50,\"\\u00e4\"]}}}\n",
	MARK "\"g-1\",\"ranges\":[" RANGE "]}}\n",
	MARK "null,\"ranges\":[]}}\n",
	MARK "\"a\\\"\\\\\\u0001\xc3\xa4\",\"ranges\":[" RANGE
	     ",{\"topic\":\"t\",\"partition\":2147483647,"
	     "\"from\":5,\"to\":5,\"state\":{}},{\"topic\":\"s\",\"partition\":0,\"from\":0,\"to\":"
	     "1}]}}\n",
	HEAD("reset") ",\"partitions\":[{\"topic\":\"t\",\"partition\":0},{\"topic\":\"t\","
		      "\"partition\":1}]}}\n",
	HEAD("reset") ",\"partitions\":[]}}\n",
	HEAD("end") "}}\n",
};

static int read_line(struct control_record *c, const char *line, struct error *err)
{
	/* Its own bytes: the sanitizer sees a byte read too far. */
	size_t len = strlen(line);
	char *copy = malloc(len ? len : 1);

	memcpy(copy, line, len);
	int ret = control_record_read(c, copy, len && line[len - 1] == '\n' ? len - 1 : len, err);
	free(copy);
	return ret;
}

static void what_is_read_is_written(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		out.len = 0;
		if (read_line(&c, lines[i], &err))
			fail_msg("%s: %s", lines[i], err.what);
		assert_int_equal(control_record_write(&c, &out, &err), 0);
		assert_int_equal(out.len, strlen(lines[i]));
		assert_memory_equal(out.data, lines[i], out.len);
	}
	control_record_release(&c);
	buf_release(&out);
}

static void an_assign(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_line(&c, lines[1], &err), 0);
	assert_int_equal(c.kind, CONTROL_ASSIGN);
	assert_int_equal(c.seq, 7);
	assert_string_equal(c.session, "c2b7");
	assert_int_equal(c.n, 1);
	assert_string_equal(c.partitions[0].topic, "t");
	assert_int_equal(c.partitions[0].from, 0);
	assert_int_equal(c.partitions[0].to, INT64_MAX);
	assert_int_equal(c.partitions[0].epoch, 12);
	assert_string_equal(c.partitions[0].state,
			    "{ \"replay_from\":1, \"x\":[1.50,\"\\u00e4\"]}");
	assert_int_equal(read_line(&c, lines[0], &err), 0);
	assert_int_equal(c.partitions[0].epoch, CONTROL_NO_EPOCH);
	assert_null(c.partitions[0].state);
	control_record_release(&c);
	assert_int_equal(c.kind, CONTROL_NONE);
}

static void a_mark(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_line(&c, lines[4], &err), 0);
	assert_int_equal(c.kind, CONTROL_MARK);
	assert_string_equal(c.group, "g");
	assert_string_equal(c.member, "g-1-9f");
	assert_string_equal(c.instance, "a\"\\\001\xc3\xa4");
	assert_int_equal(c.generation, 3);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.partitions[1].partition, INT32_MAX);
	assert_int_equal(c.partitions[0].from, 41);
	assert_int_equal(c.partitions[0].to, 43);
	assert_string_equal(c.partitions[1].state, "{}");
	assert_string_equal(c.partitions[2].topic, "s");
	assert_int_equal(read_line(&c, lines[2], &err), 0);
	assert_string_equal(c.instance, "g-1");
	assert_null(c.partitions[0].state);
	control_record_release(&c);
}

static void members_in_any_order_and_more_of_them(void **state)
{
	static const char line[] =
		" {\"site\":1, \"\\u005fkafka\" : {\"new\":{\"seq\":9},\"session\":\"c2b7\","
		"\"s\\u0065q\":7 , \"control\":\"\\u0065nd\"} } ";
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	if (read_line(&c, line, &err))
		fail_msg("%s", err.what);
	assert_int_equal(c.kind, CONTROL_END);
	assert_int_equal(c.seq, 7);
	control_record_release(&c);
}

static void refused_by_name(void **state)
{
	static const struct {
		const char *line, *what;
	} bad[] = {
		{"", "a value"},
		{"null", "one object"},
		{"{}", "'_kafka' is absent"},
		{"{\"_kafka\":1}", "'_kafka' is no object"},
		{"{\"_kafka\":{}}", "'control' is absent"},
		{HEAD("begin") "}}", "none of assign, mark"},
		{HEAD("end") "}", "line ends"},
		{HEAD("end") "}} x", "one object"},
		{HEAD("end") "\n}}", "line end"},
		{HEAD("end") ",\"x\":\"\xff\"}}", "not valid UTF-8"},
		{HEAD("end") ",\"seq\":7}}", "'seq' stands there twice"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":-1,\"session\":\"s\"}}", "'seq' is no"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":1.0,\"session\":\"s\"}}", "'seq' is no"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":9223372036854775808,\"session\":\"s\"}}",
		 "'seq' is no"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":1}}", "'session' is absent"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":1,\"session\":null}}",
		 "'session' is no"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":1,\"session\":\"\\u0000\"}}", "a NUL"},
		{"{\"_kafka\":{\"control\":\"end\",\"seq\":1,\"session\":\"\\ud800\"}}",
		 "surrogate"},
		{HEAD("assign") "}}", "'topic' is absent"},
		{ASSIGN "\"replay_from\":4,\"processed\":3,\"epoch\":null,\"state\":null}}",
		 "'replay_from' is more than 'processed'"},
		{ASSIGN "\"replay_from\":4,\"processed\":4,\"state\":null}}", "'epoch' is absent"},
		{ASSIGN "\"replay_from\":4,\"processed\":4,\"epoch\":null}}", "'state' is absent"},
		{ASSIGN "\"replay_from\":4,\"processed\":4,\"epoch\":-1,\"state\":null}}",
		 "'epoch' is no whole number from 0, or too large a one, nor null"},
		{ASSIGN "\"replay_from\":4,\"processed\":4,\"epoch\":1,\"state\":[]}}",
		 "'state' is no object, nor null"},
		{ASSIGN "\"replay_from\":4,\"processed\":4,\"epoch\":1,\"state\":{\"replay_from\":"
			"\"1\"}}}",
		 "'replay_from' is no"},
		{HEAD("mark") "}}", "'group' is absent"},
		{HEAD("mark") ",\"group\":\"\"}}", "'group' is empty"},
		{HEAD("mark") ",\"group\":\"g\",\"generation\":-1,\"member\":\"m\","
			      "\"instance\":null,\"ranges\":[]}}",
		 "'generation' is no"},
		{HEAD("mark") ",\"group\":\"g\",\"generation\":2147483648,\"member\":\"m\","
			      "\"instance\":null,\"ranges\":[]}}",
		 "'generation' is no"},
		{HEAD("mark") ",\"group\":\"g\",\"generation\":1,\"member\":\"\","
			      "\"instance\":null,\"ranges\":[]}}",
		 "'member' is empty"},
		{HEAD("mark") ",\"group\":\"g\",\"generation\":1,\"instance\":null,\"ranges\":[]}}",
		 "'member' is absent"},
		{MARK "null}}", "'ranges' is absent"},
		{MARK "null,\"ranges\":{}}}", "'ranges' is no array"},
		{MARK "\"\",\"ranges\":[]}}", "'instance' is empty"},
		{MARK "null,\"ranges\":[" RANGE ",1]}}", "element 2 of 'ranges': it is no object"},
		{MARK "null,\"ranges\":[{\"topic\":\"t\",\"partition\":0,\"from\":4,\"to\":3}]}}",
		 "element 1 of 'ranges': 'from' is more than 'to'"},
		{MARK "null,\"ranges\":[{\"topic\":\"t\",\"partition\":2147483648,\"from\":4,"
		      "\"to\":5}]}}",
		 "'partition' is no"},
		{MARK "null,\"ranges\":[{\"topic\":\"t\",\"partition\":0,\"from\":4}]}}",
		 "'to' is absent"},
		{MARK "null,\"ranges\":[" RANGE
		      ",{\"topic\":\"s\",\"partition\":0,\"from\":1,\"to\":1}," RANGE "]}}",
		 "partition 0 of topic 't' stands there twice"},
		{HEAD("reset") "}}", "'partitions' is absent"},
		{HEAD("reset") ",\"partitions\":[{\"topic\":\"t\"}]}}", "'partition' is absent"},
	};
	struct control_record c = CONTROL_RECORD_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = ERROR_INIT;
		if (!read_line(&c, bad[i].line, &err))
			fail_msg("passes: %s", bad[i].line);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strncmp(err.what, "control record", 14) != 0 || !strstr(err.what, bad[i].what))
			fail_msg("%s: %s", bad[i].line, err.what);
		assert_null(c.session);
	}
}

static void every_line_cut_short_is_refused(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (size_t n = 0; n + 1 < strlen(lines[i]); n++) {
			assert_int_equal(control_record_read(&c, lines[i], n, &err), -1);
			assert_int_equal(err.kind, ERROR_CONFIG);
		}
}

static void what_cannot_be_written(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(read_line(&c, lines[2], &err), 0);
	assert_int_equal(buf_add_str(&out, "x", &err), 0);
	c.group[0] = '\xff';
	assert_int_equal(control_record_write(&c, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.what, "'group'"));
	c.group[0] = 'g';
	assert_non_null(control_record_add(&c, "t", 3, 1, 2, "{\n}", &err));
	assert_int_equal(control_record_write(&c, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(out.len, 1);
	control_record_release(&c);
	buf_release(&out);
}

static void what_a_state_still_needs(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "null",
					  "{\"replay_from\":-1}",
					  "{\"replay_from\":null}",
					  "{\"replay_from\":1,\"replay_from\":1}",
					  "{}{}",
					  "{\n}"};
	struct error err = ERROR_INIT;
	int64_t offset = 0;

	(void)state;
	assert_int_equal(control_state_replay_from(NULL, &offset, &err), 0);
	assert_int_equal(offset, -1);
	offset = 0;
	assert_int_equal(control_state_replay_from("{\"a\":{\"replay_from\":3}}", &offset, &err),
			 0);
	assert_int_equal(offset, -1);
	assert_int_equal(control_state_replay_from("{\"a\":1,\"replay_from\":31}", &offset, &err),
			 0);
	assert_int_equal(offset, 31);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.kind = ERROR_NONE;
		assert_int_equal(control_state_replay_from(bad[i], &offset, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_int_equal(strncmp(err.what, "state: ", 7), 0);
	}
}

/* A state that passes can be read where it will stand: four deep in a mark. */
static void a_deep_state(void **state)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	char text[2 * 64 + 16];
	int64_t offset;

	(void)state;
	for (size_t depth = 58; depth <= 61; depth++) {
		memcpy(text, "{\"a\":", 5);
		memset(text + 5, '[', depth - 1);
		memset(text + 5 + depth - 1, ']', depth - 1);
		memcpy(text + 5 + 2 * (depth - 1), "}", 2);
		bool fits = !control_state_replay_from(text, &offset, &err);
		assert_int_equal(fits, depth <= 60);
		assert_int_equal(read_line(&c, lines[3], &err), 0);
		assert_non_null(control_record_add(&c, "t", 0, 1, 2, text, &err));
		out.len = 0;
		assert_int_equal(control_record_write(&c, &out, &err), 0);
		assert_int_equal(!control_record_read(&c, out.data, out.len - 1, &err), fits);
	}
	control_record_release(&c);
	buf_release(&out);
}

static int read_and_write(void *arg, struct error *err)
{
	struct control_record c = CONTROL_RECORD_INIT;
	struct buf out = BUF_INIT;
	const char *line = arg;
	int ret = control_record_read(&c, line, strlen(line) - 1, err) ||
				  control_record_write(&c, &out, err)
			  ? -1
			  : 0;

	control_record_release(&c);
	buf_release(&out);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_true(alloc_fail_each(read_and_write, (void *)(uintptr_t)lines[i]) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_written),
		cmocka_unit_test(an_assign),
		cmocka_unit_test(a_mark),
		cmocka_unit_test(members_in_any_order_and_more_of_them),
		cmocka_unit_test(refused_by_name),
		cmocka_unit_test(every_line_cut_short_is_refused),
		cmocka_unit_test(what_cannot_be_written),
		cmocka_unit_test(what_a_state_still_needs),
		cmocka_unit_test(a_deep_state),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
