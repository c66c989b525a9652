#include "lib/record/members.h"

#include <string.h>
#include "lib/base/utf8.h"
#include "lib/record/scanner_impl.h"

#define NAME_MAX_LEN 32

int members_scan(const char *text, size_t len, int depth, struct buf *copy, struct value *v,
		 struct error *err)
{
	static const char pad[READER_PAD] = "\n";
	struct scan c = {.err = err};
	size_t valid = utf8_check(text, len);

	if (valid < len)
		return error_set(err, ERROR_CONFIG, "byte %zu is not valid UTF-8", valid + 1);
	if (memchr(text, '\n', len))
		return error_set(err, ERROR_CONFIG, "it has a line end in it");
	copy->len = 0;
	if (buf_add(copy, text, len, err) || buf_add(copy, pad, sizeof(pad), err))
		return -1;
	c.line = copy->data;
	c.end = copy->data + len;
	const char *p = scan_value(&c, scan_space(c.line, c.end), depth, v);
	if (!p) {
		err->kind = ERROR_CONFIG;
		return -1;
	}
	if (v->kind != VALUE_OBJECT || scan_space(p, c.end) < c.end)
		return error_set(err, ERROR_CONFIG, "it is not one object of JSON");
	return 0;
}

struct members members_of(const struct value *v)
{
	return (struct members){
		.p = v->text + 1, .end = v->text + v->len, .named = v->kind == VALUE_OBJECT};
}

bool members_next(struct members *m, struct value *name, struct value *v)
{
	const struct scan c = {.line = m->p, .end = m->end}; /* it has scanned well: no error */
	const char *p = scan_space(m->p, m->end);
	bool escaped;

	if (*p == ',')
		p = scan_space(p + 1, m->end);
	if (p + 1 >= m->end)
		return false;
	if (m->named) {
		name->text = p;
		p = scan_string(&c, p, &escaped);
		name->len = (size_t)(p - name->text);
		name->kind = VALUE_STRING;
		name->csv = false;
		p = scan_space(p, m->end);
		p = scan_space(p + 1, m->end);
	}
	m->p = scan_value(&c, p, 0, v);
	return true;
}

bool member_unescaped_is(const struct value *name, const char *plain, size_t n)
{
	char room[6 * NAME_MAX_LEN + 2];
	struct buf text = {.data = room, .cap = sizeof(room)};
	struct error err;

	return name->len <= sizeof(room) && memchr(name->text, '\\', name->len) &&
	       !value_string(name, &text, &err) && text.len == n && !memcmp(text.data, plain, n);
}
