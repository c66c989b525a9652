/*
 * Counters and gauges as Prometheus text (exposition format 0.0.4) in a file for the node
 * exporter's textfile collector, replaced atomically.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stddef.h>
#include "lib/base/error.h"

struct metric {
	const char *name; /* "records_total"; written as sensorutils_records_total{program="…"} */
	const char *help;
	const char *type; /* "counter" or "gauge" */
	double value;
};

int metrics_write(const char *path, const struct metric *metrics, size_t n, struct error *err);

#endif
