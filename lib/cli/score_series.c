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
	struct series_partition {
		struct control_needs needs;
		int64_t processed; /* what comes before it is a replay */
	} * partitions;            /* [n_partitions] by number */
	size_t n_partitions, partitions_cap;
	bool assigning;  /* the last control record was an assign */
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
	for (size_t i = 0; i < s->n_partitions; i++)
		control_needs_release(&s->partitions[i].needs);
	rule_states_free(s->states);
	buf_release(&s->own);
	free(s->partitions);
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

/* A partition and its number. */
static struct series_partition *find(struct series *s, const struct control_partition *p,
				     size_t *number, struct error *err)
{
	if (rule_states_partition(s->states, p->topic, strlen(p->topic), p->partition, number,
				  err) ||
	    MEM_GROW(&s->partitions, &s->partitions_cap, *number + 1, err))
		return NULL;
	while (s->n_partitions <= *number)
		s->partitions[s->n_partitions++] = (struct series_partition){.processed = -1};
	return &s->partitions[*number];
}

static void drop(struct series *s, size_t number)
{
	rule_states_drop(s->states, number);
	s->partitions[number].needs.n = 0;
	s->partitions[number].processed = -1;
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
	struct series_partition *x = find(s, p, &number, err);

	if (!x || control_state_take(p, STAGE, &s->own, err))
		return -1;
	/* The first of an assignment: what was ours before is not. */
	for (size_t i = 0; !s->assigning && i < s->n_partitions; i++)
		drop(s, i);
	drop(s, number);
	x->processed = p->to;
	if (is_ours(s) &&
	    (buf_terminate(&s->own, err) || control_needs_read(&x->needs, s->own.data, err)))
		return -1;
	control_needs_cut(&x->needs, p->to);
	/* The very first record finds nothing known, and needs none before it. */
	return x->needs.n ? 0 : control_needs_add(&x->needs, p->from, p->from, err);
}

static int mark(struct series *s, struct control_partition *p, struct error *err)
{
	size_t number;
	struct series_partition *x = find(s, p, &number, err);
	int64_t need;

	if (!x)
		return -1;
	/* Until a new record has come the replay may be under way, and what was needed still is. */
	if (p->to <= x->processed) {
		need = control_needs_from(&x->needs, p->to);
	} else {
		need = rule_states_need(s->states, number, p->to);
		if (control_needs_add(&x->needs, p->to, need, err))
			return -1;
	}
	s->own.len = 0;
	if (buf_printf(&s->own, err, "{\"rules\":\"%s\",\"needs\":", s->version) ||
	    control_needs_write(&x->needs, &s->own, err) || buf_add_str(&s->own, "}", err) ||
	    buf_terminate(&s->own, err))
		return -1;
	return control_state_put(p, STAGE, s->own.data, need < p->to ? need : -1, err);
}

static int reset(struct series *s, struct control_partition *p, struct error *err)
{
	size_t number;

	if (!find(s, p, &number, err))
		return -1;
	drop(s, number);
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
		s->assigning = c->kind == CONTROL_ASSIGN;
	}
	s->assigning &= c->kind == CONTROL_ASSIGN;
	return c->kind == CONTROL_RESET ? 0 : 1;
}
