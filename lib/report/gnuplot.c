#include "lib/report/gnuplot.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/file.h"

#define EXIT_NOT_RUN 127
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *search_path(void)
{
	const char *path = getenv("PATH");

	return path && *path ? path : DEFAULT_PATH;
}

int gnuplot_find(struct buf *path, struct error *err)
{
	size_t start = path->len;

	for (const char *p = search_path();; p++) {
		size_t len = strcspn(p, ":");
		struct stat st;

		if (buf_add(path, p, len, err) < 0 || buf_add_str(path, "/gnuplot", err) < 0 ||
		    buf_terminate(path, err) < 0)
			return -1;
		/* Relative folders would mean another one in the child. */
		if (*p == '/' && access(path->data + start, X_OK) == 0 &&
		    stat(path->data + start, &st) == 0 && S_ISREG(st.st_mode))
			return 0;
		path->len = start;
		p += len;
		if (!*p)
			break;
	}
	return error_set(err, ERROR_UNAVAILABLE,
			 "cannot find 'gnuplot', which draws the pictures: it is in the package "
			 "gnuplot-nox");
}

/* Reads a file in memory from its start; at most `limit` bytes, of longer ones the end. */
static int read_back(int fd, size_t limit, struct buf *b, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, ERROR_IO, errno, "cannot read what gnuplot wrote");
	size_t size = (size_t)st.st_size, at = size > limit ? size - limit : 0;
	if (buf_reserve(b, size - at, err) < 0)
		return -1;
	while (at < size) {
		ssize_t n = pread(fd, b->data + b->len, size - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(err, ERROR_IO, n ? errno : EIO,
					   "cannot read what gnuplot wrote");
		b->len += (size_t)n;
		at += (size_t)n;
	}
	return 0;
}

/* In the child, which never returns. */
static void become_gnuplot(const char *path, const int fds[3], char *const env[])
{
	static char name[] = "gnuplot", defaults[] = "-d", from_stdin[] = "-";
	char *const argv[] = {name, defaults, from_stdin, NULL};
	struct rlimit space;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getrlimit(RLIMIT_AS, &space) == 0) {
		space.rlim_cur = space.rlim_max;
		setrlimit(RLIMIT_AS, &space);
	}
	/* The files in memory are never 0 to 2: those are open. */
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			_exit(EXIT_NOT_RUN);
	}
	if (close_range(3, ~0U, 0) < 0 || chdir("/") < 0)
		_exit(EXIT_NOT_RUN);
	execve(path, argv, env);
	_exit(EXIT_NOT_RUN);
}

/* What gnuplot said, from its last line that is not blank; the rest is the line it stumbled on. */
static int failed(const char *path, int status, struct buf *words, struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_RUN && words->len == 0)
		return error_set(err, ERROR_UNAVAILABLE, "cannot run '%s'", path);
	while (words->len && strchr(" \t\r\n", words->data[words->len - 1]))
		words->len--;
	if (buf_terminate(words, err) < 0)
		return -1;
	const char *line = strrchr(words->data, '\n');
	line = line ? line + 1 : words->data;
	line += strspn(line, " \t");
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_UNAVAILABLE, "'%s' died of signal %d: %s", path,
				 WTERMSIG(status), line);
	return error_set(err, ERROR_UNAVAILABLE, "'%s' failed with status %d: %s", path,
			 WEXITSTATUS(status), *line ? line : "it drew nothing");
}

static int run(const char *path, const int fds[3], char *const env[], int *status,
	       struct error *err)
{
	pid_t child = fork();

	if (child < 0)
		return error_errno(err, ERROR_UNAVAILABLE, errno, "cannot run '%s'", path);
	if (child == 0)
		become_gnuplot(path, fds, env);
	while (waitpid(child, status, 0) < 0) {
		if (errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, errno, "cannot wait for '%s'",
					   path);
	}
	return 0;
}

int gnuplot_run(const char *path, const struct buf *script, struct buf *out, struct error *err)
{
	struct buf path_variable = BUF_INIT, words = BUF_INIT;
	int fds[3] = {-1, -1, -1}, status, result = -1;
	static char home[] = "HOME=/nonexistent", locale[] = "LC_ALL=C.UTF-8", zone[] = "TZ=UTC";
	size_t start = out->len;

	for (int i = 0; i < 3; i++) {
		fds[i] = memfd_create("gnuplot", MFD_CLOEXEC);
		if (fds[i] < 0) {
			error_errno(err, ERROR_UNAVAILABLE, errno, "cannot make a file in memory");
			goto out;
		}
	}
	if (file_write_all(fds[0], script->data, script->len, err) < 0 ||
	    buf_add_str(&path_variable, "PATH=", err) < 0 ||
	    buf_add_str(&path_variable, search_path(), err) < 0 ||
	    buf_terminate(&path_variable, err) < 0)
		goto out;
	lseek(fds[0], 0, SEEK_SET);
	char *const env[] = {path_variable.data, home, locale, zone, NULL};
	if (run(path, fds, env, &status, err) < 0 || read_back(fds[1], SIZE_MAX, out, err) < 0 ||
	    read_back(fds[2], 4096, &words, err) < 0)
		goto out;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || out->len == start)
		failed(path, status, &words, err);
	else
		result = 0;
out:
	if (result < 0)
		out->len = start;
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	buf_release(&path_variable);
	buf_release(&words);
	return result;
}
