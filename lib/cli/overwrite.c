#include "lib/cli/overwrite.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUTS_MAX 8

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

/* The folder that a file is to be made in. */
static int stat_folder(const char *path, size_t name_at, struct stat *st)
{
	char folder[PATH_MAX];

	if (!name_at)
		return stat(".", st);
	if (name_at >= sizeof(folder))
		return -1;
	memcpy(folder, path, name_at);
	folder[name_at] = '\0';
	return stat(folder, st);
}

static size_t name_at(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool same_file(const char *a, const char *b)
{
	bool a_there, b_there;
	struct stat x, y;

	if (is_stdio(a) || is_stdio(b) || !strncmp(a, "/dev/", 5) || !strncmp(b, "/dev/", 5))
		return false;
	size_t a_name = name_at(a), b_name = name_at(b);
	a_there = !stat(a, &x);
	b_there = !stat(b, &y);
	if (a_there != b_there || (a_there && !S_ISREG(x.st_mode)))
		return false;
	if (!a_there && (strcmp(a + a_name, b + b_name) != 0 || stat_folder(a, a_name, &x) ||
			 stat_folder(b, b_name, &y)))
		return false;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int overwrite_check_outputs(const struct stream_options *o, const struct overwrite_output *more,
			    struct error *err)
{
	struct overwrite_output all[OUTPUTS_MAX] = {{"--rejects", o->rejects},
						    {"--metrics", o->metrics}};
	size_t n = 2;

	for (; more && more->option && n < OUTPUTS_MAX; more++)
		all[n++] = *more;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (same_file(all[j].path, all[i].path))
				return error_set(err, ERROR_USAGE,
						 "options '%s' and '%s' name one file: '%s'",
						 all[j].option, all[i].option, all[i].path);
	return 0;
}

int overwrite_check_stream(char *const *inputs, const struct stream_options *o,
			   const struct overwrite_output *more, struct error *err)
{
	if ((o->rejects && overwrite_check(inputs, "--rejects", o->rejects, err)) ||
	    (o->metrics && overwrite_check(inputs, "--metrics", o->metrics, err)))
		return -1;
	for (const struct overwrite_output *x = more; x && x->option; x++)
		if (x->path && overwrite_check(inputs, x->option, x->path, err))
			return -1;
	return overwrite_check(inputs, NULL, NULL, err) || overwrite_check_outputs(o, more, err)
		       ? -1
		       : 0;
}
