/* What lib/kafka/transaction.h orders, done. */
#include <string.h>
#include "lib/cli/message.h"
#include "lib/cli/produce_impl.h"

static int abort_open(struct sink *s, struct error *err)
{
	s->n_aborted++;
	s->n_open = 0;
	return producer_abort(s->producer, err);
}

/* A commit that failed for a message says which, or that there is no topic for any. */
static int blame(const struct sink *s, struct error *err)
{
	if (s->undelivered.kind)
		*err = s->undelivered;
	return sink_blame_topic(s, err);
}

static int commit(struct sink *s, const struct control_record *mark, struct error *err)
{
	int ret = producer_commit(s->producer, mark, err);

	if (!ret) {
		s->n_committed++;
		s->n_in_topic += s->n_open;
		s->n_open = 0;
		transaction_committed(&s->transaction, sink_clock_ns());
		return 0;
	}
	if (ret < 0)
		return blame(s, err);
	transaction_fenced(&s->transaction, sink_clock_ns());
	if (s->transaction.state == TRANSACTION_SKIPPING) /* else nothing was to be committed */
		message_note("%s; what came since the last mark is void", err->what);
	*err = (struct error)ERROR_INIT;
	return abort_open(s, err);
}

/* Does what is not about the record at hand: 0, or -1 when it failed or was to fail. */
static int act(struct sink *s, enum transaction_action action, const struct control_record *mark,
	       struct error *err)
{
	switch (action) {
	case TRANSACTION_BEGIN:
		return producer_begin(s->producer, err);
	case TRANSACTION_BEGIN_COMMIT:
		return producer_begin(s->producer, err) ? -1 : commit(s, mark, err);
	case TRANSACTION_COMMIT:
		return commit(s, mark, err);
	case TRANSACTION_ABORT:
		if (abort_open(s, err))
			return -1;
		transaction_aborted(&s->transaction, sink_clock_ns());
		return 0;
	case TRANSACTION_FAIL:
		return -1;
	case TRANSACTION_NOTHING:
	case TRANSACTION_SEND:
	case TRANSACTION_DROP:
		break;
	}
	return 0;
}

int sink_transaction_record(struct sink *s, const struct record *rec, struct error *err)
{
	struct transaction_source from =
		transaction_source_of(outgoing_read(s->outgoing)->any, &rec->values[s->topic_slot],
				      &rec->values[s->partition_slot]);
	enum transaction_action action =
		transaction_record(&s->transaction, &from, sink_clock_ns(), err);

	if (act(s, action, NULL, err))
		return -1;
	return action != TRANSACTION_DROP;
}

int sink_transaction_control(struct sink *s, struct error *err)
{
	const struct control_record *c = &s->control;

	return act(s, transaction_control(&s->transaction, c, sink_clock_ns(), err),
		   c->kind == CONTROL_MARK ? c : NULL, err);
}

int sink_transaction_time(struct sink *s, struct error *err)
{
	return act(s, transaction_time(&s->transaction, sink_clock_ns(), err), NULL, err);
}

int sink_transaction_end(struct sink *s, struct error *err)
{
	return act(s, transaction_end(&s->transaction, err), NULL, err);
}

void sink_transaction_give_up(struct sink *s)
{
	if (!s->producer || s->transaction.state != TRANSACTION_OPEN)
		return;
	s->n_aborted++;
	producer_give_up(s->producer);
}
