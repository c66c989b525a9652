#include <math.h>
#include "lib/model/rules.h"

static int bad_value(const struct rule_field *f, const struct record *rec, const struct value *v,
		     struct error *err)
{
	static const char *const kinds[] = {
		[VALUE_FALSE] = "false",     [VALUE_TRUE] = "true",
		[VALUE_STRING] = "a string", [VALUE_OBJECT] = "an object",
		[VALUE_ARRAY] = "an array",
	};

	if (v->kind == VALUE_ABSENT)
		return error_set(err, ERROR_DATA,
				 "field '%s' of the rules is absent (--absent-as-missing would "
				 "take it as missing)",
				 f->path);
	if (v->kind == VALUE_NUMBER)
		error_set(err, ERROR_DATA, "field '%s' is beyond the range of a double", f->path);
	else
		error_set(err, ERROR_DATA, "field '%s' is %s, not a number", f->path,
			  kinds[v->kind]);
	return error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
}

int rules_read_row(const struct rules *r, const size_t *slots, bool absent_as_missing,
		   const struct record *rec, double *x, struct error *err)
{
	for (size_t i = 0; i < r->n_fields; i++) {
		const struct rule_field *f = &r->fields[i];
		const struct value *v = &rec->values[slots[i]];
		if (v->kind == VALUE_NULL ||
		    (v->kind == VALUE_ABSENT && (f->may_be_absent || absent_as_missing)))
			x[i] = NAN;
		else if (v->kind == VALUE_NUMBER && isfinite(v->number))
			x[i] = v->number;
		else if (!f->number)
			x[i] = 0;
		else
			return bad_value(f, rec, v, err);
	}
	return 0;
}
