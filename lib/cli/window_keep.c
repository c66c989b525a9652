/* What window-agg keeps in files of its own: late records, and its state. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/cli/message.h"
#include "lib/cli/window_impl.h"
#include "lib/record/rejects.h"
#include "lib/window/saved.h"

#define STATE_MAX ((size_t)4 << 30)

/* A CSV file of late records needs the header, once. */
static int add_header(struct window_loop *l, struct error *err)
{
	const struct csv_header *h = reader_header(l->reader);
	struct stat st;

	if (!h || fstat(l->late_fd, &st) || st.st_size)
		return 0;
	return buf_add(&l->late, h->text, h->len, err) || buf_add(&l->late, "\n", 1, err) ? -1 : 0;
}

int window_late(void *context, const struct windows_record *r, struct error *err)
{
	struct window_loop *l = context;

	if (l->late_fd < 0)
		return 0;
	if (!l->late.len && add_header(l, err))
		return -1;
	if (buf_add(&l->late, r->text, r->text_len, err) || buf_add(&l->late, "\n", 1, err))
		return -1;
	l->n_late++;
	return l->late.len < WINDOW_OUT_FULL ? 0 : window_flush_late(l, false, err);
}

int window_flush_late(struct window_loop *l, bool sync, struct error *err)
{
	size_t n = l->late.len;

	l->late.len = 0;
	if (n && file_write_all(l->late_fd, l->late.data, n, err))
		return error_at(err, l->options->late, 0, 0);
	l->n_late_kept = l->n_late;
	l->late_unsynced |= n > 0;
	/* EINVAL: a pipe or terminal, which has nothing to sync. */
	if (sync && l->late_unsynced && fdatasync(l->late_fd) && errno != EINVAL)
		return error_errno(err, ERROR_IO, errno, "cannot sync '%s'", l->options->late);
	l->late_unsynced = l->late_unsynced && !sync;
	return 0;
}

static int add_settings(const struct window_loop *l, struct buf *text, size_t at[4],
			struct error *err)
{
	const struct window_options *o = l->options;

	at[0] = text->len;
	if (buf_add_str(text, o->key ? o->key : "", err) || buf_add(text, "", 1, err))
		return -1;
	at[1] = text->len;
	for (size_t i = 0; i < l->n_specs; i++)
		if (buf_printf(text, err, "%s%lldms/%lldms", i ? " " : "",
			       (long long)l->specs[i].size_ns / 1000000,
			       (long long)l->specs[i].slide_ns / 1000000))
			return -1;
	if (buf_add(text, "", 1, err))
		return -1;
	at[2] = text->len;
	if (buf_printf(text, err, "%lldns", (long long)o->session_ns) || buf_add(text, "", 1, err))
		return -1;
	at[3] = text->len;
	for (size_t i = 0; i < l->aggregates.n_fields; i++)
		if (buf_printf(text, err, "%s%s:%u", i ? " " : "", l->aggregates.fields[i].path,
			       l->aggregates.fields[i].parts))
			return -1;
	return buf_add(text, "", 1, err);
}

/* Calls f with what shapes the state. */
static int with_settings(struct window_loop *l, struct buf *state, bool load, struct error *err)
{
	struct buf text = BUF_INIT;
	size_t at[4];
	int ret = add_settings(l, &text, at, err);

	if (!ret) {
		const struct windows_setting settings[] = {{"--key", text.data + at[0]},
							   {"--window", text.data + at[1]},
							   {"--session", text.data + at[2]},
							   {"--agg", text.data + at[3]}};
		ret = load ? windows_load(l->windows, settings, 4, l->n_keys, state->data,
					  state->len, err)
			   : windows_save(l->windows, settings, 4, state, err);
	}
	buf_release(&text);
	return ret;
}

int window_load_state(struct window_loop *l, struct error *err)
{
	struct buf state = BUF_INIT;
	struct stat st;
	int ret;

	if (stat(l->options->state, &st)) {
		if (errno == ENOENT)
			return 0; /* the first run */
		return error_errno(err, ERROR_NO_INPUT, errno, "cannot open '%s'",
				   l->options->state);
	}
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_USAGE, "option '--state': '%s' is no regular file",
				 l->options->state);
	ret = file_read(l->options->state, STATE_MAX, &state, err);
	if (!ret && (ret = with_settings(l, &state, true, err)))
		error_prefix(err, "state '%s'", l->options->state);
	buf_release(&state);
	return ret;
}

int window_save_state(struct window_loop *l, struct error *err)
{
	struct buf state = BUF_INIT;
	int ret = with_settings(l, &state, false, err);

	if (!ret && (ret = file_replace(l->options->state, state.data, state.len, err)))
		error_prefix(err, "cannot save the state");
	buf_release(&state);
	return ret;
}
