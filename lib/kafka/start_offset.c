#include "lib/kafka/start_offset.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"

static int parse_time(const char *text, int64_t *ms, struct error *err)
{
	size_t len = strlen(text);
	bool naive;
	int64_t ns;

	if (!number_read_int(text, text + len, ms) && *ms >= 0)
		return 0;
	if (timestamp_parse(text, len, 0, &ns, &naive, err)) {
		err->kind = ERROR_USAGE;
		return error_prefix(err, "takes 's@' and milliseconds since 1970 or a time");
	}
	if (naive)
		return error_set(err, ERROR_USAGE,
				 "takes a time with its offset, '%sZ' say, not '%s'", text, text);
	if (ns < 0)
		return error_set(err, ERROR_USAGE, "takes a time since 1970, not '%s'", text);
	/* Messages have milliseconds: none before it. */
	*ms = ns / NS_PER_MS + (ns % NS_PER_MS > 0);
	return 0;
}

int start_offset_parse(struct start_offset *s, const char *text, struct error *err)
{
	static const char *const names[] = {
		[START_BEGINNING] = "beginning", [START_END] = "end", [START_STORED] = "stored"};
	bool last = text[0] == '-';
	const char *digits = text + last;

	*s = (struct start_offset){.kind = START_TIME};
	if (!strncmp(text, "s@", 2))
		return parse_time(text + 2, &s->n, err);
	for (int i = START_BEGINNING; i <= START_STORED; i++) {
		if (!strcmp(text, names[i])) {
			s->kind = (enum start_kind)i;
			return 0;
		}
	}
	s->kind = last ? START_LAST : START_OFFSET;
	if (*digits == '-' || number_read_int(digits, digits + strlen(digits), &s->n))
		return error_set(
			err, ERROR_USAGE,
			"takes 'beginning', 'end', 'stored', an offset, -N for the last N, "
			"or s@TIME, not '%s'",
			text);
	return 0;
}
