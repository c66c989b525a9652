#include "lib/base/sha256.h"

#include <string.h>
#include "lib/base/sha256_impl.h"

const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, unsigned n)
{
	return (x >> n) | (x << (32 - n));
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void store_be32(uint8_t *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

void sha256_compress_portable(uint32_t state[8], const uint8_t *blocks, size_t n_blocks)
{
	for (; n_blocks > 0; n_blocks--, blocks += 64) {
		uint32_t w[64];
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
		uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

		for (int t = 0; t < 16; t++)
			w[t] = load_be32(blocks + 4 * t);
		for (int t = 16; t < 64; t++) {
			uint32_t x = w[t - 15], y = w[t - 2];
			uint32_t s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3);
			uint32_t s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10);

			w[t] = w[t - 16] + s0 + w[t - 7] + s1;
		}
		for (int t = 0; t < 64; t++) {
			uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
			uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
			uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_k[t] + w[t];
			uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

			h = g;
			g = f;
			f = e;
			e = d + t1;
			d = c;
			c = b;
			b = a;
			a = t1 + t2;
		}
		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
		state[4] += e;
		state[5] += f;
		state[6] += g;
		state[7] += h;
	}
}

static void compress(uint32_t h[8], const uint8_t *blocks, size_t n_blocks)
{
	if (sha256_has_hardware())
		sha256_compress_hardware(h, blocks, n_blocks);
	else
		sha256_compress_portable(h, blocks, n_blocks);
}

void sha256_init(struct sha256 *s)
{
	static const uint32_t h0[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(s->h, h0, sizeof(h0));
	s->length = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t used = s->length % 64;

	if (len == 0)
		return;
	s->length += len;
	if (used > 0) {
		size_t take = 64 - used < len ? 64 - used : len;

		memcpy(s->block + used, p, take);
		p += take;
		len -= take;
		if (used + take < 64)
			return;
		compress(s->h, s->block, 1);
	}
	compress(s->h, p, len / 64);
	memcpy(s->block, p + len / 64 * 64, len % 64);
}

void sha256_final(struct sha256 *s, uint8_t digest[SHA256_SIZE])
{
	static const uint8_t padding[64] = {0x80};
	uint64_t bits = s->length * 8;
	uint8_t length_be[8];

	store_be32(length_be, (uint32_t)(bits >> 32));
	store_be32(length_be + 4, (uint32_t)bits);
	sha256_update(s, padding, 1 + (119 - s->length % 64) % 64);
	sha256_update(s, length_be, 8);
	for (int i = 0; i < 8; i++)
		store_be32(digest + 4 * i, s->h[i]);
}

void sha256_hex(const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < SHA256_SIZE; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[SHA256_HEX - 1] = '\0';
}
