#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/record/fields.h"
#include "lib/window/aggregate_impl.h"

static const struct {
	const char *name;
	enum aggregate_op op;
	unsigned parts;
} ops[] = {
	{"count", AGGREGATE_COUNT, 0},
	{"sum", AGGREGATE_SUM, PART_SUM},
	{"mean", AGGREGATE_MEAN, PART_SUM},
	{"min", AGGREGATE_MIN, PART_RANGE},
	{"max", AGGREGATE_MAX_OF, PART_RANGE},
	{"range", AGGREGATE_RANGE, PART_RANGE},
	{"stddev", AGGREGATE_STDDEV, PART_SPREAD},
	{"first", AGGREGATE_FIRST, PART_FIRST},
	{"last", AGGREGATE_LAST, PART_LAST},
};

void aggregates_release(struct aggregates *a)
{
	for (size_t i = 0; i < a->n_fields; i++)
		free(a->fields[i].path);
	for (size_t i = 0; i < a->n; i++)
		free(a->items[i].name);
	free(a->fields);
	free(a->items);
	*a = (struct aggregates){.n = 0};
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* A piece of text without the spaces around it. */
struct piece {
	const char *text;
	size_t len;
};

static struct piece trimmed(const char *text, size_t len)
{
	while (len && is_space(*text)) {
		text++;
		len--;
	}
	while (len && is_space(text[len - 1]))
		len--;
	return (struct piece){text, len};
}

static int check_path(const char *text, size_t len, struct error *err)
{
	struct path path;

	if (path_parse(&path, text, len, err))
		return -1;
	path_release(&path);
	return 0;
}

static int find_field(struct aggregates *a, struct piece p, size_t *field, struct error *err)
{
	struct aggregate_field *f;

	for (*field = 0; *field < a->n_fields; (*field)++) {
		f = &a->fields[*field];
		if (strlen(f->path) == p.len && !memcmp(f->path, p.text, p.len))
			return 0;
	}
	if (check_path(p.text, p.len, err) ||
	    MEM_GROW(&a->fields, &a->fields_cap, a->n_fields + 1, err))
		return -1;
	f = &a->fields[a->n_fields];
	*f = (struct aggregate_field){.path = mem_strndup(p.text, p.len, err)};
	if (!f->path)
		return -1;
	a->n_fields++;
	return 0;
}

static int add_item(struct aggregates *a, struct aggregate item, struct piece name,
		    struct error *err)
{
	if (check_path(name.text, name.len, err) || MEM_GROW(&a->items, &a->cap, a->n + 1, err) ||
	    !(item.name = mem_strndup(name.text, name.len, err)))
		return -1;
	a->items[a->n++] = item;
	return 0;
}

/* FIELD_OP, in which OP's point would be one of a path. */
static int add_named(struct aggregates *a, struct aggregate item, struct piece op,
		     struct error *err)
{
	struct buf name = BUF_INIT;
	int ret = buf_add_str(&name, a->fields[item.field].path, err) ||
				  buf_add(&name, "_", 1, err) ||
				  buf_add(&name, op.text, op.len, err)
			  ? -1
			  : 0;

	for (size_t i = name.len - (ret ? 0 : op.len); !ret && i < name.len; i++)
		if (name.data[i] == '.')
			name.data[i] = '_';
	if (!ret)
		ret = add_item(a, item, (struct piece){name.data, name.len}, err);
	buf_release(&name);
	return ret;
}

static int find_op(struct piece p, struct aggregate *item, unsigned *parts, struct error *err)
{
	double percent;
	unsigned flags;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (strlen(ops[i].name) == p.len && !memcmp(ops[i].name, p.text, p.len)) {
			item->op = ops[i].op;
			*parts = ops[i].parts;
			return 0;
		}
	if (p.len > 1 && p.len < 16 && *p.text == 'p' && !memchr(p.text, 'e', p.len) &&
	    !memchr(p.text, 'E', p.len) &&
	    number_read(p.text + 1, p.text + p.len, &percent, &flags) == p.text + p.len &&
	    percent >= 0 && percent <= 100 && p.text[1] != '-') {
		item->op = AGGREGATE_QUANTILE;
		item->percent = percent;
		*parts = PART_SKETCH | PART_RANGE;
		return 0;
	}
	return error_set(err, ERROR_USAGE,
			 "'%.*s' is none of count, sum, mean, min, max, range, stddev, first, "
			 "last, p0 to p100",
			 (int)(p.len < 64 ? p.len : 64), p.text);
}

/* OP[,OP ...] of a field. */
static int add_ops(struct aggregates *a, size_t field, struct piece list, struct piece name,
		   struct error *err)
{
	const char *p = list.text, *end = p + list.len;

	if (name.text && memchr(p, ',', list.len))
		return error_set(err, ERROR_USAGE, "'as %.*s' names one result, and there are more",
				 (int)(name.len < 64 ? name.len : 64), name.text);
	for (;;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		struct piece op = trimmed(p, (size_t)((comma ? comma : end) - p));
		struct aggregate item = {.field = field};
		unsigned parts = 0;
		if (find_op(op, &item, &parts, err) ||
		    (name.text ? add_item(a, item, name, err) : add_named(a, item, op, err)))
			return -1;
		a->fields[field].parts |= parts;
		if (!comma)
			return 0;
		p = comma + 1;
	}
}

/* The name behind the last " as ", which is cut off; none: text NULL. */
static struct piece take_name(struct piece *all)
{
	for (size_t i = all->len; i-- > 1;)
		if (i + 3 < all->len && is_space(all->text[i - 1]) && all->text[i] == 'a' &&
		    all->text[i + 1] == 's' && is_space(all->text[i + 2])) {
			struct piece name = trimmed(all->text + i + 2, all->len - i - 2);
			*all = trimmed(all->text, i);
			return name;
		}
	return (struct piece){NULL, 0};
}

int aggregates_parse(struct aggregates *a, const char *text, struct error *err)
{
	struct piece all = trimmed(text, strlen(text)), name = take_name(&all);
	const char *colon = memrchr(all.text, ':', all.len);
	size_t field;

	if (all.len == 5 && !memcmp(all.text, "count", 5))
		return add_item(a, (struct aggregate){.op = AGGREGATE_RECORDS},
				name.text ? name : all, err);
	if (!colon)
		return error_set(err, ERROR_USAGE,
				 "takes FIELD:OP,... or count, as in temperature:mean,max, not "
				 "'%s'",
				 text);
	struct piece path = trimmed(all.text, (size_t)(colon - all.text));

	if (find_field(a, path, &field, err))
		return -1;
	return add_ops(a, field, trimmed(colon + 1, (size_t)(all.text + all.len - colon - 1)), name,
		       err);
}

static uint32_t put(size_t *size, unsigned parts, unsigned part, size_t bytes)
{
	size_t at = *size;

	if (!(parts & part))
		return 0;
	*size += bytes;
	return (uint32_t)at;
}

int aggregates_finish(struct aggregates *a, struct error *err)
{
	bool counted = false;

	for (size_t i = 0; i < a->n; i++)
		counted |= a->items[i].op == AGGREGATE_RECORDS;
	if (!counted) {
		if (add_item(a, (struct aggregate){.op = AGGREGATE_RECORDS},
			     (struct piece){"count", 5}, err))
			return -1;
		struct aggregate item = a->items[a->n - 1];
		memmove(a->items + 1, a->items, (a->n - 1) * sizeof(*a->items));
		a->items[0] = item;
	}
	a->cell_size = sizeof(uint64_t);
	for (size_t i = 0; i < a->n_fields; i++) {
		struct aggregate_field *f = &a->fields[i];
		f->at = (uint32_t)a->cell_size;
		a->cell_size += sizeof(uint64_t);
		f->range = put(&a->cell_size, f->parts, PART_RANGE, sizeof(struct part_range));
		f->sum = put(&a->cell_size, f->parts, PART_SUM, sizeof(struct compensated));
		f->spread = put(&a->cell_size, f->parts, PART_SPREAD, sizeof(struct spread));
		f->first = put(&a->cell_size, f->parts, PART_FIRST, sizeof(struct part_event));
		f->last = put(&a->cell_size, f->parts, PART_LAST, sizeof(struct part_event));
		f->sketch = put(&a->cell_size, f->parts, PART_SKETCH, sizeof(struct ddsketch));
	}
	return 0;
}
