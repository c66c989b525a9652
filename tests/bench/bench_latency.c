/*
 * bench_latency FIELD RECORDS SKIP: reads records, each with the time of day it was made in the
 * top-level string FIELD, and prints how old they were on arrival, as one line of JSON. Ends after
 * RECORDS of them; the first SKIP are read and not counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lib/base/timestamp.h"

static char bytes[1 << 20];

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

/* The time that follows name in a line. */
static int64_t time_in(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = memmem(line, len, name, name_len);
	const char *text = at ? at + name_len : NULL;
	const char *end = text ? memchr(text, '"', (size_t)(line + len - text)) : NULL;
	struct error err;
	int64_t ns;
	bool naive;

	if (!end || timestamp_parse(text, (size_t)(end - text), 0, &ns, &naive, &err)) {
		fprintf(stderr, "bench_latency: no time in '%.*s'\n", (int)len, line);
		exit(65);
	}
	return ns;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Milliseconds that the share q of n sorted ages does not exceed. */
static double quantile_ms(const int64_t *ages, size_t n, double q)
{
	return 1e-6 * (double)ages[(size_t)(q * (double)(n - 1) + 0.5)];
}

/* The ages of all records but the first skip. */
static size_t read_ages(const char *name, int64_t *ages, size_t count, size_t skip)
{
	size_t n_records = 0, filled = 0;
	ssize_t n;

	while (n_records < count &&
	       (n = read(STDIN_FILENO, bytes + filled, sizeof(bytes) - filled)) > 0) {
		int64_t now = now_ns();
		char *line = bytes, *end;
		filled += (size_t)n;
		while (n_records < count &&
		       (end = memchr(line, '\n', (size_t)(bytes + filled - line)))) {
			int64_t age = now - time_in(line, (size_t)(end - line), name);
			if (n_records++ >= skip)
				ages[n_records - skip - 1] = age;
			line = end + 1;
		}
		filled -= (size_t)(line - bytes);
		memmove(bytes, line, filled);
	}
	return n_records;
}

int main(int argc, char **argv)
{
	char name[256];

	if (argc != 4)
		return 64;
	snprintf(name, sizeof(name), "\"%s\":\"", argv[1]);
	size_t count = strtoul(argv[2], NULL, 10), skip = strtoul(argv[3], NULL, 10);
	if (skip >= count)
		return 64;
	int64_t *ages = calloc(count - skip, sizeof(*ages));
	if (!ages)
		return 70;
	size_t n = read_ages(name, ages, count, skip);
	if (n < count) {
		fprintf(stderr, "bench_latency: %zu records of %zu came\n", n, count);
		return 65;
	}
	n -= skip;
	qsort(ages, n, sizeof(*ages), ascending);
	printf("{\"records\":%zu,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"p999_ms\":%.1f,\"max_ms\":%.1f}"
	       "\n",
	       n, quantile_ms(ages, n, 0.5), quantile_ms(ages, n, 0.99),
	       quantile_ms(ages, n, 0.999), 1e-6 * (double)ages[n - 1]);
	free(ages);
	return 0;
}
