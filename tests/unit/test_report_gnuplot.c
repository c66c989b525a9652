/* Running gnuplot: found in PATH, a stand-in for it that fails in every way, its surroundings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/report/gnuplot.h"
#include "tests/unit/alloc_fail.h"

static char folder[256], program[300];
static struct error err;
static struct buf out;

/* A stand-in that is a shell script of these commands. */
static void stand_in(const char *commands)
{
	FILE *f = fopen(program, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", commands);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(program, 0755), 0);
}

static int run(const char *script)
{
	struct buf b = {.data = (char *)script, .len = strlen(script)};

	err = (struct error)ERROR_INIT;
	out.len = 0;
	return gnuplot_run(program, &b, &out, &err);
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/report.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(program, sizeof(program), "%s/gnuplot", folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_release(&out);
	unlink(program);
	return rmdir(folder);
}

static void the_script_goes_in_and_the_picture_comes_out(void **state)
{
	(void)state;
	stand_in("echo \"$@\"; cat");
	assert_int_equal(run("plot x\n"), 0);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.data, "-d -\nplot x\n", 12);
}

static void its_surroundings_are_clean(void **state)
{
	(void)state;
	setenv("GNUPLOT_LIB", "/nowhere", 1);
	setenv("SECRET", "x", 1);
	stand_in("/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ' '; pwd; /bin/ls /proc/self/fd "
		 "| /usr/bin/wc -l");
	assert_int_equal(run(""), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	assert_non_null(strstr(out.data, "HOME=/nonexistent LC_ALL=C.UTF-8 "));
	assert_non_null(strstr(out.data, "TZ=UTC"));
	assert_null(strstr(out.data, "GNUPLOT_LIB"));
	assert_null(strstr(out.data, "SECRET"));
	/* 0 to 2, and the folder that ls reads. */
	assert_non_null(strstr(out.data, "/\n4\n"));
	unsetenv("GNUPLOT_LIB");
	unsetenv("SECRET");
}

static void its_last_words_are_in_the_message(void **state)
{
	(void)state;
	stand_in("echo; echo 'line 7: undefined variable' >&2; echo >&2; exit 3");
	assert_int_equal(run(""), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "status 3: line 7: undefined variable"));
	assert_int_equal(out.len, 0);
}

static void a_death_is_a_failure(void **state)
{
	(void)state;
	stand_in("echo half; kill -9 $$");
	assert_int_equal(run(""), -1);
	assert_non_null(strstr(err.what, "died of signal 9"));
	assert_int_equal(out.len, 0);
}

static void drawing_nothing_is_a_failure(void **state)
{
	(void)state;
	stand_in("exit 0");
	assert_int_equal(run(""), -1);
	assert_non_null(strstr(err.what, "it drew nothing"));
}

static void what_cannot_be_run_is_a_failure(void **state)
{
	(void)state;
	unlink(program);
	assert_int_equal(run(""), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "cannot run"));
}

static void a_soft_limit_of_memory_is_not_handed_on(void **state)
{
	struct rlimit old, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)1 << 45;
	if (old.rlim_max != RLIM_INFINITY)
		skip();
	stand_in("ulimit -v");
	assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
	int status = run("");
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_int_equal(status, 0);
	assert_memory_equal(out.data, "unlimited\n", 10);
}

static void it_is_found_in_absolute_folders_of_the_path(void **state)
{
	struct buf path = BUF_INIT;
	char value[600];
	const char *old = getenv("PATH");
	char *kept = old ? strdup(old) : NULL;

	(void)state;
	stand_in("exit 0");
	snprintf(value, sizeof(value), ".:/nowhere::%s:/usr/bin", folder);
	setenv("PATH", value, 1);
	assert_int_equal(gnuplot_find(&path, &err), 0);
	assert_string_equal(path.data, program);
	path.len = 0;
	setenv("PATH", "/nowhere:relative", 1);
	assert_int_equal(gnuplot_find(&path, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "gnuplot-nox"));
	if (kept)
		setenv("PATH", kept, 1);
	free(kept);
	buf_release(&path);
}

static int find_and_run(void *arg, struct error *e)
{
	struct buf b = {.data = (char *)"x", .len = 1}, picture = BUF_INIT;
	int status = gnuplot_run(program, &b, &picture, e);

	(void)arg;
	buf_release(&picture);
	return status;
}

static void it_survives_want_of_memory(void **state)
{
	(void)state;
	stand_in("echo picture");
	assert_true(alloc_fail_each(find_and_run, NULL) >= 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_script_goes_in_and_the_picture_comes_out),
		TEST(its_surroundings_are_clean),
		TEST(its_last_words_are_in_the_message),
		TEST(a_death_is_a_failure),
		TEST(drawing_nothing_is_a_failure),
		TEST(what_cannot_be_run_is_a_failure),
		TEST(a_soft_limit_of_memory_is_not_handed_on),
		TEST(it_is_found_in_absolute_folders_of_the_path),
		TEST(it_survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
