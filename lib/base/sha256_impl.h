/* The two ways to compress blocks, for sha256.c and the tests that compare them. */
#ifndef BASE_SHA256_IMPL_H
#define BASE_SHA256_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FIPS 180-4, 4.2.2 */
extern const uint32_t sha256_k[64];

typedef void sha256_compress_fn(uint32_t h[8], const uint8_t *blocks, size_t n_blocks);

sha256_compress_fn sha256_compress_portable;

/* Whether this CPU has the SHA extensions; never without x86-64. */
bool sha256_has_hardware(void);

/* Only where sha256_has_hardware says so. */
sha256_compress_fn sha256_compress_hardware;

#endif
