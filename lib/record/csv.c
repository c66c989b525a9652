#include "lib/record/csv.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/utf8.h"
#include "lib/record/fields.h"

static const char *bad_cell(const char *row, const char *p, struct error *err, const char *what)
{
	error_set(err, ERROR_DATA, "%s", what);
	error_at(err, NULL, 0, (uint64_t)(p - row) + 1);
	return NULL;
}

static const char *quoted_cell(const char *row, const char *p, const char *end,
			       struct csv_cell *cell, struct error *err)
{
	const char *start = p++;

	for (;;) {
		const char *q = memchr(p, '"', (size_t)(end - p));
		const char *nul = memchr(p, 0, (size_t)((q ? q : end) - p));
		if (nul)
			return bad_cell(row, nul, err, "a cell holds a NUL byte");
		if (!q)
			return bad_cell(row, start, err, "a quote opens here and never closes");
		p = q + 1;
		if (p == end || *p != '"')
			break;
		p++;
	}
	if (p != end && *p != ',')
		return bad_cell(row, p, err, "a closing quote must be followed by a comma");
	*cell = (struct csv_cell){start, (size_t)(p - start), true};
	return p;
}

const char *csv_cell(const char *row, const char *p, const char *end, struct csv_cell *cell,
		     struct error *err)
{
	const char *start = p;

	if (p < end && *p == '"')
		return quoted_cell(row, p, end, cell, err);
	for (; p < end && *p != ','; p++) {
		if (*p == '"')
			return bad_cell(row, p, err, "a quote inside a cell that is not quoted");
		if ((unsigned char)*p < 0x20 && *p != '\t')
			return bad_cell(row, p, err, "a control character outside quotes");
	}
	*cell = (struct csv_cell){start, (size_t)(p - start), false};
	return p;
}

int csv_unquote(const struct csv_cell *cell, struct buf *out, struct error *err)
{
	if (!cell->quoted)
		return buf_add(out, cell->text, cell->len, err);
	if (buf_reserve(out, cell->len, err))
		return -1;
	for (size_t i = 1; i + 1 < cell->len; i++) {
		out->data[out->len++] = cell->text[i];
		if (cell->text[i] == '"')
			i++;
	}
	return 0;
}

/* Whether unquoted text would be read as something that is no string. */
static bool reads_as_other(const char *text, size_t len)
{
	return !len || (len == 4 && !memcmp(text, "true", 4)) ||
	       (len == 5 && !memcmp(text, "false", 5)) ||
	       number_skip(text, text + len) == text + len;
}

int csv_quote(struct buf *out, size_t at, struct error *err)
{
	size_t len = out->len - at, n_quotes = 0;
	const char *text = len ? out->data + at : "";
	bool quote = reads_as_other(text, len) || text[0] == ' ' || text[len - 1] == ' ';

	for (size_t i = 0; i < len; i++) {
		n_quotes += text[i] == '"';
		quote |= text[i] == ',' || text[i] == '"' || (unsigned char)text[i] < 0x20;
		if (!text[i])
			return error_set(err, ERROR_DATA, "a NUL character cannot stand in CSV");
	}
	if (!quote)
		return 0;
	if (buf_reserve(out, n_quotes + 2, err))
		return -1;
	char *from = out->data + out->len, *to = from + n_quotes + 2;
	out->len += n_quotes + 2;
	*--to = '"';
	while (from > out->data + at) {
		*--to = *--from;
		if (*to == '"')
			*--to = '"';
	}
	*--to = '"';
	return 0;
}

int csv_write_string(struct buf *out, const char *text, size_t len, struct error *err)
{
	size_t at = out->len;

	if (!buf_add(out, text, len, err) && !csv_quote(out, at, err))
		return 0;
	out->len = at;
	return -1;
}

const char *csv_row_end(struct csv_split *s, const char *p, const char *end)
{
	const char *nl = NULL; /* the first at or behind p; end when there is none */

	while (p < end) {
		if (s->open || (s->closed && *p == '"')) {
			const char *q = memchr(p + !s->open, '"', (size_t)(end - p - !s->open));
			s->open = !q;
			s->closed = q;
			s->last = '"';
			if (!q)
				return NULL;
			p = q + 1;
			continue;
		}
		s->closed = false;
		if (!nl || nl < p)
			nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl ? nl : end;
		const char *q = memchr(p, '"', (size_t)(nl - p));
		char before = q && q > p ? q[-1] : s->last;
		if (!q) {
			s->last = nl < end ? '\n' : end[-1];
			return nl < end ? nl + 1 : NULL;
		}
		s->open = before == ',' || before == '\n';
		s->last = '"';
		p = q + 1;
	}
	return NULL;
}

size_t csv_row(const char *p, size_t n, uint64_t *lines)
{
	const char *nl = memchr(p, '\n', n), *end = p + n;

	*lines = nl != NULL;
	if (memchr(p, '"', nl ? (size_t)(nl - p) : n)) {
		struct csv_split split = CSV_SPLIT_INIT;
		const char *row_end = csv_row_end(&split, p, end);
		end = row_end ? row_end : end;
		for (*lines = 0; nl && nl < end; nl = memchr(nl + 1, '\n', (size_t)(end - nl - 1)))
			++*lines;
		return (size_t)(end - p);
	}
	return nl ? (size_t)(nl + 1 - p) : n;
}

void csv_header_free(struct csv_header *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		free(h->names[i]);
	free(h->names);
	free((char *)(uintptr_t)h->text);
	free(h);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* After sorting, a name that begins another's path can be apart from it ("a", "a-b", "a.b"), so
 * each prefix is looked up, among those before. */
static int check_names(const struct csv_header *h, struct error *err)
{
	char **sorted = mem_alloc(h->n, sizeof(*sorted), err);
	int ret = -1;

	if (!sorted)
		return -1;
	memcpy(sorted, h->names, h->n * sizeof(*sorted));
	qsort(sorted, h->n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < h->n; i++) {
		char *name = sorted[i];
		if (i && !strcmp(sorted[i - 1], name)) {
			error_set(err, ERROR_DATA, "header names column '%s' twice", name);
			goto out;
		}
		for (char *dot = name; *dot; dot++) {
			if (*dot == '\\') { /* never the last byte of a path */
				dot++;
				continue;
			}
			if (*dot != '.')
				continue;
			*dot = '\0';
			bool clash = bsearch(&name, sorted, i, sizeof(*sorted), by_name) != NULL;
			*dot = '.';
			if (clash) {
				error_set(err, ERROR_DATA,
					  "header has column '%.*s' beside '%s', which lies inside "
					  "it",
					  (int)(dot - name), name, name);
				goto out;
			}
		}
	}
	ret = 0;
out:
	free(sorted);
	return ret;
}

/* One unquoted column with semicolons or tabs in its name is a file of another separator. */
static int check_separator(const struct csv_header *h, struct error *err)
{
	size_t at = strcspn(h->text, ";\t");

	if (h->n > 1 || h->text[0] == '"' || !h->text[at])
		return 0;
	error_set(err, ERROR_DATA, "header separates its columns by %s, not by commas",
		  h->text[at] == ';' ? "semicolons" : "tabs");
	return error_at(err, NULL, 0, at + 1);
}

/* Adds the column that a cell names, in the one spelling that paths have. */
static int add_column(struct csv_header *h, size_t *cap, const struct csv_cell *cell,
		      struct error *err)
{
	struct buf name = BUF_INIT, path_text = BUF_INIT;
	struct path path = {0};
	int ret = -1;

	if (csv_unquote(cell, &name, err))
		goto out;
	if (!name.len) {
		error_set(err, ERROR_DATA, "header has a column without a name");
		error_at(err, NULL, 0, (uint64_t)(cell->text - h->text) + 1);
		goto out;
	}
	if (path_parse(&path, name.data, name.len, err)) {
		if (err->kind == ERROR_USAGE) {
			err->kind = ERROR_DATA;
			error_prefix(err, "header");
			error_at(err, NULL, 0, (uint64_t)(cell->text - h->text) + 1);
		}
		goto out;
	}
	for (size_t i = 0; i < path.n; i++)
		if (path_append(&path_text, path.parts[i].name, path.parts[i].len, err))
			goto out;
	if (MEM_GROW(&h->names, cap, h->n + 1, err) ||
	    !(h->names[h->n] = mem_strndup(path_text.data, path_text.len, err)))
		goto out;
	h->n++;
	ret = 0;
out:
	path_release(&path);
	buf_release(&name);
	buf_release(&path_text);
	return ret;
}

struct csv_header *csv_header_new(const char *text, size_t len, bool crlf, struct error *err)
{
	struct csv_header *h = mem_alloc(1, sizeof(*h), err);
	size_t cap = 0, bad = utf8_check(text, len);
	const char *p, *end;

	if (!h)
		return NULL;
	h->crlf = crlf;
	h->len = len;
	if (!(h->text = mem_strndup(text, len, err)))
		goto fail;
	if (bad < len) {
		bad_cell(text, text + bad, err, "header is not valid UTF-8");
		goto fail;
	}
	for (p = h->text, end = p + len;; p++) {
		struct csv_cell cell;
		if (!(p = csv_cell(h->text, p, end, &cell, err)) || add_column(h, &cap, &cell, err))
			goto fail;
		if (p == end)
			break;
	}
	if (check_separator(h, err) || check_names(h, err))
		goto fail;
	return h;
fail:
	csv_header_free(h);
	return NULL;
}
