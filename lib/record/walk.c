#include <string.h>
#include "lib/record/csv.h"
#include "lib/record/scanner_impl.h"

struct walk {
	struct scan c;
	struct buf *path;
	struct buf *name; /* a member's name without escapes */
	scanner_leaf_fn *leaf;
	void *context;
};

static int call_leaf(struct walk *w, const struct value *v)
{
	if (buf_terminate(w->path, w->c.err))
		return -1;
	return w->leaf(w->context, w->path->data, v, w->c.err);
}

/* The member's name at *p, appended to the path: 1, 0 when no path can hold it, -1. */
static int add_name(struct walk *w, const char **p)
{
	struct value v = {.text = *p, .kind = VALUE_STRING};
	bool escaped;

	*p = scan_string(&w->c, *p, &escaped);
	v.len = (size_t)(*p - v.text);
	w->name->len = 0;
	if (value_string(&v, w->name, w->c.err))
		return w->c.err->kind == ERROR_DATA ? 0 : -1;
	if (!w->name->len || memchr(w->name->data, 0, w->name->len))
		return 0;
	return path_append(w->path, w->name->data, w->name->len, w->c.err) ? -1 : 1;
}

/* Walks the object at *p; the scan that came before checked all of it, its depth too. */
static int walk_object(struct walk *w, const char **p)
{
	const char *q = scan_space(*p + 1, w->c.end);
	size_t base = w->path->len;

	while (*q != '}') {
		struct value v = {.kind = VALUE_ABSENT};
		int named = add_name(w, &q), ret = named < 0 ? -1 : 0;
		q = scan_space(q, w->c.end);
		q = scan_space(q + 1, w->c.end);
		if (named > 0 && *q == '{' && *scan_space(q + 1, w->c.end) != '}') {
			ret = walk_object(w, &q);
		} else {
			q = scan_value(&w->c, q, 0, &v);
			if (named > 0)
				ret = call_leaf(w, &v);
		}
		if (ret)
			return ret;
		w->path->len = base;
		q = scan_space(q, w->c.end);
		if (*q == ',')
			q = scan_space(q + 1, w->c.end);
	}
	*p = q + 1;
	return 0;
}

static int walk_row(struct walk *w, const struct csv_header *h)
{
	const char *p = w->c.line;

	for (size_t i = 0; i < h->n; i++, p++) {
		struct csv_cell cell;
		struct value v;
		w->path->len = 0;
		if (!(p = csv_cell(w->c.line, p, w->c.end, &cell, w->c.err)) ||
		    buf_add_str(w->path, h->names[i], w->c.err))
			return -1;
		scan_cell_value(cell.text, cell.len, cell.quoted, &v);
		int ret = call_leaf(w, &v);
		if (ret)
			return ret;
	}
	return 0;
}

int scanner_walk(struct scanner *s, const struct record *rec, scanner_leaf_fn *leaf, void *context,
		 struct error *err)
{
	struct buf path = BUF_INIT;
	struct walk w = {.c = {.line = rec->text, .end = rec->text + rec->len, .err = err},
			 .path = &path,
			 .name = &s->name,
			 .leaf = leaf,
			 .context = context};
	const char *p = scan_space(rec->text, w.c.end);
	int ret = s->block->format == FORMAT_CSV ? walk_row(&w, s->header) : walk_object(&w, &p);

	buf_release(&path);
	return ret;
}
