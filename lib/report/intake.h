/*
 * Records as anomaly-score writes them, read into rows of a report.
 */
#ifndef REPORT_INTAKE_H
#define REPORT_INTAKE_H

#include <stdbool.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"
#include "lib/record/choice.h"
#include "lib/record/event_time.h"
#include "lib/record/scanner.h"
#include "lib/report/report.h"

struct report_intake_options {
	const char *as;         /* the object that holds the verdict; NULL: the record itself */
	const char *truth;      /* path of the truth */
	const char *time_field; /* path of the time */
	enum time_unit time_unit;
	int32_t offset_s;     /* of times without a zone, seconds east of UTC */
	const char *features; /* patterns, or NULL; see lib/record/features.h */
};

struct report_intake {
	struct report_intake_options options;
	struct choice choice; /* a walk over the first record (choice_leaf) fills it */
	size_t slots[6];
	struct buf verdict;    /* path of the verdict's object, terminated; empty without --as */
	size_t *feature_slots; /* [choice.n], after report_intake_want */
	double *values;
	struct buf text, version;
	struct event_time time; /* its naive: a time without an offset was read */
};

/* Wants verdict, truth and time. The options' strings must stay. After a failure, too, release. */
int report_intake_init(struct report_intake *in, const struct report_intake_options *options,
		       struct fields *fields, struct error *err);
void report_intake_release(struct report_intake *in);

/* After the walk: wants the features chosen, choice.names. */
int report_intake_want(struct report_intake *in, struct fields *fields, struct error *err);

/*
 * The row of a record, good until the next call. Score and verdict must be there, time, truth,
 * severity, model_version and features may be missing (absent or null); what is there must be what
 * its name says, else ERROR_DATA. Only a feature may be anything: it is left out of the comparison.
 */
int report_intake_row(struct report_intake *in, const struct record *rec, struct report_row *row,
		      struct error *err);

#endif
