/*
 * Where a batch program writes: standard output, or a file that is written aside and put in its
 * place when it is whole, so that nobody sees half of it.
 *
 * SIGINT, SIGTERM and SIGHUP (unless ignored when the program began) end the program by that
 * signal: what is buffered is written, or the unfinished file removed. While the program waits, for
 * input or for the reader of its output, it dies at once. One such output a process.
 */
#ifndef CLI_BATCH_OUTPUT_H
#define CLI_BATCH_OUTPUT_H

#include "lib/base/error.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

struct batch_output {
	struct buf buf; /* append here, then call batch_output_step */
	int fd;
	struct file_out file;
};

/* path NULL or "-" is standard output. */
int batch_output_begin(struct batch_output *o, const char *path, struct error *err);

/* After each record: writes buf out when enough is there, and ends the program after a signal. */
int batch_output_step(struct batch_output *o, struct error *err);

/* Before the program may wait for input: writes all of buf out. */
int batch_output_wait(struct batch_output *o, struct error *err);

/* Writes the rest and closes; a file is put in its place. On failure nothing is left behind. */
int batch_output_commit(struct batch_output *o, struct error *err);

/* After a failure of something else: removes the unfinished file, or writes to standard output what
 * was buffered, as far as it goes. */
void batch_output_abort(struct batch_output *o);

#endif
