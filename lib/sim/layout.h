/*
 * How records are laid out: member `record` of a profile, an object in which strings may hold
 * placeholders %{NAME}. What is the same in all records of a sensor is made into text once; the
 * rest are slots between these texts, the same ones for every sensor.
 */
#ifndef SIM_LAYOUT_H
#define SIM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/sim/profile.h"

struct node;

enum slot_kind {
	SLOT_SIGNAL,
	SLOT_TIME,
	SLOT_LABEL,      /* 0 or 1 */
	SLOT_IS_ANOMALY, /* false or true */
	SLOT_LABEL_TYPE, /* a string or null */
	SLOT_SEVERITY,   /* the same */
	SLOT_SEQUENCE,   /* the record's number, from 0 */
};

struct layout {
	bool csv;
	struct slot {
		enum slot_kind kind;
		size_t signal; /* SLOT_SIGNAL: which */
	} * slots;
	size_t n_slots, cap_slots;
	struct buf texts;
	size_t *offsets; /* of each sensor's texts: n_slots + 1, and where the last one ends */
	size_t n_offsets, cap_offsets;
	size_t n_sensors;
};

/* What a sensor has for each attribute of the profile, in their order. */
struct sensor_values {
	uint64_t sensor, turn; /* from 1; the turn grows when the list of sensors begins anew */
	const double *numbers;
	const char *const *texts; /* NULL: it is a number */
};

void layout_init(struct layout *l, bool csv);
void layout_release(struct layout *l);

/* Adds the texts of a sensor. p's record was checked. */
int layout_add_sensor(struct layout *l, const struct profile *p, const struct sensor_values *v,
		      struct error *err);

/* CSV: appends the header row. ERROR_USAGE if it has but one column: a missing value would be a
 * blank line. */
int layout_header(const struct profile *p, struct buf *out, struct error *err);

/* Whether all placeholders stand for something: ERROR_CONFIG with the place. */
int layout_check(const struct profile *p, const struct node *record, struct error *err);

/* The text before slot i of a sensor, or, i = n_slots, behind the last. */
static inline const char *layout_text(const struct layout *l, size_t sensor, size_t i, size_t *len)
{
	const size_t *at = l->offsets + sensor * (l->n_slots + 2) + i;

	*len = at[1] - at[0];
	return l->texts.data + at[0];
}

#endif
