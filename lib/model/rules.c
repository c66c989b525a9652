#include "lib/model/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"

const char *const rule_kind_names[] = {[RULE_ABOVE] = "above",
				       [RULE_BELOW] = "below",
				       [RULE_RANGE] = "range",
				       [RULE_RATE] = "rate",
				       [RULE_STUCK] = "stuck",
				       [RULE_MISSING] = "missing",
				       NULL};

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->rules[i].name);
		free(r->rules[i].limits);
	}
	for (size_t i = 0; i < r->n_fields; i++)
		free(r->fields[i].path);
	for (size_t i = 0; i < r->n_key; i++)
		free(r->key[i]);
	key_ids_release(&r->by_values);
	free(r->rules);
	free(r->fields);
	free(r->key);
	free(r->by);
	free(r);
}

static int add_real(struct buf *out, const char *name, double x, struct error *err)
{
	return buf_printf(out, err, ",\"%s\":", name) || json_add_real(out, x, err) ? -1 : 0;
}

/* The limits of a rule as members of an object, each with a comma before it. */
static int add_limits(const struct rule *rule, const struct rule_limits *l, struct buf *out,
		      struct error *err)
{
	switch (rule->kind) {
	case RULE_ABOVE:
		return add_real(out, "limit", l->high, err);
	case RULE_BELOW:
		return add_real(out, "limit", l->low, err);
	case RULE_RANGE:
		return add_real(out, "min", l->low, err) || add_real(out, "max", l->high, err) ? -1
											       : 0;
	case RULE_RATE:
		return add_real(out, "per_second", l->high, err);
	default:
		if (l->records)
			return buf_printf(out, err, ",\"records\":%" PRIu32, l->records);
		return add_real(out, "seconds", (double)l->duration_ns / NS_PER_SECOND, err);
	}
}

static int add_json_rule(const struct rules *r, const struct rule *rule, struct buf *out,
			 struct error *err)
{
	if (buf_add_str(out, "{\"name\":", err) || json_add_string(out, rule->name, err) ||
	    buf_printf(out, err, ",\"severity\":\"%s\",\"kind\":\"%s\",\"field\":",
		       severity_names[rule->severity], rule_kind_names[rule->kind]) ||
	    json_add_string(out, r->fields[rule->field].path, err) ||
	    add_limits(rule, &rule->limits[0], out, err) || buf_add_str(out, ",\"per_key\":{", err))
		return -1;
	for (size_t i = 1; i <= r->by_values.n; i++) {
		size_t brace;
		if (buf_add_str(out, i > 1 ? "," : "", err) ||
		    json_add_string(out, r->by_values.names[i - 1], err) ||
		    buf_add_str(out, ":", err))
			return -1;
		brace = out->len;
		if (rule->limits[i].off ? buf_add_str(out, "null", err)
					: add_limits(rule, &rule->limits[i], out, err) ||
						  buf_add_str(out, "}", err))
			return -1;
		if (!rule->limits[i].off)
			out->data[brace] = '{'; /* in the first comma's place */
	}
	return buf_add_str(out, "}}", err);
}

static int describe_json(const struct rules *r, struct buf *out, struct error *err)
{
	if (buf_printf(out, err, "{\"rules_version\":\"%s\",\"by\":", r->version) ||
	    (r->by ? json_add_string(out, r->by, err) : buf_add_str(out, "null", err)) ||
	    buf_add_str(out, r->has_key ? ",\"key\":[" : ",\"key\":null", err))
		return -1;
	for (size_t i = 0; i < r->n_key; i++)
		if (buf_add_str(out, i ? "," : "", err) || json_add_string(out, r->key[i], err))
			return -1;
	if (buf_add_str(out, r->has_key ? "],\"rules\":[" : ",\"rules\":[", err))
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (buf_add_str(out, i ? "," : "", err) || add_json_rule(r, &r->rules[i], out, err))
			return -1;
	return buf_add_str(out, "]}\n", err);
}

static int add_sentence(const struct rules *r, const struct rule *rule, const struct rule_limits *l,
			struct buf *out, struct error *err)
{
	const char *missing = rule->kind == RULE_MISSING ? "missing for" : "the same for";

	if (l->off)
		return buf_add_str(out, "never", err);
	if (buf_add_clean(out, r->fields[rule->field].path, err))
		return -1;
	switch (rule->kind) {
	case RULE_ABOVE:
		return buf_printf(out, err, " above %g", l->high);
	case RULE_BELOW:
		return buf_printf(out, err, " below %g", l->low);
	case RULE_RANGE:
		return buf_printf(out, err, " outside %g to %g", l->low, l->high);
	case RULE_RATE:
		return buf_printf(out, err, " changes by more than %g a second", l->high);
	default:
		if (l->records)
			return buf_printf(out, err, " %s %" PRIu32 " record%s", missing, l->records,
					  l->records == 1 ? "" : "s");
		return buf_printf(out, err, " %s %g s", missing,
				  (double)l->duration_ns / NS_PER_SECOND);
	}
}

static bool differs(const struct rule_limits *a, const struct rule_limits *b)
{
	return a->off || a->low < b->low || a->low > b->low || a->high < b->high ||
	       a->high > b->high || a->records != b->records || a->duration_ns != b->duration_ns;
}

static int add_text_rule(const struct rules *r, const struct rule *rule, struct buf *out,
			 struct error *err)
{
	if (buf_add_str(out, "  ", err) || buf_add_clean(out, rule->name, err) ||
	    buf_printf(out, err, "  %s: ", severity_names[rule->severity]) ||
	    add_sentence(r, rule, &rule->limits[0], out, err) || buf_add_str(out, "\n", err))
		return -1;
	for (size_t i = 1; i <= r->by_values.n; i++) {
		if (!differs(&rule->limits[i], &rule->limits[0]))
			continue;
		if (buf_add_str(out, "    ", err) ||
		    buf_add_clean(out, r->by_values.names[i - 1], err) ||
		    buf_add_str(out, ": ", err) ||
		    add_sentence(r, rule, &rule->limits[i], out, err) ||
		    buf_add_str(out, "\n", err))
			return -1;
	}
	return 0;
}

int rules_describe(const struct rules *r, bool json, struct buf *out, struct error *err)
{
	if (json)
		return describe_json(r, out, err);
	if (buf_printf(out, err, "rules          %s\n", r->version))
		return -1;
	if (r->by && (buf_add_str(out, "limits by      ", err) || buf_add_clean(out, r->by, err) ||
		      buf_add_str(out, "\n", err)))
		return -1;
	if (r->has_key && buf_add_str(out, "series by      ", err))
		return -1;
	for (size_t i = 0; i < r->n_key; i++)
		if (buf_add_str(out, i ? ", " : "", err) || buf_add_clean(out, r->key[i], err))
			return -1;
	if (r->has_key && buf_add_str(out, r->n_key ? "\n" : "nothing: all are one\n", err))
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (add_text_rule(r, &r->rules[i], out, err))
			return -1;
	return 0;
}
