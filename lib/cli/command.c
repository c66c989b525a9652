#include "lib/cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/cli/message.h"

#define TEXT_MAX 4000 /* a pipe takes it, and gives it, at once */

/* In the child, which never returns. */
static void become(char *const *argv, int start, pid_t parent, const sigset_t *mask,
		   void (*set_up)(const char *))
{
	struct error err;
	char text[TEXT_MAX + 1];
	ssize_t n = read(start, text, TEXT_MAX);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (n <= 0 || getppid() != parent)
		_exit(0);
	text[n] = '\0';
	set_up(text);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	int status = errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_CANNOT_RUN;

	error_errno(&err, ERROR_NO_INPUT, errno, "cannot run '%s'", argv[0]);
	message_error(&err);
	_exit(status);
}

int command_prepare(struct command *c, char *const *argv, const sigset_t *mask,
		    void (*set_up)(const char *text), struct error *err)
{
	pid_t self = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_UNAVAILABLE, errno, "cannot make a pipe");
	signal(SIGCHLD, SIG_DFL); /* ignored, it would take the status away */
	c->pid = fork();
	if (c->pid < 0)
		return error_errno(err, ERROR_UNAVAILABLE, errno, "cannot make a process");
	if (c->pid == 0) {
		close(ends[1]);
		become(argv, ends[0], self, mask, set_up);
	}
	c->start = ends[1]; /* ends[0] stays open: no SIGPIPE if the child was killed */
	return 0;
}

int command_start(struct command *c, const char *text, struct error *err)
{
	size_t len = strlen(text);

	if (len == 0 || len > TEXT_MAX)
		return error_set(err, ERROR_INTERNAL, "cannot hand %zu bytes to a command", len);
	if (file_write_all(c->start, text, len, err))
		return -1;
	close(c->start);
	return 0;
}

void command_cancel(struct command *c)
{
	close(c->start);
	waitpid(c->pid, &c->status, 0);
}

bool command_ended(struct command *c)
{
	return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

int command_status(const struct command *c)
{
	return WIFSIGNALED(c->status) ? COMMAND_SIGNAL + WTERMSIG(c->status)
				      : WEXITSTATUS(c->status);
}
