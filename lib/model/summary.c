#include <inttypes.h>
#include "lib/base/number.h"
#include "lib/model/model.h"

static int add_threshold(struct buf *b, const struct model *m, struct error *err)
{
	char s[NUMBER_MAX], share[NUMBER_MAX];
	int n = (int)number_write_real(s, -m->offset);

	if (m->contamination_auto)
		return buf_printf(b, err, "threshold          s > %.*s (auto)\n", n, s);
	return buf_printf(b, err, "threshold          s > %.*s (contamination %.*s)\n", n, s,
			  (int)number_write_real(share, m->contamination), share);
}

static int add_list(struct buf *b, const char *what, const char *item, bool first,
		    struct error *err)
{
	if (buf_printf(b, err, "%-18s ", first ? what : "") < 0 || buf_add_clean(b, item, err) < 0)
		return -1;
	return buf_add(b, "\n", 1, err);
}

int model_summary(const struct model *m, const struct train_result *r, struct buf *b,
		  struct error *err)
{
	if (buf_printf(b, err,
		       "rows               %" PRIu64 " learned from, %" PRIu64 " read, %" PRIu64
		       " lacked too much\n"
		       "features           %zu, %zu left out\n"
		       "missing            %.4g %% of their values\n"
		       "trees              %" PRIu32 " of %" PRIu32 " rows, seed %" PRIu64 "\n",
		       r->n_rows, m->n_rows_seen, r->n_rows_skipped, m->n_features, m->n_left_out,
		       100 * r->missing_share, m->forest->n_trees, m->forest->max_samples,
		       m->seed) ||
	    add_threshold(b, m, err) ||
	    buf_printf(b, err,
		       "expected alarms    %.4g %% of records like these (%" PRIu64 " of %" PRIu64
		       ")\n"
		       "version            %s\n",
		       100 * (double)r->n_alarms / (double)r->n_rows, r->n_alarms, r->n_rows,
		       m->version))
		return -1;
	for (size_t i = 0; i < m->n_features; i++)
		if (add_list(b, "feature names", m->features[i].name, i == 0, err))
			return -1;
	for (size_t i = 0; i < m->n_left_out; i++)
		if (add_list(b, "left out", m->left_out[i], i == 0, err))
			return -1;
	for (size_t i = 0; i < m->group_ids.n; i++)
		if (add_list(b, "groups", m->group_ids.names[i], i == 0, err))
			return -1;
	return 0;
}
