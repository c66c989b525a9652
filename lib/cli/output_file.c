#include "lib/cli/output_file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "lib/cli/signals.h"

static int begin(struct file_out *f, const char *path, struct error *err)
{
	if (file_out_begin(f, path, err))
		return -1;
	signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write, with its message */
	signals_unfinished(f->tmp_path);
	if (dup2(f->fd, STDOUT_FILENO) >= 0)
		return 0;
	signals_unfinished(NULL);
	error_errno(err, ERROR_IO, errno, "cannot write '%s'", path);
	file_out_abort(f);
	return -1;
}

/* Between a file's making and its name in signals_unfinished a hangup would leave it behind. */
static void hold_hangup(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

int output_file_begin(struct file_out *f, const char *path, struct error *err)
{
	sigset_t before;
	int ret;

	if (!path || !strcmp(path, "-"))
		return 0;
	hold_hangup(&before);
	ret = begin(f, path, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int output_file_end(struct file_out *f, bool whole, struct error *err)
{
	sigset_t before;
	int ret;

	hold_hangup(&before);
	signals_unfinished(NULL);
	ret = whole && f->path ? file_out_commit(f, err) : 0;
	file_out_abort(f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}
