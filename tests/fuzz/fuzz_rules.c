/* Files of rules: none crashes the reader, what is refused is named, and what is accepted is
 * described and judges rows, those of series among them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/model/rule_state.h"
#include "lib/model/rules.h"

#define ROWS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct rules *r)
{
	static const double values[] = {0, 1, -1e300, 1e300, 1e300, 41, NAN, NAN, NAN, 0};
	struct error err = ERROR_INIT;
	const struct rule_state_options o = {
		.n_memories = r->n_keyed, .max_keys = 3, .idle_ns = 1000, .forget = 7};
	struct rule_states *states = rule_states_new(&o, &err);
	struct scorer *s = scorer_rules_new(r, &err);
	double *x = calloc(r->n_fields, sizeof(*x));
	size_t partition;

	if (!states || !s || !x || rule_states_partition(states, "t", 1, 0, &partition, &err))
		abort();
	for (int i = 0; i < ROWS; i++) {
		uint32_t by = (uint32_t)i % (uint32_t)(r->by_values.n + 1);
		int64_t ns = i % 9 == 8 ? INT64_MIN : i * i % 50 * INT64_C(100000000);
		char name = (char)('a' + i % 3);
		void *key = rule_states_at(states, partition, &name, 1, i, &err);
		struct verdict v;
		for (size_t k = 0; k < r->n_fields; k++)
			x[k] = values[(size_t)i / 3 % 10];
		const struct scorer_rows row = {.n = 1,
						.stride = r->n_fields,
						.x = x,
						.key_id = &by,
						.time_ns = &ns,
						.state = &key};
		if (!key)
			abort();
		scorer_score(s, &row, 1, NULL, &v);
		if (v.status == ROW_OK &&
		    (v.is_anomaly != (v.reasons != 0) || !(v.score >= 0 && v.score < 1)))
			abort();
		if (rule_states_need(states, partition, i + 1) > i + 1)
			abort();
	}
	rule_states_free(states);
	scorer_free(s);
	free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct rules *r = rules_parse((const char *)data, size, "rules", &err);

	if (r) {
		if (rules_describe(r, true, &text, &err) || rules_describe(r, false, &text, &err))
			abort();
		judge(r);
	} else if (err.kind != ERROR_CONFIG || !err.what[0]) {
		abort();
	}
	buf_release(&text);
	rules_free(r);
	return 0;
}
