/* The inside of struct scanner, shared by its JSON and CSV halves. */
#ifndef RECORD_SCANNER_IMPL_H
#define RECORD_SCANNER_IMPL_H

#include "lib/record/fields_impl.h"
#include "lib/record/scanner.h"

#define SCAN_DEPTH_MAX 64

/*
 * What stood between one value and the next in an earlier record: comma, white space, the member's
 * name and colon. When the same bytes come again, they are the same member, and need no look.
 */
struct shape_entry {
	uint64_t head, mask; /* the first up to 8 bytes, and which of them count */
	uint32_t at, len;    /* all of them in shape_text */
	uint32_t comma;      /* offset of the comma in them */
	int32_t parent, node;
	bool first; /* first member of its object: no comma */
};

struct scanner {
	const struct fields *fields;
	struct fields *no_fields; /* owned, when made without */
	const struct block *block;
	size_t pos;
	uint64_t line;

	struct value *values; /* [SLOTS_OWN + fields_count] */
	uint64_t *seen;       /* [n_nodes] stamp of the record that last had this object */
	uint64_t stamp;

	struct shape_entry *shape;
	size_t n_shape, shape_cap;
	struct buf shape_text;
	size_t missed, missed_records; /* members not foreseen, in this record; records in a row
					  with many */

	struct cut *cuts;
	size_t n_cuts, cuts_cap;

	const struct csv_header *header; /* the one that columns were mapped for */
	int32_t *column_slot;            /* [header->n] */
	bool *column_owned;
	size_t columns_cap, owned_cap;

	bool no_control;
	bool refuse_unknown, note_unknown;
	const char *unknown; /* then: name of the first member without a column, in quotes */
	struct buf name;     /* a member's name without escapes; a path being walked */
};

/* Where a scan stands, for errors. */
struct scan {
	const char *line, *end;
	struct error *err;
};

/* Notes that p is wrong (column counted from the line's start); returns NULL. */
const char *scan_fail(const struct scan *c, const char *p, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Behind the string whose opening quote is at p; *escaped: it has a backslash. NULL on failure. */
const char *scan_string(const struct scan *c, const char *p, bool *escaped);

/* Checks the value at p, of any kind, `depth` objects and arrays deep; returns the byte behind it.
 */
const char *scan_skip(const struct scan *c, const char *p, int depth);

/* As scan_skip, and describes the value. */
const char *scan_value(const struct scan *c, const char *p, int depth, struct value *v);

static inline const char *scan_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* One JSON line, one CSV row: 0, or -1. They set values, cuts, close and empty. */
int scan_json(struct scanner *s, struct record *rec, struct error *err);
int scan_csv(struct scanner *s, struct record *rec, struct error *err);

/* Maps a header's columns to slots. */
int scan_csv_columns(struct scanner *s, const struct csv_header *h, struct error *err);

/* What an unquoted or quoted cell is. */
void scan_cell_value(const char *text, size_t len, bool quoted, struct value *v);

/* Appends a cut; kept: members before it that stay. */
int scan_cut(struct scanner *s, const struct record *rec, const char *from, struct error *err);

#endif
