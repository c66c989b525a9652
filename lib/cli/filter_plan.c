#include <stdlib.h>
#include <string.h>
#include "lib/cli/filter_impl.h"

struct filter_plan *filter_plan_new(struct fields *fields, void *context, void (*release)(void *),
				    struct error *err)
{
	struct filter_plan *plan = mem_alloc(1, sizeof(*plan), err);
	int slot = plan ? fields_want(fields, "_kafka", err) : -1;

	if (slot < 0) {
		free(plan);
		return NULL;
	}
	*plan = (struct filter_plan){.fields = fields,
				     .context = context,
				     .release = release,
				     .kafka_slot = (size_t)slot,
				     .users = 1};
	return plan;
}

void filter_plan_free(struct filter_plan *plan)
{
	if (!plan)
		return;
	writer_free(plan->writer);
	fields_free(plan->fields);
	if (plan->release)
		plan->release(plan->context);
	free(plan);
}

void filter_columns_release(struct filter_columns *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->names[i]);
	free(c->names);
	*c = (struct filter_columns){0};
}

/* Whether a column is one that the filter writes anew, or lies in its object. */
static bool owned(const struct filter *f, const char *name)
{
	for (size_t i = 0; i < (f->object ? 1 : f->n_added); i++) {
		const char *own = f->object ? f->object : f->added[i];
		size_t len = strlen(own);
		if (!strncmp(name, own, len) && (!name[len] || name[len] == '.'))
			return true;
	}
	return false;
}

static int add_column(struct filter_columns *c, const struct filter *f, const char *name,
		      size_t len, struct error *err)
{
	if (MEM_GROW(&c->names, &c->cap, c->n + 1, err) ||
	    !(c->names[c->n] = mem_strndup(name, len, err)))
		return -1;
	if (owned(f, c->names[c->n]))
		free(c->names[c->n]);
	else
		c->n++;
	return 0;
}

/* "a,b\.c,d" apart at its commas; a comma in a name is written "\,"... which paths do not know, so
 * none is. */
static int add_list(struct filter_columns *c, const struct filter *f, const char *list,
		    struct error *err)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		if (add_column(c, f, list, len, err))
			return -1;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

/* Where a record came from goes with it, whatever --fields names; CSV has no place for it. */
static int add_provenance(struct filter_columns *c, const struct filter *f, struct error *err)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strncmp(c->names[i], "_kafka", 6) && strchr(".", c->names[i][6]))
			return 0;
	return c->to == FORMAT_JSON ? add_column(c, f, "_kafka", 6, err) : 0;
}

struct first_record {
	struct filter_columns *columns;
	const struct filter *filter;
};

static int add_leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	struct first_record *first = context;

	(void)v;
	return add_column(first->columns, first->filter, path, strlen(path), err);
}

static int columns_of_first_record(struct filter_columns *c, const struct filter *f,
				   const struct block *b, struct error *err)
{
	struct first_record first = {c, f};
	struct scanner *s = scanner_new(NULL, err);
	struct record rec;
	int ret = s ? scanner_start(s, b, err) : -1;

	while (!ret && (ret = scanner_next(s, &rec, err)) != 0) {
		if (ret > 0 && rec.control == CONTROL_NONE) {
			ret = scanner_walk(s, &rec, add_leaf, &first, err) ? -1 : 1;
			break;
		}
		ret = 0; /* bad ones are reported when the block is worked off */
	}
	scanner_free(s);
	return ret;
}

int filter_columns_decide(struct filter_columns *c, const struct filter *f, enum record_format from,
			  const struct csv_header *header, const struct block *b, struct error *err)
{
	const struct filter_options *o = f->options;

	*c = (struct filter_columns){.from = from, .to = from, .header = header};
	if (o->to)
		c->to = (enum record_format)o->to;
	if (o->fields)
		return add_list(c, f, o->fields, err) || add_provenance(c, f, err) ? -1 : 1;
	if (c->to == from) {
		c->passed = true;
		return 1;
	}
	if (from == FORMAT_CSV) {
		for (size_t i = 0; i < header->n; i++)
			if (add_column(c, f, header->names[i], strlen(header->names[i]), err))
				return -1;
		return 1;
	}
	c->refuse_unknown = true;
	if (o->csv_fields)
		return add_list(c, f, o->csv_fields, err) ? -1 : 1;
	return b ? columns_of_first_record(c, f, b, err) : 0;
}

int filter_plan_finish(struct filter_plan *plan, const struct filter *f,
		       const struct filter_columns *c, struct error *err)
{
	struct writer_options o = {
		.from = c->from,
		.to = c->to,
		.pass_through = c->passed,
		.columns = (const char *const *)c->names,
		.n_columns = c->n,
		.added = f->added,
		.n_added = f->n_added,
		.object = f->object,
		.header = c->header,
	};

	plan->refuse_unknown = c->refuse_unknown;
	plan->writer = writer_new(&o, plan->fields, err);
	return plan->writer ? 0 : -1;
}
