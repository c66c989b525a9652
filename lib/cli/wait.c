#include "lib/cli/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include "lib/base/timestamp.h"

void wait_at_most(int *timeout_ms, int64_t ns)
{
	int64_t ms = ns <= 0 ? 0 : (ns - 1) / NS_PER_MS + 1;

	if (ms <= INT_MAX && (*timeout_ms < 0 || ms < *timeout_ms))
		*timeout_ms = (int)ms;
}

int wait_look_for_reader(struct error *err)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	if (poll(&out, 1, 0) <= 0 || !(out.revents & POLLERR))
		return 0;
	raise(SIGPIPE);
	return error_errno(err, ERROR_IO, EPIPE, "cannot write standard output");
}
