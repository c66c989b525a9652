/* Placeholders %{NAME} in the strings of a profile's record, and what they stand for. */
#ifndef SIM_PLACEHOLDER_H
#define SIM_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/config_node.h"
#include "lib/base/error.h"
#include "lib/sim/layout.h"
#include "lib/sim/profile.h"

#define PLACEHOLDER_BYTES 200 /* of a name, with its NUL */

struct placeholder {
	enum placeholder_kind {
		PLACEHOLDER_SLOT,   /* changes from record to record */
		PLACEHOLDER_BANK,   /* so do all its signals */
		PLACEHOLDER_NUMBER, /* of the sensor */
		PLACEHOLDER_TEXT,   /* of the sensor */
	} kind;
	struct slot slot; /* of a bank its first signal */
	size_t n_signals; /* of a bank */
	double number;
	bool whole; /* the number is written without a point */
	const char *text;
};

/* Reads what stands behind "%{" at *at into name, and passes its brace. *width: digits, 0 if none
 * are given. n is where it stands, for messages, as below. */
int placeholder_read(const struct node *n, const char **at, char name[PLACEHOLDER_BYTES],
		     size_t *width, struct error *err);

/* What a name stands for, with the values of a sensor. */
int placeholder_look_up(const struct profile *p, const struct sensor_values *values,
			const struct node *n, const char *name, struct placeholder *to,
			struct error *err);

/* Names that no signal or attribute may have. */
bool placeholder_is_builtin(const char *name);

#endif
