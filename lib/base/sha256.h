/* SHA-256 (FIPS 180-4), in hardware where the CPU has it, with equal results. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_HEX 65 /* 64 digits and a NUL */

struct sha256 {
	uint32_t h[8];
	uint64_t length;
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, uint8_t digest[SHA256_SIZE]);

/* 64 lower-case hex digits and a NUL. */
void sha256_hex(const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX]);

#endif
