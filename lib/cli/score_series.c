#include "lib/cli/score_series.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "lib/record/control_needs.h"
#include "lib/record/control_state.h"

#define STAGE "anomaly-score"

struct series {
	atomic_size_t users;
	char *version;
	struct rule_states *states;
	struct control_needs *needs; /* [n_needs] by number of partition */
	size_t n_needs, needs_cap;
	int64_t n_plain; /* records without provenance so far */
	struct buf own;
};

struct series *series_new(const struct rule_state_options *o, const char *version,
			  struct error *err)
{
	struct series *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	atomic_init(&s->users, 1);
	if ((s->states = rule_states_new(o, err)) &&
	    (s->version = mem_strndup(version, strlen(version), err)))
		return s;
	series_leave(s);
	return NULL;
}

struct series *series_use(struct series *s)
{
	atomic_fetch_add(&s->users, 1);
	return s;
}

void series_leave(struct series *s)
{
	if (!s || atomic_fetch_sub(&s->users, 1) > 1)
		return;
	for (size_t i = 0; i < s->n_needs; i++)
		control_needs_release(&s->needs[i]);
	rule_states_free(s->states);
	buf_release(&s->own);
	free(s->needs);
	free(s->version);
	free(s);
}

const char *series_version(const struct series *s)
{
	return s->version;
}

struct rule_key *series_key(struct series *s, const struct series_place *at, const char *key,
			    size_t len, struct error *err)
{
	size_t number;

	if (rule_states_partition(s->states, at->topic, at->topic_len, at->partition, &number, err))
		return NULL;
	return rule_states_at(s->states, number, key, len, at->topic ? at->offset : s->n_plain++,
			      err);
}

/* A partition's number, with its needs. */
static struct control_needs *find(struct series *s, const struct control_partition *p,
				  size_t *number, struct error *err)
{
	if (rule_states_partition(s->states, p->topic, strlen(p->topic), p->partition, number,
				  err) ||
	    MEM_GROW(&s->needs, &s->needs_cap, *number + 1, err))
		return NULL;
	while (s->n_needs <= *number)
		s->needs[s->n_needs++] = (struct control_needs){.n = 0};
	return &s->needs[*number];
}

/* Whether an object of ours is of these rules. */
static bool is_ours(const struct series *s)
{
	static const char begin[] = "{\"rules\":\"";
	size_t n = sizeof(begin) - 1, len = strlen(s->version);

	return s->own.len > n + len && memcmp(s->own.data, begin, n) == 0 &&
	       memcmp(s->own.data + n, s->version, len) == 0;
}

static int assign(struct series *s, struct control_partition *p, struct error *err)
{
	size_t number;
	struct control_needs *needs = find(s, p, &number, err);

	if (!needs || control_state_take(p, STAGE, &s->own, err))
		return -1;
	rule_states_drop(s->states, number);
	needs->n = 0;
	if (is_ours(s) &&
	    (buf_terminate(&s->own, err) || control_needs_read(needs, s->own.data, err)))
		return -1;
	control_needs_cut(needs, p->to);
	/* The very first record finds nothing known, and needs none before it. */
	return needs->n ? 0 : control_needs_add(needs, p->from, p->from, err);
}

static int mark(struct series *s, struct control_partition *p, struct error *err)
{
	size_t number;
	struct control_needs *needs = find(s, p, &number, err);

	if (!needs)
		return -1;
	int64_t need = rule_states_need(s->states, number, p->to);
	s->own.len = 0;
	if (control_needs_add(needs, p->to, need, err) ||
	    buf_printf(&s->own, err, "{\"rules\":\"%s\",\"needs\":", s->version) ||
	    control_needs_write(needs, &s->own, err) || buf_add_str(&s->own, "}", err) ||
	    buf_terminate(&s->own, err))
		return -1;
	return control_state_put(p, STAGE, s->own.data, need < p->to ? need : -1, err);
}

static int reset(struct series *s, struct control_partition *p, struct error *err)
{
	size_t number;
	struct control_needs *needs = find(s, p, &number, err);

	if (!needs)
		return -1;
	rule_states_drop(s->states, number);
	needs->n = 0;
	return 0;
}

int series_control(struct series *s, struct control_record *c, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		struct control_partition *p = &c->partitions[i];
		int ret = c->kind == CONTROL_ASSIGN ? assign(s, p, err)
			  : c->kind == CONTROL_MARK ? mark(s, p, err)
						    : reset(s, p, err);
		if (ret)
			return -1;
	}
	return c->kind == CONTROL_RESET ? 0 : 1;
}
