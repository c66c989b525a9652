/*
 * AVX-512: 16 rows a vector, 8 vectors side by side. A tree is filled up to a perfect one and held
 * as a heap: the root at 1, the children of i at 2i and 2i + 1. On the upper 8 levels thresholds
 * and features are looked up by permuting registers; below, and the leaves, by gathers. The low
 * bits of a node's index are its place within its level, and permutes read just these. A row's
 * value of a feature comes from registers where rows are narrow, else from a gather.
 */
#include "lib/model/forest_plan.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512dq")))
#define INLINE static inline __attribute__((always_inline)) TARGET

#define LANES 16
#define VECTORS 8
#define ROWS (LANES * VECTORS)
#define NARROW 8 /* features that fit into registers */
#define DEPTH_MAX 12
#define SLOTS_PER_NODE 8 /* a lopsided tree leaves most of a heap empty: how much is borne */
#define SLOTS_FREE 65536
#define STRIDE_MAX (INT32_MAX / (LANES + 1))
#define MISSING_RIGHT INT32_MIN /* beside the feature: NaN goes right */

/* The heaps of a tree lie behind those of the one before it. */
struct tree {
	uint64_t node;  /* where its thresholds begin in nodes; its features follow */
	uint64_t value; /* in values */
	uint32_t depth;
};

struct scratch {
	_Alignas(64) float x[NARROW][ROWS];
};

static bool available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

/* Entries of a heap of this depth; whole vectors. */
static uint64_t heap_size(uint32_t depth)
{
	return depth < 4 ? LANES : UINT64_C(1) << depth;
}

/* The depths of the nodes of a tree, and the largest of them. */
static uint32_t node_depths(const struct forest *f, uint32_t t, uint32_t *edges)
{
	uint64_t start = f->tree_start[t];
	uint32_t n = (uint32_t)(f->tree_start[t + 1] - start), deepest = 0;

	edges[0] = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (edges[i] > deepest)
			deepest = edges[i];
		if (f->feature[start + i] >= 0)
			edges[f->left[start + i]] = edges[f->right[start + i]] = edges[i] + 1;
	}
	return deepest;
}

/*
 * slot[i] becomes the place in the heap of the forest's node i. A leaf above the last level gives
 * its value to all places below it, so it does not matter which way rows go from there.
 */
static void lay_out_tree(struct forest_plan *plan, uint32_t t, const uint32_t *edges,
			 uint32_t *slot)
{
	const struct forest *f = plan->forest;
	const struct tree *tree = (struct tree *)plan->trees + t;
	uint64_t start = f->tree_start[t], size = heap_size(tree->depth);
	uint32_t n = (uint32_t)(f->tree_start[t + 1] - start);
	float *threshold = (float *)plan->nodes + tree->node;
	int32_t *feature = (int32_t *)plan->nodes + tree->node + size;
	double *value = plan->values + tree->value;

	slot[0] = 1;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t k = start + i;
		uint32_t below = tree->depth - edges[i];

		if (f->feature[k] >= 0) {
			threshold[slot[i]] = f->threshold[k];
			feature[slot[i]] = f->feature[k];
			if (!f->missing_left[k])
				feature[slot[i]] |= MISSING_RIGHT;
			slot[f->left[k]] = 2 * slot[i];
			slot[f->right[k]] = 2 * slot[i] + 1;
			continue;
		}

		double v = leaf_value(plan, edges[i], f->n_samples[k]);
		uint32_t first = (slot[i] << below) - (UINT32_C(1) << tree->depth);

		for (uint32_t j = 0; j < UINT32_C(1) << below; j++)
			value[first + j] = v;
	}
}

static int lay_out(struct forest_plan *plan, struct error *err)
{
	const struct forest *f = plan->forest;
	uint64_t n_slots = 0;
	uint32_t *edges = NULL, *slot = NULL, largest = 0;
	struct tree *trees;
	int rc = -1;

	if (f->max_depth > DEPTH_MAX || f->n_features > STRIDE_MAX)
		return error_set(
			err, ERROR_CONFIG,
			"kernel 'avx512': not for trees deeper than %d, or over %d features",
			DEPTH_MAX, STRIDE_MAX);
	for (uint32_t t = 0; t < f->n_trees; t++) {
		uint32_t n = (uint32_t)(f->tree_start[t + 1] - f->tree_start[t]);

		largest = n > largest ? n : largest;
	}
	if (!(edges = mem_alloc(largest, sizeof(*edges), err)) ||
	    !(slot = mem_alloc(largest, sizeof(*slot), err)) ||
	    !(trees = plan->trees = mem_alloc(f->n_trees, sizeof(*trees), err)))
		goto out;
	for (uint32_t t = 0; t < f->n_trees; t++) {
		trees[t].depth = node_depths(f, t, edges);
		trees[t].node = 2 * n_slots;
		trees[t].value = n_slots;
		n_slots += heap_size(trees[t].depth);
	}
	if (n_slots > SLOTS_PER_NODE * f->n_nodes + SLOTS_FREE) {
		error_set(err, ERROR_CONFIG, "kernel 'avx512': not for trees this lopsided");
		goto out;
	}
	if (!(plan->nodes = mem_alloc_aligned(2 * n_slots, sizeof(float), err)) ||
	    !(plan->values = mem_alloc_aligned(n_slots, sizeof(double), err)))
		goto out;
	for (uint32_t t = 0; t < f->n_trees; t++) {
		node_depths(f, t, edges);
		lay_out_tree(plan, t, edges, slot);
	}
	plan->scratch = sizeof(struct scratch);
	rc = 0;
out:
	free(edges);
	free(slot);
	return rc;
}

/* The 32 entries at `table`, each lane its own by the low 5 bits of `at`. */
INLINE __m512i pick32(const int32_t *table, __m512i at)
{
	return _mm512_permutex2var_epi32(_mm512_load_si512(table), at,
					 _mm512_load_si512(table + 16));
}

/* Bit `bit` of each lane. */
INLINE __mmask16 bit_mask(__m512i x, unsigned bit)
{
	return _mm512_movepi32_mask(_mm512_slli_epi32(x, 31 - bit));
}

/* heap[at], where all lanes are on one level. */
INLINE __m512i pick(const int32_t *heap, unsigned level, __m512i at)
{
	__m512i low, high;

	switch (level) {
	case 0:
	case 1:
	case 2:
	case 3:
		return _mm512_permutexvar_epi32(at, _mm512_load_si512(heap));
	case 4:
		return _mm512_permutexvar_epi32(at, _mm512_load_si512(heap + 16));
	case 5:
		return pick32(heap + 32, at);
	case 6:
		return _mm512_mask_blend_epi32(bit_mask(at, 5), pick32(heap + 64, at),
					       pick32(heap + 96, at));
	case 7:
		low = _mm512_mask_blend_epi32(bit_mask(at, 5), pick32(heap + 128, at),
					      pick32(heap + 160, at));
		high = _mm512_mask_blend_epi32(bit_mask(at, 5), pick32(heap + 192, at),
					       pick32(heap + 224, at));
		return _mm512_mask_blend_epi32(bit_mask(at, 6), low, high);
	default:
		return _mm512_i32gather_epi32(at, heap, 4);
	}
}

/* 16 rows: their features in columns, or where narrow is 0 as they came. */
struct rows {
	const float *x;
	__m512i offset; /* of each row */
};

/* Each lane's of 4 columns, by two bits of its feature's number. */
INLINE __m512 select4(const float *column, __mmask16 bit0, __mmask16 bit1)
{
	__m512 low =
		_mm512_mask_blend_ps(bit0, _mm512_load_ps(column), _mm512_load_ps(column + ROWS));
	__m512 high = _mm512_mask_blend_ps(bit0, _mm512_load_ps(column + 2 * ROWS),
					   _mm512_load_ps(column + 3 * ROWS));

	return _mm512_mask_blend_ps(bit1, low, high);
}

/* Each lane's value of its feature. */
INLINE __m512 value_of(unsigned narrow, const struct rows *rows, __m512i feature)
{
	if (!narrow) {
		feature = _mm512_andnot_si512(_mm512_set1_epi32(MISSING_RIGHT), feature);
		return _mm512_i32gather_ps(_mm512_add_epi32(rows->offset, feature), rows->x, 4);
	}

	__mmask16 bit0 = bit_mask(feature, 0), bit1 = bit_mask(feature, 1);
	__m512 low = select4(rows->x, bit0, bit1);

	if (narrow == 4)
		return low;
	return _mm512_mask_blend_ps(bit_mask(feature, 2), low,
				    select4(rows->x + 4 * ROWS, bit0, bit1));
}

/* From a node to its child. */
INLINE __m512i step(const int32_t *heaps, uint64_t size, unsigned level, unsigned narrow,
		    bool missing, const struct rows *rows, __m512i at)
{
	__m512 threshold = _mm512_castsi512_ps(pick(heaps, level, at));
	__m512i feature = pick(heaps + size, level, at);
	__m512 v = value_of(narrow, rows, feature);
	__mmask16 right = _mm512_cmp_ps_mask(v, threshold, _CMP_GT_OQ);

	if (missing)
		right |= _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q) & _mm512_movepi32_mask(feature);
	at = _mm512_add_epi32(at, at);
	return _mm512_mask_add_epi32(at, right, at, _mm512_set1_epi32(1));
}

INLINE void add_leaves(const double *values, uint32_t depth, __m512i at, double sum[LANES])
{
	__m512i leaf = _mm512_sub_epi32(at, _mm512_set1_epi32(1 << depth));
	__m512d low = _mm512_i32gather_pd(_mm512_castsi512_si256(leaf), values, 8);
	__m512d high = _mm512_i32gather_pd(_mm512_extracti64x4_epi64(leaf, 1), values, 8);

	_mm512_storeu_pd(sum, _mm512_add_pd(_mm512_loadu_pd(sum), low));
	_mm512_storeu_pd(sum + 8, _mm512_add_pd(_mm512_loadu_pd(sum + 8), high));
}

/* n_vectors x 16 rows; narrow, n_vectors and missing are constants where this is called. */
INLINE void walk(const struct forest_plan *plan, unsigned narrow, unsigned n_vectors, bool missing,
		 const struct rows *rows, double *sum)
{
	const struct tree *tree = plan->trees;

	for (unsigned i = 0; i < n_vectors * LANES; i++)
		sum[i] = 0;
	for (uint32_t t = 0; t < plan->forest->n_trees; t++, tree++) {
		const int32_t *heaps = (const int32_t *)plan->nodes + tree->node;
		uint64_t size = heap_size(tree->depth);
		__m512i at[VECTORS];

		for (unsigned i = 0; i < n_vectors; i++)
			at[i] = _mm512_set1_epi32(1);
#define STEP(level)                              \
	for (unsigned i = 0; i < n_vectors; i++) \
		at[i] = step(heaps, size, level, narrow, missing, &rows[i], at[i]);
#define STEP_IF(level)             \
	if (tree->depth > (level)) \
	STEP(level)
		STEP_IF(0)
		STEP_IF(1)
		STEP_IF(2)
		STEP_IF(3)
		STEP_IF(4)
		STEP_IF(5)
		STEP_IF(6)
		STEP_IF(7)
		for (uint32_t level = 8; level < tree->depth; level++)
			STEP(8)
		for (unsigned i = 0; i < n_vectors; i++)
			add_leaves(plan->values + tree->value, tree->depth, at[i], sum + i * LANES);
	}
}

#define WALK(name, narrow, n_vectors, missing)                                           \
	TARGET static void name(const struct forest_plan *plan, const struct rows *rows, \
				double *sum)                                             \
	{                                                                                \
		walk(plan, narrow, n_vectors, missing, rows, sum);                       \
	}

WALK(walk_4, 4, VECTORS, false)
WALK(walk_8, 8, VECTORS, false)
WALK(walk_wide, 0, VECTORS, false)
WALK(walk_4_missing, 4, 1, true)
WALK(walk_8_missing, 8, 1, true)
WALK(walk_wide_missing, 0, 1, true)

/* Up to ROWS rows. */
TARGET static void block(const struct forest_plan *plan, const float *x, size_t n, size_t stride,
			 double *depth, struct scratch *scratch)
{
	uint32_t n_features = plan->forest->n_features;
	bool few = n < ROWS || rows_have_missing(x, n, stride, n_features);
	bool wide = n_features > NARROW;
	struct rows rows[VECTORS];
	double sum[ROWS];

	for (size_t j = 0; !wide && j < NARROW; j++) {
		for (size_t i = 0; i < ROWS; i++)
			scratch->x[j][i] = j < n_features && i < n ? x[i * stride + j] : 0;
	}
	for (size_t i = 0; i < VECTORS; i++) {
		int32_t offset[LANES]; /* lanes that have no row take the last one's */

		for (size_t lane = 0; lane < LANES; lane++) {
			size_t row = i * LANES + lane < n ? lane : (n - 1) % LANES;

			offset[lane] = (int32_t)(row * stride);
		}
		rows[i].x = wide ? x + i * LANES * stride : &scratch->x[0][i * LANES];
		rows[i].offset = _mm512_loadu_si512(offset);
	}
	if (!few) {
		(wide ? walk_wide : n_features > 4 ? walk_8 : walk_4)(plan, rows, sum);
	} else {
		for (size_t i = 0; i * LANES < n; i++)
			(wide             ? walk_wide_missing
			 : n_features > 4 ? walk_8_missing
					  : walk_4_missing)(plan, &rows[i], sum + i * LANES);
	}
	memcpy(depth, sum, n * sizeof(*depth));
}

static void depths(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		   double *depth, void *scratch)
{
	if (stride > STRIDE_MAX) { /* offsets would not fit into 32 bits */
		kernel_scalar.depths(plan, x, n_rows, stride, depth, scratch);
		return;
	}
	for (size_t i = 0; i < n_rows; i += ROWS)
		block(plan, x + i * stride, n_rows - i < ROWS ? n_rows - i : ROWS, stride,
		      depth + i, scratch);
}

#else

static bool available(void)
{
	return false;
}

static int lay_out(struct forest_plan *plan, struct error *err)
{
	(void)plan;
	return error_set(err, ERROR_CONFIG, "kernel 'avx512': not on this processor");
}

#define depths NULL

#endif

const struct kernel kernel_avx512 = {"avx512", available, lay_out, depths};
