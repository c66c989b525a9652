/*
 * Records into messages: what becomes their key, value, headers and time.
 *
 * The key is that of the options; where they name none, the one that the record's provenance has.
 * The value is the record without `_kafka`, byte for byte, or one field of it. A row of CSV becomes
 * the JSON record that it stands for.
 */
#ifndef KAFKA_OUTGOING_H
#define KAFKA_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/kafka/producer.h"
#include "lib/record/event_time.h"
#include "lib/record/fields.h"
#include "lib/record/provenance.h"
#include "lib/record/reader.h"
#include "lib/record/scanner.h"

struct outgoing_options {
	const char *key_text;       /* the same key for all; NULL */
	const char *key_fields;     /* PATH[,PATH]; NULL */
	const char *key_format;     /* a template (lib/kafka/template.h); NULL */
	const char *const *headers; /* [n_headers] NAME=TEMPLATE, in place of the provenance's */
	size_t n_headers;
	const char *value;             /* path of the field that is the value; NULL: the record */
	bool tombstones;               /* a record of nothing, or a null value, is no value */
	const struct event_time *time; /* where the message's time is; NULL: now */
};

struct outgoing;

/* Wants its fields in `fields` and owns `_kafka` there. The options must outlive it. ERROR_USAGE: a
 * path, template or header that makes no sense. */
struct outgoing *outgoing_new(const struct outgoing_options *o, struct fields *fields,
			      struct error *err);
void outgoing_free(struct outgoing *g);

/* Before scanners are made for `fields`, once the input's form is known (header: CSV's). */
int outgoing_start(struct outgoing *g, struct fields *fields, enum record_format format,
		   const struct csv_header *header, struct error *err);

/* Reads the record's provenance, for outgoing_make and the caller. ERROR_DATA. */
int outgoing_provenance(struct outgoing *g, const struct record *rec, struct error *err);
const struct provenance_in *outgoing_read(const struct outgoing *g);

/* The slot of `_kafka`. */
size_t outgoing_kafka_slot(const struct outgoing *g);

/* The message of the record, good until the next call. ERROR_DATA: a bad record. */
int outgoing_make(struct outgoing *g, const struct record *rec, struct message *m,
		  struct error *err);

/* Whether a time without an offset was read. */
bool outgoing_naive_time(const struct outgoing *g);

/*
 * Appends the record, with its newline, that becomes this message again where no option names key
 * or headers: the value, or with path a record that has it there as a string, and in `_kafka` key
 * and headers. A value that is neither a record nor UTF-8 is ERROR_DATA.
 */
int outgoing_again(struct buf *out, const struct message *m, const char *path, struct error *err);

#endif
