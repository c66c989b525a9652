/*
 * Rules: thresholds that people write, beside what a model learns. sensor-rules(5) has the file.
 *
 * A rule looks at one field of a record. Some need the record alone (above, below, range, a value
 * missing once); the others, called keyed, need what came before of the same key (rate, stuck, a
 * value missing for some time). Thresholds may differ by the value of one field, `by`: a row is
 * judged by the limits that its number in by_values selects.
 */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/model/key_ids.h"
#include "lib/model/model.h"
#include "lib/model/scorer.h"
#include "lib/record/scanner.h"

#define RULES_MAX 64 /* of a file: a record's verdict has a bit for each */
#define RULES_FILE_MAX (UINT64_C(16) << 20)
#define RULE_NAME_MAX 200
#define RULE_RECORDS_MAX 1000000000

enum rule_kind { RULE_ABOVE, RULE_BELOW, RULE_RANGE, RULE_RATE, RULE_STUCK, RULE_MISSING };
extern const char *const rule_kind_names[]; /* "above", ..., NULL */

/* When a rule fires. */
struct rule_limits {
	double low, high;    /* x < low or x > high; rate: |change| a second > high */
	uint32_t records;    /* stuck, missing: this many in a row; 0: */
	int64_t duration_ns; /* ... for so long */
	bool off;            /* never */
};

struct rule {
	char *name;
	enum rule_kind kind;
	enum severity severity;
	size_t field;
	bool keyed;
	size_t memory; /* keyed: its place among the keyed rules */
	struct rule_limits
		*limits; /* [by_values.n + 1] by the row's number; 0: no key of its own */
};

struct rule_field {
	char *path;
	bool number;        /* some rule needs its value as a number */
	bool may_be_absent; /* some rule watches whether it is there */
};

struct rules {
	char version[MODEL_VERSION_LEN + 1]; /* of the SHA-256 of the file */
	size_t n, n_keyed;
	struct rule *rules; /* [n] in the order of the file */
	size_t n_fields, fields_cap;
	struct rule_field *fields;
	char *by; /* NULL: no rule has limits by key */
	struct key_ids by_values;
	char **key; /* [n_key] fields whose values name a series */
	size_t n_key;
	bool has_key; /* the file says so, if only that there is none */
};

void rules_free(struct rules *r);

/* What is wrong is ERROR_CONFIG with the file's name and the path in it: a member that is not known
 * or of the wrong type, a limit that makes no sense, a name that is there twice. */
struct rules *rules_load(const char *path, struct error *err);

/* The rules of a file's text; name is for messages. */
struct rules *rules_parse(const char *text, size_t len, const char *name, struct error *err);

/* What they are, as text for people or as one JSON object, with a newline. */
int rules_describe(const struct rules *r, bool json, struct buf *out, struct error *err);

/* Reads x[n_fields] of a record, whose values stand at slots[n_fields]. ERROR_DATA, with the column
 * where there is one: a field that must be there is absent, or is no number as it must be. */
int rules_read_row(const struct rules *r, const size_t *slots, bool absent_as_missing,
		   const struct record *rec, double *x, struct error *err);

/*
 * A scorer over rules, which must outlive it. Its rows are the values of r->fields (NaN: missing;
 * of a field that is no number, anything else: there) with key_id the number in by_values. Keyed
 * rules need time_ns and state, a struct rule_key of model/rule_state.h a row; without they never
 * fire.
 *
 * The verdict's score is the weight of its severity, rule_weight; reasons has a bit a rule; a row
 * that has no value at all, and no rule that watches for that, is ROW_TOO_MANY_MISSING.
 */
struct scorer *scorer_rules_new(const struct rules *r, struct error *err);

/* How much a severity weighs: 0, 1/2, 3/4, 7/8, each level half of what is left to 1. */
double rule_weight(enum severity severity);

/*
 * The verdict of a model (of a row that it could judge) and that of rules as one: anomalous if
 * either says so, the higher severity, and the noisy-or of the scores, 1 - (1 - s)(1 - w): that of
 * the model where no rule fired.
 */
void verdict_merge(struct verdict *model, const struct verdict *rules);

#endif
