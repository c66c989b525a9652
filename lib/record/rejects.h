/*
 * Bad records kept: a file of JSON Lines, appended to, one write(2) a line so that several programs
 * may share it.
 *
 *     {"program","file","line","column","reason","rejected_at","record"|"record_base64","_kafka"}
 *
 * column is left out where it is not known, record where the line was over the limit, _kafka where
 * the record had none or could not be scanned. "record" is the line as it came; "record_base64"
 * that of a line that is not UTF-8. At least once: a restarted program may write a record again.
 */
#ifndef RECORD_REJECTS_H
#define RECORD_REJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

/* Appends the line for a record to out. rec may be NULL (nothing kept of it); kafka: its
 * provenance's value or NULL. now_ns: the wall clock. */
int reject_format(struct buf *out, const char *program, const struct error *why,
		  const struct record *rec, const struct value *kafka, int64_t now_ns,
		  struct error *err);

/* Opens for appending; made with mode 0666 less the umask, and durably in its folder. A last line
 * that a full disk cut off gets its newline, so that the next one stands by itself. -1, or the
 * descriptor. */
int rejects_open(const char *path, struct error *err);

/* Appends the lines, one write each. */
int rejects_write(int fd, const char *lines, size_t len, struct error *err);

/* The limit of --max-rejects: a count, or a share of all records. */
struct reject_limit {
	bool set;
	bool is_share;
	double share;
	uint64_t count;
};

/* "100" is a count; "0.01" (with a point) a share in (0, 1]. */
int reject_limit_parse(struct reject_limit *l, const char *text, struct error *err);

/* Whether `rejected` of `all` records is past the limit. Shares are judged by the caller, after
 * each REJECT_JUDGED records and at the end. */
#define REJECT_JUDGED 1000
bool reject_limit_passed(const struct reject_limit *l, uint64_t rejected, uint64_t all,
			 bool judge_share);

#endif
