#include "lib/cli/time_options.h"

#include <string.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"

const char *const time_option_units[] = {"auto", "s", "ms", "us", "ns", NULL};

int time_options_parse_offset(const char *text, void *dest, struct error *err)
{
	struct time_options *o = dest;

	o->offset_given = true;
	return timestamp_parse_offset(text, strlen(text), &o->offset_s, err);
}

void time_options_remark(const struct time_options *o, bool naive, bool *said)
{
	if (naive && !o->offset_given && !*said)
		message_note("times without an offset are taken as UTC; --tz says otherwise");
	*said |= naive;
}
