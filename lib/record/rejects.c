#include "lib/record/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/base64.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

static int add_place(struct buf *out, const char *name, uint64_t n, struct error *err)
{
	return n ? buf_printf(out, err, ",\"%s\":%llu", name, (unsigned long long)n) : 0;
}

static int add_text(struct buf *out, const char *name, const char *text, struct error *err)
{
	size_t len = strlen(text);

	if (buf_printf(out, err, "%s\"%s\":", out->len && out->data[out->len - 1] == '{' ? "" : ",",
		       name))
		return -1;
	return json_add_text(out, text, utf8_check(text, len), err);
}

int reject_format(struct buf *out, const char *program, const struct error *why,
		  const struct record *rec, const struct value *kafka, int64_t now_ns,
		  struct error *err)
{
	char now[TIMESTAMP_MAX];

	timestamp_format(now, now_ns);
	if (buf_add_str(out, "{", err) || add_text(out, "program", program, err) ||
	    add_text(out, "file", why->file, err) || add_place(out, "line", why->line, err) ||
	    add_place(out, "column", why->column, err) || add_text(out, "reason", why->what, err) ||
	    add_text(out, "rejected_at", now, err))
		return -1;
	if (rec && utf8_check(rec->text, rec->len) == rec->len) {
		if (buf_add_str(out, ",\"record\":", err) ||
		    json_add_text(out, rec->text, rec->len, err))
			return -1;
	} else if (rec) {
		if (buf_add_str(out, ",\"record_base64\":\"", err) ||
		    base64_add(out, rec->text, rec->len, err) || buf_add_str(out, "\"", err))
			return -1;
	}
	if (kafka && kafka->kind == VALUE_OBJECT &&
	    (buf_add_str(out, ",\"_kafka\":", err) || buf_add(out, kafka->text, kafka->len, err)))
		return -1;
	return buf_add_str(out, "}\n", err);
}

/* Whether the regular file behind fd has bytes behind its last newline. */
static bool ends_torn(int fd, const char *path)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	int in = open(path, O_RDONLY | O_CLOEXEC);
	if (in >= 0 && pread(in, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	if (in >= 0)
		close(in);
	return last != '\n';
}

int rejects_open(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	bool made = fd < 0 && errno == ENOENT;

	if (made)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, ERROR_CREATE, errno, "cannot open rejects file '%s'", path);
	/* Lines are as durable as the file's name. */
	if ((made && file_sync_folder(path, err)) ||
	    (ends_torn(fd, path) && file_write_all(fd, "\n", 1, err))) {
		close(fd);
		return error_prefix(err, "rejects file '%s'", path);
	}
	return fd;
}

int rejects_write(int fd, const char *lines, size_t len, struct error *err)
{
	while (len) {
		size_t n = (size_t)((char *)memchr(lines, '\n', len) - lines) + 1;
		if (file_write_all(fd, lines, n, err))
			return error_prefix(err, "cannot keep a bad record");
		lines += n;
		len -= n;
	}
	return 0;
}

int reject_limit_parse(struct reject_limit *l, const char *text, struct error *err)
{
	const char *end = text + strlen(text);
	unsigned flags;
	int64_t n;
	double x;

	*l = (struct reject_limit){.set = true};
	if (!number_read_int(text, end, &n) && n >= 0) {
		l->count = (uint64_t)n;
		return 0;
	}
	if (number_read(text, end, &x, &flags) == end && x > 0 && x <= 1) {
		l->is_share = true;
		l->share = x;
		return 0;
	}
	return error_set(err, ERROR_USAGE, "takes a count, or a share like 0.01, not '%s'", text);
}

bool reject_limit_passed(const struct reject_limit *l, uint64_t rejected, uint64_t all,
			 bool judge_share)
{
	if (!l->set)
		return false;
	if (!l->is_share)
		return rejected > l->count;
	return judge_share && (double)rejected > l->share * (double)all;
}
