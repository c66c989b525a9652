#include "lib/cli/background_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/signals.h"

#define CHUNK (64 << 10)
#define PIPE_SIZE (1 << 20)

struct background_output {
	int fd;
	struct buf filled;
	uint64_t handed; /* bytes given to the thread so far */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	/* Under the lock; `busy` is the thread's while it is true. */
	struct buf busy_bytes;
	bool busy;
	uint64_t written;
	int failure; /* errno */
};

/* One write, of a descriptor that others may have made non-blocking. */
static ssize_t write_some(int fd, const char *p, size_t n)
{
	for (;;) {
		ssize_t got = write(fd, p, n);
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
		if (errno == EAGAIN)
			poll(&ready, 1, -1);
	}
}

static void *write_all(void *context)
{
	struct background_output *o = context;

	signals_block();
	pthread_mutex_lock(&o->lock);
	for (;;) {
		while (!o->busy)
			pthread_cond_wait(&o->work, &o->lock);
		for (size_t at = 0; at < o->busy_bytes.len && !o->failure;) {
			size_t left = o->busy_bytes.len - at;
			pthread_mutex_unlock(&o->lock);
			ssize_t n = write_some(o->fd, o->busy_bytes.data + at,
					       left < CHUNK ? left : CHUNK);
			int failure = n < 0 ? errno : 0;
			pthread_mutex_lock(&o->lock);
			o->failure = failure;
			at += n < 0 ? 0 : (size_t)n;
			o->written += n < 0 ? 0 : (uint64_t)n;
		}
		o->busy = false;
		pthread_cond_signal(&o->done);
	}
	return NULL;
}

struct background_output *background_output_new(int fd, struct error *err)
{
	struct background_output *o = mem_alloc(1, sizeof(*o), err);
	pthread_condattr_t attributes;
	int failed;

	if (!o)
		return NULL;
	o->fd = fd;
	fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE); /* fails for what is no pipe, or by its user's limit */
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&o->work, NULL);
	pthread_cond_init(&o->done, &attributes);
	pthread_condattr_destroy(&attributes);
	if ((failed = pthread_create(&o->thread, NULL, write_all, o))) {
		error_errno(err, ERROR_UNAVAILABLE, failed, "cannot start a thread");
		free(o);
		return NULL;
	}
	return o;
}

struct buf *background_output_buffer(struct background_output *o)
{
	return &o->filled;
}

bool background_output_room(const struct background_output *o)
{
	return o->filled.len < BACKGROUND_FULL;
}

static int failed(const struct background_output *o, struct error *err)
{
	return error_errno(err, ERROR_IO, o->failure, "cannot write standard output");
}

int background_output_push(struct background_output *o, struct error *err)
{
	int ret;

	pthread_mutex_lock(&o->lock);
	if (o->failure) {
		ret = failed(o, err);
	} else if (!o->filled.len) {
		ret = 1;
	} else if (o->busy) {
		ret = 0;
	} else {
		struct buf b = o->filled;
		o->filled = o->busy_bytes;
		o->filled.len = 0;
		o->busy_bytes = b;
		o->handed += b.len;
		o->busy = true;
		pthread_cond_signal(&o->work);
		ret = 1;
	}
	pthread_mutex_unlock(&o->lock);
	return ret;
}

int background_output_wait(struct background_output *o, int timeout_ms, struct error *err)
{
	int64_t end = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
	struct timespec until = {end / NS_PER_SECOND, end % NS_PER_SECOND};
	int ret = 0;

	pthread_mutex_lock(&o->lock);
	while (o->busy && !ret)
		ret = pthread_cond_timedwait(&o->done, &o->lock, &until);
	ret = o->failure ? failed(o, err) : !o->busy;
	pthread_mutex_unlock(&o->lock);
	return ret;
}

uint64_t background_output_added(const struct background_output *o)
{
	return o->handed + o->filled.len;
}

uint64_t background_output_written(struct background_output *o)
{
	pthread_mutex_lock(&o->lock);
	uint64_t n = o->written;
	pthread_mutex_unlock(&o->lock);
	return n;
}

bool background_output_gone(struct background_output *o)
{
	struct pollfd p = {.fd = o->fd};

	pthread_mutex_lock(&o->lock);
	bool gone = o->failure == EPIPE;
	pthread_mutex_unlock(&o->lock);
	return gone || (poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)));
}
