/*
 * All that windows hold, as bytes for a file of this machine's kind: magic, the settings that shape
 * it, the windows, and a SHA-256 over all of it. Written whole and read whole; a file that is
 * damaged, or of other settings, is an error by name.
 */
#ifndef WINDOW_SAVED_H
#define WINDOW_SAVED_H

#include "lib/base/mem.h"
#include "lib/window/windows.h"

/* An option that shapes what is held, as text that is equal for equal windows. */
struct windows_setting {
	const char *name; /* "--window" */
	const char *text;
};

int windows_save(const struct windows *w, const struct windows_setting *settings, size_t n,
		 struct buf *out, struct error *err);

/* Into windows that are new, whose keys have n_key values. ERROR_DATA: damaged, or no such file;
 * ERROR_CONFIG: made with other settings, naming the first, or of another version. */
int windows_load(struct windows *w, const struct windows_setting *settings, size_t n, size_t n_key,
		 const char *bytes, size_t len, struct error *err);

#endif
