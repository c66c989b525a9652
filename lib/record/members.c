#include "lib/record/members.h"

#include <string.h>
#include "lib/record/scanner_impl.h"

#define NAME_MAX_LEN 32

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
