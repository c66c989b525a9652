/*
 * CSV against libcsv in its strict mode, told that spaces belong to the cell (sensor-record(5), "In
 * CSV spaces belong to the cell"): the same rows and cells. The reader gives the same records of a
 * file, and of a pipe in pieces of any size. The scanner's values and cuts are those of the cells.
 */
#include <csv.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/record/csv.h"
#include "lib/record/foreign.h"
#include "lib/record/scanner.h"
#include "tests/fuzz/text.h"

#define SIZE_MOST 32768 /* fits into a pipe */

/* Rows as text: each cell with its length before it, and behind a row how many cells it had. */
struct rows {
	struct buf text;
	size_t cells;
};

static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static void their_cell(void *text, size_t len, void *context)
{
	struct rows *r = context;

	add_number(&r->text, len);
	add(&r->text, text, len);
	r->cells++;
}

static void their_row(int ended_by, void *context)
{
	struct rows *r = context;

	(void)ended_by;
	add_number(&r->text, r->cells);
	r->cells = 0;
}

static bool judge(const char *text, size_t len, struct rows *rows)
{
	struct csv_parser p;

	rows->text.len = rows->cells = 0;
	CHECK(!csv_init(&p, CSV_STRICT | CSV_STRICT_FINI));
	csv_set_space_func(&p, no_space);
	bool ok = csv_parse(&p, text, len, their_cell, their_row, rows) == len &&
		  !csv_fini(&p, their_cell, their_row, rows);
	csv_free(&p);
	return ok;
}

/* A cell's characters; written as a string they read back as one. */
static void unquote(const struct csv_cell *cell, struct buf *text)
{
	struct error err = ERROR_INIT;
	struct buf written = BUF_INIT, back = BUF_INIT;
	struct csv_cell again;
	struct value v = {.csv = true, .kind = VALUE_STRING, .text = cell->text, .len = cell->len};

	text->len = 0;
	CHECK(!csv_unquote(cell, text, &err));
	CHECK(!value_string(&v, &back, &err));
	CHECK(same_bytes(text->data, text->len, back.data, back.len));
	CHECK(!csv_write_string(&written, text->len ? text->data : "", text->len, &err));
	CHECK(csv_cell(written.data, written.data, written.data + written.len, &again, &err) ==
	      written.data + written.len);
	back.len = 0;
	CHECK(!csv_unquote(&again, &back, &err));
	CHECK(same_bytes(text->data, text->len, back.data, back.len));
	buf_release(&written);
	buf_release(&back);
}

/* Our cells of a row without its line end: whether it is one. */
static bool read_row(const char *row, size_t len, struct rows *rows, struct error *err)
{
	const char *p = row, *end = row + len;
	struct buf text = BUF_INIT;
	struct csv_cell cell;

	for (;; p++) {
		if (!(p = csv_cell(row, p, end, &cell, err)))
			break;
		unquote(&cell, &text);
		their_cell(text.data, text.len, rows);
		if (p == end)
			break;
	}
	if (p)
		their_row('\n', rows);
	buf_release(&text);
	return p;
}

/* Bytes of a row without its line end. */
static size_t row_length(const char *row, size_t n)
{
	if (n && row[n - 1] == '\n')
		n -= n > 1 && row[n - 2] == '\r' ? 2 : 1;
	return n;
}

static void check_rows(const char *text, size_t size)
{
	struct rows all = {.cells = 0}, ours = {.cells = 0}, theirs = {.cells = 0};
	bool well_formed = true;
	uint64_t lines;

	for (size_t at = 0, n; at < size; at += n) {
		struct error err = ERROR_INIT;
		n = csv_row(text + at, size - at, &lines);
		size_t len = row_length(text + at, n);
		if (!len) /* "Blank lines are no records" */
			continue;
		ours.text.len = ours.cells = 0;
		char *row = text_copy(text + at, len);
		bool accepted = read_row(row, len, &ours, &err), judged = judge(row, len, &theirs);
		if (accepted) {
			CHECK(judged);
			CHECK(same_bytes(ours.text.data, ours.text.len, theirs.text.data,
					 theirs.text.len));
			add(&all.text, ours.text.data, ours.text.len);
		} else if (judged) {
			/* "In CSV a NUL byte is an error, and so are control characters", "In CSV a
			 * row ends with LF or CR LF". */
			CHECK(err.column && err.column <= len);
			unsigned char c = (unsigned char)row[err.column - 1];
			CHECK(c < 0x20 && c != '\t');
		}
		well_formed &= accepted;
		free(row);
	}
	if (well_formed) {
		CHECK(judge(text, size, &theirs));
		CHECK(same_bytes(all.text.data, all.text.len, theirs.text.data, theirs.text.len));
	}
	buf_release(&all.text);
	buf_release(&ours.text);
	buf_release(&theirs.text);
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* RFC 8259, section 6. */
static bool is_number(const char *p)
{
	size_t n;

	p += *p == '-';
	n = digits(p);
	if (!n || (*p == '0' && n > 1))
		return false;
	p += n;
	if (*p == '.') {
		if (!(n = digits(p + 1)))
			return false;
		p += n + 1;
	}
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		if (!(n = digits(p)))
			return false;
		p += n;
	}
	return !*p;
}

static enum value_kind kind_of(const struct csv_cell *cell)
{
	char *text = strndup(cell->text, cell->len);
	enum value_kind kind = VALUE_STRING;

	CHECK(text);
	if (cell->quoted)
		;
	else if (!cell->len)
		kind = VALUE_NULL;
	else if (!strcmp(text, "true") || !strcmp(text, "false"))
		kind = *text == 't' ? VALUE_TRUE : VALUE_FALSE;
	else if (is_number(text))
		kind = VALUE_NUMBER;
	free(text);
	return kind;
}

struct walk {
	const struct csv_header *header;
	const struct fields *fields;
	const struct record *rec;
	const char *p;   /* the next cell */
	struct buf kept; /* cells that are not owned, with commas between them */
	size_t n, n_kept;
};

static int leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	struct walk *w = context;
	const char *end = w->rec->text + w->rec->len;
	struct csv_cell cell;
	struct path parts;

	CHECK(w->n < w->header->n && !strcmp(path, w->header->names[w->n]));
	const char *next = csv_cell(w->rec->text, w->p, end, &cell, err);
	CHECK(next && v->csv && v->text == cell.text && v->len == cell.len);
	CHECK(v->kind == kind_of(&cell));
	for (size_t i = 0; i < fields_count(w->fields); i++) {
		const struct value *wanted = &w->rec->values[i];
		if (strcmp(fields_path(w->fields, i), path) != 0)
			continue;
		CHECK(wanted->kind == v->kind && wanted->text == v->text && wanted->len == v->len);
		CHECK(v->kind != VALUE_NUMBER ||
		      (same_bits(wanted->number, v->number) && wanted->integer == v->integer));
	}
	CHECK(!path_parse(&parts, path, strlen(path), err));
	if (!fields_owns(w->fields, &parts)) {
		add(&w->kept, ",", w->n_kept > 0);
		add(&w->kept, cell.text, cell.len);
		w->n_kept++;
	}
	path_release(&parts);
	w->p = next + 1;
	w->n++;
	return 0;
}

/* A record that was accepted or refused: its values, and what is left of it. */
static void check_record(struct scanner *s, const struct fields *f, const struct csv_header *header,
			 const struct record *rec, bool accepted)
{
	struct error err = ERROR_INIT;
	struct walk w = {.header = header, .fields = f, .rec = rec, .p = rec->text};
	struct rows rows = {.cells = 0};
	struct buf uncut = BUF_INIT;
	bool good = read_row(rec->text, rec->len, &rows, &err);
	uint64_t cells = 0;
	size_t at = 0;

	if (good)
		memcpy(&cells, rows.text.data + rows.text.len - sizeof(cells), sizeof(cells));
	/* "In CSV invalid UTF-8 is an error"; "Every row has as many cells as the header". */
	CHECK(accepted ==
	      (good && cells == header->n && utf8_check(rec->text, rec->len) == rec->len));
	buf_release(&rows.text);
	if (!accepted)
		return;
	CHECK(!scanner_walk(s, rec, leaf, &w, &err));
	CHECK(w.n == header->n && rec->empty == !w.n_kept);
	for (size_t i = 0; i < rec->n_cuts; at = rec->cuts[i++].to) {
		CHECK(rec->cuts[i].from >= at && rec->cuts[i].to >= rec->cuts[i].from);
		add(&uncut, rec->text + at, rec->cuts[i].from - at);
	}
	CHECK(at <= rec->close && rec->close == rec->len);
	add(&uncut, rec->text + at, rec->len - at);
	CHECK(same_bytes(uncut.data, uncut.len, w.kept.data, w.kept.len));
	buf_release(&uncut);
	buf_release(&w.kept);
}

/* Some columns to be read, some to be owned. */
static struct fields *choose(const struct csv_header *h)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);

	CHECK(f);
	for (size_t i = 0; h && i < h->n; i++) {
		uint64_t choice = hash(h->names[i], strlen(h->names[i]));
		struct path p;
		if (choice % 3 == 0) {
			CHECK(!path_parse(&p, h->names[i], strlen(h->names[i]), &err));
			char *name = strndup(p.parts[0].name, p.parts[0].len);
			CHECK(name && !fields_own(f, name, &err));
			free(name);
			path_release(&p);
		}
		if (choice % 2) /* but for those of control records */
			CHECK(fields_want(f, h->names[i], &err) >= 0 || err.kind == ERROR_USAGE);
	}
	return f;
}

/* The write end of a pipe, and what is still to be written. */
struct feed {
	int fd;
	const char *p, *end;
	size_t most;   /* bytes of a piece; 0: all at once */
	uint64_t seed; /* of the sizes of pieces */
	bool first;
};

static int feed_piece(void *context, int *timeout_ms, struct error *err)
{
	struct feed *f = context;
	size_t n = (size_t)(f->end - f->p);

	(void)timeout_ms;
	(void)err;
	if (!n) {
		CHECK(f->fd >= 0 && !close(f->fd));
		f->fd = -1;
		return 0;
	}
	if (f->most) {
		/* The first bytes in one: a model is told from its first nine. */
		size_t least = !f->first ? 1 : n < FOREIGN_BYTES ? n : FOREIGN_BYTES;
		f->seed = hash(&f->seed, sizeof(f->seed));
		n = least + f->seed % (n - least + 1) % f->most;
		f->first = false;
	}
	CHECK(write(f->fd, f->p, n) == (ssize_t)n);
	f->p += n;
	return 0;
}

/* All that a reader and a scanner give, until the end or what is final. */
static void describe(struct reader *r, struct buf *out)
{
	struct error err = ERROR_INIT;
	struct fields *f = NULL;
	struct scanner *s = NULL;
	struct block b = {.len = 0};
	struct record rec;
	int ret;

	while ((ret = reader_next(r, &b, &err)) != 0) {
		if (ret < 0) {
			add_number(out, err.line);
			add(out, err.what, strlen(err.what));
			if (reader_can_go_on(r))
				continue;
			break;
		}
		CHECK(b.len && b.cap >= b.len + READER_PAD && b.data[b.len] == '\n');
		CHECK(b.unterminated == (b.data[b.len - 1] != '\n'));
		CHECK(b.ascii == utf8_is_ascii(b.data, b.len));
		if (!s) {
			f = choose(b.header);
			CHECK((s = scanner_new(f, &err)) != NULL);
		}
		CHECK(!scanner_start(s, &b, &err));
		while ((ret = scanner_next(s, &rec, &err)) != 0) {
			add_number(out, rec.line);
			add_number(out, rec.torn);
			add(out, rec.eol, strlen(rec.eol));
			add(out, rec.text, rec.len);
			if (ret < 0)
				add(out, err.what, strlen(err.what));
			if (b.format == FORMAT_CSV)
				check_record(s, f, b.header, &rec, ret > 0);
		}
	}
	scanner_free(s);
	fields_free(f);
	block_release(&b);
}

/* Reads a pipe that is fed in pieces; or a file (pieces NULL). */
static void read_all(int fd, struct feed *pieces, uint64_t max_line, struct buf *out)
{
	struct error err = ERROR_INIT;
	char path[32];
	char *const paths[] = {path, NULL};
	const struct reader_options options = {.paths = paths,
					       .max_line = max_line,
					       .before_wait = pieces ? feed_piece : NULL,
					       .context = pieces,
					       .wake_fd = -1};

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	struct reader *r = reader_open(&options, &err);
	CHECK(r);
	describe(r, out);
	reader_close(r);
}

static void check_reader(const char *text, size_t size)
{
	uint64_t h = hash(text, size), max_line = h % 4 ? 0 : 1 + h % 61;
	struct buf expected = BUF_INIT, out = BUF_INIT;
	int fd = memfd_create("text", MFD_CLOEXEC), ends[2];

	CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	read_all(fd, NULL, max_line, &expected);
	close(fd);
	const size_t most[] = {0, size < 512 ? 1 : 16, 4, size};
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		out.len = 0;
		CHECK(!pipe2(ends, O_CLOEXEC));
		struct feed f = {ends[1], text, text + size, most[i], h + i, true};
		read_all(ends[0], &f, max_line, &out);
		CHECK(same_bytes(out.data, out.len, expected.data, expected.len));
		close(ends[0]);
		if (f.fd >= 0)
			close(f.fd);
	}
	buf_release(&expected);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > SIZE_MOST)
		return 0;
	char *text = text_copy(data, size);
	check_rows(text, size);
	check_reader(text, size);
	free(text);
	return 0;
}
