/*
 * Words on standard error, as `prog: FILE:LINE:COLUMN: what is wrong`; one write(2) a
 * message, so that lines of two programs of a pipeline do not mix. Thread-safe.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "lib/base/error.h"

/* Called first thing in main: keeps the program's name for messages (its last path component), and
 * opens /dev/null on any of the descriptors 0 to 2 that is closed, the wrong way round: reading
 * such a standard input or writing such an output fails, and no file opened later is taken for one
 * of them. */
void message_init(const char *argv0);
const char *message_program(void);

/* An error with its place; the exit status it leads to is returned, for
 * `status = message_error(&err)`. */
int message_error(const struct error *err);

/* The same behind another failure, of which the status is (0: there was none), and stays. */
int message_also(int status, const struct error *err);

/* A remark that is no failure: "prog: text", cleaned and cut as error_set does. */
void message_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As message_error, then exits with the error's kind. */
void message_die(const struct error *err) __attribute__((noreturn));

/* Flushes and closes standard output and reports what could not be written. Returns status, or 74
 * if that failed and status was 0: `return message_close_stdout(status)` ends programs that print
 * through stdio. */
int message_close_stdout(int status);

#endif
