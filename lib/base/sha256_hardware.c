#include "lib/base/sha256_impl.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

static bool ask_cpu(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

bool sha256_has_hardware(void)
{
	static _Atomic int known; /* 0: not asked yet, 1: no, 2: yes */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);

	if (answer == 0) {
		answer = ask_cpu() ? 2 : 1;
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer == 2;
}

__attribute__((target("sha,ssse3"))) void
sha256_compress_hardware(uint32_t h[8], const uint8_t *blocks, size_t n_blocks)
{
	const __m128i big_endian = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
	/* The instructions want the state as (a, b, e, f) and (c, d, g, h), the first on top. */
	__m128i abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
	__m128i cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);

	for (; n_blocks > 0; n_blocks--, blocks += 64) {
		__m128i abef_before = abef, cdgh_before = cdgh, w[4];

#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			/* w[i % 4] becomes words 4i to 4i + 3 of the schedule. */
			__m128i *now = &w[i % 4], last = w[(i + 3) % 4];

			if (i < 4) {
				*now = _mm_loadu_si128((const __m128i *)(blocks + 16 * i));
				*now = _mm_shuffle_epi8(*now, big_endian);
			} else {
				*now = _mm_sha256msg1_epu32(*now, w[(i + 1) % 4]);
				*now = _mm_add_epi32(*now,
						     _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
				*now = _mm_sha256msg2_epu32(*now, last);
			}
			__m128i wk = _mm_add_epi32(
				*now, _mm_loadu_si128((const __m128i *)(sha256_k + 4 * i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0E));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	uint32_t feba[4], hgdc[4];
	_mm_storeu_si128((__m128i *)feba, abef);
	_mm_storeu_si128((__m128i *)hgdc, cdgh);
	h[0] = feba[3];
	h[1] = feba[2];
	h[2] = hgdc[3];
	h[3] = hgdc[2];
	h[4] = feba[1];
	h[5] = feba[0];
	h[6] = hgdc[1];
	h[7] = hgdc[0];
}

#else

bool sha256_has_hardware(void)
{
	return false;
}

void sha256_compress_hardware(uint32_t h[8], const uint8_t *blocks, size_t n_blocks)
{
	sha256_compress_portable(h, blocks, n_blocks);
}

#endif
