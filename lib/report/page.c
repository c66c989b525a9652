#include "lib/report/page.h"

#include <math.h>
#include "lib/base/version.h"
#include "lib/report/page_impl.h"

static void head(const struct page *p, struct text *out)
{
	text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		      "style-src 'unsafe-inline'\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"generator\" content=\"anomaly-report " SENSORUTILS_VERSION
		      "\">\n<title>");
	text_html(out, p->title);
	text_add(out, "</title>\n<style>\n");
	text_add(out, page_style);
	text_add(out, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>");
	text_html(out, p->title);
	text_add(out, "</h1>\n");
}

static void lede(const struct report *r, struct text *out)
{
	text_add(out, "<p class=\"lede\">");
	text_count(out, r->n);
	text_add(out, r->n == 1 ? " scored record" : " scored records");
	if (r->timed) {
		text_add(out, " from ");
		text_time(out, r->first_ns);
		text_add(out, " to ");
		text_time(out, r->last_ns);
		text_add(out, " UTC");
	}
	text_add(out, "; ");
	text_count(out, r->anomalies);
	text_add(out, " called anomalous.</p>\n");
}

static int draw(const struct page *p, enum figure_kind kind, struct text *out, struct error *err)
{
	const struct figure *f = &p->figures[kind];
	const char *name = figure_names[kind];

	if (!figure_is_drawn(f)) {
		text_add(out, "<p class=\"none\">");
		text_add_bytes(out, f->missing.buf.data, f->missing.buf.len);
		text_add(out, "</p>\n");
		return 0;
	}
	text_printf(out,
		    "<figure>\n<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-labelledby=\"%s-alt\" "
		    "xmlns=\"http://www.w3.org/2000/svg\"><title id=\"%s-alt\">",
		    f->width, f->height, name, name);
	text_add_bytes(out, f->alt.buf.data, f->alt.buf.len);
	text_add(out, "</title>\n");
	if (figure_svg(f, p->gnuplot, out, err) < 0)
		return -1;
	text_add(out, "</svg>\n<figcaption>");
	text_add_bytes(out, f->caption.buf.data, f->caption.buf.len);
	text_add(out, "</figcaption>\n</figure>\n");
	return 0;
}

static const struct {
	const char *title;
	enum figure_kind kind;
} sections[] = {
	{"Scores", FIGURE_SCORES},
	{"Scores along time", FIGURE_TIMELINE},
	{"Anomalies per hour", FIGURE_HOURS},
	{"Hours and days", FIGURE_DAYS},
	{"Features", FIGURE_FEATURES},
	{"Severity", FIGURE_SEVERITY},
	{"Against the labels", FIGURE_ROC},
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void contents(struct text *out)
{
	text_add(out, "<nav aria-label=\"Sections\">");
	for (size_t i = 0; i < SECTIONS; i++)
		text_printf(out, "<a href=\"#%s\">%s</a> ", figure_names[sections[i].kind],
			    sections[i].title);
	text_add(out, "</nav>\n");
}

static int section(const struct page *p, size_t i, struct text *out, struct error *err)
{
	enum figure_kind kind = sections[i].kind;
	const struct report *r = p->report;
	bool pair = kind == FIGURE_ROC && figure_is_drawn(&p->figures[kind]);

	text_printf(out, "<section>\n<h2 id=\"%s\">%s</h2>\n", figure_names[kind],
		    sections[i].title);
	if (pair)
		text_add(out, "<div class=\"pair\">\n");
	if (draw(p, kind, out, err) < 0)
		return -1;
	if (pair && draw(p, FIGURE_PRECISION_RECALL, out, err) < 0)
		return -1;
	if (pair)
		text_add(out, "</div>\n");
	if (kind == FIGURE_HOURS)
		page_hours_table(r, out);
	else if (kind == FIGURE_FEATURES)
		page_features_table(r, p->ranking, out);
	else if (kind == FIGURE_SEVERITY)
		page_severity_table(r, out);
	else if (kind == FIGURE_ROC)
		page_truth_tables(r, out);
	text_add(out, "</section>\n");
	return 0;
}

int page_write(const struct page *p, struct text *out, struct error *err)
{
	head(p, out);
	lede(p->report, out);
	contents(out);
	text_add(out, "</header>\n");
	page_summary(p, out);
	for (size_t i = 0; i < SECTIONS; i++) {
		if (section(p, i, out, err) < 0)
			return -1;
	}
	text_add(out, "<footer>Scores and verdicts are those the records carry; nothing was scored "
		      "anew. Times are UTC. Made by anomaly-report " SENSORUTILS_VERSION);
	if (p->generated_at) {
		text_add(out, " at ");
		text_html(out, p->generated_at);
	}
	text_add(out, ".</footer>\n</main>\n</body>\n</html>\n");
	return text_status(out);
}
