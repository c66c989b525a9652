#include "lib/kafka/transaction.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

enum event {
	EVENT_RECORD,
	EVENT_MARK,
	EVENT_HEARTBEAT,
	EVENT_EMPTY_MARK,
	EVENT_RESET,
	EVENT_END,
	EVENT_INPUT_END,
	N_EVENTS
};

static const enum transaction_action actions[][N_EVENTS] = {
	[TRANSACTION_NONE] = {[EVENT_RECORD] = TRANSACTION_BEGIN,
			      [EVENT_MARK] = TRANSACTION_BEGIN_COMMIT,
			      [EVENT_HEARTBEAT] = TRANSACTION_NOTHING,
			      [EVENT_EMPTY_MARK] = TRANSACTION_NOTHING,
			      [EVENT_RESET] = TRANSACTION_NOTHING,
			      [EVENT_END] = TRANSACTION_NOTHING,
			      [EVENT_INPUT_END] = TRANSACTION_NOTHING},
	[TRANSACTION_OPEN] = {[EVENT_RECORD] = TRANSACTION_SEND,
			      [EVENT_MARK] = TRANSACTION_COMMIT,
			      [EVENT_HEARTBEAT] = TRANSACTION_COMMIT,
			      [EVENT_EMPTY_MARK] = TRANSACTION_FAIL,
			      [EVENT_RESET] = TRANSACTION_ABORT,
			      [EVENT_END] = TRANSACTION_FAIL,
			      [EVENT_INPUT_END] = TRANSACTION_FAIL},
	[TRANSACTION_SKIPPING] = {[EVENT_RECORD] = TRANSACTION_DROP,
				  [EVENT_MARK] = TRANSACTION_NOTHING,
				  [EVENT_HEARTBEAT] = TRANSACTION_NOTHING,
				  [EVENT_EMPTY_MARK] = TRANSACTION_NOTHING,
				  [EVENT_RESET] = TRANSACTION_NOTHING,
				  [EVENT_END] = TRANSACTION_FAIL,
				  [EVENT_INPUT_END] = TRANSACTION_FAIL},
};

void transaction_release(struct transaction *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->partitions[i].topic);
	free(t->partitions);
	*t = (struct transaction){.state = TRANSACTION_NONE};
}

static void enter(struct transaction *t, enum transaction_state state, int64_t now_ns)
{
	t->state = state;
	t->since_ns = now_ns;
}

static bool is_partition(const struct transaction_partition *p, const char *topic, size_t len,
			 int32_t partition)
{
	return p->partition == partition && p->topic_len == len && !memcmp(p->topic, topic, len);
}

/* The entry of a partition, made if there is none. */
static struct transaction_partition *find(struct transaction *t, const char *topic, size_t len,
					  int32_t partition, struct error *err)
{
	if (t->last < t->n && is_partition(&t->partitions[t->last], topic, len, partition))
		return &t->partitions[t->last];
	for (size_t i = 0; i < t->n; i++)
		if (is_partition(&t->partitions[i], topic, len, partition))
			return &t->partitions[t->last = i];
	if (MEM_GROW(&t->partitions, &t->cap, t->n + 1, err))
		return NULL;
	struct transaction_partition p = {
		.topic = mem_strndup(topic, len, err), .topic_len = len, .partition = partition};
	if (!p.topic)
		return NULL;
	t->partitions[t->n] = p;
	return &t->partitions[t->last = t->n++];
}

static bool is_plain(const struct transaction *t)
{
	return !t->controls && !t->provenance;
}

static enum transaction_action no_controls(struct error *err)
{
	error_set(err, ERROR_CONFIG,
		  "records have '_kafka', but no control record came with them: a filter before "
		  "drops those (let lines with \"control\" through), or kafka-consume commits by "
		  "itself (then give it '--no-provenance')");
	return TRANSACTION_FAIL;
}

struct transaction_source transaction_source_of(bool provenance, const struct value *topic,
						const struct value *partition)
{
	struct transaction_source from = {.provenance = provenance};

	if (!provenance || topic->kind != VALUE_STRING || topic->csv ||
	    partition->kind != VALUE_NUMBER ||
	    !(partition->number >= 0 && partition->number <= INT32_MAX))
		return from;
	from.topic = topic->text + 1; /* Kafka's names need no escapes */
	from.topic_len = topic->len - 2;
	from.partition = (int32_t)partition->number;
	return from;
}

enum transaction_action transaction_record(struct transaction *t,
					   const struct transaction_source *s, int64_t now_ns,
					   struct error *err)
{
	enum transaction_action action = actions[t->state][EVENT_RECORD];
	struct transaction_partition *p;

	if (s->provenance && !t->provenance && !t->controls && t->state == TRANSACTION_OPEN)
		t->since_ns = now_ns; /* the wait for control records begins */
	t->provenance |= s->provenance;
	if (action == TRANSACTION_DROP)
		return action;
	if (!s->topic) {
		t->produced_unknown = true;
	} else {
		p = find(t, s->topic, s->topic_len, s->partition, err);
		if (!p)
			return TRANSACTION_FAIL;
		p->produced = true;
	}
	if (action == TRANSACTION_BEGIN)
		enter(t, TRANSACTION_OPEN, now_ns);
	return action;
}

/* A record without provenance may come of any partition. */
static void resolve_unknown(struct transaction *t)
{
	for (size_t i = 0; i < t->n && t->produced_unknown; i++)
		t->partitions[i].produced |= t->partitions[i].assigned;
	t->produced_unknown = false;
}

static void forget_produced(struct transaction *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->partitions[i].produced = false;
	t->produced_unknown = false;
}

static const struct transaction_partition *still_produced(const struct transaction *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->partitions[i].produced)
			return &t->partitions[i];
	return NULL;
}

static enum transaction_action reset(struct transaction *t, const struct control_record *c,
				     int64_t now_ns, struct error *err)
{
	enum transaction_action action = actions[t->state][EVENT_RESET];
	const struct transaction_partition *left;

	resolve_unknown(t);
	for (size_t i = 0; i < c->n; i++) {
		const struct control_partition *r = &c->partitions[i];
		struct transaction_partition *p =
			find(t, r->topic, strlen(r->topic), r->partition, err);
		if (!p)
			return TRANSACTION_FAIL;
		p->assigned = p->produced = false;
	}
	left = still_produced(t);
	if (t->state == TRANSACTION_SKIPPING && !left)
		enter(t, TRANSACTION_NONE, now_ns);
	if (t->state == TRANSACTION_OPEN && left) {
		error_set(err, ERROR_RETRY,
			  "'reset' leaves out partition %d of '%s', of which records were produced "
			  "since the last mark",
			  (int)left->partition, left->topic);
		return TRANSACTION_FAIL;
	}
	return action;
}

static void forget_assigned(struct transaction *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->partitions[i].assigned = false;
}

/* The first of an assignment takes the place of all that was assigned before. */
static enum transaction_action assign(struct transaction *t, const struct control_record *c,
				      struct error *err)
{
	if (!t->assigning)
		forget_assigned(t);
	for (size_t i = 0; i < c->n; i++) {
		const struct control_partition *a = &c->partitions[i];
		struct transaction_partition *p =
			find(t, a->topic, strlen(a->topic), a->partition, err);
		if (!p)
			return TRANSACTION_FAIL;
		p->assigned = true;
		p->told = false;
	}
	t->assigning = true;
	return TRANSACTION_NOTHING;
}

/* The words for a stream that ends where it may not. */
static void explain_end(const struct transaction *t, struct error *err)
{
	if (t->state == TRANSACTION_SKIPPING)
		error_set(err, ERROR_RETRY,
			  "input ended where a 'reset' was due: the group had fenced its consumer");
	else
		error_set(err, ERROR_RETRY,
			  "input ended behind its last mark: what came since then is aborted");
}

static enum transaction_action end(const struct transaction *t, enum event event, struct error *err)
{
	enum transaction_action action = actions[t->state][event];

	if (action == TRANSACTION_FAIL)
		explain_end(t, err);
	return action;
}

static enum transaction_action mark(struct transaction *t, const struct control_record *c,
				    int64_t now_ns, struct error *err)
{
	enum event event = c->n ? EVENT_HEARTBEAT : EVENT_EMPTY_MARK;
	enum transaction_action action;

	t->advances = false;
	for (size_t i = 0; i < c->n; i++) {
		const struct control_partition *m = &c->partitions[i];
		struct transaction_partition *p =
			find(t, m->topic, strlen(m->topic), m->partition, err);
		if (!p)
			return TRANSACTION_FAIL;
		t->advances |= m->to > m->from;
		if (t->advances || !p->told)
			event = EVENT_MARK;
		p->told = true;
	}
	if (!c->n)
		forget_assigned(t); /* heartbeats name all */
	action = actions[t->state][event];
	if (action == TRANSACTION_BEGIN_COMMIT)
		enter(t, TRANSACTION_OPEN, now_ns);
	if (action == TRANSACTION_FAIL)
		error_set(err, ERROR_CONFIG,
			  "records came before a mark without ranges, which cannot commit them");
	return action;
}

enum transaction_action transaction_control(struct transaction *t, const struct control_record *c,
					    int64_t now_ns, struct error *err)
{
	t->controls = true;
	t->assigning &= c->kind == CONTROL_ASSIGN;
	switch (c->kind) {
	case CONTROL_ASSIGN:
		return assign(t, c, err);
	case CONTROL_RESET:
		return reset(t, c, now_ns, err);
	case CONTROL_MARK:
		return mark(t, c, now_ns, err);
	case CONTROL_END:
		return end(t, EVENT_END, err);
	case CONTROL_NONE:
		break;
	}
	return TRANSACTION_NOTHING;
}

enum transaction_action transaction_end(const struct transaction *t, struct error *err)
{
	if (t->provenance && !t->controls)
		return no_controls(err);
	if (t->state == TRANSACTION_OPEN && is_plain(t))
		return TRANSACTION_COMMIT;
	return end(t, EVENT_INPUT_END, err);
}

/* How long the state may last; INT64_MAX: for ever. */
static int64_t patience_ns(const struct transaction *t)
{
	if (t->state == TRANSACTION_SKIPPING)
		return TRANSACTION_PATIENCE_NS;
	if (t->state == TRANSACTION_NONE || t->controls)
		return INT64_MAX;
	return t->provenance ? TRANSACTION_PATIENCE_NS : t->interval_ns;
}

int64_t transaction_wait_ns(const struct transaction *t, int64_t now_ns)
{
	int64_t patience = patience_ns(t), gone = now_ns - t->since_ns;

	if (patience == INT64_MAX)
		return INT64_MAX;
	return gone < patience ? patience - gone : 0;
}

enum transaction_action transaction_time(const struct transaction *t, int64_t now_ns,
					 struct error *err)
{
	if (transaction_wait_ns(t, now_ns) > 0)
		return TRANSACTION_NOTHING;
	if (is_plain(t))
		return TRANSACTION_COMMIT;
	if (!t->controls)
		return no_controls(err);
	error_set(err, ERROR_RETRY,
		  "no 'reset' came within 10 s after the group had fenced its consumer");
	return TRANSACTION_FAIL;
}

void transaction_committed(struct transaction *t, int64_t now_ns)
{
	forget_produced(t);
	enter(t, TRANSACTION_NONE, now_ns);
}

void transaction_fenced(struct transaction *t, int64_t now_ns)
{
	bool lost = t->advances || t->produced_unknown || still_produced(t);

	enter(t, lost ? TRANSACTION_SKIPPING : TRANSACTION_NONE, now_ns);
}

void transaction_aborted(struct transaction *t, int64_t now_ns)
{
	forget_produced(t);
	enter(t, TRANSACTION_NONE, now_ns);
}
