#include "lib/report/output.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/file.h"

static int write_png(const char *path, const struct figure *f, const char *gnuplot,
		     struct error *err)
{
	struct buf png = BUF_INIT;
	int status = 0;

	if (!figure_is_drawn(f)) {
		if (unlink(path) < 0 && errno != ENOENT)
			return error_errno(err, ERROR_CREATE, errno, "cannot remove '%s'", path);
		return 0;
	}
	if (figure_png(f, gnuplot, &png, err) < 0 || file_replace(path, png.data, png.len, err) < 0)
		status = -1;
	buf_release(&png);
	return status;
}

int report_write_pngs(const char *dir, const struct figure *figures, const char *gnuplot,
		      struct error *err)
{
	int status = 0;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return error_errno(err, ERROR_CREATE, errno, "cannot create '%s'", dir);
	for (int i = 0; i < FIGURES && status == 0; i++) {
		struct buf path = BUF_INIT;

		if (buf_printf(&path, err, "%s/%s.png", dir, figure_names[i]) < 0 ||
		    buf_terminate(&path, err) < 0)
			status = -1;
		else
			status = write_png(path.data, &figures[i], gnuplot, err);
		buf_release(&path);
	}
	return status;
}
