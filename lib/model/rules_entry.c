#include "lib/model/rules_entry.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/record/fields.h"

static void add_path(const struct entry *n, struct buf *out)
{
	struct error ignored;

	if (!n->in)
		return;
	add_path(n->in, out);
	if (n->name)
		buf_printf(out, &ignored, "%s%s", out->len ? "." : "", n->name);
	else
		buf_printf(out, &ignored, "[%zu]", n->index);
}

int entry_bad(const struct entry *n, struct error *err, const char *fmt, ...)
{
	struct buf path = BUF_INIT;
	struct error ignored;
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	add_path(n, &path);
	if (path.len && !buf_terminate(&path, &ignored))
		error_set(err, ERROR_CONFIG, "'%s' %s", path.data, what);
	else
		error_set(err, ERROR_CONFIG, "the file %s", what);
	buf_release(&path);
	return -1;
}

const char *entry_type(const json_t *json)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};
	return names[json_typeof(json)];
}

struct entry entry_member(const struct entry *in, const char *name)
{
	return (struct entry){.json = json_object_get(in->json, name), .in = in, .name = name};
}

struct entry entry_element(const struct entry *in, size_t i)
{
	return (struct entry){.json = json_array_get(in->json, i), .in = in, .index = i};
}

/* An object whose members are all among `known`. */
int entry_object(const struct entry *n, const char *const *known, struct error *err)
{
	const char *key;
	json_t *ignored;

	if (!json_is_object(n->json))
		return entry_bad(n, err, "is %s, not an object", entry_type(n->json));
	json_object_foreach((json_t *)(uintptr_t)n->json, key, ignored)
	{
		size_t i = 0;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		struct entry m = entry_member(n, key);
		if (!known[i])
			return entry_bad(&m, err, "is not known here");
	}
	return 0;
}

const char *entry_string(const struct entry *n, struct error *err)
{
	if (!n->json)
		entry_bad(n, err, "is absent");
	else if (!json_is_string(n->json))
		entry_bad(n, err, "is %s, not a string", entry_type(n->json));
	else if (!json_string_length(n->json))
		entry_bad(n, err, "is empty");
	else
		return json_string_value(n->json);
	return NULL;
}

char *entry_path(const struct entry *n, struct error *err)
{
	const char *text = entry_string(n, err);
	struct error why = ERROR_INIT;
	struct path path;

	if (!text)
		return NULL;
	if (path_parse(&path, text, strlen(text), &why)) {
		if (why.kind == ERROR_USAGE)
			entry_bad(n, err, "is no field: %s", why.what);
		else
			*err = why;
		return NULL;
	}
	path_release(&path);
	return mem_strndup(text, strlen(text), err);
}

int entry_choice(const struct entry *n, const char *const *names, unsigned *choice,
		 struct error *err)
{
	const char *text = entry_string(n, err);

	if (!text)
		return -1;
	for (*choice = 0; names[*choice]; ++*choice)
		if (!strcmp(names[*choice], text))
			return 0;
	return entry_bad(n, err, "is '%s', which is not known", text);
}

int entry_real(const struct entry *n, double *x, struct error *err)
{
	if (!json_is_number(n->json))
		return entry_bad(n, err, "is %s, not a number", entry_type(n->json));
	*x = json_number_value(n->json);
	return isfinite(*x) ? 0 : entry_bad(n, err, "is beyond the range of a double");
}
