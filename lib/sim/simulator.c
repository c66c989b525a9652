#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/record/csv.h"
#include "lib/sim/simulator_impl.h"

/* Streams of a seed: two for each sensor; of what is drawn once for it another, far from those. */
enum { STREAM_HEALTHY, STREAM_FAULTS, STREAMS };
#define STREAM_DRAW (UINT64_C(1) << 62)

/* Beyond, neither the rounded value nor its text would be exact. */
#define ROUNDED_MAX 1e15
#define HOUR_S 3600

static const double powers_of_ten[PROFILE_DECIMALS_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4,
							       1e5, 1e6, 1e7, 1e8, 1e9};

double simulator_finish(const struct signal_spec *s, double x)
{
	if (s->absolute)
		x = fabs(x);
	x = x < s->low ? s->low : x;
	x = x > s->high ? s->high : x;
	if (s->rounded) {
		x *= powers_of_ten[s->decimals];
		if (fabs(x) < ROUNDED_MAX)
			x = (double)llrint(x);
	}
	return x;
}

/* Draws the attributes of a sensor, makes its texts and sets its parameters. */
static int add_sensor(struct simulator *s, uint64_t seed, size_t i, double *numbers,
		      const char **texts, struct error *err)
{
	const struct profile *p = s->profile;
	size_t n = p->n_rows ? p->n_rows : 1;
	struct sensor_values v = {
		.sensor = i + 1, .turn = i / n + 1, .numbers = numbers, .texts = texts};
	struct normal g;

	normal_init(&g, p->draw_seed, STREAM_DRAW + i);
	for (size_t k = 0; k < p->n_attributes; k++) {
		const struct attribute *a = &p->attributes[k];

		texts[k] = NULL;
		numbers[k] = 0;
		if (a->kind == ATTRIBUTE_NUMBERS)
			numbers[k] = a->numbers[i % a->n];
		else if (a->kind == ATTRIBUTE_TEXTS)
			texts[k] = a->texts[i % a->n];
		else if (a->kind == ATTRIBUTE_UNIFORM)
			numbers[k] = a->a + rng_uniform(&g.rng) * (a->b - a->a);
		else if (a->kind == ATTRIBUTE_NORMAL)
			numbers[k] = a->a + normal_next(&g) * a->b;
		else
			texts[k] = a->texts[rng_below(&g.rng, a->n)];
	}
	if (layout_add_sensor(&s->layout, p, &v, err))
		return -1;
	struct sensor *one = &s->sensors[i];
	one->active = p->n_anomalies;
	normal_init(&one->healthy, seed, STREAMS * i + STREAM_HEALTHY);
	normal_init(&one->faults, seed, STREAMS * i + STREAM_FAULTS);
	for (size_t k = 0; k < p->n_signals; k++) {
		const struct parameter *mean = &p->signals[k].mean, *sd = &p->signals[k].sd;
		size_t at = i * p->n_signals + k;

		s->means[at] = mean->attribute < 0 ? mean->value : numbers[mean->attribute];
		s->sds[at] = sd->attribute < 0 ? sd->value : numbers[sd->attribute];
		s->last[at] = NAN;
	}
	return 0;
}

static int add_sensors(struct simulator *s, uint64_t seed, struct error *err)
{
	const struct profile *p = s->profile;
	double *numbers = mem_alloc(p->n_attributes, sizeof(*numbers), err);
	const char **texts = mem_alloc(p->n_attributes, sizeof(*texts), err);
	int ret = numbers && texts ? 0 : -1;

	for (size_t i = 0; i < s->n_sensors && !ret; i++)
		ret = add_sensor(s, seed, i, numbers, texts, err);
	for (size_t i = 0; i < s->layout.n_slots; i++)
		if (s->layout.slots[i].kind == SLOT_SIGNAL)
			s->shown[s->layout.slots[i].signal] = true;
	free(numbers);
	free(texts);
	return ret;
}

static int add_walks(struct simulator *s, struct error *err)
{
	const struct profile *p = s->profile;
	size_t values = 0, at = 0, walk = 0;

	for (size_t k = 0; k < p->n_signals; k++) {
		if (p->signals[k].process != PROCESS_WALK)
			continue;
		s->n_walks++;
		values += p->signals[k].walk.window;
	}
	/* No profile has so many signals, and no one so many sensors, that these overflow. */
	s->walks = mem_alloc(s->n_sensors * s->n_walks, sizeof(*s->walks), err);
	s->rings = mem_alloc(s->n_sensors * values, sizeof(*s->rings), err);
	if (!s->walks || !s->rings)
		return -1;
	for (size_t i = 0; i < s->n_sensors; i++) {
		for (size_t k = 0; k < p->n_signals; k++) {
			const struct signal_spec *spec = &p->signals[k];
			if (spec->process != PROCESS_WALK)
				continue;
			walk_init(&s->walks[walk++], s->rings + at, spec->walk.window,
				  s->means[i * p->n_signals + k]);
			at += spec->walk.window;
		}
	}
	return 0;
}

static int add_word(struct simulator *s, struct buf *b, const char *text, struct error *err)
{
	if (!text)
		return s->csv ? 0 : buf_add_str(b, "null", err);
	return s->csv ? csv_write_string(b, text, strlen(text), err)
		      : json_add_string(b, text, err);
}

/* label_type and severity of each anomaly, and, behind them, of none. */
static int add_words(struct simulator *s, struct error *err)
{
	const struct profile *p = s->profile;

	s->words = mem_alloc(2 * p->n_anomalies + 2, sizeof(*s->words), err);
	if (!s->words)
		return -1;
	for (size_t i = 0; i <= p->n_anomalies; i++) {
		bool none = i == p->n_anomalies;
		struct buf *b = &s->words[2 * i];

		if (add_word(s, &b[0], none ? NULL : p->anomalies[i].label_type, err) ||
		    add_word(s, &b[1], none ? NULL : p->anomalies[i].severity, err))
			return -1;
		for (size_t k = 0; k < 2; k++)
			if (b[k].len > s->words_max)
				s->words_max = b[k].len;
	}
	return 0;
}

struct simulator *simulator_new(const struct profile *p, const struct simulator_options *o,
				struct error *err)
{
	struct simulator *s = mem_alloc(1, sizeof(*s), err);
	size_t n = o->n_sensors, m = p->n_signals;

	if (!s)
		return NULL;
	s->profile = p;
	s->csv = o->csv;
	s->n_sensors = n;
	s->time_ms = INT64_MIN;
	layout_init(&s->layout, o->csv);
	s->shown = mem_alloc(m, sizeof(*s->shown), err);
	s->sensors = mem_alloc(n, sizeof(*s->sensors), err);
	s->means = mem_alloc(n, m * sizeof(*s->means), err);
	s->sds = mem_alloc(n, m * sizeof(*s->sds), err);
	s->last = mem_alloc(n, m * sizeof(*s->last), err);
	s->states = mem_alloc(n, p->most_effects * sizeof(*s->states), err);
	s->factors = mem_alloc(p->n_factors, sizeof(*s->factors), err);
	s->missing = mem_alloc(p->n_missing, sizeof(*s->missing), err);
	s->now_means = mem_alloc(m, sizeof(*s->now_means), err);
	s->values = mem_alloc(m, sizeof(*s->values), err);
	s->labelled = mem_alloc(p->n_anomalies, sizeof(*s->labelled), err);
	if (!s->shown || !s->sensors || !s->means || !s->sds || !s->last || !s->states ||
	    !s->factors || !s->missing || !s->now_means || !s->values || !s->labelled ||
	    add_sensors(s, o->seed, err) || add_walks(s, err) || add_words(s, err)) {
		simulator_free(s);
		return NULL;
	}
	return s;
}

void simulator_free(struct simulator *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->words && i < 2 * s->profile->n_anomalies + 2; i++)
		buf_release(&s->words[i]);
	layout_release(&s->layout);
	free(s->shown);
	free(s->sensors);
	free(s->means);
	free(s->sds);
	free(s->last);
	free(s->states);
	free(s->walks);
	free(s->rings);
	free(s->factors);
	free(s->missing);
	free(s->now_means);
	free(s->values);
	free(s->labelled);
	free(s->words);
	free(s);
}

const uint64_t *simulator_labelled(const struct simulator *s)
{
	return s->labelled;
}

static double next_of_walk(struct walk *w, const struct signal_spec *spec, double mean,
			   double deviation, struct rng *rng)
{
	double x = walk_average(w, spec->walk.newest_weight) + deviation;
	double u = rng_uniform(rng), v = rng_uniform(rng);
	const double *pull = spec->walk.pull_factor;

	if (u < spec->walk.pull_probability)
		x = mean * (pull[0] + v * (pull[1] - pull[0]));
	x = spec->absolute ? fabs(x) : x;
	walk_push(w, x);
	return x;
}

/* What the sensor would read if nothing were wrong with it, into values. */
static void read_healthy(struct simulator *s, size_t sensor, unsigned hour)
{
	const struct profile *p = s->profile;
	struct normal *g = &s->sensors[sensor].healthy;
	struct walk *walk = s->walks + sensor * s->n_walks;
	const double *means = s->means + sensor * p->n_signals;
	const double *sds = s->sds + sensor * p->n_signals;

	for (size_t k = 0; k < p->n_factors; k++)
		s->factors[k] = normal_next(g);
	for (size_t k = 0; k < p->n_missing; k++)
		s->missing[k] = rng_uniform(&g->rng) < p->missing[k];
	for (size_t i = 0; i < p->n_signals; i++) {
		const struct signal_spec *spec = &p->signals[i];
		const double *factors = s->factors + spec->first_factor;
		double z = spec->own > 0 ? spec->own * normal_next(g) : 0;

		for (size_t k = 0; k < spec->n_loadings; k++)
			z += spec->loadings[k] * factors[k];
		s->now_means[i] = spec->daily ? means[i] * spec->daily[hour] : means[i];
		if (spec->process == PROCESS_WALK)
			s->values[i] = next_of_walk(walk++, spec, means[i], sds[i] * z, &g->rng);
		else
			s->values[i] = s->now_means[i] + sds[i] * z;
		if (spec->missing >= 0 && s->missing[spec->missing])
			s->values[i] = NAN;
	}
}

/* n / 10^decimals, |n| < ROUNDED_MAX, in the text that number_write_real gives; a whole number if
 * there are no decimals. */
static char *put_rounded(char *p, double x, unsigned decimals)
{
	int64_t n = (int64_t)x;
	uint64_t magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n;
	uint64_t unit = (uint64_t)powers_of_ten[decimals];

	if (!decimals)
		return p + number_write_int(p, n);
	if (magnitude < unit / 10000 && n) /* it takes an exponent */
		return p + number_write_real(p, x / powers_of_ten[decimals]);
	uint64_t rest = magnitude % unit;
	if (n < 0)
		*p++ = '-';
	p += number_write_uint(p, magnitude / unit);
	*p = '.';
	for (unsigned i = decimals; i > 0; i--) {
		p[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	p += decimals;
	while (*p == '0' && p[-1] != '.')
		p--;
	return p + 1;
}

static char *put_text(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static char *put_value(const struct simulator *s, char *p, size_t signal)
{
	const struct signal_spec *spec = &s->profile->signals[signal];
	double x = simulator_finish(spec, s->values[signal]);

	if (isnan(x))
		return put_text(p, "null", s->csv ? 0 : 4);
	if (spec->rounded && fabs(x) < ROUNDED_MAX)
		return put_rounded(p, x, spec->decimals);
	return p + number_write_real(p, spec->rounded ? x / powers_of_ten[spec->decimals] : x);
}

static char *put_slot(const struct simulator *s, char *p, const struct slot *slot, size_t anomaly)
{
	bool any = anomaly < s->profile->n_anomalies;
	const struct buf *words = &s->words[2 * anomaly];

	switch (slot->kind) {
	case SLOT_SIGNAL:
		return put_value(s, p, slot->signal);
	case SLOT_TIME:
		return put_text(p, s->time, s->time_len);
	case SLOT_LABEL:
		*p = any ? '1' : '0';
		return p + 1;
	case SLOT_IS_ANOMALY:
		return put_text(p, any ? "true" : "false", any ? 4 : 5);
	case SLOT_LABEL_TYPE:
		return words[0].len ? put_text(p, words[0].data, words[0].len) : p;
	case SLOT_SEVERITY:
		return words[1].len ? put_text(p, words[1].data, words[1].len) : p;
	case SLOT_SEQUENCE:
		return p + number_write_uint(p, s->sequence);
	}
	return p;
}

/* Room for any value but words. */
#define SLOT_BYTES (TIMESTAMP_MAX + 2 > NUMBER_MAX ? TIMESTAMP_MAX + 2 : NUMBER_MAX)

static int add_line(struct simulator *s, size_t sensor, size_t anomaly, struct buf *out,
		    struct error *err)
{
	const struct layout *l = &s->layout;
	size_t len, n = l->n_slots;
	const size_t *offsets = l->offsets + sensor * (n + 2);

	if (buf_reserve(out, offsets[n + 1] - offsets[0] + n * (SLOT_BYTES + s->words_max), err))
		return -1;
	char *p = out->data + out->len;
	for (size_t i = 0; i < n; i++) {
		const char *text = layout_text(l, sensor, i, &len);
		p = put_slot(s, put_text(p, text, len), &l->slots[i], anomaly);
	}
	const char *text = layout_text(l, sensor, n, &len);
	out->len = (size_t)(put_text(p, text, len) - out->data);
	return 0;
}

static void set_time(struct simulator *s, int64_t ms)
{
	char *p = s->time;

	if (ms == s->time_ms)
		return;
	s->time_ms = ms;
	if (!s->csv)
		*p++ = '"';
	p += timestamp_format_ms(p, ms);
	if (!s->csv)
		*p++ = '"';
	s->time_len = (size_t)(p - s->time);
}

/* The hour of the day, at the profile's offset. */
static unsigned hour_at(const struct simulator *s, int64_t ms)
{
	int64_t second = ms / 1000 - (ms % 1000 < 0) + s->profile->utc_offset_s;
	int64_t hour = second / HOUR_S - (second % HOUR_S < 0);

	return (unsigned)((hour % 24 + 24) % 24);
}

int simulator_next(struct simulator *s, int64_t time_ns, struct buf *out, struct error *err)
{
	const struct profile *p = s->profile;
	int64_t ms = time_ns / NS_PER_MS - (time_ns % NS_PER_MS < 0);
	size_t sensor = s->turn;

	set_time(s, ms);
	read_healthy(s, sensor, hour_at(s, ms));
	size_t anomaly = p->n_anomalies ? anomaly_step(s, sensor) : 0;
	if (add_line(s, sensor, anomaly, out, err))
		return -1;
	if (anomaly < p->n_anomalies)
		s->labelled[anomaly]++;
	s->sequence++;
	s->turn = sensor + 1 < s->n_sensors ? sensor + 1 : 0;
	return 0;
}
