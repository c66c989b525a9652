/* The run of sensor-sim: readings made, hurt on their way if asked, and written in their time. */
#ifndef CLI_SIM_H
#define CLI_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/options.h"
#include "lib/sim/faults.h"

struct sim_options {
	const char *profile;
	uint64_t n_sensors; /* 0: as the profile has it */
	uint64_t count;     /* readings; 0: no end */
	uint64_t seed;
	double rate_hz;   /* of all sensors; 0: not given */
	bool simulated;   /* time is */
	int64_t start_ns; /* then */
	int64_t step_ns;  /* then; 0: as the profile has it */
	int to;           /* 0: JSON, 1: CSV */
	struct faults_options faults;
	const char *metrics;
	bool print; /* the profile itself, and nothing else */
};

/* The exit status; prints what is wrong. */
int sim_run(const struct program *p, const struct sim_options *o);

#endif
