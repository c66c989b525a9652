/* Threads of our own beside librdkafka's, for its calls that may not come back in time. */
#ifndef KAFKA_THREAD_H
#define KAFKA_THREAD_H

#include <pthread.h>

/* Signals are for the thread that has its caller's loop: in the new one all are blocked. Its
 * failure is pthread_create's, an errno. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
