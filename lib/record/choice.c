#include "lib/record/choice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

static bool chosen(const struct choice *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->names[i], name))
			return true;
	return false;
}

static int add(struct choice *c, const char *name, struct error *err)
{
	if (MEM_GROW(&c->names, &c->cap, c->n + 1, err) ||
	    !(c->names[c->n] = mem_strndup(name, strlen(name), err)))
		return -1;
	c->n++;
	return 0;
}

int choice_leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	struct choice *c = context;

	if ((v->kind != VALUE_NUMBER && v->kind != VALUE_NULL) ||
	    !feature_rule_takes(&c->rule, path) || chosen(c, path))
		return 0;
	return add(c, path, err);
}

int choice_finish(struct choice *c, struct error *err)
{
	for (size_t i = 0; i < c->rule.n; i++) {
		const char *name = c->rule.patterns[i];
		if (!strchr(name, '*') && !chosen(c, name) && add(c, name, err))
			return -1;
	}
	return 0;
}

void choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->names[i]);
	free(c->names);
	c->names = NULL;
	c->n = c->cap = 0;
}
