#include "lib/cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"

static const char *program = "sensorutils";

void message_init(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	int fd;

	if (argv0 && *argv0)
		program = slash ? slash + 1 : argv0;
	/* Ascending, so that open() gives the very descriptor that is missing. */
	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

const char *message_program(void)
{
	return program;
}

int message_error(const struct error *err)
{
	char line[sizeof(*err) + 512];
	struct error ignored;
	size_t n;

	n = (size_t)snprintf(line, 256, "%.200s: ", program);
	if (err->file[0])
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s:", err->file);
	if (err->line)
		n += (size_t)snprintf(line + n, sizeof(line) - n,
				      "%s%llu:", err->file[0] ? "" : "line ",
				      (unsigned long long)err->line);
	if (err->column)
		n += (size_t)snprintf(line + n, sizeof(line) - n,
				      "%llu:", (unsigned long long)err->column);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s\n",
			      err->file[0] || err->line || err->column ? " " : "", err->what);
	/* Nobody is left to tell if standard error fails. */
	file_write_all(STDERR_FILENO, line, n, &ignored);
	return err->kind == ERROR_NONE ? ERROR_INTERNAL : (int)err->kind;
}

int message_also(int status, const struct error *err)
{
	int said = message_error(err);

	return status ? status : said;
}

void message_note(const char *fmt, ...)
{
	char text[sizeof(((struct error *)0)->what) + 1];
	struct error note;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(&note, ERROR_NONE, "%s", text);
	message_error(&note);
}

void message_die(const struct error *err)
{
	exit(message_error(err));
}

int message_close_stdout(int status)
{
	struct error err = ERROR_INIT;
	int failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) != 0)
		error_errno(&err, ERROR_IO, errno, "cannot write standard output");
	else if (failed)
		error_set(&err, ERROR_IO, "cannot write standard output");
	else
		return status;
	message_error(&err);
	return status ? status : ERROR_IO;
}
