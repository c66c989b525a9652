#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/utf8.h"
#include "lib/record/csv.h"
#include "lib/record/scanner_impl.h"

struct scanner *scanner_new(const struct fields *fields, struct error *err)
{
	struct scanner *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	if (!fields && !(fields = s->no_fields = fields_new(err)))
		goto fail;
	s->fields = fields;
	s->values = mem_alloc(SLOTS_OWN + fields->n_slots, sizeof(*s->values), err);
	s->seen = mem_alloc(fields->n_nodes, sizeof(*s->seen), err);
	if (!s->values || !s->seen)
		goto fail;
	return s;
fail:
	scanner_free(s);
	return NULL;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	fields_free(s->no_fields);
	free(s->values);
	free(s->seen);
	free(s->shape);
	buf_release(&s->shape_text);
	free(s->cuts);
	free(s->column_slot);
	free(s->column_owned);
	buf_release(&s->name);
	free(s);
}

void scanner_refuse_unknown(struct scanner *s)
{
	s->refuse_unknown = true;
}

void scanner_note_unknown(struct scanner *s)
{
	s->refuse_unknown = s->note_unknown = true;
}

const char *scanner_unknown(const struct scanner *s, size_t *len)
{
	const struct scan c = {.line = s->unknown};
	bool escaped;

	if (s->unknown)
		*len = (size_t)(scan_string(&c, s->unknown, &escaped) - s->unknown);
	return s->unknown;
}

void scanner_no_control(struct scanner *s)
{
	s->no_control = true;
}

int scanner_start(struct scanner *s, const struct block *b, struct error *err)
{
	s->block = b;
	s->pos = 0;
	s->line = b->first_line;
	if (b->format == FORMAT_CSV && b->header != s->header)
		return scan_csv_columns(s, b->header, err);
	return 0;
}

int scan_cut(struct scanner *s, const struct record *rec, const char *from, struct error *err)
{
	if (MEM_GROW(&s->cuts, &s->cuts_cap, s->n_cuts + 1, err))
		return -1;
	s->cuts[s->n_cuts++].from = (uint32_t)(from - rec->text);
	return 0;
}

/* The next line that is not blank, without its end, into rec: whether there was one. */
static bool next_line(struct scanner *s, struct record *rec)
{
	const struct block *b = s->block;

	while (s->pos < b->len) {
		const char *p = b->data + s->pos;
		size_t left = b->len - s->pos, len;
		uint64_t lines = 1;
		if (b->format == FORMAT_CSV) {
			len = csv_row(p, left, &lines);
		} else {
			const char *nl = memchr(p, '\n', left);
			len = nl ? (size_t)(nl + 1 - p) : left;
		}
		rec->line = s->line;
		s->line += lines;
		s->pos += len;
		rec->torn = b->unterminated && s->pos == b->len;
		rec->eol = "";
		if (p[len - 1] == '\n') {
			len--;
			rec->eol = "\n";
			if (len && p[len - 1] == '\r') {
				len--;
				rec->eol = "\r\n";
			}
		}
		if (b->format == FORMAT_CSV ? !len : scan_space(p, p + len) == p + len)
			continue;
		rec->text = p;
		rec->len = len;
		return true;
	}
	return false;
}

static int bad_control(const struct record *rec, const struct value *v, struct error *err,
		       const char *what)
{
	bool absent = v->kind == VALUE_ABSENT;

	error_set(err, ERROR_CONFIG, "control record: %s", what);
	return error_at(err, NULL, 0, absent ? 1 : (uint64_t)(v->text - rec->text) + 1);
}

/* A value that the output has no place for. */
static int bad_member(const struct scanner *s, const struct record *rec, struct error *err)
{
	const struct scan c = {.line = rec->text, .end = rec->text + rec->len, .err = err};
	bool escaped;
	size_t len = (size_t)(scan_string(&c, s->unknown, &escaped) - s->unknown);

	scan_fail(&c, s->unknown,
		  "the output has no column for field %.*s%s; name all with --csv-fields",
		  len > 100 ? 100 : (int)len, s->unknown, len > 100 ? "..." : "");
	return -1;
}

static int read_control(struct scanner *s, struct record *rec, struct error *err)
{
	static const struct {
		const char *text;
		enum control_kind kind;
	} kinds[] = {{"\"assign\"", CONTROL_ASSIGN},
		     {"\"mark\"", CONTROL_MARK},
		     {"\"reset\"", CONTROL_RESET},
		     {"\"end\"", CONTROL_END}};
	const struct value *kind = &s->values[SLOT_CONTROL], *seq = &s->values[SLOT_SEQ];
	const struct value *session = &s->values[SLOT_SESSION];
	int64_t n;

	if (kind->kind == VALUE_ABSENT || s->no_control)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kind->len == strlen(kinds[i].text) &&
		    !memcmp(kind->text, kinds[i].text, kind->len))
			rec->control = kinds[i].kind;
	if (rec->control == CONTROL_NONE)
		return bad_control(rec, kind, err, "its kind is none of assign, mark, reset, end");
	if (seq->kind != VALUE_NUMBER || number_read_int(seq->text, seq->text + seq->len, &n) ||
	    n < 0)
		return bad_control(rec, seq, err, "it has no number 'seq'");
	rec->seq = (uint64_t)n;
	rec->session = session->kind == VALUE_ABSENT ? NULL : session->text;
	rec->session_len = session->kind == VALUE_ABSENT ? 0 : session->len;
	return 0;
}

static int scan_record(struct scanner *s, struct record *rec, struct error *err)
{
	if (!s->block->ascii) {
		size_t bad = utf8_check(rec->text, rec->len);
		if (bad < rec->len) {
			error_set(err, ERROR_DATA, "byte 0x%02x is not valid UTF-8",
				  (unsigned)(unsigned char)rec->text[bad]);
			return error_at(err, NULL, 0, bad + 1);
		}
	}
	return s->block->format == FORMAT_CSV ? scan_csv(s, rec, err) : scan_json(s, rec, err);
}

int scanner_next(struct scanner *s, struct record *rec, struct error *err)
{
	size_t n_values = SLOTS_OWN + s->fields->n_slots;

	if (!next_line(s, rec))
		return 0;
	for (size_t i = 0; i < n_values; i++)
		s->values[i].kind = VALUE_ABSENT;
	s->stamp++;
	s->n_cuts = 0;
	rec->control = CONTROL_NONE;
	rec->values = s->values + SLOTS_OWN;
	if (scan_record(s, rec, err)) {
		if (rec->torn && err->kind == ERROR_DATA)
			error_prefix(err, "last line has no newline and is no record");
		return error_at(err, s->block->file, rec->line, 0);
	}
	if (read_control(s, rec, err) || (rec->control == CONTROL_NONE && s->unknown &&
					  !s->note_unknown && bad_member(s, rec, err)))
		return error_at(err, s->block->file, rec->line, 0);
	rec->cuts = s->cuts;
	rec->n_cuts = s->n_cuts;
	return 1;
}
