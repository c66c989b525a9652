#include "lib/cli/metrics.h"

#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/number.h"
#include "lib/cli/message.h"

int metrics_write(const char *path, const struct metric *metrics, size_t n, struct error *err)
{
	struct file_out f = FILE_OUT_INIT;
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
	if (file_out_begin(&f, path, err) || file_write_all(f.fd, b.data, b.len, err) ||
	    file_out_commit(&f, err)) {
		error_prefix(err, "cannot write metrics '%s'", path);
		goto out;
	}
	ret = 0;
out:
	file_out_abort(&f);
	buf_release(&b);
	return ret;
}
