#include "lib/record/secom.h"

#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/record/lines.h"

#define SHOWN_BYTES 40
#define LABEL_FIELDS 2 /* label, time */
#define LABEL_BYTES 64

struct secom {
	struct lines *data, *labels;
	uint64_t rows;

	struct secom_cell *cells;
	size_t n_cells, cap;

	struct csv_parser csv;
	/* Fields of a line of labels, as libcsv hands them out; n_fields counts those too many too.
	 */
	struct {
		char text[LABEL_BYTES];
		size_t len; /* may be more than text holds */
	} fields[LABEL_FIELDS];
	size_t n_fields;
};

static int shown(size_t len)
{
	return (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

struct secom *secom_open(const struct secom_options *options, struct error *err)
{
	struct lines_options data = {options->data_path, options->before_wait, options->context};
	struct lines_options labels = data;
	struct secom *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	labels.path = options->labels_path;
	csv_init(&s->csv, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(&s->csv, CSV_SPACE);
	s->data = lines_open(&data, err);
	s->labels = s->data ? lines_open(&labels, err) : NULL;
	if (!s->labels) {
		secom_close(s);
		return NULL;
	}
	return s;
}

void secom_close(struct secom *s)
{
	if (!s)
		return;
	lines_close(s->data);
	lines_close(s->labels);
	csv_free(&s->csv);
	free(s->cells);
	free(s);
}

/* Sets an error at a byte of a file's current line; column from 0. */
static int fail_at(struct error *err, const struct lines *l, size_t column)
{
	return error_at(err, lines_name(l), lines_number(l), (uint64_t)column + 1);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int read_cell(struct secom_cell *cell, const char *text, size_t len, size_t feature,
		     struct error *err)
{
	unsigned flags = 0;

	cell->text = text;
	cell->len = len;
	if (len == 3 && memcmp(text, "NaN", 3) == 0) {
		cell->value = NAN;
		return 0;
	}
	if (number_read(text, text + len, &cell->value, &flags) != text + len)
		return error_set(err, ERROR_DATA, "feature %zu: '%.*s' is no number", feature,
				 shown(len), text);
	if (flags & NUMBER_OVERFLOW)
		return error_set(err, ERROR_DATA, "feature %zu: '%.*s' is beyond a double's range",
				 feature, shown(len), text);
	return 0;
}

static int read_cells(struct secom *s, const char *line, size_t len, struct error *err)
{
	const char *p = line, *end = line + len;
	size_t n = 0;

	for (;;) {
		while (p < end && is_blank(*p))
			p++;
		if (p == end)
			break;
		const char *cell = p;
		while (p < end && !is_blank(*p))
			p++;
		if (s->rows > 0 && n == s->n_cells) {
			error_set(err, ERROR_DATA,
				  "row is wider than the first, which has %zu cells", n);
			return fail_at(err, s->data, (size_t)(cell - line));
		}
		if (MEM_GROW(&s->cells, &s->cap, n + 1, err) < 0)
			return -1;
		if (read_cell(&s->cells[n], cell, (size_t)(p - cell), n, err) < 0)
			return fail_at(err, s->data, (size_t)(cell - line));
		n++;
	}
	if (n == 0) {
		error_set(err, ERROR_DATA, "row is empty");
		return fail_at(err, s->data, 0);
	}
	if (s->rows > 0 && n < s->n_cells) {
		error_set(err, ERROR_DATA, "row has %zu cells, the first has %zu", n, s->n_cells);
		return fail_at(err, s->data, len);
	}
	s->n_cells = n;
	return 0;
}

static void add_field(void *text, size_t len, void *context)
{
	struct secom *s = context;

	if (s->n_fields < LABEL_FIELDS) {
		s->fields[s->n_fields].len = len;
		memcpy(s->fields[s->n_fields].text, text, len < LABEL_BYTES ? len : LABEL_BYTES);
	}
	s->n_fields++;
}

static int split_label(struct secom *s, const char *line, size_t len, struct error *err)
{
	s->n_fields = 0;
	if (csv_parse(&s->csv, line, len, add_field, NULL, s) == len &&
	    csv_fini(&s->csv, add_field, NULL, s) == 0 && s->n_fields == LABEL_FIELDS)
		return 0;
	if (csv_error(&s->csv) == CSV_ENOMEM)
		return error_memory(err, len);
	error_set(err, ERROR_DATA, "'%.*s' is no label with its time", shown(len), line);
	return fail_at(err, s->labels, 0);
}

/* "dd/mm/yyyy hh:mm:ss", by way of RFC 3339. */
static int read_time(const char *text, size_t len, int64_t *ns, struct error *err)
{
	char iso[] = "yyyy-mm-ddThh:mm:ss";
	bool naive;

	if (len == strlen(iso) && text[2] == '/' && text[5] == '/' && text[10] == ' ') {
		memcpy(iso, text + 6, 4);
		memcpy(iso + 5, text + 3, 2);
		memcpy(iso + 8, text, 2);
		memcpy(iso + 11, text + 11, 8);
		if (timestamp_parse(iso, strlen(iso), 0, ns, &naive, err) == 0)
			return 0;
	}
	return error_set(err, ERROR_DATA, "'%.*s' is no time as dd/mm/yyyy hh:mm:ss", shown(len),
			 text);
}

static int read_label(struct secom *s, const char *line, size_t len, struct secom_row *row,
		      struct error *err)
{
	if (split_label(s, line, len, err) < 0)
		return -1;

	const char *label = s->fields[0].text, *time = s->fields[1].text;
	size_t label_len = s->fields[0].len, time_len = s->fields[1].len;

	row->fail = label_len == 1 && label[0] == '1';
	if (!row->fail && !(label_len == 2 && memcmp(label, "-1", 2) == 0)) {
		error_set(err, ERROR_DATA, "label '%.*s' is neither -1 nor 1", shown(label_len),
			  label);
		return fail_at(err, s->labels, 0);
	}
	if (read_time(time, time_len, &row->time_ns, err) < 0)
		return fail_at(err, s->labels, label_len + 1);
	return 0;
}

int secom_next(struct secom *s, struct secom_row *row, struct error *err)
{
	const char *cells, *label;
	size_t cells_len, label_len;
	int has_cells = lines_next(s->data, &cells, &cells_len, err);
	int has_label = has_cells < 0 ? -1 : lines_next(s->labels, &label, &label_len, err);

	if (has_label < 0)
		return -1;
	if (has_cells != has_label) {
		error_set(err, ERROR_DATA,
			  has_cells ? "labels end after %llu, '%s' goes on"
				    : "labels go on, after all %llu rows of '%s'",
			  (unsigned long long)s->rows, lines_name(s->data));
		return error_at(err, lines_name(s->labels), s->rows + 1, 1);
	}
	if (!has_cells)
		return 0;
	if (read_cells(s, cells, cells_len, err) < 0 ||
	    read_label(s, label, label_len, row, err) < 0)
		return -1;
	row->id = s->rows++;
	row->n = s->n_cells;
	row->cells = s->cells;
	return 1;
}
