#include <string.h>
#include "lib/sim/faults_impl.h"

#define BYTES_MAX 4
#define LETTERS_MIN 8
#define LETTERS_MAX 40

/* Where a line may be cut, at most: what is left of JSON is no object, and of CSV lacks a cell. */
static size_t cut_limit(bool csv, const char *line, size_t len)
{
	const char *comma = csv ? memrchr(line, ',', len) : NULL;
	size_t limit = !csv ? len - 1 : comma ? (size_t)(comma - line) : 0;

	/* A quote that stays open would take the next lines in. */
	const char *quote = csv ? memchr(line, '"', limit) : NULL;
	return quote ? (size_t)(quote - line) : limit;
}

static int add_letters(struct rng *rng, struct buf *out, struct error *err)
{
	uint64_t n = LETTERS_MIN + rng_below(rng, LETTERS_MAX - LETTERS_MIN + 1);

	for (uint64_t i = 0; i < n; i++) {
		char letter = (char)('a' + rng_below(rng, 26));
		if (buf_add(out, &letter, 1, err))
			return -1;
	}
	return DAMAGE_NONSENSE;
}

int faults_damage(struct rng *rng, bool csv, const char *line, size_t len, struct buf *out,
		  struct error *err)
{
	size_t body = len - 1, limit = cut_limit(csv, line, body), at = out->len;
	int how = (int)rng_below(rng, DAMAGES);

	if (how == DAMAGE_CUT && limit < 1)
		how = DAMAGE_NONSENSE;
	if (how == DAMAGE_NONSENSE) {
		how = add_letters(rng, out, err);
	} else if (how == DAMAGE_CUT) {
		if (buf_add(out, line, 1 + rng_below(rng, limit), err))
			return -1;
	} else {
		if (buf_add(out, line, body, err))
			return -1;
		for (uint64_t i = 1 + rng_below(rng, BYTES_MAX); i > 0; i--)
			out->data[at + rng_below(rng, body)] = (char)(0xF8 + rng_below(rng, 8));
	}
	return how < 0 || buf_add(out, "\n", 1, err) ? -1 : how;
}
