/*
 * Numbers in and out against strtod and snprintf, in nanoseconds a number, the best
 * of several rounds, and the ratio. Texts stand behind one another in one buffer as
 * in a record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/number.h"
#include "lib/base/rng.h"

#define N 20000
#define ROUNDS 60

struct corpus {
	const char *name;
	char *text; /* N numbers, a comma behind each, then a NUL */
	double value[N];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double read_ours(const struct corpus *c)
{
	const char *p = c->text, *end = c->text + strlen(c->text);
	double sum = 0, x;
	unsigned flags;

	while (p < end) {
		p = number_read(p, end, &x, &flags) + 1;
		sum += x;
	}
	return sum;
}

static double skip_ours(const struct corpus *c)
{
	const char *p = c->text, *end = c->text + strlen(c->text);
	double n = 0;

	while (p < end) {
		p = number_skip(p, end) + 1;
		n++;
	}
	return n;
}

static double read_strtod(const struct corpus *c)
{
	char *p = c->text;
	double sum = 0;

	while (*p) {
		sum += strtod(p, &p);
		p++;
	}
	return sum;
}

static double write_ours(const struct corpus *c)
{
	char out[NUMBER_MAX];
	size_t sum = 0;

	for (int i = 0; i < N; i++)
		sum += number_write_real(out, c->value[i]) + (unsigned char)out[0];
	return (double)sum;
}

static double write_snprintf(const struct corpus *c)
{
	char out[NUMBER_MAX];
	size_t sum = 0;

	for (int i = 0; i < N; i++)
		sum += (size_t)snprintf(out, sizeof(out), "%.17g", c->value[i]);
	return (double)sum;
}

static double best_ns(double (*run)(const struct corpus *), const struct corpus *c)
{
	double best = 1e300;
	static volatile double sink;

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns();
		sink = run(c);
		double took = (now_ns() - start) / N;
		if (took < best)
			best = took;
	}
	(void)sink;
	return best;
}

static const char *const secom_like[] = {"2187.7333", "0.1242", "97.6133", "100",
					 "3030.93",   "1.5005", "-0.0034", "0.0162",
					 "202.4396",  "7.9558", "414.871", "10.0433"};

static void make_text(const char *name, size_t i, struct rng *rng, char out[NUMBER_MAX + 1])
{
	double x = rng_uniform(rng);
	size_t n = 0;

	if (strcmp(name, "secom") == 0)
		n = (size_t)sprintf(out, "%s", secom_like[rng_below(rng, 12)]);
	else if (strcmp(name, "100") == 0 || strchr(name, '.'))
		n = (size_t)sprintf(out, "%s", name);
	else if (strcmp(name, "shortest") == 0)
		n = number_write_real(out, x * 100);
	else if (strcmp(name, "integers") == 0)
		n = number_write_uint(out, rng_next(rng) >> rng_below(rng, 64));
	else
		n = (size_t)sprintf(out, "%.16e", x * (i % 2 ? 1e200 : 1e-200));
	out[n] = '\0';
}

int main(void)
{
	static const char *const names[] = {"2187.7333", "0.1242",   "97.6133",  "100",
					    "secom",     "shortest", "integers", "exponents"};
	static struct corpus c;
	struct rng rng;

	rng_init(&rng, 1, 0);
	c.text = malloc(N * (NUMBER_MAX + 2));
	if (!c.text)
		return 1;
	printf("%-10s %9s %9s %6s %9s %9s %9s %6s\n", "ns/number", "read", "strtod", "ratio",
	       "skip", "write", "%.17g", "ratio");
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		char *p = c.text;

		c.name = names[k];
		for (size_t i = 0; i < N; i++) {
			make_text(c.name, i, &rng, p);
			c.value[i] = strtod(p, &p);
			*p++ = ',';
			*p = '\0';
		}
		if (read_ours(&c) != read_strtod(&c))
			return 1;
		double read = best_ns(read_ours, &c), libc_read = best_ns(read_strtod, &c);
		double skip = best_ns(skip_ours, &c);
		double write = best_ns(write_ours, &c), libc_write = best_ns(write_snprintf, &c);
		printf("%-10s %9.1f %9.1f %6.1f %9.1f %9.1f %9.1f %6.1f\n", c.name, read, libc_read,
		       libc_read / read, skip, write, libc_write, libc_write / write);
	}
	free(c.text);
	return 0;
}
