#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/model/model.h"

/* The rows of each group. */
struct counts {
	uint64_t *rows; /* [n_groups + 1] */
	uint64_t largest;
};

static int count_rows(struct counts *c, size_t n_groups, const uint32_t *group, uint64_t n_rows,
		      struct error *err)
{
	*c = (struct counts){.rows = mem_alloc(n_groups + 1, sizeof(*c->rows), err)};
	if (!c->rows)
		return -1;
	for (uint64_t i = 0; i < n_rows; i++)
		c->rows[group[i]]++;
	for (size_t g = 1; g <= n_groups; g++)
		if (c->rows[g] > c->largest)
			c->largest = c->rows[g];
	return 0;
}

/* Copies the values that the common model has features for; its features are some of the names, in
 * their order. */
static uint64_t gather(const struct model *m, const double *x, uint64_t n_rows, size_t n_fields,
		       const size_t *column, const uint32_t *group, uint32_t g, double *to)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < n_rows; i++) {
		if (group[i] != g)
			continue;
		for (size_t j = 0; j < m->n_features; j++)
			to[n * m->n_features + j] = x[i * n_fields + column[j]];
		n++;
	}
	return n;
}

static size_t *find_columns(const struct model *m, const char *const *names, struct error *err)
{
	size_t *column = mem_alloc(m->n_features, sizeof(*column), err), k = 0;

	for (size_t j = 0; column && j < m->n_features; j++, k++) {
		while (strcmp(names[k], m->features[j].name) != 0)
			k++;
		column[j] = k;
	}
	return column;
}

/* A group's model: 1, 0 when there is nothing to learn, -1. */
static int train_group(const struct model *m, const struct train_options *options, const double *x,
		       uint64_t n, struct model **group, struct error *err)
{
	struct train_result result;
	const char **names = mem_alloc(m->n_features, sizeof(*names), err);

	if (!names)
		return -1;
	for (size_t j = 0; j < m->n_features; j++)
		names[j] = m->features[j].name;
	*group = model_train(options, x, n, names, m->n_features, &result, err);
	free(names);
	if (!*group)
		return err->kind == ERROR_DATA ? 0 : -1;
	return 1;
}

/* Keeps a group's model and its name at the front of both lists. */
static void keep(struct model *m, struct key_ids *ids, size_t *kept, size_t from,
		 struct model *group)
{
	char *name = ids->names[from];

	ids->names[from] = ids->names[*kept];
	ids->names[*kept] = name;
	m->groups[(*kept)++] = group;
}

int model_train_groups(struct model *m, const struct train_options *options, const double *x,
		       uint64_t n_rows, const char *const *names, size_t n_fields,
		       const uint32_t *group, struct key_ids *ids, const char *by, size_t *n_small,
		       struct error *err)
{
	struct counts counts = {.rows = NULL};
	size_t *column = NULL, kept = 0, n_groups = ids->n;
	double *rows = NULL;
	int rc = -1;

	if (count_rows(&counts, n_groups, group, n_rows, err) ||
	    !(m->by = mem_strndup(by, strlen(by), err)) ||
	    !(m->groups = mem_alloc(n_groups, sizeof(struct model *), err)) ||
	    !(column = find_columns(m, names, err)) ||
	    !(rows = mem_alloc(counts.largest * m->n_features, sizeof(*rows), err)))
		goto out;
	for (size_t g = 0; g < n_groups; g++) {
		struct model *one = NULL;
		if (counts.rows[g + 1] < MODEL_GROUP_ROWS_MIN)
			continue;
		uint64_t n = gather(m, x, n_rows, n_fields, column, group, (uint32_t)g + 1, rows);
		int ret = train_group(m, options, rows, n, &one, err);
		if (ret < 0)
			goto out;
		if (ret)
			keep(m, ids, &kept, g, one);
	}
	*n_small = n_groups - kept;
	for (size_t g = kept; g < n_groups; g++)
		free(ids->names[g]);
	ids->n = kept;
	m->group_ids = *ids;
	*ids = (struct key_ids){.n = 0};
	rc = 0;
out:
	for (size_t g = 0; rc && g < kept; g++)
		model_free(m->groups[g]);
	free(counts.rows);
	free(column);
	free(rows);
	return rc;
}
