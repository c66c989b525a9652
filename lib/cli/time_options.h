/* Where records have their time and how it is read: options that mean the same in all programs. */
#ifndef CLI_TIME_OPTIONS_H
#define CLI_TIME_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/options.h"

struct time_options {
	const char *field;
	int unit;         /* an enum time_unit */
	int32_t offset_s; /* of times without an offset, seconds east of UTC */
	bool offset_given;
};

#define TIME_OPTIONS_INIT            \
	{                            \
		.field = "timestamp" \
	}

extern const char *const time_option_units[];

/* dest: struct time_options. */
int time_options_parse_offset(const char *text, void *dest, struct error *err);

/* The rows of the option table for the above; o is a struct time_options with static storage. */
#define TIME_OPTIONS(o)                                                                 \
	{.name = "time-field",                                                          \
	 .kind = OPTION_STRING,                                                         \
	 .arg = "FIELD",                                                                \
	 .dest = &(o).field,                                                            \
	 .help = "field that holds the time, RFC 3339 or a number; default timestamp"}, \
		TIME_READING_OPTIONS(o)

/* Those of them that say how a time is read. */
#define TIME_READING_OPTIONS(o)                                                                \
	{.name = "time-unit",                                                                  \
	 .kind = OPTION_CHOICE,                                                                \
	 .dest = &(o).unit,                                                                    \
	 .choices = time_option_units,                                                         \
	 .help = "unit of times that are numbers; default auto, by their size"},               \
	{                                                                                      \
		.name = "tz", .kind = OPTION_PARSE, .arg = "+HH:MM", .dest = &(o),             \
		.parse = time_options_parse_offset,                                            \
		.help = "offset from UTC of times that state none; default UTC, with a remark" \
	}

/* The remark, once: times without an offset were read, and no --tz was given. */
void time_options_remark(const struct time_options *o, bool naive, bool *said);

#endif
