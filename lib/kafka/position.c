#include "lib/kafka/position.h"

#include <stdlib.h>
#include <string.h>

static int order(const char *topic, int32_t partition, const struct position *x)
{
	int d = strcmp(topic, x->topic);

	return d ? d : (partition > x->partition) - (partition < x->partition);
}

/* The first that is not before this one. */
static size_t place(const struct positions *p, const char *topic, int32_t partition)
{
	size_t from = 0, to = p->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (order(topic, partition, &p->items[middle]) > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

int positions_add(struct positions *p, const char *topic, int32_t partition, struct error *err)
{
	size_t at = place(p, topic, partition);
	char *copy;

	if (MEM_GROW(&p->items, &p->cap, p->n + 1, err) ||
	    !(copy = mem_strndup(topic, strlen(topic), err)))
		return -1;
	struct position *x = &p->items[at];
	memmove(x + 1, x, (p->n - at) * sizeof(*x));
	*x = (struct position){.topic = copy,
			       .partition = partition,
			       .stored = OFFSET_NONE,
			       .epoch = CONTROL_NO_EPOCH};
	p->n++;
	return 0;
}

void positions_clear(struct positions *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].topic);
		free(p->items[i].state);
	}
	p->n = 0;
}

void positions_release(struct positions *p)
{
	positions_clear(p);
	free(p->items);
	*p = (struct positions){.n = 0};
}

struct position *positions_find(const struct positions *p, const char *topic, int32_t partition)
{
	size_t at = place(p, topic, partition);

	return at < p->n && !order(topic, partition, &p->items[at]) ? &p->items[at] : NULL;
}

void position_start(struct position *x, int64_t next, int64_t processed, int64_t end)
{
	x->next = next;
	x->end = end;
	x->processed = x->told = processed;
	x->received = x->at_end = x->held = false;
	x->kept = 0;
}

int position_received(struct position *x, int64_t offset, struct error *err)
{
	if (offset < x->next)
		return error_set(err, ERROR_RETRY,
				 "topic '%s', partition %d: offset %lld came again, behind %lld",
				 x->topic, (int)x->partition, (long long)offset,
				 (long long)x->next - 1);
	x->next = offset + 1;
	x->received = true;
	return 0;
}

void position_reached(struct position *x, int64_t offset)
{
	if (offset > x->next)
		x->next = offset;
}

bool position_replays(const struct position *x)
{
	return x->next < x->processed;
}

bool positions_replay(const struct positions *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (position_replays(&p->items[i]))
			return true;
	return false;
}

int64_t position_passed(const struct position *x)
{
	return x->next > x->processed ? x->next : x->processed;
}

bool positions_moved(const struct positions *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (position_passed(&p->items[i]) != p->items[i].told)
			return true;
	return false;
}

int positions_tell(struct positions *p, bool all, struct control_record *mark, struct error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct position *x = &p->items[i];
		int64_t to = position_passed(x);
		if ((all || to != x->told) &&
		    !control_record_add(mark, x->topic, x->partition, x->told, to, NULL, err))
			return -1;
	}
	for (size_t i = 0; i < p->n; i++)
		p->items[i].told = position_passed(&p->items[i]);
	return 0;
}

bool positions_at_end(const struct positions *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->items[i].at_end && p->items[i].next < p->items[i].end)
			return false;
	return true;
}

size_t positions_behind(const struct positions *p, const int64_t *committed)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += committed[i] < p->items[i].told;
	return n;
}
