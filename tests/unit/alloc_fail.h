/*
 * Memory that runs out on purpose. Every unit test is linked with alloc_fail.c and
 *
 *     -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
 *
 * so the allocations of lib/ and of the test itself are counted here; those made inside
 * shared libraries are not. Counting is atomic: the allocation that fails may be any
 * thread's.
 */
#ifndef TESTS_ALLOC_FAIL_H
#define TESTS_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"

/* From now on n allocations succeed, the next one fails, all later ones succeed. */
void alloc_fail_after(size_t n);

/* No allocation fails any more. Returns whether one did since alloc_fail_after. */
bool alloc_fail_off(void);

/*
 * Calls call(arg, err) with its first allocation failing, then its second, and so on
 * until a call needs no more of them than were let through. Asserts that the calls in which one
 * failed return -1 with ERROR_UNAVAILABLE and a message, and the last one 0. What a failed call
 * leaves in arg must be ready for the next. Returns how many failed.
 */
size_t alloc_fail_each(int (*call)(void *arg, struct error *err), void *arg);

#endif
