/* number_read against the C library's strtod, and what is written against what was read. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own size, so that the sanitizer sees a byte read too far. */
	char *text = malloc(size ? size : 1), *copy = malloc(size + 1), out[NUMBER_MAX];
	double value, back;
	unsigned flags;
	int64_t whole;

	if (!text || !copy)
		abort();
	if (size)
		memcpy(text, data, size);
	const char *stop = number_read(text, text + size, &value, &flags);
	if (number_skip(text, text + size) != stop)
		abort();
	if (stop) {
		size_t n = (size_t)(stop - text);

		memcpy(copy, text, n);
		copy[n] = '\0';
		if (bits_of(strtod(copy, NULL)) != bits_of(value))
			abort();
		if (isfinite(value) == ((flags & NUMBER_OVERFLOW) != 0))
			abort();
		if (isfinite(value)) {
			n = number_write_real(out, value);
			if (number_read(out, out + n, &back, &flags) != out + n ||
			    bits_of(back) != bits_of(value))
				abort();
		}
	}
	if (number_read_int(text, text + size, &whole) == 0) {
		if (!stop || stop != text + size)
			abort();
		size_t n = number_write_int(out, whole);
		/* "-0" is the one integer with a second spelling. */
		if ((n != size || memcmp(out, text, n) != 0) && !(whole == 0 && text[0] == '-'))
			abort();
	}
	free(text);
	free(copy);
	return 0;
}
