#include "lib/base/json.h"

#include <math.h>
#include <string.h>
#include "lib/base/number.h"

int json_add_text(struct buf *out, const char *text, size_t len, struct error *err)
{
	static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

	/* No byte becomes more than six. */
	if (len > SIZE_MAX / 6 - 2)
		return error_memory(err, UINT64_MAX);
	if (buf_reserve(out, 6 * len + 2, err) < 0)
		return -1;
	char *p = out->data + out->len;
	*p++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *escape =
			c == '"' || c == '\\' || (c && c < 0x20) ? strchr(from, c) : NULL;
		if (escape) {
			*p++ = '\\';
			*p++ = to[escape - from];
		} else if (c < 0x20) {
			memcpy(p, "\\u00", 4);
			p[4] = hex[c >> 4];
			p[5] = hex[c & 15];
			p += 6;
		} else {
			*p++ = (char)c;
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
