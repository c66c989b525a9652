/*
 * Input that people give and that is no stream of records: what it is, and the way out.
 */
#ifndef RECORD_FOREIGN_H
#define RECORD_FOREIGN_H

#include <stddef.h>
#include "lib/base/error.h"

/* Looks at the first n bytes of a file (name: for messages). -1 with ERROR_DATA if they begin a
 * compressed file, a zip archive, UTF-16 text or a model of ours, else 0. */
int foreign_check(const char *p, size_t n, const char *name, struct error *err);

/* More cannot be told from. */
#define FOREIGN_BYTES 16

/* The same for the text, n > 0 bytes, at the first one that is no white space: a JSON array, or an
 * object whose first member is in the next line. 1 if more bytes are needed to tell. */
int foreign_check_json(const char *p, size_t n, const char *name, struct error *err);

#endif
