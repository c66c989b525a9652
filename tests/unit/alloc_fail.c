#include "tests/unit/alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define OFF INT64_MIN

/* Allocations still let through; below 0 once one has failed; OFF: not counting. */
static _Atomic int64_t left = OFF;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails(void)
{
	if (atomic_load(&left) == OFF || atomic_fetch_sub(&left, 1) != 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void alloc_fail_after(size_t n)
{
	atomic_store(&left, (int64_t)n);
}

bool alloc_fail_off(void)
{
	int64_t was = atomic_exchange(&left, OFF);

	return was != OFF && was < 0;
}

size_t alloc_fail_each(int (*call)(void *arg, struct error *err), void *arg)
{
	for (size_t n = 0;; n++) {
		struct error err = ERROR_INIT;

		alloc_fail_after(n);
		int status = call(arg, &err);
		if (!alloc_fail_off()) {
			assert_int_equal(status, 0);
			return n;
		}
		assert_int_equal(status, -1);
		assert_int_equal(err.kind, ERROR_UNAVAILABLE);
		assert_true(err.what[0] != '\0');
	}
}
