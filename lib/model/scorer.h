/*
 * One interface over everything that judges rows: forests and rules now, networks later. A scorer
 * is given many rows at a time and writes a verdict for each.
 */
#ifndef MODEL_SCORER_H
#define MODEL_SCORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/model.h"

enum severity { SEVERITY_NONE, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH };
extern const char *const severity_names[]; /* "none", "low", "medium", "high", NULL */

/* Rows as they come from records. Stateless scorers look at x alone. */
struct scorer_rows {
	size_t n;
	size_t stride;          /* doubles from row to row, >= the scorer's n_features */
	const double *x;        /* float64 as read, NaN: missing */
	const uint32_t *key_id; /* [n] or NULL: a number per group or baseline; 0: the common one */
	const int64_t *time_ns; /* [n] or NULL: event time */
	void *const *state;     /* [n] or NULL: what a keyed scorer keeps of the row's key */
};

struct verdict {
	enum row_status status; /* anything but ROW_OK: no verdict, the record is bad */
	uint32_t column;        /* ROW_BEYOND_FLOAT32: which feature */
	uint32_t imputed;       /* values filled in; ROW_TOO_MANY_MISSING: values missing */
	bool is_anomaly;
	enum severity severity;
	double score;     /* s in (0, 1], higher is more anomalous; rules: from 0 */
	double decision;  /* -s - offset; anomalous iff < 0; rules: NaN */
	double quantile;  /* share of training scores below this one; rules: NaN */
	uint64_t reasons; /* rules: bit i: rule i fired */
};

struct scorer;
struct scorer_ops {
	size_t (*scratch)(const struct scorer *);
	void (*score)(const struct scorer *, const struct scorer_rows *, double max_missing,
		      void *scratch, struct verdict *);
	void (*free)(struct scorer *);
};

struct scorer {
	const struct scorer_ops *ops;
	const struct model *model; /* names its features; owned by the scorer. Rules: NULL */
	bool keyed;                /* has state by key: rows of one key must come in order */
};

/* A scorer over a forest model, each row by its group's forest. It takes the model over on success.
 * kernel: see forest_plan_new. */
struct scorer *scorer_forest_new(struct model *model, const char *kernel, struct error *err);

void scorer_free(struct scorer *s);

/* Bytes of scratch a thread needs, 64-byte aligned. */
size_t scorer_scratch(const struct scorer *s);

/* Judges rows. Never fails; a row that cannot be judged says so in its verdict's status. */
void scorer_score(const struct scorer *s, const struct scorer_rows *rows, double max_missing,
		  void *scratch, struct verdict *verdicts);

#endif
