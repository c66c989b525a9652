/*
 * Outputs that are inputs, too: their records would be lost before they are read, or read again
 * as they are written, for ever.
 */
#ifndef CLI_OVERWRITE_H
#define CLI_OVERWRITE_H

#include "lib/base/error.h"
#include "lib/cli/stream.h"

/* -1 with ERROR_USAGE if `output` (NULL or "-": standard output), which `option` names, is the
 * regular file of one of the inputs (as paths of struct reader_options: none or "-" is standard
 * input). What cannot be looked at passes: opening it will tell. */
int overwrite_check(char *const *inputs, const char *option, const char *output, struct error *err);

/* The same for standard output and for what the options of every stream write. */
int overwrite_check_stream(char *const *inputs, const struct stream_options *o, struct error *err);

#endif
