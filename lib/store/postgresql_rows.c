/* Rows of PostgreSQL: lines of COPY's text format. For --upsert each begins with its number in the
 * batch and that of its set. */
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/store/postgresql_impl.h"

/* Characters that COPY would take for something else; NUL is left to the server to refuse. */
static const char special[] = "\b\f\n\r\t\v\\", escape[] = "bfnrtv\\";

static int add_escaped(struct buf *out, const char *text, size_t len, struct error *err)
{
	if (buf_reserve(out, len * 4, err))
		return -1;
	char *to = out->data + out->len;
	for (size_t i = 0; i < len; i++) {
		const char *x = text[i] ? strchr(special, text[i]) : NULL;
		if (!text[i]) {
			memcpy(to, "\\000", 4);
			to += 4;
		} else if (x) {
			*to++ = '\\';
			*to++ = escape[x - special];
		} else {
			*to++ = text[i];
		}
	}
	out->len = (size_t)(to - out->data);
	return 0;
}

/* The server rounds it to microseconds, as it does text. */
static int add_utc(struct buf *out, int64_t ns, struct error *err)
{
	char text[TIMESTAMP_MAX];
	size_t n = timestamp_format(text, ns);

	ns = (ns % NS_PER_SECOND + NS_PER_SECOND) % NS_PER_SECOND;
	return buf_printf(out, err, "%.*s.%09dZ", (int)n - 5, text, (int)ns);
}

/* A number in a column for times is one as sensor-record(5) has it. */
static int add_time(struct buf *out, const struct value *v, struct error *err)
{
	int64_t ns;

	return timestamp_from_number(v->text, v->len, TIME_UNIT_AUTO, &ns, err) ||
			       add_utc(out, ns, err)
		       ? -1
		       : 0;
}

static bool is_date(const struct store_text *t)
{
	static const char form[] = "0000-00-00";

	if (!t->at || t->len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? t->at[i] < '0' || t->at[i] > '9' : t->at[i] != form[i])
			return false;
	return true;
}

/*
 * Times and numbers are what all programs here take for them. The server would take more: "now",
 * which is another time whenever it comes again, 01/02/2024, infinity, NaN.
 */
static int check_text(const struct store_column *c, const struct store_text *t, int64_t *ns,
		      bool *offset, struct error *err)
{
	const char *at = t->at ? t->at : "", *end = at + t->len;
	bool naive = true;

	*offset = false;
	if (c->type == STORE_TIME && !is_date(t)) {
		if (timestamp_parse(at, t->len, 0, ns, &naive, err))
			return -1;
		*offset = !naive && (end[-1] | 0x20) != 'z';
	}
	if ((c->type == STORE_INTEGER || c->type == STORE_REAL) && number_skip(at, end) != end)
		return error_set(err, ERROR_DATA, "'%.*s' is no number",
				 t->len > 40 ? 40 : (int)t->len, at);
	return 0;
}

/* The server takes 3.0 for no integer, which JSON does. */
static int add_number(struct buf *out, const struct store_column *c, const struct value *v,
		      struct error *err)
{
	char text[NUMBER_MAX];
	const double exact = 0x1p53;

	if (c->type == STORE_TIME)
		return add_time(out, v, err);
	if (c->type != STORE_INTEGER || v->integer || !(v->number > -exact && v->number < exact) ||
	    v->number != (double)(int64_t)v->number)
		return buf_add(out, v->text, v->len, err);
	return buf_add(out, text, number_write_int(text, (int64_t)v->number), err);
}

static int add_text(struct postgresql *p, struct buf *out, const struct store_column *c,
		    const struct value *v, struct error *err)
{
	struct store_text t;
	int64_t ns;
	bool offset;

	if (c->type == STORE_JSON ? store_json_of(v, &p->room, &t, err)
				  : store_text_of(v, &p->room, &t, err))
		return -1;
	if (check_text(c, &t, &ns, &offset, err))
		return -1;
	if (c->utc && offset)
		return add_utc(out, ns, err);
	/* A string of JSON that holds no backslash holds none of them; other text may. */
	if (v->kind == VALUE_STRING && !v->csv && t.at != p->room.data && c->type != STORE_JSON)
		return buf_add(out, t.at, t.len, err);
	return add_escaped(out, t.at, t.len, err);
}

static int add_value(struct postgresql *p, struct buf *out, const struct store_column *c,
		     const struct value *v, struct error *err)
{
	bool number = c->type == STORE_INTEGER || c->type == STORE_REAL;

	switch (v->kind) {
	case VALUE_ABSENT:
	case VALUE_NULL:
		return buf_add(out, "\\N", 2, err);
	case VALUE_NUMBER:
		return add_number(out, c, v, err);
	case VALUE_FALSE:
		return buf_add_str(out, number ? "0" : "false", err);
	case VALUE_TRUE:
		return buf_add_str(out, number ? "1" : "true", err);
	default:
		return add_text(p, out, c, v, err);
	}
}

int postgresql_encode(struct store *base, const struct store_table *t, const struct value *cells,
		      struct store_batch *b, size_t set, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	struct buf *out = &b->encoded;
	size_t n = 0;

	if (t->n_keys && buf_printf(out, err, "%zu\t%zu", b->n, set))
		return -1;
	n += t->n_keys > 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct store_column *c = &t->columns[i];
		if (store_check_key(c, &cells[i], err))
			return -1;
		if (c->filled && cells[i].kind == VALUE_ABSENT)
			continue;
		if (n++ && buf_add(out, "\t", 1, err))
			return -1;
		if (add_value(p, out, c, &cells[i], err))
			return err->kind == ERROR_DATA ? error_prefix(err, "field '%s'", c->name)
						       : -1;
	}
	return buf_add(out, "\n", 1, err);
}
