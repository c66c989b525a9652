#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/rng.h"
#include "lib/model/forest.h"

#define DEPTH_MAX 30 /* ceil(log2(FOREST_SAMPLES_MAX)) */

struct node {
	int32_t feature, left, right;
	float threshold;
	uint32_t n_samples;
	uint8_t missing_left;
};

struct tree {
	struct node *nodes;
	uint32_t n_nodes;
};

/* What the threads share. */
struct job {
	const struct forest_options *options;
	uint64_t n_rows;
	uint32_t n_features;
	forest_row_fn *row;
	const void *context;
	struct tree *trees; /* [n_trees], filled by whoever takes the tree */
	atomic_uint next_tree;
	atomic_bool failed;
};

/* What one thread fits its trees with. */
struct fitter {
	struct job *job;
	struct error err;
	struct rng rng;
	uint64_t *set; /* [set_mask + 1] row + 1, or 0: the rows drawn, by open addressing */
	uint64_t set_mask;
	float *x;          /* [max_samples, n_features] the rows drawn */
	uint32_t *column;  /* [n_features] a permutation; the tree's own max_features come first */
	uint32_t *sample;  /* [max_samples] rows of x, those of a node side by side */
	uint32_t *aside;   /* [max_samples] */
	float *value;      /* [max_samples] of the column last drawn, by position in sample */
	struct node *node; /* [2 max_samples - 1] */
};

/* A node still to be made from sample[start, end). column[0, n_constant) are constant in it. */
struct range {
	uint32_t start, end, depth, n_constant;
	int32_t *link; /* where its parent keeps its index */
};

static void fitter_release(struct fitter *f)
{
	free(f->set);
	free(f->x);
	free(f->column);
	free(f->sample);
	free(f->aside);
	free(f->value);
	free(f->node);
}

static int fitter_init(struct fitter *f, struct job *job)
{
	size_t psi = job->options->max_samples;
	size_t room = 2;

	while (room < 2 * psi)
		room *= 2;
	*f = (struct fitter){.job = job, .err = ERROR_INIT, .set_mask = room - 1};
	if (!(f->set = mem_alloc(room, sizeof(*f->set), &f->err)) ||
	    !(f->x = mem_alloc(psi, sizeof(*f->x) * job->n_features, &f->err)) ||
	    !(f->column = mem_alloc(job->n_features, sizeof(*f->column), &f->err)) ||
	    !(f->sample = mem_alloc(psi, sizeof(*f->sample), &f->err)) ||
	    !(f->aside = mem_alloc(psi, sizeof(*f->aside), &f->err)) ||
	    !(f->value = mem_alloc(psi, sizeof(*f->value), &f->err)) ||
	    !(f->node = mem_alloc(2 * psi - 1, sizeof(*f->node), &f->err))) {
		fitter_release(f);
		return -1;
	}
	return 0;
}

/* Adds a row; false if it is there already. */
static bool set_add(struct fitter *f, uint64_t row)
{
	uint64_t i = (row * UINT64_C(0x9E3779B97F4A7C15) >> 32) & f->set_mask;

	while (f->set[i] && f->set[i] != row + 1)
		i = (i + 1) & f->set_mask;
	if (f->set[i])
		return false;
	f->set[i] = row + 1;
	return true;
}

/* R. W. Floyd's sampling without replacement (Bentley and Floyd, CACM 30(9), 1987). */
static void draw_rows(struct fitter *f)
{
	const struct job *job = f->job;
	uint32_t psi = job->options->max_samples;

	memset(f->set, 0, (f->set_mask + 1) * sizeof(*f->set));
	for (uint32_t i = 0; i < psi; i++) {
		uint64_t last = job->n_rows - psi + i;
		uint64_t row = rng_below(&f->rng, last + 1);

		if (!set_add(f, row)) {
			row = last;
			set_add(f, row);
		}
		job->row(job->context, row, f->x + (size_t)i * job->n_features);
		f->sample[i] = i;
	}
}

/* Brings the tree's max_features columns to the front. */
static void draw_columns(struct fitter *f)
{
	uint32_t n = f->job->n_features, wanted = f->job->options->max_features;

	for (uint32_t i = 0; i < n; i++)
		f->column[i] = i;
	for (uint32_t i = 0; wanted < n && i < wanted; i++) {
		uint32_t j = i + (uint32_t)rng_below(&f->rng, n - i);
		uint32_t column = f->column[j];

		f->column[j] = f->column[i];
		f->column[i] = column;
	}
}

/* Gathers the column's values over the range. False if it is constant there. */
static bool read_column(struct fitter *f, const struct range *r, uint32_t column, float *min,
			float *max, bool *missing)
{
	size_t stride = f->job->n_features;
	const float *x = f->x + column;
	float low = INFINITY, high = -INFINITY;
	uint32_t n_missing = 0;

	for (uint32_t i = r->start; i < r->end; i++) {
		float v = x[f->sample[i] * stride];

		f->value[i] = v;
		low = v < low ? v : low;
		high = v > high ? v : high;
		n_missing += v != v;
	}
	*min = low;
	*max = high;
	*missing = n_missing > 0;
	return high > low + 1e-7f;
}

/* The largest float32 that is not above x. */
static float round_down(double x)
{
	float y = (float)x;

	return (double)y > x ? nextafterf(y, -INFINITY) : y;
}

/*
 * Draws columns until one is not constant, and its threshold. Those found constant join the front
 * of the permutation. A subtree reorders only what lies behind its root's front, so that of its
 * sibling, and of every node still to be made, stays the same set.
 */
static bool draw_split(struct fitter *f, struct range *r, struct node *node)
{
	uint32_t n = f->job->options->max_features;
	float min, max;
	bool missing;

	while (r->n_constant < n) {
		uint32_t j = r->n_constant + (uint32_t)rng_below(&f->rng, n - r->n_constant);
		uint32_t column = f->column[j];

		if (read_column(f, r, column, &min, &max, &missing)) {
			double low = min, high = max;
			double threshold = low + (high - low) * rng_uniform(&f->rng);

			node->feature = (int32_t)column;
			node->threshold = threshold < high ? round_down(threshold) : min;
			node->missing_left = missing && rng_next(&f->rng) >> 63;
			return true;
		}
		f->column[j] = f->column[r->n_constant];
		f->column[r->n_constant++] = column;
	}
	return false;
}

/* Moves the rows that go left to the front of the range; returns where the others begin. */
static uint32_t partition(struct fitter *f, const struct range *r, struct node *node)
{
	uint32_t n_left = 0, n_right = 0, n_missing = 0;
	uint32_t *left = f->sample + r->start;

	for (uint32_t i = r->start; i < r->end; i++) {
		float v = f->value[i];
		uint32_t is_missing = v != v;
		uint32_t goes_left = (v <= node->threshold) | (is_missing & node->missing_left);
		uint32_t sample = f->sample[i];

		left[n_left] = sample;
		f->aside[n_right] = sample;
		n_left += goes_left;
		n_right += 1 - goes_left;
		n_missing += is_missing;
	}
	memcpy(left + n_left, f->aside, n_right * sizeof(*left));
	if (n_missing == 0)
		node->missing_left = n_left > n_right;
	return r->start + n_left;
}

static uint32_t depth_limit(uint32_t max_samples)
{
	uint32_t depth = 1;

	while (UINT64_C(1) << depth < max_samples)
		depth++;
	return depth;
}

/* Grows a tree over the rows drawn, in preorder. Returns the number of its nodes. */
static uint32_t grow(struct fitter *f)
{
	struct range stack[DEPTH_MAX + 1];
	uint32_t limit = depth_limit(f->job->options->max_samples);
	uint32_t n_nodes = 0, n_stack = 0;
	int32_t root;

	stack[n_stack++] = (struct range){0, f->job->options->max_samples, 0, 0, &root};
	while (n_stack > 0) {
		struct range r = stack[--n_stack];
		struct node *node = &f->node[n_nodes];

		*r.link = (int32_t)n_nodes++;
		*node = (struct node){.feature = -1, .n_samples = r.end - r.start};
		if (r.depth == limit || r.end - r.start < 2 || !draw_split(f, &r, node))
			continue;

		uint32_t middle = partition(f, &r, node);

		stack[n_stack++] =
			(struct range){middle, r.end, r.depth + 1, r.n_constant, &node->right};
		stack[n_stack++] =
			(struct range){r.start, middle, r.depth + 1, r.n_constant, &node->left};
	}
	return n_nodes;
}

static int fit_tree(struct fitter *f, uint32_t t)
{
	struct tree *tree = &f->job->trees[t];

	rng_init(&f->rng, f->job->options->seed, t);
	draw_rows(f);
	draw_columns(f);

	uint32_t n = grow(f);

	if (!(tree->nodes = mem_alloc(n, sizeof(*tree->nodes), &f->err)))
		return -1;
	memcpy(tree->nodes, f->node, n * sizeof(*tree->nodes));
	tree->n_nodes = n;
	return 0;
}

static void *fit_trees(void *arg)
{
	struct fitter *f = arg;
	struct job *job = f->job;

	while (!atomic_load(&job->failed)) {
		uint32_t t = atomic_fetch_add(&job->next_tree, 1);

		if (t >= job->options->n_trees)
			break;
		if (fit_tree(f, t) < 0)
			atomic_store(&job->failed, true);
	}
	return NULL;
}

/* Fits all trees. A thread that cannot be started leaves its share to the others. */
static int run(struct job *job, struct error *err)
{
	unsigned n = job->options->n_threads, n_fitters = 0, n_started = 0;
	struct fitter *fitters;
	pthread_t *threads = NULL;
	int rc = -1;

	if (n > job->options->n_trees)
		n = job->options->n_trees;
	if (!(fitters = mem_alloc(n, sizeof(*fitters), err)) ||
	    !(threads = mem_alloc(n, sizeof(*threads), err)))
		goto out;
	for (; n_fitters < n; n_fitters++) {
		if (fitter_init(&fitters[n_fitters], job) < 0) {
			*err = fitters[n_fitters].err;
			goto out;
		}
	}
	while (n_started + 1 < n &&
	       pthread_create(&threads[n_started], NULL, fit_trees, &fitters[n_started + 1]) == 0)
		n_started++;
	fit_trees(&fitters[0]);
	for (unsigned i = 0; i < n_started; i++)
		pthread_join(threads[i], NULL);
	rc = 0;
	for (unsigned i = 0; i < n_fitters && rc == 0; i++) {
		if (fitters[i].err.kind != ERROR_NONE) {
			*err = fitters[i].err;
			rc = -1;
		}
	}
out:
	for (unsigned i = 0; i < n_fitters; i++)
		fitter_release(&fitters[i]);
	free(threads);
	free(fitters);
	return rc;
}

static struct forest *join_trees(const struct job *job, struct error *err)
{
	uint32_t n_trees = job->options->n_trees;
	uint64_t n_nodes = 0;

	for (uint32_t t = 0; t < n_trees; t++)
		n_nodes += job->trees[t].n_nodes;

	struct forest *forest = forest_new(n_trees, n_nodes, err);

	if (!forest)
		return NULL;
	forest->n_features = job->n_features;
	forest->max_samples = job->options->max_samples;

	uint64_t k = 0;

	for (uint32_t t = 0; t < n_trees; t++) {
		forest->tree_start[t] = k;
		for (uint32_t i = 0; i < job->trees[t].n_nodes; i++, k++) {
			const struct node *node = &job->trees[t].nodes[i];

			forest->feature[k] = node->feature;
			forest->left[k] = node->left;
			forest->right[k] = node->right;
			forest->threshold[k] = node->threshold;
			forest->n_samples[k] = node->n_samples;
			forest->missing_left[k] = node->missing_left;
		}
	}
	forest->tree_start[n_trees] = k;
	if (forest_check(forest, err) < 0) { /* counts max_depth; out of memory, or a defect */
		forest_free(forest);
		return NULL;
	}
	return forest;
}

static int options_check(const struct forest_options *o, uint64_t n_rows, uint32_t n_features,
			 struct error *err)
{
	if (o->n_trees < 1 || o->n_trees > FOREST_TREES_MAX)
		return error_set(err, ERROR_USAGE, "number of trees %u is not 1 to %d", o->n_trees,
				 FOREST_TREES_MAX);
	if (o->max_samples < 1 || o->max_samples > n_rows || o->max_samples > FOREST_SAMPLES_MAX)
		return error_set(err, ERROR_USAGE,
				 "sub-sample size %u is not 1 to %u, of %llu rows", o->max_samples,
				 FOREST_SAMPLES_MAX, (unsigned long long)n_rows);
	if (o->max_features < 1 || o->max_features > n_features || n_features > INT32_MAX)
		return error_set(err, ERROR_USAGE, "number of features of a tree %u is not 1 to %u",
				 o->max_features, n_features);
	if (o->n_threads < 1)
		return error_set(err, ERROR_USAGE, "number of threads is 0");
	return 0;
}

struct forest *forest_fit(const struct forest_options *options, uint64_t n_rows,
			  uint32_t n_features, forest_row_fn *row, const void *context,
			  struct error *err)
{
	struct job job = {options, n_rows, n_features, row, context, NULL, 0, false};
	struct forest *forest = NULL;

	if (options_check(options, n_rows, n_features, err) < 0)
		return NULL;
	if (!(job.trees = mem_alloc(options->n_trees, sizeof(*job.trees), err)))
		return NULL;
	if (run(&job, err) == 0)
		forest = join_trees(&job, err);
	for (uint32_t t = 0; t < options->n_trees; t++)
		free(job.trees[t].nodes);
	free(job.trees);
	return forest;
}
