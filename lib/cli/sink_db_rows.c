#include <string.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/sink_db_impl.h"

static bool is_below(const char *path, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(path, name, n) && (!path[n] || path[n] == '.');
}

/* Whether a field goes to a column of its own, or is none of the record's. */
static bool is_taken(const struct db_sink *s, const char *path)
{
	if (is_below(path, "_kafka"))
		return true;
	return !(s->rest && is_below(path, s->rest->name)) && store_table_takes(&s->table, path);
}

int db_sink_check_header(struct db_sink *s, struct error *err)
{
	const struct csv_header *h = reader_header(s->reader);

	if (!h || s->checked == h)
		return 0;
	s->checked = h;
	for (size_t i = 0; i < h->n; i++) {
		if (is_taken(s, h->names[i]))
			continue;
		if (!s->rest)
			return error_set(err, ERROR_DATA,
					 "table '%s' has no column for column '%s' of the input; "
					 "'--unknown COLUMN' keeps what has none",
					 s->options->table, h->names[i]);
		s->csv_rest = true;
	}
	return 0;
}

static int add_json(struct buf *out, const struct value *v, struct error *err)
{
	struct buf text = BUF_INIT;
	int ret;

	if (v->kind == VALUE_NULL)
		return buf_add_str(out, "null", err);
	if (v->kind != VALUE_STRING || !v->csv)
		return buf_add(out, v->text, v->len, err);
	ret = value_string(v, &text, err) ||
			      json_add_text(out, text.data ? text.data : "", text.len, err)
		      ? -1
		      : 0;
	buf_release(&text);
	return ret;
}

/* Adds a field without a column to the object of --unknown. */
static int add_rest(void *context, const char *path, const struct value *v, struct error *err)
{
	struct db_sink *s = context;
	struct buf *out = &s->rest_text;

	if (is_taken(s, path))
		return 0;
	if (buf_add_str(out, out->len ? "," : "{", err) || json_add_string(out, path, err) ||
	    buf_add_str(out, ":", err))
		return -1;
	return add_json(out, v, err);
}

static int make_rest(struct db_sink *s, const struct record *rec, bool unknown, struct value *cell,
		     struct error *err)
{
	s->rest_text.len = 0;
	if (unknown && scanner_walk(s->scanner, rec, add_rest, s, err))
		return -1;
	*cell = (struct value){.kind = VALUE_NULL};
	if (!s->rest_text.len)
		return 0;
	if (buf_add_str(&s->rest_text, "}", err))
		return -1;
	*cell = (struct value){
		.kind = VALUE_OBJECT, .text = s->rest_text.data, .len = s->rest_text.len};
	return 0;
}

/* The values of the columns. */
static int fill_cells(struct db_sink *s, const struct record *rec, struct error *err)
{
	static const struct value absent = {.kind = VALUE_ABSENT};
	size_t len;
	const char *unknown = scanner_unknown(s->scanner, &len);

	if (unknown && !s->rest)
		return error_set(
			err, ERROR_DATA,
			"table '%s' has no column for field %.*s; '--unknown COLUMN' keeps "
			"what has none",
			s->options->table, len < 100 ? (int)len : 100, unknown);
	for (size_t i = 0; i < s->table.n; i++)
		s->cells[i] = s->slots[i] == SIZE_MAX ? absent : rec->values[s->slots[i]];
	if (!s->rest)
		return 0;
	return make_rest(s, rec, unknown || s->csv_rest, &s->cells[s->rest - s->table.columns],
			 err);
}

/* What a row that the database refuses is kept by. */
static int keep_record(struct db_sink *s, const struct block *b, const struct record *rec,
		       struct error *err)
{
	struct store_row *row = &s->batch.rows[s->batch.n - 1];
	const struct value *kafka = &rec->values[s->kafka_slot];

	row->file = b->file;
	row->line = rec->line;
	if (s->intake.rejects_fd < 0)
		return 0;
	row->record = s->batch.records.len;
	row->record_len = rec->len;
	if (kafka->kind == VALUE_OBJECT && !kafka->csv) {
		row->kafka = (size_t)(kafka->text - rec->text);
		row->kafka_len = kafka->len;
	}
	return buf_add(&s->batch.records, rec->text, rec->len, err);
}

int db_sink_add(struct db_sink *s, const struct block *b, const struct record *rec,
		struct error *err)
{
	if (fill_cells(s, rec, err) || store_add(s->store, &s->table, s->cells, &s->batch, err))
		return -1;
	return keep_record(s, b, rec, err);
}

int db_sink_refused(void *context, const struct store_row *row, const struct error *why,
		    struct error *err)
{
	static const uint32_t first = 0;
	struct db_sink *s = context;
	struct error reason = why ? *why : (struct error)ERROR_INIT;
	struct buf line = BUF_INIT;
	int ret;

	if (!row) /* what fails now is not committed */
		return intake_keep(&s->intake, "", 0, true, err) ||
				       intake_judge(&s->intake, s->ending, err)
			       ? -1
			       : 0;
	error_at(&reason, row->file, row->line, 0);
	if (s->intake.rejects_fd < 0) {
		*err = reason;
		return -1;
	}
	const char *text = s->batch.records.data + row->record;
	const struct record rec = {.text = text, .len = row->record_len, .line = row->line};
	const struct value kafka = {
		.kind = VALUE_OBJECT, .text = text + row->kafka, .len = row->kafka_len};
	ret = reject_format(&line, message_program(), &reason, &rec, row->kafka_len ? &kafka : NULL,
			    timestamp_now(), err) ||
			      intake_keep(&s->intake, line.data, line.len, false, err)
		      ? -1
		      : 0;
	buf_release(&line);
	/* Among all records it has been counted. */
	return ret || intake_count(&s->intake, 0, &first, 1, err) ? -1 : 0;
}
