/*
 * Counters and gauges as Prometheus text (exposition format 0.0.4) in a file for the node
 * exporter's textfile collector, replaced atomically.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

struct metric {
	const char *name; /* "records_total"; written as sensorutils_records_total{program="…"} */
	const char *help;
	const char *type; /* "counter" or "gauge" */
	double value;
};

int metrics_write(const char *path, const struct metric *metrics, size_t n, struct error *err);

/* When to write them: every five seconds and at the end. A failure ends a program, and is told
 * once: no other attempt is due then. */
struct metrics_clock {
	const char *path; /* of --metrics; NULL: none are wanted */
	int64_t due_ns;   /* by the monotonic clock; 0: at once */
	bool failed;
};

bool metrics_due(struct metrics_clock *c, bool last);

/* Shortens a wait to when they are due. */
void metrics_wait(const struct metrics_clock *c, int *timeout_ms);

/* metrics_write for the clock. */
int metrics_show(struct metrics_clock *c, const struct metric *metrics, size_t n,
		 struct error *err);

/* For metrics of several samples: labels that tell them apart, behind `program`. */
struct metric_label {
	const char *name;
	const char *value; /* UTF-8, any characters */
};

struct metrics {
	struct buf text;
	const char *name; /* of the last one */
};

#define METRICS_INIT         \
	{                    \
		.name = NULL \
	}

/* Samples of one name follow each other. */
int metrics_add(struct metrics *all, const struct metric *m, const struct metric_label *labels,
		size_t n_labels, struct error *err);

/* Writes what was added, and forgets it but for the memory; for the clock. */
int metrics_replace(struct metrics *all, const char *path, struct error *err);
int metrics_show_all(struct metrics_clock *c, struct metrics *all, struct error *err);

void metrics_release(struct metrics *all);

#endif
