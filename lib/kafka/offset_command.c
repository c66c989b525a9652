#include "lib/kafka/offset_command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/record/members.h"

#define ANSWER_MAX (16 << 20)
#define SLICE_MS 50

int offset_question(struct buf *out, const char *operation, const char *group,
		    const struct positions *p, struct error *err)
{
	if (buf_printf(out, err, "{\"operation\":\"%s\",\"group\":", operation) ||
	    json_add_string(out, group, err) || buf_add_str(out, ",\"partitions\":[", err))
		return -1;
	for (size_t i = 0; i < p->n; i++)
		if (buf_printf(out, err, "%s{\"topic\":", i ? "," : "") ||
		    json_add_string(out, p->items[i].topic, err) ||
		    buf_printf(out, err, ",\"partition\":%d}", (int)p->items[i].partition))
			return -1;
	return buf_add_str(out, "]}\n", err);
}

static int wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_CONFIG, "its answer is wrong: %s", what);
}

/* null, or a number from 0. */
static int read_number(const struct value *v, int64_t *n, struct error *err, const char *name)
{
	*n = -1;
	if (v->kind == VALUE_NULL)
		return 0;
	if (v->kind != VALUE_NUMBER || number_read_int(v->text, v->text + v->len, n) || *n < 0)
		return error_set(err, ERROR_CONFIG,
				 "its answer is wrong: '%s' is neither null nor a number from 0",
				 name);
	return 0;
}

static int read_state(const struct value *v, char **state, struct error *err)
{
	int64_t ignored;

	if (v->kind == VALUE_NULL)
		return 0;
	if (v->kind != VALUE_OBJECT)
		return wrong(err, "'state' is neither null nor an object");
	if (!(*state = mem_strndup(v->text, v->len, err)))
		return -1;
	if (control_state_replay_from(*state, &ignored, err))
		return error_prefix(err, "its answer is wrong");
	return 0;
}

enum { TOPIC, PARTITION, OFFSET, EPOCH, STATE, N_MEMBERS };
static const char *const member_names[] = {"topic", "partition", "offset", "epoch", "state"};

/* One partition of the answer; seen[] says which of p have come. */
static int read_partition(struct positions *p, bool *seen, const struct value *object,
			  struct buf *topic, struct error *err)
{
	struct members m = members_of(object);
	struct value name, v, got[N_MEMBERS] = {0};
	struct position *x = NULL;
	int64_t partition;

	while (members_next(&m, &name, &v))
		for (size_t i = 0; i < N_MEMBERS; i++)
			if (member_is(&name, member_names[i]))
				got[i] = v;
	for (size_t i = 0; i < N_MEMBERS; i++)
		if (got[i].kind == VALUE_ABSENT)
			return error_set(err, ERROR_CONFIG,
					 "its answer is wrong: a partition has no '%s'",
					 member_names[i]);
	topic->len = 0;
	if (got[TOPIC].kind != VALUE_STRING)
		return wrong(err, "'topic' is no string");
	if (value_string(&got[TOPIC], topic, err) || buf_terminate(topic, err) ||
	    read_number(&got[PARTITION], &partition, err, "partition"))
		return -1;
	if (partition >= 0 && partition <= INT32_MAX)
		x = positions_find(p, topic->data, (int32_t)partition);
	if (!x || seen[x - p->items])
		return error_set(err, ERROR_CONFIG,
				 "its answer is wrong: partition %lld of topic '%s' was %s",
				 (long long)partition, topic->data,
				 x ? "there before" : "not asked for");
	seen[x - p->items] = true;
	free(x->state);
	x->state = NULL;
	if (read_number(&got[OFFSET], &x->stored, err, "offset") ||
	    read_number(&got[EPOCH], &x->epoch, err, "epoch"))
		return -1;
	return read_state(&got[STATE], &x->state, err);
}

static int read_partitions(struct positions *p, const struct value *list, struct error *err)
{
	struct members m = members_of(list);
	struct value ignored, v;
	struct buf topic = BUF_INIT;
	bool *seen = mem_alloc(p->n, sizeof(*seen), err);
	int ret = seen ? 0 : -1;

	while (!ret && members_next(&m, &ignored, &v))
		ret = v.kind == VALUE_OBJECT ? read_partition(p, seen, &v, &topic, err)
					     : wrong(err, "a partition is no object");
	for (size_t i = 0; !ret && i < p->n; i++)
		if (!seen[i])
			ret = error_set(
				err, ERROR_CONFIG,
				"its answer is wrong: partition %d of topic '%s' is missing",
				(int)p->items[i].partition, p->items[i].topic);
	buf_release(&topic);
	free(seen);
	return ret;
}

int offset_answer(struct positions *p, const char *text, size_t len, struct error *err)
{
	struct buf copy = BUF_INIT; /* with what a scanner needs behind it */
	struct fields *fields = fields_new(err);
	struct scanner *s = NULL;
	struct record rec, more;
	int ret = -1, n;

	if (!fields || fields_want(fields, "partitions", err) < 0 ||
	    !(s = scanner_new(fields, err)) || buf_reserve(&copy, len + READER_PAD, err))
		goto out;
	memcpy(copy.data, text, len);
	memset(copy.data + len, 0, READER_PAD);
	copy.data[len] = '\n';
	struct block b = {.data = copy.data, .len = len, .first_line = 1, .format = FORMAT_JSON};
	if (scanner_start(s, &b, err) || (n = scanner_next(s, &rec, err)) < 0)
		goto out;
	if (!n || rec.values[0].kind != VALUE_ARRAY)
		wrong(err, n ? "there is no array 'partitions'" : "it is empty");
	else if (!(ret = read_partitions(p, &rec.values[0], err)) && scanner_next(s, &more, err))
		ret = wrong(err, "it has more than one line");
out:
	if (ret && err->kind == ERROR_DATA) {
		err->kind = ERROR_CONFIG;
		error_prefix(err, "its answer is wrong");
	}
	scanner_free(s);
	fields_free(fields);
	buf_release(&copy);
	return ret;
}

/* In the child, which never returns. A group of its own, so that all of it can be killed. */
static void become(const char *command, const int fds[2], pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(fds[0], STDIN_FILENO);
	dup2(fds[1], STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(errno == ENOENT ? 127 : 126);
}

static int spawn(const char *command, const int fds[2], pid_t *pid, struct error *err)
{
	pid_t self = getpid();

	*pid = fork();
	if (*pid < 0)
		return error_errno(err, ERROR_UNAVAILABLE, errno, "cannot make a process");
	if (!*pid)
		become(command, fds, self);
	setpgid(*pid, *pid); /* whoever is first */
	return 0;
}

/* Waits for the end of a process: its status, or -1 when it had to be killed. */
static int await(const struct offset_command *c, pid_t pid, int *status, struct error *err)
{
	int fd = pidfd_open(pid, 0), left = c->timeout_ms, ret = 0;
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	while (fd >= 0 && poll(&ended, 1, left < SLICE_MS ? left : SLICE_MS) <= 0) {
		left -= SLICE_MS;
		bool stopped = c->stop(c->context);
		if (left > 0 && !stopped)
			continue;
		kill(-pid, SIGKILL);
		ret = stopped ? error_set(err, ERROR_NONE, "stopped")
			      : error_set(err, ERROR_RETRY, "it had not ended after %g s",
					  c->timeout_ms / 1000.0);
		break;
	}
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, ERROR_INTERNAL, errno, "cannot wait for it");
	return ret;
}

static int judge(int status, struct error *err)
{
	static const enum error_kind known[] = {ERROR_USAGE,       ERROR_DATA,     ERROR_NO_INPUT,
						ERROR_UNAVAILABLE, ERROR_INTERNAL, ERROR_CREATE,
						ERROR_IO,          ERROR_RETRY,    ERROR_CONFIG};
	enum error_kind kind = ERROR_RETRY;

	if (WIFSIGNALED(status))
		return error_set(err, kind, "it died of signal %d", WTERMSIG(status));
	if (!WEXITSTATUS(status))
		return 0;
	/* So does the shell say that there is no such command: there will be none next time. */
	if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)
		return error_set(err, ERROR_CONFIG, "it could not be run (%d)",
				 WEXITSTATUS(status));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if ((int)known[i] == WEXITSTATUS(status))
			kind = known[i];
	return error_set(err, kind, "it ended with status %d", WEXITSTATUS(status));
}

static int read_back(int fd, struct buf *b, struct error *err)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st))
		return error_errno(err, ERROR_IO, errno, "cannot read its answer");
	if (st.st_size > ANSWER_MAX)
		return error_set(err, ERROR_CONFIG, "its answer has more than %d bytes",
				 ANSWER_MAX);
	if (buf_reserve(b, (size_t)st.st_size, err))
		return -1;
	for (size_t end = b->len + (size_t)st.st_size, at = 0; b->len < end; at += (size_t)n) {
		n = pread(fd, b->data + b->len, end - b->len, (off_t)at);
		if (n <= 0)
			return error_errno(err, ERROR_IO, n ? errno : EIO,
					   "cannot read its answer");
		b->len += (size_t)n;
	}
	return 0;
}

int offset_command_run(const struct offset_command *c, const struct buf *question,
		       struct buf *answer, struct error *err)
{
	/* Files in memory: no process waits for another to read or write. */
	int fds[2] = {memfd_create("question", MFD_CLOEXEC), memfd_create("answer", MFD_CLOEXEC)};
	int status, ret = -1;
	pid_t pid;

	if (fds[0] < 0 || fds[1] < 0) {
		error_errno(err, ERROR_UNAVAILABLE, errno, "cannot make a file in memory");
		goto out;
	}
	if (file_write_all(fds[0], question->data, question->len, err))
		goto out;
	if (lseek(fds[0], 0, SEEK_SET) < 0) {
		error_errno(err, ERROR_IO, errno, "cannot rewind a file in memory");
		goto out;
	}
	if (!spawn(c->command, fds, &pid, err) && !await(c, pid, &status, err) &&
	    !judge(status, err))
		ret = read_back(fds[1], answer, err);
out:
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return ret;
}
