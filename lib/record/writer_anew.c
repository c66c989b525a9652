#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/record/csv.h"
#include "lib/record/writer_impl.h"

void member_release(struct member *m)
{
	for (size_t i = 0; i < m->n; i++)
		member_release(&m->members[i]);
	free(m->prefix);
	free(m->name);
	free(m->members);
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

int anew_add_column(struct writer *w, const char *column, struct fields *fields, struct error *err)
{
	struct path path;
	struct member *m = &w->root;
	int slot = fields_column(fields, column, err);

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

int anew_json(const struct writer *w, const struct record *rec, struct buf *out, bool *empty,
	      struct error *err)
{
	*empty = true;
	return buf_add_str(out, "{", err) || json_members(&w->root, rec->values, out, empty, err)
		       ? -1
		       : 0;
}

static int csv_value(struct buf *out, const struct value *v, struct error *err)
{
	size_t at = out->len;

	if (v->kind == VALUE_ABSENT || v->kind == VALUE_NULL)
		return 0;
	if (v->csv || v->kind == VALUE_NUMBER || v->kind == VALUE_TRUE || v->kind == VALUE_FALSE)
		return buf_add(out, v->text, v->len, err);
	if (v->kind == VALUE_STRING)
		return value_string(v, out, err) || csv_quote(out, at, err) ? -1 : 0;
	return csv_write_string(out, v->text, v->len, err);
}

/* An object that has members. */
static bool holds_members(const struct value *v)
{
	const char *p, *end;

	if (v->kind != VALUE_OBJECT)
		return false;
	p = v->text + 1;
	end = v->text + v->len - 1;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p < end;
}

int anew_csv(const struct writer *w, const struct record *rec, struct buf *out, bool *empty,
	     struct error *err)
{
	*empty = !w->n_slots;
	for (size_t i = 0; i < w->n_slots; i++) {
		const struct value *v = &rec->values[w->slots[i]];
		if (i && buf_add_str(out, ",", err))
			return -1;
		if (holds_members(v))
			error_set(err, ERROR_DATA,
				  "an object stands where the output has one column");
		else if (!csv_value(out, v, err))
			continue;
		return error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
	}
	return 0;
}
