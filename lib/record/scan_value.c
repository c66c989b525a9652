#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/utf8.h"
#include "lib/record/scanner_impl.h"

const char *scan_fail(const struct scan *c, const char *p, const char *fmt, ...)
{
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	error_set(c->err, ERROR_DATA, "%s", what);
	error_at(c->err, NULL, 0, (uint64_t)(p - c->line) + 1);
	return NULL;
}

/* "expected X, not 'c'", with all of what looks like a number; or what the line's end means. */
static const char *unexpected(const struct scan *c, const char *p, const char *expected)
{
	int n = 0;

	if (p >= c->end)
		return scan_fail(c, p, "line ends where %s was expected", expected);
	if (!memchr("+-.0123456789NI", *p, 15))
		return scan_fail(c, p, "expected %s, not '%c'", expected, *p);
	while (n < 16 && p + n < c->end && !memchr(",:]} \t\"", p[n], 7))
		n++;
	return scan_fail(c, p, "expected %s, not '%.*s', which is no number of JSON", expected, n,
			 p);
}

static bool is_hex(char ch)
{
	return (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f');
}

static const char *scan_escape(const struct scan *c, const char *p)
{
	if (p + 1 >= c->end)
		return scan_fail(c, p, "line ends inside a string");
	if (p[1] != 'u') {
		if (!strchr("\"\\/bfnrt", p[1]) || !p[1])
			return scan_fail(c, p, "'\\%c' is no escape of JSON", p[1]);
		return p + 2;
	}
	for (int i = 2; i < 6; i++)
		if (p + i >= c->end || !is_hex(p[i]))
			return scan_fail(c, p, "\\u needs four hex digits");
	return p + 6;
}

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)
#define HAS_ZERO(w) (((w)-ONES) & ~(w)&HIGHS)

const char *scan_string(const struct scan *c, const char *p, bool *escaped)
{
	*escaped = false;
	p++;
	for (;;) {
		/* Blocks are padded: eight bytes can always be read, and a line end stops this. */
		uint64_t w;
		memcpy(&w, p, sizeof(w));
		uint64_t stop = HAS_ZERO(w ^ ONES * '"') | HAS_ZERO(w ^ ONES * '\\') |
				((w - ONES * 0x20) & ~w & HIGHS);
		if (!stop) {
			p += sizeof(w);
			continue;
		}
		/* Little-endian: the lowest set bit is the first byte; false alarms of the
		 * subtraction stand only above a true one. */
		while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
			p++;
		if (*p == '"')
			return p + 1;
		if (*p != '\\') {
			if (p >= c->end)
				return scan_fail(c, p, "line ends inside a string");
			return scan_fail(c, p, "control character 0x%02x inside a string",
					 (unsigned)(unsigned char)*p);
		}
		*escaped = true;
		if (!(p = scan_escape(c, p)))
			return NULL;
	}
}

/* true, false, null, a number or a string at p. */
static const char *scan_scalar(const struct scan *c, const char *p, struct value *v)
{
	size_t left = (size_t)(c->end - p);
	const char *start = p;
	bool escaped;
	unsigned flags;

	if (*p == '"') {
		v->kind = VALUE_STRING;
		p = scan_string(c, p, &escaped);
	} else if (left >= 4 && !memcmp(p, "null", 4)) {
		v->kind = VALUE_NULL;
		p += 4;
	} else if (left >= 4 && !memcmp(p, "true", 4)) {
		v->kind = VALUE_TRUE;
		p += 4;
	} else if (left >= 5 && !memcmp(p, "false", 5)) {
		v->kind = VALUE_FALSE;
		p += 5;
	} else if ((p = number_read(p, c->end, &v->number, &flags))) {
		v->kind = VALUE_NUMBER;
		v->integer = flags & NUMBER_INTEGER;
		if (p < c->end && *p >= '0' && *p <= '9')
			return scan_fail(c, start, "a number must not begin with 0");
	} else {
		return unexpected(c, start, "a value");
	}
	if (p) {
		v->text = start;
		v->len = (size_t)(p - start);
		v->csv = false;
	}
	return p;
}

/* Behind the name and colon of a member, at p its opening quote. */
static const char *skip_name(const struct scan *c, const char *p)
{
	bool escaped;

	if (*p != '"' || p >= c->end)
		return unexpected(c, p, "a member name");
	if (!(p = scan_string(c, p, &escaped)))
		return NULL;
	p = scan_space(p, c->end);
	if (p >= c->end || *p != ':')
		return unexpected(c, p, "':'");
	return scan_space(p + 1, c->end);
}

/* Without recursion: one bit a level says whether it is an object. */
static const char *skip_container(const struct scan *c, const char *p, int depth)
{
	uint64_t objects = 0;
	int base = depth;

	do {
		bool object = *p == '{';
		if (object || *p == '[') {
			if (++depth > SCAN_DEPTH_MAX)
				return scan_fail(c, p, "nested deeper than %d", SCAN_DEPTH_MAX);
			objects = objects << 1 | object;
			p = scan_space(p + 1, c->end);
			if (p < c->end && *p != (object ? '}' : ']')) {
				if (object && !(p = skip_name(c, p)))
					return NULL;
				continue;
			}
		} else {
			struct value v;
			if (!(p = scan_scalar(c, p, &v)))
				return NULL;
		}
		for (; depth > base; depth--, objects >>= 1) {
			object = objects & 1;
			p = scan_space(p, c->end);
			if (p >= c->end || *p != (object ? '}' : ']'))
				break;
			p++;
		}
		if (depth == base)
			return p;
		if (p >= c->end || *p != ',')
			return unexpected(c, p, objects & 1 ? "',' or '}'" : "',' or ']'");
		p = scan_space(p + 1, c->end);
		if ((objects & 1) && !(p = skip_name(c, p)))
			return NULL;
	} while (p < c->end);
	return unexpected(c, p, "a value");
}

const char *scan_skip(const struct scan *c, const char *p, int depth)
{
	struct value v;
	const char *behind;

	if (p < c->end && (*p == '{' || *p == '['))
		return skip_container(c, p, depth);
	/* Most are numbers, whose values nobody wants; what is wrong with one is said below. */
	if ((behind = number_skip(p, c->end)) &&
	    (behind == c->end || *behind < '0' || *behind > '9'))
		return behind;
	return scan_scalar(c, p, &v);
}

const char *scan_value(const struct scan *c, const char *p, int depth, struct value *v)
{
	const char *start = p;

	if (p >= c->end || (*p != '{' && *p != '['))
		return scan_scalar(c, p, v);
	if (!(p = skip_container(c, p, depth)))
		return NULL;
	*v = (struct value){.text = start,
			    .len = (size_t)(p - start),
			    .kind = *start == '{' ? VALUE_OBJECT : VALUE_ARRAY};
	return p;
}

static int unescape(const char *p, const char *end, struct buf *out, struct error *err)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	while (p < end) {
		if (*p != '\\') {
			out->data[out->len++] = *p++;
		} else if (p[1] != 'u') {
			out->data[out->len++] = to[strchr(from, p[1]) - from];
			p += 2;
		} else {
			uint32_t unit[2] = {0, 0};
			int n = 0;
			for (; n < 2 && end - p >= 6 && p[0] == '\\' && p[1] == 'u'; n++, p += 6) {
				for (int i = 2; i < 6; i++)
					unit[n] =
						unit[n] << 4 |
						(uint32_t)(p[i] <= '9' ? p[i] - '0'
								       : (p[i] | 0x20) - 'a' + 10);
				if (unit[0] < 0xd800 || unit[0] > 0xdbff) {
					n++;
					p += 6;
					break;
				}
			}
			uint32_t code = unit[0];
			if (n == 2 && unit[1] >= 0xdc00 && unit[1] <= 0xdfff)
				code = 0x10000 + ((unit[0] - 0xd800) << 10) + (unit[1] - 0xdc00);
			else if (code >= 0xd800 && code <= 0xdfff)
				return error_set(err, ERROR_DATA,
						 "string holds half a surrogate pair");
			out->len += utf8_write(out->data + out->len, code);
		}
	}
	return 0;
}

int value_string(const struct value *v, struct buf *out, struct error *err)
{
	/* No escape is shorter than what it stands for. */
	if (buf_reserve(out, v->len, err))
		return -1;
	if (!v->csv)
		return unescape(v->text + 1, v->text + v->len - 1, out, err);
	bool quoted = v->len && v->text[0] == '"';
	for (size_t i = quoted; i < v->len - quoted; i++) {
		out->data[out->len++] = v->text[i];
		if (quoted && v->text[i] == '"')
			i++;
	}
	return 0;
}

int value_truth(const struct value *v, bool *truth, struct error *err)
{
	if (v->kind == VALUE_TRUE || v->kind == VALUE_FALSE)
		*truth = v->kind == VALUE_TRUE;
	else if (v->kind == VALUE_NUMBER && (v->number == 0 || v->number == 1))
		*truth = v->number == 1;
	else if (v->kind == VALUE_ABSENT || v->kind == VALUE_NULL)
		return error_set(err, ERROR_DATA, "it is missing");
	else
		return error_set(err, ERROR_DATA, "'%.*s' is neither true/false nor 0/1",
				 v->len > 40 ? 40 : (int)v->len, v->len ? v->text : "");
	return 0;
}
