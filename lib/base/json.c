#include "lib/base/json.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "lib/base/number.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)
#define HAS_ZERO(w) (((w)-ONES) & ~(w)&HIGHS)

/* Whether one of eight bytes may need an escape; some that need none pass for it. */
static bool may_need_escape(uint64_t w)
{
	return HAS_ZERO(w ^ ONES * '"') | HAS_ZERO(w ^ ONES * '\\') |
	       ((w - ONES * 0x20) & ~w & HIGHS);
}

static char *put_byte(char *p, unsigned char c)
{
	static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *escape;

	if (c >= 0x20 && c != '"' && c != '\\') {
		*p = (char)c;
		return p + 1;
	}
	*p = '\\';
	if (c && (escape = strchr(from, c))) {
		p[1] = to[escape - from];
		return p + 2;
	}
	memcpy(p + 1, "u00", 3);
	p[4] = hex[c >> 4];
	p[5] = hex[c & 15];
	return p + 6;
}

int json_add_text(struct buf *out, const char *text, size_t len, struct error *err)
{
	/* No byte becomes more than six. */
	if (len > SIZE_MAX / 6 - 2)
		return error_memory(err, UINT64_MAX);
	if (buf_reserve(out, 6 * len + 2, err) < 0)
		return -1;
	char *p = out->data + out->len;
	*p++ = '"';
	for (size_t i = 0; i < len;) {
		uint64_t w;
		if (len - i >= 8 && (memcpy(&w, text + i, 8), !may_need_escape(w))) {
			memcpy(p, &w, 8);
			i += 8;
			p += 8;
		} else {
			p = put_byte(p, (unsigned char)text[i++]);
		}
	}
	*p++ = '"';
	out->len = (size_t)(p - out->data);
	return 0;
}

int json_add_string(struct buf *out, const char *s, struct error *err)
{
	return json_add_text(out, s, strlen(s), err);
}

int json_add_real(struct buf *out, double value, struct error *err)
{
	if (!isfinite(value))
		return buf_add(out, "null", 4, err);
	char text[NUMBER_MAX];
	return buf_add(out, text, number_write_real(text, value), err);
}

int json_add_uint(struct buf *out, uint64_t value, struct error *err)
{
	char text[NUMBER_MAX];
	return buf_add(out, text, number_write_uint(text, value), err);
}
