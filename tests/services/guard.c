/*
 * guard OWNER PIDFILE LOG COMMAND...: runs a server in the background that cannot outlive process
 * OWNER: when that is gone, however it died, the server is killed. Its standard output and error
 * are appended to LOG, its process id stands in PIDFILE until it has ended. Returns when it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, const char *name)
{
	fprintf(stderr, "guard: cannot %s '%s': %s\n", what, name, strerror(errno));
	exit(69);
}

static int pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static pid_t spawn(char **command)
{
	pid_t guard = getpid();
	pid_t child = fork();

	if (child)
		return child;
	/* The guard's own death ends the server, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(137);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	execvp(command[0], command);
	_exit(127);
}

static void write_pid(const char *path, pid_t pid)
{
	char aside[4096];

	snprintf(aside, sizeof(aside), "%s.new", path);
	FILE *f = fopen(aside, "w");
	if (!f || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f) || rename(aside, path))
		fail("write", path);
}

/* Until one of the two is gone. */
static void watch(int owner, pid_t child)
{
	struct pollfd ends[] = {{.fd = owner, .events = POLLIN},
				{.fd = pidfd(child), .events = POLLIN}};

	while (poll(ends, 2, -1) < 0 && errno == EINTR)
		;
	if (!ends[1].revents)
		kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	int ready[2];
	char go;

	if (argc < 5)
		return 64;
	int owner = pidfd((pid_t)strtol(argv[1], NULL, 10));
	if (owner < 0)
		fail("watch process", argv[1]);
	int log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (log < 0)
		fail("open", argv[3]);
	if (pipe(ready))
		fail("make a pipe for", argv[4]);
	pid_t guard = fork();
	if (guard < 0)
		fail("fork for", argv[4]);
	if (guard) {
		close(ready[1]);
		return read(ready[0], &go, 1) == 1 ? 0 : 69;
	}

	/* Nothing of the caller's stays open: a test's pipe would never end. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(log, 1);
	dup2(log, 2);
	dup2(owner, 3);
	dup2(ready[1], 4);
	syscall(SYS_close_range, 5, ~0U, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	fcntl(4, F_SETFD, FD_CLOEXEC);
	pid_t child = spawn(argv + 4);
	if (child < 0)
		fail("fork for", argv[4]);
	write_pid(argv[2], child);
	if (write(4, "", 1) != 1)
		kill(child, SIGKILL);
	close(4);
	watch(3, child);
	unlink(argv[2]);
	return 0;
}
