#include "lib/kafka/bounded_call.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "lib/base/timestamp.h"

struct waited {
	void *(*call)(void *context);
	void *context;
	bool back;
	pthread_mutex_t lock;
	pthread_cond_t came_back;
};

static int start(pthread_t *thread, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

int bounded_call_begin(void *(*call)(void *context), void *context)
{
	pthread_t thread;
	int failed = start(&thread, call, context);

	if (!failed)
		pthread_detach(thread);
	return failed;
}

static void *run(void *waited)
{
	struct waited *w = waited;

	w->call(w->context);
	pthread_mutex_lock(&w->lock);
	w->back = true;
	pthread_cond_signal(&w->came_back);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool wait_for(struct waited *w, int timeout_ms)
{
	int64_t end = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	struct timespec until = {end / NS_PER_SECOND, end % NS_PER_SECOND};
	bool back;

	pthread_mutex_lock(&w->lock);
	while (!w->back && !pthread_cond_timedwait(&w->came_back, &w->lock, &until))
		;
	back = w->back;
	pthread_mutex_unlock(&w->lock);
	return back;
}

static void release(struct waited *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->came_back);
	free(w);
}

int bounded_call(void *(*call)(void *context), void *context, int timeout_ms, bool *back)
{
	struct waited *w = malloc(sizeof(*w));
	pthread_condattr_t attributes;
	pthread_t thread;
	int failed;

	*back = false;
	if (!w)
		return ENOMEM;
	*w = (struct waited){.call = call, .context = context};
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->came_back, &attributes);
	pthread_condattr_destroy(&attributes);
	if (!(failed = start(&thread, run, w)) && !(*back = wait_for(w, timeout_ms))) {
		pthread_detach(thread); /* it may come back yet: w is left to it, too */
		return 0;
	}
	if (!failed)
		pthread_join(thread, NULL);
	release(w);
	return failed;
}
