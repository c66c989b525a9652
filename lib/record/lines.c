#include "lib/record/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "lib/base/mem.h"

#define READ_SIZE 65536
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip's header and trailer */

struct lines {
	struct lines_options options;
	const char *name;
	int fd;
	uint64_t number;

	/* Bytes as they lie in the file: [raw_at, raw_end) are yet to be used. */
	unsigned char raw[READ_SIZE];
	size_t raw_at, raw_end;
	bool raw_ended;

	bool begun; /* it is known whether this is gzip */
	bool gzip;
	bool in_member; /* between a gzip member's first byte and its last */
	z_stream z;

	struct buf text; /* [at, text.len) are yet to be given out */
	size_t at;
	bool ended;
};

static int fail(const struct lines *l, struct error *err, const char *why)
{
	error_set(err, ERROR_DATA, "%s", why);
	return error_at(err, l->name, l->number + 1, 0);
}

struct lines *lines_open(const struct lines_options *options, struct error *err)
{
	struct lines *l = mem_alloc(1, sizeof(*l), err);
	struct stat st;

	if (!l)
		return NULL;
	l->options = *options;
	if (strcmp(options->path, "-") == 0) {
		l->fd = STDIN_FILENO;
		l->name = "(stdin)";
	} else {
		l->fd = open(options->path, O_RDONLY | O_CLOEXEC);
		l->name = options->path;
	}
	if (l->fd < 0 || fstat(l->fd, &st) < 0) {
		error_errno(err, ERROR_NO_INPUT, errno, "cannot open '%s'", l->name);
	} else if (S_ISDIR(st.st_mode)) {
		error_set(err, ERROR_NO_INPUT, "cannot read '%s': it is a directory", l->name);
	} else if (inflateInit2(&l->z, GZIP_WINDOW) != Z_OK) {
		error_memory(err, 1 << 15);
	} else {
		return l;
	}
	lines_close(l);
	return NULL;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	inflateEnd(&l->z);
	if (l->fd > STDIN_FILENO)
		close(l->fd);
	buf_release(&l->text);
	free(l);
}

static int before_wait(struct lines *l, struct error *err)
{
	return l->options.before_wait ? l->options.before_wait(l->options.context, err) : 0;
}

/* Reads behind what raw holds. */
static int read_raw(struct lines *l, struct error *err)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	int stop = 0;

	if (l->raw_at == l->raw_end)
		l->raw_at = l->raw_end = 0;
	if (poll(&p, 1, 0) == 0)
		stop = before_wait(l, err);
	while (stop == 0) {
		ssize_t n = read(l->fd, l->raw + l->raw_end, sizeof(l->raw) - l->raw_end);

		if (n >= 0) {
			l->raw_end += (size_t)n;
			l->raw_ended = n == 0;
			return 0;
		}
		if (errno != EINTR) {
			error_errno(err, ERROR_IO, errno, "cannot read");
			return error_at(err, l->name, 0, 0);
		}
		stop = before_wait(l, err);
	}
	l->raw_ended = true;
	return stop < 0 ? -1 : 0;
}

static int begin(struct lines *l, struct error *err)
{
	while (l->raw_end < 2 && !l->raw_ended) {
		if (read_raw(l, err) < 0)
			return -1;
	}
	l->gzip = l->raw_end >= 2 && l->raw[0] == 0x1f && l->raw[1] == 0x8b;
	l->begun = true;
	return 0;
}

static int inflate_more(struct lines *l, struct error *err)
{
	if (buf_reserve(&l->text, READ_SIZE, err) < 0)
		return -1;
	l->z.next_in = l->raw + l->raw_at;
	l->z.avail_in = (uInt)(l->raw_end - l->raw_at);
	l->z.next_out = (Bytef *)l->text.data + l->text.len;
	l->z.avail_out = READ_SIZE;
	l->in_member = true;

	int status = inflate(&l->z, Z_NO_FLUSH);

	l->raw_at = l->raw_end - l->z.avail_in;
	l->text.len += READ_SIZE - l->z.avail_out;
	if (status == Z_STREAM_END) {
		l->in_member = false;
		inflateReset(&l->z);
	} else if (status == Z_MEM_ERROR) {
		return error_memory(err, 1 << 15);
	} else if (status != Z_OK && status != Z_BUF_ERROR) {
		return fail(l, err, "gzip data are damaged");
	}
	return 0;
}

/* Adds to text, or sets ended. */
static int fill(struct lines *l, struct error *err)
{
	if (!l->begun && begin(l, err) < 0)
		return -1;
	if (l->raw_at == l->raw_end && !l->raw_ended && read_raw(l, err) < 0)
		return -1;
	if (l->raw_at == l->raw_end && l->raw_ended) {
		l->ended = true;
		return l->in_member ? fail(l, err, "gzip data end early") : 0;
	}
	if (l->at > 0) {
		l->text.len -= l->at;
		memmove(l->text.data, l->text.data + l->at, l->text.len);
		l->at = 0;
	}
	if (l->gzip)
		return inflate_more(l, err);
	if (buf_add(&l->text, l->raw + l->raw_at, l->raw_end - l->raw_at, err) < 0)
		return -1;
	l->raw_at = l->raw_end;
	return 0;
}

int lines_next(struct lines *l, const char **line, size_t *len, struct error *err)
{
	const char *newline = NULL;
	size_t searched = 0;

	for (;;) {
		size_t left = l->text.len - l->at;

		if (left > searched)
			newline = memchr(l->text.data + l->at + searched, '\n', left - searched);
		if (newline || l->ended)
			break;
		searched = left;
		if (searched > LINES_MAX_LINE)
			return fail(l, err, "line is longer than 16777216 bytes");
		if (fill(l, err) < 0)
			return -1;
	}
	if (l->at == l->text.len)
		return 0;

	*line = l->text.data + l->at;
	*len = (newline ? (size_t)(newline - l->text.data) : l->text.len) - l->at;
	l->at += *len + (newline ? 1 : 0);
	if (*len > LINES_MAX_LINE)
		return fail(l, err, "line is longer than 16777216 bytes");
	if (*len > 0 && (*line)[*len - 1] == '\r')
		(*len)--;
	if (l->number++ == 0 && *len >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*len -= 3;
	}
	return 1;
}

uint64_t lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_name(const struct lines *l)
{
	return l->name;
}
