#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <dirent.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/base/file.h"
#include "tests/unit/alloc_fail.h"

/* Each test runs inside a fresh folder, with a umask of 027. */
static char folder[PATH_MAX];
static mode_t umask_before;

static int enter_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/file-XXXXXX", tmp ? tmp : "/tmp");
	umask_before = umask(027);
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

/* How many names the folder holds; removes them if asked to. */
static int count_names(const char *path, bool remove_them)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		n++;
		if (!remove_them)
			continue;
		char name[PATH_MAX];
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		struct stat st;
		if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
			count_names(name, true);
		remove(name);
	}
	closedir(dir);
	return n;
}

static int leave_folder(void **state)
{
	(void)state;
	umask(umask_before);
	count_names(folder, true);
	return chdir("/") < 0 || rmdir(folder) < 0;
}

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void assert_file(const char *path, const char *text)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	if (file_read(path, 1 << 20, &b, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(b.len, strlen(text));
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(b.data, text);
	buf_release(&b);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_read_appends(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	put_file("a", "hello");
	put_file("empty", "");
	assert_int_equal(file_read("a", 5, &b, &err), 0);
	assert_int_equal(file_read("empty", 0, &b, &err), 0);
	assert_int_equal(file_read("a", 100, &b, &err), 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "hellohello", 10);
	buf_release(&b);
}

static void test_read_refuses(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	put_file("a", "hello");
	assert_int_equal(buf_add_str(&b, "before", &err), 0);
	assert_int_equal(file_read("a", 4, &b, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_string_equal(err.what, "'a' has more than 4 bytes");
	assert_int_equal(file_read(".", 100, &b, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_string_equal(err.what, "'.' is a directory");
	assert_int_equal(file_read("none", 100, &b, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	assert_string_equal(err.what, "cannot open 'none': No such file or directory");
	if (geteuid() != 0) {
		chmod("a", 0);
		assert_int_equal(file_read("a", 100, &b, &err), -1);
		assert_int_equal(err.kind, ERROR_NO_INPUT);
	}
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "before", 6);
	buf_release(&b);
}

/* A pipe and /proc have no size to go by. */
static void test_read_without_a_size(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	int ends[2];
	char name[32];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "12345678", 8), 8);
	close(ends[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	assert_int_equal(file_read(name, 8, &b, &err), 0);
	assert_int_equal(b.len, 8);
	close(ends[0]);

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "12345678", 8), 8);
	close(ends[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	assert_int_equal(file_read(name, 7, &b, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_int_equal(b.len, 8);
	close(ends[0]);

	b.len = 0;
	assert_int_equal(file_read("/proc/self/status", 1 << 20, &b, &err), 0);
	assert_true(b.len > 100);
	buf_release(&b);
}

static void test_write_all_waits_for_a_full_pipe(void **state)
{
	struct error err = ERROR_INIT;
	size_t n = 1 << 20;
	char *bytes = calloc(n, 1);
	int ends[2], status;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	pid_t reader = fork();
	if (reader == 0) {
		size_t got = 0;
		ssize_t part;

		close(ends[1]);
		while ((part = read(ends[0], bytes, 4096)) > 0)
			got += (size_t)part;
		_exit(got == n ? 0 : 1);
	}
	close(ends[0]);
	assert_int_equal(file_write_all(ends[1], bytes, n, &err), 0);
	close(ends[1]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(bytes);
}

static void test_write_all_fails(void **state)
{
	struct error err = ERROR_INIT;
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, "x", 0, &err), 0);
	assert_int_equal(file_write_all(fd, "x", 1, &err), -1);
	assert_int_equal(err.kind, ERROR_IO);
	assert_string_equal(err.what, "cannot write: No space left on device");
	close(fd);
}

static void begin_with(struct file_out *f, const char *path, const char *text)
{
	struct error err = ERROR_INIT;

	if (file_out_begin(f, path, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(file_write_all(f->fd, text, strlen(text), &err), 0);
}

static void commit(struct file_out *f)
{
	struct error err = ERROR_INIT;

	if (file_out_commit(f, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(f->fd, -1);
	assert_null(f->path);
	assert_null(f->tmp_path);
	file_out_abort(f);
}

static void test_new_file(void **state)
{
	struct file_out f;

	(void)state;
	begin_with(&f, "new", "text");
	assert_memory_equal(f.tmp_path, "new.", 4);
	assert_int_equal(access("new", F_OK), -1);
	commit(&f);
	assert_file("new", "text");
	assert_int_equal(mode_of("new"), 0640);
	assert_int_equal(count_names(".", false), 1);
}

static void test_replaced_file(void **state)
{
	struct file_out f;

	(void)state;
	put_file("old", "old");
	chmod("old", 04604);
	begin_with(&f, "old", "new");
	assert_file("old", "old");
	commit(&f);
	assert_file("old", "new");
	assert_int_equal(mode_of("old"), 0604);
	assert_int_equal(count_names(".", false), 1);
}

static void test_abort_leaves_nothing(void **state)
{
	struct file_out f = FILE_OUT_INIT;

	(void)state;
	file_out_abort(&f);
	put_file("old", "old");
	begin_with(&f, "old", "new");
	file_out_abort(&f);
	file_out_abort(&f);
	assert_file("old", "old");
	assert_int_equal(count_names(".", false), 1);
	begin_with(&f, "never", "new");
	file_out_abort(&f);
	assert_int_equal(count_names(".", false), 1);
}

static void test_absolute_path(void **state)
{
	struct file_out f;
	char path[PATH_MAX + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/x", folder);
	begin_with(&f, path, "text");
	commit(&f);
	assert_file("x", "text");
}

static void test_symbolic_links(void **state)
{
	struct file_out f;
	struct stat st;
	char target[PATH_MAX + 16];

	(void)state;
	assert_int_equal(mkdir("sub", 0755), 0);
	put_file("sub/file", "old");
	assert_int_equal(symlink("file", "sub/inner"), 0);
	assert_int_equal(symlink("sub/inner", "outer"), 0);
	begin_with(&f, "outer", "new");
	assert_int_equal(count_names("sub", false), 3);
	commit(&f);
	assert_file("sub/file", "new");
	assert_int_equal(lstat("outer", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat("sub/inner", &st), 0);
	assert_true(S_ISLNK(st.st_mode));

	/* To nothing yet, by an absolute path. */
	snprintf(target, sizeof(target), "%s/sub/later", folder);
	assert_int_equal(symlink(target, "dangling"), 0);
	begin_with(&f, "dangling", "made");
	commit(&f);
	assert_file("sub/later", "made");
	assert_int_equal(lstat("dangling", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void refuses(const char *path, enum error_kind kind, const char *what)
{
	struct error err = ERROR_INIT;
	struct file_out f;

	assert_int_equal(file_out_begin(&f, path, &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.what, what);
	assert_int_equal(f.fd, -1);
	file_out_abort(&f);
}

static void test_begin_refuses(void **state)
{
	(void)state;
	assert_int_equal(symlink("loop", "loop"), 0);
	refuses(".", ERROR_CREATE, "'.' is a directory");
	refuses("", ERROR_CREATE, "cannot create '': No such file or directory");
	refuses("none/x", ERROR_CREATE, "cannot create 'none/x': No such file or directory");
	refuses("loop", ERROR_CREATE, "cannot create 'loop': Too many levels of symbolic links");
	refuses("/dev/fd/999999", ERROR_CREATE,
		"cannot open '/dev/fd/999999': Bad file descriptor");
	assert_int_equal(count_names(".", false), 1);
}

static void test_commit_that_fails(void **state)
{
	struct error err = ERROR_INIT;
	struct file_out f;

	(void)state;
	begin_with(&f, "x", "text");
	assert_int_equal(mkdir("x", 0755), 0);
	assert_int_equal(file_out_commit(&f, &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_string_equal(err.what, "cannot create 'x': Is a directory");
	assert_int_equal(f.fd, -1);
	assert_int_equal(count_names(".", false), 1);
	file_out_abort(&f);
}

static void test_fifo_is_written_directly(void **state)
{
	struct file_out f;
	char text[8] = "";
	struct stat st;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK);
	begin_with(&f, "fifo", "text");
	assert_null(f.tmp_path);
	assert_int_equal(count_names(".", false), 1);
	commit(&f);
	assert_int_equal(read(reader, text, sizeof(text)), 4);
	assert_string_equal(text, "text");
	close(reader);
	assert_int_equal(stat("fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

/* `program -o /dev/fd/N N>>log` goes on where the log ends. */
static void test_named_descriptor_keeps_its_place(void **state)
{
	struct file_out f;
	char name[32];

	(void)state;
	put_file("log", "first ");
	int fd = open("log", O_WRONLY | O_APPEND);
	assert_true(fd >= 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	begin_with(&f, name, "second");
	assert_null(f.tmp_path);
	commit(&f);
	assert_file("log", "first second");
	assert_int_equal(write(fd, " third", 6), 6);
	close(fd);
	assert_file("log", "first second third");
}

static int write_and_read(void *arg, struct error *err)
{
	struct file_out f = FILE_OUT_INIT;
	struct buf b = BUF_INIT;
	int status = -1;

	(void)arg;
	if (file_out_begin(&f, "link", err) < 0 || file_write_all(f.fd, "new", 3, err) < 0 ||
	    file_out_commit(&f, err) < 0 || file_read("link", 100, &b, err) < 0)
		goto out;
	assert_memory_equal(b.data, "new", 3);
	status = 0;
out:
	file_out_abort(&f);
	buf_release(&b);
	assert_int_equal(count_names(".", false), 2);
	return status;
}

static void test_nth_allocation_fails(void **state)
{
	(void)state;
	put_file("target", "old");
	assert_int_equal(symlink("target", "link"), 0);
	assert_in_range(alloc_fail_each(write_and_read, NULL), 4, 10);
}

/* A child replaces a file again and again until a signal ends it, at any point. */
static void replace_until_killed(int started)
{
	static char bytes[1 << 20];
	struct error err = ERROR_INIT;

	for (bool first = true;; first = false) {
		if (file_replace("big", bytes, sizeof(bytes), &err) < 0)
			_exit(1);
		if (first && write(started, "x", 1) != 1)
			_exit(1);
	}
}

static void test_replace_leaves_no_part(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		int started[2], status;
		struct stat st;
		char byte;
		assert_int_equal(pipe(started), 0);
		pid_t child = fork();
		if (child == 0)
			replace_until_killed(started[1]);
		assert_int_equal(read(started[0], &byte, 1), 1);
		assert_int_equal(kill(child, signals[i % 3]), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i % 3]);
		close(started[0]);
		close(started[1]);
		assert_int_equal(stat("big", &st), 0);
		assert_int_equal(st.st_size, 1 << 20);
		assert_int_equal(count_names(".", false), 1);
	}
}

static void test_refresh(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	put_file("old", "old");
	assert_int_equal(file_refresh("old", "new", 3, &err), 0);
	assert_file("old", "new");
	assert_int_equal(file_refresh("missing/file", "x", 1, &err), -1);
	assert_int_equal(count_names(".", false), 1);
}

/* Opening a pipe waits for its reader: what would end the program must not wait for that too. */
static void test_replace_waits_for_no_reader(void **state)
{
	int status;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	pid_t child = fork();
	if (child == 0) {
		struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
		struct itimerspec soon = {.it_value = {.tv_nsec = 50000000}};
		struct error err = ERROR_INIT;
		timer_t timer;

		alarm(20);
		timer_create(CLOCK_MONOTONIC, &event, &timer);
		timer_settime(timer, 0, &soon, NULL);
		file_replace("fifo", "x", 1, &err);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void test_replace_fails(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(file_replace("missing/file", "x", 1, &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(file_replace("/dev/full", "x", 1, &err), -1);
	assert_int_equal(err.kind, ERROR_IO);
	assert_non_null(strstr(err.what, "'/dev/full'"));
	assert_int_equal(count_names(".", false), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_read_appends),
		IN_FOLDER(test_read_refuses),
		IN_FOLDER(test_read_without_a_size),
		IN_FOLDER(test_write_all_waits_for_a_full_pipe),
		IN_FOLDER(test_write_all_fails),
		IN_FOLDER(test_new_file),
		IN_FOLDER(test_replaced_file),
		IN_FOLDER(test_abort_leaves_nothing),
		IN_FOLDER(test_absolute_path),
		IN_FOLDER(test_symbolic_links),
		IN_FOLDER(test_begin_refuses),
		IN_FOLDER(test_commit_that_fails),
		IN_FOLDER(test_fifo_is_written_directly),
		IN_FOLDER(test_named_descriptor_keeps_its_place),
		IN_FOLDER(test_replace_leaves_no_part),
		IN_FOLDER(test_refresh),
		IN_FOLDER(test_replace_waits_for_no_reader),
		IN_FOLDER(test_replace_fails),
		IN_FOLDER(test_nth_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
