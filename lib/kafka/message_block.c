#include "lib/kafka/message_block.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/utf8.h"
#include "lib/record/provenance.h"

struct entry {
	rd_kafka_message_t *message;
	bool replay;
	bool broken; /* its value has line breaks */
};

struct message_block {
	struct message_block_options options;
	struct fields *fields;
	struct scanner *scanner;
	struct entry *entries;
	size_t n, cap, n_written;
	struct buf lines; /* a line for each */
	struct provenance_header *headers;
	size_t headers_cap;
	struct buf kafka; /* a bad record's provenance */
};

static void forget(struct message_block *b)
{
	for (size_t i = 0; i < b->n; i++)
		rd_kafka_message_destroy(b->entries[i].message);
	b->n = b->n_written = 0;
	b->lines.len = 0;
}

static void release(struct message_block *b)
{
	if (!b)
		return;
	forget(b);
	free(b->entries);
	buf_release(&b->lines);
	free(b->headers);
	buf_release(&b->kafka);
	scanner_free(b->scanner);
	fields_free(b->fields);
	free(b);
}

struct message_block *message_block_new(const struct message_block_options *o, struct error *err)
{
	struct message_block *b = mem_alloc(1, sizeof(*b), err);

	if (!b)
		return NULL;
	b->options = *o;
	if (!(b->fields = fields_new(err)) || fields_own(b->fields, "_kafka", err) ||
	    !(b->scanner = scanner_new(b->fields, err))) {
		release(b);
		return NULL;
	}
	scanner_no_control(b->scanner);
	return b;
}

size_t message_block_count(const struct message_block *b)
{
	return b->n;
}

size_t message_block_bytes(const struct message_block *b)
{
	return b->lines.len;
}

/* Appends a value as one line. '\r' in place of a line break is white space to the scanner, and as
 * wrong inside of a string. */
static int add_line(struct buf *lines, const char *value, size_t len, bool *broken,
		    struct error *err)
{
	if (buf_reserve(lines, len + 1 + READER_PAD, err))
		return -1;
	char *line = lines->data + lines->len, *end = line + len;
	if (len) /* payload may be NULL */
		memcpy(line, value, len);
	for (char *p = line; (p = memchr(p, '\n', (size_t)(end - p))); *broken = true)
		*p++ = '\r';
	*end = '\n';
	lines->len += len + 1;
	return 0;
}

int message_block_add(struct message_block *b, rd_kafka_message_t *m, bool replay,
		      struct error *err)
{
	bool broken = false;

	if (MEM_GROW(&b->entries, &b->cap, b->n + 1, err) ||
	    add_line(&b->lines, m->payload, m->len, &broken, err)) {
		rd_kafka_message_destroy(m);
		return -1;
	}
	b->entries[b->n++] = (struct entry){m, replay, broken};
	return 0;
}

static int collect_headers(struct message_block *b, rd_kafka_message_t *m, struct provenance *p,
			   struct error *err)
{
	rd_kafka_headers_t *headers;
	struct provenance_header h;

	if (rd_kafka_message_headers(m, &headers))
		return 0;
	while (!rd_kafka_header_get_all(headers, p->n_headers, &h.name, &h.value, &h.len)) {
		if (MEM_GROW(&b->headers, &b->headers_cap, p->n_headers + 1, err))
			return -1;
		h.null = !h.value;
		b->headers[p->n_headers++] = h;
	}
	p->headers = b->headers;
	return 0;
}

static int add_provenance(struct message_block *b, const struct entry *e, struct buf *out,
			  struct error *err)
{
	rd_kafka_message_t *m = e->message;
	rd_kafka_timestamp_type_t type;
	struct provenance p = {.topic = rd_kafka_topic_name(m->rkt),
			       .partition = m->partition,
			       .offset = m->offset,
			       .timestamp_ms = rd_kafka_message_timestamp(m, &type),
			       .key = m->key,
			       .key_len = m->key_len,
			       .replay = e->replay};

	if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
		p.timestamp_ms = PROVENANCE_NO_TIME;
	return collect_headers(b, m, &p, err) || provenance_write(out, &p, err) ? -1 : 0;
}

static int reject(struct message_block *b, const struct entry *e, struct error *why, size_t *bad,
		  struct error *err)
{
	rd_kafka_message_t *m = e->message;
	struct record rec = {.text = m->payload, .len = m->len};
	uint64_t column = why->column;
	char place[320];

	if (e->replay)
		return 0;
	++*bad;
	b->kafka.len = 0;
	if (add_provenance(b, e, &b->kafka, err))
		return -1;
	snprintf(place, sizeof(place), "%s[%d]@%lld", rd_kafka_topic_name(m->rkt),
		 (int)m->partition, (long long)m->offset);
	why->file[0] = '\0';
	why->line = 0;
	error_at(why, place, 0, column);
	const struct value kafka = {
		.text = b->kafka.data, .len = b->kafka.len, .kind = VALUE_OBJECT};
	return b->options.bad(b->options.context, why, m->payload ? &rec : NULL, &kafka, err);
}

/* A message whose line is blank, so that the scanner passed over it. */
static int write_blank(struct message_block *b, const struct entry *e, struct buf *out, size_t *bad,
		       struct error *err)
{
	struct error why = ERROR_INIT;

	if (!e->message->payload && b->options.tombstones) {
		if (!b->options.provenance)
			return buf_add_str(out, "{}\n", err);
		return buf_add_str(out, "{\"_kafka\":", err) || add_provenance(b, e, out, err) ||
				       buf_add_str(out, "}\n", err)
			       ? -1
			       : 0;
	}
	error_set(&why, ERROR_DATA, "%s",
		  e->message->payload ? "the value is blank"
				      : "the message has no value; --tombstones lets it pass");
	return reject(b, e, &why, bad, err);
}

static int write_record(struct message_block *b, const struct record *rec, const struct entry *e,
			struct buf *out, struct error *err)
{
	size_t at = 0, len = rec->len, start = out->len;

	if (buf_reserve(out, len + 16, err))
		return -1;
	char *p = out->data + start, *line;
	for (size_t i = 0; i < rec->n_cuts; at = rec->cuts[i++].to)
		p = mempcpy(p, rec->text + at, rec->cuts[i].from - at);
	p = mempcpy(p, rec->text + at, rec->close - at);
	out->len = (size_t)(p - out->data);
	if (b->options.provenance) {
		static const char name[] = ",\"_kafka\":";
		p = mempcpy(p, name + rec->empty, sizeof(name) - 1 - rec->empty);
		out->len = (size_t)(p - out->data);
		if (add_provenance(b, e, out, err) || buf_reserve(out, len - rec->close + 2, err))
			return -1;
	}
	while (len > rec->close + 1 && rec->text[len - 1] == '\r')
		len--;
	p = mempcpy(out->data + out->len, rec->text + rec->close, len - rec->close);
	*p++ = '\n';
	out->len = (size_t)(p - out->data);
	/* What stood for line breaks, or was a part of one. */
	for (line = out->data + start;
	     e->broken && (line = memchr(line, '\r', (size_t)(p - line)));)
		*line = ' ';
	return 0;
}

static int write_all(struct message_block *b, struct buf *out, size_t *bad, struct error *err)
{
	struct error why = ERROR_INIT;
	struct record rec;
	size_t i = 0;
	int ret;

	while ((ret = scanner_next(b->scanner, &rec, &why)) != 0) {
		size_t at = (size_t)rec.line - 1;
		for (; i < at; i++, b->n_written++)
			if (write_blank(b, &b->entries[i], out, bad, err))
				return -1;
		i++;
		if (ret < 0 && why.kind != ERROR_DATA) {
			*err = why;
			return -1;
		}
		if (ret < 0 ? reject(b, &b->entries[at], &why, bad, err)
			    : write_record(b, &rec, &b->entries[at], out, err))
			return -1;
		b->n_written++;
	}
	for (; i < b->n; i++, b->n_written++)
		if (write_blank(b, &b->entries[i], out, bad, err))
			return -1;
	return 0;
}

int message_block_write(struct message_block *b, struct buf *out, size_t *bad, struct error *err)
{
	struct block lines = {
		.data = b->lines.data, .len = b->lines.len, .first_line = 1, .format = FORMAT_JSON};
	int ret;

	*bad = 0;
	if (!b->n)
		return 0;
	lines.data[lines.len] = '\n';
	memset(lines.data + lines.len + 1, 0, READER_PAD - 1);
	lines.ascii = utf8_is_ascii(lines.data, lines.len);
	ret = scanner_start(b->scanner, &lines, err) || write_all(b, out, bad, err) ? -1 : 0;
	if (!ret)
		forget(b);
	return ret;
}

int64_t message_block_first(const struct message_block *b, const char *topic, int32_t partition)
{
	for (size_t i = b->n_written; i < b->n; i++) {
		const rd_kafka_message_t *m = b->entries[i].message;
		if (m->partition == partition && !strcmp(rd_kafka_topic_name(m->rkt), topic))
			return m->offset;
	}
	return -1;
}
