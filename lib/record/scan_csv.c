#include <string.h>
#include "lib/base/number.h"
#include "lib/record/csv.h"
#include "lib/record/scanner_impl.h"

int scan_csv_columns(struct scanner *s, const struct csv_header *h, struct error *err)
{
	if (MEM_GROW(&s->column_slot, &s->columns_cap, h->n, err) ||
	    MEM_GROW(&s->column_owned, &s->owned_cap, h->n, err))
		return -1;
	for (size_t i = 0; i < h->n; i++) {
		struct path path;
		bool owned;
		if (path_parse(&path, h->names[i], strlen(h->names[i]), err))
			return -1;
		int32_t n = fields_find(s->fields, &path, &owned);
		path_release(&path);
		s->column_slot[i] = n == NODE_NONE ? -1 : s->fields->nodes[n].slot;
		if (s->column_slot[i] < SLOTS_OWN) /* CSV carries no control records */
			s->column_slot[i] = -1;
		s->column_owned[i] = owned;
	}
	s->header = h;
	return 0;
}

void scan_cell_value(const char *text, size_t len, bool quoted, struct value *v)
{
	unsigned flags;

	*v = (struct value){.text = text, .len = len, .csv = true, .kind = VALUE_STRING};
	if (quoted)
		return;
	if (!len) {
		v->kind = VALUE_NULL;
	} else if (number_read(text, text + len, &v->number, &flags) == text + len) {
		v->kind = VALUE_NUMBER;
		v->integer = flags & NUMBER_INTEGER;
	} else if (len == 4 && !memcmp(text, "true", 4)) {
		v->kind = VALUE_TRUE;
	} else if (len == 5 && !memcmp(text, "false", 5)) {
		v->kind = VALUE_FALSE;
	}
}

/* The cell at p into column c: the byte behind it, or NULL. */
static const char *column(struct scanner *s, const char *row, const char *p, const char *end,
			  size_t c, struct error *err)
{
	int32_t slot = s->column_slot[c];
	struct csv_cell cell;
	unsigned flags;

	if (slot >= 0) {
		struct value *v = &s->values[slot];
		const char *q = number_read(p, end, &v->number, &flags);
		if (q && (q == end || *q == ',')) {
			v->text = p;
			v->len = (size_t)(q - p);
			v->kind = VALUE_NUMBER;
			v->integer = flags & NUMBER_INTEGER;
			v->csv = true;
			return q;
		}
	}
	if ((p = csv_cell(row, p, end, &cell, err)) && slot >= 0)
		scan_cell_value(cell.text, cell.len, cell.quoted, &s->values[slot]);
	return p;
}

int scan_csv(struct scanner *s, struct record *rec, struct error *err)
{
	const char *row = rec->text, *end = row + rec->len, *p = row;
	const struct csv_header *h = s->header;
	bool kept = false;
	size_t c = 0;

	for (;; p++) {
		if (c == h->n) {
			error_set(err, ERROR_DATA, "row has more cells than the header's %zu",
				  h->n);
			return error_at(err, NULL, 0, (uint64_t)(p - row) + 1);
		}
		const char *cell = p;
		if (!(p = column(s, row, p, end, c, err)))
			return -1;
		if (s->column_owned[c]) {
			/* With the comma before it; while no cell stays, with the one behind. */
			if (scan_cut(s, rec, kept ? cell - 1 : cell, err))
				return -1;
			s->cuts[s->n_cuts - 1].to = (uint32_t)(p - row + (!kept && p < end));
		} else {
			kept = true;
		}
		c++;
		if (p == end)
			break;
	}
	if (c < h->n) {
		error_set(err, ERROR_DATA, "row has %zu cell%s, the header %zu", c,
			  c == 1 ? "" : "s", h->n);
		return error_at(err, NULL, 0, rec->len + 1);
	}
	rec->close = (uint32_t)rec->len;
	rec->empty = !kept;
	return 0;
}
