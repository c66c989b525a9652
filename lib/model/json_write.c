#include "lib/model/json_write.h"

#include <math.h>
#include <string.h>
#include "lib/base/number.h"

int json_add_string(struct buf *out, const char *s, struct error *err)
{
	static const char hex[] = "0123456789abcdef";
	/* No byte becomes more than six. */
	size_t len = strlen(s);
	if (len > SIZE_MAX / 6 - 2)
		return error_memory(err, UINT64_MAX);
	if (buf_reserve(out, 6 * len + 2, err) < 0)
		return -1;
	char *p = out->data + out->len;
	*p++ = '"';
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c == '\n') {
			*p++ = '\\';
			*p++ = 'n';
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
