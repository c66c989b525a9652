/* sensor-sim: readings of sensors that are not there, with anomalies that are known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/sim.h"
#include "lib/sim/profile.h"

static const char *const to_names[] = {"json", "csv", NULL};

static struct sim_options opt = {.start_ns = 1704067200 * NS_PER_SECOND};

static int parse_start(const char *text, void *dest, struct error *err)
{
	bool naive;

	opt.simulated = true;
	return timestamp_parse(text, strlen(text), 0, dest, &naive, err);
}

static int parse_step(const char *text, void *dest, struct error *err)
{
	opt.simulated = true;
	return duration_parse(text, strlen(text), dest, err);
}

/* SHARE:MAX */
static int parse_late(const char *text, void *dest, struct error *err)
{
	const char *colon = strchr(text, ':');
	struct faults_options *f = dest;
	unsigned flags;

	if (!colon || number_read(text, colon, &f->late, &flags) != colon || !(f->late >= 0) ||
	    f->late > 1)
		return error_set(err, ERROR_USAGE,
				 "takes a share from 0 to 1 and the longest delay, as in 0.02:90s, "
				 "not '%s'",
				 text);
	return duration_parse(colon + 1, strlen(colon + 1), &f->late_max_ns, err);
}

static const struct option_spec own_options[] = {
	{.name = "sensors",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.n_sensors,
	 .min = 1,
	 .max = PROFILE_SENSORS_MAX,
	 .help = "how many there are, 1 to 10000000; default: as the profile has it"},
	{.name = "count",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.count,
	 .min = 1,
	 .max = INFINITY,
	 .help = "end after N readings, from 1; default: never"},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.seed,
	 .min = 0,
	 .max = 9007199254740992.0,
	 .help = "seed of all random choices but what the sensors are; default 0"},
	{.name = "to",
	 .kind = OPTION_CHOICE,
	 .choices = to_names,
	 .dest = &opt.to,
	 .help = "output is json (JSON Lines) or csv; default json"},
	{.name = "metrics",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.metrics,
	 .help = "keep counters in FILE as Prometheus text, replaced atomically"},
	{.name = "print",
	 .kind = OPTION_FLAG,
	 .dest = &opt.print,
	 .help = "write the profile itself, to be copied and edited, and exit"},
	{0},
};

static const struct option_spec time_options[] = {
	{.name = "start",
	 .kind = OPTION_PARSE,
	 .arg = "TIME",
	 .dest = &opt.start_ns,
	 .parse = parse_start,
	 .help = "simulate time from TIME on (RFC 3339), as fast as it goes; default of --step "
		 "2024-01-01T00:00:00Z"},
	{.name = "step",
	 .kind = OPTION_PARSE,
	 .arg = "DURATION",
	 .dest = &opt.step_ns,
	 .parse = parse_step,
	 .help = "simulate time; between readings of a sensor it grows by so much (10s); default: "
		 "as "
		 "the profile has it"},
	{.name = "rate",
	 .kind = OPTION_REAL,
	 .arg = "N",
	 .dest = &opt.rate_hz,
	 .min = 0,
	 .max = INFINITY,
	 .min_open = true,
	 .help = "readings a second of all sensors together, above 0; default in real time: a "
		 "reading a sensor and step of the profile"},
	{0},
};

static const struct option_spec fault_options[] = {
	{.name = "late",
	 .kind = OPTION_PARSE,
	 .arg = "SHARE:MAX",
	 .dest = &opt.faults,
	 .parse = parse_late,
	 .help = "hold a share of the lines (0 to 1) back, by a time of up to MAX (90s)"},
	{.name = "duplicate",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .dest = &opt.faults.duplicate,
	 .min = 0,
	 .max = 1,
	 .help = "write a share of the lines twice, 0 to 1; default 0"},
	{.name = "shuffle",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.faults.shuffle,
	 .min = 1,
	 .max = 10000000,
	 .help = "put each N lines into a random order, 1 to 10000000; default 1"},
	{.name = "corrupt",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .dest = &opt.faults.corrupt,
	 .min = 0,
	 .max = 1,
	 .help = "damage a share of the lines so that they are no records, 0 to 1; default 0"},
	{0},
};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Time", time_options},
	{"Faults of transport", fault_options},
	{0},
};

static const struct program program = {
	.name = "sensor-sim",
	.summary = "write readings of simulated sensors, with labelled anomalies",
	.operands = "PROFILE",
	.details =
		"PROFILE is a file, or the name of a profile that comes with this program: city, "
		"factory, fleet, lake, secom.",
	.example = "sensor-sim city\n"
		   "sensor-sim --start 2024-01-01T00:00:00Z --count 100000 city > city.jsonl\n"
		   "sensor-sim --print city > my.json\n",
	.groups = groups,
};

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	if (!argv[first])
		options_fail(&program, "names no profile, such as city");
	if (argv[first + 1])
		options_fail(&program, "takes one profile, not '%s' too", argv[first + 1]);
	opt.profile = argv[first];
	return sim_run(&program, &opt);
}
