#include "lib/window/ddsketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mathfn.h"
#include "lib/base/mem.h"

#define GAMMA ((1 + DDSKETCH_ERROR) / (1 - DDSKETCH_ERROR))
#define LOG_GAMMA 0.020000666706669524
#define LOG2_GAMMA 0.028854862672185118

void ddsketch_release(struct ddsketch *s)
{
	free(s->positive.counts);
	free(s->negative.counts);
	*s = (struct ddsketch){.n = 0};
}

void ddsketch_clear(struct ddsketch *s)
{
	s->positive.n = s->negative.n = 0;
	s->n = s->zeros = 0;
}

/* Bins below `lowest` become part of it. */
static void collapse(struct ddsketch_bins *b, int32_t lowest)
{
	uint32_t gone = (uint32_t)(lowest - b->lowest);
	uint64_t sum = 0;

	if (gone >= b->n) {
		for (uint32_t i = 0; i < b->n; i++)
			sum += b->counts[i];
		b->n = 1;
	} else {
		for (uint32_t i = 0; i <= gone; i++)
			sum += b->counts[i];
		b->n -= gone;
		memmove(b->counts, b->counts + gone, b->n * sizeof(*b->counts));
	}
	b->counts[0] = sum;
	b->lowest = lowest;
}

/* Makes room for a bin; one too far below the highest becomes the lowest that may be. */
static int reach(struct ddsketch_bins *b, int32_t *bin, struct error *err)
{
	int32_t top = b->lowest + (int32_t)b->n - 1;

	if (!b->n) {
		if (MEM_GROW(&b->counts, &b->cap, 1, err))
			return -1;
		b->lowest = *bin;
		b->n = 1;
		b->counts[0] = 0;
	} else if (*bin > top) {
		if (*bin - b->lowest >= DDSKETCH_BINS)
			collapse(b, *bin - DDSKETCH_BINS + 1);
		uint32_t n = (uint32_t)(*bin - b->lowest) + 1;
		if (MEM_GROW(&b->counts, &b->cap, n, err))
			return -1;
		memset(b->counts + b->n, 0, (n - b->n) * sizeof(*b->counts));
		b->n = n;
	} else if (*bin < b->lowest) {
		if (top - *bin >= DDSKETCH_BINS)
			*bin = top - DDSKETCH_BINS + 1;
		uint32_t more = (uint32_t)(b->lowest - *bin);
		if (MEM_GROW(&b->counts, &b->cap, b->n + more, err))
			return -1;
		memmove(b->counts + more, b->counts, b->n * sizeof(*b->counts));
		memset(b->counts, 0, more * sizeof(*b->counts));
		b->lowest = *bin;
		b->n += more;
	}
	return 0;
}

int ddsketch_count(struct ddsketch *s, struct ddsketch_bins *bins, int32_t bin, uint64_t n,
		   struct error *err)
{
	if ((!bins->n || bin < bins->lowest || bin - bins->lowest >= (int32_t)bins->n) &&
	    reach(bins, &bin, err))
		return -1;
	bins->counts[bin - bins->lowest] += n;
	s->n += n;
	return 0;
}

int ddsketch_add(struct ddsketch *s, double x, struct error *err)
{
	double magnitude = fabs(x);

	if (magnitude < DDSKETCH_ZERO) {
		s->zeros++;
		s->n++;
		return 0;
	}
	return ddsketch_count(s, x > 0 ? &s->positive : &s->negative,
			      (int32_t)ceil(math_log(magnitude) * (1 / LOG_GAMMA)), 1, err);
}

static int merge_bins(struct ddsketch *s, struct ddsketch_bins *to,
		      const struct ddsketch_bins *from, struct error *err)
{
	/* The highest first: then no bin is made that would have to go again. */
	for (uint32_t i = from->n; i-- > 0;)
		if (from->counts[i] &&
		    ddsketch_count(s, to, from->lowest + (int32_t)i, from->counts[i], err))
			return -1;
	return 0;
}

int ddsketch_merge(struct ddsketch *s, const struct ddsketch *from, struct error *err)
{
	if (merge_bins(s, &s->positive, &from->positive, err) ||
	    merge_bins(s, &s->negative, &from->negative, err))
		return -1;
	s->zeros += from->zeros;
	s->n += from->zeros;
	return 0;
}

/* The point of a bin that is as far, by ratio, from both its ends. */
static double middle(int64_t bin)
{
	return math_exp2((double)bin * LOG2_GAMMA) * (2 / (1 + GAMMA));
}

double ddsketch_quantile(const struct ddsketch *s, uint64_t rank)
{
	uint64_t below = 0;

	for (uint32_t i = s->negative.n; i-- > 0;)
		if ((below += s->negative.counts[i]) > rank)
			return -middle((int64_t)s->negative.lowest + i);
	if ((below += s->zeros) > rank)
		return 0;
	for (uint32_t i = 0; i < s->positive.n; i++)
		if ((below += s->positive.counts[i]) > rank)
			return middle((int64_t)s->positive.lowest + i);
	return 0; /* not reached: the counts sum to n */
}
