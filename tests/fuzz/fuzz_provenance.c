/*
 * Provenance both ways. The input's first line is a key, the next pairs are names and values of
 * headers: written and read back the same. And all of it as what stands in `_kafka`: what a
 * producer gets of that, written and read again, stays the same.
 */
#include "lib/record/provenance.h"
#include "tests/fuzz/text.h"

#define HEADERS_MAX 8

/* A record with this _kafka, scanned and read: false if it is none, or not a good one. */
static bool read_back(const struct buf *kafka, struct provenance_in *in, struct fields *fields)
{
	static const char head[] = "{\"x\":1,\"_kafka\":";
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(fields, &err);
	struct buf line = BUF_INIT;
	struct record rec;

	add(&line, head, sizeof(head) - 1);
	add(&line, kafka->data, kafka->len);
	add(&line, "}\n", 2);
	struct block b = text_block(line.data, line.len, 1, NULL);
	CHECK(s && !scanner_start(s, &b, &err));
	bool ok = scanner_next(s, &rec, &err) == 1 && rec.control == CONTROL_NONE;
	if (ok && provenance_read(in, &rec.values[0], &err)) {
		CHECK(err.kind == ERROR_DATA && err.what[0]);
		ok = false;
	}
	scanner_free(s);
	free(b.data);
	buf_release(&line);
	return ok;
}

static void check_same(const struct provenance *p, const struct provenance_in *in)
{
	CHECK(in->any && in->keyed == (p->key != NULL) && in->replay == p->replay);
	CHECK(!p->key || same_bytes(in->key.data, in->key.len, p->key, p->key_len));
	CHECK(in->n_headers == p->n_headers);
	for (size_t i = 0; i < p->n_headers; i++) {
		const struct provenance_header *h = &p->headers[i];
		const struct provenance_in_header *back = &in->headers[i];
		size_t len = strlen(h->name);
		CHECK(utf8_check(h->name, len) < len ||
		      same_bytes(in->text.data + back->name_at, back->name_len, h->name, len));
		CHECK(back->null == h->null);
		CHECK(h->null || same_bytes(in->text.data + back->value_at, back->value_len,
					    h->value, h->len));
	}
}

static void check_written(const struct provenance *p, struct fields *fields)
{
	struct provenance_in in = {.any = false};
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	CHECK(!provenance_write(&out, p, &err));
	CHECK(utf8_check(out.data, out.len) == out.len);
	CHECK(read_back(&out, &in, fields));
	check_same(p, &in);
	provenance_in_release(&in);
	buf_release(&out);
}

/* Lines of the input as a key and headers. */
static void check_lines(char *text, size_t size, struct fields *fields)
{
	struct provenance_header headers[HEADERS_MAX] = {{.null = true}};
	uint64_t h = hash(text, size);
	struct provenance p = {.topic = "t",
			       .partition = (int32_t)(h >> 33),
			       .offset = (int64_t)(h >> 1),
			       .timestamp_ms = (int64_t)h >> (h & 31),
			       .headers = headers,
			       .replay = h & 64};
	char *part[1 + 2 * HEADERS_MAX];
	size_t len[1 + 2 * HEADERS_MAX], n = 0;

	for (size_t at = 0; at <= size && n < 1 + 2 * HEADERS_MAX; at += len[n++] + 1) {
		const char *nl = memchr(text + at, '\n', size - at);
		len[n] = nl ? (size_t)(nl - text) - at : size - at;
		CHECK((part[n] = calloc(len[n] + 1, 1)) != NULL);
		memcpy(part[n], text + at, len[n]);
	}
	p.key = h & 128 ? part[0] : NULL;
	p.key_len = len[0];
	for (size_t i = 1; i < n; i += 2)
		headers[p.n_headers++] =
			(struct provenance_header){.name = part[i],
						   .value = i + 1 < n ? part[i + 1] : NULL,
						   .len = i + 1 < n ? len[i + 1] : 0,
						   .null = i + 1 >= n};
	check_written(&p, fields);
	while (n)
		free(part[--n]);
}

/* The input as `_kafka`. */
static void check_value(const char *text, size_t size, struct fields *fields)
{
	struct provenance_in in = {.any = false};
	struct provenance_header headers[HEADERS_MAX];
	struct provenance p = {.topic = "t", .headers = headers};
	struct error err = ERROR_INIT;
	struct buf kafka = BUF_INIT, names = BUF_INIT;

	add(&kafka, text, size);
	if (!memchr(text, '\n', size) && read_back(&kafka, &in, fields) && in.any) {
		p.key = in.keyed ? (in.key.data ? in.key.data : "") : NULL;
		p.key_len = in.key.len;
		p.replay = in.replay;
		p.n_headers = in.n_headers < HEADERS_MAX ? in.n_headers : HEADERS_MAX;
		/* A NUL behind each name, no place of which may move. */
		CHECK(!buf_reserve(&names, in.text.len + HEADERS_MAX, &err));
		for (size_t i = 0; i < p.n_headers; i++) {
			const struct provenance_in_header *h = &in.headers[i];
			headers[i] = (struct provenance_header){.name = names.data + names.len,
								.value = in.text.data + h->value_at,
								.len = h->value_len,
								.null = h->null};
			add(&names, in.text.data + h->name_at, h->name_len);
			add(&names, "", 1);
		}
		check_written(&p, fields);
	}
	provenance_in_release(&in);
	buf_release(&kafka);
	buf_release(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct fields *fields = fields_new(&err);
	char *text = text_copy(data, size);

	CHECK(fields && fields_want(fields, "_kafka", &err) == 0);
	check_lines(text, size, fields);
	check_value(text, size, fields);
	fields_free(fields);
	free(text);
	return 0;
}
