#include "lib/window/key.h"

#include <string.h>
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/base/utf8.h"
#include "lib/record/csv.h"

static const char kinds[] = {
	[VALUE_NULL] = KEY_MISSING,  [VALUE_FALSE] = KEY_FALSE,   [VALUE_TRUE] = KEY_TRUE,
	[VALUE_NUMBER] = KEY_NUMBER, [VALUE_STRING] = KEY_STRING,
};

int key_add(struct buf *key, const struct value *v, struct error *err)
{
	size_t at = key->len;
	uint32_t len;

	if (v->kind == VALUE_ABSENT)
		return error_set(err, ERROR_DATA, "it is absent");
	if (v->kind == VALUE_OBJECT || v->kind == VALUE_ARRAY)
		return error_set(err, ERROR_DATA, "it is an %s",
				 v->kind == VALUE_OBJECT ? "object" : "array");
	if (buf_reserve(key, KEY_HEAD + v->len, err))
		return -1;
	key->data[at] = kinds[v->kind];
	key->len += KEY_HEAD;
	if (v->kind == VALUE_STRING && v->text[0] == '"' && !memchr(v->text, '\\', v->len) &&
	    !v->csv) {
		memcpy(key->data + key->len, v->text + 1, v->len - 2);
		key->len += v->len - 2;
	} else if (v->kind == VALUE_STRING) {
		if (value_string(v, key, err))
			return -1;
	} else if (v->kind == VALUE_NUMBER) {
		memcpy(key->data + key->len, v->text, v->len);
		key->len += v->len;
	}
	len = (uint32_t)(key->len - at - KEY_HEAD);
	memcpy(key->data + at + 1, &len, sizeof(len));
	return 0;
}

/* Each eight bytes are mixed in by a multiplication; the end by another. */
uint64_t key_hash(const char *key, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), w;

	for (; len >= 8; key += 8, len -= 8) {
		memcpy(&w, key, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, key, len);
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 32;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 29;
}

struct key_value key_next(const char **p)
{
	struct key_value v = {.kind = **p, .text = *p + KEY_HEAD};
	uint32_t len;

	memcpy(&len, *p + 1, sizeof(len));
	v.len = len;
	*p += KEY_HEAD + len;
	return v;
}

static int text_order(const struct key_value *a, const struct key_value *b)
{
	int d = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return d ? d : (a->len > b->len) - (a->len < b->len);
}

static int value_order(const struct key_value *a, const struct key_value *b)
{
	double x = 0, y = 0;
	unsigned flags;

	if (a->kind != b->kind)
		return a->kind - b->kind;
	if (a->kind == KEY_NUMBER) {
		number_read(a->text, a->text + a->len, &x, &flags);
		number_read(b->text, b->text + b->len, &y, &flags);
	}
	return x != y ? (x > y) - (x < y) : text_order(a, b);
}

int key_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const char *a_end = a + a_len, *b_end = b + b_len;
	int d = 0;

	while (!d && a < a_end && b < b_end) {
		struct key_value x = key_next(&a), y = key_next(&b);
		d = value_order(&x, &y);
	}
	return d;
}

int key_write(const struct key_value *v, bool csv, struct buf *out, struct error *err)
{
	switch (v->kind) {
	case KEY_MISSING:
		return csv ? 0 : buf_add_str(out, "null", err);
	case KEY_FALSE:
		return buf_add_str(out, "false", err);
	case KEY_TRUE:
		return buf_add_str(out, "true", err);
	case KEY_NUMBER:
		return buf_add(out, v->text, v->len, err);
	default:
		return csv ? csv_write_string(out, v->text, v->len, err)
			   : json_add_text(out, v->text, v->len, err);
	}
}

int key_describe(const char *key, size_t len, struct buf *out, struct error *err)
{
	for (const char *p = key; p < key + len;) {
		if (p > key && buf_add(out, ",", 1, err))
			return -1;
		struct key_value v = key_next(&p);
		if (v.kind == KEY_STRING ? buf_add(out, v.text, v.len, err)
					 : key_write(&v, false, out, err))
			return -1;
	}
	return buf_terminate(out, err);
}

static bool value_valid(const struct key_value *v)
{
	double x;
	unsigned flags;

	if (v->kind == KEY_STRING)
		return utf8_check(v->text, v->len) == v->len;
	if (v->kind == KEY_NUMBER)
		return v->len &&
		       number_read(v->text, v->text + v->len, &x, &flags) == v->text + v->len;
	return v->kind >= KEY_MISSING && v->kind <= KEY_TRUE && !v->len;
}

bool key_valid(const char *key, size_t len, size_t n)
{
	const char *end = key + len, *p = key;

	for (; n; n--) {
		uint32_t value_len;
		if ((size_t)(end - p) < KEY_HEAD)
			return false;
		memcpy(&value_len, p + 1, sizeof(value_len));
		if ((size_t)(end - p) - KEY_HEAD < value_len)
			return false;
		struct key_value v = key_next(&p);
		if (!value_valid(&v))
			return false;
	}
	return p == end;
}
