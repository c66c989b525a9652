/*
 * Fitting and scoring of forests, on one thread: a line of JSON a measurement, in CPU time, the
 * best of several runs.
 *
 *     bench_forest [--data FILE] [--samples PSI] ROWS FEATURES TREES
 *
 * FILE holds ROWS x FEATURES float32, so that others can be given the same rows; without it they
 * are drawn, uniform. At most SCORE_ROWS of them are scored a run.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/mem.h"
#include "lib/base/rng.h"
#include "lib/model/forest.h"

#define SCORE_ROWS 200000
#define BLOCK 1024
#define RUNS 5

struct data {
	float *x;
	size_t n_rows;
	uint32_t n_features;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_forest: %s\n", what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void read_data(struct data *d, const char *path)
{
	size_t n = d->n_rows * d->n_features;

	if (path) {
		FILE *in = fopen(path, "rb");

		if (!in || fread(d->x, sizeof(*d->x), n, in) != n)
			die("cannot read the data");
		fclose(in);
		return;
	}

	struct rng rng;

	rng_init(&rng, 1, 0);
	for (size_t i = 0; i < n; i++)
		d->x[i] = (float)rng_uniform(&rng);
}

static void get_row(const void *context, uint64_t i, float *out)
{
	const struct data *d = context;

	memcpy(out, d->x + i * d->n_features, d->n_features * sizeof(*out));
}

static void report(const char *what, const char *kernel, const struct data *d,
		   const struct forest *forest, double ns, size_t rows)
{
	printf("{\"what\":\"%s\",\"kernel\":\"%s\",\"rows\":%zu,\"features\":%u,\"trees\":%u,"
	       "\"max_samples\":%u,\"seconds\":%.6f,\"ns_per_row\":%.2f}\n",
	       what, kernel, rows, d->n_features, forest->n_trees, forest->max_samples, ns / 1e9,
	       ns / (double)rows);
	fflush(stdout);
}

static struct forest *bench_fit(const struct data *d, const struct forest_options *o)
{
	struct error err = ERROR_INIT;
	struct forest *forest = NULL;
	double best = 0;

	for (int run = 0; run < RUNS; run++) {
		forest_free(forest);

		double begin = now_ns();

		forest = forest_fit(o, d->n_rows, d->n_features, get_row, d, &err);

		double ns = now_ns() - begin;

		if (!forest)
			die(err.what);
		if (run == 0 || ns < best)
			best = ns;
	}
	report("fit", "", d, forest, best, d->n_rows);
	return forest;
}

static void bench_score(const struct data *d, const struct forest *forest, const char *kernel)
{
	struct error err = ERROR_INIT;
	struct forest_plan *plan = forest_plan_new(forest, kernel, &err);
	size_t n = d->n_rows < SCORE_ROWS ? d->n_rows : SCORE_ROWS;
	double best = 0;

	if (!plan) {
		fprintf(stderr, "bench_forest: %s\n", err.what);
		return;
	}

	double *score = mem_alloc(n, sizeof(*score), &err);
	void *scratch = mem_alloc_aligned(1, forest_plan_scratch(plan), &err);

	if (!score || !scratch)
		die(err.what);
	for (int run = 0; run < RUNS; run++) {
		double begin = now_ns();

		for (size_t i = 0; i < n; i += BLOCK)
			forest_plan_score(plan, d->x + i * d->n_features,
					  n - i < BLOCK ? n - i : BLOCK, d->n_features, score + i,
					  scratch);

		double ns = now_ns() - begin;

		if (run == 0 || ns < best)
			best = ns;
	}
	report("score", kernel, d, forest, best, n);
	free(score);
	free(scratch);
	forest_plan_free(plan);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"data", required_argument, NULL, 'd'},
						{"samples", required_argument, NULL, 's'},
						{NULL, 0, NULL, 0}};
	struct error err = ERROR_INIT;
	struct data d = {0};
	const char *path = NULL;
	uint32_t samples = 256;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd')
			path = optarg;
		else if (c == 's')
			samples = (uint32_t)strtoul(optarg, NULL, 10);
		else
			return 64;
	}
	if (argc - optind != 3)
		die("usage: bench_forest [--data FILE] [--samples PSI] ROWS FEATURES TREES");
	d.n_rows = strtoull(argv[optind], NULL, 10);
	d.n_features = (uint32_t)strtoul(argv[optind + 1], NULL, 10);

	uint32_t n_trees = (uint32_t)strtoul(argv[optind + 2], NULL, 10);

	if (samples > d.n_rows)
		samples = (uint32_t)d.n_rows;
	if (!(d.x = mem_alloc(d.n_rows, d.n_features * sizeof(*d.x), &err)))
		die(err.what);
	read_data(&d, path);

	struct forest_options o = {.n_trees = n_trees,
				   .max_samples = samples,
				   .max_features = d.n_features,
				   .seed = 1,
				   .n_threads = 1};
	struct forest *forest = bench_fit(&d, &o);

	for (const char *const *kernel = forest_kernels(); *kernel; kernel++)
		bench_score(&d, forest, *kernel);
	forest_free(forest);
	free(d.x);
	return 0;
}
