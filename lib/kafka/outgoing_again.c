#include <string.h>
#include "lib/base/json.h"
#include "lib/kafka/outgoing.h"

/* `{"a":{"b":` for the path "a.b". */
static int open_path(struct buf *out, const struct path *path, struct error *err)
{
	for (size_t i = 0; i < path->n; i++)
		if (buf_add_str(out, "{", err) ||
		    json_add_text(out, path->parts[i].name, path->parts[i].len, err) ||
		    buf_add_str(out, ":", err))
			return -1;
	return 0;
}

/* A record that has the value at the path, without its last brace. */
static int add_at_path(struct buf *out, const struct message *m, const char *text,
		       struct error *err)
{
	struct path path;
	int ret = -1;

	if (path_parse(&path, text, strlen(text), err))
		return -1;
	if (open_path(out, &path, err) ||
	    (m->value ? json_add_text(out, m->value, m->value_len, err)
		      : buf_add_str(out, "null", err)))
		goto out;
	for (size_t i = 1; i < path.n; i++)
		if (buf_add_str(out, "}", err))
			goto out;
	ret = 0;
out:
	path_release(&path);
	return ret;
}

/* The record without its last brace. */
static int add_open_record(struct buf *out, const struct message *m, struct error *err)
{
	const char *text = m->value, *close = text ? memrchr(text, '}', m->value_len) : NULL;

	return close ? buf_add(out, text, (size_t)(close - text), err) : buf_add_str(out, "{", err);
}

static bool is_open_empty(const struct buf *out)
{
	size_t len = out->len;

	while (len && strchr(" \t\r\n", out->data[len - 1]))
		len--;
	return len && out->data[len - 1] == '{';
}

/* Key and headers as provenance, which knows no place yet: that is cut from what is written. */
static int add_provenance(struct buf *out, const struct message *m, struct error *err)
{
	static const char place[] = "\"topic\":\"\",\"partition\":0,\"offset\":0,";
	const size_t place_len = sizeof(place) - 1;
	struct provenance p = {.topic = "",
			       .timestamp_ms = PROVENANCE_NO_TIME,
			       .key = m->key,
			       .key_len = m->key_len,
			       .headers = m->headers,
			       .n_headers = m->n_headers};
	size_t at;

	if (buf_add_str(out, is_open_empty(out) ? "\"_kafka\":" : ",\"_kafka\":", err))
		return -1;
	at = out->len + 1;
	if (provenance_write(out, &p, err))
		return -1;
	if (out->len < at + place_len || memcmp(out->data + at, place, place_len))
		return error_set(err, ERROR_INTERNAL, "provenance begins otherwise");
	memmove(out->data + at, out->data + at + place_len, out->len - at - place_len);
	out->len -= place_len;
	return 0;
}

int outgoing_again(struct buf *out, const struct message *m, const char *path, struct error *err)
{
	size_t undo = out->len;

	if (path ? add_at_path(out, m, path, err) : add_open_record(out, m, err))
		goto fail;
	if ((m->key || m->n_headers) && add_provenance(out, m, err))
		goto fail;
	if (!buf_add_str(out, "}\n", err))
		return 0;
fail:
	out->len = undo;
	return -1;
}
