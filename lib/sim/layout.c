#include "lib/sim/layout.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/config_node.h"
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/record/csv.h"
#include "lib/record/fields.h"
#include "lib/sim/placeholder.h"

#define DEPTH_MAX 60

struct walker {
	struct layout *layout; /* NULL: the header is written */
	const struct profile *profile;
	const struct sensor_values *values;
	struct buf *out;
	struct buf path; /* of the column, for the header */
	size_t n_slots, depth;
	bool csv, register_slots, begun;
	size_t n_columns;
};

static int add_slot(struct walker *w, struct slot slot, struct error *err)
{
	struct layout *l = w->layout;

	if (!l)
		return 0;
	if (w->register_slots) {
		if (MEM_GROW(&l->slots, &l->cap_slots, l->n_slots + 1, err))
			return -1;
		l->slots[l->n_slots++] = slot;
	}
	w->n_slots++;
	if (MEM_GROW(&l->offsets, &l->cap_offsets, l->n_offsets + 1, err))
		return -1;
	l->offsets[l->n_offsets++] = l->texts.len;
	return 0;
}

/* What stands between two cells, and, in the header, the cell. */
static int begin_leaf(struct walker *w, struct error *err)
{
	bool begun = w->begun;

	if (!w->csv)
		return 0;
	w->begun = true;
	w->n_columns++;
	if (begun && buf_add(w->out, ",", 1, err))
		return -1;
	return w->layout ? 0 : csv_write_string(w->out, w->path.data, w->path.len, err);
}

/* Text that stands in every record. */
static int add_string(struct walker *w, const char *text, size_t len, struct error *err)
{
	if (!w->layout)
		return 0;
	return w->csv ? csv_write_string(w->out, text, len, err)
		      : json_add_text(w->out, text, len, err);
}

static size_t write_number(char out[NUMBER_MAX], const struct placeholder *h)
{
	return h->whole ? number_write_int(out, (int64_t)h->number)
			: number_write_real(out, h->number);
}

static int add_number(struct walker *w, const struct placeholder *h, struct error *err)
{
	char digits[NUMBER_MAX];

	return w->layout ? buf_add(w->out, digits, write_number(digits, h), err) : 0;
}

/* A string of text and placeholders. */
static int add_mixed(struct walker *w, const struct node *n, const char *s, struct error *err)
{
	char name[PLACEHOLDER_BYTES], digits[NUMBER_MAX];
	struct buf text = BUF_INIT;
	struct placeholder h;
	size_t width = 0, len;
	int ret = -1;

	while (*s) {
		len = strcspn(s, "%");
		if (buf_add(&text, s, len, err))
			goto out;
		s += len;
		if (!*s)
			break;
		if (s[1] == '%') {
			if (buf_add(&text, "%", 1, err))
				goto out;
			s += 2;
			continue;
		}
		if (s[1] != '{') {
			node_fail(n, err, "a '%%' that stands for itself is written '%%%%'");
			goto out;
		}
		s += 2;
		if (placeholder_read(n, &s, name, &width, err) ||
		    placeholder_look_up(w->profile, w->values, n, name, &h, err))
			goto out;
		if (h.kind == PLACEHOLDER_SLOT || h.kind == PLACEHOLDER_BANK) {
			node_fail(n, err,
				  "'%%{%.60s}' changes from record to record and has to "
				  "stand alone",
				  name);
			goto out;
		}
		if (h.kind == PLACEHOLDER_TEXT) {
			len = strlen(h.text);
			if (buf_add(&text, h.text, len, err))
				goto out;
			continue;
		}
		len = write_number(digits, &h);
		for (; h.whole && h.number >= 0 && width > len; width--)
			if (buf_add(&text, "0", 1, err))
				goto out;
		if (buf_add(&text, digits, len, err))
			goto out;
	}
	ret = add_string(w, text.len ? text.data : "", text.len, err);
out:
	buf_release(&text);
	return ret;
}

/* The signals of a bank, as members of an object. */
static int add_bank(struct walker *w, const struct placeholder *h, const char *name,
		    struct error *err)
{
	size_t path_len = w->path.len, skip = strlen(name) + 1;

	if (!w->csv && buf_add(w->out, "{", 1, err))
		return -1;
	for (size_t i = 0; i < h->n_signals; i++) {
		const char *member = w->profile->signals[h->slot.signal + i].name + skip;
		struct slot slot = {SLOT_SIGNAL, h->slot.signal + i};

		if (!w->csv &&
		    ((i && buf_add(w->out, ",", 1, err)) || json_add_string(w->out, member, err) ||
		     buf_add(w->out, ":", 1, err)))
			return -1;
		if (path_append(&w->path, member, strlen(member), err) || begin_leaf(w, err) ||
		    add_slot(w, slot, err))
			return -1;
		w->path.len = path_len;
	}
	return w->csv ? 0 : buf_add(w->out, "}", 1, err);
}

/* A string that is one placeholder gives a value of its kind. */
static int add_text(struct walker *w, const struct node *n, struct error *err)
{
	const char *s = json_string_value(n->json), *at = s + 2;
	char name[PLACEHOLDER_BYTES];
	struct placeholder h;
	size_t width = 0;

	if (s[0] == '%' && s[1] == '{') {
		if (placeholder_read(n, &at, name, &width, err) ||
		    placeholder_look_up(w->profile, w->values, n, name, &h, err))
			return -1;
		if (!*at && h.kind == PLACEHOLDER_BANK)
			return add_bank(w, &h, name, err);
		if (!*at && h.kind == PLACEHOLDER_SLOT)
			return begin_leaf(w, err) || add_slot(w, h.slot, err) ? -1 : 0;
		if (!*at && h.kind == PLACEHOLDER_NUMBER && !width)
			return begin_leaf(w, err) || add_number(w, &h, err) ? -1 : 0;
	}
	return begin_leaf(w, err) || add_mixed(w, n, s, err) ? -1 : 0;
}

static int add_value(struct walker *w, const struct node *n, struct error *err);

static int add_object(struct walker *w, const struct node *n, struct error *err)
{
	size_t path_len = w->path.len;
	bool first = true;
	const char *key;
	json_t *value;

	if (!json_object_size(n->json))
		return node_fail(n, err, "has no members");
	if (++w->depth > DEPTH_MAX)
		return node_fail(n, err, "lies more than %d deep", DEPTH_MAX);
	if (!w->csv && buf_add(w->out, "{", 1, err))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)n->json, key, value)
	{
		struct node member = {.json = value, .up = n, .key = key};

		if (!*key)
			return node_fail(n, err, "a member without a name has no path");
		if (!w->csv && ((!first && buf_add(w->out, ",", 1, err)) ||
				json_add_string(w->out, key, err) || buf_add(w->out, ":", 1, err)))
			return -1;
		first = false;
		if (path_append(&w->path, key, strlen(key), err) || add_value(w, &member, err))
			return -1;
		w->path.len = path_len;
	}
	w->depth--;
	return w->csv ? 0 : buf_add(w->out, "}", 1, err);
}

static int add_value(struct walker *w, const struct node *n, struct error *err)
{
	struct placeholder constant = {.number = json_number_value(n->json)};
	json_int_t i = json_integer_value(n->json);
	const char *word = json_is_null(n->json)   ? (w->csv ? "" : "null")
			   : json_is_true(n->json) ? "true"
						   : "false";

	switch (json_typeof(n->json)) {
	case JSON_OBJECT:
		return add_object(w, n, err);
	case JSON_STRING:
		return add_text(w, n, err);
	case JSON_ARRAY:
		return node_refuse(n, "an object, a string, a number, true, false or null", err);
	case JSON_REAL:
		return begin_leaf(w, err) || add_number(w, &constant, err) ? -1 : 0;
	case JSON_INTEGER:
		if (begin_leaf(w, err))
			return -1;
		return w->layout ? buf_printf(w->out, err, "%" JSON_INTEGER_FORMAT, i) : 0;
	default:
		if (begin_leaf(w, err))
			return -1;
		return w->layout ? buf_add_str(w->out, word, err) : 0;
	}
}

void layout_init(struct layout *l, bool csv)
{
	*l = (struct layout){.csv = csv, .texts = BUF_INIT};
}

void layout_release(struct layout *l)
{
	free(l->slots);
	free(l->offsets);
	buf_release(&l->texts);
}

static int add_sensor(struct layout *l, const struct profile *p, const struct node *record,
		      const struct sensor_values *v, struct error *err)
{
	struct walker w = {.layout = l,
			   .profile = p,
			   .values = v,
			   .out = &l->texts,
			   .csv = l->csv,
			   .register_slots = !l->n_sensors};
	int ret = -1;

	if (!json_is_object(record->json))
		return node_refuse(record, "an object", err);
	if (MEM_GROW(&l->offsets, &l->cap_offsets, l->n_offsets + 1, err))
		return -1;
	l->offsets[l->n_offsets++] = l->texts.len;
	if (add_object(&w, record, err) || buf_add(&l->texts, "\n", 1, err) ||
	    MEM_GROW(&l->offsets, &l->cap_offsets, l->n_offsets + 1, err))
		goto out;
	l->offsets[l->n_offsets++] = l->texts.len;
	l->n_sensors++;
	ret = 0;
out:
	buf_release(&w.path);
	return ret;
}

int layout_add_sensor(struct layout *l, const struct profile *p, const struct sensor_values *v,
		      struct error *err)
{
	const struct node root = {.json = p->root};
	struct node record;

	return node_need(&root, "record", &record, err) || add_sensor(l, p, &record, v, err) ? -1
											     : 0;
}

int layout_header(const struct profile *p, struct buf *out, struct error *err)
{
	const struct node root = {.json = p->root};
	struct sensor_values none = {.sensor = 1};
	struct walker w = {.profile = p, .out = out, .csv = true, .values = &none};
	struct node record;
	int ret = -1;

	/* Of values only the kind counts, and a header shows none. */
	double *numbers = mem_alloc(p->n_attributes, sizeof(*numbers), err);
	const char **texts = mem_alloc(p->n_attributes, sizeof(*texts), err);
	none.numbers = numbers;
	none.texts = texts;
	if (numbers && texts && !node_need(&root, "record", &record, err) &&
	    !add_object(&w, &record, err))
		ret = buf_add(out, "\n", 1, err);
	if (!ret && w.n_columns < 2)
		ret = error_set(err, ERROR_USAGE, "CSV takes records of two fields or more");
	buf_release(&w.path);
	free(numbers);
	free(texts);
	return ret;
}

int layout_check(const struct profile *p, const struct node *record, struct error *err)
{
	double *numbers = mem_alloc(p->n_attributes, sizeof(*numbers), err);
	const char **texts = mem_alloc(p->n_attributes, sizeof(*texts), err);
	const struct sensor_values any = {1, 1, numbers, texts};
	struct layout l;
	int ret = -1;

	layout_init(&l, false);
	if (numbers && texts) {
		for (size_t i = 0; i < p->n_attributes; i++)
			texts[i] = p->attributes[i].texts ? p->attributes[i].texts[0] : NULL;
		ret = add_sensor(&l, p, record, &any, err);
	}
	layout_release(&l);
	free(numbers);
	free(texts);
	return ret;
}
