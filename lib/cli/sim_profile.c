#include "lib/cli/sim_profile.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define SUFFIX ".json"
#define READ_BYTES (64 << 10)

struct folder {
	char path[4096 + 64];
};
#define PATH_BYTES (sizeof(struct folder) + 260)

/* Where profiles are, seen from the folder of a program; a source's only from where it is built. */
static const struct {
	const char *folder, *profiles;
} beside[] = {
	{"*", "../share/sensorutils/profiles"},
	{"*/build/bin", "../../data/profiles"},
	{"*/build/*/bin", "../../../data/profiles"},
};

/* The folders that profiles may be in: how many. */
static size_t find_folders(struct folder folders[4])
{
	const char *data = getenv("SENSORUTILS_DATA");
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash = len > 0 ? memrchr(program, '/', (size_t)len) : NULL;
	size_t n = 0;

	if (data && *data)
		snprintf(folders[n++].path, sizeof(folders->path), "%.4000s/profiles", data);
	if (!slash)
		return n;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++)
		if (!fnmatch(beside[i].folder, program, 0))
			snprintf(folders[n++].path, sizeof(folders->path), "%s/%s", program,
				 beside[i].profiles);
	return n;
}

static int by_text(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_profile(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return len > suffix && !strcmp(entry->d_name + len - suffix, SUFFIX);
}

/* " a, b and c": the profiles of the first folder that is there; or where they are looked for. */
static void list_profiles(const struct folder *folders, size_t n_folders, char *out, size_t size)
{
	struct dirent **entries = NULL;
	size_t used = 0;
	int n = -1;

	for (size_t i = 0; i < n_folders && n < 0; i++)
		n = scandir(folders[i].path, &entries, is_profile, by_text);
	if (n < 0) {
		snprintf(out, size,
			 "no folder of profiles is there, such as '%.200s'; name a file, or "
			 "set SENSORUTILS_DATA",
			 n_folders ? folders[0].path : "");
		return;
	}
	used = (size_t)snprintf(out, size, "there are");
	for (int i = 0; i < n; i++) {
		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%s %.*s", i ? "," : "",
						 (int)(strlen(entries[i]->d_name) - strlen(SUFFIX)),
						 entries[i]->d_name);
		free(entries[i]);
	}
	if (used < size)
		snprintf(out + used, size - used, "%s, and files by path or as NAME.json",
			 n ? "" : " none");
	free(entries);
}

static int find(const char *name, char path[PATH_BYTES], struct error *err)
{
	struct folder folders[4];
	size_t n = find_folders(folders);
	char there[300];

	for (size_t i = 0; i < n && strlen(name) < 250; i++) {
		snprintf(path, PATH_BYTES, "%.4100s/%.250s" SUFFIX, folders[i].path, name);
		if (!access(path, F_OK))
			return 0;
	}
	list_profiles(folders, n, there, sizeof(there));
	return error_set(err, ERROR_NO_INPUT, "no profile '%.60s': %s", name, there);
}

static int read_stdin(struct buf *b, struct error *err)
{
	ssize_t n;

	do {
		if (buf_reserve(b, READ_BYTES, err))
			return -1;
		n = read(STDIN_FILENO, b->data + b->len, READ_BYTES);
		if (n < 0 && errno != EINTR)
			return error_errno(err, errno == EISDIR ? ERROR_NO_INPUT : ERROR_IO, errno,
					   "cannot read standard input");
		b->len += n > 0 ? (size_t)n : 0;
		if (b->len > PROFILE_BYTES_MAX)
			return error_set(err, ERROR_DATA, "standard input has more than %d bytes",
					 PROFILE_BYTES_MAX);
	} while (n);
	return 0;
}

/* Appends the text of a profile. shown: the file's name, for messages. */
static int read_text(const char *name, struct buf *text, char shown[PATH_BYTES], struct error *err)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	if (!strcmp(name, "-")) {
		snprintf(shown, PATH_BYTES, "(stdin)");
		return read_stdin(text, err);
	}
	if (!strchr(name, '/') && (len <= suffix || strcmp(name + len - suffix, SUFFIX) != 0))
		return find(name, shown, err) || file_read(shown, PROFILE_BYTES_MAX, text, err) ? -1
												: 0;
	snprintf(shown, PATH_BYTES, "%s", name);
	return file_read(name, PROFILE_BYTES_MAX, text, err);
}

int sim_profile_text(const char *name, struct buf *text, struct error *err)
{
	char shown[PATH_BYTES];

	return read_text(name, text, shown, err);
}

struct profile *sim_profile_load(const char *name, struct error *err)
{
	char shown[PATH_BYTES];
	struct buf text = BUF_INIT;
	struct profile *p = NULL;

	if (!read_text(name, &text, shown, err))
		p = profile_parse(text.data, text.len, shown, err);
	buf_release(&text);
	return p;
}
