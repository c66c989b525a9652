#include <inttypes.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/number.h"
#include "lib/model/model.h"
#include "lib/model/model_config.h"

/* Fields with more digits than people read are cut to these. */
#define DIGITS 6

/* The config, with what stands in tensors put in at its front and at its end. */
static int describe_json(const struct model *m, struct buf *out, struct error *err)
{
	if (buf_printf(out, err,
		       "{\"model_version\":\"%s\",\"digest\":\"%s\",\"n_trees\":%" PRIu32
		       ",\"n_nodes\":%" PRIu64 ",\"max_depth\":%" PRIu32 ",",
		       m->version, m->digest, m->forest->n_trees, m->forest->n_nodes,
		       m->forest->max_depth) < 0)
		return -1;
	size_t brace = out->len;
	if (model_config_write(m, out, err) < 0)
		return -1;
	memmove(out->data + brace, out->data + brace + 1, out->len - brace - 1);
	out->len -= 2; /* the brace that moved over, and the closing one */
	if (buf_add_str(out, ",\"feature\":[", err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_features; i++) {
		const struct model_feature *f = &m->features[i];
		const struct {
			const char *key;
			double value;
		} numbers[] = {
			{"missing_share", f->missing_share},
			{"min", sketch_quantile(&f->sketch, 0)},
			{"median", sketch_quantile(&f->sketch, 0.5)},
			{"max", sketch_quantile(&f->sketch, 1)},
			{"fill", m->prepare.fill[i]},
			{"center", m->prepare.center[i]},
			{"scale", m->prepare.scale[i]},
		};
		if (buf_add_str(out, i ? ",{\"name\":" : "{\"name\":", err) < 0 ||
		    json_add_string(out, f->name, err) < 0)
			return -1;
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
			if (buf_printf(out, err, ",\"%s\":", numbers[k].key) < 0 ||
			    json_add_real(out, numbers[k].value, err) < 0)
				return -1;
		if (buf_add(out, "}", 1, err) < 0)
			return -1;
	}
	return buf_add_str(out, "]}\n", err);
}

static int add_severity(const struct model *m, struct buf *out, struct error *err)
{
	if (m->scores.n == 0)
		return buf_add_str(out,
				   "severity       low past the threshold; the training "
				   "scores are not known\n",
				   err);
	return buf_printf(out, err,
			  "severity       medium above %.*g, high above %.*g\n"
			  "score          training: median %.*g, largest %.*g\n",
			  DIGITS, m->medium, DIGITS, m->high, DIGITS,
			  sketch_quantile(&m->scores, 0.5), DIGITS, sketch_quantile(&m->scores, 1));
}

static int add_features(const struct model *m, struct buf *out, struct error *err)
{
	double missing = 0;
	for (size_t i = 0; i < m->n_features; i++)
		missing += m->features[i].missing_share / (double)m->n_features;
	if (buf_printf(out, err, "features       %zu", m->n_features) < 0 ||
	    (m->n_rows && buf_printf(out, err, ", %.*g %% missing", 3, 100 * missing) < 0) ||
	    buf_add_str(out, "\n", err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_features; i++) {
		const struct sketch *s = &m->features[i].sketch;
		if (buf_add_str(out, "  ", err) < 0 ||
		    buf_add_clean(out, m->features[i].name, err) < 0 ||
		    (s->n && buf_printf(out, err, "  %.*g to %.*g, median %.*g", DIGITS,
					sketch_quantile(s, 0), DIGITS, sketch_quantile(s, 1),
					DIGITS, sketch_quantile(s, 0.5)) < 0) ||
		    (m->features[i].missing_share > 0 &&
		     buf_printf(out, err, ", %.*g %% missing", 3,
				100 * m->features[i].missing_share) < 0) ||
		    buf_add(out, "\n", 1, err) < 0)
			return -1;
	}
	if (m->n_left_out && buf_printf(out, err, "left out       %zu\n", m->n_left_out) < 0)
		return -1;
	for (size_t i = 0; i < m->n_left_out; i++)
		if (buf_add_str(out, "  ", err) < 0 ||
		    buf_add_clean(out, m->left_out[i], err) < 0 || buf_add(out, "\n", 1, err) < 0)
			return -1;
	return 0;
}

static int add_groups(const struct model *m, struct buf *out, struct error *err)
{
	if (buf_printf(out, err, "groups         %zu, by ", m->group_ids.n) < 0 ||
	    buf_add_clean(out, m->by, err) < 0 || buf_add(out, "\n", 1, err) < 0)
		return -1;
	for (size_t i = 0; i < m->group_ids.n; i++) {
		const struct model *g = m->groups[i];
		if (buf_add_str(out, "  ", err) < 0 ||
		    buf_add_clean(out, m->group_ids.names[i], err) < 0 ||
		    buf_printf(out, err, "  %" PRIu64 " rows, %zu features, threshold %.*g\n",
			       g->n_rows, g->n_features, DIGITS, -g->offset) < 0)
			return -1;
	}
	return 0;
}

static int describe_text(const struct model *m, struct buf *out, struct error *err)
{
	const struct forest *f = m->forest;
	if (buf_printf(out, err,
		       "model          %s\n"
		       "kind           isolation forest, by ",
		       m->version) < 0 ||
	    buf_add_clean(out, m->source, err) < 0 ||
	    buf_printf(out, err,
		       "\n"
		       "trees          %" PRIu32 " of %" PRIu32 " rows and %" PRIu32
		       " features each, %" PRIu64 " nodes, depth %" PRIu32 "\n"
		       "rows           ",
		       f->n_trees, f->max_samples, m->max_features, f->n_nodes, f->max_depth) < 0)
		return -1;
	if ((m->n_rows ? buf_printf(out, err, "%" PRIu64 " learned from, %" PRIu64 " seen\n",
				    m->n_rows, m->n_rows_seen)
		       : buf_add_str(out, "not known\n", err)) < 0 ||
	    buf_printf(out, err,
		       "seed           %" PRIu64 "\n"
		       "preparation    impute %s, scale %s\n",
		       m->seed, impute_names[m->prepare.impute],
		       scaling_names[m->prepare.scaling]) < 0)
		return -1;
	if (m->contamination_auto) {
		if (buf_printf(out, err, "contamination  auto\n") < 0)
			return -1;
	} else if (buf_printf(out, err, "contamination  %g\n", m->contamination) < 0) {
		return -1;
	}
	if (buf_printf(out, err, "threshold      score above %.*g (offset %.*g)\n", DIGITS,
		       -m->offset, DIGITS, m->offset) < 0 ||
	    add_severity(m, out, err) < 0)
		return -1;
	return add_features(m, out, err) < 0 || (m->by && add_groups(m, out, err) < 0) ? -1 : 0;
}

int model_describe(const struct model *m, bool json, struct buf *out, struct error *err)
{
	return json ? describe_json(m, out, err) : describe_text(m, out, err);
}
