#include "lib/sim/placeholder.h"

#include <string.h>
#include "lib/base/number.h"

#define WIDTH_MAX 20

/* Those that change from record to record. */
static const char *const builtin[] = {
	[SLOT_TIME] = "time",
	[SLOT_LABEL] = "label",
	[SLOT_IS_ANOMALY] = "is_anomaly",
	[SLOT_LABEL_TYPE] = "label_type",
	[SLOT_SEVERITY] = "severity",
	[SLOT_SEQUENCE] = "sequence",
};
#define N_SLOT_KINDS (sizeof(builtin) / sizeof(*builtin))

bool placeholder_is_builtin(const char *name)
{
	for (size_t i = SLOT_TIME; i < N_SLOT_KINDS; i++)
		if (!strcmp(builtin[i], name))
			return true;
	return !strcmp(name, "sensor") || !strcmp(name, "turn");
}

/* The signals of a bank, or 0. */
static size_t find_bank(const struct profile *p, const char *name, size_t *first)
{
	size_t len = strlen(name), n = 0;

	for (size_t i = 0; i < p->n_signals; i++) {
		if (strncmp(p->signals[i].name, name, len) != 0 || p->signals[i].name[len] != '.')
			continue;
		if (!n++)
			*first = i;
	}
	return n;
}

int placeholder_look_up(const struct profile *p, const struct sensor_values *values,
			const struct node *n, const char *name, struct placeholder *to,
			struct error *err)
{
	int found;

	*to = (struct placeholder){.kind = PLACEHOLDER_SLOT};
	for (size_t i = SLOT_TIME; i < N_SLOT_KINDS; i++) {
		if (!strcmp(builtin[i], name)) {
			to->slot.kind = (enum slot_kind)i;
			return 0;
		}
	}
	if (!strcmp(name, "sensor") || !strcmp(name, "turn")) {
		to->kind = PLACEHOLDER_NUMBER;
		to->whole = true;
		to->number = (double)(*name == 's' ? values->sensor : values->turn);
	} else if ((found = profile_attribute(p, name)) >= 0) {
		to->text = values->texts[found];
		to->number = values->numbers[found];
		to->whole = p->attributes[found].whole;
		to->kind = to->text ? PLACEHOLDER_TEXT : PLACEHOLDER_NUMBER;
	} else if ((found = profile_signal(p, name)) >= 0) {
		to->slot = (struct slot){SLOT_SIGNAL, (size_t)found};
	} else if ((to->n_signals = find_bank(p, name, &to->slot.signal)) > 0) {
		to->kind = PLACEHOLDER_BANK;
	} else {
		return node_fail(n, err,
				 "'%%{%.60s}' stands for no signal and for nothing of 'sensors'",
				 name);
	}
	return 0;
}

int placeholder_read(const struct node *n, const char **at, char name[PLACEHOLDER_BYTES],
		     size_t *width, struct error *err)
{
	const char *end = strchr(*at, '}'), *colon;
	int64_t digits = 0;

	if (!end)
		return node_fail(n, err, "'%%{' is not closed by '}'");
	colon = memchr(*at, ':', (size_t)(end - *at));
	size_t len = (size_t)((colon ? colon : end) - *at);
	if (len >= PLACEHOLDER_BYTES)
		return node_fail(n, err, "a placeholder's name is too long");
	memcpy(name, *at, len);
	name[len] = '\0';
	if (colon && (number_read_int(colon + 1, end, &digits) || digits < 1 || digits > WIDTH_MAX))
		return node_fail(n, err, "behind ':' stands a number of digits, 1 to %d",
				 WIDTH_MAX);
	*width = (size_t)digits;
	*at = end + 1;
	return 0;
}
