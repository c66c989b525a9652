/* What the targets that read records share: texts as blocks and files, and checks that say where
 * they failed. Where a target lets our parsers differ from the judge's, it names the entry of
 * "Where other parsers differ" in sensor-record(5). */
#ifndef TESTS_FUZZ_TEXT_H
#define TESTS_FUZZ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/utf8.h"
#include "lib/record/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(claim) ((claim) ? (void)0 : check_failed(__FILE__, __LINE__, #claim))

static inline _Noreturn void check_failed(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
	abort();
}

/* A copy of its own size, so that the sanitizer sees a byte read too far. */
static inline char *text_copy(const void *text, size_t len)
{
	char *copy = calloc(len ? len : 1, 1);

	CHECK(copy);
	if (len)
		memcpy(copy, text, len);
	return copy;
}

/* A block with the padding that is promised, and not a byte more. header is NULL for JSON. */
static inline struct block text_block(const char *text, size_t len, uint64_t line,
				      const struct csv_header *header)
{
	struct block b = {.data = malloc(len + READER_PAD),
			  .len = len,
			  .cap = len + READER_PAD,
			  .first_line = line,
			  .file = "text",
			  .format = header ? FORMAT_CSV : FORMAT_JSON,
			  .header = header,
			  .unterminated = len && text[len - 1] != '\n',
			  .ascii = utf8_is_ascii(text, len)};

	CHECK(b.data);
	if (len)
		memcpy(b.data, text, len);
	memset(b.data + len, '"', READER_PAD);
	b.data[len] = '\n';
	return b;
}

static inline void add(struct buf *b, const void *bytes, size_t n)
{
	struct error err = ERROR_INIT;

	CHECK(!buf_add(b, bytes, n, &err));
}

static inline void add_number(struct buf *b, uint64_t n)
{
	add(b, &n, sizeof(n));
}

static inline bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

static inline bool same_bits(double a, double b)
{
	uint64_t bits[2];

	memcpy(&bits[0], &a, sizeof(a));
	memcpy(&bits[1], &b, sizeof(b));
	return bits[0] == bits[1];
}

/* FNV-1a, for choices that an input makes. */
static inline uint64_t hash(const void *bytes, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

#endif
