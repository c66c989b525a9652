#include "lib/base/config_node.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/number.h"

#define TEXT_MAX 400
#define DEPTH_MAX 64
#define SHOWN_MAX 40

/* "sensors.rows[3].zone", cut where it is too long. */
static void write_path(const struct node *n, char out[TEXT_MAX])
{
	const struct node *chain[DEPTH_MAX];
	size_t depth = 0, len = 0;

	for (; n->up && depth < DEPTH_MAX; n = n->up)
		chain[depth++] = n;
	out[0] = '\0';
	while (depth && len < TEXT_MAX) {
		const struct node *c = chain[--depth];

		len += (size_t)(c->key ? snprintf(out + len, TEXT_MAX - len, "%s%.100s",
						  len ? "." : "", c->key)
				       : snprintf(out + len, TEXT_MAX - len, "[%zu]", c->index));
	}
}

int node_fail(const struct node *n, struct error *err, const char *fmt, ...)
{
	char path[TEXT_MAX], text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_path(n, path);
	return error_set(err, ERROR_CONFIG, "%s%s%s", path, path[0] ? ": " : "", text);
}

int node_refuse(const struct node *n, const char *what, struct error *err)
{
	const json_t *j = n->json;
	char real[NUMBER_MAX];

	switch (json_typeof(j)) {
	case JSON_STRING:
		return node_fail(n, err, "must be %s, not '%.*s'", what, SHOWN_MAX,
				 json_string_value(j));
	case JSON_INTEGER:
		return node_fail(n, err, "must be %s, not %" JSON_INTEGER_FORMAT, what,
				 json_integer_value(j));
	case JSON_REAL:
		/* 2.0 shows as such: it is no whole number. */
		return node_fail(n, err, "must be %s, not %.*s", what,
				 (int)number_write_real(real, json_real_value(j)), real);
	case JSON_OBJECT:
		return node_fail(n, err, "must be %s, not an object", what);
	case JSON_ARRAY:
		return node_fail(n, err, "must be %s, not an array of %zu", what,
				 json_array_size(j));
	default:
		return node_fail(n, err, "must be %s, not %s", what,
				 json_is_null(j)   ? "null"
				 : json_is_true(j) ? "true"
						   : "false");
	}
}

bool node_get(const struct node *up, const char *key, struct node *n)
{
	*n = (struct node){.json = json_object_get(up->json, key), .up = up, .key = key};
	return n->json != NULL;
}

int node_need(const struct node *up, const char *key, struct node *n, struct error *err)
{
	return node_get(up, key, n) ? 0 : node_fail(up, err, "lacks '%s'", key);
}

struct node node_item(const struct node *up, size_t i)
{
	return (struct node){.json = json_array_get(up->json, i), .up = up, .index = i};
}

int node_object(const struct node *n, const char *const *known, struct error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(n->json))
		return node_refuse(n, "an object", err);
	/* jansson's iteration wants a pointer that is not const, and changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)n->json, key, value)
	{
		const char *const *k = known;
		char names[TEXT_MAX];
		size_t len = 0;

		while (k && *k && strcmp(*k, key) != 0)
			k++;
		if (!k || *k)
			continue;
		for (k = known; *k && len < sizeof(names); k++)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s'%s'",
						len ? ", " : "", *k);
		struct node child = {.json = value, .up = n, .key = key};
		return node_fail(&child, err, "is unknown; what may stand here is %s",
				 len ? names : "nothing");
	}
	return 0;
}

int node_array(const struct node *n, size_t *count, struct error *err)
{
	*count = json_array_size(n->json); /* 0 of what is none */
	return *count ? 0 : node_refuse(n, "an array that is not empty", err);
}

int node_real(const struct node *n, double low, double high, double *x, struct error *err)
{
	char what[100];

	*x = json_number_value(n->json);
	if (json_is_number(n->json) && *x >= low && *x <= high)
		return 0;
	if (isinf(low))
		return node_refuse(n, "a number", err);
	snprintf(what, sizeof(what), "a number from %.10g to %.10g", low, high);
	return node_refuse(n, what, err);
}

int node_count(const struct node *n, uint64_t low, uint64_t high, uint64_t *x, struct error *err)
{
	char what[100];

	*x = (uint64_t)json_integer_value(n->json);
	if (json_is_integer(n->json) && json_integer_value(n->json) >= 0 && *x >= low && *x <= high)
		return 0;
	snprintf(what, sizeof(what), "a whole number from %" PRIu64 " to %" PRIu64, low, high);
	return node_refuse(n, what, err);
}

int node_truth(const struct node *n, bool *x, struct error *err)
{
	*x = json_is_true(n->json);
	return json_is_boolean(n->json) ? 0 : node_refuse(n, "true or false", err);
}

int node_text(const struct node *n, const char **s, struct error *err)
{
	*s = json_string_value(n->json);
	return *s ? 0 : node_refuse(n, "a string", err);
}

int node_range(const struct node *n, double lowest, double highest, double range[2],
	       struct error *err)
{
	if (json_is_number(n->json)) {
		if (node_real(n, lowest, highest, &range[0], err))
			return -1;
		range[1] = range[0];
		return 0;
	}
	if (json_array_size(n->json) != 2)
		return node_refuse(n, "a number or [lowest, highest]", err);
	for (size_t i = 0; i < 2; i++) {
		struct node item = node_item(n, i);
		if (node_real(&item, lowest, highest, &range[i], err))
			return -1;
	}
	return range[0] <= range[1] ? 0
				    : node_fail(n, err, "%.10g is above %.10g", range[0], range[1]);
}

int node_choice(const struct node *n, const char *const *names, unsigned *choice, struct error *err)
{
	const char *text = json_string_value(n->json);
	char what[TEXT_MAX];
	size_t len = 0;

	for (*choice = 0; text && names[*choice]; ++*choice)
		if (!strcmp(text, names[*choice]))
			return 0;
	for (size_t i = 0; names[i] && len < sizeof(what); i++)
		len += (size_t)snprintf(what + len, sizeof(what) - len, "%s'%s'",
					i ? ", " : "one of ", names[i]);
	return node_refuse(n, what, err);
}
