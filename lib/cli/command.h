/*
 * A command that a program runs for its user, as env(1) does: same terminal, same process group,
 * its status passed on.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/error.h"

#define COMMAND_CANNOT_RUN 126
#define COMMAND_NOT_FOUND 127
#define COMMAND_SIGNAL 128 /* and above: it died of the signal of this number less 128 */

struct command {
	pid_t pid; /* 0: there is none */
	int start;
	int status; /* as waitpid(2) has it */
};

/* Makes the process, which waits for command_start: a program does this before it has threads, and
 * files that no command should inherit. In the process set_up is given the text of command_start,
 * to set its environment; then mask is its signal mask, and argv, NULL-terminated, is looked for on
 * PATH and run. If that fails it says so and ends with 126 or 127. Should this program die, SIGTERM
 * ends the command. */
int command_prepare(struct command *c, char *const *argv, const sigset_t *mask,
		    void (*set_up)(const char *text), struct error *err);

/* text: 1 to 4000 bytes. */
int command_start(struct command *c, const char *text, struct error *err);

/* In place of command_start: it will not be run. */
void command_cancel(struct command *c);

/* To be asked after SIGCHLD: whether it has ended. */
bool command_ended(struct command *c);

/* Its exit status, or 128 and the signal it died of. */
int command_status(const struct command *c);

#endif
