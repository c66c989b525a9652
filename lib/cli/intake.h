/*
 * The books of a program that reads records: how many came, how many were bad and where those went,
 * and whether the control records among them are complete.
 */
#ifndef CLI_INTAKE_H
#define CLI_INTAKE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/cli/stream.h"
#include "lib/record/control.h"
#include "lib/record/rejects.h"

struct intake {
	const struct stream_options *options;
	int rejects_fd; /* -1: a bad record stops the program */
	struct reject_limit limit;
	struct control_check control;
	uint64_t n_records; /* bad ones too */
	uint64_t n_rejected;
	bool torn; /* the last line had no newline */
};

int intake_open(struct intake *in, const struct stream_options *o, struct error *err);
void intake_release(struct intake *in);

/* Appends lines to the rejects file; sync: they and those before are durable when this returns, as
 * they must be before an offset behind them passes on. */
int intake_keep(struct intake *in, const char *lines, size_t len, bool sync, struct error *err);

/* One bad record (rec, and its provenance kafka, may be NULL): kept and counted. -1 with why itself
 * when it must stop the program, or ERROR_RETRY when it is torn behind control records. err may be
 * why. */
int intake_reject(struct intake *in, const struct error *why, const struct record *rec,
		  const struct value *kafka, struct error *err);

/* Counts n more records, of which those with the ordinals bad[0 .. n_bad) were rejected; ERROR_DATA
 * when that passes --max-rejects. */
int intake_count(struct intake *in, uint64_t n, const uint32_t *bad, size_t n_bad,
		 struct error *err);

/* --max-rejects once more, where records were rejected behind the loop that counts them:
 * ERROR_DATA. A share is judged when all that may be rejected was (last). */
int intake_judge(const struct intake *in, bool last, struct error *err);

/* At the end of input: whether control records were complete. */
int intake_end(const struct intake *in, struct error *err);

/* "3 of 1567 records rejected", if any were. */
void intake_report(const struct intake *in);

#endif
