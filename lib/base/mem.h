/*
 * Memory whose sizes cannot overflow, and a growing byte buffer.
 *
 * All allocation in lib/ goes through here, so that one test can make the nth
 * one fail (tests link with --wrap=malloc,calloc,realloc,aligned_alloc). A failed call leaves
 * what was there untouched and fills err.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"

/* n * size bytes, zeroed; NULL on overflow or when there is no memory. n or
 * size may be 0: a pointer to free is returned all the same. */
void *mem_alloc(size_t n, size_t size, struct error *err);

/* As mem_alloc, at a multiple of 64 bytes (vector loads). Give back with free(). */
void *mem_alloc_aligned(size_t n, size_t size, struct error *err);

/* Makes room for `need` elements in *array (may be NULL) of *cap elements, by at
 * least half more than before, so that appending is linear. The new part is not
 * zeroed. 0, or -1 with *array and *cap as they were. */
int mem_grow(void **array, size_t *cap, size_t need, size_t size, struct error *err);

/* mem_grow for a typed array: MEM_GROW(&a->rows, &a->cap, n + 1, err). */
#define MEM_GROW(array, cap, need, err) \
	mem_grow((void **)(array), (cap), (need), sizeof(**(array)), (err))

/* A copy of len bytes with a NUL behind them. */
char *mem_strndup(const char *s, size_t len, struct error *err);

/*
 * Bytes that grow. data is NULL until something was added; bytes [0, len) are the
 * caller's to read and write, len may be lowered. There is no NUL behind them
 * unless buf_terminate was called last.
 */
struct buf {
	char *data;
	size_t len, cap;
};

#define BUF_INIT             \
	{                    \
		.data = NULL \
	}

void buf_release(struct buf *b);

/* Room for `more` bytes behind len; afterwards that many can be written at
 * b->data + b->len without a check. */
int buf_reserve(struct buf *b, size_t more, struct error *err);
int buf_add(struct buf *b, const void *bytes, size_t n, struct error *err);
int buf_add_str(struct buf *b, const char *s, struct error *err);
/* A string that comes from data, for people to read: as utf8_clean has it. */
int buf_add_clean(struct buf *b, const char *s, struct error *err);
int buf_printf(struct buf *b, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts a NUL behind the bytes, not counted in len. */
int buf_terminate(struct buf *b, struct error *err);

#endif
