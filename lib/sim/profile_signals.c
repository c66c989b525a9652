#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/sim/placeholder.h"
#include "lib/sim/profile_impl.h"

#define WINDOW_MAX 1000000

struct signal_spec *profile_add_signal(struct profile *p, const char *name, size_t len,
				       struct error *err)
{
	if (MEM_GROW(&p->signals, &p->cap_signals, p->n_signals + 1, err))
		return NULL;
	struct signal_spec *s = &p->signals[p->n_signals];
	*s = (struct signal_spec){.name = mem_strndup(name, len, err)};
	if (!s->name)
		return NULL;
	p->n_signals++;
	return s;
}

/* A number, or the name of an attribute that is one. */
static int read_parameter(const struct profile *p, const struct node *n, double low,
			  struct parameter *to, struct error *err)
{
	const char *name = json_string_value(n->json);

	*to = (struct parameter){.attribute = -1};
	if (!name)
		return node_real(n, low, PROFILE_REAL_MAX, &to->value, err);
	to->attribute = profile_attribute(p, name);
	if (to->attribute < 0)
		return node_fail(n, err, "'sensors' has no '%.40s'", name);
	const struct attribute *a = &p->attributes[to->attribute];
	if (a->texts)
		return node_fail(n, err, "'%.40s' of 'sensors' is text, not a number", name);
	for (size_t i = 0; a->numbers && i < a->n; i++)
		if (a->numbers[i] < low)
			return node_fail(n, err,
					 "'%.40s' of 'sensors' is %.10g in row %zu, below %g", name,
					 a->numbers[i], i, low);
	/* A normal one may be anything. */
	if (!a->numbers && low > -PROFILE_REAL_MAX && (a->kind == ATTRIBUTE_NORMAL || a->a < low))
		return node_fail(n, err, "'%.40s' of 'sensors' may be drawn below %g", name, low);
	return 0;
}

static int read_pull(struct signal_spec *s, const struct node *n, struct error *err)
{
	static const char *const known[] = {"probability", "factor", NULL};
	struct node m;

	return node_object(n, known, err) || node_need(n, "probability", &m, err) ||
			       node_real(&m, 0, 1, &s->walk.pull_probability, err) ||
			       node_need(n, "factor", &m, err) ||
			       node_range(&m, -PROFILE_REAL_MAX, PROFILE_REAL_MAX,
					  s->walk.pull_factor, err)
		       ? -1
		       : 0;
}

static int read_walk(struct signal_spec *s, const struct node *n, struct error *err)
{
	static const char *const only[] = {"window", "newest_weight", "pull", NULL};
	uint64_t window = 0;
	struct node m;

	for (size_t i = 0; s->process != PROCESS_WALK && only[i]; i++)
		if (node_get(n, only[i], &m))
			return node_fail(&m, err, "only a walk has one");
	if (s->process != PROCESS_WALK)
		return 0;
	if (node_get(n, "daily", &m))
		return node_fail(&m, err, "a walk has none: it follows its own past");
	s->walk.newest_weight = 1;
	if (node_need(n, "window", &m, err) || node_count(&m, 2, WINDOW_MAX, &window, err) ||
	    (node_get(n, "newest_weight", &m) &&
	     node_real(&m, 1e-3, 1e3, &s->walk.newest_weight, err)) ||
	    (node_get(n, "pull", &m) && read_pull(s, &m, err)))
		return -1;
	s->walk.window = window;
	return 0;
}

static int read_daily(const struct profile *p, struct signal_spec *s, const struct node *n,
		      struct error *err)
{
	const char *name;

	if (node_text(n, &name, err))
		return -1;
	for (size_t i = 0; i < p->n_daily; i++)
		if (!strcmp(p->daily[i].name, name))
			s->daily = p->daily[i].factors;
	return s->daily ? 0 : node_fail(n, err, "'daily' of the profile has no '%.40s'", name);
}

/* [low, high], null for none. */
static int read_clamp(struct signal_spec *s, const struct node *n, struct error *err)
{
	double *ends[] = {&s->low, &s->high};

	if (json_array_size(n->json) != 2)
		return node_refuse(n, "[lowest, highest], null for none", err);
	for (size_t i = 0; i < 2; i++) {
		struct node item = node_item(n, i);
		if (!json_is_null(item.json) &&
		    node_real(&item, -PROFILE_REAL_MAX, PROFILE_REAL_MAX, ends[i], err))
			return -1;
	}
	return s->low <= s->high ? 0 : node_fail(n, err, "%.10g is above %.10g", s->low, s->high);
}

static int read_finish(struct signal_spec *s, const struct node *n, struct error *err)
{
	uint64_t decimals = 0;
	struct node m;

	s->low = -HUGE_VAL;
	s->high = HUGE_VAL;
	if ((node_get(n, "absolute", &m) && node_truth(&m, &s->absolute, err)) ||
	    (node_get(n, "clamp", &m) && read_clamp(s, &m, err)))
		return -1;
	s->rounded = node_get(n, "round", &m);
	if (s->rounded && node_count(&m, 0, PROFILE_DECIMALS_MAX, &decimals, err))
		return -1;
	s->decimals = (unsigned)decimals;
	return 0;
}

static int check_name(const struct profile *p, const struct node *n, struct error *err)
{
	if (profile_check_name(n, n->key, err))
		return -1;
	if (placeholder_is_builtin(n->key))
		return node_fail(n, err, "the name '%s' is taken", n->key);
	if (profile_attribute(p, n->key) >= 0)
		return node_fail(n, err, "'sensors' has a '%s', too", n->key);
	return 0;
}

static int read_signal(struct profile *p, const struct node *n, struct error *err)
{
	static const char *const processes[] = {"gaussian", "walk", NULL};
	static const char *const known[] = {"process", "mean",          "sd",   "daily",
					    "window",  "newest_weight", "pull", "absolute",
					    "clamp",   "round",         "bank", NULL};
	struct signal_spec s = {.own = 1, .missing = -1}, *to;
	struct node m;
	unsigned process;

	if (check_name(p, n, err) || node_object(n, known, err) ||
	    node_need(n, "process", &m, err) || node_choice(&m, processes, &process, err))
		return -1;
	s.process = (enum process)process;
	if (read_walk(&s, n, err) || read_finish(&s, n, err) ||
	    (node_get(n, "daily", &m) && read_daily(p, &s, &m, err)))
		return -1;
	if (node_get(n, "bank", &m)) {
		if (s.process == PROCESS_WALK)
			return node_fail(&m, err, "a walk has none");
		return profile_read_bank(p, n, &s, err);
	}
	if (node_need(n, "mean", &m, err) ||
	    read_parameter(p, &m, -PROFILE_REAL_MAX, &s.mean, err) || node_need(n, "sd", &m, err) ||
	    read_parameter(p, &m, 0, &s.sd, err) ||
	    !(to = profile_add_signal(p, n->key, strlen(n->key), err)))
		return -1;
	s.name = to->name;
	*to = s;
	return 0;
}

int profile_read_signals(struct profile *p, const struct node *n, struct error *err)
{
	const char *name;
	json_t *value;

	if (node_object(n, NULL, err))
		return -1;
	json_object_foreach((json_t *)(uintptr_t)n->json, name, value)
	{
		struct node signal = {.json = value, .up = n, .key = name};
		if (read_signal(p, &signal, err))
			return -1;
	}
	return p->n_signals ? 0 : node_fail(n, err, "there is none");
}
