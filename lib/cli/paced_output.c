#include "lib/cli/paced_output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/cli/signals.h"

void paced_output_release(struct paced_output *o)
{
	buf_release(&o->buf);
}

int paced_output_flush(struct paced_output *o, struct error *err)
{
	size_t n = o->buf.len;

	o->buf.len = 0;
	if (n && file_write_all(STDOUT_FILENO, o->buf.data, n, err))
		return error_prefix(err, "%s", o->path ? o->path : "standard output");
	return 0;
}

int paced_output_added(struct paced_output *o, struct error *err)
{
	return o->buf.len < PACED_OUTPUT_FULL ? 0 : paced_output_flush(o, err);
}

/* 0 after the wait or a signal, -1 if nobody reads any more. */
static int pause_for(int64_t ns, struct error *err)
{
	/* No events asked of standard output: those that tell of its end come unasked. */
	struct pollfd p[2] = {{.fd = signals_wake_fd(), .events = POLLIN}, {.fd = STDOUT_FILENO}};
	struct timespec t = {.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};

	if (ppoll(p, 2, &t, NULL) <= 0)
		return 0;
	if (p[0].revents)
		signals_seen();
	if (!(p[1].revents & (POLLERR | POLLHUP)))
		return 0;
	raise(SIGPIPE);
	return error_errno(err, ERROR_IO, EPIPE, "standard output: cannot write");
}

int paced_output_wait(struct paced_output *o, int64_t event_ns, struct error *err)
{
	int64_t now_ns = clock_monotonic_ns();

	pace_next(&o->pace, event_ns, now_ns);
	while (pace_wait(&o->pace, now_ns) > 0) {
		if (paced_output_flush(o, err))
			return -1;
		if (o->idle(o->context))
			return 1;
		/* These took their time. */
		int64_t wait_ns = pace_wait(&o->pace, clock_monotonic_ns());
		if (wait_ns > 0 &&
		    pause_for(wait_ns < NS_PER_SECOND ? wait_ns : NS_PER_SECOND, err))
			return -1;
		now_ns = clock_monotonic_ns();
	}
	return 0;
}
