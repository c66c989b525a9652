#include "lib/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/file.h"
#include "lib/model/model_config.h"
#include "lib/model/tensorfile.h"

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_features; i++)
		free(m->features[i].name);
	for (size_t i = 0; i < m->n_left_out; i++)
		free(m->left_out[i]);
	free(m->features);
	free(m->left_out);
	free(m->points);
	free(m->scores.at);
	free(m->source);
	prepare_release(&m->prepare);
	forest_free(m->forest);
	free(m);
}

static void set_digest(struct model *m, const char digest[SHA256_HEX])
{
	memcpy(m->digest, digest, SHA256_HEX);
	memcpy(m->version, digest, MODEL_VERSION_LEN);
	m->version[MODEL_VERSION_LEN] = '\0';
}

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

int model_encode(struct model *m, struct buf *out, struct error *err)
{
	struct columns c;
	struct buf config = BUF_INIT;
	char digest[SHA256_HEX];
	const struct forest *f = m->forest;
	const struct prepare *p = &m->prepare;
	int rc = -1;

	if (columns_init(&c, m, err) < 0 || model_config_write(m, &config, err) < 0 ||
	    buf_terminate(&config, err) < 0)
		goto out;
	/* By name, and named so that wider elements come first: each tensor is aligned. */
	const struct tensor tensors[] = {
		{"calibration.scores", TENSOR_F64, 1, {m->scores.points}, m->scores.at},
		{"feature.center", TENSOR_F64, 1, {m->n_features}, p->center},
		{"feature.fill", TENSOR_F64, 1, {m->n_features}, p->fill},
		{"feature.missing_share", TENSOR_F64, 1, {m->n_features}, c.missing_share},
		{"feature.scale", TENSOR_F64, 1, {m->n_features}, p->scale},
		{"feature.sketch", TENSOR_F64, 1, {c.n_points}, c.points},
		{"feature.sketch_n", TENSOR_U64, 1, {m->n_features}, c.sketch_n},
		{"forest.start", TENSOR_U64, 1, {(uint64_t)f->n_trees + 1}, f->tree_start},
		{"node.feature", TENSOR_I32, 1, {f->n_nodes}, f->feature},
		{"node.left", TENSOR_I32, 1, {f->n_nodes}, f->left},
		{"node.n_samples", TENSOR_U32, 1, {f->n_nodes}, f->n_samples},
		{"node.right", TENSOR_I32, 1, {f->n_nodes}, f->right},
		{"node.threshold", TENSOR_F32, 1, {f->n_nodes}, f->threshold},
		{"node.when_missing_left", TENSOR_U8, 1, {f->n_nodes}, f->missing_left},
	};
	rc = tensorfile_write(out, tensors, sizeof(tensors) / sizeof(*tensors), config.data, digest,
			      err);
	if (rc == 0)
		set_digest(m, digest);
out:
	columns_release(&c);
	buf_release(&config);
	return rc;
}

/* Copies the tensor of a name, whose one dimension must be n, to `to`. */
static int copy_tensor(const struct tensorfile *file, const char *name, enum tensor_type type,
		       uint64_t n, void *to, struct error *err)
{
	const struct tensor *t = tensorfile_find(file, name, type, 1, err);
	if (!t)
		return -1;
	if (t->shape[0] != n)
		return error_set(err, ERROR_CONFIG, "tensor '%s' has not the size it must have",
				 name);
	if (n)
		memcpy(to, t->data, n * tensor_type_size(type));
	return 0;
}

static int decode_prepare(struct model *m, const struct tensorfile *file, struct error *err)
{
	struct prepare *p = &m->prepare;
	if (copy_tensor(file, "feature.center", TENSOR_F64, m->n_features, p->center, err) < 0 ||
	    copy_tensor(file, "feature.fill", TENSOR_F64, m->n_features, p->fill, err) < 0 ||
	    copy_tensor(file, "feature.scale", TENSOR_F64, m->n_features, p->scale, err) < 0)
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

static int decode_features(struct model *m, const struct tensorfile *file, struct error *err)
{
	const struct tensor *t = tensorfile_find(file, "feature.sketch", TENSOR_F64, 1, err);
	uint64_t *sketch_n = NULL;
	double *missing_share = NULL;
	int rc = -1;

	if (!t || !(m->points = mem_alloc(t->shape[0], sizeof(double), err)) ||
	    !(sketch_n = mem_alloc(m->n_features, sizeof(*sketch_n), err)) ||
	    !(missing_share = mem_alloc(m->n_features, sizeof(*missing_share), err)) ||
	    copy_tensor(file, "feature.sketch", TENSOR_F64, t->shape[0], m->points, err) < 0 ||
	    copy_tensor(file, "feature.sketch_n", TENSOR_U64, m->n_features, sketch_n, err) < 0 ||
	    copy_tensor(file, "feature.missing_share", TENSOR_F64, m->n_features, missing_share,
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

static int decode_scores(struct model *m, const struct tensorfile *file, uint64_t n,
			 struct error *err)
{
	struct sketch *s = &m->scores;
	s->n = n;
	s->points = sketch_points(n);
	if (!(s->at = mem_alloc(s->points, sizeof(double), err)) ||
	    copy_tensor(file, "calibration.scores", TENSOR_F64, s->points, s->at, err) < 0)
		return -1;
	return check_sketch(s, "calibration.scores", err);
}

static int decode_forest(struct model *m, const struct tensorfile *file, uint32_t max_samples,
			 struct error *err)
{
	const struct tensor *start = tensorfile_find(file, "forest.start", TENSOR_U64, 1, err);
	const struct tensor *left = tensorfile_find(file, "node.left", TENSOR_I32, 1, err);
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
	if (copy_tensor(file, "forest.start", TENSOR_U64, start->shape[0], f->tree_start, err) <
		    0 ||
	    copy_tensor(file, "node.feature", TENSOR_I32, n, f->feature, err) < 0 ||
	    copy_tensor(file, "node.left", TENSOR_I32, n, f->left, err) < 0 ||
	    copy_tensor(file, "node.n_samples", TENSOR_U32, n, f->n_samples, err) < 0 ||
	    copy_tensor(file, "node.right", TENSOR_I32, n, f->right, err) < 0 ||
	    copy_tensor(file, "node.threshold", TENSOR_F32, n, f->threshold, err) < 0 ||
	    copy_tensor(file, "node.when_missing_left", TENSOR_U8, n, f->missing_left, err) < 0)
		return -1;
	return forest_check(f, err);
}

struct model *model_decode(const void *bytes, size_t n, const char *name, struct error *err)
{
	struct tensorfile file;
	struct model_sizes sizes = {0};
	struct model *m = mem_alloc(1, sizeof(*m), err);
	if (!m)
		return NULL;
	if (tensorfile_read(&file, bytes, n, err) < 0)
		goto fail;
	int rc = model_config_read(m, file.config, &sizes, err);
	if (rc == 0)
		rc = decode_prepare(m, &file, err);
	if (rc == 0)
		rc = decode_features(m, &file, err);
	if (rc == 0)
		rc = decode_scores(m, &file, sizes.n_scores, err);
	if (rc == 0)
		rc = decode_forest(m, &file, sizes.max_samples, err);
	set_digest(m, file.digest);
	tensorfile_release(&file);
	if (rc == 0)
		return m;
fail:
	model_free(m);
	error_at(err, name, 0, 0);
	return NULL;
}

struct model *model_load(const char *path, struct error *err)
{
	struct buf bytes = BUF_INIT;
	struct model *m = NULL;
	if (file_read(path, MODEL_FILE_MAX, &bytes, err) == 0)
		m = model_decode(bytes.data, bytes.len, path, err);
	buf_release(&bytes);
	return m;
}

int model_save(struct model *m, const char *path, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = model_encode(m, &bytes, err) < 0 ||
				 file_replace(path, bytes.data, bytes.len, err) < 0
			 ? -1
			 : 0;

	buf_release(&bytes);
	return rc;
}
