#include "lib/cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "lib/cli/message.h"

#define TEXT_OF(x) #x
#define SECONDS(x) TEXT_OF(x) " s"
#define LATE "SIGTERM came, and the end of input did not within " SECONDS(SIGNALS_DRAIN_S)

static int wake_fd = -1;
static volatile sig_atomic_t hangup, interrupted, terminated, is_late;
static bool is_sink;
static const char *volatile unfinished; /* a file that goes when the program does */
static char late[256]; /* what to say when draining took too long; handlers cannot format */

void signals_wake(void)
{
	uint64_t one = 1;
	int saved = errno;

	/* Nothing to do when it fails: a full counter is readable all the same. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		hangup = 1;
	else if (sig == SIGINT && interrupted) /* flushing may hang: the second time is meant */
		signals_die();
	else if (sig == SIGINT)
		interrupted = 1;
	else if (sig == SIGTERM && !terminated) { /* asking again gives no more time */
		terminated = 1;
		alarm(SIGNALS_DRAIN_S);
	}
	signals_wake();
}

/* Of a signal that is blocked while it is handled: the program dies of it on return. */
static void on_fatal(int sig)
{
	if (unfinished)
		unlink(unfinished);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_source_terminated(int sig)
{
	if (terminated) { /* writing may hang: the second time is meant */
		on_fatal(sig);
		return;
	}
	terminated = 1;
	signals_wake();
}

static void on_alarm(int sig)
{
	(void)sig;
	if (is_sink && !is_late) {
		is_late = 1;
		alarm(SIGNALS_DRAIN_S);
		signals_wake();
		return;
	}
	if (unfinished)
		unlink(unfinished);
	if (write(STDERR_FILENO, late, strlen(late)) < 0)
		_exit(ERROR_RETRY);
	_exit(ERROR_RETRY);
}

static void catch_signal(int sig, void (*handler)(int))
{
	struct sigaction old, new = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&new.sa_mask);
	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(sig, &new, NULL);
}

void signals_filter(bool reload)
{
	const char *name = message_program(), *text = ": " LATE ": unfinished\n";

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	strncpy(late, name, 100);
	strncat(late, text, sizeof(late) - 101);
	catch_signal(SIGINT, on_signal);
	catch_signal(SIGTERM, on_signal);
	catch_signal(SIGALRM, on_alarm);
	catch_signal(SIGHUP, reload ? on_signal : on_fatal);
}

void signals_source(void)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	catch_signal(SIGINT, on_signal);
	catch_signal(SIGTERM, on_source_terminated);
	catch_signal(SIGHUP, on_fatal);
}

void signals_sink(void)
{
	is_sink = true;
	signals_filter(false);
}

void signals_unfinished(const char *path)
{
	unfinished = path;
}

bool signals_late(void)
{
	return is_late;
}

int signals_fail_late(const char *more, struct error *err)
{
	return error_set(err, ERROR_RETRY, LATE "%s", more);
}

void signals_drained(void)
{
	alarm(0);
}

bool signals_terminated(void)
{
	return terminated;
}

void signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int signals_wake_fd(void)
{
	return wake_fd;
}

void signals_seen(void)
{
	uint64_t n;

	if (wake_fd >= 0 && read(wake_fd, &n, sizeof(n)) < 0)
		return;
}

bool signals_take_hangup(void)
{
	bool came = hangup;

	hangup = 0;
	return came;
}

bool signals_interrupted(void)
{
	return interrupted;
}

void signals_die(void)
{
	sigset_t set;

	if (unfinished)
		unlink(unfinished);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* in its handler it is blocked */
	raise(SIGINT);
	_exit(128 + SIGINT);
}
