/* secom-prep: UCI's two SECOM files into records, raw or imputed and scaled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"
#include "lib/cli/batch_output.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/overwrite.h"
#include "lib/model/prepare.h"
#include "lib/record/secom.h"

enum { TO_JSON, TO_CSV };
enum { TIMESTAMPS_SYNTHETIC, TIMESTAMPS_ORIGINAL };
static const char *const to_names[] = {"json", "csv", NULL};
static const char *const timestamps_names[] = {"synthetic", "original", NULL};

static struct options {
	const char *output;
	int to, impute, scale, timestamps;
	int64_t start_ns, step_ns;
	bool start_given, step_given;
} o = {.start_ns = 1704067200 * NS_PER_SECOND, .step_ns = 10 * NS_PER_SECOND};

static int parse_start(const char *text, void *dest, struct error *err)
{
	bool naive;

	o.start_given = true;
	return timestamp_parse(text, strlen(text), 0, dest, &naive, err);
}

static int parse_step(const char *text, void *dest, struct error *err)
{
	o.step_given = true;
	return duration_parse(text, strlen(text), dest, err);
}

static const struct option_spec options[] = {
	{.name = "impute",
	 .kind = OPTION_CHOICE,
	 .choices = impute_names,
	 .dest = &o.impute,
	 .help = "fill missing values with the median or mean of their column; default none"},
	{.name = "scale",
	 .kind = OPTION_CHOICE,
	 .choices = scaling_names,
	 .dest = &o.scale,
	 .help = "scale columns by mean and standard deviation, or (robust) by median and "
		 "interquartile range; default none"},
	{.name = "timestamps",
	 .kind = OPTION_CHOICE,
	 .choices = timestamps_names,
	 .dest = &o.timestamps,
	 .help = "time stamps are synthetic (--start, --step) or original, those of the labels "
		 "taken as UTC; default synthetic"},
	{.name = "start",
	 .kind = OPTION_PARSE,
	 .arg = "TIME",
	 .parse = parse_start,
	 .dest = &o.start_ns,
	 .help = "first synthetic time stamp; default 2024-01-01T00:00:00Z"},
	{.name = "step",
	 .kind = OPTION_PARSE,
	 .arg = "DURATION",
	 .parse = parse_step,
	 .dest = &o.step_ns,
	 .help = "time from one synthetic time stamp to the next, as in 500ms or 1m; default 10s"},
	{.name = "to",
	 .kind = OPTION_CHOICE,
	 .choices = to_names,
	 .dest = &o.to,
	 .help = "write json (JSON Lines) or csv; default json"},
	{.letter = 'o',
	 .name = "output",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &o.output,
	 .help = "write to FILE, put in its place when whole; default standard output"},
	{.name = NULL},
};

static const struct program program = {
	.name = "secom-prep",
	.summary = "turn UCI's SECOM files into records",
	.operands = "DATA LABELS",
	.details = "DATA and LABELS are secom.data and secom_labels.data as UCI publishes them, or "
		   "gzip'd; one of them may be \"-\", standard input.",
	.example = "secom-prep secom.data secom_labels.data > secom.jsonl\n"
		   "secom-prep --impute median --scale standard secom.data secom_labels.data\n",
	.groups = (const struct option_group[]){{NULL, options}, {NULL, NULL}},
};

/* A cell has its text if it is written as it came, none if it was prepared. */
static int add_cell(struct buf *b, const struct secom_cell *cell, struct error *err)
{
	if (isnan(cell->value) && o.to == TO_CSV)
		return 0;
	if (cell->text && !isnan(cell->value))
		return buf_add(b, cell->text, cell->len, err);
	return json_add_real(b, cell->value, err);
}

static int time_of(const struct secom_row *row, int64_t *ns, struct error *err)
{
	*ns = row->time_ns;
	if (o.timestamps == TIMESTAMPS_SYNTHETIC &&
	    (__builtin_mul_overflow(row->id, o.step_ns, ns) ||
	     __builtin_add_overflow(*ns, o.start_ns, ns)))
		return error_set(err, ERROR_USAGE,
				 "the time stamp of row %llu is past the year 2262",
				 (unsigned long long)row->id);
	return 0;
}

static int add_json(struct buf *b, const struct secom_row *row, const char *time, struct error *err)
{
	if (buf_printf(b, err,
		       "{\"timestamp\":\"%s\",\"sample_id\":%llu,\"label\":%d,\"features\":{", time,
		       (unsigned long long)row->id, row->fail) < 0)
		return -1;
	for (size_t j = 0; j < row->n; j++) {
		if (buf_add_str(b, j ? ",\"" : "\"", err) < 0 || json_add_uint(b, j, err) < 0 ||
		    buf_add_str(b, "\":", err) < 0 || add_cell(b, &row->cells[j], err) < 0)
			return -1;
	}
	return buf_add_str(b, "}}\n", err);
}

static int add_csv(struct buf *b, const struct secom_row *row, const char *time, struct error *err)
{
	if (row->id == 0) {
		if (buf_add_str(b, "timestamp,sample_id,label", err) < 0)
			return -1;
		for (size_t j = 0; j < row->n; j++) {
			if (buf_add_str(b, ",features.", err) < 0 || json_add_uint(b, j, err) < 0)
				return -1;
		}
		if (buf_add_str(b, "\n", err) < 0)
			return -1;
	}
	if (buf_printf(b, err, "%s,%llu,%d", time, (unsigned long long)row->id, row->fail) < 0)
		return -1;
	for (size_t j = 0; j < row->n; j++) {
		if (buf_add_str(b, ",", err) < 0 || add_cell(b, &row->cells[j], err) < 0)
			return -1;
	}
	return buf_add_str(b, "\n", err);
}

static int write_row(struct batch_output *out, const struct secom_row *row, struct error *err)
{
	char time[TIMESTAMP_MAX];
	int64_t ns;

	if (time_of(row, &ns, err) < 0)
		return -1;
	timestamp_format(time, ns);
	if ((o.to == TO_CSV ? add_csv : add_json)(&out->buf, row, time, err) < 0)
		return -1;
	return batch_output_step(out, err);
}

static int write_raw(struct secom *secom, struct batch_output *out, struct error *err)
{
	struct secom_row row;
	int more;

	while ((more = secom_next(secom, &row, err)) > 0) {
		if (write_row(out, &row, err) < 0)
			return -1;
	}
	return more;
}

/* All rows, held because preparation is learned from them. */
struct table {
	struct secom_row *rows; /* without their cells */
	double *x;              /* [n_rows * n_columns], row by row */
	size_t n_rows, n_columns, rows_cap, x_cap;
};

static int read_table(struct secom *secom, struct table *t, struct error *err)
{
	struct secom_row row;
	int more;

	while ((more = secom_next(secom, &row, err)) > 0) {
		size_t at = t->n_rows * row.n;

		if (MEM_GROW(&t->rows, &t->rows_cap, t->n_rows + 1, err) < 0 ||
		    MEM_GROW(&t->x, &t->x_cap, at + row.n, err) < 0)
			return -1;
		for (size_t j = 0; j < row.n; j++)
			t->x[at + j] = row.cells[j].value;
		t->rows[t->n_rows++] = row;
		t->n_columns = row.n;
	}
	return more;
}

static int learn(const struct table *t, struct prepare *p, struct error *err)
{
	double *column = mem_alloc(t->n_rows, sizeof(*column), err);
	double *tmp = mem_alloc(t->n_rows, sizeof(*tmp), err);
	int result = -1;

	if (!column || !tmp ||
	    prepare_init(p, (enum impute)o.impute, (enum scaling)o.scale, t->n_columns, err) < 0)
		goto out;
	for (size_t j = 0; j < t->n_columns; j++) {
		struct column_summary summary;

		for (size_t i = 0; i < t->n_rows; i++)
			column[i] = t->x[i * t->n_columns + j];
		prepare_column(p, j, column, t->n_rows, tmp, &summary);
	}
	result = 0;
out:
	free(column);
	free(tmp);
	return result;
}

static int write_prepared(struct secom *secom, struct batch_output *out, struct error *err)
{
	struct table t = {.rows = NULL};
	struct prepare p = {.fill = NULL};
	struct secom_cell *cells = NULL;
	int result = -1;

	if (read_table(secom, &t, err) < 0 || learn(&t, &p, err) < 0)
		goto out;
	cells = mem_alloc(t.n_columns, sizeof(*cells), err);
	if (!cells)
		goto out;
	for (size_t i = 0; i < t.n_rows; i++) {
		for (size_t j = 0; j < t.n_columns; j++) {
			cells[j].value = prepare_value(&p, j, t.x[i * t.n_columns + j]);
			if (isinf(cells[j].value) || isinf(p.scale[j])) {
				error_set(err, ERROR_DATA,
					  "feature %zu of row %zu: scaled, it is beyond a double's "
					  "range",
					  j, i);
				goto out;
			}
		}
		t.rows[i].cells = cells;
		if (write_row(out, &t.rows[i], err) < 0)
			goto out;
	}
	result = 0;
out:
	free(t.rows);
	free(t.x);
	free(cells);
	prepare_release(&p);
	return result;
}

static int before_wait(void *out, struct error *err)
{
	return batch_output_wait(out, err);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct batch_output out;
	struct secom *secom;
	int result = -1;

	message_init(argv[0]);
	char **operands = argv + options_parse(&program, argc, argv);
	if (!operands[0] || !operands[1] || operands[2])
		options_fail(&program, "two operands are needed, DATA and LABELS");
	if (strcmp(operands[0], "-") == 0 && strcmp(operands[1], "-") == 0)
		options_fail(&program, "only one operand can be standard input");
	if (o.timestamps == TIMESTAMPS_ORIGINAL && (o.start_given || o.step_given))
		options_fail(&program, "--start and --step are for synthetic time stamps");
	if (overwrite_check(operands, "--output", o.output, &err))
		options_fail(&program, "%s", err.what);

	struct secom_options source = {operands[0], operands[1], before_wait, &out};
	if (batch_output_begin(&out, o.output, &err) < 0)
		message_die(&err);
	secom = secom_open(&source, &err);
	if (secom && (o.impute != IMPUTE_NONE || o.scale != SCALING_NONE))
		result = write_prepared(secom, &out, &err);
	else if (secom)
		result = write_raw(secom, &out, &err);
	if (result < 0)
		batch_output_abort(&out);
	else
		result = batch_output_commit(&out, &err);
	secom_close(secom);
	return result < 0 ? message_error(&err) : 0;
}
