#include "lib/report/page_impl.h"

#include <math.h>
#include "lib/stats/evaluation.h"

#define BUSIEST 5
#define NAME_MOST 120 /* characters of a field's name */

static void cell_count(struct text *out, uint64_t n)
{
	text_add(out, "<td>");
	text_count(out, n);
	text_add(out, "</td>");
}

static void cell_share(struct text *out, uint64_t part, uint64_t whole)
{
	text_add(out, "<td>");
	text_share(out, part, whole);
	text_add(out, "</td>");
}

static void cell_real(struct text *out, double x)
{
	text_add(out, "<td>");
	text_real(out, x);
	text_add(out, "</td>");
}

/* The step with the most anomalies after those of rank `bound`: fewer, or as many and later. */
static size_t next_busiest(const struct timebins *t, size_t after)
{
	size_t best = t->n;

	for (size_t i = 0; i < t->n; i++) {
		uint64_t n = t->bins[i].anomalies;
		bool open = after == t->n || n < t->bins[after].anomalies ||
			    (n == t->bins[after].anomalies && i > after);

		if (n && open && (best == t->n || n > t->bins[best].anomalies))
			best = i;
	}
	return best;
}

void page_hours_table(const struct report *r, struct text *out)
{
	const struct timebins *t = &r->hours;
	size_t at = t->n;

	if (!r->timed_anomalies)
		return;
	text_add(out, "<table><caption>The busiest ");
	if (timebins_width_ns(t) == NS_PER_HOUR)
		text_add(out, "hours");
	else {
		text_add(out, "steps of ");
		text_duration(out, (uint64_t)timebins_width_ns(t));
	}
	text_add(out, "</caption><thead><tr><th scope=\"col\">from (UTC)</th>"
		      "<th scope=\"col\">anomalous</th><th scope=\"col\">records</th>"
		      "<th scope=\"col\">share</th></tr></thead><tbody>\n");
	for (int i = 0; i < BUSIEST; i++) {
		at = next_busiest(t, at);
		if (at == t->n)
			break;
		text_add(out, "<tr><td>");
		text_time(out, timebins_start_ns(t, at));
		text_add(out, "</td>");
		cell_count(out, t->bins[at].anomalies);
		cell_count(out, t->bins[at].n);
		cell_share(out, t->bins[at].anomalies, t->bins[at].n);
		text_add(out, "</tr>\n");
	}
	text_add(out, "</tbody></table>\n");
}

static void left_out(struct text *out, size_t n, const char *one, const char *many)
{
	if (!n)
		return;
	text_add(out, " ");
	text_count(out, n);
	text_add(out, n == 1 ? one : many);
}

void page_features_table(const struct report *r, const struct contrast_result *ranking,
			 struct text *out)
{
	if (!r->contrast.n || !r->anomalies || r->anomalies == r->n)
		return;
	text_add(out, "<p>Compared: ");
	text_count(out, ranking->compared);
	text_add(out, " of ");
	text_count(out, r->contrast.n);
	text_add(out, r->contrast.n == 1 ? " field." : " fields.");
	left_out(out, ranking->constant, " has one value in all records.",
		 " have one value in all records.");
	left_out(out, ranking->no_values, " has too few values in one of the classes.",
		 " have too few values in one of the classes.");
	left_out(out, ranking->no_spread,
		 " is constant within each class but not the same (d is infinite).",
		 " are constant within each class but not the same (d is infinite).");
	left_out(out, ranking->not_number, " held something that is no number, or beyond range.",
		 " held something that is no number, or beyond range.");
	text_add(out, "</p>\n");
	if (!ranking->n_ranked)
		return;
	text_add(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">field</th>"
		      "<th scope=\"col\">d</th><th scope=\"col\">mean, anomalous</th>"
		      "<th scope=\"col\">mean, normal</th><th scope=\"col\">s</th>"
		      "<th scope=\"col\">values, anomalous</th>"
		      "<th scope=\"col\">values, normal</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < ranking->n_ranked; i++) {
		const struct contrast_rank *rank = &ranking->ranks[i];
		const struct contrast_feature *f = &r->contrast.features[rank->feature];

		text_add(out, "<tr><td class=\"name\"><bdi>");
		text_html_cut(out, f->name, NAME_MOST);
		text_printf(out, "</bdi></td><td>%s%.2f</td>", rank->d < 0 ? "−" : "+",
			    fabs(rank->d));
		cell_real(out, f->anomalous.mean);
		cell_real(out, f->normal.mean);
		cell_real(out, rank->sd);
		cell_count(out, f->anomalous.n);
		cell_count(out, f->normal.n);
		text_add(out, "</tr>\n");
	}
	text_add(out, "</tbody></table></div>\n");
}

void page_severity_table(const struct report *r, struct text *out)
{
	if (r->severity[REPORT_UNSTATED] == r->n)
		return;
	text_add(out, "<table><thead><tr><th scope=\"col\">severity</th>"
		      "<th scope=\"col\">records</th><th scope=\"col\">share</th></tr></thead>"
		      "<tbody>\n");
	for (size_t i = 0; i < REPORT_SEVERITIES; i++) {
		if (i > REPORT_HIGH && !r->severity[i])
			continue;
		text_printf(out, "<tr><td>%s</td>", report_severity_names[i]);
		cell_count(out, r->severity[i]);
		cell_share(out, r->severity[i], r->n);
		text_add(out, "</tr>\n");
	}
	text_add(out, "</tbody></table>\n");
}

static void metric(struct text *out, const char *name, double value,
		   const struct interval *interval, const char *meaning)
{
	text_printf(out, "<tr><td>%s</td><td>", name);
	if (isnan(value))
		text_add(out, "–");
	else
		text_printf(out, "%.3f", value);
	text_add(out, "</td><td>");
	if (interval && !isnan(interval->low))
		text_printf(out, "%.3f to %.3f", interval->low, interval->high);
	text_printf(out, "</td><td class=\"text\">%s</td></tr>\n", meaning);
}

static void separation(const struct report *r, struct text *out)
{
	const struct interval *i = &r->intervals.auc;

	if (i->low <= 0.5 && i->high >= 0.5)
		text_add(out, "<p><strong>The interval of the AUC contains 0.5: these records do "
			      "not show that the score separates the classes.</strong></p>\n");
	else if (i->high < 0.5)
		text_add(out, "<p><strong>The AUC lies below 0.5: the score ranks the labelled "
			      "anomalies as the more normal ones.</strong></p>\n");
	if (r->sampled) {
		text_add(out, "<p>Curves, AUC and average precision are those of a uniform sample "
			      "of ");
		text_count(out, REPORT_LABELS_MAX);
		text_add(out, " records of each class that has more, weighted back.</p>\n");
	} else if (isnan(i->low)) {
		text_add(out, "<p>anomaly-eval(1) gives intervals.</p>\n");
	} else if (r->truth[0] < EVALUATION_FEW || r->truth[1] < EVALUATION_FEW) {
		text_printf(out,
			    "<p>With fewer than %d records of a class the intervals are too "
			    "narrow.</p>\n",
			    EVALUATION_FEW);
	}
}

void page_truth_tables(const struct report *r, struct text *out)
{
	const struct confusion *c = &r->confusion;
	uint64_t labelled = r->truth[0] + r->truth[1];

	if (!labelled)
		return;
	text_add(out, "<p>");
	text_count(out, labelled);
	text_add(out, " of ");
	text_count(out, r->n);
	text_add(out, " records have a label; ");
	text_count(out, r->truth[1]);
	text_add(out, " (");
	text_share(out, r->truth[1], labelled);
	text_add(out, ") are labelled anomalous. ");
	text_add(out, "All figures here are of the labelled records.</p>\n"
		      "<table><thead><tr><th scope=\"col\">records</th><th scope=\"col\">called "
		      "anomalous</th><th scope=\"col\">called normal</th></tr></thead><tbody>"
		      "<tr><td>labelled anomalous</td>");
	cell_count(out, c->tp);
	cell_count(out, c->fn);
	text_add(out, "</tr>\n<tr><td>labelled normal</td>");
	cell_count(out, c->fp);
	cell_count(out, c->tn);
	text_add(out, "</tr></tbody></table>\n");
	if (!r->truth[0] || !r->truth[1])
		return;
	separation(r, out);
	text_add(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">figure</th>"
		      "<th scope=\"col\">value</th><th scope=\"col\">95 % interval</th>"
		      "<th scope=\"col\" class=\"text\">what it is</th></tr></thead><tbody>\n");
	metric(out, "ROC-AUC", r->auc, &r->intervals.auc,
	       "the chance that a labelled anomaly outscores a normal record; of chance, 0.5");
	metric(out, "average precision", r->average_precision, &r->intervals.average_precision,
	       "mean precision over recall; of chance, the share labelled anomalous");
	metric(out, "precision", confusion_precision(c), NULL,
	       "of those called anomalous, the share that is labelled so");
	metric(out, "recall", confusion_recall(c), NULL,
	       "of those labelled anomalous, the share that is called so");
	metric(out, "F1", confusion_f1(c), NULL, "harmonic mean of precision and recall");
	metric(out, "accuracy", confusion_accuracy(c), NULL, "share of verdicts that are right");
	metric(out, "accuracy of “normal”", confusion_accuracy_always_normal(c), NULL,
	       "what calling every record normal would reach");
	text_add(out, "</tbody></table></div>\n");
}
