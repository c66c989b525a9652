/*
 * -o of filters: standard output becomes a file that is written aside and put in its place when it
 * is whole, so that nobody sees half of it. A signal that ends the program at once leaves nothing
 * behind.
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include "lib/base/error.h"
#include "lib/base/file.h"

/* path NULL or "-": standard output stays what it is. */
int output_file_begin(struct file_out *f, const char *path, struct error *err);

/* After standard output was closed: puts the file in its place, or, if it is not whole, removes it.
 */
int output_file_end(struct file_out *f, bool whole, struct error *err);

#endif
