/* The reader: files and pipes into blocks; the same records however the bytes come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/record/scanner.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/record_text.h"

static char folder[256];

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.200s/test_reader.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int remove_folder(void **state)
{
	char path[400];

	(void)state;
	for (const char *name = "abcde"; *name; name++) {
		snprintf(path, sizeof(path), "%s/%c", folder, *name);
		unlink(path);
	}
	return rmdir(folder);
}

/* A file of these bytes by a name of one letter; its path stays good. */
static char *put(char name, const void *bytes, size_t n)
{
	static char paths[5][400];
	char *path = paths[name - 'a'];
	struct error err;

	snprintf(path, sizeof(paths[0]), "%s/%c", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(0, file_write_all(fd, bytes, n, &err));
	close(fd);
	return path;
}

#define PUT(name, text) put(name, text, sizeof(text) - 1)

/*
 * All that a reader gives, as text: of each record "FILE:LINE text", of each failure "! FILE:LINE
 * what", ended by "..." if it was final. What blocks promise is checked on the way.
 */
static const char *read_all(struct reader *r)
{
	static struct buf out;
	struct block b = {0};
	struct error err = ERROR_INIT, ignored;
	struct scanner *s = scanner_new(NULL, &err);
	int ret;

	out.len = 0;
	while ((ret = reader_next(r, &b, &err)) != 0) {
		if (ret < 0) {
			const char *file = strrchr(err.file, '/');
			assert_int_equal(buf_printf(&out, &ignored, "! %s:%llu %s|",
						    file ? file + 1 : err.file,
						    (unsigned long long)err.line, err.what),
					 0);
			if (reader_can_go_on(r))
				continue;
			out.len--;
			assert_int_equal(buf_add_str(&out, "...|", &err), 0);
			break;
		}
		struct record rec;
		assert_true(b.len > 0 && b.cap >= b.len + READER_PAD);
		assert_int_equal(b.data[b.len], '\n');
		assert_int_equal(b.format, reader_format(r));
		assert_ptr_equal(b.header, reader_header(r));
		assert_int_equal(b.unterminated, b.data[b.len - 1] != '\n');
		assert_int_equal(scanner_start(s, &b, &err), 0);
		while ((ret = scanner_next(s, &rec, &err)) != 0) {
			const char *file = strrchr(b.file, '/');
			assert_int_equal(buf_printf(&out, &ignored, "%s%s:%llu %.*s|",
						    ret < 0 ? "? " : "", file ? file + 1 : b.file,
						    (unsigned long long)rec.line,
						    rec.len > 60 ? 60 : (int)rec.len, rec.text),
					 0);
		}
	}
	scanner_free(s);
	block_release(&b);
	assert_int_equal(buf_terminate(&out, &err), 0);
	return out.data ? out.data : "";
}

static const char *read_paths(struct reader_options options, char *const *paths)
{
	struct error err = ERROR_INIT;

	options.paths = paths;
	options.wake_fd = -1;
	struct reader *r = reader_open(&options, &err);
	assert_non_null(r);
	const char *text = read_all(r);
	reader_close(r);
	return text;
}

static const char *read_text_with(struct reader_options options, const char *text, size_t n)
{
	char *const paths[] = {put('a', text, n), NULL};

	return read_paths(options, paths);
}

#define READ(text) read_text_with((struct reader_options){0}, text, sizeof(text) - 1)

static void json_lines(void **state)
{
	(void)state;
	assert_string_equal(READ(""), "");
	assert_string_equal(READ("{}\n"), "a:1 {}|");
	assert_string_equal(READ("{}"), "a:1 {}|");
	assert_string_equal(READ("{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}"),
			    "a:1 {\"a\":1}|a:3 {\"a\":2}|a:4 {\"a\":3}|");
	assert_string_equal(READ("\n\n \t{}\n"), "a:3  \t{}|");
	assert_string_equal(READ("\n \r\n\t"), "");
	assert_string_equal(READ(" "), "");
	assert_string_equal(READ("{}\nx\n{}\n"), "a:1 {}|? a:2 x|a:3 {}|");
	assert_string_equal(READ("{}\n\0\n{}\n"), "a:1 {}|? a:2 |a:3 {}|");
}

static void csv_rows(void **state)
{
	(void)state;
	assert_string_equal(READ("a,b\n"), "");
	assert_string_equal(READ("a,b"), "");
	assert_string_equal(READ("a,b\n1,2\n3,4"), "a:2 1,2|a:3 3,4|");
	assert_string_equal(READ("a,b\r\n1,2\r\n\r\n3,4\r\n"), "a:2 1,2|a:4 3,4|");
	assert_string_equal(READ("\n\na,b\n\n1,2\n"), "a:5 1,2|");
	assert_string_equal(READ("a,\"b\nc\"\n1,\"x\ny\"\n3,4\n"), "a:3 1,\"x\ny\"|a:5 3,4|");
	assert_string_equal(READ("a,b\n1\n1,2,3\n1,2\n"), "? a:2 1|? a:3 1,2,3|a:4 1,2|");
	assert_string_equal(READ("a,b\n5\",x\n1,2\n"), "? a:2 5\",x|a:3 1,2|");
	assert_string_equal(READ("a,b\n1,\"x\"y\n1,2\n"), "? a:2 1,\"x\"y|a:3 1,2|");
	assert_string_equal(READ("a\n \n"), "a:2  |");
}

static void byte_order_marks(void **state)
{
	(void)state;
	assert_string_equal(READ("\xef\xbb\xbf"), "");
	assert_string_equal(READ("\xef\xbb\xbf{}\n"), "a:1 {}|");
	assert_string_equal(READ("\xef\xbb\xbf\n {}\n"), "a:2  {}|");
	assert_string_equal(READ("\xef\xbb\xbf"
				 "a,b\n1,2\n"),
			    "a:2 1,2|");
	/* one is dropped, not two */
	assert_string_equal(READ("\xef\xbb\xbf\xef\xbb\xbf{}\n1\n"), "a:2 1|");
	assert_string_equal(READ("{}\n\xef\xbb\xbf{}\n"), "a:1 {}|? a:2 \xef\xbb\xbf{}|");
	assert_string_equal(READ("\xef\xbb"), "! a:1 header is not valid UTF-8...|");
}

static void formats_are_seen(void **state)
{
	struct reader_options json = {.format = FORMAT_JSON}, csv = {.format = FORMAT_CSV};

	(void)state;
	assert_non_null(strstr(READ("[{}]\n"), "! a:1 input is a JSON array"));
	assert_non_null(strstr(READ("\n [\n"), "! a:2 input is a JSON array"));
	assert_non_null(strstr(READ("[\n"), "jq -c '.[]'"));
	assert_string_equal(read_text_with(json, "a,b\n{}\n", 7), "? a:1 a,b|a:2 {}|");
	assert_string_equal(read_text_with(json, "[\n", 2), "? a:1 [|");
	assert_string_equal(read_text_with(csv, "{a,b\n1,2\n", 9), "a:2 1,2|");
	assert_string_equal(read_text_with(csv, "[\n1\n", 4), "a:2 1|");
	assert_string_equal(read_text_with(csv, "", 0), "");
}

static void bad_headers_are_final(void **state)
{
	struct reader_options o = {.max_line = 70};
	char text[200];

	(void)state;
	assert_string_equal(READ("a,a\n1,2\n"), "! a:1 header names column 'a' twice...|");
	assert_string_equal(READ("\n\na,,b\n1,2\n"),
			    "! a:3 header has a column without a name...|");
	assert_string_equal(READ("a,\"b\n1,2\n"), "! a:1 a quote opens here and never closes...|");
	assert_string_equal(READ("a\0b\n1\n"), "! a:1 a control character outside quotes...|");
	/* a header over the limit must not make the next row one */
	memset(text, 'a', sizeof(text));
	memcpy(text + 100, "\nb\n1\n", 5);
	assert_string_equal(read_text_with(o, text, 105),
			    "! a:1 header is longer than 70 bytes (--max-line)...|");
}

static void files_are_one_stream(void **state)
{
	char *const json[] = {PUT('a', "{}\n{}"), PUT('b', ""), PUT('c', " \n"),
			      PUT('d', "\xef\xbb\xbf\n{\"x\":1}\n"), NULL};

	(void)state;
	assert_string_equal(read_paths((struct reader_options){0}, json),
			    "a:1 {}|a:2 {}|d:2 {\"x\":1}|");
	char *const missing[] = {PUT('a', "{}\n"), "/nonexistent/x", NULL};
	assert_string_equal(
		read_paths((struct reader_options){0}, missing),
		"a:1 {}|! :0 cannot open '/nonexistent/x': No such file or directory...|");
	char *const csv[] = {PUT('a', "a,b\n1,2"),
			     PUT('b', "\xef\xbb\xbf"
				      "a,b\r\n3,4\n"),
			     PUT('c', ""),
			     PUT('d', "a,b"),
			     PUT('e', "\na,b\n\n5,6"),
			     NULL};
	assert_string_equal(read_paths((struct reader_options){0}, csv),
			    "a:2 1,2|b:2 3,4|e:4 5,6|");
	char *const other[] = {PUT('a', "a,b\n1,2\n"), PUT('b', "b,a\n1,2\n"), NULL};
	assert_string_equal(read_paths((struct reader_options){0}, other),
			    "a:2 1,2|! b:1 header differs from that of the input before it...|");
	char *const mixed[] = {PUT('a', "a,b\n1,2\n"), PUT('b', "\n{}\n"), NULL};
	assert_string_equal(
		read_paths((struct reader_options){0}, mixed),
		"a:2 1,2|! b:2 file is JSON Lines while the input before it is CSV...|");
	char *const folder_too[] = {PUT('a', "{}\n"), folder, NULL};
	assert_non_null(
		strstr(read_paths((struct reader_options){0}, folder_too), "is a directory...|"));
}

static void rewound(void **state)
{
	char *const paths[] = {PUT('a', "x,y\n1,2\n3,4"), PUT('b', "x,y\n\"5\n\",6\n"), NULL};
	struct reader_options o = {.paths = paths, .wake_fd = -1};
	struct error err = ERROR_INIT;
	struct reader *r = reader_open(&o, &err);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_string_equal(read_all(r), "a:2 1,2|a:3 3,4|b:2 \"5\n\",6|");
		assert_int_equal(reader_bytes(r), 22 * (i + 1));
		reader_rewind(r);
	}
	PUT('b', "y,x\n5,6\n");
	assert_string_equal(read_all(r),
			    "a:2 1,2|a:3 3,4|"
			    "! b:1 header differs from that of the input before it...|");
	reader_close(r);
}

static void sizes_and_bytes(void **state)
{
	char *const paths[] = {PUT('a', "{}\n"), PUT('b', "{\"a\":1}\n"), NULL};
	char *const fifo[] = {paths[0], "/dev/null", NULL};
	struct reader_options o = {.paths = paths, .wake_fd = -1};
	struct error err = ERROR_INIT;
	struct reader *r = reader_open(&o, &err);

	(void)state;
	assert_int_equal(reader_format(r), FORMAT_AUTO);
	assert_null(reader_header(r));
	assert_int_equal(reader_size(r), 11);
	assert_int_equal(reader_bytes(r), 0);
	read_all(r);
	assert_int_equal(reader_bytes(r), 11);
	assert_int_equal(reader_format(r), FORMAT_JSON);
	reader_close(r);
	o.paths = fifo;
	r = reader_open(&o, &err);
	assert_int_equal(reader_size(r), 0);
	reader_close(r);
	reader_close(NULL);
}

/* {"a":"xx…"}, `len` bytes without the newline. */
static char *line_of(struct buf *b, size_t len)
{
	struct error err;

	b->len = 0;
	assert_int_equal(buf_reserve(b, len + 16, &err), 0);
	memset(b->data, 'x', len);
	memcpy(b->data, "{\"a\":\"", 6);
	memcpy(b->data + len - 2, "\"}\n", 3);
	b->len = len + 1;
	return b->data;
}

static void lines_at_the_limit(void **state)
{
	static const uint64_t limits[] = {
		64, 1000, READER_BLOCK - 1, READER_BLOCK, READER_BLOCK + 1, 1000000};
	struct error err = ERROR_INIT;
	char expected[200];

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct reader_options o = {.max_line = limits[i]};
		for (size_t over = 0; over < 3; over++) {
			for (int end = 0; end < 2; end++) {
				struct buf b = BUF_INIT, line = BUF_INIT;
				buf_add_str(&b, "{}\n", &err);
				line_of(&line, limits[i] + over - (over == 2) * (limits[i] / 2));
				buf_add(&b, line.data, line.len - (size_t)end, &err);
				if (!end)
					buf_add_str(&b, "{\"b\":1}\n", &err);
				const char *got = read_text_with(o, b.data, b.len);
				if (over == 1)
					snprintf(expected, sizeof(expected),
						 "a:1 {}|! a:2 line is longer than %llu bytes "
						 "(--max-line)|%s",
						 (unsigned long long)limits[i],
						 end ? "" : "a:3 {\"b\":1}|");
				else
					snprintf(expected, sizeof(expected), "a:1 {}|a:2 %.*s|%s",
						 line.len > 61 ? 60 : (int)line.len - 1, line.data,
						 end ? "" : "a:3 {\"b\":1}|");
				assert_string_equal(got, expected);
				buf_release(&b);
				buf_release(&line);
			}
		}
	}
}

static void csv_rows_over_the_limit(void **state)
{
	struct reader_options o = {.max_line = 64};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	char x[300000];

	(void)state;
	memset(x, 'x', sizeof(x));
	/* with line breaks in quotes, in one block and over many */
	for (size_t n = 100; n <= sizeof(x); n *= 50) {
		b.len = 0;
		buf_add_str(&b, "a,b\n1,\"", &err);
		buf_add(&b, x, n, &err);
		buf_add_str(&b, "\n\"\"\n,\"\n3,4\n", &err);
		assert_string_equal(read_text_with(o, b.data, b.len),
				    "! a:2 row is longer than 64 bytes (--max-line)|a:5 3,4|");
	}
	/* a stray quote in what is passed over opens nothing */
	b.len = 0;
	buf_add_str(&b, "a,b\n", &err);
	buf_add(&b, x, sizeof(x), &err);
	buf_add_str(&b, "\"\n3,4\n", &err);
	assert_string_equal(read_text_with(o, b.data, b.len),
			    "! a:2 row is longer than 64 bytes (--max-line)|a:3 3,4|");
	buf_release(&b);
}

static void a_quote_that_never_closes_is_final(void **state)
{
	struct reader_options o = {.max_line = 64};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(READ("a,b\n1,2\n3,\"4\n5,6\n7,8\n"),
			    "a:2 1,2|! a:3 a quote opens in this row and never closes...|");
	assert_string_equal(READ("a,b\n3,\"4"),
			    "! a:2 a quote opens in this row and never closes...|");
	assert_string_equal(READ("a,b\n3,\"4\"\"\n"),
			    "! a:2 a quote opens in this row and never closes...|");
	o.max_line = 9;
	assert_string_equal(read_text_with(o, "a,b\n1,2\n3,\"4567890\n", 19),
			    "a:2 1,2|! a:3 row is longer than 9 bytes (--max-line)|"
			    "! a:3 a quote opens in this row and never closes...|");
	o.max_line = 64;
	buf_add_str(&b, "a,b\n1,\"", &err);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&b, "3,4\n", &err);
	assert_string_equal(read_text_with(o, b.data, b.len),
			    "! a:2 row is longer than 64 bytes (--max-line)|"
			    "! a:2 a quote opens in this row and never closes...|");
	buf_release(&b);
}

static void long_white_space(void **state)
{
	struct reader_options o = {.max_line = 64};
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 200000; i++)
		buf_add_str(&b, i % 3 ? "\n" : " \r\n", &err);
	buf_add_str(&b, "{}\n", &err);
	assert_string_equal(read_text_with(o, b.data, b.len), "a:200001 {}|");
	b.len -= 3;
	buf_add_str(&b, "a,b\n1,2\n", &err);
	assert_string_equal(read_text_with(o, b.data, b.len), "a:200002 1,2|");
	buf_release(&b);
}

static void many_blocks(void **state)
{
	enum { N = 20000 };
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct block block = {0};

	(void)state;
	for (int i = 0; i < N; i++)
		buf_printf(&b, &err, "{\"i\":%d,\"pad\":\"%.*s%s\"}\n", i, i % 50,
			   "..................................................",
			   i == N / 2 ? "\xc3\xa4" : "");
	char *const paths[] = {put('a', b.data, b.len), NULL};
	struct reader_options o = {.paths = paths, .wake_fd = -1};
	struct reader *r = reader_open(&o, &err);
	struct fields *f = text_fields("i", NULL);
	struct scanner *s = scanner_new(f, &err);
	int i = 0, n_blocks = 0, n_ascii = 0, ret;
	while ((ret = reader_next(r, &block, &err)) > 0) {
		struct record rec;
		assert_true(block.len <= READER_BLOCK + 4096);
		n_blocks++;
		n_ascii += block.ascii;
		assert_int_equal(scanner_start(s, &block, &err), 0);
		while (scanner_next(s, &rec, &err) > 0) {
			assert_int_equal(rec.values[0].number, i);
			assert_int_equal(rec.line, ++i);
		}
	}
	assert_int_equal(ret, 0);
	assert_int_equal(i, N);
	assert_true(n_blocks > 5);
	assert_int_equal(n_ascii, n_blocks - 1);
	scanner_free(s);
	fields_free(f);
	reader_close(r);
	block_release(&block);
	buf_release(&b);
}

/* Several blocks may be on their way at once: each is the reader's from new. */
static void blocks_may_change(void **state)
{
	struct error err = ERROR_INIT;
	char *const paths[] = {PUT('a', "a\n1\n2"), PUT('b', "a\n3\n\"4"), NULL};
	struct reader_options o = {.paths = paths, .wake_fd = -1};
	struct reader *r = reader_open(&o, &err);
	struct block b[8] = {{0}};
	static const char *const texts[] = {"1\n", "2", "3\n"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reader_next(r, &b[i], &err), 1);
		assert_int_equal(b[i].len, strlen(texts[i]));
	}
	assert_int_equal(reader_next(r, &b[3], &err), -1);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(b[i].data, texts[i], b[i].len);
	for (int i = 0; i < 8; i++)
		block_release(&b[i]);
	reader_close(r);
}

/* Input in pieces, through a pipe that a reader waits on: each piece is written when it waits. */
struct pieces {
	const char *text;
	size_t at, n_cuts;
	size_t cuts[4]; /* ends of the pieces */
	size_t next;
	int fd;
};

static int write_piece(void *context, int *timeout_ms, struct error *err)
{
	struct pieces *p = context;

	assert_int_equal(*timeout_ms, -1);
	while (p->next < p->n_cuts && p->cuts[p->next] == p->at)
		p->next++;
	if (p->next == p->n_cuts) {
		close(p->fd);
		p->fd = -1;
		return 0;
	}
	size_t from = p->at;
	p->at = p->cuts[p->next++];
	return file_write_all(p->fd, p->text + from, p->at - from, err);
}

static const char *read_pieces(struct reader_options options, struct pieces *p)
{
	int fds[2], saved = dup(STDIN_FILENO);
	struct error err = ERROR_INIT;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	p->fd = fds[1];
	options.before_wait = write_piece;
	options.context = p;
	options.wake_fd = -1;
	struct reader *r = reader_open(&options, &err);
	const char *got = read_all(r);
	reader_close(r);
	if (p->fd >= 0)
		close(p->fd);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
	return got;
}

static void split_at_every_point(struct reader_options options, const char *text, size_t n)
{
	char *whole = NULL;

	struct pieces one = {.text = text, .n_cuts = 1, .cuts = {n}};
	whole = strdup(read_pieces(options, &one));
	for (size_t i = 0; i <= n; i++) {
		for (size_t k = i; k <= n; k += n > 200 ? n : n > 40 ? 3 : 1) {
			struct pieces p = {.text = text, .n_cuts = 3, .cuts = {i, k, n}};
			const char *got = read_pieces(options, &p);
			if (strcmp(got, whole))
				fail_msg("%s\nsplit at %zu and %zu:\n%s\nnot\n%s", text, i, k, got,
					 whole);
		}
	}
	free(whole);
}

#define SPLIT(text) split_at_every_point((struct reader_options){0}, text, sizeof(text) - 1)

static void the_same_records_for_every_split(void **state)
{
	static const char json[] =
		"\xef\xbb\xbf\r\n{\"a\":1}\r\n \n{\"a\":\"\xe2\x82\xac\"}\n{\"a\n{}";
	static const char csv[] =
		"\xef\xbb\xbf\r\n\"a\n\",b\r\n1,\"\"\"\r\n\"\r\n\r\n5\",\"x\n\n,\"\"\n";
	static const char few[] = "{}\n{\"a\":123}\n\n{\"a\":1}\n{\"a\":1234}";
	static const char header[] = "a,b,c,d,e,f\n1,2\n", spread[] = "{\n \n \n \n \n\"a\":1}\n";
	static const char rows[] = "a,b\n1,\"234\"\"\n\"\n1,2\n5\",67890\n3,4\n1,\"67\n\n\n\n";
	struct reader_options limited = {.max_line = 9}, forced = {.format = FORMAT_JSON};

	(void)state;
	SPLIT(json);
	SPLIT(csv);
	SPLIT("a,b\n1,\"2\n3,4\n");
	SPLIT("a,b\n1,\"2\"\"\n");
	SPLIT("\xef\xbb\xbf\xef\xbb\xbf{}\n");
	SPLIT("\n\xef\xbb\xbf{}\n");
	SPLIT("\xef\xbb");
	SPLIT("\x1f\x8b\b");
	SPLIT("\xff\xfe"
	      "a\0,\0\n\0");
	SPLIT("\x38\0\0\0\0\0\0\0{\"a\"");
	SPLIT("{ \r\n\"a\":1}\n");
	SPLIT("{ ");
	SPLIT(" \n[1]");
	split_at_every_point(forced, json, sizeof(json) - 1);
	split_at_every_point(limited, few, sizeof(few) - 1);
	split_at_every_point(limited, rows, sizeof(rows) - 1);
	split_at_every_point(limited, header, sizeof(header) - 1);
	split_at_every_point(limited, spread, sizeof(spread) - 1);
}

/* More text than the tables above, split once. */
static void longer_input_for_every_split(void **state)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 50; i++)
		buf_printf(&b, &err, "{\"i\":%d}\n", i);
	split_at_every_point((struct reader_options){0}, b.data, b.len);
	buf_release(&b);
}

static int end_at_once(void *context, int *timeout_ms, struct error *err)
{
	int *calls = context;

	(void)timeout_ms;
	(void)err;
	return ++*calls == 2;
}

static int fail_at_once(void *context, int *timeout_ms, struct error *err)
{
	(void)context;
	(void)timeout_ms;
	return error_set(err, ERROR_RETRY, "enough");
}

/* A pipe as standard input, with bytes in it and its writing end open. */
static int open_pipe(const char *text, int *saved)
{
	int fds[2];

	*saved = dup(STDIN_FILENO);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	return fds[1];
}

static void close_pipe(int fd, int saved)
{
	close(fd);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void whole_lines_are_given_while_the_rest_is_awaited(void **state)
{
	int saved, calls = 0, fd = open_pipe("{}\n{\"a\":1}\n{\"b\"", &saved);
	int wake = eventfd(1, EFD_CLOEXEC);
	struct reader_options o = {.before_wait = end_at_once, .context = &calls, .wake_fd = wake};
	struct error err = ERROR_INIT;
	struct reader *r = reader_open(&o, &err);
	struct block b = {0};

	(void)state;
	assert_int_equal(reader_next(r, &b, &err), 1);
	assert_int_equal(b.len, 11);
	assert_string_equal(b.file, "(stdin)");
	assert_int_equal(calls, 0);
	/* then it waits; wake_fd wakes it; before_wait ends the input */
	assert_int_equal(reader_next(r, &b, &err), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(reader_next(r, &b, &err), 0);
	assert_int_equal(calls, 2);
	reader_close(r);
	o.before_wait = fail_at_once;
	o.wake_fd = -1;
	r = reader_open(&o, &err);
	assert_int_equal(reader_next(r, &b, &err), -1);
	assert_string_equal(err.what, "enough");
	assert_false(reader_can_go_on(r));
	reader_close(r);
	block_release(&b);
	close(wake);
	close_pipe(fd, saved);
}

static int time_out(void *context, int *timeout_ms, struct error *err)
{
	int *calls = context;

	(void)err;
	*timeout_ms = 1;
	return ++*calls == 5;
}

static void a_wait_may_time_out(void **state)
{
	int saved, calls = 0, fd = open_pipe("", &saved);
	struct reader_options o = {.before_wait = time_out, .context = &calls, .wake_fd = -1};
	struct error err = ERROR_INIT;
	struct reader *r = reader_open(&o, &err);
	struct block b = {0};

	(void)state;
	assert_int_equal(reader_next(r, &b, &err), 0);
	assert_int_equal(calls, 5);
	reader_close(r);
	block_release(&b);
	close_pipe(fd, saved);
}

static int read_and_count(void *arg, struct error *err)
{
	char *const *paths = arg;
	struct reader_options o = {.paths = paths, .wake_fd = -1, .max_line = 70};
	struct reader *r = reader_open(&o, err);
	struct block b = {0};
	int ret;

	if (!r)
		return -1;
	do
		ret = reader_next(r, &b, err);
	while (ret > 0 || (ret < 0 && reader_can_go_on(r)));
	reader_close(r);
	block_release(&b);
	return ret;
}

static void memory_runs_out(void **state)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	buf_add_str(&b, "a,b\n", &err);
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, &err, "%d,\"%.*s\"\n", i, i % 77,
			   "......................................................................."
			   ".....");
	char *const paths[] = {put('a', b.data, b.len), put('b', b.data, b.len), NULL};
	assert_true(alloc_fail_each(read_and_count, (void *)(uintptr_t)paths) > 5);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines),
		cmocka_unit_test(csv_rows),
		cmocka_unit_test(byte_order_marks),
		cmocka_unit_test(formats_are_seen),
		cmocka_unit_test(bad_headers_are_final),
		cmocka_unit_test(files_are_one_stream),
		cmocka_unit_test(rewound),
		cmocka_unit_test(sizes_and_bytes),
		cmocka_unit_test(lines_at_the_limit),
		cmocka_unit_test(csv_rows_over_the_limit),
		cmocka_unit_test(a_quote_that_never_closes_is_final),
		cmocka_unit_test(long_white_space),
		cmocka_unit_test(many_blocks),
		cmocka_unit_test(blocks_may_change),
		cmocka_unit_test(the_same_records_for_every_split),
		cmocka_unit_test(longer_input_for_every_split),
		cmocka_unit_test(whole_lines_are_given_while_the_rest_is_awaited),
		cmocka_unit_test(a_wait_may_time_out),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
