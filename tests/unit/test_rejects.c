/* Bad records kept: the lines, the file, the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/record/rejects.h"
#include "tests/unit/alloc_fail.h"

/* In the place of libc's: what is made durable. */
static int n_synced_folders;

int fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	n_synced_folders += S_ISDIR(st.st_mode);
	return 0;
}

static const char *format(const char *text, size_t len, const struct error *why, const char *kafka)
{
	static struct buf out;
	struct record rec = {.text = text, .len = len};
	struct value v = {.text = kafka, .len = kafka ? strlen(kafka) : 0, .kind = VALUE_OBJECT};
	struct error err = ERROR_INIT;

	out.len = 0;
	assert_int_equal(reject_format(&out, "prog", why, text ? &rec : NULL, kafka ? &v : NULL,
				       1704067200123456789, &err),
			 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	json_t *json = json_loads(out.data, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	assert_non_null(json); /* whatever was in the record */
	json_decref(json);
	return out.data;
}

static void lines(void **state)
{
	struct error why = ERROR_INIT;

	(void)state;
	error_set(&why, ERROR_DATA, "it's \"bad\"");
	assert_string_equal(format("{\"a\":\t1}", 8, &why, NULL),
			    "{\"program\":\"prog\",\"file\":\"\",\"reason\":\"it's "
			    "\\\"bad\\\"\",\"rejected_at\":"
			    "\"2024-01-01T00:00:00.123Z\",\"record\":\"{\\\"a\\\":\\t1}\"}\n");
	error_at(&why, "x/y.jsonl", 3, 14);
	assert_string_equal(
		format("", 0, &why, "{\"topic\":\"t\"}"),
		"{\"program\":\"prog\",\"file\":\"x/y.jsonl\",\"line\":3,\"column\":14,\"reason\":"
		"\"it's \\\"bad\\\"\",\"rejected_at\":\"2024-01-01T00:00:00.123Z\",\"record\":\"\","
		"\"_kafka\":{\"topic\":\"t\"}}\n");
	assert_null(strstr(format(NULL, 0, &why, NULL), "\"record"));
	assert_non_null(strstr(format("a\0b", 3, &why, NULL), "\"record\":\"a\\u0000b\"}"));
	assert_non_null(strstr(format("\xc3\xa4", 2, &why, NULL), "\"record\":\"\xc3\xa4\"}"));
}

/* As RFC 4648, section 10, with bytes that are no UTF-8. */
static void bytes_as_base64(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *base64;
	} cases[] = {{"\xff", 1, "/w=="},
		     {"\xff\xfe", 2, "//4="},
		     {"\xff\xfe\xfd", 3, "//79"},
		     {"\xff"
		      "foob",
		      5, "/2Zvb2I="},
		     {"\xff"
		      "fooba",
		      6, "/2Zvb2Jh"},
		     {"\xfb\xf0\x00", 3, "+/AA"},
		     {"a\xed\xa0\x80", 4, "Ye2ggA=="}};
	struct error why = ERROR_INIT;
	char expected[64];

	(void)state;
	error_set(&why, ERROR_DATA, "x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(expected, sizeof(expected), "\"record_base64\":\"%s\"}", cases[i].base64);
		if (!strstr(format(cases[i].text, cases[i].len, &why, NULL), expected))
			fail_msg("%s", expected);
	}
}

static void a_kafka_that_is_no_object_is_left_out(void **state)
{
	struct value v = {.kind = VALUE_NUMBER, .text = "5", .len = 1};
	struct record rec = {.text = "{}", .len = 2};
	struct error why = ERROR_INIT, err = ERROR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	error_set(&why, ERROR_DATA, "x");
	assert_int_equal(reject_format(&out, "p", &why, &rec, &v, 0, &err), 0);
	v.kind = VALUE_ABSENT;
	assert_int_equal(reject_format(&out, "p", &why, &rec, &v, 0, &err), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	assert_null(strstr(out.data, "_kafka"));
	buf_release(&out);
}

static void the_file_is_appended_to(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[256], two[300];
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	mode_t mask = umask(022);
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%.200s/test_rejects.XXXXXX", tmp ? tmp : "/tmp");
	close(mkstemp(path));
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < 2; i++) {
		int fd = rejects_open(path, &err);
		assert_true(fd >= 0);
		assert_int_equal(n_synced_folders, 1); /* as it was made */
		assert_true(fcntl(fd, F_GETFL) & O_APPEND);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(rejects_write(fd, "{}\n{\"a\":1}\n", 11, &err), 0);
		assert_int_equal(rejects_write(fd, "", 0, &err), 0);
		close(fd);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	umask(mask);
	assert_int_equal(file_read(path, 100, &b, &err), 0);
	assert_int_equal(b.len, 22);
	assert_memory_equal(b.data, "{}\n{\"a\":1}\n{}\n{\"a\":1}\n", 22);
	buf_release(&b);
	unlink(path);
	snprintf(two, sizeof(two), "%s/x/y", path);
	assert_int_equal(rejects_open(two, &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_non_null(strstr(err.what, two));
	int full = open("/dev/full", O_WRONLY);
	assert_int_equal(rejects_write(full, "{}\n", 3, &err), -1);
	assert_int_equal(err.kind, ERROR_IO);
	close(full);
}

static void each_line_is_one_write(void **state)
{
	struct error err = ERROR_INIT;
	int fds[2];
	char got[100];

	(void)state;
	/* packets keep writes apart */
	assert_int_equal(pipe2(fds, O_DIRECT), 0);
	assert_int_equal(rejects_write(fds[1], "{}\n{\"a\":1}\n{}\n", 14, &err), 0);
	assert_int_equal(read(fds[0], got, sizeof(got)), 3);
	assert_int_equal(read(fds[0], got, sizeof(got)), 8);
	assert_int_equal(read(fds[0], got, sizeof(got)), 3);
	close(fds[0]);
	close(fds[1]);
}

static void limits_are_read(void **state)
{
	static const char *const bad[] = {"",   "x",  "-1",    "1.5", "0.0", "-0.1",
					  "01", "+1", "1e400", "1%",  " 1",  "NaN"};
	struct reject_limit l;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(reject_limit_parse(&l, "0", &err), 0);
	assert_true(l.set && !l.is_share && l.count == 0);
	assert_int_equal(reject_limit_parse(&l, "1", &err), 0);
	assert_true(!l.is_share && l.count == 1);
	assert_int_equal(reject_limit_parse(&l, "9007199254740993", &err), 0);
	assert_true(l.count == 9007199254740993);
	assert_int_equal(reject_limit_parse(&l, "1.0", &err), 0);
	assert_true(l.is_share && l.share == 1);
	assert_int_equal(reject_limit_parse(&l, "1e-3", &err), 0);
	assert_true(l.is_share && l.share == 0.001);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(reject_limit_parse(&l, bad[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void limits_are_judged(void **state)
{
	struct reject_limit none = {0}, count = {.set = true, .count = 3},
			    share = {.set = true, .is_share = true, .share = 0.25};

	(void)state;
	assert_false(reject_limit_passed(&none, 1000, 1000, true));
	assert_false(reject_limit_passed(&count, 3, 3, true));
	assert_true(reject_limit_passed(&count, 4, 1000, false));
	assert_false(reject_limit_passed(&share, 250, 1000, true));
	assert_true(reject_limit_passed(&share, 251, 1000, true));
	assert_false(reject_limit_passed(&share, 251, 1000, false));
	assert_false(reject_limit_passed(&share, 0, 0, true));
}

static int format_one(void *arg, struct error *err)
{
	struct record rec = {.text = arg, .len = strlen(arg)};
	struct value v = {.kind = VALUE_OBJECT, .text = "{}", .len = 2};
	struct error why = ERROR_INIT;
	struct buf out = BUF_INIT;

	error_set(&why, ERROR_DATA, "%0200d", 1);
	int ret = reject_format(&out, "p", &why, &rec, &v, 0, err);
	buf_release(&out);
	return ret;
}

static void memory_runs_out(void **state)
{
	static char text[3000], bytes[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memset(bytes, 0xff, sizeof(bytes) - 1);
	assert_true(alloc_fail_each(format_one, text) > 2);
	assert_true(alloc_fail_each(format_one, bytes) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(bytes_as_base64),
		cmocka_unit_test(a_kafka_that_is_no_object_is_left_out),
		cmocka_unit_test(the_file_is_appended_to),
		cmocka_unit_test(each_line_is_one_write),
		cmocka_unit_test(limits_are_read),
		cmocka_unit_test(limits_are_judged),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
