/*
 * Templates and lists of paths (the first line) over a record (the second), against a reading of
 * their definition that is slow and plain.
 */
#include "lib/kafka/template.h"
#include "lib/record/members.h"
#include "tests/fuzz/text.h"

#define PIECES_MAX 64

/* What a text consists of: pieces that stand as they are, and paths. */
struct piece {
	char *text;
	bool path;
};

struct pieces {
	struct piece at[PIECES_MAX];
	size_t n;
	bool ok, too_many;
};

static void add_piece(struct pieces *p, const struct buf *text, bool path)
{
	struct error err = ERROR_INIT;
	struct path parsed;

	if (p->n == PIECES_MAX) {
		p->too_many = true;
		return;
	}
	char *copy = calloc(text->len + 1, 1);
	CHECK(copy);
	if (text->len)
		memcpy(copy, text->data, text->len);
	if (path && path_parse(&parsed, copy, text->len, &err))
		p->ok = false;
	else if (path)
		path_release(&parsed);
	p->at[p->n++] = (struct piece){.text = copy, .path = path};
}

/* Character by character: OUTSIDE, behind a percent sign, between braces, behind a backslash. */
static void split_template(struct pieces *p, const char *text)
{
	enum { OUTSIDE, PERCENT, INSIDE, ESCAPE } where = OUTSIDE;
	struct buf piece = BUF_INIT;

	for (; *text && p->ok; text++) {
		if (where == PERCENT) {
			p->ok &= *text == '%' || *text == '{';
			if (*text == '%')
				add(&piece, "%", 1);
			if (*text == '{' && piece.len)
				add_piece(p, &piece, false);
			if (*text == '{')
				piece.len = 0;
			where = *text == '{' ? INSIDE : OUTSIDE;
		} else if (where == OUTSIDE && *text == '%') {
			where = PERCENT;
		} else if (where == INSIDE && *text == '}') {
			add_piece(p, &piece, true);
			piece.len = 0;
			where = OUTSIDE;
		} else {
			where = where == ESCAPE                    ? INSIDE
				: where == INSIDE && *text == '\\' ? ESCAPE
								   : where;
			add(&piece, text, 1);
		}
	}
	p->ok &= where == OUTSIDE;
	if (piece.len)
		add_piece(p, &piece, false);
	buf_release(&piece);
}

static void split_list(struct pieces *p, const char *text)
{
	struct buf piece = BUF_INIT;
	bool escaped = false;

	for (; *text; text++) {
		if (*text == ',' && !escaped) {
			add_piece(p, &piece, true);
			piece.len = 0;
		} else {
			add(&piece, text, 1);
		}
		escaped = *text == '\\' && !escaped;
	}
	add_piece(p, &piece, true);
	buf_release(&piece);
}

/* The text of a value, or false. */
static bool add_value(struct buf *out, const struct value *v)
{
	struct error err = ERROR_INIT;

	if (v->kind == VALUE_STRING)
		return !value_string(v, out, &err);
	if (v->kind != VALUE_NUMBER && v->kind != VALUE_TRUE && v->kind != VALUE_FALSE)
		return false;
	add(out, v->text, v->len);
	return true;
}

/* A list's array has its values, of their kinds. */
static void check_array(const struct pieces *p, struct fields *f, const struct value *values,
			const struct buf *made)
{
	struct error err = ERROR_INIT;
	struct fields *key = fields_new(&err);
	struct buf line = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	struct value name, v;
	struct record rec;
	size_t n = 0;

	CHECK(key && !fields_want(key, "key", &err));
	add(&line, "{\"key\":", 7);
	add(&line, made->data, made->len);
	add(&line, "}\n", 2);
	struct block block = text_block(line.data, line.len, 1, NULL);
	struct scanner *s = scanner_new(key, &err);
	CHECK(s && !scanner_start(s, &block, &err) && scanner_next(s, &rec, &err) == 1);
	CHECK(rec.values[0].kind == VALUE_ARRAY && rec.values[0].len == made->len);
	for (struct members m = members_of(&rec.values[0]); members_next(&m, &name, &v); n++) {
		const struct value *from = &values[fields_want(f, p->at[n].text, &err)];
		a.len = b.len = 0;
		CHECK(n < p->n && v.kind == from->kind);
		CHECK(add_value(&a, &v) && add_value(&b, from));
		CHECK(same_bytes(a.data, a.len, b.data, b.len));
	}
	CHECK(n == p->n);
	scanner_free(s);
	fields_free(key);
	free(block.data);
	buf_release(&line);
	buf_release(&a);
	buf_release(&b);
}

static void check_render(struct template *t, const struct pieces *p, struct fields *f,
			 const struct value *values, bool list)
{
	struct error err = ERROR_INIT;
	struct buf made = BUF_INIT, expected = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; i < p->n && ok; i++) {
		if (p->at[i].path)
			ok = add_value(&expected, &values[fields_want(f, p->at[i].text, &err)]);
		else
			add(&expected, p->at[i].text, strlen(p->at[i].text));
	}
	CHECK(!template_render(t, values, &made, &err) == ok);
	if (!ok)
		CHECK(err.kind == ERROR_DATA && err.what[0] && !made.len);
	else if (list && p->n > 1)
		check_array(p, f, values, &made);
	else
		CHECK(same_bytes(made.data, made.len, expected.data, expected.len));
	buf_release(&made);
	buf_release(&expected);
}

static void check_record(struct template *t, const struct pieces *p, const char *text, size_t len,
			 bool list)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);
	struct record rec;

	CHECK(f);
	if (!template_want(t, f, &err)) {
		struct block b = text_block(text, len, 1, NULL);
		struct scanner *s = scanner_new(f, &err);
		CHECK(s && !scanner_start(s, &b, &err));
		if (scanner_next(s, &rec, &err) == 1 && rec.control == CONTROL_NONE)
			check_render(t, p, f, rec.values, list);
		scanner_free(s);
		free(b.data);
	} else {
		/* Parts of `_kafka` that tell control records. */
		CHECK(err.kind == ERROR_USAGE);
	}
	fields_free(f);
}

static void check(const char *text, const char *line, size_t len, bool list)
{
	struct error err = ERROR_INIT;
	struct pieces p = {.ok = true};
	struct template t;
	bool ok = !(list ? template_parse_list : template_parse)(&t, "it", text, &err);

	if (list)
		split_list(&p, text);
	else
		split_template(&p, text);
	CHECK(p.too_many || ok == p.ok);
	CHECK(ok || (err.kind == ERROR_USAGE && err.what[0]));
	if (ok && !p.too_many)
		check_record(&t, &p, line, len, list);
	if (ok)
		template_release(&t);
	while (p.n)
		free(p.at[--p.n].text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *nl = size ? memchr(data, '\n', size) : NULL;
	size_t len = nl ? (size_t)(nl - (const char *)data) : size;
	char *text = calloc(len + 1, 1);

	CHECK(text);
	if (len)
		memcpy(text, data, len);
	const char *line = (const char *)data + len + (nl != NULL);
	check(text, line, size - len - (nl != NULL), false);
	check(text, line, size - len - (nl != NULL), true);
	free(text);
	return 0;
}
