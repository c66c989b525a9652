/*
 * How signals end or turn a filter or a source. Nothing happens in the middle of a record: handlers
 * set flags and wake the wait for input.
 *
 *     SIGINT   what was read is written, then the program dies of the signal
 *     SIGTERM  a filter drains its input for at most SIGNALS_DRAIN_S seconds: 0 if its end was
 *              reached, else 75; to a source it is the end of input (a second one ends it at once)
 *              (a sink is told then, and ended SIGNALS_DRAIN_S later, with 75)
 *     SIGHUP   with reload: signals_take_hangup tells once; without: as by default
 *
 * A signal that was ignored when the program began stays ignored.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>
#include "lib/base/error.h"

#define SIGNALS_DRAIN_S 2

/* For the main thread, before others are started. */
void signals_filter(bool reload);

/* As signals_filter(false), for a program at the end of a pipeline, which has to bring what it took
 * to an end: it is told when its time to drain is over. */
void signals_sink(void);

/* Where a signal ends the program at once, it removes this file first; NULL: none. The text must
 * stay. */
void signals_unfinished(const char *path);

/* SIGTERM came to a sink SIGNALS_DRAIN_S ago. */
bool signals_late(void);

/* ERROR_RETRY: the end of input did not come in that time; more is added to what is said, or "".
 * Returns -1. */
int signals_fail_late(const char *more, struct error *err);

/* The input's end was reached and all of it was dealt with: there is no hurry any more. */
void signals_drained(void);

/* As signals_filter, for a program at the head of a pipeline. */
void signals_source(void);

/* SIGTERM came. */
bool signals_terminated(void);

/* In other threads: leaves all these signals to the main one. */
void signals_block(void);

/* Readable while a signal came that the main loop has not looked at; -1 before signals_filter. */
int signals_wake_fd(void);

/* Makes wake_fd unreadable. */
void signals_seen(void);

bool signals_take_hangup(void);

/* Another reason to wake the main loop, from any thread. */
void signals_wake(void);

/* SIGINT came: the program should flush and call signals_die. */
bool signals_interrupted(void);

/* Dies of SIGINT. */
void signals_die(void) __attribute__((noreturn));

#endif
