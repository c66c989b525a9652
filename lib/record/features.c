#include "lib/record/features.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/record/fields.h"

void feature_rule_release(struct feature_rule *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->patterns[i]);
	free(r->patterns);
	r->patterns = NULL;
	r->n = 0;
}

int feature_rule_init(struct feature_rule *r, const char *patterns, const char *time_field,
		      const char *verdict, struct error *err)
{
	size_t cap = 0;

	*r = (struct feature_rule){.time_field = time_field, .verdict = verdict};
	for (const char *p = patterns; p; p = *p ? p + 1 : NULL) {
		size_t len = strcspn(p, ",");

		if (len == 0) {
			error_set(err, ERROR_USAGE, "an empty name in '%s'", patterns);
			goto fail;
		}
		if (MEM_GROW(&r->patterns, &cap, r->n + 1, err) < 0 ||
		    !(r->patterns[r->n] = mem_strndup(p, len, err)))
			goto fail;
		r->n++;
		p += len;
	}
	return 0;
fail:
	feature_rule_release(r);
	return -1;
}

static bool is(const char *name, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(name, other, len) == 0;
}

static bool begins(const char *name, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(name + len - n, with, n) == 0;
}

static bool is_other(const char *name, size_t len)
{
	static const char *const names[] = {
		"id",         "latitude",      "longitude",      "anomaly_score",
		"is_anomaly", "severity",      "score_quantile", "reasons",
		"imputed",    "model_version", "rules_version"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is(name, len, names[i]))
			return true;
	}
	return begins(name, len, "_") || begins(name, len, "label") || ends(name, len, "_id") ||
	       ends(name, len, "_at") || ends(name, len, "_timestamp");
}

/* The length of a path's first name: up to a dot without a backslash. */
static size_t name_length(const char *path)
{
	size_t len = 0;

	while (path[len] && path[len] != '.')
		len += path[len] == '\\' && path[len + 1] ? 2 : 1;
	return len;
}

/* Whether the test holds for any name of a path. */
static bool has_name(const char *path, bool (*test)(const char *name, size_t len))
{
	for (;; path++) {
		size_t len = name_length(path);

		if (test(path, len))
			return true;
		path += len;
		if (!*path)
			return false;
	}
}

static bool is_empty(const char *name, size_t len)
{
	(void)name;
	return len == 0;
}

bool feature_rule_takes(const struct feature_rule *r, const char *path)
{
	size_t in = r->verdict ? strlen(r->verdict) : 0;

	if (has_name(path, is_empty))
		return false;
	for (size_t i = 0; i < r->n; i++) {
		if (path_matches(r->patterns[i], path))
			return true;
	}
	if (r->n || (r->time_field && strcmp(path, r->time_field) == 0))
		return false;
	if (r->verdict && strncmp(path, r->verdict, in) == 0 && (path[in] == '.' || !path[in]))
		return false;
	return !has_name(path, is_other);
}
