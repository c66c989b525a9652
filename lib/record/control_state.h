/*
 * What the stages of a pipeline keep with a partition's offset: the `state` of marks and assigns.
 *
 *     {"replay_from":17,"anomaly-score":{…},"window-agg":{…},"window-agg.2":{…}}
 *
 * Each stage has one member, an object of its own, named after the program; a second stage of the
 * same program appends .2, and so on. replay_from is the oldest offset that any stage still needs.
 * A mark comes to a stage with what the stages before it have put there, and the stage puts its
 * own, each time and for every partition of the mark ({} if it keeps nothing), so that the numbers
 * hold. An assign comes with what was kept: a stage takes the first that bears its name, which is
 * thereby cut out, and passes the rest on.
 *
 * All of it must fit in what the store keeps with an offset: Kafka has 4096 bytes (the sink says so
 * when it does not), so a stage keeps a few numbers here, and gets the rest by replay.
 */
#ifndef RECORD_CONTROL_STATE_H
#define RECORD_CONTROL_STATE_H

#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/control_record.h"

/* Puts the object `own` (JSON text, no line end) into the partition's state. replay_from is the
 * oldest offset that this stage needs again, -1: none; it gets the records from there as they were,
 * for the state's replay_from becomes as old as the stages before need it (control_needs.h).
 * ERROR_CONFIG: the state there is, or own, is no object. */
int control_state_put(struct control_partition *p, const char *stage, const char *own,
		      int64_t replay_from, struct error *err);

/* Takes this stage's object out of the partition's state into own, as text; own is empty when
 * there is none. The other members stay as they are, replay_from too. ERROR_CONFIG: the state is no
 * object, or what bears the stage's name is none. */
int control_state_take(struct control_partition *p, const char *stage, struct buf *own,
		       struct error *err);

#endif
