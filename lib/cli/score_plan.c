#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/cli/score_impl.h"

const char *const score_field_names[ADD_FIELDS] = {
	[ADD_SCORE] = "anomaly_score",
	[ADD_ANOMALY] = "is_anomaly",
	[ADD_SEVERITY] = "severity",
	[ADD_QUANTILE] = "score_quantile",
	[ADD_REASONS] = "reasons",
	[ADD_IMPUTED] = "imputed",
	[ADD_MODEL_VERSION] = "model_version",
	[ADD_RULES_VERSION] = "rules_version",
	[ADD_STAMP] = "scored_at",
	[ADD_LABEL] = "label",
};

static void judge_free(void *context)
{
	struct judge *j = context;

	scorer_free(j->forest);
	scorer_free(j->by_rules);
	for (size_t i = 0; j->reasons && i < j->rules->n; i++)
		buf_release(&j->reasons[i]);
	rules_free(j->rules);
	series_leave(j->series);
	free(j->reasons);
	free(j->slots);
	free(j->names);
	free(j->rule_slots);
	free(j->key_slots);
	free(j);
}

static int want(struct fields *fields, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(fields, path, err);

	*slot = (size_t)n;
	return n < 0 ? -1 : 0;
}

static int load_model(struct judge *j, struct fields *fields, struct error *err)
{
	const char *path = j->score->options->model;
	struct model *m;

	if (stat(path, &j->score->model_file))
		j->score->model_file = (struct stat){0};
	if (!(m = model_load(path, err)))
		return -1;
	if (!(j->forest = scorer_forest_new(m, getenv("SENSORUTILS_KERNEL"), err))) {
		model_free(m);
		return -1;
	}
	j->slots = mem_alloc(m->n_features, sizeof(*j->slots), err);
	j->names = mem_alloc(m->n_features, sizeof(*j->names), err);
	if (!j->slots || !j->names)
		return -1;
	for (size_t i = 0; i < m->n_features; i++) {
		j->names[i] = m->features[i].name;
		if (want(fields, j->names[i], &j->slots[i], err))
			return -1;
	}
	return m->by ? want(fields, m->by, &j->group_slot, err) : 0;
}

/* The key: that of --key, else that of the file. */
static int want_key(struct judge *j, struct fields *fields, struct error *err)
{
	const struct score_options *o = j->score->options;
	struct buf path = BUF_INIT;
	size_t n = j->rules->n_key;
	int ret = -1;

	for (const char *p = o->key; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		n = p == o->key ? 1 : n + 1;
	if (!(j->key_slots = mem_alloc(n, sizeof(*j->key_slots), err)))
		return -1;
	for (const char *p = o->key; p && j->n_key < n; p += strcspn(p, ",") + 1) {
		path.len = 0;
		if (buf_add(&path, p, strcspn(p, ","), err) || buf_terminate(&path, err) ||
		    want(fields, path.data, &j->key_slots[j->n_key++], err))
			goto out;
	}
	while (j->n_key < n) {
		if (want(fields, j->rules->key[j->n_key], &j->key_slots[j->n_key], err))
			goto out;
		j->n_key++;
	}
	ret = 0;
out:
	buf_release(&path);
	return ret;
}

/* The series of the run, when the rules are still the same. */
static int follow_series(struct judge *j, struct error *err)
{
	struct score *s = j->score;
	const struct rule_state_options o = {.n_memories = j->rules->n_keyed,
					     .max_keys = s->options->max_keys,
					     .idle_ns = s->options->idle_ns,
					     .forget = (int64_t)s->options->forget};

	if (s->series && !strcmp(series_version(s->series), j->rules->version))
		j->series = series_use(s->series);
	else
		j->series = series_new(&o, j->rules->version, err);
	return j->series ? 0 : -1;
}

static int want_keyed(struct judge *j, struct fields *fields, struct error *err)
{
	const struct score_options *o = j->score->options;
	const struct rules *r = j->rules;

	if (!o->key && !r->has_key) {
		size_t i = 0;
		while (!r->rules[i].keyed)
			i++;
		error_set(err, ERROR_CONFIG,
			  "rule '%s' follows a series: name the fields that tell one from another, "
			  "as \"key\" in the file or by --key",
			  r->rules[i].name);
		return error_at(err, o->rules, 0, 0);
	}
	if (want_key(j, fields, err) || want(fields, o->time.field, &j->time_slot, err) ||
	    want(fields, "_kafka.topic", &j->topic_slot, err) ||
	    want(fields, "_kafka.partition", &j->partition_slot, err) ||
	    want(fields, "_kafka.offset", &j->offset_slot, err))
		return -1;
	return follow_series(j, err);
}

static int load_rules(struct judge *j, struct fields *fields, struct error *err)
{
	const struct score_options *o = j->score->options;
	struct rules *r;

	if (stat(o->rules, &j->score->rules_file))
		j->score->rules_file = (struct stat){0};
	if (!(r = j->rules = rules_load(o->rules, err)) ||
	    !(j->by_rules = scorer_rules_new(r, err)) ||
	    !(j->rule_slots = mem_alloc(r->n_fields, sizeof(*j->rule_slots), err)) ||
	    !(j->reasons = mem_alloc(r->n, sizeof(*j->reasons), err)))
		return -1;
	for (size_t i = 0; i < r->n_fields; i++)
		if (want(fields, r->fields[i].path, &j->rule_slots[i], err))
			return -1;
	for (size_t i = 0; i < r->n; i++)
		if (json_add_string(&j->reasons[i], r->rules[i].name, err))
			return -1;
	if (r->by && want(fields, r->by, &j->by_slot, err))
		return -1;
	return r->n_keyed ? want_keyed(j, fields, err) : 0;
}

/* Verdict or truth that may be there already. */
static int want_verdict(struct judge *j, struct fields *fields, struct error *err)
{
	const struct score_options *o = j->score->options;

	if (want(fields, "is_anomaly", &j->anomaly_slot, err) ||
	    want(fields, "model_version", &j->version_slot, err))
		return -1;
	/* Of a former verdict nothing stays that this one has not. */
	for (size_t i = 0; i <= ADD_RULES_VERSION && !o->as; i++)
		if (fields_own(fields, score_field_names[i], err))
			return -1;
	return o->truth && (want(fields, o->truth, &j->truth_slot, err) ||
			    fields_own(fields, j->score->truth_name, err))
		       ? -1
		       : 0;
}

struct filter_plan *score_plan_load(struct score *s, struct error *err)
{
	struct judge *j = mem_alloc(1, sizeof(*j), err);
	struct fields *fields = fields_new(err);
	struct filter_plan *plan = NULL;

	if (!j || !fields)
		goto out;
	j->score = s;
	j->fields = fields;
	if (!(s->options->model && load_model(j, fields, err)) &&
	    !(s->options->rules && load_rules(j, fields, err)) && !want_verdict(j, fields, err))
		plan = filter_plan_new(fields, j, judge_free, err);
out:
	if (plan)
		return plan;
	fields_free(fields);
	if (j)
		judge_free(j);
	return NULL;
}
