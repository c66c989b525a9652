#include "lib/record/event_time.h"

#include <string.h>

void event_time_release(struct event_time *t)
{
	buf_release(&t->text);
}

int event_time_read(struct event_time *t, const struct value *v, int64_t *ns, struct error *err)
{
	bool naive = false;
	int ret;

	switch (v->kind) {
	case VALUE_ABSENT:
	case VALUE_NULL:
		return error_set(err, ERROR_DATA, "record has no time: '%s' is %s", t->path,
				 v->kind == VALUE_NULL ? "null" : "absent");
	case VALUE_NUMBER:
		ret = timestamp_from_number(v->text, v->len, t->unit, ns, err);
		break;
	case VALUE_STRING:
		t->text.len = 0;
		ret = value_string(v, &t->text, err);
		if (!ret)
			ret = timestamp_parse(t->text.data ? t->text.data : "", t->text.len,
					      t->offset_s, ns, &naive, err);
		break;
	default:
		return error_set(err, ERROR_DATA, "'%s' is neither a string nor a number", t->path);
	}
	t->naive |= naive;
	return ret ? error_prefix(err, "'%s'", t->path) : 0;
}

size_t event_time_format(const struct event_time *t, const struct value *v, int64_t ns,
			 char out[EVENT_TIME_MAX])
{
	/* A string of JSON always has its quotes, a cell of CSV keeps those it had. */
	bool quoted = v->kind == VALUE_STRING && v->text[0] == '"';
	size_t n = quoted;

	out[0] = '"';
	if (v->kind == VALUE_NUMBER)
		return timestamp_format_number(out, ns, timestamp_unit(v->number, t->unit),
					       !v->integer);
	n += timestamp_format(out + n, ns);
	if (quoted)
		out[n++] = '"';
	return n;
}

int event_time_replace(const struct record *rec, const struct value *v, const char *text,
		       size_t len, struct buf *out, size_t at, struct error *err)
{
	size_t offset = (size_t)(v->text - rec->text);

	at += offset;
	for (size_t i = 0; i < rec->n_cuts && rec->cuts[i].to <= offset; i++)
		at -= rec->cuts[i].to - rec->cuts[i].from;
	if (buf_reserve(out, len, err))
		return -1;
	char *place = out->data + at;
	memmove(place + len, place + v->len, out->len - at - v->len);
	memcpy(place, text, len);
	out->len += len - v->len;
	return 0;
}
