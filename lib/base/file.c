#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"

#define READ_SIZE 65536
#define MAX_LINKS 40
#define MAX_NAMES 1000

static int read_all(int fd, const char *path, size_t limit, struct buf *b, struct error *err)
{
	size_t start = b->len, want = READ_SIZE;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, ERROR_NO_INPUT, errno, "cannot read '%s'", path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_NO_INPUT, "'%s' is a directory", path);
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		if ((uintmax_t)st.st_size > limit)
			return error_set(err, ERROR_DATA, "'%s' has more than %zu bytes", path,
					 limit);
		/* One more, so that the end is seen without another growth. */
		want = (size_t)st.st_size + 1;
	}
	for (;;) {
		if (buf_reserve(b, want, err) < 0)
			return -1;
		ssize_t n = read(fd, b->data + b->len, b->cap - b->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, ERROR_IO, errno, "cannot read '%s'", path);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		if (b->len - start > limit)
			return error_set(err, ERROR_DATA, "'%s' has more than %zu bytes", path,
					 limit);
		want = b->len < b->cap ? 1 : READ_SIZE;
	}
}

int file_read(const char *path, size_t limit, struct buf *b, struct error *err)
{
	size_t start = b->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, ERROR_NO_INPUT, errno, "cannot open '%s'", path);
	int status = read_all(fd, path, limit, b, err);
	if (status < 0)
		b->len = start;
	close(fd);
	return status;
}

int file_write_all(int fd, const void *bytes, size_t n, struct error *err)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			/* Somebody made the descriptor they left us non-blocking. */
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			poll(&wait, 1, -1);
			continue;
		}
		if (written < 0)
			return error_errno(err, ERROR_IO, errno, "cannot write");
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

/* The length of the folder part of path with its slash; 0: the working folder. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *join(const char *folder, size_t folder_len, const char *name, struct error *err)
{
	size_t name_len = strlen(name);
	char *path = mem_alloc(folder_len + name_len + 1, 1, err);

	if (path) {
		memcpy(path, folder, folder_len);
		memcpy(path + folder_len, name, name_len);
	}
	return path;
}

/* The place that path leads to through symbolic links, there or not. */
static char *follow_links(const char *path, struct error *err)
{
	char target[PATH_MAX];
	char *place = join(path, strlen(path), "", err);

	for (int links = 0; place; links++) {
		ssize_t n = readlink(place, target, sizeof(target) - 1);

		if (n < 0)
			return place;
		if (links == MAX_LINKS) {
			error_errno(err, ERROR_CREATE, ELOOP, "cannot create '%s'", path);
			free(place);
			return NULL;
		}
		target[n] = '\0';
		char *next = join(place, target[0] == '/' ? 0 : folder_length(place), target, err);
		free(place);
		place = next;
	}
	return NULL;
}

/* The descriptor that a name such as /dev/stdout or /dev/fd/3 stands for, or -1. */
static int named_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) != 0)
			continue;
		char *end;
		long fd = strtol(path + len, &end, 10);
		if (path[len] >= '0' && path[len] <= '9' && *end == '\0' && fd <= INT_MAX)
			return (int)fd;
	}
	return -1;
}

/* Own names instead of mkostemp's: the mode is then the kernel's to make from the umask. */
static int open_temporary(struct file_out *f, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(f->path);
	struct rng rng;

	f->tmp_path = join(f->path, len, ".XXXXXX", err);
	if (!f->tmp_path)
		return -1;
	rng_init(&rng, (uint64_t)timestamp_now() ^ (uint64_t)(uintptr_t)f, (uint64_t)getpid());
	for (int i = 0; i < MAX_NAMES; i++) {
		for (size_t k = 1; k <= 6; k++)
			f->tmp_path[len + k] = letters[rng_below(&rng, sizeof(letters) - 1)];
		f->fd = open(f->tmp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (f->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	error_errno(err, ERROR_CREATE, errno, "cannot create '%s'", f->path);
	/* Whatever bears that name is not ours to remove. */
	free(f->tmp_path);
	f->tmp_path = NULL;
	return -1;
}

/* To a path that is no regular file, or to a copy of the descriptor that it names (>= 0). */
static int open_direct(struct file_out *f, const char *path, int named, struct error *err)
{
	f->path = mem_strndup(path, strlen(path), err);
	if (!f->path)
		return -1;
	f->fd = named >= 0 ? fcntl(named, F_DUPFD_CLOEXEC, 0)
			   : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0)
		return error_errno(err, ERROR_CREATE, errno, "cannot open '%s'", path);
	return 0;
}

/* Beside the file it will be; `old` is the status of one that is there, or NULL. */
static int open_aside(struct file_out *f, const char *path, const struct stat *old,
		      struct error *err)
{
	f->path = follow_links(path, err);
	if (!f->path || open_temporary(f, err) < 0)
		return -1;
	if (old && fchmod(f->fd, old->st_mode & 0777) < 0)
		return error_errno(err, ERROR_CREATE, errno, "cannot set the mode of '%s'",
				   f->tmp_path);
	return 0;
}

int file_out_begin(struct file_out *f, const char *path, struct error *err)
{
	struct stat st;
	int named = named_descriptor(path), status;

	*f = (struct file_out)FILE_OUT_INIT;
	if (path[0] == '\0')
		return error_errno(err, ERROR_CREATE, ENOENT, "cannot create ''");
	bool there = named < 0 && stat(path, &st) == 0;
	if (there && S_ISDIR(st.st_mode))
		return error_set(err, ERROR_CREATE, "'%s' is a directory", path);
	if (named >= 0 || (there && !S_ISREG(st.st_mode)))
		status = open_direct(f, path, named, err);
	else
		status = open_aside(f, path, there ? &st : NULL, err);
	if (status < 0)
		file_out_abort(f);
	return status;
}

int file_sync_folder(const char *path, struct error *err)
{
	size_t len = folder_length(path);
	char *folder = len ? mem_strndup(path, len, err) : mem_strndup(".", 1, err);
	int status = 0;

	if (!folder)
		return -1;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 ? errno != EACCES : fsync(fd) < 0 && errno != EINVAL)
		status = error_errno(err, ERROR_IO, errno, "cannot sync '%s'", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return status;
}

static int commit(struct file_out *f, bool sync, struct error *err)
{
	int fd = f->fd, status = 0;

	if (f->tmp_path && sync && fsync(fd) < 0)
		status = error_errno(err, ERROR_IO, errno, "cannot sync '%s'", f->tmp_path);
	f->fd = -1;
	if (close(fd) < 0 && status == 0)
		status = error_errno(err, ERROR_IO, errno, "cannot write '%s'", f->path);
	if (f->tmp_path && status == 0) {
		if (rename(f->tmp_path, f->path) < 0) {
			status = error_errno(err, ERROR_CREATE, errno, "cannot create '%s'",
					     f->path);
		} else {
			free(f->tmp_path);
			f->tmp_path = NULL;
			status = sync ? file_sync_folder(f->path, err) : 0;
		}
	}
	file_out_abort(f);
	return status;
}

int file_out_commit(struct file_out *f, struct error *err)
{
	return commit(f, true, err);
}

void file_out_abort(struct file_out *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->tmp_path)
		unlink(f->tmp_path);
	free(f->tmp_path);
	free(f->path);
	*f = (struct file_out)FILE_OUT_INIT;
}

static int replace(const char *path, const void *bytes, size_t n, bool sync, struct error *err)
{
	struct file_out f = FILE_OUT_INIT;
	struct stat st;
	/* What is written directly leaves no part, and may wait for a reader for ever. */
	bool direct = named_descriptor(path) >= 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
	sigset_t held, before;
	int status = -1;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	pthread_sigmask(SIG_BLOCK, direct ? NULL : &held, &before);
	if (file_out_begin(&f, path, err) < 0)
		goto out;
	if (file_write_all(f.fd, bytes, n, err) < 0)
		error_prefix(err, "'%s'", path);
	else
		status = commit(&f, sync, err);
out:
	file_out_abort(&f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

int file_replace(const char *path, const void *bytes, size_t n, struct error *err)
{
	return replace(path, bytes, n, true, err);
}

int file_refresh(const char *path, const void *bytes, size_t n, struct error *err)
{
	return replace(path, bytes, n, false, err);
}
