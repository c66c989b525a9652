#include "lib/record/event_time.h"

#include <string.h>

void event_time_release(struct event_time *t)
{
	buf_release(&t->text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Texts of UTC in seconds or milliseconds, whose minute is that of the last: most are. */
static bool read_in_minute(const struct event_time *t, const char *p, size_t len, int64_t *ns)
{
	const char *s = p + EVENT_TIME_MINUTE;
	int64_t ms = 0;

	if ((len != 20 && len != 24) || p[len - 1] != 'Z' || !t->minute[0] ||
	    memcmp(p, t->minute, EVENT_TIME_MINUTE) != 0 || s[0] < '0' || s[0] > '5' ||
	    !is_digit(s[1]))
		return false;
	if (len == 24) {
		if (s[2] != '.' || !is_digit(s[3]) || !is_digit(s[4]) || !is_digit(s[5]))
			return false;
		ms = (s[3] - '0') * 100 + (s[4] - '0') * 10 + (s[5] - '0');
	}
	int64_t later_ms = ((s[0] - '0') * 10 + (s[1] - '0')) * 1000 + ms;
	/* The last minute that there is ends too early. */
	return !__builtin_add_overflow(t->minute_ns, later_ms * 1000000, ns);
}

static int read_text(struct event_time *t, const char *text, size_t len, int64_t *ns, bool *naive,
		     struct error *err)
{
	if (read_in_minute(t, text, len, ns))
		return 0;
	if (timestamp_parse(text, len, t->offset_s, ns, naive, err))
		return -1;
	if ((len == 20 || len == 24) && text[len - 1] == 'Z' && text[EVENT_TIME_MINUTE] <= '5' &&
	    *ns >= 0) {
		memcpy(t->minute, text, EVENT_TIME_MINUTE);
		t->minute_ns = *ns - *ns % (60 * NS_PER_SECOND);
	}
	return 0;
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
		if (!v->csv && !memchr(v->text, '\\', v->len)) {
			ret = read_text(t, v->text + 1, v->len - 2, ns, &naive, err);
			break;
		}
		t->text.len = 0;
		ret = value_string(v, &t->text, err);
		if (!ret)
			ret = read_text(t, t->text.data ? t->text.data : "", t->text.len, ns,
					&naive, err);
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
