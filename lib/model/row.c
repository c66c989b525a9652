#include "lib/model/row.h"

#include <math.h>

/* Of several: a record that lacks one feature may do so by chance, one that lacks all does not. */
static bool all_absent(const struct row_features *f, const struct record *rec)
{
	for (size_t i = 0; i < f->n; i++)
		if (rec->values[f->slots[i]].kind != VALUE_ABSENT)
			return false;
	return f->n > 1;
}

static int bad_value(const struct row_features *f, size_t i, const struct record *rec,
		     const struct value *v, struct error *err)
{
	static const char *const kinds[] = {
		[VALUE_FALSE] = "false",     [VALUE_TRUE] = "true",
		[VALUE_STRING] = "a string", [VALUE_OBJECT] = "an object",
		[VALUE_ARRAY] = "an array",
	};

	if (v->kind == VALUE_ABSENT && all_absent(f, rec))
		return error_set(err, ERROR_DATA,
				 "feature '%s' is absent, and so are the other %zu: the record is "
				 "of another kind",
				 f->names[i], f->n - 1);
	if (v->kind == VALUE_ABSENT)
		return error_set(err, ERROR_DATA,
				 "feature '%s' is absent (--absent-as-missing would take it as "
				 "missing)",
				 f->names[i]);
	if (v->kind == VALUE_NUMBER)
		error_set(err, ERROR_DATA, "feature '%s' is beyond the range of a double",
			  f->names[i]);
	else
		error_set(err, ERROR_DATA, "feature '%s' is %s, not a number", f->names[i],
			  kinds[v->kind]);
	return error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
}

int row_read(const struct row_features *f, const struct record *rec, double *x, size_t *bad,
	     struct error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct value *v = &rec->values[f->slots[i]];
		if (v->kind == VALUE_NUMBER && isfinite(v->number) && !f->ignored) {
			x[i] = v->number;
		} else if ((f->ignored && f->ignored[i]) || v->kind == VALUE_NULL ||
			   (v->kind == VALUE_ABSENT && f->absent_as_missing)) {
			x[i] = NAN;
		} else if (v->kind == VALUE_NUMBER && isfinite(v->number)) {
			x[i] = v->number;
		} else {
			if (bad)
				*bad = i;
			return bad_value(f, i, rec, v, err);
		}
	}
	return 0;
}
