#include "lib/record/writer.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/record/csv.h"

/* A member of a record made anew: a field of the input, or an object of further members. */
struct member {
	char *prefix; /* "name": with the quotes and colon */
	size_t prefix_len;
	char *name; /* without escapes */
	size_t name_len;
	int slot; /* -1: an object */
	struct member *members;
	size_t n, cap;
};

struct writer {
	enum record_format from, to;
	bool anew;
	struct member root;
	struct buf header;
	int *slots; /* CSV made anew: of the columns */
	size_t n_slots, n_added;
	char **prefix; /* [n_added] JSON: what stands before each added value */
	size_t *prefix_len;
	char *open; /* JSON: what opens the object of added fields, or "" */
	bool object;
};

static void member_release(struct member *m)
{
	for (size_t i = 0; i < m->n; i++)
		member_release(&m->members[i]);
	free(m->prefix);
	free(m->name);
	free(m->members);
}

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

/* The member of m by that name, made if need be; NULL on failure. */
static struct member *member_reach(struct member *m, const struct path_part *part,
				   struct error *err)
{
	struct buf prefix = BUF_INIT;

	for (size_t i = 0; i < m->n; i++)
		if (m->members[i].name_len == part->len &&
		    !memcmp(m->members[i].name, part->name, part->len))
			return &m->members[i];
	if (MEM_GROW(&m->members, &m->cap, m->n + 1, err))
		return NULL;
	struct member *new = &m->members[m->n];
	*new = (struct member){.slot = -1, .name_len = part->len};
	if (!(new->name = mem_strndup(part->name, part->len, err)) ||
	    json_add_text(&prefix, part->name, part->len, err) || buf_add_str(&prefix, ":", err)) {
		free(new->name);
		buf_release(&prefix);
		return NULL;
	}
	new->prefix = prefix.data;
	new->prefix_len = prefix.len;
	m->n++;
	return new;
}

static int add_column(struct writer *w, const char *column, struct fields *fields,
		      struct error *err)
{
	struct path path;
	struct member *m = &w->root;
	int slot = fields_want(fields, column, err);

	if (slot < 0 || path_parse(&path, column, strlen(column), err))
		return -1;
	w->slots[w->n_slots++] = slot;
	for (size_t i = 0; i < path.n && m; i++) {
		if (m != &w->root && m->slot >= 0) {
			error_set(err, ERROR_USAGE,
				  "field '%s' lies inside another that is written", column);
			m = NULL;
			break;
		}
		m = member_reach(m, &path.parts[i], err);
	}
	path_release(&path);
	if (!m)
		return -1;
	if (m->n)
		return error_set(err, ERROR_USAGE, "field '%s' holds another that is written",
				 column);
	m->slot = slot;
	return 0;
}

static int add_header_cell(struct writer *w, const char *name, struct error *err)
{
	if (w->header.len && buf_add_str(&w->header, ",", err))
		return -1;
	return csv_write_string(&w->header, name, strlen(name), err);
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
	ret = buf_add(&w->header, h->text + at, h->len - at, err);
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
	if ((w->object && (json_add_text(&b, o->object, strlen(o->object), err) ||
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
	w->anew = o->columns != NULL;
	w->object = o->object != NULL;
	w->slots = mem_alloc(o->n_columns, sizeof(*w->slots), err);
	if (!w->slots)
		goto fail;
	for (size_t i = 0; i < o->n_columns; i++)
		if (add_column(w, o->columns[i], fields, err))
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

/* A value as JSON. */
static int json_value(struct buf *out, const struct value *v, struct error *err)
{
	switch (v->csv ? v->kind : VALUE_ABSENT) {
	case VALUE_NULL:
		return buf_add_str(out, "null", err);
	case VALUE_STRING: {
		bool quoted = v->text[0] == '"';
		size_t at = out->len;
		if (json_add_text(out, v->text + quoted, v->len - 2 * quoted, err))
			return -1;
		if (!quoted)
			return 0;
		/* A doubled quote of CSV came out as two escaped ones. */
		char *to = out->data + at + 1, *end = out->data + out->len - 1;
		for (char *p = to; p < end; p++) {
			*to++ = *p;
			if (*p == '\\') {
				*to++ = *++p;
				if (*p == '"')
					p += 2;
			}
		}
		*to++ = '"';
		out->len = (size_t)(to - out->data);
		return 0;
	}
	default:
		return buf_add(out, v->text, v->len, err);
	}
}

/* The members of m that are there; `first` is where the next one would come without a comma. */
static int json_members(const struct member *m, const struct value *values, struct buf *out,
			bool *first, struct error *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct member *c = &m->members[i];
		size_t undo = out->len;
		bool none = true;
		if (c->slot >= 0 && values[c->slot].kind == VALUE_ABSENT)
			continue;
		if ((!*first && buf_add_str(out, ",", err)) ||
		    buf_add(out, c->prefix, c->prefix_len, err))
			return -1;
		if (c->slot >= 0) {
			if (json_value(out, &values[c->slot], err))
				return -1;
		} else {
			if (buf_add_str(out, "{", err) ||
			    json_members(c, values, out, &none, err) || buf_add_str(out, "}", err))
				return -1;
			if (none) {
				out->len = undo;
				continue;
			}
		}
		*first = false;
	}
	return 0;
}

static int csv_value(struct buf *out, const struct value *v, struct buf *text, struct error *err)
{
	if (v->kind == VALUE_ABSENT || v->kind == VALUE_NULL)
		return 0;
	if (v->csv || v->kind == VALUE_NUMBER || v->kind == VALUE_TRUE || v->kind == VALUE_FALSE)
		return buf_add(out, v->text, v->len, err);
	if (v->kind == VALUE_STRING) {
		text->len = 0;
		if (value_string(v, text, err))
			return -1;
		return csv_write_string(out, text->data ? text->data : "", text->len, err);
	}
	return csv_write_string(out, v->text, v->len, err);
}

static int csv_cells(const struct writer *w, const struct record *rec, struct buf *out,
		     struct error *err)
{
	struct buf text = BUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < w->n_slots && !ret; i++) {
		const struct value *v = &rec->values[w->slots[i]];
		if (v->kind == VALUE_OBJECT && v->len > 2) {
			const char *p = v->text + 1, *end = v->text + v->len - 1;
			while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
				p++;
			if (p < end) {
				error_set(err, ERROR_DATA,
					  "an object stands where the output has one column");
				error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
				ret = -1;
				break;
			}
		}
		ret = (i && buf_add_str(out, ",", err)) || csv_value(out, v, &text, err) ? -1 : 0;
	}
	buf_release(&text);
	return ret;
}

int writer_begin(const struct writer *w, const struct record *rec, struct buf *out,
		 struct error *err)
{
	size_t more = (w->n_added + 1) * (WRITER_VALUE_MAX + 64) + 16, at = 0;
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
	} else if (w->to == FORMAT_CSV) {
		if (csv_cells(w, rec, out, err))
			return -1;
		empty = !w->n_slots;
	} else if (buf_add_str(out, "{", err) ||
		   json_members(&w->root, rec->values, out, &empty, err)) {
		return -1;
	}
	if (buf_reserve(out, more, err))
		return -1;
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
