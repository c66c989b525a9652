/*
 * bench_replay PROGRAM RATE SECONDS: drift and bursts of record-replay as the reader of its pipe
 * sees them, as one line of JSON. Records have 200 bytes.
 *
 * The drift is how much later the last record came than the first and the rate make it. The largest
 * burst is what a bucket that leaks at the rate must hold, as time at that rate; the reader's own
 * delays are part of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RECORD 200
#define RECORDS 5000

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void write_records(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		exit(73);
	for (int i = 0; i < RECORDS; i++) {
		int n = fprintf(f, "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"id\":%d,\"text\":\"",
				i);
		fprintf(f, "%.*d\"}\n", RECORD - n - 3, 0);
	}
	fclose(f);
}

/* The descriptor that the program's records come from. */
static int start(const char *program, const char *rate, double count, const char *path)
{
	char count_text[32];
	int ends[2];

	snprintf(count_text, sizeof(count_text), "%.0f", count);
	if (pipe(ends))
		exit(70);
	if (!fork()) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(program, program, "--rate", rate, "--repeat", "--count", count_text, path,
		      (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return ends[0];
}

int main(int argc, char **argv)
{
	static char bytes[1 << 20];
	char path[] = "/tmp/bench_replay.XXXXXX";
	double first = 0, last = 0, n_records = 0, level = 0, burst = 0, before = 0;
	size_t n_bytes = 0;
	struct rusage usage;
	ssize_t n;
	int status;

	if (argc != 4)
		return 64;
	double rate = strtod(argv[2], NULL), count = rate * strtod(argv[3], NULL);
	close(mkstemp(path));
	write_records(path);
	int fd = start(argv[1], argv[2], count, path);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		last = now_s();
		if (!n_bytes)
			first = before = last;
		n_bytes += (size_t)n;
		double records = (double)(n_bytes / RECORD);
		level -= last - before;
		level = (level > 0 ? level : 0) + (records - n_records) / rate;
		burst = level > burst ? level : burst;
		n_records = records;
		before = last;
	}
	unlink(path);
	if (wait4(-1, &status, 0, &usage) < 0 || status || n_records != count)
		return 70;
	printf("{\"drift_ms\":%.3f,\"burst_ms\":%.3f,\"cpu\":%.4f}\n",
	       1e3 * (last - first - (count - 1) / rate), 1e3 * burst,
	       ((double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec +
		(double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec) /
		       (last - first));
	return 0;
}
