#ifndef WINDOW_OFFSETS_IMPL_H
#define WINDOW_OFFSETS_IMPL_H

#include "lib/window/windows_impl.h"

/* How a source stood before the record of an offset. */
struct checkpoint {
	int64_t offset;
	int64_t reach_ns;  /* the last end of a window that a record from here up to the next
			      checkpoint is in */
	int64_t closed_ns; /* the watermark; with `single` nobody's own */
	struct gate gate;  /* its suspects without their records */
};

void checkpoints_clear(struct windows_source *s);

/* As checkpoints_reach, of a record that was held since before the last checkpoint. */
void checkpoints_reach_back(struct windows_source *s, int64_t offset, int64_t end_ns);

/* A record lies in a window that ends so late. */
static inline void checkpoints_reach(struct windows_source *s, int64_t offset, int64_t end_ns)
{
	if (s->n_checkpoints && offset < s->checkpoints[s->n_checkpoints - 1].offset)
		checkpoints_reach_back(s, offset, end_ns);
	else if (end_ns > s->reach_ns)
		s->reach_ns = end_ns;
}

#endif
