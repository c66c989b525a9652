#include <string.h>
#include "lib/sim/faults_impl.h"

#define BYTES_MAX 4
#define LETTERS_MIN 8
#define LETTERS_MAX 40

/* Where a line may be cut, at most: what is left of JSON is no object, and of CSV lacks a cell and
 * has no quote, for one that stays open would take the next lines in. */
static size_t cut_limit(bool csv, const char *line, size_t len)
{
	const char *quote = csv ? memchr(line, '"', len) : NULL;
	const char *comma = csv && !quote ? memrchr(line, ',', len) : NULL;

	if (quote > line)
		comma = quote - 1;
	return !csv ? len - 1 : comma ? (size_t)(comma - line) : 0;
}

/* What makes rows of CSV. */
static bool is_structure(char c)
{
	return c == ',' || c == '"';
}

/* Bytes that no UTF-8 has in the place of some. Those that make rows stay: without a quote the row
 * might end elsewhere. -1: there are no others. */
static int put_bytes(struct rng *rng, bool csv, char *line, size_t len)
{
	size_t others = 0;

	for (size_t i = 0; i < len; i++)
		others += !csv || !is_structure(line[i]);
	if (!others)
		return -1;
	for (uint64_t i = 1 + rng_below(rng, BYTES_MAX); i > 0; i--) {
		size_t at = rng_below(rng, len);

		while (csv && is_structure(line[at]))
			at = (at + 1) % len;
		line[at] = (char)(0xF8 + rng_below(rng, 8));
	}
	return 0;
}

static int add_letters(struct rng *rng, struct buf *out, struct error *err)
{
	uint64_t n = LETTERS_MIN + rng_below(rng, LETTERS_MAX - LETTERS_MIN + 1);

	for (uint64_t i = 0; i < n; i++) {
		char letter = (char)('a' + rng_below(rng, 26));
		if (buf_add(out, &letter, 1, err))
			return -1;
	}
	return 0;
}

int faults_damage(struct rng *rng, bool csv, const char *line, size_t len, struct buf *out,
		  struct error *err)
{
	size_t body = len - 1, limit = cut_limit(csv, line, body), at = out->len;
	int how = (int)rng_below(rng, DAMAGES);

	if (how == DAMAGE_CUT && limit > 0) {
		if (buf_add(out, line, 1 + rng_below(rng, limit), err))
			return -1;
	} else if (how == DAMAGE_BYTES) {
		if (buf_add(out, line, body, err))
			return -1;
		if (put_bytes(rng, csv, out->data + at, body))
			how = DAMAGE_NONSENSE;
	} else {
		how = DAMAGE_NONSENSE;
	}
	if (how == DAMAGE_NONSENSE) {
		out->len = at;
		if (add_letters(rng, out, err))
			return -1;
	}
	return buf_add(out, "\n", 1, err) ? -1 : how;
}
