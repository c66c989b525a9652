#include "lib/record/writer_impl.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/record/csv.h"
#include "lib/record/foreign.h"

void writer_free(struct writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->prefix && i < w->n_added; i++)
		free(w->prefix[i]);
	free(w->prefix);
	free(w->prefix_len);
	free(w->open);
	free(w->slots);
	buf_release(&w->header);
	member_release(&w->root);
	free(w);
}

/* Whether a file that begins with this cell would be seen as JSON or a compressed file, lose its
 * first bytes, or, with no other cell, seem to have another separator. */
static bool misleads(const char *cell, size_t len, bool alone)
{
	const char *p = cell, *end = cell + len;
	struct error ignored;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && (*p == '{' || *p == '['))
		return true;
	return (len >= 3 && !memcmp(cell, "\xef\xbb\xbf", 3)) ||
	       foreign_check(cell, len, "", &ignored) ||
	       (alone && *cell != '"' && (memchr(cell, ';', len) || memchr(cell, '\t', len)));
}

/* Quotes a header's first cell if it must be. */
static int quote_first(struct buf *h, struct error *err)
{
	const char *comma = h->len ? memchr(h->data, ',', h->len) : NULL;
	size_t n = comma ? (size_t)(comma - h->data) : h->len;

	if (!n || !misleads(h->data, n, !comma))
		return 0;
	if (buf_reserve(h, 2, err))
		return -1;
	memmove(h->data + n + 2, h->data + n, h->len - n);
	memmove(h->data + 1, h->data, n);
	h->data[0] = h->data[n + 1] = '"';
	h->len += 2;
	return 0;
}

static int add_header_cell(struct writer *w, const char *name, struct error *err)
{
	struct buf *h = &w->header;
	bool first = !h->len;

	if ((!first && buf_add_str(h, ",", err)) || csv_write_string(h, name, strlen(name), err))
		return -1;
	return first ? quote_first(h, err) : 0;
}

/* The header of CSV that passes through: the input's cells, less those owned. */
static int passed_header(struct writer *w, const struct csv_header *h, const struct fields *fields,
			 struct error *err)
{
	struct block b = {.data = (char *)(uintptr_t)h->text,
			  .len = h->len,
			  .format = FORMAT_CSV,
			  .header = h,
			  .unterminated = true};
	struct scanner *s = scanner_new(fields, err);
	struct record rec;
	size_t at = 0;
	int ret = -1;

	/* The header's own row, scanned as a record of itself, knows what to cut. */
	if (!s || scanner_start(s, &b, err) || scanner_next(s, &rec, err) < 0)
		goto out;
	for (size_t i = 0; i < rec.n_cuts; i++) {
		if (buf_add(&w->header, h->text + at, rec.cuts[i].from - at, err))
			goto out;
		at = rec.cuts[i].to;
	}
	if (!buf_add(&w->header, h->text + at, h->len - at, err))
		ret = rec.n_cuts ? quote_first(&w->header, err) : 0;
out:
	scanner_free(s);
	return ret;
}

static int make_header(struct writer *w, const struct writer_options *o,
		       const struct fields *fields, struct error *err)
{
	struct buf name = BUF_INIT;
	int ret = -1;

	if (w->anew) {
		for (size_t i = 0; i < o->n_columns; i++)
			if (add_header_cell(w, o->columns[i], err))
				goto out;
	} else if (passed_header(w, o->header, fields, err)) {
		goto out;
	}
	for (size_t i = 0; i < o->n_added; i++) {
		name.len = 0;
		if (o->object && path_append(&name, o->object, strlen(o->object), err))
			goto out;
		if (path_append(&name, o->added[i], strlen(o->added[i]), err) ||
		    buf_terminate(&name, err) || add_header_cell(w, name.data, err))
			goto out;
	}
	ret = buf_add_str(&w->header, !w->anew && o->header->crlf ? "\r\n" : "\n", err);
out:
	buf_release(&name);
	return ret;
}

static int make_prefixes(struct writer *w, const struct writer_options *o, struct error *err)
{
	struct buf b = BUF_INIT;

	w->prefix = mem_alloc(o->n_added, sizeof(*w->prefix), err);
	w->prefix_len = mem_alloc(o->n_added, sizeof(*w->prefix_len), err);
	if (!w->prefix || !w->prefix_len)
		return -1;
	w->n_added = o->n_added;
	for (size_t i = 0; i < o->n_added; i++) {
		b = (struct buf)BUF_INIT;
		if ((i && buf_add_str(&b, ",", err)) ||
		    json_add_text(&b, o->added[i], strlen(o->added[i]), err) ||
		    buf_add_str(&b, ":", err)) {
			buf_release(&b);
			return -1;
		}
		w->prefix[i] = b.data;
		w->prefix_len[i] = b.len;
	}
	b = (struct buf)BUF_INIT;
	if ((o->object && (json_add_text(&b, o->object, strlen(o->object), err) ||
			   buf_add_str(&b, ":{", err))) ||
	    buf_terminate(&b, err)) {
		buf_release(&b);
		return -1;
	}
	w->open = b.data;
	return 0;
}

struct writer *writer_new(const struct writer_options *o, struct fields *fields, struct error *err)
{
	struct writer *w = mem_alloc(1, sizeof(*w), err);

	if (!w)
		return NULL;
	w->from = o->from;
	w->to = o->to;
	w->anew = !o->pass_through;
	w->object = o->object != NULL;
	w->slots = mem_alloc(o->n_columns, sizeof(*w->slots), err);
	if (!w->slots)
		goto fail;
	for (size_t i = 0; i < o->n_columns; i++)
		if (anew_add_column(w, o->columns[i], fields, err))
			goto fail;
	if (o->object) {
		if (fields_own(fields, o->object, err))
			goto fail;
	} else {
		for (size_t i = 0; i < o->n_added; i++)
			if (fields_own(fields, o->added[i], err))
				goto fail;
	}
	if (w->to == FORMAT_CSV ? make_header(w, o, fields, err) : make_prefixes(w, o, err))
		goto fail;
	w->n_added = o->n_added;
	return w;
fail:
	writer_free(w);
	return NULL;
}

int writer_header(const struct writer *w, struct buf *out, struct error *err)
{
	return w->to == FORMAT_CSV ? buf_add(out, w->header.data, w->header.len, err) : 0;
}

int writer_begin(const struct writer *w, const struct record *rec, struct buf *out,
		 struct error *err)
{
	size_t more = (w->n_added + 1) * (WRITER_VALUE_MAX + 64) + 16, at = 0, start = out->len;
	bool empty = true;

	if (buf_reserve(out, rec->len + more, err))
		return -1;
	if (!w->anew) {
		for (size_t i = 0; i < rec->n_cuts; at = rec->cuts[i++].to) {
			memcpy(out->data + out->len, rec->text + at, rec->cuts[i].from - at);
			out->len += rec->cuts[i].from - at;
		}
		memcpy(out->data + out->len, rec->text + at, rec->close - at);
		out->len += rec->close - at;
		empty = rec->empty;
	} else if (w->to == FORMAT_CSV ? anew_csv(w, rec, out, &empty, err)
				       : anew_json(w, rec, out, &empty, err)) {
		return -1;
	}
	if (buf_reserve(out, more, err))
		return -1;
	if (w->to == FORMAT_CSV && !w->n_added && out->len == start)
		return error_set(err, ERROR_DATA,
				 "the row would be a blank line: its one value is missing");
	if (!w->n_added)
		return 0;
	if (!empty)
		out->data[out->len++] = ',';
	if (w->to == FORMAT_JSON)
		return buf_add_str(out, w->open, err) || buf_reserve(out, more, err) ? -1 : 0;
	return 0;
}

static inline char *value_at(const struct writer *w, struct buf *out, size_t i)
{
	if (w->to == FORMAT_JSON) {
		memcpy(out->data + out->len, w->prefix[i], w->prefix_len[i]);
		out->len += w->prefix_len[i];
	} else if (i) {
		out->data[out->len++] = ',';
	}
	return out->data + out->len;
}

void writer_real(const struct writer *w, struct buf *out, size_t i, double x)
{
	out->len += number_write_real(value_at(w, out, i), x);
}

void writer_count(const struct writer *w, struct buf *out, size_t i, uint64_t n)
{
	out->len += number_write_uint(value_at(w, out, i), n);
}

static void add_bytes(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	memcpy(out->data + out->len, s, n);
	out->len += n;
}

void writer_bool(const struct writer *w, struct buf *out, size_t i, bool b)
{
	value_at(w, out, i);
	add_bytes(out, b ? "true" : "false");
}

void writer_null(const struct writer *w, struct buf *out, size_t i)
{
	value_at(w, out, i);
	if (w->to == FORMAT_JSON)
		add_bytes(out, "null");
}

void writer_word(const struct writer *w, struct buf *out, size_t i, const char *word)
{
	const char *end = word + strlen(word);
	/* A digest may look like a number: in CSV only quotes keep it a string. */
	bool quote = w->to == FORMAT_JSON || number_skip(word, end) == end;

	value_at(w, out, i);
	if (quote)
		out->data[out->len++] = '"';
	add_bytes(out, word);
	if (quote)
		out->data[out->len++] = '"';
}

int writer_raw(const struct writer *w, struct buf *out, size_t i, const char *text, size_t len,
	       struct error *err)
{
	value_at(w, out, i);
	return buf_add(out, text, len, err) || buf_reserve(out, WRITER_VALUE_MAX, err) ? -1 : 0;
}

int writer_json(const struct writer *w, struct buf *out, size_t i, const char *text, size_t len,
		struct error *err)
{
	value_at(w, out, i);
	if (w->to == FORMAT_JSON ? buf_add(out, text, len, err)
				 : csv_write_string(out, text, len, err))
		return -1;
	return buf_reserve(out, (w->n_added + 1) * (WRITER_VALUE_MAX + 64), err);
}

int writer_end(const struct writer *w, const struct record *rec, struct buf *out, struct error *err)
{
	if (w->to == FORMAT_JSON && w->object && w->n_added && buf_add_str(out, "}", err))
		return -1;
	if (!w->anew)
		return buf_add(out, rec->text + rec->close, rec->len - rec->close, err) ||
				       buf_add_str(out, *rec->eol ? rec->eol : "\n", err)
			       ? -1
			       : 0;
	return buf_add_str(out, w->to == FORMAT_JSON ? "}\n" : "\n", err);
}
