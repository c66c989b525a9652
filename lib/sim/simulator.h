/*
 * Readings of simulated sensors, as lines. Sensors take turns, from the first to the last. Each
 * draws from streams of its own: sensor n gives the same values whatever the number of the others,
 * and the same whether there are anomalies or not, but where one changes them.
 */
#ifndef SIM_SIMULATOR_H
#define SIM_SIMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/sim/profile.h"

struct simulator_options {
	uint64_t seed;
	size_t n_sensors;
	bool csv;
};

struct simulator;

/* p must outlive it. */
struct simulator *simulator_new(const struct profile *p, const struct simulator_options *o,
				struct error *err);
void simulator_free(struct simulator *s);

/* Appends the line of the next reading, whose time is time_ns. */
int simulator_next(struct simulator *s, int64_t time_ns, struct buf *out, struct error *err);

/* Records so far that are labelled with each anomaly, [n_anomalies]. */
const uint64_t *simulator_labelled(const struct simulator *s);

#endif
