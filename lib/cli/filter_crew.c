#include "lib/cli/filter_crew.h"

#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/cli/signals.h"

struct crew_thread {
	struct crew *crew;
	struct filter_worker worker;
	pthread_t id;
};

/* With the lock held. */
static void leave_plan(struct filter_plan *plan)
{
	if (plan && !--plan->users)
		filter_plan_free(plan);
}

/* What a worker waits with: the block that it works on. */
struct turn {
	struct crew *crew;
	size_t number;
};

/* With the lock held. A block is only begun after those before it: one of them can go on. */
static void wait_for_turn(struct crew *c, size_t number)
{
	while (c->next_turn != number)
		pthread_cond_wait(&c->changed, &c->lock);
}

static void await_turn(void *context)
{
	const struct turn *t = context;

	pthread_mutex_lock(&t->crew->lock);
	wait_for_turn(t->crew, t->number);
	pthread_mutex_unlock(&t->crew->lock);
}

static void work(struct filter_worker *w, struct slot *s)
{
	if (s->bad_line)
		filter_work_bad_line(w, &s->why, &s->result);
	else
		filter_work(w, s->plan, &s->block, &s->result);
}

/* With the lock held, which is let go of meanwhile: works a slot off, and leaves the plan that the
 * worker's state was made for before, if any. */
static void work_with_plan(struct crew *c, struct filter_worker *w, struct slot *s)
{
	struct filter_plan *before = w->plan;
	struct turn turn = {c, s->number};
	bool in_order = c->in_order && c->n_started;

	w->turn = &turn;
	w->await_turn = in_order ? await_turn : NULL;
	if (s->plan && s->plan != before)
		s->plan->users++;
	pthread_mutex_unlock(&c->lock);
	work(w, s);
	pthread_mutex_lock(&c->lock);
	if (in_order) {
		wait_for_turn(c, s->number);
		c->next_turn++;
	}
	if (s->plan && s->plan != before) {
		leave_plan(before);
		if (w->plan != s->plan) /* it could not be entered */
			leave_plan(s->plan);
	}
	s->state = SLOT_DONE;
}

static void *thread_main(void *context)
{
	struct crew_thread *t = context;
	struct crew *c = t->crew;

	signals_block();
	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct slot *s = &c->slots[c->next_work % c->n_slots];
		if (s->state == SLOT_FILLED) {
			c->next_work++;
			s->state = SLOT_WORKING;
			work_with_plan(c, &t->worker, s);
			pthread_cond_broadcast(&c->changed);
			signals_wake();
		} else if (c->closing) {
			break;
		} else {
			pthread_cond_wait(&c->changed, &c->lock);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int crew_init(struct crew *c, const struct filter *f, size_t threads, struct error *err)
{
	*c = (struct crew){.n_slots = threads > 1 ? 2 * threads + 1 : 1, .in_order = f->in_order};
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->slots = mem_alloc(c->n_slots, sizeof(*c->slots), err);
	c->threads = mem_alloc(threads, sizeof(*c->threads), err);
	if (!c->slots || !c->threads)
		return -1;
	for (; c->n_threads < threads; c->n_threads++) {
		struct crew_thread *t = &c->threads[c->n_threads];
		t->crew = c;
		if (filter_worker_init(&t->worker, f, err))
			return -1;
	}
	for (; c->n_started < threads && threads > 1; c->n_started++) {
		struct crew_thread *t = &c->threads[c->n_started];
		int no = pthread_create(&t->id, NULL, thread_main, t);
		if (no)
			return error_errno(err, ERROR_UNAVAILABLE, no, "cannot start thread %zu",
					   c->n_started + 1);
	}
	return 0;
}

void crew_release(struct crew *c)
{
	if (!c->n_slots)
		return;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < c->n_started; i++)
		pthread_join(c->threads[i].id, NULL);
	for (size_t i = 0; i < c->n_threads; i++) {
		struct filter_plan *plan = c->threads[i].worker.plan;
		filter_worker_release(&c->threads[i].worker);
		leave_plan(plan);
	}
	for (size_t i = 0; c->slots && i < c->n_slots; i++) {
		filter_result_release(&c->slots[i].result);
		block_release(&c->slots[i].block);
	}
	free(c->slots);
	free(c->threads);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	c->n_slots = 0;
}

struct slot *crew_next_slot(struct crew *c)
{
	return crew_busy(c) && c->next_fill - c->next_commit == c->n_slots
		       ? NULL
		       : &c->slots[c->next_fill % c->n_slots];
}

void crew_submit(struct crew *c)
{
	struct slot *s = &c->slots[c->next_fill % c->n_slots];

	s->number = c->next_fill++;
	pthread_mutex_lock(&c->lock);
	if (s->plan)
		s->plan->users++;
	if (c->n_started) {
		s->state = SLOT_FILLED;
		pthread_cond_broadcast(&c->changed);
	} else {
		work_with_plan(c, &c->threads[0].worker, s);
	}
	pthread_mutex_unlock(&c->lock);
}

bool crew_busy(const struct crew *c)
{
	return c->next_commit != c->next_fill;
}

const struct slot *crew_done(struct crew *c, bool wait)
{
	if (!crew_busy(c))
		return NULL;
	struct slot *s = &c->slots[c->next_commit % c->n_slots];

	pthread_mutex_lock(&c->lock);
	while (wait && s->state != SLOT_DONE)
		pthread_cond_wait(&c->changed, &c->lock);
	bool done = s->state == SLOT_DONE;

	pthread_mutex_unlock(&c->lock);
	return done ? s : NULL;
}

void crew_release_slot(struct crew *c)
{
	struct slot *s = &c->slots[c->next_commit++ % c->n_slots];

	pthread_mutex_lock(&c->lock);
	leave_plan(s->plan);
	s->plan = NULL;
	s->state = SLOT_FREE;
	pthread_mutex_unlock(&c->lock);
}

void crew_leave_plan(struct crew *c, struct filter_plan *plan)
{
	pthread_mutex_lock(&c->lock);
	leave_plan(plan);
	pthread_mutex_unlock(&c->lock);
}
