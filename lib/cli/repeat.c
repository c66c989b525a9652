#include "lib/cli/repeat.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int repeat_init(struct repeat *r, char *const *paths, struct error *err)
{
	static char dash[] = "-";
	static char *const standard_input[] = {dash, NULL};

	r->stdin_start = -1;
	for (paths = *paths ? paths : standard_input; *paths; paths++) {
		bool is_stdin = !strcmp(*paths, "-");
		struct stat st;

		if (is_stdin ? fstat(STDIN_FILENO, &st) : stat(*paths, &st))
			continue;
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
			return error_set(err, ERROR_USAGE,
					 "'%s' is no regular file: it cannot be read again",
					 is_stdin ? "(stdin)" : *paths);
		if (is_stdin)
			r->stdin_start = lseek(STDIN_FILENO, 0, SEEK_CUR);
	}
	return 0;
}

int repeat_again(const struct repeat *r, struct reader *reader, struct error *err)
{
	if (r->stdin_start >= 0 && lseek(STDIN_FILENO, r->stdin_start, SEEK_SET) < 0)
		return error_errno(err, ERROR_IO, errno, "cannot go back in '(stdin)'");
	reader_rewind(reader);
	return 0;
}
