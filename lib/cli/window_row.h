/* Rows of windows as records: JSON Lines or CSV, made along the paths of their fields. */
#ifndef CLI_WINDOW_ROW_H
#define CLI_WINDOW_ROW_H

#include <stdbool.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/window/windows.h"

struct window_rows_options {
	bool csv;
	char *const *keys; /* [n_keys] paths */
	size_t n_keys;
	char *const *spec_names; /* what `window` says of each spec; NULL: no such field */
	const struct aggregates *aggregates;
	bool early; /* rows say whether they are updates */
};

struct window_rows;

/* ERROR_USAGE: two fields have one name, or one lies inside another. */
struct window_rows *window_rows_new(const struct window_rows_options *options, struct error *err);
void window_rows_free(struct window_rows *r);

/* CSV: appends the header. */
int window_rows_header(const struct window_rows *r, struct buf *out, struct error *err);

int window_rows_add(struct window_rows *r, const struct windows_row *row, struct buf *out,
		    struct error *err);

#endif
