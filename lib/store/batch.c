#include "lib/store/batch.h"

#include <stdlib.h>
#include <string.h>

void store_batch_release(struct store_batch *b)
{
	buf_release(&b->encoded);
	buf_release(&b->records);
	free(b->rows);
	free(b->sets);
	*b = (struct store_batch){.n = 0};
}

void store_batch_clear(struct store_batch *b)
{
	b->encoded.len = b->records.len = 0;
	b->n = b->n_sets = 0;
}

size_t store_batch_add_set(struct store_batch *b)
{
	size_t size = b->n_words * sizeof(*b->sets), likely = b->n ? b->rows[b->n - 1].set : 0;
	const uint64_t *set = b->sets + b->n_sets * b->n_words;

	if (b->n && !memcmp(b->sets + likely * b->n_words, set, size))
		return likely;
	for (size_t i = 0; i < b->n_sets; i++)
		if (!memcmp(b->sets + i * b->n_words, set, size))
			return i;
	return b->n_sets++;
}
