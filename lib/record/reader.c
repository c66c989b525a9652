#include "lib/record/reader_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/utf8.h"

void block_release(struct block *b)
{
	free(b->data);
	*b = (struct block){0};
}

static const char *display_name(const char *path)
{
	return strcmp(path, "-") ? path : "(stdin)";
}

struct reader *reader_open(const struct reader_options *options, struct error *err)
{
	static char dash[] = "-";
	static char *const standard_input[] = {dash, NULL};
	struct reader *r = mem_alloc(1, sizeof(*r), err);

	if (!r)
		return NULL;
	r->options = *options;
	if (!r->options.paths || !r->options.paths[0])
		r->options.paths = standard_input;
	if (!r->options.max_line)
		r->options.max_line = READER_MAX_LINE;
	r->fd = -1;
	for (char *const *p = r->options.paths; *p; p++) {
		struct stat st;
		int ret = strcmp(*p, "-") ? stat(*p, &st) : fstat(STDIN_FILENO, &st);
		if (ret || !S_ISREG(st.st_mode)) {
			r->size = 0;
			break;
		}
		r->size += (uint64_t)st.st_size;
	}
	return r;
}

static void close_file(struct reader *r)
{
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	r->fd = -1;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	close_file(r);
	csv_header_free(r->header);
	buf_release(&r->rest);
	free(r);
}

/* Opens the next file: 1, 0 when there is none left, -1. */
static int open_next(struct reader *r, struct error *err)
{
	const char *path = r->options.paths[r->next_path];
	struct stat st;

	if (!path)
		return 0;
	r->next_path++;
	r->file = display_name(path);
	r->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (r->fd < 0 || fstat(r->fd, &st))
		return error_errno(err, ERROR_NO_INPUT, errno, "cannot open '%s'", r->file);
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_NO_INPUT, "'%s' is a directory", r->file);
	r->regular = S_ISREG(st.st_mode);
	r->stage = FILE_START;
	r->eof = false;
	r->line = 1;
	return 1;
}

/* Whether a read would return at once. */
static bool ready(const struct reader *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	int n = r->regular ? 1 : poll(&p, 1, 0);

	/* Interrupted by a signal, which the caller must see before it waits. */
	return n > 0 || (n < 0 && errno != EINTR);
}

/* Waits until there is something to read: 1, 0 when the input was ended, -1. */
static int wait_for_input(struct reader *r, struct error *err)
{
	while (!ready(r)) {
		int timeout_ms = -1;
		if (r->options.before_wait) {
			int ret = r->options.before_wait(r->options.context, &timeout_ms, err);
			if (ret) {
				r->ended = ret > 0;
				return ret > 0 ? 0 : -1;
			}
		}
		struct pollfd p[3] = {{.fd = r->fd, .events = POLLIN},
				      {.fd = r->options.wake_fd, .events = POLLIN},
				      {.fd = r->options.out_fd ? r->options.out_fd : -1}};
		poll(p, 3, timeout_ms);
	}
	return 1;
}

/* Reads once into b behind its bytes: 1, 0 at the end of the file, -1. */
static int fill(struct reader *r, struct block *b, struct error *err)
{
	size_t room = b->cap - READER_PAD - b->len;
	ssize_t n;

	do
		n = read(r->fd, b->data + b->len, room);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		error_errno(err, ERROR_IO, errno, "cannot read '%s'", r->file);
		return -1;
	}
	b->len += (size_t)n;
	r->bytes += (uint64_t)n;
	r->eof = n == 0;
	return n > 0;
}

/* Bytes of b that are whole lines or rows. */
static size_t whole_lines(struct reader *r, const struct block *b)
{
	const char *nl;

	if (r->format != FORMAT_CSV) {
		nl = memrchr(b->data + r->scanned, '\n', b->len - r->scanned);
		r->scanned = b->len;
		if (nl)
			r->whole = (size_t)(nl - b->data) + 1;
		return r->whole;
	}
	const char *p = b->data + r->scanned, *end = b->data + b->len;
	if (p < end && !r->split.open && !memchr(p, '"', (size_t)(end - p))) {
		if ((nl = memrchr(p, '\n', (size_t)(end - p))))
			r->whole = (size_t)(nl - b->data) + 1;
		r->split = (struct csv_split){.last = end[-1]};
	} else {
		while ((p = csv_row_end(&r->split, p, end)))
			r->whole = (size_t)(p - b->data);
	}
	r->scanned = b->len;
	return r->whole;
}

/* Keeps b's bytes from `at` on for the next block. */
static int keep_rest(struct reader *r, struct block *b, size_t at, struct error *err)
{
	r->rest.len = 0;
	if (buf_add(&r->rest, b->data + at, b->len - at, err))
		return -1;
	b->len = at;
	return 0;
}

int reader_line_too_long(struct reader *r, struct error *err)
{
	r->failed_line = r->stage != FILE_HEADER;
	error_set(err, ERROR_DATA, "%s is longer than %llu bytes (--max-line)",
		  r->stage == FILE_HEADER   ? "header"
		  : r->format == FORMAT_CSV ? "row"
					    : "line",
		  (unsigned long long)r->options.max_line);
	return error_at(err, r->file, r->line, 0);
}

/* Nobody knows how many rows such a quote took in: the input is not what it must be. */
static int never_closes(const struct reader *r, uint64_t line, struct error *err)
{
	error_set(err, ERROR_DATA, "a quote opens in this row and never closes");
	return error_at(err, r->file, line, 0);
}

/* Room to read a good part more. */
static int make_room(struct block *b, struct error *err)
{
	size_t need = b->len + b->len / 2 + READER_PAD + 4096;

	if (need < READER_BLOCK + READER_PAD)
		need = READER_BLOCK + READER_PAD;
	if (b->len + READER_PAD + 4096 <= b->cap)
		return 0;
	return mem_grow((void **)&b->data, &b->cap, need, 1, err);
}

/* Reads on behind a line over the limit: 1 at the line behind it, 0 at the end of the file, -1. */
static int skip_line(struct reader *r, struct block *b, struct error *err)
{
	while (r->skipping) {
		int ret = wait_for_input(r, err);
		b->len = 0;
		if (ret > 0)
			ret = make_room(b, err) ? -1 : fill(r, b, err);
		if (ret <= 0)
			return !ret && r->eof && r->split.open
				       ? never_closes(r, r->skipped_line, err)
				       : ret;
		const char *end = b->data + b->len, *next;
		if (r->format == FORMAT_CSV)
			next = csv_row_end(&r->split, b->data, end);
		else if ((next = memchr(b->data, '\n', b->len)))
			next++;
		size_t n = next ? (size_t)(next - b->data) : b->len;
		r->line += count_newlines(b->data, n);
		drop_front(b, n);
		r->skipping = !next;
	}
	return 1;
}

/* How many of the first n bytes of b may be given out: those before the first line over the limit.
 * 0: that line is the first one, *too_long bytes with its end. (Only limits below a block's size
 * need the look.) */
static size_t within_limit(const struct reader *r, const struct block *b, size_t n,
			   size_t *too_long)
{
	for (size_t at = 0, len; n > r->options.max_line && at < n; at += len) {
		uint64_t lines;
		const char *nl = memchr(b->data + at, '\n', n - at);
		if (r->format == FORMAT_CSV)
			len = csv_row(b->data + at, n - at, &lines);
		else
			len = nl ? (size_t)(nl + 1 - b->data) - at : n - at;
		if (len - (b->data[at + len - 1] == '\n') > r->options.max_line) {
			*too_long = len;
			return at;
		}
	}
	return n;
}

/* Hands out the first n bytes of b. */
static int give(struct reader *r, struct block *b, size_t n, struct error *err)
{
	size_t too_long = 0, good = within_limit(r, b, n, &too_long);

	if (keep_rest(r, b, good ? good : too_long, err))
		return -1;
	if (!good)
		reader_line_too_long(r, err);
	b->unterminated = b->data[b->len - 1] != '\n';
	b->first_line = r->line;
	b->file = r->file;
	b->format = r->format;
	b->header = r->header;
	b->ascii = utf8_is_ascii(b->data, b->len);
	r->line += count_newlines(b->data, b->len);
	memset(b->data + b->len, 0, READER_PAD);
	b->data[b->len] = '\n';
	return good ? 1 : -1;
}

/* The next block of the file at hand: 1, 0 when there is no more of it, -1. */
static int next_of_file(struct reader *r, struct block *b, struct error *err)
{
	int ret;

	b->len = 0;
	r->scanned = r->whole = 0;
	if (r->skipping && (ret = skip_line(r, b, err)) <= 0) {
		r->skipping = false;
		return ret;
	}
	r->split = (struct csv_split)CSV_SPLIT_INIT;
	/* What is left of the block before; not both, for what is passed over leaves none there. */
	b->len += r->rest.len;
	if (make_room(b, err))
		return -1;
	if (r->rest.len)
		memcpy(b->data, r->rest.data, r->rest.len);
	r->rest.len = 0;
	for (;;) {
		if (r->stage <= FILE_FORMAT && b->len + r->eof && reader_see_format(r, b, err))
			return -1;
		size_t whole = r->stage <= FILE_FORMAT ? 0 : whole_lines(r, b);
		if (r->stage == FILE_HEADER && (whole || r->eof)) {
			if (reader_take_header(r, b, err))
				return -1;
			continue;
		}
		if (whole && (b->len >= READER_BLOCK || r->eof || !ready(r)))
			return give(r, b, whole, err);
		/* What white space and '{' lead to is seen before a line is judged. */
		if (!whole && b->len > r->options.max_line &&
		    (r->stage > FILE_FORMAT || b->len >= READER_BLOCK)) {
			reader_line_too_long(r, err);
			r->skipping = true;
			r->skipped_line = r->line;
			r->line += count_newlines(b->data, b->len);
			return -1;
		}
		if (r->eof && b->len && r->split.open)
			return never_closes(r, r->line, err);
		if (r->eof)
			return b->len ? give(r, b, b->len, err) : 0;
		if ((ret = wait_for_input(r, err)) <= 0)
			return ret;
		if (make_room(b, err) || fill(r, b, err) < 0)
			return -1;
	}
}

int reader_next(struct reader *r, struct block *b, struct error *err)
{
	r->failed_line = false;
	while (!r->ended) {
		int ret = r->fd < 0 ? open_next(r, err) : 1;
		if (ret > 0)
			ret = next_of_file(r, b, err);
		else if (ret == 0)
			return 0;
		if (ret)
			return ret;
		close_file(r);
	}
	return 0;
}

void reader_rewind(struct reader *r)
{
	r->next_path = 0;
}

bool reader_can_go_on(const struct reader *r)
{
	return r->failed_line;
}

enum record_format reader_format(const struct reader *r)
{
	return r->format;
}

const struct csv_header *reader_header(const struct reader *r)
{
	return r->header;
}

uint64_t reader_bytes(const struct reader *r)
{
	return r->bytes;
}

uint64_t reader_size(const struct reader *r)
{
	return r->size;
}
