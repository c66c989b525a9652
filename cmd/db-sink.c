/* db-sink: records into a table of a database, all of them or, behind kafka-consume, exactly once.
 */
#include <math.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/sink_db.h"
#include "lib/store/store.h"

static struct db_sink_options opt = {
	.stream = STREAM_OPTIONS_INIT,
	.batch = 50000,
	.commit_interval_ns = NS_PER_SECOND,
	.timeout_s = 30,
};

static const char *claim;

static const struct option_spec own_options[] = {
	{.name = "create",
	 .kind = OPTION_FLAG,
	 .dest = &opt.create,
	 .help = "make TABLE, if need be, of the first 1000 records"},
	{.name = "schema",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &opt.schema,
	 .help = "make TABLE, if need be, by the SQL in FILE"},
	{.name = "upsert",
	 .kind = OPTION_STRING,
	 .arg = "COLUMN,...",
	 .dest = &opt.upsert,
	 .help = "replace the row of the same key; default: append"},
	{.name = "unknown",
	 .kind = OPTION_STRING,
	 .arg = "COLUMN",
	 .dest = &opt.unknown,
	 .help = "keep fields without a column there, as JSON; default: refuse"},
	{.name = "batch",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &opt.batch,
	 .min = 1,
	 .max = 1000000,
	 .help = "rows of a transaction, 1 to 1000000; default 50000"},
	{.name = "commit-interval",
	 .kind = OPTION_DURATION,
	 .arg = "TIME",
	 .dest = &opt.commit_interval_ns,
	 .min_open = true,
	 .max = 86400,
	 .help = "or as many as come in TIME, as in 500ms; default 1s"},
	{.name = "timeout",
	 .kind = OPTION_REAL,
	 .arg = "SECONDS",
	 .dest = &opt.timeout_s,
	 .min = 0,
	 .max = 86400,
	 .min_open = true,
	 .help = "try so long to reach the database, up to 86400; default 30"},
	{.name = "claim",
	 .kind = OPTION_STRING,
	 .arg = "URL",
	 .dest = &claim,
	 .help = "answer what kafka-consume --offsets-from asks; no operands"},
	{0},
};

static const struct option_spec stream_options[] = {STREAM_OPTIONS(opt.stream), {0}};

static const struct option_group groups[] = {
	{NULL, own_options},
	{"Input", stream_options},
	{0},
};

static const struct program program = {
	.name = "db-sink",
	.summary = "store records in a table of SQLite or PostgreSQL",
	.operands = "URL TABLE [FILE ...]",
	.details = "URL is sqlite:PATH or postgresql://... Each record is a row; columns are the "
		   "fields of the same name. Ends with 0 only if all rows are committed.",
	.example = "db-sink --create sqlite:day.db readings day.jsonl\n"
		   "kafka-consume -G raw --offsets-from \"db-sink --claim $DB\" city.readings |\n"
		   "    db-sink $DB sensor_data --rejects bad.jsonl\n",
	.groups = groups,
};

static void warn_of_password(void)
{
	if (store_url_has_password(opt.url))
		message_note("the password in the URL can be read by others who list processes: a "
			     "password file (~/.pgpass), a service file or PGPASSWORD keep it");
}

int main(int argc, char **argv)
{
	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	if (claim) {
		if (argv[first])
			options_fail(&program, "'--claim' takes no operands");
		opt.url = claim;
		warn_of_password();
		return db_sink_claim(&program, &opt);
	}
	if (!argv[first] || !argv[first + 1])
		options_fail(&program, "it takes a URL and the name of a table");
	if (opt.create && opt.schema)
		options_fail(&program, "'--create' and '--schema' exclude each other");
	opt.url = argv[first];
	opt.table = argv[first + 1];
	warn_of_password();
	return db_sink_run(&program, &opt, argv + first + 2);
}
