/* Correlation between signals: a Cholesky factor of its matrix gives loadings on as many factors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/sim/profile_impl.h"

#define CORRELATED_MAX 500

struct correlated {
	size_t *signals; /* [n], in the order in which they are named */
	size_t n;
	double *matrix; /* n x n, rows one after the other */
};

/* The signal named at item i of [a, b, r]. */
static int read_signal(const struct profile *p, const struct node *triple, size_t i, size_t *signal,
		       struct error *err)
{
	struct node item = node_item(triple, i);
	const char *name;

	if (node_text(&item, &name, err))
		return -1;
	int found = profile_signal(p, name);
	if (found < 0)
		return node_fail(&item, err, "'signals' has no '%.40s'", name);
	if (p->signals[found].n_loadings)
		return node_fail(&item, err,
				 "'%.40s' is of a bank, which has correlations of its own", name);
	*signal = (size_t)found;
	return 0;
}

static size_t place_of(struct correlated *c, size_t signal)
{
	size_t i = 0;

	while (i < c->n && c->signals[i] != signal)
		i++;
	if (i == c->n)
		c->signals[c->n++] = signal;
	return i;
}

static int read_triple(const struct profile *p, const struct node *triple, size_t pair[2],
		       double *r, struct error *err)
{
	if (json_array_size(triple->json) != 3)
		return node_refuse(triple, "[signal, signal, correlation]", err);
	struct node item = node_item(triple, 2);
	if (read_signal(p, triple, 0, &pair[0], err) || read_signal(p, triple, 1, &pair[1], err) ||
	    node_real(&item, -1, 1, r, err))
		return -1;
	return pair[0] != pair[1] ? 0 : node_fail(triple, err, "both are one signal");
}

/* In place: the lower triangle becomes the factor. A variance that is left over but for rounding
 * is none. */
static int factorise(struct correlated *c, size_t stride)
{
	double *a = c->matrix;

	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j <= i; j++) {
			double sum = a[i * stride + j];

			for (size_t k = 0; k < j; k++)
				sum -= a[i * stride + k] * a[j * stride + k];
			if (i > j) {
				a[i * stride + j] = sum / a[j * stride + j];
			} else {
				if (!(sum > 1e-12))
					return -1;
				a[i * stride + i] = sqrt(sum);
			}
		}
	}
	return 0;
}

static int read_matrix(struct profile *p, const struct node *n, size_t n_triples, size_t stride,
		       struct correlated *c, struct error *err)
{
	size_t pair[2] = {0, 0};
	double r = 0;

	for (size_t t = 0; t < n_triples; t++) {
		struct node triple = node_item(n, t);
		if (read_triple(p, &triple, pair, &r, err))
			return -1;
		size_t i = place_of(c, pair[0]), j = place_of(c, pair[1]);
		if (c->matrix[i * stride + j] != 0)
			return node_fail(&triple, err, "the two are named before");
		c->matrix[i * stride + j] = c->matrix[j * stride + i] = r;
	}
	for (size_t i = 0; i < c->n; i++)
		c->matrix[i * stride + i] = 1;
	return factorise(c, stride)
		       ? node_fail(n, err,
				   "no signals can be correlated like this: the matrix is "
				   "not positive definite")
		       : 0;
}

int profile_read_correlation(struct profile *p, const struct node *n, struct error *err)
{
	struct correlated c = {.n = 0};
	size_t n_triples, stride;
	int ret = -1;

	if (node_array(n, &n_triples, err))
		return -1;
	if (n_triples > CORRELATED_MAX * (CORRELATED_MAX - 1) / 2)
		return node_fail(n, err, "there are more than %d signals' pairs", CORRELATED_MAX);
	stride = 2 * n_triples < p->n_signals ? 2 * n_triples : p->n_signals;
	if (stride > CORRELATED_MAX)
		return node_fail(n, err, "more than %d signals cannot be correlated",
				 CORRELATED_MAX);
	c.signals = mem_alloc(stride, sizeof(*c.signals), err);
	c.matrix = profile_add_loadings(p, stride * stride, err);
	if (!c.signals || !c.matrix || read_matrix(p, n, n_triples, stride, &c, err))
		goto out;
	for (size_t i = 0; i < c.n; i++) {
		struct signal_spec *s = &p->signals[c.signals[i]];

		s->loadings = c.matrix + i * stride;
		s->first_factor = p->n_factors;
		s->n_loadings = i + 1;
		s->own = 0;
	}
	p->n_factors += c.n;
	ret = 0;
out:
	free(c.signals);
	return ret;
}
