/*
 * What loops do before they wait for input (before_wait of struct reader_options).
 */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include <stdint.h>
#include "lib/base/error.h"

/* Shortens a wait (-1: for ever) to ns, rounded up to a millisecond; past INT_MAX ms it stays as it
 * is. */
void wait_at_most(int *timeout_ms, int64_t ns);

/* Dies of SIGPIPE where the reader of standard output is gone, for what is before a filter would
 * wait for what is behind; -1 (ERROR_IO) where that signal is ignored. */
int wait_look_for_reader(struct error *err);

#endif
