/*
 * Where a record of Kafka came from: the member `_kafka` of a record, sensor-record(5).
 *
 * Written for every record of a stream, so with care for speed: what is the same for all records of
 * a partition is made once.
 */
#ifndef RECORD_PROVENANCE_H
#define RECORD_PROVENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

#define PROVENANCE_NO_TIME INT64_MIN

struct provenance_header {
	const char *name; /* UTF-8, no NUL within */
	const void *value;
	size_t len;
	bool null; /* it has no value */
};

struct provenance {
	const char *topic;
	int32_t partition;
	int64_t offset;
	int64_t timestamp_ms; /* since 1970; PROVENANCE_NO_TIME */
	const void *key;      /* NULL: none; any bytes */
	size_t key_len;
	const struct provenance_header *headers;
	size_t n_headers;
	bool replay;
};

/* Appends the object {"topic":…}. The topic's own characters need no escape (Kafka allows letters,
 * digits, '.', '_' and '-'). A key or header value that is no UTF-8 goes out as …_base64; a header
 * name that is none has its bad bytes replaced by U+FFFD. A time that RFC 3339 cannot write (beyond
 * the years 0 to 9999) is left out. */
int provenance_write(struct buf *out, const struct provenance *p, struct error *err);

/* What a producer needs of a record's `_kafka`: bytes with escapes and base64 undone. The buffers
 * are reused from record to record. */
struct provenance_in {
	bool any;    /* the record has `_kafka`, an object */
	bool keyed;  /* it has a key or key_base64 */
	bool replay; /* replay is true */
	struct buf key;
	struct provenance_in_header {
		size_t name_at, name_len, value_at, value_len; /* in text */
		bool null;
	} * headers;
	size_t n_headers, headers_cap;
	struct buf text;
};

void provenance_in_release(struct provenance_in *p);

/* Reads the value of `_kafka` as a scanner gave it (VALUE_ABSENT, or no object: any is false).
 * ERROR_DATA: its key or headers are not as sensor-record(5) has them; other members are not looked
 * at. Nothing is built, and nothing allocated once the buffers are large enough. */
int provenance_read(struct provenance_in *p, const struct value *v, struct error *err);

#endif
