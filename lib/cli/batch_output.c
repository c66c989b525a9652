#include "lib/cli/batch_output.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENOUGH 65536 /* bytes */

/* While waiting is set the handler ends the program itself; else it leaves that to the next step.
 */
static volatile sig_atomic_t waiting, caught;
static const char *volatile unfinished;

/* However the program ends. */
static void clean_up(void)
{
	if (unfinished)
		unlink(unfinished);
}

static void die(int sig)
{
	sigset_t set;

	clean_up();
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

static void on_signal(int sig)
{
	if (waiting)
		die(sig);
	caught = sig;
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct sigaction old, new = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

		sigemptyset(&new.sa_mask);
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &new, NULL);
	}
	signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write, with its message */
}

int batch_output_begin(struct batch_output *o, const char *path, struct error *err)
{
	*o = (struct batch_output){.fd = STDOUT_FILENO, .file = FILE_OUT_INIT};
	catch_signals();
	if (!path || strcmp(path, "-") == 0)
		return 0;
	if (file_out_begin(&o->file, path, err) < 0)
		return -1;
	o->fd = o->file.fd;
	unfinished = o->file.tmp_path;
	atexit(clean_up);
	return 0;
}

int batch_output_wait(struct batch_output *o, struct error *err)
{
	int result = 0;

	waiting = 1;
	if (caught && unfinished)
		die(caught);
	if (o->buf.len > 0 && file_write_all(o->fd, o->buf.data, o->buf.len, err) < 0)
		result = error_prefix(err, "%s", o->file.path ? o->file.path : "standard output");
	o->buf.len = 0;
	if (caught)
		die(caught);
	return result;
}

int batch_output_step(struct batch_output *o, struct error *err)
{
	int result = 0;

	if (caught || o->buf.len >= ENOUGH)
		result = batch_output_wait(o, err);
	waiting = 0;
	return result;
}

int batch_output_commit(struct batch_output *o, struct error *err)
{
	int result = batch_output_wait(o, err);

	waiting = 0; /* from here on the handler keeps off the file */
	if (result == 0 && o->fd == STDOUT_FILENO && close(STDOUT_FILENO) < 0)
		result = error_errno(err, ERROR_IO, errno, "cannot write to standard output");
	else if (result == 0 && o->fd != STDOUT_FILENO)
		result = file_out_commit(&o->file, err);
	if (result < 0)
		file_out_abort(&o->file);
	unfinished = NULL;
	buf_release(&o->buf);
	return result;
}

void batch_output_abort(struct batch_output *o)
{
	struct error ignored;

	if (o->fd == STDOUT_FILENO)
		batch_output_wait(o, &ignored);
	waiting = 0;
	file_out_abort(&o->file);
	unfinished = NULL;
	buf_release(&o->buf);
}
