/* The inside of the filter loop: plan, worker, commit. */
#ifndef CLI_FILTER_IMPL_H
#define CLI_FILTER_IMPL_H

#include "lib/cli/filter.h"
#include "lib/record/control.h"
#include "lib/record/rejects.h"

/* What became of a record of the batch. */
struct filter_item {
	enum { ITEM_GOOD, ITEM_BAD, ITEM_CONTROL } kind;
	struct record rec;         /* values and cuts no longer count */
	struct value kafka;        /* its provenance */
	size_t index;              /* ITEM_GOOD: among those taken */
	size_t staged, staged_end; /* ITEM_GOOD: its beginning in the staging buffer */
	size_t err;                /* ITEM_BAD: which error */
};

/* A control record that a block held: what came before it in the output and among the rejects. */
struct filter_control {
	enum control_kind kind;
	uint64_t seq, line;
	size_t session_at, session_len; /* in result.sessions */
	size_t out_len;
};

/* What a worker made of a block. */
struct filter_result {
	struct buf out, rejects, sessions;
	struct filter_control *controls;
	size_t n_controls, controls_cap;
	uint32_t *bad; /* ordinals in the block of the records rejected */
	size_t n_bad, bad_cap;
	uint64_t n_records; /* rejected ones too, control records not */
	uint64_t n_counted;
	bool torn;     /* the last record had no newline */
	bool torn_bad; /* and is bad; its line is behind torn_at in rejects */
	size_t torn_at;
	bool failed; /* nothing behind this counts; err says why */
	struct error err;
};

struct filter_worker {
	const struct filter *filter;
	struct filter_plan *plan; /* the scanner and the user's state were made for it */
	struct scanner *scanner;
	void *user;
	struct filter_item *items; /* [FILTER_BATCH] */
	struct error *errors;      /* [FILTER_BATCH] */
	struct buf staging;
	struct control_record control; /* its members are reused */
	/* Returns when all blocks before this one have been written into their results; NULL: they
	 * have. */
	void (*await_turn)(void *context);
	void *turn;
};

int filter_worker_init(struct filter_worker *w, const struct filter *f, struct error *err);
void filter_worker_release(struct filter_worker *w);

/* Works a block off into r, which is emptied first. Failures are in r. */
void filter_work(struct filter_worker *w, struct filter_plan *plan, const struct block *b,
		 struct filter_result *r);

/* A line that the reader could not hand out: as a block with one bad record. */
void filter_work_bad_line(struct filter_worker *w, const struct error *why,
			  struct filter_result *r);

void filter_result_release(struct filter_result *r);

/* The columns of the output, decided at the first record; NULL when records pass through. */
struct filter_columns {
	enum record_format from, to;
	bool passed; /* no columns: records pass through */
	bool refuse_unknown;
	char **names;
	size_t n, cap;
	const struct csv_header *header;
	const char *file; /* of the first record, if that chose them */
	uint64_t line;
	struct fields *known; /* the names so far */
	const struct fields
		*own; /* what else than is added gets no column; the caller's, or NULL */
};

/* Whether the lists of paths among the options make sense. */
int filter_options_check(const struct filter_options *o, struct error *err);

/* Decides: 1, 0 when a good record must come first (b has none), -1. b may be NULL: header only.
 * c is zeroed at first, but for own. */
int filter_columns_decide(struct filter_columns *c, const struct filter *f, enum record_format from,
			  const struct csv_header *header, const struct block *b,
			  struct error *err);
void filter_columns_release(struct filter_columns *c);

/* Makes the plan's writer. */
int filter_plan_finish(struct filter_plan *plan, const struct filter *f,
		       const struct filter_columns *c, struct error *err);

#endif
