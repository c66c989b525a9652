/*
 * The command of --offsets-from: one line of JSON in, one out, status 0.
 *
 *     {"operation":"claim"|"read","group":G,"partitions":[{"topic":T,"partition":P},…]}
 *     {"partitions":[{"topic":T,"partition":P,"offset":N|null,"epoch":E|null,"state":{…}|null},…]}
 *
 * Every partition that is asked for is in the answer, no other. offset null: nothing is stored.
 */
#ifndef KAFKA_OFFSET_COMMAND_H
#define KAFKA_OFFSET_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/kafka/position.h"

/* Appends the question, with its newline. */
int offset_question(struct buf *out, const char *operation, const char *group,
		    const struct positions *p, struct error *err);

/* Reads an answer into stored, epoch and state of each of p. ERROR_CONFIG says what is wrong. */
int offset_answer(struct positions *p, const char *text, size_t len, struct error *err);

/*
 * Runs /bin/sh -c command with `question` as its standard input, and appends its standard output to
 * answer; standard error is shared. It is a process group of its own, which the keys of a terminal
 * do not reach. All of the group is killed when it takes longer than timeout_ms (ERROR_RETRY) or
 * when stop says so (ERROR_NONE); its shell, or the one program it is, when the caller dies.
 * Otherwise its failure is an error of the kind that its status is, if it is one of sysexits(3)
 * that we know, else ERROR_RETRY.
 */
struct offset_command {
	const char *command;
	int timeout_ms;
	bool (*stop)(void *context); /* not NULL */
	void *context;
};
int offset_command_run(const struct offset_command *c, const struct buf *question,
		       struct buf *answer, struct error *err);

#endif
