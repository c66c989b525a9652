#include "lib/kafka/mark_pace.h"

#include "lib/base/timestamp.h"

static int64_t due_ns(const struct mark_pace *m, bool moved)
{
	bool heartbeat = !moved && m->interval_ns < MARK_HEARTBEAT_NS;

	return m->last_ns + (heartbeat ? MARK_HEARTBEAT_NS : m->interval_ns);
}

void mark_pace_record(struct mark_pace *m, size_t bytes)
{
	m->size += bytes + MARK_RECORD_SIZE;
}

bool mark_pace_due(const struct mark_pace *m, int64_t now_ns, bool moved)
{
	uint64_t most = m->most < MARK_SIZE_MIN   ? MARK_SIZE_MIN
			: m->most > MARK_SIZE_MAX ? MARK_SIZE_MAX
						  : m->most;

	return m->size >= most || now_ns >= due_ns(m, moved);
}

int64_t mark_pace_wait_ns(const struct mark_pace *m, int64_t now_ns, bool moved)
{
	int64_t due = due_ns(m, moved);

	return due > now_ns ? due - now_ns : 0;
}

void mark_pace_marked(struct mark_pace *m, int64_t now_ns)
{
	m->last_ns = now_ns;
	m->counted += m->size;
	m->size = 0;
	if (now_ns - m->second_ns < NS_PER_SECOND)
		return;
	/* Over a longer interval as many as over a second of it. */
	m->most = (uint64_t)((double)m->counted * NS_PER_SECOND / (double)(now_ns - m->second_ns));
	m->counted = 0;
	m->second_ns = now_ns;
}
