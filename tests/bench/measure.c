/*
 * measure FILE COMMAND...: runs a command, its standard output in FILE, and prints seconds and peak
 * memory in bytes. (A process starts with the peak of the one that forked it, so a small one must.)
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	double begin = now_s();
	struct rusage usage;
	int status;

	if (argc < 3)
		return 64;
	pid_t child = fork();
	if (!child) {
		int out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666);
		int err = open("/dev/null", O_WRONLY);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		return 70;
	printf("%.6f %ld\n", now_s() - begin, usage.ru_maxrss * 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
