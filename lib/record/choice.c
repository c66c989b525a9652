#include "lib/record/choice.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/record/fields.h"

static bool ends_in(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && !memcmp(s + len - n, suffix, n);
}

static bool is_any(const char *s, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && !memcmp(s, *words, len))
			return true;
	return false;
}

/* One part of a path, escapes and all: no feature's name ends in one. */
static bool part_excluded(const char *s, size_t len)
{
	static const char *const words[] = {
		"id",       "anomaly_score",  "is_anomaly",
		"severity", "score_quantile", "reasons",
		"imputed",  "model_version",  "rules_version",
		"latitude", "longitude",      NULL,
	};

	return s[0] == '_' || !strncmp(s, "label", 5) || ends_in(s, len, "_timestamp") ||
	       ends_in(s, len, "_at") || ends_in(s, len, "_id") || is_any(s, len, words);
}

bool choice_by_default(const char *path, const char *time_field)
{
	if (!strcmp(path, time_field ? time_field : "timestamp"))
		return false;
	for (;;) {
		size_t len = 0;
		while (path[len] && path[len] != '.')
			len += path[len] == '\\' && path[len + 1] ? 2 : 1;
		if (part_excluded(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

static int add(struct choice *c, const char *name, size_t len, struct error *err)
{
	if (MEM_GROW(&c->names, &c->cap, c->n + 1, err) ||
	    !(c->names[c->n] = mem_strndup(name, len, err)))
		return -1;
	c->n++;
	return 0;
}

/* The next of a comma-separated list, as a copy in b. */
static int next_pattern(const char **list, struct buf *b, struct error *err)
{
	size_t len = strcspn(*list, ",");

	b->len = 0;
	if (buf_add(b, *list, len, err) || buf_terminate(b, err))
		return -1;
	*list += len + ((*list)[len] == ',');
	return 0;
}

int choice_leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	struct choice *c = context;
	struct buf pattern = BUF_INIT;
	bool chosen = !c->patterns && choice_by_default(path, c->time_field);
	const char *rest = c->patterns ? c->patterns : "";

	if (v->kind != VALUE_NUMBER && v->kind != VALUE_NULL)
		return 0;
	while (*rest && !chosen) {
		if (next_pattern(&rest, &pattern, err)) {
			buf_release(&pattern);
			return -1;
		}
		chosen = path_matches(pattern.data, path);
	}
	buf_release(&pattern);
	for (size_t i = 0; chosen && i < c->n; i++)
		chosen = strcmp(c->names[i], path) != 0;
	if (!chosen)
		return 0;
	c->n_missing += v->kind == VALUE_NULL;
	return add(c, path, strlen(path), err);
}

int choice_finish(struct choice *c, struct error *err)
{
	struct buf pattern = BUF_INIT;
	const char *rest = c->patterns ? c->patterns : "";
	int ret = 0;

	while (*rest && !ret) {
		bool known = false;
		if (next_pattern(&rest, &pattern, err)) {
			ret = -1;
			break;
		}
		for (size_t i = 0; i < c->n && !known; i++)
			known = !strcmp(c->names[i], pattern.data);
		if (!known && !strchr(pattern.data, '*'))
			ret = add(c, pattern.data, pattern.len, err);
	}
	buf_release(&pattern);
	return ret;
}

void choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->names[i]);
	free(c->names);
	*c = (struct choice){0};
}
