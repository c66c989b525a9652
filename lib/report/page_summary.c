#include <math.h>
#include "lib/report/page_impl.h"

static void tile(struct text *out, const char *name)
{
	text_printf(out, "</b><span>%s</span></div>\n<div class=\"tile\"><b>", name);
}

static void tiles(const struct report *r, struct text *out)
{
	text_add(out, "<div class=\"tiles\">\n<div class=\"tile\"><b>");
	text_count(out, r->n);
	tile(out, "records");
	text_count(out, r->anomalies);
	tile(out, "called anomalous");
	text_share(out, r->anomalies, r->n);
	tile(out, "of the records");
	if (r->timed)
		text_duration(out, (uint64_t)r->last_ns - (uint64_t)r->first_ns);
	else
		text_add(out, "–");
	text_add(out, "</b><span>from the first to the last</span></div>\n</div>\n");
}

static void row(struct text *out, const char *name)
{
	text_printf(out, "<tr><th scope=\"row\">%s</th><td>", name);
}

static void row_end(struct text *out)
{
	text_add(out, "</td></tr>\n");
}

static void models(const struct report *r, struct text *out)
{
	uint64_t stated = r->other_models;

	for (size_t i = 0; i < r->n_models; i++) {
		text_add(out, i ? ", <bdi>" : "<bdi>");
		text_html(out, r->models[i].version);
		text_add(out, "</bdi>");
		if (r->n_models > 1) {
			text_add(out, " (");
			text_count(out, r->models[i].n);
			text_add(out, ")");
		}
		stated += r->models[i].n;
	}
	if (r->other_models) {
		text_add(out, ", others (");
		text_count(out, r->other_models);
		text_add(out, ")");
	}
	if (!stated) {
		text_add(out, "not stated");
	} else if (stated < r->n) {
		text_add(out, ", not stated (");
		text_count(out, r->n - stated);
		text_add(out, ")");
	}
}

static void threshold(const struct report *r, struct text *out)
{
	bool lower = r->lower_is_anomalous;

	if (r->threshold_given) {
		text_real(out, r->threshold);
		text_add(out, ", as given");
	} else if (r->separated) {
		text_printf(out,
			    "between %.6g and %.6g: the largest score of a%s record and the "
			    "smallest of a%s one",
			    lower ? r->anomalous_max : r->normal_max,
			    lower ? r->normal_min : r->anomalous_min,
			    lower ? "n anomalous" : " normal", lower ? " normal" : "n anomalous");
	} else if (!r->anomalies || r->anomalies == r->n) {
		text_add(out, "not known: all verdicts are the same");
	} else {
		text_add(out, "none that all verdicts follow: scores of normal records reach ");
		text_printf(out, "%.6g, those of anomalous ones %.6g",
			    lower ? r->normal_min : r->normal_max,
			    lower ? r->anomalous_max : r->anomalous_min);
	}
}

static void times(const struct report *r, struct text *out)
{
	if (!r->timed) {
		text_add(out, "no time stamps");
		return;
	}
	text_time(out, r->first_ns);
	text_add(out, " to ");
	text_time(out, r->last_ns);
	text_add(out, " UTC");
	if (r->timed < r->n) {
		text_add(out, "; ");
		text_count(out, r->n - r->timed);
		text_add(out, " without");
	}
}

static void labels(const struct report *r, struct text *out)
{
	uint64_t labelled = r->truth[0] + r->truth[1];

	if (!labelled) {
		text_add(out, "none");
		return;
	}
	text_count(out, labelled);
	text_add(out, labelled == 1 ? " record, " : " records, ");
	text_count(out, r->truth[1]);
	text_add(out, " labelled anomalous (");
	text_share(out, r->truth[1], labelled);
	text_add(out, ")");
}

void page_summary(const struct page *p, struct text *out)
{
	const struct report *r = p->report;

	tiles(r, out);
	text_add(out, "<table class=\"facts\"><tbody>\n");
	row(out, "Time");
	times(r, out);
	row_end(out);
	row(out, "Model");
	models(r, out);
	row_end(out);
	row(out, "Threshold");
	threshold(r, out);
	row_end(out);
	row(out, "Features");
	text_count(out, r->contrast.n);
	row_end(out);
	row(out, "Labels");
	labels(r, out);
	row_end(out);
	if (p->rejected) {
		row(out, "Bad records");
		text_count(out, p->rejected);
		text_add(out, " left out");
		row_end(out);
	}
	text_add(out, "</tbody></table>\n");
}
