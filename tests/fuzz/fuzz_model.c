/* Model files, their digest made right: none crashes the reader, and one that is accepted scores
 * rows, is described, and gives the same bytes when it is written, read and written again. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/sha256.h"
#include "lib/model/model.h"
#include "lib/model/scorer.h"

#define DIGEST_KEY "\"digest\":\""
#define ROWS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(char *bytes, size_t n)
{
	char *digits = memmem(bytes, n, DIGEST_KEY, strlen(DIGEST_KEY)), hex[SHA256_HEX];
	uint8_t raw[SHA256_SIZE];
	struct sha256 sha;

	if (!digits || (size_t)(bytes + n - digits) < strlen(DIGEST_KEY) + SHA256_HEX - 1)
		return;
	digits += strlen(DIGEST_KEY);
	memset(digits, '0', SHA256_HEX - 1);
	sha256_init(&sha);
	sha256_update(&sha, bytes, n);
	sha256_final(&sha, raw);
	sha256_hex(raw, hex);
	memcpy(digits, hex, SHA256_HEX - 1);
}

static void write_again(struct model *m)
{
	struct error err = ERROR_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;

	if (model_encode(m, &first, &err) < 0)
		abort();
	struct model *back = model_decode(first.data, first.len, "model", &err);
	if (!back || model_encode(back, &second, &err) < 0 || first.len != second.len ||
	    memcmp(first.data, second.data, first.len) != 0)
		abort();
	model_free(back);
	buf_release(&first);
	buf_release(&second);
}

/* Takes the model over. */
static void score(struct model *m)
{
	struct error err = ERROR_INIT;
	struct verdict verdicts[ROWS];
	size_t n = m->n_features, n_groups = m->group_ids.n;
	uint32_t groups[ROWS];
	struct scorer *s = scorer_forest_new(m, NULL, &err);
	if (!s)
		abort();
	double *x = calloc(ROWS * n, sizeof(*x));
	void *scratch = aligned_alloc(64, (scorer_scratch(s) + 63) / 64 * 64);
	if (!x || !scratch)
		abort();
	for (size_t j = 0; j < n; j++) {
		x[n + j] = NAN;
		x[2 * n + j] = -1e30;
		x[3 * n + j] = j % 2 ? NAN : 1e30;
		x[4 * n + j] = (double)j;
	}
	for (size_t i = 0; i < ROWS; i++)
		groups[i] = (uint32_t)(i % (n_groups + 1));
	const struct scorer_rows rows = {.n = ROWS, .stride = n, .x = x, .key_id = groups};
	scorer_score(s, &rows, 0.5, scratch, verdicts);
	for (size_t i = 0; i < ROWS; i++)
		if (verdicts[i].status == ROW_OK &&
		    !(verdicts[i].score >= 0 && verdicts[i].score <= 1))
			abort();
	free(x);
	free(scratch);
	scorer_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	char *bytes = malloc(size ? size : 1);

	if (!bytes)
		abort();
	if (size)
		memcpy(bytes, data, size);
	seal(bytes, size);
	struct model *m = model_decode(bytes, size, "model", &err);
	if (m) {
		if (model_describe(m, true, &text, &err) < 0 ||
		    model_describe(m, false, &text, &err) < 0)
			abort();
		write_again(m);
		score(m);
	} else if (err.kind != ERROR_CONFIG || !err.what[0]) {
		abort();
	}
	buf_release(&text);
	free(bytes);
	return 0;
}
