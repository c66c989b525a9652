#include "lib/cli/consume_impl.h"

#define COMMIT_NS INT64_C(100000000)

/* Notes how far we are: it may be committed when all that was added to the output is written. */
int consume_commit_note(struct consume *c, struct error *err)
{
	const struct positions *p = consumer_positions(c->consumer);

	if (consumer_update_positions(c->consumer, err) ||
	    MEM_GROW(&c->commit_offsets, &c->commit_cap, p->n, err))
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		const struct position *x = &p->items[i];
		int64_t left = message_block_first(c->block, x->topic, x->partition);
		if (left >= 0 && left < x->processed)
			left = x->processed; /* of a replay */
		c->commit_offsets[i] = left < 0 ? position_passed(x) : left;
	}
	c->commit_bytes = background_output_added(c->out);
	c->commit_waits = true;
	return 0;
}

static int commit(struct consume *c, bool sync, struct error *err)
{
	struct positions *p = consumer_positions(c->consumer);

	c->commit_waits = false;
	for (size_t i = 0; i < p->n; i++)
		p->items[i].told = c->commit_offsets[i];
	return consume_sync_rejects(c, err) ||
			       consumer_commit(c->consumer, c->commit_offsets, sync, err)
		       ? -1
		       : 0;
}

int consume_commit_due(struct consume *c, int64_t now_ns, struct error *err)
{
	const struct positions *p = consumer_positions(c->consumer);

	if (c->commit_waits && background_output_written(c->out) >= c->commit_bytes &&
	    commit(c, false, err))
		return -1;
	if (c->commit_waits || now_ns < c->commit_ns || !positions_moved(p))
		return 0;
	c->commit_ns = now_ns + COMMIT_NS;
	return consume_commit_note(c, err);
}

int consume_commit_noted(struct consume *c, struct error *err)
{
	return commit(c, true, err);
}

int consume_commit_all(struct consume *c, struct error *err)
{
	return consume_commit_note(c, err) || commit(c, true, err) ? -1 : 0;
}
