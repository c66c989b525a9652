#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/sim/placeholder.h"
#include "lib/sim/profile_impl.h"

/* An attribute of this name, zeroed. n is the place that it is named at. */
static struct attribute *add_attribute(struct profile *p, const struct node *n, const char *name,
				       struct error *err)
{
	if (profile_check_name(n, name, err))
		return NULL;
	if (placeholder_is_builtin(name) || profile_attribute(p, name) >= 0) {
		node_fail(n, err, "the name '%s' is taken", name);
		return NULL;
	}
	if (MEM_GROW(&p->attributes, &p->cap_attributes, p->n_attributes + 1, err))
		return NULL;
	struct attribute *a = &p->attributes[p->n_attributes];
	*a = (struct attribute){.name = mem_strndup(name, strlen(name), err)};
	if (!a->name)
		return NULL;
	p->n_attributes++;
	return a;
}

/* A column of the rows: what the first row has under this name decides its kind. */
static int read_column(struct profile *p, const struct node *rows, const char *name, size_t n_rows,
		       struct error *err)
{
	struct node first = node_item(rows, 0), cell;
	struct attribute *a;

	node_get(&first, name, &cell);
	if (!(a = add_attribute(p, &cell, name, err)))
		return -1;
	a->n = n_rows;
	a->kind = json_is_string(cell.json) ? ATTRIBUTE_TEXTS : ATTRIBUTE_NUMBERS;
	if (a->kind == ATTRIBUTE_TEXTS)
		a->texts = mem_alloc(n_rows, sizeof(*a->texts), err);
	else
		a->numbers = mem_alloc(n_rows, sizeof(*a->numbers), err);
	if (!a->texts && !a->numbers)
		return -1;
	a->whole = a->numbers != NULL;
	for (size_t i = 0; i < n_rows; i++) {
		struct node row = node_item(rows, i), value;

		if (node_object(&row, NULL, err) || node_need(&row, name, &value, err) ||
		    (a->texts ? node_text(&value, &a->texts[i], err)
			      : node_real(&value, -PROFILE_REAL_MAX, PROFILE_REAL_MAX,
					  &a->numbers[i], err)))
			return -1;
		a->whole &= json_is_integer(value.json);
	}
	return 0;
}

static int read_rows(struct profile *p, const struct node *rows, struct error *err)
{
	const char *name;
	json_t *value;

	if (node_array(rows, &p->n_rows, err))
		return -1;
	struct node first = node_item(rows, 0);
	if (node_object(&first, NULL, err))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)first.json, name, value)
	{
		if (read_column(p, rows, name, p->n_rows, err))
			return -1;
	}
	for (size_t i = 1; i < p->n_rows; i++) {
		struct node row = node_item(rows, i);
		json_object_foreach((json_t *)(uintptr_t)row.json, name, value)
		{
			struct node cell = {.json = value, .up = &row, .key = name};
			if (!json_object_get(first.json, name))
				return node_fail(&cell, err, "the first row lacks '%s'", name);
		}
	}
	return 0;
}

static int read_choice(struct attribute *a, const struct node *n, struct error *err)
{
	if (node_array(n, &a->n, err) || !(a->texts = mem_alloc(a->n, sizeof(*a->texts), err)))
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		struct node item = node_item(n, i);
		if (node_text(&item, &a->texts[i], err))
			return -1;
	}
	return 0;
}

static int read_draw(struct profile *p, const struct node *n, struct error *err)
{
	static const char *const known[] = {"uniform", "normal", "choice", NULL};
	struct attribute *a = add_attribute(p, n, n->key, err);
	double range[2] = {0, 0};
	struct node how;

	if (!a || node_object(n, known, err))
		return -1;
	if (json_object_size(n->json) != 1)
		return node_fail(n, err, "takes one of 'uniform', 'normal' and 'choice'");
	if (node_get(n, "choice", &how)) {
		a->kind = ATTRIBUTE_CHOICE;
		return read_choice(a, &how, err);
	}
	if (node_get(n, "uniform", &how)) {
		a->kind = ATTRIBUTE_UNIFORM;
		if (node_range(&how, -PROFILE_REAL_MAX, PROFILE_REAL_MAX, range, err))
			return -1;
	} else if (node_get(n, "normal", &how)) {
		a->kind = ATTRIBUTE_NORMAL;
		if (json_array_size(how.json) != 2)
			return node_refuse(&how, "[mean, standard deviation]", err);
		struct node mean = node_item(&how, 0), sd = node_item(&how, 1);
		if (node_real(&mean, -PROFILE_REAL_MAX, PROFILE_REAL_MAX, &range[0], err) ||
		    node_real(&sd, 0, PROFILE_REAL_MAX, &range[1], err))
			return -1;
	}
	a->a = range[0];
	a->b = range[1];
	return 0;
}

int profile_read_sensors(struct profile *p, const struct node *n, struct error *err)
{
	static const char *const known[] = {"count", "rows", "draw", "seed", NULL};
	const char *name;
	uint64_t count;
	struct node m;
	json_t *value;

	if (node_object(n, known, err) || (node_get(n, "rows", &m) && read_rows(p, &m, err)))
		return -1;
	count = p->n_rows ? p->n_rows : 1;
	if (node_get(n, "count", &m) && node_count(&m, 1, PROFILE_SENSORS_MAX, &count, err))
		return -1;
	p->n_sensors = count;
	if (node_get(n, "seed", &m) && node_count(&m, 0, UINT64_C(1) << 53, &p->draw_seed, err))
		return -1;
	if (!node_get(n, "draw", &m))
		return 0;
	if (node_object(&m, NULL, err))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)m.json, name, value)
	{
		struct node draw = {.json = value, .up = &m, .key = name};
		if (read_draw(p, &draw, err))
			return -1;
	}
	return 0;
}

int profile_read_daily(struct profile *p, const struct node *n, struct error *err)
{
	const char *name;
	json_t *value;

	if (node_object(n, NULL, err) ||
	    !(p->daily = mem_alloc(json_object_size(n->json), sizeof(*p->daily), err)))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)n->json, name, value)
	{
		struct node hours = {.json = value, .up = n, .key = name};
		struct daily *d = &p->daily[p->n_daily];

		if (json_array_size(value) != 24)
			return node_refuse(&hours, "an array of 24 factors, for the hours 0 to 23",
					   err);
		for (size_t i = 0; i < 24; i++) {
			struct node item = node_item(&hours, i);
			if (node_real(&item, -PROFILE_REAL_MAX, PROFILE_REAL_MAX, &d->factors[i],
				      err))
				return -1;
		}
		d->name = name;
		p->n_daily++;
	}
	return 0;
}
