/* What lib/kafka/transaction.h orders, done. */
#include <stdlib.h>
#include <string.h>
#include "lib/cli/message.h"
#include "lib/cli/sink_db_impl.h"

#define PLAIN_SIZE_MAX (16 << 20) /* bytes of a batch of plain input */
#define MARK_SIZE_MAX (256 << 20) /* and of what may come before a mark */

static struct db_sink_epoch *find_epoch(const struct db_sink *s, const struct control_partition *p)
{
	for (size_t i = 0; i < s->n_epochs; i++)
		if (s->epochs[i].partition == p->partition && !strcmp(s->epochs[i].topic, p->topic))
			return &s->epochs[i];
	return NULL;
}

static int take_epoch(struct db_sink *s, const struct control_partition *p, struct error *err)
{
	struct db_sink_epoch *e = find_epoch(s, p);

	if (p->epoch == CONTROL_NO_EPOCH)
		return error_set(err, ERROR_CONFIG,
				 "kafka-consume asks the group for offsets, but they are kept in "
				 "the database: give it '--offsets-from \"db-sink --claim URL\"'");
	if (!e) {
		if (MEM_GROW(&s->epochs, &s->epochs_cap, s->n_epochs + 1, err))
			return -1;
		e = &s->epochs[s->n_epochs];
		*e = (struct db_sink_epoch){.topic = mem_strndup(p->topic, strlen(p->topic), err),
					    .partition = p->partition};
		if (!e->topic)
			return -1;
		s->n_epochs++;
	}
	e->epoch = p->epoch;
	return 0;
}

static int mark_epochs(struct db_sink *s, const struct control_record *mark, struct error *err)
{
	if (MEM_GROW(&s->mark_epochs, &s->mark_epochs_cap, mark->n, err))
		return -1;
	for (size_t i = 0; i < mark->n; i++) {
		const struct db_sink_epoch *e = find_epoch(s, &mark->partitions[i]);
		if (!e)
			return error_set(
				err, ERROR_CONFIG,
				"a mark names partition %d of '%s', which was not assigned",
				(int)mark->partitions[i].partition, mark->partitions[i].topic);
		s->mark_epochs[i] = e->epoch;
	}
	return 0;
}

static int commit(struct db_sink *s, const struct control_record *mark, struct error *err)
{
	struct store_mark m = {.record = mark};

	if (mark && mark_epochs(s, mark, err))
		return -1;
	m.epochs = s->mark_epochs;
	if (store_commit(s->store, &s->table, &s->batch, mark ? &m : NULL, db_sink_refused, s, err))
		return -1;
	transaction_committed(&s->transaction, db_sink_clock_ns());
	return 0;
}

static int act(struct db_sink *s, enum transaction_action action, const struct control_record *mark,
	       struct error *err)
{
	switch (action) {
	case TRANSACTION_COMMIT:
	case TRANSACTION_BEGIN_COMMIT:
		return commit(s, mark, err);
	case TRANSACTION_ABORT:
		store_batch_clear(&s->batch);
		transaction_aborted(&s->transaction, db_sink_clock_ns());
		return 0;
	case TRANSACTION_FAIL:
		return -1;
	default: /* the batch is one in memory until then */
		return 0;
	}
}

int db_sink_transaction_record(struct db_sink *s, const struct record *rec, struct error *err)
{
	struct transaction_source from =
		transaction_source_of(rec->values[s->kafka_slot].kind == VALUE_OBJECT,
				      &rec->values[s->topic_slot], &rec->values[s->partition_slot]);
	enum transaction_action action =
		transaction_record(&s->transaction, &from, db_sink_clock_ns(), err);

	return act(s, action, NULL, err) ? -1 : action != TRANSACTION_DROP;
}

int db_sink_transaction_full(struct db_sink *s, struct error *err)
{
	size_t size = store_batch_size(&s->batch);

	if (!s->transaction.controls && !s->transaction.provenance)
		return s->batch.n >= s->options->batch || size >= PLAIN_SIZE_MAX
			       ? commit(s, NULL, err)
			       : 0;
	return size < MARK_SIZE_MAX
		       ? 0
		       : error_set(
				 err, ERROR_CONFIG,
				 "more than %d MiB of rows came without a mark, which is to be one "
				 "transaction",
				 MARK_SIZE_MAX >> 20);
}

int db_sink_transaction_control(struct db_sink *s, struct error *err)
{
	const struct control_record *c = &s->control;

	for (size_t i = 0; c->kind == CONTROL_ASSIGN && i < c->n; i++)
		if (take_epoch(s, &c->partitions[i], err))
			return -1;
	return act(s, transaction_control(&s->transaction, c, db_sink_clock_ns(), err),
		   c->kind == CONTROL_MARK ? c : NULL, err);
}

int db_sink_transaction_time(struct db_sink *s, struct error *err)
{
	return act(s, transaction_time(&s->transaction, db_sink_clock_ns(), err), NULL, err);
}

int db_sink_transaction_end(struct db_sink *s, struct error *err)
{
	return act(s, transaction_end(&s->transaction, err), NULL, err);
}
