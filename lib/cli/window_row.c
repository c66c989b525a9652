#include "lib/cli/window_row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/timestamp.h"
#include "lib/record/csv.h"
#include "lib/record/fields.h"
#include "lib/window/key.h"

/* A field: its path, and in JSON what stands before its value. */
struct column {
	enum {
		COLUMN_KEY,
		COLUMN_WINDOW,
		COLUMN_START,
		COLUMN_END,
		COLUMN_RESULT,
		COLUMN_EARLY
	} kind;
	size_t i; /* which key, which result */
	const char *name;
	struct path path;
	struct buf lead;
};

struct window_rows {
	struct window_rows_options options;
	struct column *columns;
	size_t n;
	size_t *order; /* in which they stand in a record */
	size_t n_order;
	struct buf tail; /* behind the last value */
	struct key_value *key;
	int64_t start_ns, end_ns; /* whose texts these are */
	char start[TIMESTAMP_MAX], end[TIMESTAMP_MAX];
};

static int add_column(struct window_rows *r, struct column c, struct error *err)
{
	if (path_parse(&c.path, c.name, strlen(c.name), err))
		return error_prefix(err, "field '%s'", c.name);
	r->columns[r->n++] = c;
	return 0;
}

static int add_columns(struct window_rows *r, struct error *err)
{
	const struct window_rows_options *o = &r->options;

	for (size_t i = 0; i < o->n_keys; i++)
		if (add_column(r, (struct column){.kind = COLUMN_KEY, .i = i, .name = o->keys[i]},
			       err))
			return -1;
	if (o->spec_names &&
	    add_column(r, (struct column){.kind = COLUMN_WINDOW, .name = "window"}, err))
		return -1;
	if (add_column(r, (struct column){.kind = COLUMN_START, .name = "window_start"}, err) ||
	    add_column(r, (struct column){.kind = COLUMN_END, .name = "window_end"}, err))
		return -1;
	for (size_t i = 0; i < o->aggregates->n; i++)
		if (add_column(r,
			       (struct column){.kind = COLUMN_RESULT,
					       .i = i,
					       .name = o->aggregates->items[i].name},
			       err))
			return -1;
	return o->early ? add_column(r, (struct column){.kind = COLUMN_EARLY, .name = "early"}, err)
			: 0;
}

static bool same_name(const struct column *a, const struct column *b, size_t depth)
{
	const struct path_part *x = &a->path.parts[depth], *y = &b->path.parts[depth];

	return x->len == y->len && !memcmp(x->name, y->name, x->len);
}

/* Lays out an object of these columns, whose paths are alike up to `depth`; lead is what stands
 * before its next value. */
static int lay_out(struct window_rows *r, const size_t *columns, size_t n, size_t depth,
		   struct buf *lead, struct error *err)
{
	size_t *rest = mem_alloc(n, sizeof(*rest), err), *inner = mem_alloc(n, sizeof(*inner), err);
	size_t left = n;
	int ret = rest && inner ? buf_add(lead, "{", 1, err) : -1;

	if (!ret)
		memcpy(rest, columns, n * sizeof(*rest));
	for (bool first = true; !ret && left; first = false) {
		struct column *c = &r->columns[rest[0]];
		const struct path_part *part = &c->path.parts[depth];
		size_t n_inner = 0, kept = 0;
		for (size_t i = 0; i < left; i++)
			if (same_name(c, &r->columns[rest[i]], depth))
				inner[n_inner++] = rest[i];
			else
				rest[kept++] = rest[i];
		left = kept;
		bool leaf = false;
		for (size_t i = 0; i < n_inner; i++)
			leaf |= r->columns[inner[i]].path.n == depth + 1;
		if (leaf && n_inner > 1) {
			ret = error_set(err, ERROR_USAGE,
					"two fields of the output would be '%s' and '%s': name one "
					"of them by 'as'",
					r->columns[inner[0]].name, r->columns[inner[1]].name);
			break;
		}
		if ((!first && buf_add(lead, ",", 1, err)) ||
		    json_add_text(lead, part->name, part->len, err) || buf_add(lead, ":", 1, err)) {
			ret = -1;
		} else if (leaf) {
			c->lead = *lead;
			*lead = (struct buf)BUF_INIT;
			r->order[r->n_order++] = inner[0];
		} else {
			ret = lay_out(r, inner, n_inner, depth + 1, lead, err);
		}
	}
	free(rest);
	free(inner);
	return ret ? -1 : buf_add(lead, "}", 1, err);
}

struct window_rows *window_rows_new(const struct window_rows_options *options, struct error *err)
{
	size_t most = options->n_keys + options->aggregates->n + 4;
	struct window_rows *r = mem_alloc(1, sizeof(*r), err);
	int ret = -1;

	if (!r)
		return NULL;
	r->options = *options;
	r->start_ns = r->end_ns = INT64_MIN;
	if ((r->columns = mem_alloc(most, sizeof(*r->columns), err)) &&
	    (r->order = mem_alloc(most, sizeof(*r->order), err)) &&
	    (r->key = mem_alloc(options->n_keys, sizeof(*r->key), err)) && !add_columns(r, err)) {
		size_t *all = mem_alloc(r->n, sizeof(*all), err);
		for (size_t i = 0; all && i < r->n; i++)
			all[i] = i;
		ret = all ? lay_out(r, all, r->n, 0, &r->tail, err) : -1;
		free(all);
	}
	if (!ret && !buf_add(&r->tail, "\n", 1, err))
		return r;
	window_rows_free(r);
	return NULL;
}

void window_rows_free(struct window_rows *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		path_release(&r->columns[i].path);
		buf_release(&r->columns[i].lead);
	}
	free(r->columns);
	free(r->order);
	free(r->key);
	buf_release(&r->tail);
	free(r);
}

int window_rows_header(const struct window_rows *r, struct buf *out, struct error *err)
{
	for (size_t i = 0; r->options.csv && i < r->n_order; i++) {
		const char *name = r->columns[r->order[i]].name;
		if ((i && buf_add(out, ",", 1, err)) ||
		    csv_write_string(out, name, strlen(name), err))
			return -1;
	}
	return r->options.csv ? buf_add(out, "\n", 1, err) : 0;
}

static int add_word(const struct window_rows *r, struct buf *out, const char *word,
		    struct error *err)
{
	return r->options.csv ? buf_add_str(out, word, err) : json_add_string(out, word, err);
}

static int add_result(const struct window_rows *r, const struct aggregate_result *x,
		      struct buf *out, struct error *err)
{
	if (x->kind == RESULT_COUNT)
		return json_add_uint(out, x->count, err);
	if (x->kind == RESULT_REAL && isfinite(x->real))
		return json_add_real(out, x->real, err);
	return r->options.csv ? 0 : buf_add_str(out, "null", err);
}

static int add_value(struct window_rows *r, const struct column *c, const struct windows_row *row,
		     struct buf *out, struct error *err)
{
	struct aggregate_result x;

	switch (c->kind) {
	case COLUMN_KEY:
		return key_write(&r->key[c->i], r->options.csv, out, err);
	case COLUMN_WINDOW:
		return add_word(r, out, r->options.spec_names[row->spec], err);
	case COLUMN_START:
		return add_word(r, out, r->start, err);
	case COLUMN_END:
		return add_word(r, out, r->end, err);
	case COLUMN_EARLY:
		return buf_add_str(out, row->early ? "true" : "false", err);
	default:
		x = aggregates_result(r->options.aggregates, row->cell, c->i);
		return add_result(r, &x, out, err);
	}
}

int window_rows_add(struct window_rows *r, const struct windows_row *row, struct buf *out,
		    struct error *err)
{
	const char *key = row->key;

	if (r->start_ns != row->start_ns || r->end_ns != row->end_ns) {
		timestamp_format(r->start, row->start_ns);
		timestamp_format(r->end, row->end_ns);
		r->start_ns = row->start_ns;
		r->end_ns = row->end_ns;
	}
	for (size_t i = 0; i < r->options.n_keys; i++)
		r->key[i] = key_next(&key);
	for (size_t i = 0; i < r->n_order; i++) {
		const struct column *c = &r->columns[r->order[i]];
		if (r->options.csv ? i && buf_add(out, ",", 1, err)
				   : buf_add(out, c->lead.data, c->lead.len, err))
			return -1;
		if (add_value(r, c, row, out, err))
			return -1;
	}
	return r->options.csv ? buf_add(out, "\n", 1, err)
			      : buf_add(out, r->tail.data, r->tail.len, err);
}
