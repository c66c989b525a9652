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
	fields_free(c->known);
	*c = (struct filter_columns){0};
}

/* What the filter writes anew gets no column of the input, nor does what it moves. */
static int own_added(struct filter_columns *c, const struct filter *f, struct error *err)
{
	for (size_t i = 0; i < (f->object ? 1 : f->n_added); i++)
		if (fields_own(c->known, f->object ? f->object : f->added[i], err))
			return -1;
	return 0;
}

/* Adds a column if it is none yet. */
static int add_column(struct filter_columns *c, const char *name, size_t len, struct error *err)
{
	size_t n_known = fields_count(c->known);
	struct path path;

	if (path_parse(&path, name, len, err))
		return -1;
	bool owned = fields_owns(c->known, &path) || (c->own && fields_owns(c->own, &path));
	path_release(&path);
	if (owned)
		return 0;
	if (MEM_GROW(&c->names, &c->cap, c->n + 1, err) ||
	    !(c->names[c->n] = mem_strndup(name, len, err)))
		return -1;
	c->n++;
	if (fields_want(c->known, c->names[c->n - 1], err) < 0)
		return -1;
	if (fields_count(c->known) == n_known)
		free(c->names[--c->n]);
	return 0;
}

/* Paths with commas between them: a name with a comma cannot be listed. */
static int add_list(struct filter_columns *c, const char *list, struct error *err)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		if (add_column(c, list, len, err))
			return -1;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

/* Where a record came from goes with it, whatever --fields names; CSV has no place for it. */
static int add_provenance(struct filter_columns *c, struct error *err)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strncmp(c->names[i], "_kafka", 6) && strchr(".", c->names[i][6]))
			return 0;
	return c->to == FORMAT_JSON ? add_column(c, "_kafka", 6, err) : 0;
}

static int add_leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	(void)v;
	return add_column(context, path, strlen(path), err);
}

static int columns_of_first_record(struct filter_columns *c, const struct block *b,
				   struct error *err)
{
	struct scanner *s = scanner_new(NULL, err);
	struct record rec;
	int ret = s ? scanner_start(s, b, err) : -1;

	while (!ret && (ret = scanner_next(s, &rec, err)) != 0) {
		if (ret > 0 && rec.control == CONTROL_NONE) {
			c->file = b->file;
			c->line = rec.line;
			ret = scanner_walk(s, &rec, add_leaf, c, err) ? -1 : 1;
			break;
		}
		ret = 0; /* bad ones are reported when the block is worked off */
	}
	scanner_free(s);
	return ret;
}

/* The names of the columns: 1, 0, -1 as filter_columns_decide. */
static int find_columns(struct filter_columns *c, const struct filter_options *o,
			const struct block *b, struct error *err)
{
	if (o->fields)
		return add_list(c, o->fields, err) || add_provenance(c, err) ? -1 : 1;
	if (c->to == c->from) {
		c->passed = true;
		return 1;
	}
	if (c->from == FORMAT_CSV) {
		for (size_t i = 0; i < c->header->n; i++)
			if (add_column(c, c->header->names[i], strlen(c->header->names[i]), err))
				return -1;
		return 1;
	}
	c->refuse_unknown = true;
	if (o->csv_fields)
		return add_list(c, o->csv_fields, err) ? -1 : 1;
	return b ? columns_of_first_record(c, b, err) : 0;
}

/* What is wrong with columns that a record chose is wrong with that record. */
static int blame_record(const struct filter_columns *c, struct error *err)
{
	if (c->line && err->kind == ERROR_USAGE) {
		err->kind = ERROR_DATA;
		error_at(err, c->file, c->line, 0);
	}
	return -1;
}

int filter_columns_decide(struct filter_columns *c, const struct filter *f, enum record_format from,
			  const struct csv_header *header, const struct block *b, struct error *err)
{
	const struct filter_options *o = f->options;
	const struct fields *own = c->own;

	filter_columns_release(c);
	*c = (struct filter_columns){.from = from, .to = from, .header = header, .own = own};
	if (o->to)
		c->to = (enum record_format)o->to;
	if (!(c->known = fields_new(err)) || own_added(c, f, err))
		return -1;
	int ret = find_columns(c, o, b, err);
	return ret < 0 ? blame_record(c, err) : ret;
}

/* One list of paths, on its own. */
static int check_list(const char *name, const char *list, struct error *err)
{
	struct filter_columns c = {.known = fields_new(err)};
	struct writer_options o = {.from = FORMAT_JSON, .to = FORMAT_JSON};
	struct fields *fields = fields_new(err);
	struct writer *w = NULL;

	if (c.known && fields && !add_list(&c, list, err)) {
		o.columns = (const char *const *)c.names;
		o.n_columns = c.n;
		w = writer_new(&o, fields, err);
	}
	filter_columns_release(&c);
	fields_free(fields);
	writer_free(w);
	return w ? 0 : error_prefix(err, "option '%s'", name);
}

int filter_options_check(const struct filter_options *o, struct error *err)
{
	if ((o->fields && check_list("--fields", o->fields, err)) ||
	    (o->csv_fields && check_list("--csv-fields", o->csv_fields, err)))
		return -1;
	return 0;
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
	return plan->writer ? 0 : blame_record(c, err);
}
