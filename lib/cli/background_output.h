/*
 * Standard output written by a thread, so that the program has time for other things while its
 * reader has none for it.
 *
 * There are two buffers: one is filled while the other is written. All functions are the main
 * thread's. SIGPIPE must be ignored.
 */
#ifndef CLI_BACKGROUND_OUTPUT_H
#define CLI_BACKGROUND_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

#define BACKGROUND_FULL (1 << 20) /* a buffer of so many bytes takes no more */

struct background_output;

/* Makes a pipe behind fd as large as is allowed. To the end of the process, for its thread may hang
 * in a write. */
struct background_output *background_output_new(int fd, struct error *err);

/* What is filled; it is added to while there is room. */
struct buf *background_output_buffer(struct background_output *o);
bool background_output_room(const struct background_output *o);

/* Hands what was added to the thread if that has nothing to do: 1 when nothing is left to hand
 * over, 0, or -1 when writing failed. */
int background_output_push(struct background_output *o, struct error *err);

/* Waits until the thread has nothing to do, at most timeout_ms: 1, 0 or -1. */
int background_output_wait(struct background_output *o, int timeout_ms, struct error *err);

/* Bytes added and written so far: a record whose last byte is the nth is written when that is at
 * least n. */
uint64_t background_output_added(const struct background_output *o);
uint64_t background_output_written(struct background_output *o);

/* Whether the reader is gone, written to or not. */
bool background_output_gone(struct background_output *o);

#endif
