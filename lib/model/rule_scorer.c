#include <math.h>
#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"
#include "lib/model/rule_state.h"
#include "lib/model/rules.h"

struct scorer_rules {
	struct scorer base;
	const struct rules *rules;
	bool must_have_value; /* no rule watches for missing values */
};

double rule_weight(enum severity severity)
{
	static const double weights[] = {0, 0.5, 0.75, 0.875};

	return weights[severity];
}

/* What of a row a rule sees. */
struct sight {
	double x;
	uint32_t by;
	int64_t time_ns, offset;
};

/* Forgets what is too old, or was under other limits. */
static void refresh(struct rule_memory *m, const struct sight *at,
		    const struct rule_state_options *o)
{
	int64_t pause;

	if (!m->any)
		return;
	if (__builtin_sub_overflow(at->time_ns, m->time_ns, &pause) || pause > o->idle_ns ||
	    pause < -o->idle_ns || at->offset - m->offset > o->forget || m->by != at->by)
		*m = (struct rule_memory){.any = false};
}

static void remember(struct rule_memory *m, const struct sight *at)
{
	m->any = true;
	m->by = at->by;
	m->time_ns = at->time_ns;
	m->offset = at->offset;
}

/* Two records of one time have no rate. */
static bool too_fast(struct rule_memory *m, const struct sight *at, const struct rule_limits *l)
{
	bool fired = false;

	if (isnan(at->x))
		return false;
	if (m->any && m->time_ns != at->time_ns) {
		double seconds = fabs((double)(at->time_ns - m->time_ns)) / NS_PER_SECOND;
		fired = fabs(at->x - m->value) / seconds > l->high;
	}
	remember(m, at);
	m->value = at->x;
	m->need = at->offset;
	return fired;
}

/* Whether a run of so many records from one time to another is as long as it may not be. */
static bool long_enough(const struct rule_limits *l, uint32_t records, int64_t since_ns,
			int64_t now_ns)
{
	int64_t length;

	if (l->records)
		return records >= l->records;
	return __builtin_sub_overflow(now_ns, since_ns, &length) || length >= l->duration_ns;
}

static void begin_next(struct rule_memory *m, const struct sight *at)
{
	m->next = at->offset;
	m->next_ns = at->time_ns;
	m->next_records = 1;
}

/* One more record of a run; whether it is as long as the rule wants it, which stays so. */
static bool run_on(struct rule_memory *m, const struct sight *at, const struct rule_limits *l)
{
	if (!m->any) {
		*m = (struct rule_memory){.since_ns = at->time_ns, .need = at->offset};
	} else if (m->reached) {
		m->next_records += m->next_records < UINT32_MAX;
		if (long_enough(l, m->next_records, m->next_ns, at->time_ns)) {
			m->need = m->next;
			begin_next(m, at);
		}
	}
	m->records += m->records < UINT32_MAX;
	if (at->time_ns < m->since_ns)
		m->since_ns = at->time_ns;
	remember(m, at);
	if (!m->reached && long_enough(l, m->records, m->since_ns, at->time_ns)) {
		m->reached = true;
		begin_next(m, at);
	}
	return m->reached;
}

/* Equal values in a row; missing ones neither end a run nor count. */
static bool stuck(struct rule_memory *m, const struct sight *at, const struct rule_limits *l)
{
	if (isnan(at->x))
		return false;
	if (m->any && (m->value < at->x || m->value > at->x))
		m->any = false;
	bool fired = run_on(m, at, l);
	m->value = at->x;
	return fired;
}

static bool missing(struct rule_memory *m, const struct sight *at, const struct rule_limits *l)
{
	if (isnan(at->x))
		return run_on(m, at, l);
	m->any = false;
	return false;
}

static bool keyed_fires(const struct rule *rule, const struct sight *at, struct rule_key *key)
{
	const struct rule_limits *l = &rule->limits[at->by];
	struct rule_memory *m = &key->memory[rule->memory];

	refresh(m, at, key->options);
	if (l->off)
		return false;
	switch (rule->kind) {
	case RULE_RATE:
		return too_fast(m, at, l);
	case RULE_STUCK:
		return stuck(m, at, l);
	default:
		return missing(m, at, l);
	}
}

static bool fires(const struct rule *rule, double x, uint32_t by)
{
	const struct rule_limits *l = &rule->limits[by];

	return !l->off && (rule->kind == RULE_MISSING ? isnan(x) : x < l->low || x > l->high);
}

static void judge(const struct scorer_rules *s, const double *x, uint32_t by, int64_t time_ns,
		  struct rule_key *key, struct verdict *v)
{
	const struct rules *r = s->rules;
	unsigned n_fired = 0;

	*v = (struct verdict){.decision = NAN, .quantile = NAN};
	for (size_t i = 0; i < r->n_fields; i++)
		v->imputed += isnan(x[i]) ? 1 : 0;
	if (v->imputed == r->n_fields && s->must_have_value) {
		v->status = ROW_TOO_MANY_MISSING;
		v->score = NAN;
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct rule *rule = &r->rules[i];
		struct sight at = {x[rule->field], by, time_ns, key ? key->offset : 0};
		if (!(rule->keyed ? key && keyed_fires(rule, &at, key) : fires(rule, at.x, by)))
			continue;
		v->reasons |= UINT64_C(1) << i;
		n_fired++;
		if (rule->severity > v->severity)
			v->severity = rule->severity;
	}
	if (n_fired > 1)
		v->severity = SEVERITY_HIGH;
	v->is_anomaly = n_fired > 0;
	v->score = rule_weight(v->severity);
}

static void rules_score(const struct scorer *base, const struct scorer_rows *rows,
			double max_missing, void *scratch, struct verdict *verdicts)
{
	const struct scorer_rules *s = (const struct scorer_rules *)base;

	(void)max_missing;
	(void)scratch;
	for (size_t i = 0; i < rows->n; i++)
		judge(s, rows->x + i * rows->stride, rows->key_id ? rows->key_id[i] : 0,
		      rows->time_ns ? rows->time_ns[i] : 0, rows->state ? rows->state[i] : NULL,
		      &verdicts[i]);
}

static size_t rules_scratch(const struct scorer *base)
{
	(void)base;
	return 0;
}

static void rules_scorer_free(struct scorer *base)
{
	free(base);
}

static const struct scorer_ops rules_ops = {
	.scratch = rules_scratch,
	.score = rules_score,
	.free = rules_scorer_free,
};

struct scorer *scorer_rules_new(const struct rules *r, struct error *err)
{
	struct scorer_rules *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	s->base.ops = &rules_ops;
	s->base.keyed = r->n_keyed > 0;
	s->rules = r;
	s->must_have_value = true;
	for (size_t i = 0; i < r->n_fields; i++)
		s->must_have_value &= !r->fields[i].may_be_absent;
	return &s->base;
}

void verdict_merge(struct verdict *model, const struct verdict *rules)
{
	model->is_anomaly |= rules->is_anomaly;
	if (rules->severity > model->severity)
		model->severity = rules->severity;
	if (rules->reasons)
		model->score = 1 - (1 - model->score) * (1 - rules->score);
	model->reasons = rules->reasons;
}
