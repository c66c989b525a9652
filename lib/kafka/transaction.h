/*
 * What a sink does with its transaction at each thing that comes: pure, knows no librdkafka.
 *
 * Records of a stream with control records are committed at marks, and not before; what a failed
 * commit or a `reset` makes void is aborted. A stream without them is plain: committed now and then
 * and at its end.
 *
 *                     NONE              OPEN                     SKIPPING
 *     record          begin, send       send                     drop
 *     mark            begin, commit     commit                   -
 *     heartbeat       -                 commit                   -
 *     empty mark      -                 fail                     -
 *     reset           -                 abort (covers), or fail  -> NONE once covered
 *     end             -                 fail                     fail
 *     no more input   -                 fail; plain: commit      fail
 *     time is up      -                 commit (plain), or fail  fail
 *
 * A heartbeat is a mark whose ranges, all of them [x, x), were told before. A mark without ranges
 * has no partition to be fenced by, so that it can commit nothing.
 *
 * A commit that is fenced leads from OPEN to SKIPPING; to NONE if it was to move no offset and no
 * record, for then nothing is void: a consumer that finds all committed may leave, or go on as
 * another member, before its first mark is. A reset covers what was produced since the last commit:
 * the partitions that the records' provenance named or, where a record had none, all that were
 * assigned.
 */
#ifndef KAFKA_TRANSACTION_H
#define KAFKA_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/record/control_record.h"

/* How long a reset, or any control record at all, may take to come. */
#define TRANSACTION_PATIENCE_NS (INT64_C(10) * 1000000000)

enum transaction_state { TRANSACTION_NONE, TRANSACTION_OPEN, TRANSACTION_SKIPPING };

enum transaction_action {
	TRANSACTION_NOTHING,
	TRANSACTION_BEGIN,        /* then send */
	TRANSACTION_SEND,         /* the record */
	TRANSACTION_DROP,         /* the record */
	TRANSACTION_COMMIT,       /* with the mark's offsets, if it is a mark */
	TRANSACTION_BEGIN_COMMIT, /* the same for an empty transaction */
	TRANSACTION_ABORT,        /* and go on */
	TRANSACTION_FAIL,         /* abort what is open and end, for the reason in err */
};

struct transaction {
	enum transaction_state state;
	int64_t interval_ns; /* of commits of plain input */
	bool controls;       /* a control record came: not plain */
	bool provenance;     /* a record with `_kafka` came: not plain either */
	int64_t since_ns;    /* when the state began */
	struct transaction_partition {
		char *topic;
		size_t topic_len;
		int32_t partition;
		bool assigned;
		bool told;     /* by a mark since then */
		bool produced; /* since the last commit */
	} * partitions;
	size_t n, cap, last;
	bool produced_unknown; /* since the last commit, of a record without provenance */
	bool advances;         /* the mark that is to be committed moves an offset */
	bool assigning;        /* the last control record was an `assign` */
};

void transaction_release(struct transaction *t);

/* Where a record came from; topic NULL: not known. */
struct transaction_source {
	bool provenance; /* it has `_kafka` */
	const char *topic;
	size_t topic_len;
	int32_t partition;
};

/* What a record's `_kafka.topic` and `_kafka.partition` say, where it has `_kafka` (provenance).
 * The topic's text stays the record's. */
struct transaction_source transaction_source_of(bool provenance, const struct value *topic,
						const struct value *partition);

/* now_ns is of any clock that does not jump. BEGIN, SEND, DROP, FAIL (memory). */
enum transaction_action transaction_record(struct transaction *t,
					   const struct transaction_source *s, int64_t now_ns,
					   struct error *err);

enum transaction_action transaction_control(struct transaction *t, const struct control_record *c,
					    int64_t now_ns, struct error *err);

/* No more input: NOTHING, COMMIT, FAIL. Whether control records were complete is not asked here. */
enum transaction_action transaction_end(const struct transaction *t, struct error *err);

/* Asked now and then: NOTHING, COMMIT, FAIL. */
enum transaction_action transaction_time(const struct transaction *t, int64_t now_ns,
					 struct error *err);

/* How long from now transaction_time has nothing to say; INT64_MAX: for ever. */
int64_t transaction_wait_ns(const struct transaction *t, int64_t now_ns);

/* What came of COMMIT or BEGIN_COMMIT, and of ABORT. Fenced: it was aborted, too. */
void transaction_committed(struct transaction *t, int64_t now_ns);
void transaction_fenced(struct transaction *t, int64_t now_ns);
void transaction_aborted(struct transaction *t, int64_t now_ns);

#endif
