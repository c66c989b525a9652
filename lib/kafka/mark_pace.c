#include "lib/kafka/mark_pace.h"

static int64_t due_ns(const struct mark_pace *m, bool moved)
{
	bool heartbeat = !moved && m->interval_ns < MARK_HEARTBEAT_NS;

	return m->last_ns + (heartbeat ? MARK_HEARTBEAT_NS : m->interval_ns);
}

bool mark_pace_due(const struct mark_pace *m, int64_t now_ns, bool moved)
{
	return m->messages >= MARK_RECORDS || now_ns >= due_ns(m, moved);
}

int64_t mark_pace_wait_ns(const struct mark_pace *m, int64_t now_ns, bool moved)
{
	int64_t due = due_ns(m, moved);

	return due > now_ns ? due - now_ns : 0;
}

void mark_pace_marked(struct mark_pace *m, int64_t now_ns)
{
	m->last_ns = now_ns;
	m->messages = 0;
}
