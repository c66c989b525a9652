#include "lib/cli/metrics.h"

#include <string.h>
#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/wait.h"

#define EVERY_NS (5 * NS_PER_SECOND)

void metrics_release(struct metrics *all)
{
	buf_release(&all->text);
	*all = (struct metrics)METRICS_INIT;
}

/* ,NAME="VALUE" */
static int add_label(struct buf *b, const struct metric_label *l, struct error *err)
{
	if (buf_printf(b, err, ",%s=\"", l->name))
		return -1;
	for (const char *p = l->value; *p;) {
		size_t plain = strcspn(p, "\\\"\n");
		if (buf_add(b, p, plain, err))
			return -1;
		p += plain;
		if (*p && buf_printf(b, err, "\\%c", *p == '\n' ? 'n' : *p))
			return -1;
		p += *p != '\0';
	}
	return buf_add(b, "\"", 1, err);
}

int metrics_add(struct metrics *all, const struct metric *m, const struct metric_label *labels,
		size_t n_labels, struct error *err)
{
	struct buf *b = &all->text;
	char number[NUMBER_MAX];
	int len = (int)number_write_real(number, m->value);

	if ((!all->name || strcmp(all->name, m->name) != 0) &&
	    buf_printf(b, err, "# HELP sensorutils_%s %s\n# TYPE sensorutils_%s %s\n", m->name,
		       m->help, m->name, m->type))
		return -1;
	all->name = m->name;
	if (buf_printf(b, err, "sensorutils_%s{program=\"%s\"", m->name, message_program()))
		return -1;
	for (size_t i = 0; i < n_labels; i++)
		if (add_label(b, &labels[i], err))
			return -1;
	return buf_printf(b, err, "} %.*s\n", len, number);
}

int metrics_replace(struct metrics *all, const char *path, struct error *err)
{
	int ret = file_refresh(path, all->text.data, all->text.len, err);

	all->text.len = 0;
	all->name = NULL;
	return ret ? error_prefix(err, "cannot write metrics") : 0;
}

int metrics_write(const char *path, const struct metric *metrics, size_t n, struct error *err)
{
	struct metrics all = METRICS_INIT;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = metrics_add(&all, &metrics[i], NULL, 0, err);
	if (!ret)
		ret = metrics_replace(&all, path, err);
	metrics_release(&all);
	return ret;
}

bool metrics_due(struct metrics_clock *c, bool last)
{
	if (!c->path || c->failed)
		return false;
	int64_t now = clock_monotonic_ns();
	if (!last && now < c->due_ns)
		return false;
	c->due_ns = now + EVERY_NS;
	return true;
}

void metrics_wait(const struct metrics_clock *c, int *timeout_ms)
{
	if (c->path && !c->failed)
		wait_at_most(timeout_ms, c->due_ns - clock_monotonic_ns());
}

int metrics_show(struct metrics_clock *c, const struct metric *metrics, size_t n, struct error *err)
{
	c->failed = metrics_write(c->path, metrics, n, err) != 0;
	return c->failed ? -1 : 0;
}

int metrics_show_all(struct metrics_clock *c, struct metrics *all, struct error *err)
{
	c->failed = metrics_replace(all, c->path, err) != 0;
	return c->failed ? -1 : 0;
}
