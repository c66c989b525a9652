#include "lib/base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

const char *number_skip(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p == end || !is_digit(*p))
		return NULL;
	if (*p++ != '0') {
		while (p < end && is_digit(*p))
			p++;
	}
	if (p < end && *p == '.') {
		if (++p == end || !is_digit(*p))
			return NULL;
		while (p < end && is_digit(*p))
			p++;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (p == end || !is_digit(*p))
			return NULL;
		while (p < end && is_digit(*p))
			p++;
	}
	return p;
}

const char *number_read(const char *p, const char *end, double *value, unsigned *flags)
{
	const char *stop = number_skip(p, end);
	char text[4096];

	if (!stop || stop - p >= (ptrdiff_t)sizeof(text))
		return NULL;
	size_t n = (size_t)(stop - p);
	memcpy(text, p, n);
	text[n] = '\0';
	*value = strtod(text, NULL);
	*flags = 0;
	if (strcspn(text, ".eE") == n)
		*flags |= NUMBER_INTEGER;
	if (isinf(*value))
		*flags |= NUMBER_OVERFLOW;
	return stop;
}

int number_read_int(const char *p, const char *end, int64_t *value)
{
	bool negative = p < end && *p == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, x = 0;

	p += negative;
	if (p == end || (*p == '0' && end - p > 1))
		return -1;
	for (; p < end; p++) {
		unsigned digit = (unsigned char)(*p - '0');

		if (digit > 9 || x > (limit - digit) / 10)
			return -1;
		x = x * 10 + digit;
	}
	*value = (int64_t)(negative ? -x : x);
	return 0;
}
