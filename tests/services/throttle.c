/*
 * throttle LINES: passes lines on, so many a second, as a filter does that has much to do. Keeps no
 * line back but the one that waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_SECOND 1000000000L

int main(int argc, char **argv)
{
	long rate = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	char *line = NULL;
	size_t size = 0;
	struct timespec due, now;
	ssize_t len;

	if (rate < 1) {
		fputs("usage: throttle LINES\n", stderr);
		return 64;
	}
	clock_gettime(CLOCK_MONOTONIC, &due);
	while ((len = getline(&line, &size, stdin)) > 0) {
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		if (fwrite(line, 1, (size_t)len, stdout) != (size_t)len || fflush(stdout))
			return 74;
		/* What was not used of the time before is lost. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - due.tv_sec > 1)
			due = now;
		due.tv_nsec += NS_PER_SECOND / rate;
		if (due.tv_nsec >= NS_PER_SECOND) {
			due.tv_nsec -= NS_PER_SECOND;
			due.tv_sec++;
		}
	}
	return 0;
}
