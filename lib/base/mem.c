#include "lib/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/utf8.h"

#define ALIGNMENT 64
#define MIN_GROWTH_BYTES 64

/* n * size in *bytes, SIZE_MAX if that is more. Whether there can be such an object at all. */
static bool possible(size_t n, size_t size, size_t *bytes)
{
	if (__builtin_mul_overflow(n, size, bytes))
		*bytes = SIZE_MAX;
	return *bytes <= PTRDIFF_MAX - ALIGNMENT;
}

void *mem_alloc(size_t n, size_t size, struct error *err)
{
	size_t bytes;
	void *p = NULL;

	if (possible(n, size, &bytes))
		p = calloc(bytes ? bytes : 1, 1);
	if (!p)
		error_memory(err, bytes);
	return p;
}

void *mem_alloc_aligned(size_t n, size_t size, struct error *err)
{
	size_t bytes;
	void *p = NULL;

	if (possible(n, size, &bytes)) {
		/* aligned_alloc wants a multiple of the alignment. */
		size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

		if (rounded == 0)
			rounded = ALIGNMENT;
		p = aligned_alloc(ALIGNMENT, rounded);
		if (p)
			memset(p, 0, rounded);
	}
	if (!p)
		error_memory(err, bytes);
	return p;
}

int mem_grow(void **array, size_t *cap, size_t need, size_t size, struct error *err)
{
	size_t want = *cap + *cap / 2, bytes;
	void *p;

	if (need <= *cap)
		return 0;
	if (want < MIN_GROWTH_BYTES / size)
		want = MIN_GROWTH_BYTES / size;
	if (want < need)
		want = need;
	if (!possible(want, size, &bytes)) {
		want = need;
		if (!possible(want, size, &bytes))
			return error_memory(err, bytes);
	}
	/* The caller's pointer has its own type: it is read and written as bytes. */
	memcpy(&p, array, sizeof(p));
	p = realloc(p, bytes);
	if (!p)
		return error_memory(err, bytes);
	memcpy(array, &p, sizeof(p));
	*cap = want;
	return 0;
}

char *mem_strndup(const char *s, size_t len, struct error *err)
{
	size_t bytes;
	char *copy = NULL;

	if (possible(len, 1, &bytes))
		copy = malloc(len + 1);
	if (!copy) {
		error_memory(err, bytes);
		return NULL;
	}
	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

int buf_reserve(struct buf *b, size_t more, struct error *err)
{
	size_t need;

	if (__builtin_add_overflow(b->len, more, &need))
		return error_memory(err, UINT64_MAX);
	return MEM_GROW(&b->data, &b->cap, need, err);
}

int buf_add(struct buf *b, const void *bytes, size_t n, struct error *err)
{
	if (n == 0)
		return 0;
	if (buf_reserve(b, n, err) < 0)
		return -1;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
	return 0;
}

int buf_add_str(struct buf *b, const char *s, struct error *err)
{
	return buf_add(b, s, strlen(s), err);
}

int buf_add_clean(struct buf *b, const char *s, struct error *err)
{
	size_t n = strlen(s);

	if (buf_reserve(b, n, err) < 0)
		return -1;
	if (n > 0)
		b->len += utf8_clean(b->data + b->len, s, n);
	return 0;
}

int buf_printf(struct buf *b, struct error *err, const char *fmt, ...)
{
	va_list ap;
	size_t room = b->cap - b->len;

	va_start(ap, fmt);
	int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return error_set(err, ERROR_INTERNAL, "cannot format '%s'", fmt);
	if ((size_t)n >= room) {
		if (buf_reserve(b, (size_t)n + 1, err) < 0)
			return -1;
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
	return 0;
}

int buf_terminate(struct buf *b, struct error *err)
{
	if (buf_reserve(b, 1, err) < 0)
		return -1;
	b->data[b->len] = '\0';
	return 0;
}
