#include "lib/cli/output_file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "lib/cli/overwrite.h"
#include "lib/cli/signals.h"

int output_file_begin(struct file_out *f, const char *path, char *const *inputs, struct error *err)
{
	if (!path || !strcmp(path, "-"))
		return 0;
	if (overwrite_check(inputs, "--output", path, err) || file_out_begin(f, path, err))
		return -1;
	signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write, with its message */
	signals_unfinished(f->tmp_path);
	if (dup2(f->fd, STDOUT_FILENO) >= 0)
		return 0;
	error_errno(err, ERROR_IO, errno, "cannot write '%s'", path);
	output_file_end(f, false, err);
	return -1;
}

int output_file_end(struct file_out *f, bool whole, struct error *err)
{
	int ret;

	signals_unfinished(NULL);
	ret = whole && f->path ? file_out_commit(f, err) : 0;
	file_out_abort(f);
	return ret;
}
