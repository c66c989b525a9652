#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/model/model_config.h"
#include "lib/model/tensorfile.h"

/* Where the tensors of one model stand in the file. */
struct source {
	const struct tensorfile *file;
	char prefix[MODEL_PREFIX_MAX]; /* "" or "g/<i>/" */
};

/* The one-dimensional tensor of a name. */
static const struct tensor *find_tensor(const struct source *from, const char *name,
					enum tensor_type type, struct error *err)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s%s", from->prefix, name);
	return tensorfile_find(from->file, whole, type, 1, err);
}

/* Copies the tensor of a name, whose one dimension must be n, to `to`. */
static int copy_tensor(const struct source *from, const char *name, enum tensor_type type,
		       uint64_t n, void *to, struct error *err)
{
	const struct tensor *t = find_tensor(from, name, type, err);
	if (!t)
		return -1;
	if (t->shape[0] != n)
		return error_set(err, ERROR_CONFIG, "tensor '%s%s' has not the size it must have",
				 from->prefix, name);
	if (n)
		memcpy(to, t->data, n * tensor_type_size(type));
	return 0;
}

static int decode_prepare(struct model *m, const struct source *from, struct error *err)
{
	struct prepare *p = &m->prepare;
	if (copy_tensor(from, "feature.center", TENSOR_F64, m->n_features, p->center, err) < 0 ||
	    copy_tensor(from, "feature.fill", TENSOR_F64, m->n_features, p->fill, err) < 0 ||
	    copy_tensor(from, "feature.scale", TENSOR_F64, m->n_features, p->scale, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_features; i++) {
		if (p->impute == IMPUTE_NONE ? !isnan(p->fill[i]) : !isfinite(p->fill[i]))
			return error_set(err, ERROR_CONFIG,
					 "feature '%s' has a fill that does not go with the impute "
					 "'%s'",
					 m->features[i].name, impute_names[p->impute]);
		if (!isfinite(p->center[i]) || !isfinite(p->scale[i]) || p->scale[i] <= 0)
			return error_set(err, ERROR_CONFIG,
					 "feature '%s' has an impossible center or scale",
					 m->features[i].name);
	}
	return 0;
}

static int check_sketch(const struct sketch *s, const char *what, struct error *err)
{
	for (uint32_t i = 0; i < s->points; i++)
		if (!isfinite(s->at[i]) || (i > 0 && s->at[i] < s->at[i - 1]))
			return error_set(err, ERROR_CONFIG,
					 "sketch of '%s' does not ascend from number to number",
					 what);
	return 0;
}

/* The features' sketches stand behind each other, each with as many points as its n gives. */
static int take_sketches(struct model *m, uint64_t n_points, struct error *err)
{
	uint64_t at = 0;
	for (size_t i = 0; i < m->n_features; i++) {
		struct model_feature *f = &m->features[i];
		f->sketch.points = sketch_points(f->sketch.n);
		if (f->sketch.points > n_points - at)
			return error_set(err, ERROR_CONFIG, "tensor 'feature.sketch' is too short");
		f->sketch.at = m->points + at;
		at += f->sketch.points;
		if (!(f->missing_share >= 0 && f->missing_share <= 1))
			return error_set(err, ERROR_CONFIG,
					 "feature '%s' has an impossible missing share", f->name);
		if (check_sketch(&f->sketch, f->name, err) < 0)
			return -1;
	}
	if (at != n_points)
		return error_set(err, ERROR_CONFIG, "tensor 'feature.sketch' is too long");
	return 0;
}

static int decode_features(struct model *m, const struct source *from, struct error *err)
{
	const struct tensor *t = find_tensor(from, "feature.sketch", TENSOR_F64, err);
	uint64_t *sketch_n = NULL;
	double *missing_share = NULL;
	int rc = -1;

	if (!t || !(m->points = mem_alloc(t->shape[0], sizeof(double), err)) ||
	    !(sketch_n = mem_alloc(m->n_features, sizeof(*sketch_n), err)) ||
	    !(missing_share = mem_alloc(m->n_features, sizeof(*missing_share), err)) ||
	    copy_tensor(from, "feature.sketch", TENSOR_F64, t->shape[0], m->points, err) < 0 ||
	    copy_tensor(from, "feature.sketch_n", TENSOR_U64, m->n_features, sketch_n, err) < 0 ||
	    copy_tensor(from, "feature.missing_share", TENSOR_F64, m->n_features, missing_share,
			err) < 0)
		goto out;
	for (size_t i = 0; i < m->n_features; i++) {
		m->features[i].sketch.n = sketch_n[i];
		m->features[i].missing_share = missing_share[i];
	}
	rc = take_sketches(m, t->shape[0], err);
out:
	free(sketch_n);
	free(missing_share);
	return rc;
}

static int decode_scores(struct model *m, const struct source *from, uint64_t n, struct error *err)
{
	struct sketch *s = &m->scores;
	s->n = n;
	s->points = sketch_points(n);
	if (!(s->at = mem_alloc(s->points, sizeof(double), err)) ||
	    copy_tensor(from, "calibration.scores", TENSOR_F64, s->points, s->at, err) < 0)
		return -1;
	return check_sketch(s, "calibration.scores", err);
}

static int decode_forest(struct model *m, const struct source *from, uint32_t max_samples,
			 struct error *err)
{
	const struct tensor *start = find_tensor(from, "forest.start", TENSOR_U64, err);
	const struct tensor *left = find_tensor(from, "node.left", TENSOR_I32, err);
	if (!start || !left)
		return -1;
	uint64_t n = left->shape[0];
	if (start->shape[0] < 2 || start->shape[0] - 1 > FOREST_TREES_MAX)
		return error_set(err, ERROR_CONFIG, "tensor 'forest.start' is not of 1 to %u trees",
				 FOREST_TREES_MAX);
	struct forest *f = forest_new((uint32_t)(start->shape[0] - 1), n, err);
	if (!f)
		return -1;
	m->forest = f;
	f->n_features = (uint32_t)m->n_features;
	f->max_samples = max_samples;
	if (copy_tensor(from, "forest.start", TENSOR_U64, start->shape[0], f->tree_start, err) <
		    0 ||
	    copy_tensor(from, "node.feature", TENSOR_I32, n, f->feature, err) < 0 ||
	    copy_tensor(from, "node.left", TENSOR_I32, n, f->left, err) < 0 ||
	    copy_tensor(from, "node.n_samples", TENSOR_U32, n, f->n_samples, err) < 0 ||
	    copy_tensor(from, "node.right", TENSOR_I32, n, f->right, err) < 0 ||
	    copy_tensor(from, "node.threshold", TENSOR_F32, n, f->threshold, err) < 0 ||
	    copy_tensor(from, "node.when_missing_left", TENSOR_U8, n, f->missing_left, err) < 0)
		return -1;
	return forest_check(f, err);
}

/* All of one model but its groups. */
static int decode_one(struct model *m, const struct source *from, const struct model_sizes *sizes,
		      struct error *err)
{
	return decode_prepare(m, from, err) < 0 || decode_features(m, from, err) < 0 ||
			       decode_scores(m, from, sizes->n_scores, err) < 0 ||
			       decode_forest(m, from, sizes->max_samples, err) < 0
		       ? -1
		       : 0;
}

static int decode_all(struct model *m, const struct tensorfile *file, struct error *err)
{
	struct model_sizes *sizes = NULL;
	struct source from = {.file = file};
	int rc = -1;

	if (model_config_read(m, file->config, &sizes, err) < 0 ||
	    decode_one(m, &from, &sizes[0], err) < 0)
		goto out;
	for (size_t i = 0; i < m->group_ids.n; i++) {
		model_group_prefix(from.prefix, i);
		if (decode_one(m->groups[i], &from, &sizes[i + 1], err) < 0) {
			error_prefix(err, "group '%s'", m->group_ids.names[i]);
			goto out;
		}
	}
	rc = 0;
out:
	free(sizes);
	return rc;
}

struct model *model_decode(const void *bytes, size_t n, const char *name, struct error *err)
{
	struct tensorfile file;
	struct model *m = mem_alloc(1, sizeof(*m), err);

	if (!m)
		return NULL;
	if (tensorfile_read(&file, bytes, n, err) < 0)
		goto fail;
	int rc = decode_all(m, &file, err);
	model_set_digest(m, file.digest);
	tensorfile_release(&file);
	if (rc == 0)
		return m;
fail:
	model_free(m);
	error_at(err, name, 0, 0);
	return NULL;
}
