/*
 * Calls of librdkafka that may never come back, whatever time-out they are given. They are made in
 * threads of their own, which are left behind then. In these all signals are blocked: they are for
 * the thread that has its caller's loop.
 */
#ifndef KAFKA_BOUNDED_CALL_H
#define KAFKA_BOUNDED_CALL_H

#include <stdbool.h>

/* Makes a call that nobody waits for. Its failure is pthread_create's, an errno. */
int bounded_call_begin(void *(*call)(void *context), void *context);

/*
 * Waits up to timeout_ms for it: *back tells whether it came back; where it did not, the context is
 * left to it. Its failure to begin is an errno.
 */
int bounded_call(void *(*call)(void *context), void *context, int timeout_ms, bool *back);

#endif
