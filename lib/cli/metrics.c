#include "lib/cli/metrics.h"

#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/number.h"
#include "lib/cli/message.h"

int metrics_write(const char *path, const struct metric *metrics, size_t n, struct error *err)
{
	struct buf b = BUF_INIT;
	int ret = -1;

	for (size_t i = 0; i < n; i++) {
		const struct metric *m = &metrics[i];
		char number[NUMBER_MAX];
		int len = (int)number_write_real(number, m->value);
		if (buf_printf(&b, err,
			       "# HELP sensorutils_%s %s\n# TYPE sensorutils_%s %s\n"
			       "sensorutils_%s{program=\"%s\"} %.*s\n",
			       m->name, m->help, m->name, m->type, m->name, message_program(), len,
			       number))
			goto out;
	}
	ret = file_refresh(path, b.data, b.len, err);
	if (ret)
		error_prefix(err, "cannot write metrics");
out:
	buf_release(&b);
	return ret;
}
