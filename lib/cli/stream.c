#include "lib/cli/stream.h"

#include <stdlib.h>
#include "lib/base/timestamp.h"
#include "lib/cli/intake.h"
#include "lib/cli/message.h"
#include "lib/cli/metrics.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/progress.h"

const char *const stream_formats[] = {"auto", "json", "csv", NULL};

struct records {
	const struct stream_options *options;
	struct reader *reader;
	struct fields *own_fields; /* when made without */
	const struct fields *fields;
	size_t kafka_slot;
	struct scanner *scanner;
	struct block block;
	enum { BLOCK_NONE, BLOCK_READ, BLOCK_STARTED } block_state;
	bool given; /* a record was given out, and is not in the books yet: it may be rejected */
	struct intake intake;
	struct progress progress;
};

struct records *records_open(const struct program *p, const struct stream_options *o,
			     char *const *paths, struct fields *fields)
{
	struct error err = ERROR_INIT;
	struct reader_options options = {.paths = paths,
					 .format = (enum record_format)o->from,
					 .max_line = o->max_line,
					 .wake_fd = -1};
	struct records *r = mem_alloc(1, sizeof(*r), &err);
	int slot;

	if (!r)
		message_die(&err);
	r->options = o;
	if (!fields && !(fields = r->own_fields = fields_new(&err)))
		message_die(&err);
	r->fields = fields;
	if (overwrite_check_stream(paths, o, NULL, &err) || intake_open(&r->intake, o, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		message_die(&err);
	}
	if ((slot = fields_want(fields, "_kafka", &err)) < 0 ||
	    !(r->reader = reader_open(&options, &err)))
		message_die(&err);
	r->kafka_slot = (size_t)slot;
	progress_init(&r->progress, o->progress);
	return r;
}

static void keep(struct records *r, const struct error *why, const struct record *rec,
		 const struct value *kafka)
{
	struct error err = ERROR_INIT;

	if (intake_reject(&r->intake, why, rec, kafka, &err))
		message_die(&err);
}

/* The next block: 1, 0 at the end of input. */
static int next_block(struct records *r)
{
	struct error err = ERROR_INIT;
	int ret;

	while ((ret = reader_next(r->reader, &r->block, &err)) < 0) {
		if (!reader_can_go_on(r->reader))
			message_die(&err);
		keep(r, &err, NULL, NULL);
	}
	r->block_state = ret ? BLOCK_READ : BLOCK_NONE;
	progress_bytes(&r->progress, reader_bytes(r->reader), reader_size(r->reader));
	return ret;
}

static void control(struct records *r, const struct record *rec)
{
	struct error err = ERROR_INIT;

	if (control_check_next(&r->intake.control, rec->control, rec->seq, rec->session,
			       rec->session_len, &err)) {
		error_at(&err, r->block.file, rec->line, 0);
		message_die(&err);
	}
	if (rec->control == CONTROL_RESET) {
		error_set(&err, ERROR_RETRY,
			  "control record 'reset' makes void what this program has concluded from");
		error_at(&err, r->block.file, rec->line, 0);
		message_die(&err);
	}
}

/* The next good record of the block: 1, 0 at the block's end. Others are dealt with. */
static int next_in_block(struct records *r, struct scanner *s, struct record *rec)
{
	struct error err = ERROR_INIT;
	int ret;

	while ((ret = scanner_next(s, rec, &err)) != 0) {
		r->intake.torn = rec->torn;
		if (ret < 0)
			keep(r, &err, rec, NULL);
		else if (rec->control != CONTROL_NONE)
			control(r, rec);
		else
			return 1;
	}
	r->block_state = BLOCK_NONE;
	return 0;
}

static void start(struct scanner *s, const struct block *b)
{
	struct error err = ERROR_INIT;

	if (!s || scanner_start(s, b, &err))
		message_die(&err);
}

/* Whether the block at hand has a good record. If so it is walked, and the block stays to be read.
 */
static bool peek_block(struct records *r, scanner_leaf_fn *leaf, void *context)
{
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(NULL, &err);
	struct record rec;
	int ret;

	start(s, &r->block);
	while ((ret = scanner_next(s, &rec, &err)) != 0)
		if (ret > 0 && rec.control == CONTROL_NONE)
			break;
	if (ret > 0 && scanner_walk(s, &rec, leaf, context, &err) < 0)
		message_die(&err);
	if (!ret) { /* bad and control records only: they need no fields */
		start(s, &r->block);
		next_in_block(r, s, &rec);
	}
	scanner_free(s);
	return ret > 0;
}

int records_peek(struct records *r, scanner_leaf_fn *leaf, void *context)
{
	while (next_block(r))
		if (peek_block(r, leaf, context))
			return 1;
	return 0;
}

static void count_given(struct records *r)
{
	struct error err = ERROR_INIT;

	if (r->given && intake_count(&r->intake, 1, NULL, 0, &err))
		message_die(&err);
	r->given = false;
}

int records_next(struct records *r, struct record *rec)
{
	struct error err = ERROR_INIT;

	count_given(r);
	if (!r->scanner && !(r->scanner = scanner_new(r->fields, &err)))
		message_die(&err);
	for (;;) {
		if (r->block_state == BLOCK_NONE && !next_block(r)) {
			progress_clear(&r->progress);
			if (intake_judge(&r->intake, true, &err) || intake_end(&r->intake, &err))
				message_die(&err);
			return 0;
		}
		if (r->block_state == BLOCK_READ) {
			start(r->scanner, &r->block);
			r->block_state = BLOCK_STARTED;
		}
		if (next_in_block(r, r->scanner, rec)) {
			r->given = true;
			return 1;
		}
	}
}

const char *records_file(const struct records *r)
{
	return r->block.file;
}

void records_reject(struct records *r, const struct record *rec, struct error *err)
{
	error_at(err, r->block.file, rec->line, 0);
	r->given = false;
	keep(r, err, rec, &rec->values[r->kafka_slot]);
}

uint64_t records_rejected(const struct records *r)
{
	return r->intake.n_rejected;
}

void records_close(struct records *r)
{
	struct error err = ERROR_INIT;
	struct metric metrics[] = {
		{"records_total", "Records read, bad ones too.", "counter",
		 (double)r->intake.n_records},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)r->intake.n_rejected},
		{"input_bytes_total", "Bytes read.", "counter", (double)reader_bytes(r->reader)},
		{"last_success_timestamp_seconds", "When the program last ended well.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};

	intake_report(&r->intake);
	if (r->options->metrics &&
	    metrics_write(r->options->metrics, metrics, sizeof(metrics) / sizeof(*metrics), &err))
		message_die(&err);
	intake_release(&r->intake);
	reader_close(r->reader);
	scanner_free(r->scanner);
	block_release(&r->block);
	fields_free(r->own_fields);
	free(r);
}
