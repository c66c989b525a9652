#include "lib/store/table.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"

int store_table_init(struct store_table *t, const char *name, struct error *err)
{
	const char *dot = strchr(name, '.');

	*t = (struct store_table){.n = 0};
	if (!*name || dot == name || (dot && (!dot[1] || strchr(dot + 1, '.'))))
		return error_set(err, ERROR_USAGE, "'%s' names no table: TABLE or SCHEMA.TABLE",
				 name);
	if (dot && !(t->schema = mem_strndup(name, (size_t)(dot - name), err)))
		return -1;
	name = dot ? dot + 1 : name;
	t->name = mem_strndup(name, strlen(name), err);
	return t->name ? 0 : -1;
}

void store_table_clear(struct store_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->columns[i].name);
	t->n = t->n_keys = 0;
}

void store_table_release(struct store_table *t)
{
	store_table_clear(t);
	free(t->columns);
	free(t->schema);
	free(t->name);
	*t = (struct store_table){.n = 0};
}

struct store_column *store_table_add(struct store_table *t, const char *name, enum store_type type,
				     struct error *err)
{
	struct store_column c = {.type = type};

	if (t->n == STORE_COLUMNS_MAX) {
		error_set(err, ERROR_CONFIG, "table '%s' would have more than %d columns", t->name,
			  STORE_COLUMNS_MAX);
		return NULL;
	}
	if (MEM_GROW(&t->columns, &t->cap, t->n + 1, err) ||
	    !(c.name = mem_strndup(name, strlen(name), err)))
		return NULL;
	t->columns[t->n] = c;
	return &t->columns[t->n++];
}

struct store_column *store_table_find(const struct store_table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strncmp(t->columns[i].name, name, len) && !t->columns[i].name[len])
			return &t->columns[i];
	return NULL;
}

size_t store_table_filled(const struct store_table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->columns[i].filled;
	return n;
}

int store_table_keys(struct store_table *t, const char *names, struct error *err)
{
	for (const char *end; *names; names = *end ? end + 1 : end) {
		end = strchrnul(names, ',');
		struct store_column *c = store_table_find(t, names, (size_t)(end - names));
		if (!c)
			return error_set(err, ERROR_CONFIG, "table '%s' has no column '%.*s'",
					 t->name, (int)(end - names), names);
		t->n_keys += !c->key;
		c->key = true;
	}
	return 0;
}

bool store_table_takes(const struct store_table *t, const char *path)
{
	if (store_table_find(t, path, strlen(path)))
		return true;
	for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.'))
		if (dot > path && dot[-1] != '\\' &&
		    store_table_find(t, path, (size_t)(dot - path)))
			return true;
	return false;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(s + len - n, end, n);
}

static bool is_time_name(const char *path)
{
	const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
	size_t len = strlen(name);

	return !strcmp(name, "timestamp") || !strcmp(name, "window_start") ||
	       !strcmp(name, "window_end") || ends_with(name, len, "_timestamp") ||
	       ends_with(name, len, "_at");
}

static int is_time(const char *path, const struct value *v, bool *is, struct error *err)
{
	struct buf text = BUF_INIT;
	struct error none = ERROR_INIT;
	int64_t ns;
	bool naive;
	int ret = 0;

	*is = false;
	if (is_time_name(path) && v->kind == VALUE_STRING) {
		ret = value_string(v, &text, err);
		*is = !ret && text.len &&
		      !timestamp_parse(text.data, text.len, 0, &ns, &naive, &none);
	}
	buf_release(&text);
	return ret;
}

static int type_of(const char *path, const struct value *v, enum store_type *type,
		   struct error *err)
{
	bool time = false;
	int64_t n;

	switch (v->kind) {
	case VALUE_NUMBER:
		*type = !v->integer                                      ? STORE_REAL
			: number_read_int(v->text, v->text + v->len, &n) ? STORE_BIG
									 : STORE_INTEGER;
		return 0;
	case VALUE_FALSE:
	case VALUE_TRUE:
		*type = STORE_BOOLEAN;
		return 0;
	case VALUE_OBJECT:
	case VALUE_ARRAY:
		*type = STORE_JSON;
		return 0;
	default:
		if (is_time(path, v, &time, err))
			return -1;
		*type = time ? STORE_TIME : STORE_TEXT;
		return 0;
	}
}

static bool is_number(enum store_type type)
{
	return type == STORE_INTEGER || type == STORE_BIG || type == STORE_REAL;
}

/* What takes both; STORE_OTHER: nothing was seen yet. */
static enum store_type wider(enum store_type a, enum store_type b)
{
	if (a == b || a == STORE_OTHER)
		return b;
	if (a == STORE_JSON || b == STORE_JSON)
		return STORE_JSON;
	if (is_number(a) && is_number(b))
		return a == STORE_REAL || b == STORE_REAL ? STORE_REAL : STORE_BIG;
	return STORE_TEXT;
}

int store_table_learn(void *context, const char *path, const struct value *v, struct error *err)
{
	struct store_table *t = context;
	struct store_column *c;
	enum store_type type;

	if (!strncmp(path, "_kafka", 6) && (!path[6] || path[6] == '.'))
		return 0;
	c = store_table_find(t, path, strlen(path));
	if (!c && !(c = store_table_add(t, path, STORE_OTHER, err)))
		return -1;
	if (v->kind == VALUE_NULL)
		return 0;
	if (type_of(path, v, &type, err))
		return err->kind == ERROR_DATA ? 0 : -1;
	c->type = wider(c->type, type);
	c->exact |= type == STORE_INTEGER && !(v->number > -0x1p53 && v->number < 0x1p53);
	return 0;
}

void store_table_widen(struct store_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].type == STORE_INTEGER && !t->columns[i].exact &&
		    !t->columns[i].key)
			t->columns[i].type = STORE_REAL;
}
