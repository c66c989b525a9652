/* Input that is read more than once: which can be, and its way back to the start. */
#ifndef CLI_REPEAT_H
#define CLI_REPEAT_H

#include <sys/types.h>
#include "lib/base/error.h"
#include "lib/record/reader.h"

struct repeat {
	off_t stdin_start; /* where standard input stood; -1: it is not among the inputs */
};

/* ERROR_USAGE: one of paths (as reader_options has them) is no regular file. Those that cannot be
 * looked at, and directories, are left to the reader. */
int repeat_init(struct repeat *r, char *const *paths, struct error *err);

/* Back to where the inputs stood at first; after the reader's end. */
int repeat_again(const struct repeat *r, struct reader *reader, struct error *err);

#endif
