/* Profiles: none crashes the reader, a bad one is ERROR_CONFIG with a reason, and one that is
 * accepted gives lines that are JSON records, the same ones each time, with as many numbers in CSV.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/sim/layout.h"
#include "lib/sim/simulator.h"

#define LINES 40
#define SENSORS 3
#define WINDOWS_MAX 100000
#define SIGNALS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether it takes no more memory than a test should. */
static bool is_small(const struct profile *p)
{
	size_t windows = 0;

	for (size_t i = 0; i < p->n_signals; i++)
		windows += p->signals[i].walk.window;
	return windows < WINDOWS_MAX && p->n_signals < SIGNALS_MAX;
}

static void make_lines(const struct profile *p, bool csv, struct buf *out)
{
	struct simulator_options o = {.seed = 7, .n_sensors = SENSORS, .csv = csv};
	struct error err = ERROR_INIT;
	struct simulator *s = simulator_new(p, &o, &err);

	if (!s)
		abort();
	if (csv && layout_header(p, out, &err) && err.kind != ERROR_USAGE)
		abort();
	for (int64_t i = 0; i < LINES; i++)
		if (simulator_next(s, i * 1000000000 - 20, out, &err))
			abort();
	simulator_free(s);
}

static void check_json(const struct buf *out)
{
	const char *p = out->data, *end = out->data + out->len;
	json_error_t why;
	int n = 0;

	for (; p < end; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		json_t *record =
			nl ? json_loadb(p, (size_t)(nl - p), JSON_REJECT_DUPLICATES, &why) : NULL;
		if (!json_is_object(record))
			abort();
		json_decref(record);
		p = nl + 1;
	}
	if (n != LINES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = BUF_INIT, second = BUF_INIT, csv = BUF_INIT;
	struct error err = ERROR_INIT;
	struct profile *p = profile_parse((const char *)data, size, "profile", &err);

	if (!p && (err.kind != ERROR_CONFIG || !err.what[0] || strcmp(err.file, "profile") != 0))
		abort();
	if (p && is_small(p)) {
		make_lines(p, false, &first);
		make_lines(p, false, &second);
		if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
			abort();
		check_json(&first);
		make_lines(p, true, &csv);
	}
	profile_free(p);
	buf_release(&first);
	buf_release(&second);
	buf_release(&csv);
	return 0;
}
