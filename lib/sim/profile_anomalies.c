#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/record/fields.h"
#include "lib/sim/profile_impl.h"

#define LENGTH_MAX UINT64_C(1000000000)
#define RATES_MAX 0.999

static const char *const kinds[] = {"spike", "level_shift", "drift", "stuck",
				    "noise", "dropout",     NULL};

static const char *const sizes[] = {"by", "by_sd", "to", "about", "sd", NULL};
static const enum effect_mode modes[] = {EFFECT_BY, EFFECT_BY_SD, EFFECT_TO, EFFECT_ABOUT,
					 EFFECT_SD};

/* What may stand in an effect of each kind; of those in `sizes` one, which only `stuck` can lack.
 */
static const char *const members[][5] = {
	[ANOMALY_SPIKE] = {"by", "by_sd", "to", "sign", NULL},
	[ANOMALY_LEVEL_SHIFT] = {"by", "by_sd", "to", "sign", NULL},
	[ANOMALY_DRIFT] = {"by", "by_sd", "sign", NULL},
	[ANOMALY_STUCK] = {"about", NULL},
	[ANOMALY_NOISE] = {"sd", NULL},
	[ANOMALY_DROPOUT] = {NULL},
};

static int read_sign(struct effect *e, const struct node *n, struct error *err)
{
	static const char *const signs[] = {"as_given", "either", NULL};
	unsigned sign;

	if (e->mode != EFFECT_BY && e->mode != EFFECT_BY_SD)
		return node_fail(n, err, "goes with 'by' and 'by_sd' only");
	if (node_choice(n, signs, &sign, err))
		return -1;
	e->either_sign = sign == 1;
	return 0;
}

static int read_effect(enum anomaly_kind kind, const struct node *n, struct effect *e,
		       struct error *err)
{
	struct node m;

	if (node_object(n, members[kind], err))
		return -1;
	for (size_t i = 0; sizes[i]; i++) {
		if (!node_get(n, sizes[i], &m))
			continue;
		if (e->mode != EFFECT_NONE)
			return node_fail(&m, err, "another size stands beside it");
		e->mode = modes[i];
		if (node_range(&m, e->mode == EFFECT_SD ? 0 : -PROFILE_REAL_MAX, PROFILE_REAL_MAX,
			       e->range, err))
			return -1;
	}
	if (e->mode == EFFECT_NONE && kind != ANOMALY_STUCK && kind != ANOMALY_DROPOUT)
		return node_fail(n, err, "lacks '%s'", members[kind][0]);
	return node_get(n, "sign", &m) ? read_sign(e, &m, err) : 0;
}

/* The effect on every signal whose name matches. */
static int add_effects(const struct profile *p, struct anomaly *a, size_t *cap,
		       const struct node *n, struct error *err)
{
	struct effect e = {.mode = EFFECT_NONE};
	size_t before = a->n_effects;

	if (read_effect(a->kind, n, &e, err))
		return -1;
	for (size_t s = 0; s < p->n_signals; s++) {
		if (!path_matches(n->key, p->signals[s].name))
			continue;
		for (size_t i = 0; i < before; i++)
			if (a->effects[i].signal == s)
				return node_fail(n, err, "'%s' is named before",
						 p->signals[s].name);
		if (MEM_GROW(&a->effects, cap, a->n_effects + 1, err))
			return -1;
		e.signal = s;
		a->effects[a->n_effects++] = e;
	}
	return a->n_effects > before ? 0 : node_fail(n, err, "there is no such signal");
}

static int read_effects(const struct profile *p, struct anomaly *a, const struct node *n,
			struct error *err)
{
	const char *name;
	size_t cap = 0;
	json_t *value;

	if (node_object(n, NULL, err))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)n->json, name, value)
	{
		struct node effect = {.json = value, .up = n, .key = name};
		if (add_effects(p, a, &cap, &effect, err))
			return -1;
	}
	return a->n_effects ? 0 : node_fail(n, err, "names no signal");
}

static int read_length(struct anomaly *a, const struct node *n, struct error *err)
{
	struct node ends[2] = {*n, *n};

	if (json_array_size(n->json) == 2) {
		ends[0] = node_item(n, 0);
		ends[1] = node_item(n, 1);
	} else if (!json_is_integer(n->json)) {
		return node_refuse(n, "a number of readings or [lowest, highest]", err);
	}
	for (size_t i = 0; i < 2; i++)
		if (node_count(&ends[i], 1, LENGTH_MAX, &a->length[i], err))
			return -1;
	return a->length[0] <= a->length[1] ? 0
					    : node_fail(n, err, "its ends are the wrong way round");
}

static int read_anomaly(const struct profile *p, struct anomaly *a, const struct node *n,
			struct error *err)
{
	static const char *const known[] = {"kind",       "rate",     "length", "signals",
					    "label_type", "severity", NULL};
	unsigned kind;
	struct node m;

	if (node_object(n, known, err) || node_need(n, "kind", &m, err) ||
	    node_choice(&m, kinds, &kind, err))
		return -1;
	a->kind = (enum anomaly_kind)kind;
	a->label_type = kinds[kind];
	a->length[0] = a->length[1] = 1;
	if (node_need(n, "rate", &m, err) || node_real(&m, 0, RATES_MAX, &a->rate, err) ||
	    (node_get(n, "length", &m) && read_length(a, &m, err)) ||
	    (node_get(n, "label_type", &m) && node_text(&m, &a->label_type, err)) ||
	    (node_get(n, "severity", &m) && node_text(&m, &a->severity, err)))
		return -1;
	return node_need(n, "signals", &m, err) || read_effects(p, a, &m, err) ? -1 : 0;
}

/*
 * With which probability each begins at a healthy reading, so that `rate` of all readings lie in
 * it. Healthy readings and anomalies alternate. From one anomaly's end to the next one's there are
 * (1 - q) / q healthy readings and L others, where q is the sum of the probabilities q_k and L
 * the mean length of what begins: q_k * L_k / (1 - q + sum q_j * L_j) is to be rate_k.
 */
static void set_starts(struct profile *p, double rates)
{
	double per_length = 0, sum = 0;

	for (size_t i = 0; i < p->n_anomalies; i++) {
		struct anomaly *a = &p->anomalies[i];
		a->start = a->rate / (0.5 * ((double)a->length[0] + (double)a->length[1]));
		per_length += a->start;
	}
	for (size_t i = 0; i < p->n_anomalies; i++) {
		sum += p->anomalies[i].start / (1 + per_length - rates);
		p->anomalies[i].start = sum;
	}
}

int profile_read_anomalies(struct profile *p, const struct node *n, struct error *err)
{
	double rates = 0;
	size_t count;

	if (json_is_array(n->json) && !json_array_size(n->json))
		return 0;
	if (node_array(n, &count, err) ||
	    !(p->anomalies = mem_alloc(count, sizeof(*p->anomalies), err)))
		return -1;
	for (; p->n_anomalies < count; p->n_anomalies++) {
		struct anomaly *a = &p->anomalies[p->n_anomalies];
		struct node item = node_item(n, p->n_anomalies);
		if (read_anomaly(p, a, &item, err)) {
			free(a->effects);
			return -1;
		}
		rates += a->rate;
		if (a->n_effects > p->most_effects)
			p->most_effects = a->n_effects;
	}
	if (rates > RATES_MAX)
		return node_fail(n, err, "the rates add up to %.10g, more than %g", rates,
				 RATES_MAX);
	set_starts(p, rates);
	return 0;
}
