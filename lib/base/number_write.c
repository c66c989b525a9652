#include "lib/base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t number_write_uint(char out[NUMBER_MAX], uint64_t x)
{
	return (size_t)snprintf(out, NUMBER_MAX, "%llu", (unsigned long long)x);
}

size_t number_write_int(char out[NUMBER_MAX], int64_t x)
{
	return (size_t)snprintf(out, NUMBER_MAX, "%lld", (long long)x);
}

size_t number_write_real(char out[NUMBER_MAX], double x)
{
	char text[40], digits[20];
	int precision = 0, exponent, n = 0;
	size_t o = 0;

	do
		snprintf(text, sizeof(text), "%.*e", precision, x);
	while (strtod(text, NULL) != x && precision++ < 16);
	char *e = strchr(text, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	for (char *p = text; p < e; p++) {
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	}
	if (text[0] == '-')
		out[o++] = '-';
	if (exponent < -4 || exponent >= 16) {
		out[o++] = digits[0];
		if (n > 1)
			out[o++] = '.';
		for (int i = 1; i < n; i++)
			out[o++] = digits[i];
		return o + (size_t)snprintf(out + o, NUMBER_MAX - o, "e%c%02d",
					    exponent < 0 ? '-' : '+', abs(exponent));
	}
	if (exponent < 0)
		out[o++] = '0';
	for (int i = 0; i <= exponent; i++)
		out[o++] = i < n ? digits[i] : '0';
	out[o++] = '.';
	for (int i = -1; i > exponent; i--)
		out[o++] = '0';
	int from = exponent < 0 ? 0 : exponent + 1;
	if (from >= n)
		out[o++] = '0';
	for (int i = from; i < n; i++)
		out[o++] = digits[i];
	return o;
}
