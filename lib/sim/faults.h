/*
 * What befalls lines on their way: copies, delays, disorder, damage, in this order. Each draws from
 * a stream of its own, so that none changes where the others strike. Lines end with a newline.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

struct faults_options {
	double duplicate; /* shares, of all lines that come so far: 0 is none */
	double late;
	int64_t late_max_ns; /* above 0 if late is */
	uint64_t shuffle;    /* lines in a group; 0: they keep their order */
	double corrupt;
	bool csv;
	uint64_t seed;
};

enum damage { DAMAGE_CUT, DAMAGE_BYTES, DAMAGE_NONSENSE, DAMAGES };

struct faults_counts {
	uint64_t lines; /* written */
	uint64_t duplicated;
	uint64_t held, late; /* held back; of these, overtaken by a line of a later time */
	uint64_t damaged[DAMAGES];
};

struct faults;

struct faults *faults_new(const struct faults_options *o, struct error *err);
void faults_free(struct faults *f);

/*
 * Takes a line and appends to out what is due then.
 *
 * A copy stands behind its line. A line that is held back by d, drawn from (0, late_max_ns], comes
 * out before the first line whose time is more than d past its own: it is never later than
 * late_max_ns behind the newest time before it. A group of lines to be shuffled comes out when it
 * is full, in any order with equal probability. A damaged line is one that no reader takes for a
 * record if it holds to UTF-8 and RFC 8259 or RFC 4180 with as many cells as the header: cut short
 * (of CSV so that a cell is lacking), with one to four bytes that no UTF-8 has, or letters in its
 * place. It ends where it would have. The first line stays whole: a reader tells the form of the
 * input by it.
 */
int faults_take(struct faults *f, const char *line, size_t len, int64_t time_ns, struct buf *out,
		struct error *err);

/* At the end: what is left. */
int faults_end(struct faults *f, struct buf *out, struct error *err);

const struct faults_counts *faults_counts(const struct faults *f);

#endif
