#include <math.h>
#include <string.h>
#include "lib/sim/simulator_impl.h"

static double draw(struct normal *g, const double range[2], bool either_sign)
{
	double x = range[0] + rng_uniform(&g->rng) * (range[1] - range[0]);

	return either_sign && rng_next(&g->rng) >> 63 ? -x : x;
}

static double size_of(const struct simulator *s, size_t sensor, const struct effect *e)
{
	double x = draw(&s->sensors[sensor].faults, e->range, e->either_sign);

	return e->mode == EFFECT_BY_SD ? x * s->sds[sensor * s->profile->n_signals + e->signal] : x;
}

/* What an effect keeps as long as the anomaly lasts. last_x: the reading before, or NaN. */
static double first_state(const struct simulator *s, size_t sensor, const struct anomaly *a,
			  const struct effect *e, double last_x)
{
	switch (a->kind) {
	case ANOMALY_LEVEL_SHIFT:
		return size_of(s, sensor, e);
	case ANOMALY_STUCK:
		if (e->mode == EFFECT_ABOUT)
			return s->now_means[e->signal] + size_of(s, sensor, e);
		return isnan(last_x) ? s->values[e->signal] : last_x;
	default:
		return 0;
	}
}

static double changed(const struct simulator *s, size_t sensor, const struct anomaly *a,
		      const struct effect *e, double *state, double x)
{
	switch (a->kind) {
	case ANOMALY_SPIKE:
		return e->mode == EFFECT_TO ? size_of(s, sensor, e) : x + size_of(s, sensor, e);
	case ANOMALY_LEVEL_SHIFT:
		return e->mode == EFFECT_TO ? *state : x + *state;
	case ANOMALY_DRIFT:
		*state += size_of(s, sensor, e);
		return x + *state;
	case ANOMALY_STUCK:
		return *state;
	case ANOMALY_NOISE:
		return x + normal_next(&s->sensors[sensor].faults) *
				   draw(&s->sensors[sensor].faults, e->range, false);
	default:
		return NAN;
	}
}

static void begin(struct simulator *s, size_t sensor)
{
	const struct profile *p = s->profile;
	const double *before = s->last + sensor * p->n_signals;
	struct sensor *one = &s->sensors[sensor];
	double u = rng_uniform(&one->faults.rng);
	size_t k = 0;

	while (k < p->n_anomalies && u >= p->anomalies[k].start)
		k++;
	one->active = k;
	if (k == p->n_anomalies)
		return;
	const struct anomaly *a = &p->anomalies[k];
	double *states = s->states + sensor * p->most_effects;
	one->left = a->length[0] + rng_below(&one->faults.rng, a->length[1] - a->length[0] + 1);
	for (size_t i = 0; i < a->n_effects; i++)
		states[i] = first_state(s, sensor, a, &a->effects[i], before[a->effects[i].signal]);
}

size_t anomaly_step(struct simulator *s, size_t sensor)
{
	const struct profile *p = s->profile;
	struct sensor *one = &s->sensors[sensor];
	double *states = s->states + sensor * p->most_effects;
	bool differs = false;

	if (one->active == p->n_anomalies)
		begin(s, sensor);
	memcpy(s->last + sensor * p->n_signals, s->values, p->n_signals * sizeof(*s->values));
	size_t active = one->active;
	if (active == p->n_anomalies)
		return active;
	const struct anomaly *a = &p->anomalies[active];
	for (size_t i = 0; i < a->n_effects; i++) {
		size_t signal = a->effects[i].signal;
		const struct signal_spec *spec = &p->signals[signal];
		double healthy = s->values[signal];
		double x = changed(s, sensor, a, &a->effects[i], &states[i], healthy);
		double shown = simulator_finish(spec, x), would = simulator_finish(spec, healthy);

		differs |= s->shown[signal] && shown != would && !(isnan(shown) && isnan(would));
		s->values[signal] = x;
	}
	if (--one->left == 0)
		one->active = p->n_anomalies;
	return differs ? active : p->n_anomalies;
}
