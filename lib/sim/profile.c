#include "lib/sim/profile_impl.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"
#include "lib/sim/layout.h"

#define STEP_MAX_NS (366 * 86400 * NS_PER_SECOND)

int profile_signal(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->n_signals; i++)
		if (!strcmp(p->signals[i].name, name))
			return (int)i;
	return -1;
}

int profile_attribute(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->n_attributes; i++)
		if (!strcmp(p->attributes[i].name, name))
			return (int)i;
	return -1;
}

int profile_check_name(const struct node *n, const char *name, struct error *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_";

	if (*name && !name[strspn(name, good)])
		return 0;
	return node_fail(n, err, "a name has letters, digits and '_', not '%.40s'", name);
}

double *profile_add_loadings(struct profile *p, size_t n, struct error *err)
{
	if (MEM_GROW(&p->loadings, &p->cap_loadings, p->n_loadings + 1, err))
		return NULL;
	double *loadings = mem_alloc(n, sizeof(*loadings), err);
	if (loadings)
		p->loadings[p->n_loadings++] = loadings;
	return loadings;
}

static int read_step(struct profile *p, const struct node *up, struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text;
	struct node n;

	p->step_ns = NS_PER_SECOND;
	if (!node_get(up, "step", &n))
		return 0;
	if (node_text(&n, &text, err))
		return -1;
	if (duration_parse(text, strlen(text), &p->step_ns, &why) || p->step_ns > STEP_MAX_NS)
		return node_refuse(&n, "a length of time up to 366d, such as 1s", err);
	return 0;
}

static int read_utc_offset(struct profile *p, const struct node *up, struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text;
	struct node n;

	if (!node_get(up, "utc_offset", &n))
		return 0;
	if (node_text(&n, &text, err))
		return -1;
	return timestamp_parse_offset(text, strlen(text), &p->utc_offset_s, &why)
		       ? node_refuse(&n, "an offset such as '-05:00'", err)
		       : 0;
}

static int read_profile(struct profile *p, const struct node *root, struct error *err)
{
	static const char *const known[] = {"description", "step",    "utc_offset",  "sensors",
					    "daily",       "signals", "correlation", "anomalies",
					    "record",      NULL};
	const char *description;
	struct node n;

	if (node_object(root, known, err) ||
	    (node_get(root, "description", &n) && node_text(&n, &description, err)) ||
	    read_step(p, root, err) || read_utc_offset(p, root, err))
		return -1;
	if (node_need(root, "sensors", &n, err) || profile_read_sensors(p, &n, err) ||
	    (node_get(root, "daily", &n) && profile_read_daily(p, &n, err)))
		return -1;
	if (node_need(root, "signals", &n, err) || profile_read_signals(p, &n, err) ||
	    (node_get(root, "correlation", &n) && profile_read_correlation(p, &n, err)))
		return -1;
	if (node_get(root, "anomalies", &n) && profile_read_anomalies(p, &n, err))
		return -1;
	return node_need(root, "record", &n, err) || layout_check(p, &n, err) ? -1 : 0;
}

struct profile *profile_parse(const char *text, size_t len, const char *name, struct error *err)
{
	struct profile *p = mem_alloc(1, sizeof(*p), err);
	json_error_t at;

	if (!p)
		return NULL;
	p->root = json_loadb(len ? text : "", len, JSON_REJECT_DUPLICATES, &at);
	if (!p->root) {
		error_set(err, ERROR_CONFIG, "profile is not JSON: %s", at.text);
		error_at(err, name, at.line > 0 ? (uint64_t)at.line : 0,
			 at.line > 0 && at.column > 0 ? (uint64_t)at.column : 0);
		profile_free(p);
		return NULL;
	}
	const struct node root = {.json = p->root};
	if (read_profile(p, &root, err)) {
		error_at(err, name, 0, 0);
		profile_free(p);
		return NULL;
	}
	return p;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_attributes; i++) {
		free(p->attributes[i].name);
		free(p->attributes[i].numbers);
		free(p->attributes[i].texts);
	}
	for (size_t i = 0; i < p->n_signals; i++)
		free(p->signals[i].name);
	for (size_t i = 0; i < p->n_loadings; i++)
		free(p->loadings[i]);
	for (size_t i = 0; i < p->n_anomalies; i++)
		free(p->anomalies[i].effects);
	free(p->attributes);
	free(p->daily);
	free(p->signals);
	free(p->loadings);
	free(p->missing);
	free(p->anomalies);
	json_decref(p->root);
	free(p);
}
