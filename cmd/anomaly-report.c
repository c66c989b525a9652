/* anomaly-report: scored records as one HTML page with pictures, and as PNG files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/stream.h"
#include "lib/cli/time_options.h"
#include "lib/report/gnuplot.h"
#include "lib/report/intake.h"
#include "lib/report/output.h"
#include "lib/report/page.h"

static struct options {
	const char *output, *png, *title;
	struct report_intake_options intake;
	struct time_options time;
	uint64_t top;
	double threshold;
	bool generated_at;
	struct stream_options stream;
} o = {
	.title = "Anomaly report",
	.intake = {.truth = "label"},
	.time = TIME_OPTIONS_INIT,
	.top = 20,
	.threshold = NAN,
	.stream = STREAM_OPTIONS_INIT,
};

static const struct option_spec own_options[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &o.output,
	 .help = "write the page to FILE, aside and then renamed; default standard output, or no "
		 "page with --png"},
	{.name = "png",
	 .kind = OPTION_STRING,
	 .arg = "DIR",
	 .dest = &o.png,
	 .help = "write each picture as a PNG file into DIR, which is made if need be"},
	{.name = "title",
	 .kind = OPTION_STRING,
	 .arg = "TEXT",
	 .dest = &o.title,
	 .help = "title of the page; default Anomaly report"},
	{.name = "threshold",
	 .kind = OPTION_REAL,
	 .arg = "SCORE",
	 .dest = &o.threshold,
	 .min = -INFINITY,
	 .max = INFINITY,
	 .help = "score to mark as the threshold, any number; default: found from the verdicts"},
	{.name = "top",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .min = 1,
	 .max = 100,
	 .dest = &o.top,
	 .help = "show the N features that differ most, 1 to 100; default 20"},
	{.name = "generated-at",
	 .kind = OPTION_FLAG,
	 .dest = &o.generated_at,
	 .help = "say on the page when it was made; without, the same input gives the same page"},
	{.name = NULL},
};

static const struct option_spec field_options[] = {
	{.name = "as",
	 .kind = OPTION_STRING,
	 .arg = "NAME",
	 .dest = &o.intake.as,
	 .help = "read the verdict from the object NAME, as anomaly-score --as wrote it"},
	{.name = "truth",
	 .kind = OPTION_STRING,
	 .arg = "FIELD",
	 .dest = &o.intake.truth,
	 .help = "field that holds the truth, 0/1 or false/true; default label"},
	{.name = "features",
	 .kind = OPTION_STRING,
	 .arg = "PATTERN[,...]",
	 .dest = &o.intake.features,
	 .help = "fields to compare, '*' for any run within a name; default: every numeric field "
		 "but times, identifiers, positions, truth and verdict"},
	TIME_OPTIONS(o.time),
	{.name = NULL},
};

static const struct option_spec stream_options[] = {
	STREAM_OPTIONS(o.stream),
	{.name = NULL},
};

static const struct program program = {
	.name = "anomaly-report",
	.summary = "draw scored records as one HTML page",
	.operands = "[FILE ...]",
	.details = "Reads records that anomaly-score wrote, and draws their scores, anomalies and "
		   "features, and how they agree with the truth where it is known.",
	.example = "anomaly-report -o report.html scored.jsonl\n"
		   "anomaly-report --png pictures scored.jsonl\n",
	.groups = (const struct option_group[]){{NULL, own_options},
						{"Fields", field_options},
						{"Input", stream_options},
						{NULL, NULL}},
};

/* All of the input as a report, not finished; *rejected counts the bad records. */
static struct report *read_records(char *const *paths, uint64_t *rejected, struct error *err)
{
	struct report_intake in;
	struct report_row row;
	struct record rec;
	struct fields *fields = fields_new(err);

	if (!fields)
		message_die(err);
	if (report_intake_init(&in, &o.intake, fields, err) < 0) {
		if (err->kind == ERROR_USAGE)
			options_fail(&program, "%s", err->what);
		message_die(err);
	}
	struct records *records = records_open(&program, &o.stream, paths, fields);
	records_peek(records, choice_leaf, &in.choice);
	if (report_intake_want(&in, fields, err) < 0)
		message_die(err);
	struct report *r = report_new((const char *const *)in.choice.names, in.choice.n, err);
	if (!r)
		message_die(err);
	while (records_next(records, &rec)) {
		if (report_intake_row(&in, &rec, &row, err) < 0)
			records_reject(records, &rec, err);
		else if (report_add(r, &row, err) < 0)
			message_die(err);
	}
	*rejected = records_rejected(records);
	records_close(records);
	time_options_remark(&o.time, in.time.naive, &(bool){false});
	report_intake_release(&in);
	fields_free(fields);
	return r;
}

static int write_page(const struct page *page, struct error *err)
{
	struct text html = {.err = err};
	bool to_stdout = !o.output || strcmp(o.output, "-") == 0;
	int status = page_write(page, &html, err);

	if (status == 0 && to_stdout)
		status = file_write_all(STDOUT_FILENO, html.buf.data, html.buf.len, err) < 0
				 ? error_prefix(err, "standard output")
				 : 0;
	else if (status == 0)
		status = file_replace(o.output, html.buf.data, html.buf.len, err);
	buf_release(&html.buf);
	return status;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct buf gnuplot = BUF_INIT;
	struct figure figures[FIGURES] = {{.kind = 0}};
	struct contrast_result ranking;
	char now[TIMESTAMP_MAX];

	message_init(argv[0]);
	char **paths = argv + options_parse(&program, argc, argv);
	const struct overwrite_output outputs[] = {{"--output", o.output}, {NULL, NULL}};
	if (overwrite_check_stream(paths, &o.stream, outputs, &err))
		options_fail(&program, "%s", err.what);
	o.intake.time_field = o.time.field;
	o.intake.time_unit = (enum time_unit)o.time.unit;
	o.intake.offset_s = o.time.offset_s;
	timestamp_format(now, timestamp_now());
	/* Better now than after all records. */
	if (gnuplot_find(&gnuplot, &err) < 0)
		message_die(&err);

	struct page page = {.title = o.title,
			    .generated_at = o.generated_at ? now : NULL,
			    .ranking = &ranking,
			    .figures = figures,
			    .gnuplot = gnuplot.data};
	struct report *report = read_records(paths, &page.rejected, &err);
	page.report = report;
	if (report_finish(report, o.threshold, &err) < 0 ||
	    contrast_rank(&report->contrast, o.top, &ranking, &err) < 0)
		message_die(&err);
	for (int i = 0; i < FIGURES; i++) {
		figures[i].kind = (enum figure_kind)i;
		if (figure_build(&figures[i], report, &ranking, &err) < 0)
			message_die(&err);
	}
	if ((o.png && report_write_pngs(o.png, figures, gnuplot.data, &err) < 0) ||
	    ((o.output || !o.png) && write_page(&page, &err) < 0))
		message_die(&err);
	for (int i = 0; i < FIGURES; i++)
		figure_release(&figures[i]);
	free(ranking.ranks);
	report_free(report);
	buf_release(&gnuplot);
	return message_close_stdout(0);
}
