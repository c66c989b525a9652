#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/model/model_config.h"
#include "lib/model/tensorfile.h"

#define TENSORS 14    /* of a model without groups */
#define NAME_BYTES 64 /* bytes of a tensor's name */

/* What stands in the features one by one, as tensors need it. */
struct columns {
	double *missing_share, *points;
	uint64_t *sketch_n, n_points;
};

static int columns_init(struct columns *c, const struct model *m, struct error *err)
{
	*c = (struct columns){.n_points = 0};
	for (size_t i = 0; i < m->n_features; i++)
		c->n_points += m->features[i].sketch.points;
	if (!(c->missing_share = mem_alloc(m->n_features, sizeof(double), err)) ||
	    !(c->sketch_n = mem_alloc(m->n_features, sizeof(uint64_t), err)) ||
	    !(c->points = mem_alloc(c->n_points, sizeof(double), err)))
		return -1;
	double *to = c->points;
	for (size_t i = 0; i < m->n_features; i++) {
		const struct model_feature *f = &m->features[i];
		c->missing_share[i] = f->missing_share;
		c->sketch_n[i] = f->sketch.n;
		if (f->sketch.points)
			memcpy(to, f->sketch.at, f->sketch.points * sizeof(double));
		to += f->sketch.points;
	}
	return 0;
}

static void columns_release(struct columns *c)
{
	free(c->missing_share);
	free(c->sketch_n);
	free(c->points);
}

/* The tensors of a model and of its groups, and what they point to. */
struct parts {
	struct tensor *tensors;
	char (*names)[NAME_BYTES]; /* [n] */
	struct columns *columns;   /* [n_columns] one a model */
	size_t n, n_columns;
};

static void parts_release(struct parts *p)
{
	for (size_t i = 0; i < p->n_columns; i++)
		columns_release(&p->columns[i]);
	free(p->tensors);
	free(p->names);
	free(p->columns);
}

/* By name, and named so that wider elements come first: without groups each tensor is aligned. */
static int add_parts(struct parts *p, const char *prefix, const struct model *m, struct error *err)
{
	struct columns *c = &p->columns[p->n_columns++];
	const struct forest *f = m->forest;
	const struct prepare *r = &m->prepare;

	if (columns_init(c, m, err) < 0)
		return -1;
	const struct tensor tensors[TENSORS] = {
		{"calibration.scores", TENSOR_F64, 1, {m->scores.points}, m->scores.at},
		{"feature.center", TENSOR_F64, 1, {m->n_features}, r->center},
		{"feature.fill", TENSOR_F64, 1, {m->n_features}, r->fill},
		{"feature.missing_share", TENSOR_F64, 1, {m->n_features}, c->missing_share},
		{"feature.scale", TENSOR_F64, 1, {m->n_features}, r->scale},
		{"feature.sketch", TENSOR_F64, 1, {c->n_points}, c->points},
		{"feature.sketch_n", TENSOR_U64, 1, {m->n_features}, c->sketch_n},
		{"forest.start", TENSOR_U64, 1, {(uint64_t)f->n_trees + 1}, f->tree_start},
		{"node.feature", TENSOR_I32, 1, {f->n_nodes}, f->feature},
		{"node.left", TENSOR_I32, 1, {f->n_nodes}, f->left},
		{"node.n_samples", TENSOR_U32, 1, {f->n_nodes}, f->n_samples},
		{"node.right", TENSOR_I32, 1, {f->n_nodes}, f->right},
		{"node.threshold", TENSOR_F32, 1, {f->n_nodes}, f->threshold},
		{"node.when_missing_left", TENSOR_U8, 1, {f->n_nodes}, f->missing_left},
	};
	for (size_t i = 0; i < TENSORS; i++) {
		p->tensors[p->n] = tensors[i];
		snprintf(p->names[p->n], NAME_BYTES, "%s%s", prefix, tensors[i].name);
		p->tensors[p->n].name = p->names[p->n];
		p->n++;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static int parts_init(struct parts *p, const struct model *m, struct error *err)
{
	size_t n_models = m->group_ids.n + 1;
	char prefix[MODEL_PREFIX_MAX];

	*p = (struct parts){.n = 0};
	p->tensors = mem_alloc(n_models, TENSORS * sizeof(*p->tensors), err);
	p->names = mem_alloc(n_models, TENSORS * sizeof(*p->names), err);
	p->columns = mem_alloc(n_models, sizeof(*p->columns), err);
	if (!p->tensors || !p->names || !p->columns || add_parts(p, "", m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->group_ids.n; i++) {
		model_group_prefix(prefix, i);
		if (add_parts(p, prefix, m->groups[i], err) < 0)
			return -1;
	}
	qsort(p->tensors, p->n, sizeof(*p->tensors), compare_names);
	return 0;
}

int model_encode(struct model *m, struct buf *out, struct error *err)
{
	struct parts p;
	struct buf config = BUF_INIT;
	char digest[SHA256_HEX];
	int rc = -1;

	if (parts_init(&p, m, err) < 0 || model_config_write(m, &config, err) < 0 ||
	    buf_terminate(&config, err) < 0)
		goto out;
	rc = tensorfile_write(out, p.tensors, p.n, config.data, digest, err);
	if (rc == 0)
		model_set_digest(m, digest);
out:
	parts_release(&p);
	buf_release(&config);
	return rc;
}
