#include "lib/kafka/outgoing.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"
#include "lib/kafka/template.h"
#include "lib/record/writer.h"

struct header_maker {
	char *name, *of; /* of: "header 'NAME'" */
	struct template value;
	size_t at, len; /* in text */
};

struct outgoing {
	const struct outgoing_options *options;
	size_t kafka_slot, value_slot, time_slot;
	bool makes_key;
	struct template key_maker;
	struct header_maker *makers;
	struct writer *writer; /* of CSV */
	struct provenance_in in;
	struct event_time time;
	struct provenance_header *headers;
	size_t headers_cap;
	struct buf key, text, value;
};

void outgoing_free(struct outgoing *g)
{
	if (!g)
		return;
	for (size_t i = 0; g->makers && i < g->options->n_headers; i++) {
		free(g->makers[i].name);
		free(g->makers[i].of);
		template_release(&g->makers[i].value);
	}
	template_release(&g->key_maker);
	writer_free(g->writer);
	provenance_in_release(&g->in);
	event_time_release(&g->time);
	buf_release(&g->key);
	buf_release(&g->text);
	buf_release(&g->value);
	free(g->makers);
	free(g->headers);
	free(g);
}

static int want(struct fields *fields, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(fields, path, err);

	if (n < 0)
		return -1;
	*slot = (size_t)n;
	return 0;
}

static int make_key(struct outgoing *g, struct fields *fields, struct error *err)
{
	const struct outgoing_options *o = g->options;

	g->makes_key = o->key_fields || o->key_format;
	if (o->key_fields && template_parse_list(&g->key_maker, "the key", o->key_fields, err))
		return error_prefix(err, "option '--key'");
	if (o->key_format && template_parse(&g->key_maker, "the key", o->key_format, err))
		return error_prefix(err, "option '--key-format'");
	return g->makes_key ? template_want(&g->key_maker, fields, err) : 0;
}

static int make_header(struct header_maker *h, struct fields *fields, const char *text,
		       struct error *err)
{
	size_t len = strcspn(text, "=");
	struct buf of = BUF_INIT;

	if (!len || !text[len])
		return error_set(err, ERROR_USAGE, "option '-H': '%s' is not NAME=TEMPLATE", text);
	h->name = mem_strndup(text, len, err);
	if (!h->name)
		return -1;
	if (buf_printf(&of, err, "header '%s'", h->name) || buf_terminate(&of, err)) {
		buf_release(&of);
		return -1;
	}
	h->of = of.data;
	if (template_parse(&h->value, h->of, text + len + 1, err))
		return error_prefix(err, "option '-H'");
	return template_want(&h->value, fields, err);
}

static int make_headers(struct outgoing *g, struct fields *fields, struct error *err)
{
	const struct outgoing_options *o = g->options;

	g->makers = mem_alloc(o->n_headers, sizeof(*g->makers), err);
	if (!g->makers)
		return -1;
	for (size_t i = 0; i < o->n_headers; i++)
		if (make_header(&g->makers[i], fields, o->headers[i], err))
			return -1;
	return 0;
}

struct outgoing *outgoing_new(const struct outgoing_options *o, struct fields *fields,
			      struct error *err)
{
	struct outgoing *g = mem_alloc(1, sizeof(*g), err);

	if (!g)
		return NULL;
	g->options = o;
	if (want(fields, "_kafka", &g->kafka_slot, err) || fields_own(fields, "_kafka", err) ||
	    make_key(g, fields, err) || make_headers(g, fields, err))
		goto fail;
	if (o->value && want(fields, o->value, &g->value_slot, err)) {
		error_prefix(err, "option '--value'");
		goto fail;
	}
	if (o->time) {
		g->time = *o->time;
		if (want(fields, o->time->path, &g->time_slot, err)) {
			error_prefix(err, "option '--timestamp-field'");
			goto fail;
		}
	}
	return g;
fail:
	outgoing_free(g);
	return NULL;
}

/* A row anew, without what would be read as provenance. */
static int make_writer(struct outgoing *g, struct fields *fields, const struct csv_header *header,
		       struct error *err)
{
	struct writer_options o = {.from = FORMAT_CSV, .to = FORMAT_JSON};
	const char **columns = mem_alloc(header->n, sizeof(*columns), err);

	if (!columns)
		return -1;
	for (size_t i = 0; i < header->n; i++)
		if (strncmp(header->names[i], "_kafka", 6) || !strchr(".", header->names[i][6]))
			columns[o.n_columns++] = header->names[i];
	o.columns = columns;
	g->writer = writer_new(&o, fields, err);
	free(columns);
	return g->writer ? 0 : -1;
}

int outgoing_start(struct outgoing *g, struct fields *fields, enum record_format format,
		   const struct csv_header *header, struct error *err)
{
	return format == FORMAT_CSV && !g->writer ? make_writer(g, fields, header, err) : 0;
}

size_t outgoing_kafka_slot(const struct outgoing *g)
{
	return g->kafka_slot;
}

bool outgoing_naive_time(const struct outgoing *g)
{
	return g->time.naive;
}

int outgoing_provenance(struct outgoing *g, const struct record *rec, struct error *err)
{
	return provenance_read(&g->in, &rec->values[g->kafka_slot], err);
}

const struct provenance_in *outgoing_read(const struct outgoing *g)
{
	return &g->in;
}

/* A string's characters, else the field's text. */
static int add_value(struct buf *out, const struct value *v, const char *path, struct error *err)
{
	if (v->kind == VALUE_ABSENT)
		return error_set(err, ERROR_DATA, "field '%s', the value, is absent", path);
	if (v->kind != VALUE_STRING)
		return buf_add(out, v->text, v->len, err);
	return value_string(v, out, err) ? error_prefix(err, "field '%s'", path) : 0;
}

/* data of an empty buffer may be NULL, which would be no key at all. */
static const void *bytes_of(const struct buf *b)
{
	return b->data ? b->data : "";
}

static int choose_key(struct outgoing *g, const struct record *rec, struct message *m,
		      struct error *err)
{
	const struct outgoing_options *o = g->options;

	g->key.len = 0;
	if (o->key_text) {
		m->key = o->key_text;
		m->key_len = strlen(o->key_text);
		return 0;
	}
	if (!g->makes_key) {
		m->key = g->in.keyed ? bytes_of(&g->in.key) : NULL;
		m->key_len = g->in.keyed ? g->in.key.len : 0;
		return 0;
	}
	if (template_render(&g->key_maker, rec->values, &g->key, err))
		return -1;
	m->key = bytes_of(&g->key);
	m->key_len = g->key.len;
	return 0;
}

/* The record without what is cut, as it came. */
static int cut_record(struct outgoing *g, const struct record *rec, struct error *err)
{
	size_t at = 0;

	if (buf_reserve(&g->value, rec->len, err))
		return -1;
	char *to = g->value.data;
	for (size_t i = 0; i < rec->n_cuts; at = rec->cuts[i++].to) {
		memcpy(to, rec->text + at, rec->cuts[i].from - at);
		to += rec->cuts[i].from - at;
	}
	memcpy(to, rec->text + at, rec->len - at);
	g->value.len = (size_t)(to + rec->len - at - g->value.data);
	return 0;
}

static int choose_value(struct outgoing *g, const struct record *rec, struct message *m,
			struct error *err)
{
	const struct value *v = g->options->value ? &rec->values[g->value_slot] : NULL;

	g->value.len = 0;
	m->value = NULL;
	m->value_len = 0;
	if (g->options->tombstones && (v ? v->kind == VALUE_NULL : rec->empty))
		return 0;
	if (v && v->kind == VALUE_NULL) {
		m->value = "null";
		m->value_len = 4;
		return 0;
	}
	if (!v && !g->writer && !rec->n_cuts) {
		m->value = rec->text;
		m->value_len = rec->len;
		return 0;
	}
	if (v) {
		if (add_value(&g->value, v, g->options->value, err))
			return -1;
	} else if (!g->writer) {
		if (cut_record(g, rec, err))
			return -1;
	} else if (writer_begin(g->writer, rec, &g->value, err) ||
		   writer_end(g->writer, rec, &g->value, err)) {
		return -1;
	} else {
		g->value.len--; /* its newline */
	}
	m->value = bytes_of(&g->value);
	m->value_len = g->value.len;
	return 0;
}

static int render_headers(struct outgoing *g, const struct record *rec, struct error *err)
{
	g->text.len = 0;
	for (size_t i = 0; i < g->options->n_headers; i++) {
		struct header_maker *h = &g->makers[i];
		h->at = g->text.len;
		if (template_render(&h->value, rec->values, &g->text, err))
			return -1;
		h->len = g->text.len - h->at;
	}
	for (size_t i = 0; i < g->options->n_headers; i++) {
		const struct header_maker *h = &g->makers[i];
		g->headers[i] =
			(struct provenance_header){.name = h->name,
						   .value = h->len ? g->text.data + h->at : "",
						   .len = h->len};
	}
	return 0;
}

/* Names get the NUL that librdkafka wants. */
static int pass_headers(struct outgoing *g, struct error *err)
{
	g->text.len = 0;
	for (size_t i = 0; i < g->in.n_headers; i++) {
		const struct provenance_in_header *h = &g->in.headers[i];
		if (buf_add(&g->text, g->in.text.data + h->name_at, h->name_len, err) ||
		    buf_add(&g->text, "", 1, err))
			return -1;
	}
	const char *name = g->text.data;
	for (size_t i = 0; i < g->in.n_headers; i++) {
		const struct provenance_in_header *h = &g->in.headers[i];
		g->headers[i] = (struct provenance_header){
			.name = name,
			.value = h->value_len ? g->in.text.data + h->value_at : "",
			.len = h->value_len,
			.null = h->null};
		name += h->name_len + 1;
	}
	return 0;
}

static int choose_headers(struct outgoing *g, const struct record *rec, struct message *m,
			  struct error *err)
{
	size_t own = g->options->n_headers, n = own ? own : g->in.n_headers;

	m->headers = NULL;
	m->n_headers = n;
	if (!n)
		return 0;
	if (MEM_GROW(&g->headers, &g->headers_cap, n, err) ||
	    (own ? render_headers(g, rec, err) : pass_headers(g, err)))
		return -1;
	m->headers = g->headers;
	return 0;
}

static int choose_time(struct outgoing *g, const struct record *rec, struct message *m,
		       struct error *err)
{
	int64_t ns;

	m->timestamp_ms = PRODUCER_NOW;
	if (!g->options->time)
		return 0;
	if (event_time_read(&g->time, &rec->values[g->time_slot], &ns, err))
		return -1;
	if (ns < NS_PER_MS)
		return error_set(err, ERROR_DATA,
				 "field '%s': Kafka takes no time before 1970-01-01T00:00:00.001Z",
				 g->time.path);
	m->timestamp_ms = ns / NS_PER_MS;
	return 0;
}

int outgoing_make(struct outgoing *g, const struct record *rec, struct message *m,
		  struct error *err)
{
	return choose_key(g, rec, m, err) || choose_value(g, rec, m, err) ||
			       choose_headers(g, rec, m, err) || choose_time(g, rec, m, err)
		       ? -1
		       : 0;
}
