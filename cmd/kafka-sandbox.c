/* kafka-sandbox: a Kafka cluster in one process, for the time of a command or until it is ended. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/cli/command.h"
#include "lib/cli/message.h"
#include "lib/cli/options.h"
#include "lib/cli/signals.h"
#include "lib/kafka/sandbox.h"

static struct {
	struct sandbox_options sandbox;
	uint64_t brokers, latency_ms;
	const char *address_file;
} o = {.sandbox = SANDBOX_OPTIONS_INIT, .brokers = 1};

static int parse_topics(const char *text, void *dest, struct error *err)
{
	return sandbox_add_topics(dest, text, err);
}

static int parse_error(const char *text, void *dest, struct error *err)
{
	return sandbox_add_error(dest, text, err);
}

static const struct option_spec options[] = {
	{.name = "brokers",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .dest = &o.brokers,
	 .min = 1,
	 .max = SANDBOX_BROKERS_MAX,
	 .help = "number of brokers, 1 to 16; default 1"},
	{.name = "topics",
	 .kind = OPTION_PARSE,
	 .arg = "NAME[:N],...",
	 .dest = &o.sandbox,
	 .parse = parse_topics,
	 .help = "make topics of N partitions, 1 to 1000, default 4; may be given again; other "
		 "topics come to be, with 4, when they are asked for"},
	{.name = "address-file",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .dest = &o.address_file,
	 .help = "write the address to FILE as well, atomically"},
	{0},
};

static const struct option_spec fault_options[] = {
	{.name = "latency",
	 .kind = OPTION_COUNT,
	 .arg = "MS",
	 .dest = &o.latency_ms,
	 .max = SANDBOX_LATENCY_MAX,
	 .help = "hold every answer back by MS milliseconds, 0 to 60000; default 0"},
	{.name = "error",
	 .kind = OPTION_PARSE,
	 .arg = "API:ERROR[:COUNT]",
	 .dest = &o.sandbox,
	 .parse = parse_error,
	 .help = "answer the next COUNT requests, 1 to 10000, default 1, of this kind by an error, "
		 "as in Produce:NOT_LEADER_FOR_PARTITION:3; _TRANSPORT cuts the connection; may "
		 "be given again"},
	{0},
};

static const struct option_group groups[] = {
	{NULL, options},
	{"Faults, for tests (SIGUSR1 takes all brokers away, SIGUSR2 brings them back)",
	 fault_options},
	{0},
};

static const struct program program = {
	.name = "kafka-sandbox",
	.summary = "run a Kafka cluster in one process, for tests and short demos",
	.operands = "[-- COMMAND [ARG ...]]",
	.details = "Runs COMMAND with the cluster's address in KAFKA_BOOTSTRAP_SERVERS and exits "
		   "with its status; without COMMAND prints the address and runs until SIGTERM. A "
		   "partition keeps its last 5 MiB and there are no transactions: what that cost "
		   "is said at the end, with status 74.",
	.example = "kafka-sandbox --topics sensor-data:6,scored:6 -- make live\n"
		   "kafka-sandbox --latency 50 --error Produce:REQUEST_TIMED_OUT:3 -- ./test\n",
	.groups = groups,
};

static void set_environment(const char *address)
{
	setenv("KAFKA_BOOTSTRAP_SERVERS", address, 1);
	unsetenv("KAFKA_HOST");
}

static int publish(const struct sandbox *s, struct command *c, struct error *err)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s\n", sandbox_address(s));

	if (o.address_file && file_refresh(o.address_file, line, (size_t)n, err))
		return -1;
	if (c->pid)
		return command_start(c, sandbox_address(s), err);
	if (file_write_all(STDOUT_FILENO, line, (size_t)n, err))
		return error_prefix(err, "standard output");
	return 0;
}

/* Blocks the signals that are waited for, but those that were ignored when the program began. */
static void block_signals(bool with_command, sigset_t *waited, sigset_t *before)
{
	static const int all[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGHUP, SIGQUIT};
	struct sigaction old;

	sigemptyset(waited);
	for (size_t i = 0; i < (with_command ? 7 : 4); i++)
		if (all[i] == SIGCHLD ||
		    (!sigaction(all[i], NULL, &old) && old.sa_handler != SIG_IGN))
			sigaddset(waited, all[i]);
	sigprocmask(SIG_BLOCK, waited, before);
}

static void set_up(struct sandbox *s, bool up)
{
	struct error err = ERROR_INIT;

	if (sandbox_set_up(s, up, &err))
		message_error(&err);
	else
		message_note("brokers are %s", up ? "back" : "away");
}

/* Returns the signal that ends the sandbox, or SIGCHLD when the command is done. */
static int wait_for_end(struct sandbox *s, struct command *c, const sigset_t *waited)
{
	siginfo_t info;

	for (;;) {
		int sig = sigwaitinfo(waited, &info);

		if (sig == SIGUSR1 || sig == SIGUSR2)
			set_up(s, sig == SIGUSR2);
		else if (sig == SIGCHLD && command_ended(c))
			return sig;
		else if (sig > 0 && sig != SIGCHLD && !c->pid)
			return sig;
		else if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(c->pid, sig); /* from a terminal it has come to the command as well */
	}
}

static void tell_loss(void *context, const char *topic, int partition, int64_t lost,
		      int64_t produced)
{
	(void)context;
	message_note("topic '%s', partition %d: %lld of %lld messages are lost: it keeps 5 MiB, or "
		     "100,000 batches",
		     topic, partition, (long long)lost, (long long)produced);
}

static void tell_log(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	message_note("%s", text);
}

/* 0, or the status that says that the sandbox was no Kafka to its clients. */
static int judge(struct sandbox *s)
{
	struct error err = ERROR_INIT;
	int n = sandbox_losses(s, tell_loss, NULL, &err);
	bool transactions = sandbox_transactions(s);

	if (transactions)
		message_note("transactions were used, which the sandbox does not keep: messages "
			     "showed at once, aborted ones too, and their offsets are lost");
	if (n < 0)
		return message_error(&err);
	return n || transactions ? ERROR_IO : 0;
}

int main(int argc, char **argv)
{
	static struct sandbox *s; /* to the end of the process: sandbox_stop takes a second */
	struct error err = ERROR_INIT;
	struct command command = {0};
	sigset_t waited, before;

	message_init(argv[0]);
	int first = options_parse(&program, argc, argv);

	o.sandbox.brokers = (int)o.brokers;
	o.sandbox.latency_ms = (int)o.latency_ms;
	o.sandbox.log = tell_log;
	block_signals(first < argc, &waited, &before);
	if (first < argc && command_prepare(&command, argv + first, &before, set_environment, &err))
		message_die(&err);
	s = sandbox_start(&o.sandbox, &err);
	sandbox_options_release(&o.sandbox);
	if (!s || publish(s, &command, &err)) {
		if (command.pid)
			command_cancel(&command);
		message_die(&err);
	}
	int sig = wait_for_end(s, &command, &waited), verdict = judge(s);
	int status = command.pid ? command_status(&command) : 0;

	if (sig == SIGINT || status == COMMAND_SIGNAL + SIGINT)
		signals_die();
	return status ? status : verdict; /* a failure outranks the verdict */
}
