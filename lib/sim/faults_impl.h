#ifndef SIM_FAULTS_IMPL_H
#define SIM_FAULTS_IMPL_H

#include "lib/base/rng.h"
#include "lib/sim/faults.h"

/* Appends a line as it is after some damage, which is returned; -1 on failure. The newline stays.
 */
int faults_damage(struct rng *rng, bool csv, const char *line, size_t len, struct buf *out,
		  struct error *err);

#endif
