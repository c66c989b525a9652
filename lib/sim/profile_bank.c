/* A bank: many gaussian signals whose means, spreads, correlations and gaps are drawn once from a
 * seed of the profile, so that every run simulates the same plant. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mathfn.h"
#include "lib/base/mem.h"
#include "lib/sim/normal.h"
#include "lib/sim/profile_impl.h"

#define LOG2_OF_10 3.3219280948873623
#define QUANTILES_MAX 1000
#define FACTORS_MAX 200
#define STREAM (UINT64_C(1) << 61) /* none of a sensor */

/* Numbers at even steps of their rank: a distribution to draw from. */
struct quantiles {
	double x[QUANTILES_MAX];
	size_t n;
};

struct bank {
	uint64_t count, seed, constant;
	struct quantiles log10_mean, log10_spread, communality;
	double weights[FACTORS_MAX];
	size_t n_factors;
};

static int read_list(const struct node *up, const char *key, double low, double high, double *x,
		     size_t max, size_t *count, struct error *err)
{
	struct node n;

	if (node_need(up, key, &n, err) || node_array(&n, count, err))
		return -1;
	if (*count > max)
		return node_fail(&n, err, "has %zu items, more than %zu", *count, max);
	for (size_t i = 0; i < *count; i++) {
		struct node item = node_item(&n, i);
		if (node_real(&item, low, high, &x[i], err))
			return -1;
	}
	return 0;
}

static int read_quantiles(const struct node *up, const char *key, double low, double high,
			  struct quantiles *q, struct error *err)
{
	struct node n;

	if (read_list(up, key, low, high, q->x, QUANTILES_MAX, &q->n, err))
		return -1;
	node_get(up, key, &n);
	for (size_t i = 1; i < q->n; i++)
		if (q->x[i] < q->x[i - 1])
			return node_fail(&n, err, "quantiles do not fall: %.10g follows %.10g",
					 q->x[i], q->x[i - 1]);
	return 0;
}

static double draw_from(const struct quantiles *q, struct rng *rng)
{
	double at = rng_uniform(rng) * (double)(q->n - 1);
	size_t i = (size_t)at;

	return q->n == 1 ? q->x[0] : q->x[i] + (at - (double)i) * (q->x[i + 1] - q->x[i]);
}

static int read_bank(const struct node *n, size_t n_signals, struct bank *b, struct error *err)
{
	static const char *const known[] = {"count",        "seed",    "constant",
					    "log10_mean",   "factors", "communality",
					    "log10_spread", "missing", NULL};
	struct node m;

	if (node_object(n, known, err) || node_need(n, "count", &m, err) ||
	    node_count(&m, 1, PROFILE_SIGNALS_MAX - n_signals, &b->count, err))
		return -1;
	if ((node_get(n, "seed", &m) && node_count(&m, 0, UINT64_C(1) << 53, &b->seed, err)) ||
	    (node_get(n, "constant", &m) && node_count(&m, 0, b->count, &b->constant, err)) ||
	    read_quantiles(n, "log10_mean", -15, 15, &b->log10_mean, err) ||
	    read_quantiles(n, "log10_spread", -15, 15, &b->log10_spread, err))
		return -1;
	if (!node_get(n, "factors", &m))
		return node_get(n, "communality", &m) ? node_fail(&m, err, "there are no 'factors'")
						      : 0;
	return read_list(n, "factors", 1e-6, 1e6, b->weights, FACTORS_MAX, &b->n_factors, err) ||
			       read_quantiles(n, "communality", 0, 1, &b->communality, err)
		       ? -1
		       : 0;
}

/* The loadings of a signal: in a random direction, that of the greater weights more likely. */
static int load(struct profile *p, const struct bank *b, struct signal_spec *s, struct normal *g,
		struct error *err)
{
	double share = draw_from(&b->communality, &g->rng), length = 0;
	double *loadings = profile_add_loadings(p, b->n_factors, err);

	if (!loadings)
		return -1;
	for (size_t k = 0; k < b->n_factors; k++) {
		loadings[k] = b->weights[k] * normal_next(g);
		length += loadings[k] * loadings[k];
	}
	for (size_t k = 0; k < b->n_factors && length > 0; k++)
		loadings[k] *= sqrt(share / length);
	s->loadings = loadings;
	s->first_factor = p->n_factors;
	s->n_loadings = b->n_factors;
	s->own = sqrt(1 - share);
	return 0;
}

/* The next signals, by [share, signals], lack the same readings, which are that share of all. */
static int read_missing(struct profile *p, const struct node *n, size_t first, size_t count,
			struct error *err)
{
	size_t n_groups, at = 0;
	uint64_t members;

	if (node_array(n, &n_groups, err))
		return -1;
	for (size_t i = 0; i < n_groups; i++) {
		struct node group = node_item(n, i);
		if (json_array_size(group.json) != 2)
			return node_refuse(&group, "[share, signals]", err);
		struct node share = node_item(&group, 0), how_many = node_item(&group, 1);
		if (MEM_GROW(&p->missing, &p->cap_missing, p->n_missing + 1, err) ||
		    node_real(&share, 0, 1, &p->missing[p->n_missing], err) ||
		    node_count(&how_many, 1, count, &members, err))
			return -1;
		if (members > count - at)
			return node_fail(n, err, "names more than the bank's %zu signals", count);
		for (; members > 0; members--)
			p->signals[first + at++].missing = (int)p->n_missing;
		p->n_missing++;
	}
	return 0;
}

int profile_read_bank(struct profile *p, const struct node *signal, const struct signal_spec *like,
		      struct error *err)
{
	static const char *const without[] = {"mean", "sd", NULL};
	size_t first = p->n_signals;
	struct bank b = {.count = 0};
	struct normal g;
	struct node n, m;
	char name[200];

	for (size_t i = 0; without[i]; i++)
		if (node_get(signal, without[i], &m))
			return node_fail(&m, err, "'bank' draws it");
	node_get(signal, "bank", &n);
	if (read_bank(&n, p->n_signals, &b, err))
		return -1;
	normal_init(&g, b.seed, STREAM);
	for (uint64_t i = 0; i < b.count; i++) {
		int len = snprintf(name, sizeof(name), "%.150s.%llu", signal->key,
				   (unsigned long long)i);
		struct signal_spec *s = profile_add_signal(p, name, (size_t)len, err);
		if (!s)
			return -1;
		char *own_name = s->name;
		*s = *like;
		s->name = own_name;
		double mean = math_exp2(LOG2_OF_10 * draw_from(&b.log10_mean, &g.rng));
		double spread = math_exp2(LOG2_OF_10 * draw_from(&b.log10_spread, &g.rng));
		/* Of those left as many as are needed: each choice is as likely as any other. */
		bool constant = rng_below(&g.rng, b.count - i) < b.constant;
		b.constant -= constant;
		s->mean = (struct parameter){.value = mean, .attribute = -1};
		s->sd = (struct parameter){.value = constant ? 0 : mean * spread, .attribute = -1};
		if (b.n_factors && load(p, &b, s, &g, err))
			return -1;
	}
	p->n_factors += b.n_factors;
	return node_get(&n, "missing", &m) ? read_missing(p, &m, first, b.count, err) : 0;
}
