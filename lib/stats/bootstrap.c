#include "lib/stats/bootstrap.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/rng.h"
#include "lib/stats/sketch.h"

/* The ranking, highest score first, cut at each distinct score of the positives. */
struct group {
	uint32_t above; /* negatives since the last group, above this score */
	uint32_t tied;  /* negatives at this score */
	uint32_t pos;   /* positives at this score */
};

struct job {
	const struct group *groups;
	size_t n_groups;
	uint32_t n_pos, n_neg;
	uint64_t replicates, seed;
	_Atomic uint64_t next;
	double *auc, *average_precision; /* [replicates] */
};

struct worker {
	struct job *job;
	uint8_t *drawn; /* [n_pos + n_neg] how often each score was drawn */
	pthread_t thread;
};

/* n draws from n. That one of them comes up more than 255 times has a chance below 1/256!. */
static void draw(uint8_t *drawn, uint32_t n, struct rng *rng)
{
	memset(drawn, 0, n);
	for (uint32_t i = 0; i < n; i++)
		drawn[rng_below(rng, n)]++;
}

static uint64_t sum(const uint8_t *drawn, uint32_t n)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < n; i++)
		total += drawn[i];
	return total;
}

/* AUC and average precision as in roc.c, each score counted as often as it was drawn. */
static void replicate(struct worker *w, uint64_t number)
{
	struct job *job = w->job;
	const uint8_t *pos = w->drawn, *neg = w->drawn + job->n_pos;
	uint64_t tp = 0, fp = 0, twice_u = 0;
	double precision_sum = 0;
	struct rng rng;

	rng_init(&rng, job->seed, number);
	draw(w->drawn, job->n_pos, &rng);
	draw(w->drawn + job->n_pos, job->n_neg, &rng);
	for (size_t i = 0; i < job->n_groups; i++) {
		const struct group *g = &job->groups[i];
		uint64_t gained = sum(pos, g->pos);
		uint64_t tied = sum(neg + g->above, g->tied);

		fp += sum(neg, g->above);
		twice_u += gained * (2 * (job->n_neg - fp) - tied);
		fp += tied;
		tp += gained;
		if (gained)
			precision_sum += (double)gained * ((double)tp / (double)(tp + fp));
		pos += g->pos;
		neg += g->above + g->tied;
	}
	job->auc[number] = (double)twice_u / (2.0 * (double)job->n_pos * (double)job->n_neg);
	job->average_precision[number] = precision_sum / (double)job->n_pos;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t number;

	while ((number = atomic_fetch_add(&w->job->next, 1)) < w->job->replicates)
		replicate(w, number);
	return NULL;
}

static size_t group_ranking(const struct roc *r, struct group *groups)
{
	struct roc_point p = ROC_POINT_START, last = p;
	size_t n = 0, fp = 0;

	for (; last.tp < r->pos.n && roc_next(r, &p); last = p) {
		if (p.tp == last.tp)
			continue;
		if (groups)
			groups[n] = (struct group){
				.above = (uint32_t)(last.fp - fp),
				.tied = (uint32_t)(p.fp - last.fp),
				.pos = (uint32_t)(p.tp - last.tp),
			};
		fp = p.fp;
		n++;
	}
	return n;
}

static struct interval percentiles(double *values, uint64_t n, double *tmp)
{
	double tail = (1 - BOOTSTRAP_COVERAGE) / 2;

	sort_doubles(values, n, tmp);
	return (struct interval){
		.low = sorted_quantile(values, n, tail),
		.high = sorted_quantile(values, n, 1 - tail),
	};
}

static int run(struct job *job, unsigned threads, struct error *err)
{
	size_t n = (size_t)job->n_pos + job->n_neg;
	struct worker *workers = mem_alloc(threads, sizeof(*workers), err);
	unsigned started = 1;
	int rc = -1;

	if (!workers)
		return -1;
	for (unsigned i = 0; i < threads; i++) {
		workers[i].job = job;
		workers[i].drawn = mem_alloc(n, 1, err);
		if (!workers[i].drawn)
			goto out;
	}
	while (started < threads &&
	       pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
		started++;
	work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	rc = 0;
out:
	for (unsigned i = 0; i < threads; i++)
		free(workers[i].drawn);
	free(workers);
	return rc;
}

int roc_bootstrap(const struct roc *r, uint64_t replicates, uint64_t seed, unsigned threads,
		  struct roc_intervals *out, struct error *err)
{
	const struct interval undefined = {NAN, NAN};
	struct group *groups = NULL;
	double *values = NULL;
	int rc = -1;

	*out = (struct roc_intervals){undefined, undefined};
	if (replicates == 0 || r->pos.n == 0)
		return 0;
	struct job job = {
		.n_groups = group_ranking(r, NULL),
		.n_pos = (uint32_t)r->pos.n,
		.n_neg = (uint32_t)r->neg.n,
		.replicates = replicates,
		.seed = seed,
	};
	groups = mem_alloc(job.n_groups, sizeof(*groups), err);
	if (!groups)
		goto out;
	values = mem_alloc(replicates, 3 * sizeof(*values), err);
	if (!values)
		goto out;
	group_ranking(r, groups);
	job.groups = groups;
	job.auc = values;
	job.average_precision = values + replicates;
	if (run(&job, threads < replicates ? threads : (unsigned)replicates, err) < 0)
		goto out;
	if (r->neg.n)
		out->auc = percentiles(job.auc, replicates, values + 2 * replicates);
	out->average_precision =
		percentiles(job.average_precision, replicates, values + 2 * replicates);
	rc = 0;
out:
	free(values);
	free(groups);
	return rc;
}
