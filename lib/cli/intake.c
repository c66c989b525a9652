#include "lib/cli/intake.h"

#include <errno.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"

int intake_open(struct intake *in, const struct stream_options *o, struct error *err)
{
	*in = (struct intake){.options = o, .rejects_fd = -1};
	if (o->max_rejects) {
		if (reject_limit_parse(&in->limit, o->max_rejects, err))
			return error_prefix(err, "option '--max-rejects'");
		if (!o->rejects)
			return error_set(err, ERROR_USAGE,
					 "option '--max-rejects' needs '--rejects FILE'");
	}
	if (o->rejects && (in->rejects_fd = rejects_open(o->rejects, err)) < 0)
		return -1;
	return 0;
}

void intake_release(struct intake *in)
{
	if (in->rejects_fd >= 0)
		close(in->rejects_fd);
	in->rejects_fd = -1;
	control_check_release(&in->control);
}

int intake_keep(struct intake *in, const char *lines, size_t len, bool sync, struct error *err)
{
	if (rejects_write(in->rejects_fd, lines, len, err))
		return error_at(err, in->options->rejects, 0, 0);
	/* EINVAL: a pipe or terminal, which has nothing to sync. */
	if (sync && fdatasync(in->rejects_fd) && errno != EINVAL)
		return error_errno(err, ERROR_IO, errno, "cannot sync '%s'", in->options->rejects);
	return 0;
}

static int judge(const struct intake *in, uint64_t rejected, uint64_t all, bool share,
		 struct error *err)
{
	if (!reject_limit_passed(&in->limit, rejected, all, share))
		return 0;
	return error_set(
		err, ERROR_DATA, "%llu of %llu records rejected: more than --max-rejects %s",
		(unsigned long long)rejected, (unsigned long long)all, in->options->max_rejects);
}

int intake_judge(const struct intake *in, bool last, struct error *err)
{
	return judge(in, in->n_rejected, in->n_records, last, err);
}

int intake_count(struct intake *in, uint64_t n, const uint32_t *bad, size_t n_bad,
		 struct error *err)
{
	uint64_t at = in->n_records, rejected = in->n_rejected;
	size_t i = 0;

	in->n_records += n;
	in->n_rejected += n_bad;
	for (uint64_t all = at - at % REJECT_JUDGED + REJECT_JUDGED; all <= at + n;
	     all += REJECT_JUDGED) {
		while (i < n_bad && at + bad[i] < all)
			i++;
		if (judge(in, rejected + i, all, true, err))
			return -1;
	}
	return intake_judge(in, false, err);
}

int intake_reject(struct intake *in, const struct error *why, const struct record *rec,
		  const struct value *kafka, struct error *err)
{
	static const uint32_t first = 0;
	struct error reason = *why;
	struct buf line = BUF_INIT;
	int ret;

	if (rec && rec->torn && reason.kind == ERROR_DATA &&
	    control_check_end(&in->control, true, err))
		return -1; /* not bad, but cut off, and comes again */
	if (in->rejects_fd < 0 || reason.kind != ERROR_DATA) {
		*err = reason;
		return -1;
	}
	ret = reject_format(&line, message_program(), &reason, rec, kafka, timestamp_now(), err);
	if (!ret)
		ret = intake_keep(in, line.data, line.len, in->control.seen, err);
	buf_release(&line);
	return ret || intake_count(in, 1, &first, 1, err) ? -1 : 0;
}

int intake_end(const struct intake *in, struct error *err)
{
	return control_check_end(&in->control, in->torn, err);
}

void intake_report(const struct intake *in)
{
	if (in->n_rejected)
		message_note("%llu of %llu records rejected, kept in '%s'",
			     (unsigned long long)in->n_rejected, (unsigned long long)in->n_records,
			     in->options->rejects);
}
