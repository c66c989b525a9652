#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/cli/message.h"
#include "lib/cli/signals.h"
#include "lib/cli/sink_db_impl.h"

static int read_question(struct buf *b, struct error *err)
{
	ssize_t n;

	do {
		if (buf_reserve(b, 4096, err))
			return -1;
		n = read(STDIN_FILENO, b->data + b->len, 4096);
		if (n < 0 && errno != EINTR)
			return error_errno(err, ERROR_IO, errno, "cannot read standard input");
		b->len += n > 0 ? (size_t)n : 0;
		if (b->len > STORE_QUESTION_MAX)
			return error_set(err, ERROR_DATA, "the question has more than %d bytes",
					 STORE_QUESTION_MAX);
	} while (n);
	return 0;
}

static int answer(const struct db_sink_options *o, struct store_offsets *offsets, struct error *err)
{
	struct store *store = db_sink_store(o, NULL, !offsets->claim, err);
	int ret;

	if (!store) /* a database that is not there has stored nothing */
		return err->kind ? -1 : 0;
	ret = store_answer(store, offsets, err);
	store_close(store);
	return ret;
}

int db_sink_claim(const struct program *p, const struct db_sink_options *o)
{
	struct store_offsets offsets = {.n = 0};
	struct buf question = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status = 0;

	int bad = read_question(&question, &err);
	/* Until here a signal ends it, as nothing has begun. */
	signals_sink();
	if (bad || store_question_read(&offsets, question.data, question.len, &err) ||
	    answer(o, &offsets, &err) || store_answer_write(&offsets, &out, &err)) {
		if (err.kind == ERROR_USAGE)
			options_fail(p, "%s", err.what);
		status = message_error(&err);
	} else {
		fwrite(out.data, 1, out.len, stdout);
	}
	store_offsets_release(&offsets);
	buf_release(&question);
	buf_release(&out);
	return message_close_stdout(status);
}
