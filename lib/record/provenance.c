#include "lib/record/provenance.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/base64.h"
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"
#include "lib/record/members.h"

/* More than all that is written of a message without topic, key and headers. */
#define FIXED_MAX 256

#define PUT(p, literal) (memcpy(p, literal, sizeof(literal) - 1), (p) + sizeof(literal) - 1)

/* Appends `"NAME":"TEXT"`, or `"NAME_base64":"…"` for what is no UTF-8. */
static int add_bytes(struct buf *out, const char *name, const void *bytes, size_t len,
		     struct error *err)
{
	bool text = utf8_check(bytes, len) == len;

	if (buf_add_str(out, "\"", err) || buf_add_str(out, name, err) ||
	    buf_add_str(out, text ? "\":" : "_base64\":\"", err))
		return -1;
	if (text)
		return json_add_text(out, bytes, len, err);
	return base64_add(out, bytes, len, err) || buf_add_str(out, "\"", err) ? -1 : 0;
}

/* A string with U+FFFD for each byte that is part of no character. */
static int add_mended(struct buf *out, const char *text, size_t len, struct error *err)
{
	struct buf mended = BUF_INIT;
	int ret = -1;

	for (size_t valid; (valid = utf8_check(text, len)) < len; text += valid + 1) {
		if (buf_add(&mended, text, valid, err) || buf_add_str(&mended, "\xef\xbf\xbd", err))
			goto out;
		len -= valid + 1;
	}
	if (!buf_add(&mended, text, len, err))
		ret = json_add_text(out, mended.data, mended.len, err);
out:
	buf_release(&mended);
	return ret;
}

static int add_header(struct buf *out, const struct provenance_header *h, struct error *err)
{
	if (buf_add_str(out, "{\"name\":", err) || add_mended(out, h->name, strlen(h->name), err))
		return -1;
	if (h->null)
		return buf_add_str(out, ",\"value\":null}", err);
	return buf_add_str(out, ",", err) || add_bytes(out, "value", h->value, h->len, err)
		       ? -1
		       : buf_add_str(out, "}", err);
}

static int add_headers(struct buf *out, const struct provenance *p, struct error *err)
{
	for (size_t i = 0; i < p->n_headers; i++)
		if (buf_add_str(out, i ? "," : ",\"headers\":[", err) ||
		    add_header(out, &p->headers[i], err))
			return -1;
	return buf_add_str(out, "]", err);
}

/* Topic, partition, offset and time, in room that is there. */
static char *put_place(char *to, const struct provenance *p, size_t topic_len)
{
	to = PUT(to, "{\"topic\":\"");
	memcpy(to, p->topic, topic_len);
	to = PUT(to + topic_len, "\",\"partition\":");
	to += number_write_int(to, p->partition);
	to = PUT(to, ",\"offset\":");
	to += number_write_int(to, p->offset);
	if (p->timestamp_ms != PROVENANCE_NO_TIME) {
		char *undo = to;
		to = PUT(to, ",\"timestamp\":\"");
		size_t n = timestamp_format_ms(to, p->timestamp_ms);
		to = n ? PUT(to + n, "\"") : undo;
	}
	return to;
}

static int add_key(struct buf *out, const struct provenance *p, struct error *err)
{
	if (utf8_check(p->key, p->key_len) == p->key_len) {
		/* FIXED_MAX has room for this. */
		out->len = (size_t)(PUT(out->data + out->len, ",\"key\":") - out->data);
		return json_add_text(out, p->key, p->key_len, err);
	}
	return buf_add_str(out, ",", err) ? -1 : add_bytes(out, "key", p->key, p->key_len, err);
}

int provenance_write(struct buf *out, const struct provenance *p, struct error *err)
{
	size_t undo = out->len, topic_len = strlen(p->topic);

	if (buf_reserve(out, topic_len + FIXED_MAX, err))
		return -1;
	out->len = (size_t)(put_place(out->data + undo, p, topic_len) - out->data);
	if ((p->key && add_key(out, p, err)) || (p->n_headers && add_headers(out, p, err)) ||
	    buf_reserve(out, FIXED_MAX, err)) {
		out->len = undo;
		return -1;
	}
	char *to = out->data + out->len;
	to = p->replay ? PUT(to, ",\"replay\":true}") : PUT(to, "}");
	out->len = (size_t)(to - out->data);
	return 0;
}

void provenance_in_release(struct provenance_in *p)
{
	free(p->headers);
	buf_release(&p->key);
	buf_release(&p->text);
	*p = (struct provenance_in){.any = false};
}

/* The bytes that a member NAME or NAME_base64 stands for, appended. */
static int read_bytes(struct buf *out, const struct value *v, bool base64, struct error *err)
{
	size_t at = out->len;

	if (v->kind != VALUE_STRING)
		return error_set(err, ERROR_DATA, "it is no string");
	if (value_string(v, out, err))
		return -1;
	if (!base64)
		return 0;
	/* Decoded behind its text, whose place it then takes. */
	size_t n = out->len - at;
	if (buf_reserve(out, n, err) || base64_read(out, out->data + at, n, err))
		return -1;
	out->len -= n;
	memmove(out->data + at, out->data + at + n, out->len - at);
	return 0;
}

static int read_header_member(struct provenance_in *p, struct provenance_in_header *h,
			      const struct value *name, const struct value *v, bool *named,
			      bool *valued, struct error *err)
{
	size_t at = p->text.len;
	bool base64 = member_is(name, "value_base64");

	if (member_is(name, "name")) {
		if (*named)
			return error_set(err, ERROR_DATA, "it has two names");
		if (read_bytes(&p->text, v, false, err))
			return error_prefix(err, "'name'");
		h->name_at = at;
		h->name_len = p->text.len - at;
		*named = true;
		if (memchr(p->text.data + at, 0, h->name_len))
			return error_set(err, ERROR_DATA, "'name' has a NUL in it");
	} else if (base64 || member_is(name, "value")) {
		if (*valued)
			return error_set(err, ERROR_DATA, "it has two values");
		h->null = !base64 && v->kind == VALUE_NULL;
		if (!h->null && read_bytes(&p->text, v, base64, err))
			return error_prefix(err, base64 ? "'value_base64'" : "'value'");
		h->value_at = at;
		h->value_len = p->text.len - at;
		*valued = true;
	}
	return 0;
}

static int read_header(struct provenance_in *p, const struct value *object, struct error *err)
{
	struct provenance_in_header h = {.null = false};
	bool named = false, valued = false;
	struct value name, v;

	if (object->kind != VALUE_OBJECT)
		return error_set(err, ERROR_DATA, "it is no object");
	for (struct members m = members_of(object); members_next(&m, &name, &v);)
		if (read_header_member(p, &h, &name, &v, &named, &valued, err))
			return -1;
	if (!named || !valued)
		return error_set(err, ERROR_DATA, "it has no '%s'", named ? "value" : "name");
	if (MEM_GROW(&p->headers, &p->headers_cap, p->n_headers + 1, err))
		return -1;
	p->headers[p->n_headers++] = h;
	return 0;
}

static int read_headers(struct provenance_in *p, const struct value *array, struct error *err)
{
	struct value name, v;

	if (array->kind != VALUE_ARRAY)
		return error_set(err, ERROR_DATA, "'_kafka.headers' is no array");
	if (p->n_headers)
		return error_set(err, ERROR_DATA, "'_kafka' has two lists of headers");
	for (struct members m = members_of(array); members_next(&m, &name, &v);)
		if (read_header(p, &v, err))
			return error_prefix(err, "element %zu of '_kafka.headers'",
					    p->n_headers + 1);
	return 0;
}

static int read_key(struct provenance_in *p, const struct value *v, bool base64, struct error *err)
{
	if (p->keyed)
		return error_set(err, ERROR_DATA, "'_kafka' has two keys");
	p->keyed = true;
	if (read_bytes(&p->key, v, base64, err))
		return error_prefix(err, base64 ? "'_kafka.key_base64'" : "'_kafka.key'");
	return 0;
}

int provenance_read(struct provenance_in *p, const struct value *v, struct error *err)
{
	struct value name, value;

	p->any = v->kind == VALUE_OBJECT;
	p->keyed = p->replay = false;
	p->n_headers = p->key.len = p->text.len = 0;
	if (!p->any)
		return 0;
	for (struct members m = members_of(v); members_next(&m, &name, &value);) {
		if (member_is(&name, "key")) {
			if (read_key(p, &value, false, err))
				return -1;
		} else if (member_is(&name, "key_base64")) {
			if (read_key(p, &value, true, err))
				return -1;
		} else if (member_is(&name, "headers")) {
			if (read_headers(p, &value, err))
				return -1;
		} else if (member_is(&name, "replay")) {
			p->replay = value.kind == VALUE_TRUE;
		}
	}
	return 0;
}
