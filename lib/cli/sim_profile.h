/* Profiles by their names: where those that come with the programs are. */
#ifndef CLI_SIM_PROFILE_H
#define CLI_SIM_PROFILE_H

#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/sim/profile.h"

/*
 * A name with a slash or with ".json" at its end is a file, "-" standard input. Any other is
 * NAME.json in the first of these folders that has it: profiles in $SENSORUTILS_DATA;
 * ../share/sensorutils/ profiles, as seen from the folder of the program; data/profiles in the two
 * folders above that one, as for a program built in its source. ERROR_NO_INPUT names the folders
 * and what they have.
 */
struct profile *sim_profile_load(const char *name, struct error *err);

/* Appends what such a file has in it, unread. */
int sim_profile_text(const char *name, struct buf *text, struct error *err);

#endif
