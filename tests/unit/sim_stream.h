/* Records of a simulator, parsed. Failures fail the test. */
#ifndef TESTS_SIM_STREAM_H
#define TESTS_SIM_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/sim/simulator.h"

struct sim_stream {
	struct profile *profile;
	struct simulator *simulator;
	struct buf line;
	int64_t start_ns, step_ns;
	uint64_t n, n_sensors;
};

/* A profile from its text; from a file when the text has no brace. */
struct profile *sim_profile(const char *text);

/* n_sensors and step_ns 0: those of the profile. The profile becomes the stream's. */
void sim_open(struct sim_stream *s, struct profile *p, uint64_t seed, uint64_t n_sensors,
	      int64_t step_ns);
void sim_close(struct sim_stream *s);

/* The next line, without its newline, terminated. */
const char *sim_line(struct sim_stream *s);

/* The next record. The caller's. */
json_t *sim_record(struct sim_stream *s);

/* A number of a record by a path of two names at most: "meta.x"; NaN if it is null. */
double sim_number(const json_t *record, const char *path);

#endif
