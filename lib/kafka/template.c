#include "lib/kafka/template.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"

void template_release(struct template *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->pieces[i].text);
	free(t->pieces);
	buf_release(&t->string);
	*t = (struct template){.of = NULL};
}

static int add_piece(struct template *t, const char *text, size_t len, bool field,
		     struct error *err)
{
	struct template_piece piece = {.len = len, .field = field};

	if (MEM_GROW(&t->pieces, &t->cap, t->n + 1, err) ||
	    !(piece.text = mem_strndup(text, len, err)))
		return -1;
	t->pieces[t->n++] = piece;
	return 0;
}

/* A field by the path at p, `at` bytes into the whole text. */
static int add_field(struct template *t, const char *p, size_t len, size_t at, struct error *err)
{
	struct path path;

	if (path_parse(&path, p, len, err))
		return err->kind == ERROR_USAGE ? error_prefix(err, "at byte %zu", at + 1) : -1;
	path_release(&path);
	return add_piece(t, p, len, true, err);
}

/* The first of this character at p or behind that no backslash stands before; else the end. */
static const char *find(const char *p, char c)
{
	while (*p && *p != c)
		p += p[0] == '\\' && p[1] ? 2 : 1;
	return p;
}

static int parse(struct template *t, const char *text, struct error *err)
{
	for (const char *p = text; *p;) {
		const char *percent = strchrnul(p, '%');
		size_t at = (size_t)(percent - text);
		if (percent > p && add_piece(t, p, (size_t)(percent - p), false, err))
			return -1;
		p = percent;
		if (p[0] && p[1] == '%') {
			if (add_piece(t, p, 1, false, err))
				return -1;
			p += 2;
		} else if (p[0] && p[1] == '{') {
			const char *end = find(p + 2, '}');
			if (!*end)
				return error_set(err, ERROR_USAGE, "'%%{' at byte %zu has no '}'",
						 at + 1);
			if (add_field(t, p + 2, (size_t)(end - p - 2), at + 2, err))
				return -1;
			p = end + 1;
		} else if (p[0]) {
			return error_set(err, ERROR_USAGE,
					 "'%%' at byte %zu is neither '%%%%' nor '%%{PATH}'",
					 at + 1);
		}
	}
	return 0;
}

static int parse_list(struct template *t, const char *paths, struct error *err)
{
	for (const char *p = paths;; p++) {
		const char *end = find(p, ',');
		if (add_field(t, p, (size_t)(end - p), (size_t)(p - paths), err))
			return -1;
		p = end;
		if (!*p)
			break;
	}
	t->array = t->n > 1;
	return 0;
}

int template_parse(struct template *t, const char *of, const char *text, struct error *err)
{
	*t = (struct template){.of = of};
	if (!parse(t, text, err))
		return 0;
	template_release(t);
	return -1;
}

int template_parse_list(struct template *t, const char *of, const char *paths, struct error *err)
{
	*t = (struct template){.of = of};
	if (!parse_list(t, paths, err))
		return 0;
	template_release(t);
	return -1;
}

int template_want(struct template *t, struct fields *fields, struct error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct template_piece *p = &t->pieces[i];
		if (!p->field)
			continue;
		int slot = fields_want(fields, p->text, err);
		if (slot < 0)
			return -1;
		p->slot = (size_t)slot;
	}
	return 0;
}

static int add_string(struct template *t, const struct value *v, struct buf *out, struct error *err)
{
	if (!t->array)
		return value_string(v, out, err);
	t->string.len = 0;
	if (value_string(v, &t->string, err))
		return -1;
	return json_add_text(out, t->string.data, t->string.len, err);
}

static int add_value(struct template *t, const struct template_piece *p, const struct value *v,
		     struct buf *out, struct error *err)
{
	switch (v->kind) {
	case VALUE_STRING:
		if (!add_string(t, v, out, err))
			return 0;
		return err->kind == ERROR_DATA
			       ? error_prefix(err, "field '%s' of %s", p->text, t->of)
			       : -1;
	case VALUE_NUMBER:
	case VALUE_TRUE:
	case VALUE_FALSE:
		return buf_add(out, v->text, v->len, err);
	case VALUE_OBJECT:
	case VALUE_ARRAY:
		return error_set(err, ERROR_DATA, "field '%s' of %s is an %s", p->text, t->of,
				 v->kind == VALUE_OBJECT ? "object" : "array");
	default:
		return error_set(err, ERROR_DATA, "field '%s' of %s is missing", p->text, t->of);
	}
}

static int render(struct template *t, const struct value *values, struct buf *out,
		  struct error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct template_piece *p = &t->pieces[i];
		if (t->array && buf_add(out, i ? "," : "[", 1, err))
			return -1;
		if (p->field ? add_value(t, p, &values[p->slot], out, err)
			     : buf_add(out, p->text, p->len, err))
			return -1;
	}
	return t->array ? buf_add(out, "]", 1, err) : 0;
}

int template_render(struct template *t, const struct value *values, struct buf *out,
		    struct error *err)
{
	size_t undo = out->len;

	if (!render(t, values, out, err))
		return 0;
	out->len = undo;
	return -1;
}
