#include "lib/store/batch.h"

#include <stdlib.h>

void store_batch_release(struct store_batch *b)
{
	buf_release(&b->encoded);
	buf_release(&b->records);
	free(b->rows);
	*b = (struct store_batch){.n = 0};
}

void store_batch_clear(struct store_batch *b)
{
	b->encoded.len = b->records.len = 0;
	b->n = 0;
}
