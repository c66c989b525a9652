#include "lib/sim/walk.h"

static void sum_anew(struct walk *w)
{
	w->sum = w->ramp = 0;
	for (size_t i = 0; i < w->window; i++) {
		w->sum += w->ring[i];
		w->ramp += (double)i * w->ring[i];
	}
}

void walk_init(struct walk *w, double *ring, size_t window, double mean)
{
	*w = (struct walk){.ring = ring, .window = window};
	for (size_t i = 0; i < window; i++)
		ring[i] = mean;
	sum_anew(w);
}

double walk_average(const struct walk *w, double newest_weight)
{
	double n = (double)w->window, extra = newest_weight - 1;

	return (w->sum + extra / (n - 1) * w->ramp) / (n + extra * n / 2);
}

void walk_push(struct walk *w, double x)
{
	double oldest = w->ring[w->at];

	w->ramp += (double)(w->window - 1) * x - (w->sum - oldest);
	w->sum += x - oldest;
	w->ring[w->at++] = x;
	if (w->at == w->window) {
		w->at = 0;
		sum_anew(w);
	}
}
