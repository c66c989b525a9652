#include "lib/cli/progress.h"

#include <stdio.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/cli/message.h"

#define STEP (UINT64_C(8) << 20) /* bytes */

void progress_init(struct progress *p, bool wanted)
{
	*p = (struct progress){.on = wanted && isatty(STDERR_FILENO)};
}

static void show(struct progress *p, const char *text, int n)
{
	struct error ignored;

	p->shown = true;
	file_write_all(STDERR_FILENO, text, (size_t)n, &ignored);
}

void progress_bytes(struct progress *p, uint64_t bytes, uint64_t size)
{
	char line[160];
	int n;

	if (!p->on || bytes - p->last < STEP)
		return;
	p->last = bytes;
	n = snprintf(line, sizeof(line), "\r%.60s: %llu MB", message_program(),
		     (unsigned long long)(bytes / 1000000));
	if (size)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %.0f %%",
			      100 * (double)bytes / (double)size);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "\033[K");
	show(p, line, n);
}

void progress_stage(struct progress *p, const char *stage, double share)
{
	char line[160];

	if (p->on)
		show(p, line,
		     snprintf(line, sizeof(line), "\r%.60s: %.60s, %.0f %%\033[K",
			      message_program(), stage, 100 * share));
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		show(p, "\r\033[K", 4);
	p->shown = false;
}
