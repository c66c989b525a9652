#include "lib/cli/overwrite.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdio(const char *path)
{
	return !path || !strcmp(path, "-");
}

int overwrite_check(char *const *inputs, const char *option, const char *output, struct error *err)
{
	static char dash[] = "-";
	static char *const standard_input[] = {dash, NULL};
	struct stat out, in;

	if (is_stdio(output) ? fstat(STDOUT_FILENO, &out) : stat(output, &out))
		return 0;
	for (inputs = *inputs ? inputs : standard_input; *inputs; inputs++) {
		if (is_stdio(*inputs) ? fstat(STDIN_FILENO, &in) : stat(*inputs, &in))
			continue;
		if (!S_ISREG(in.st_mode) || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
			continue;
		const char *name = is_stdio(*inputs) ? "standard input" : *inputs;
		if (is_stdio(output))
			return error_set(err, ERROR_USAGE, "'%s' is standard output, too", name);
		return error_set(err, ERROR_USAGE, "option '%s': '%s' is an input, too", option,
				 output);
	}
	return 0;
}

int overwrite_check_stream(char *const *inputs, const struct stream_options *o, struct error *err)
{
	if ((o->rejects && overwrite_check(inputs, "--rejects", o->rejects, err)) ||
	    (o->metrics && overwrite_check(inputs, "--metrics", o->metrics, err)))
		return -1;
	return overwrite_check(inputs, NULL, NULL, err);
}
