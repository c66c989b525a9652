/*
 * The crew of a filter: a ring of slots that the main thread fills with blocks, that workers work
 * off, and that the main thread gets back in the order in which it filled them.
 *
 * All functions are the main thread's. With one worker no thread is started: crew_submit does the
 * work.
 */
#ifndef CLI_FILTER_CREW_H
#define CLI_FILTER_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/cli/filter_impl.h"

/* A block on its way. */
struct slot {
	enum { SLOT_FREE, SLOT_FILLED, SLOT_WORKING, SLOT_DONE } state; /* the crew's */
	struct block block;
	size_t number; /* in the order of filling */
	struct filter_plan *plan;
	bool bad_line; /* no block, but a line that could not be read */
	struct error why;
	struct filter_result result;
};

struct crew_thread;

struct crew {
	struct slot *slots;
	size_t n_slots, next_fill, next_commit;
	struct crew_thread *threads;
	size_t n_threads, n_started;
	pthread_mutex_t lock; /* slots' states, plans' users, and: */
	pthread_cond_t changed;
	size_t next_work;
	size_t next_turn; /* the block that writes its result, with in_order */
	bool in_order;
	bool closing; /* nothing more will be filled */
};

int crew_init(struct crew *c, const struct filter *f, size_t threads, struct error *err);

/* Waits for the workers. Safe after crew_init failed, and on a zeroed crew. */
void crew_release(struct crew *c);

/* The slot to fill next; NULL when all are under way. */
struct slot *crew_next_slot(struct crew *c);

/* It is filled: its plan has one more user until it is released. */
void crew_submit(struct crew *c);

/* Whether any slot is under way. */
bool crew_busy(const struct crew *c);

/* The oldest slot under way, worked off; NULL when there is none, or with !wait when it is not done
 * yet. */
const struct slot *crew_done(struct crew *c, bool wait);

/* That slot may be filled anew. */
void crew_release_slot(struct crew *c);

/* The caller needs a plan no longer, which may be NULL: it goes when nobody does. */
void crew_leave_plan(struct crew *c, struct filter_plan *plan);

#endif
