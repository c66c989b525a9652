/*
 * Numbers in and out against strtod and snprintf, in nanoseconds a number, the best
 * of several rounds, and the ratio. Texts stand behind one another in one buffer as
 * in a record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "lib/base/number.h"
#include "lib/base/rng.h"

#define N 20000
#define ROUNDS 60

struct corpus {
	char *text; /* N numbers, a comma behind each, then a NUL at end */
	const char *end;
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
	const char *p = c->text, *end = c->end;
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
	const char *p = c->text, *end = c->end;
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

/* Sizes of sensor readings as they come. */
static const char *const readings[] = {"2187.7333", "0.1242", "97.6133", "100",
				       "3030.93",   "1.5005", "-0.0034", "0.0162",
				       "202.4396",  "7.9558", "414.871", "10.0433"};

static size_t make_reading(struct rng *rng, const char *text, char out[NUMBER_MAX])
{
	(void)text;
	return (size_t)snprintf(out, NUMBER_MAX, "%s", readings[rng_below(rng, 12)]);
}

static size_t make_fixed(struct rng *rng, const char *text, char out[NUMBER_MAX])
{
	(void)rng;
	return (size_t)snprintf(out, NUMBER_MAX, "%s", text);
}

static size_t make_shortest(struct rng *rng, const char *text, char out[NUMBER_MAX])
{
	(void)text;
	return number_write_real(out, rng_uniform(rng) * 100);
}

static size_t make_integer(struct rng *rng, const char *text, char out[NUMBER_MAX])
{
	(void)text;
	return number_write_uint(out, rng_next(rng) >> rng_below(rng, 64));
}

static size_t make_exponent(struct rng *rng, const char *text, char out[NUMBER_MAX])
{
	(void)text;
	double x = rng_uniform(rng) * (rng_below(rng, 2) ? 1e200 : 1e-200);

	return (size_t)snprintf(out, NUMBER_MAX, "%.16e", x);
}

int main(void)
{
	static const struct {
		const char *name;
		size_t (*make)(struct rng *rng, const char *text, char out[NUMBER_MAX]);
	} corpora[] = {
		{"2187.7333", make_fixed},  {"0.1242", make_fixed},
		{"97.6133", make_fixed},    {"100", make_fixed},
		{"readings", make_reading}, {"shortest", make_shortest},
		{"integers", make_integer}, {"exponents", make_exponent},
	};
	static struct corpus c;
	struct rng rng;

	rng_init(&rng, 1, 0);
	c.text = malloc((size_t)N * (NUMBER_MAX + 1));
	if (!c.text)
		return 1;
	printf("%-10s %9s %9s %6s %9s %9s %9s %6s\n", "ns/number", "read", "strtod", "ratio",
	       "skip", "write", "%.17g", "ratio");
	for (size_t k = 0; k < sizeof(corpora) / sizeof(corpora[0]); k++) {
		char *p = c.text;

		for (size_t i = 0; i < N; i++) {
			p[corpora[k].make(&rng, corpora[k].name, p)] = '\0';
			c.value[i] = strtod(p, &p);
			*p++ = ',';
		}
		*p = '\0';
		c.end = p;
		if (read_ours(&c) != read_strtod(&c)) {
			fprintf(stderr, "bench_number: readings differ\n");
			return 1;
		}
		double read = best_ns(read_ours, &c), libc_read = best_ns(read_strtod, &c);
		double skip = best_ns(skip_ours, &c);
		double write = best_ns(write_ours, &c), libc_write = best_ns(write_snprintf, &c);
		printf("%-10s %9.1f %9.1f %6.1f %9.1f %9.1f %9.1f %6.1f\n", corpora[k].name, read,
		       libc_read, libc_read / read, skip, write, libc_write, libc_write / write);
	}
	free(c.text);
	return 0;
}
