#include "lib/store/batch.h"

#include <stdlib.h>

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

static bool are_alike(const uint64_t *a, const uint64_t *b, size_t n)
{
	while (n && *a == *b)
		a++, b++, n--;
	return !n;
}

size_t store_batch_add_set(struct store_batch *b)
{
	size_t likely = b->n ? b->rows[b->n - 1].set : 0;
	const uint64_t *set = b->sets + b->n_sets * b->n_words;

	if (b->n_sets && are_alike(b->sets + likely * b->n_words, set, b->n_words))
		return likely;
	for (size_t i = 0; i < b->n_sets; i++)
		if (are_alike(b->sets + i * b->n_words, set, b->n_words))
			return i;
	return b->n_sets++;
}
