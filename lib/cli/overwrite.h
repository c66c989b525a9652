/*
 * Outputs that are inputs, too: their records would be lost before they are read, or read again
 * as they are written, for ever. And files of two outputs, of which one would destroy the other.
 */
#ifndef CLI_OVERWRITE_H
#define CLI_OVERWRITE_H

#include "lib/base/error.h"
#include "lib/cli/stream.h"

/* -1 with ERROR_USAGE if `output` (NULL or "-": standard output), which `option` names, is the
 * regular file of one of the inputs (as paths of struct reader_options: none or "-" is standard
 * input). What cannot be looked at passes: opening it will tell. */
int overwrite_check(char *const *inputs, const char *option, const char *output, struct error *err);

/* An output that an option names; path NULL: it was not given. */
struct overwrite_output {
	const char *option, *path;
};

/* The same for standard output, for what the options of every stream write, and for further outputs
 * (NULL, or ended by an option that is NULL); and overwrite_check_outputs. */
int overwrite_check_stream(char *const *inputs, const struct stream_options *o,
			   const struct overwrite_output *more, struct error *err);

/* -1 with ERROR_USAGE if two of these outputs are one regular file, or will be. Standard output and
 * what is below /dev may be named twice. */
int overwrite_check_outputs(const struct stream_options *o, const struct overwrite_output *more,
			    struct error *err);

#endif
