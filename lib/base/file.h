/*
 * Whole files: read at once, or written aside and put in their place by a rename,
 * so that a reader sees the old file or the new one, never a part.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* Appends the bytes of a file to b. A directory, an unreadable file (ERROR_NO_INPUT)
 * and one of more than `limit` bytes (ERROR_DATA) fail. */
int file_read(const char *path, size_t limit, struct buf *b, struct error *err);

/* Makes the name of a file that was made durable, by its folder. A folder that may not be read, or
 * a file system that knows no such sync, is no failure. */
int file_sync_folder(const char *path, struct error *err);

/* Writes all n bytes to a descriptor, going on after EINTR and short writes. */
int file_write_all(int fd, const void *bytes, size_t n, struct error *err);

/*
 * A file being written. Begin makes PATH.XXXXXX beside the final place (through a symbolic link:
 * beside its target) with mode 0666 less the umask, or the permissions of a file it replaces. A
 * PATH that is there and is no regular file, such as a FIFO, is written directly; so are
 * /dev/stdout, /dev/stderr and /dev/fd/N, whatever is behind them, from where they stand.
 */
struct file_out {
	int fd;         /* -1: not open */
	char *path;     /* where it will be */
	char *tmp_path; /* where it is now; NULL: written directly */
};

#define FILE_OUT_INIT    \
	{                \
		.fd = -1 \
	}

int file_out_begin(struct file_out *f, const char *path, struct error *err);

/* Syncs, closes, renames, syncs the folder. On failure nothing is left behind, but that the whole
 * file is in its place if only syncing the folder failed. */
int file_out_commit(struct file_out *f, struct error *err);

/* Removes what was written; nothing if committed. Safe after any failure. */
void file_out_abort(struct file_out *f);

/* All of a file at once: begin, write, commit. SIGINT, SIGTERM and SIGHUP wait meanwhile (unless
 * path is written directly), so that no signal that ends the program leaves a part behind. */
int file_replace(const char *path, const void *bytes, size_t n, struct error *err);

/* As file_replace, but not synced, which may take long: for what is soon written again. */
int file_refresh(const char *path, const void *bytes, size_t n, struct error *err);

#endif
