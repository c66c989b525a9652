#include "lib/report/figure.h"

#include <math.h>
#include "lib/report/figure_impl.h"
#include "lib/report/gnuplot.h"
#include "lib/report/svg.h"

const char *const figure_names[FIGURES] = {
	"scores", "timeline", "hours", "days", "features", "severity", "roc", "precision-recall",
};

void figure_begin(struct figure *f, unsigned width, unsigned height, unsigned left, unsigned right,
		  unsigned top, unsigned bottom)
{
	struct text *s = &f->script;

	f->width = width;
	f->height = height;
	text_add(s, "set encoding utf8\n"
		    "set datafile separator \"\\t\"\n"
		    "set datafile commentschars \"\"\n"
		    "set border 3 lw 1 lc rgb \"" COLOUR_FAINT "\"\n"
		    "set tics nomirror out scale 0.5 textcolor rgb \"" COLOUR_INK "\"\n"
		    "set grid y back lt 1 lw 0.7 lc rgb \"#E3E7EB\"\n"
		    "set style fill solid 1 noborder\n"
		    "unset key\n");
	text_printf(s, "set lmargin at screen %.6f\nset rmargin at screen %.6f\n",
		    (double)left / width, 1 - (double)right / width);
	text_printf(s, "set tmargin at screen %.6f\nset bmargin at screen %.6f\n",
		    1 - (double)top / height, (double)bottom / height);
}

void figure_key(struct figure *f)
{
	text_printf(&f->script,
		    "set key at screen 0.99, screen %.6f right top horizontal Left reverse "
		    "samplen 2 maxrows 1 textcolor rgb \"" COLOUR_INK "\"\n",
		    1 - 4.0 / f->height);
}

void figure_x_title(struct figure *f, const char *title)
{
	text_printf(&f->script, "set xlabel \"%s\" textcolor rgb \"" COLOUR_INK "\"\n", title);
}

void figure_y_title(struct figure *f, const char *title)
{
	text_printf(&f->script,
		    "set label \"%s\" at screen %.6f, graph 1 left offset 0,0.9 textcolor rgb "
		    "\"" COLOUR_INK "\"\n",
		    title, 10.0 / f->width);
}

void figure_score_ticks(struct figure *f, char axis, double from, double to)
{
	double digits = 1 - floor(log10(to - from));

	if (digits >= 0 && digits <= 6)
		text_printf(&f->script, "set format %c \"%%.%.0ff\"\n", axis, digits);
}

void figure_missing(struct figure *f, const char *why)
{
	text_add(&f->missing, why);
}

bool figure_beyond_drawing(struct figure *f, const struct report *r)
{
	double from = fmin(r->normal_min, r->anomalous_min);
	double to = fmax(r->normal_max, r->anomalous_max);
	bool beyond = fmax(fabs(from), fabs(to)) > 1e100;

	if (beyond)
		figure_missing(f, "The scores reach beyond what can be drawn.");
	return beyond;
}

#define DASHES " dt (9,6) lw 1.4 lc rgb \"" COLOUR_INK "\""

bool figure_threshold(struct figure *f, const struct report *r, bool vertical, double from,
		      double to)
{
	double x = r->threshold;

	if (!(x >= from && x <= to))
		return false;
	text_printf(&f->script,
		    vertical ? "set arrow from first %.17g, graph 0 to first %.17g, graph 1"
			     : "set arrow from graph 0, first %.17g to graph 1, first %.17g",
		    x, x);
	text_add(&f->script, " nohead front" DASHES "\n");
	return true;
}

void figure_threshold_key(struct figure *f)
{
	text_add(&f->script, ", keyentry with lines" DASHES " title \"threshold\"");
}

int figure_build(struct figure *f, const struct report *r, const struct contrast_result *ranking,
		 struct error *err)
{
	struct text *parts[] = {&f->script, &f->alt, &f->caption, &f->missing};

	for (size_t i = 0; i < 4; i++)
		*parts[i] = (struct text){.err = err};
	switch (f->kind) {
	case FIGURE_SCORES:
		figure_scores(f, r);
		break;
	case FIGURE_TIMELINE:
		figure_timeline(f, r);
		break;
	case FIGURE_HOURS:
		figure_hours(f, r);
		break;
	case FIGURE_DAYS:
		figure_days(f, r);
		break;
	case FIGURE_FEATURES:
		figure_features(f, r, ranking);
		break;
	case FIGURE_SEVERITY:
		figure_severity(f, r);
		break;
	case FIGURE_ROC:
		figure_roc(f, r);
		break;
	case FIGURE_PRECISION_RECALL:
		figure_precision_recall(f, r);
		break;
	case FIGURES:
		return error_set(err, ERROR_INTERNAL, "no such figure");
	}
	for (size_t i = 0; i < 4; i++) {
		if (text_status(parts[i]) < 0)
			return -1;
	}
	return 0;
}

void figure_release(struct figure *f)
{
	buf_release(&f->script.buf);
	buf_release(&f->alt.buf);
	buf_release(&f->caption.buf);
	buf_release(&f->missing.buf);
}

bool figure_is_drawn(const struct figure *f)
{
	return f->missing.buf.len == 0;
}

static int draw(const struct figure *f, const char *gnuplot, const char *terminal, unsigned zoom,
		struct buf *out, struct error *err)
{
	struct text script = {.err = err};
	int status = -1;

	text_printf(&script,
		    "set terminal %s size %u,%u noenhanced font \"sans-serif,%u\" linewidth %u\n",
		    terminal, zoom * f->width, zoom * f->height, zoom == 1 ? 13 : 10 * zoom, zoom);
	text_add_bytes(&script, f->script.buf.data, f->script.buf.len);
	if (text_status(&script) == 0)
		status = gnuplot_run(gnuplot, &script.buf, out, err);
	buf_release(&script.buf);
	return status < 0 ? error_prefix(err, "cannot draw '%s'", figure_names[f->kind]) : 0;
}

int figure_svg(const struct figure *f, const char *gnuplot, struct text *out, struct error *err)
{
	struct buf svg = BUF_INIT;
	char prefix[8] = {'f', (char)('a' + (int)f->kind), 0};
	int status = draw(f, gnuplot, "svg", 1, &svg, err);

	if (status == 0)
		status = svg_inline(svg.data, svg.len, prefix, out, err);
	buf_release(&svg);
	return status;
}

int figure_png(const struct figure *f, const char *gnuplot, struct buf *out, struct error *err)
{
	return draw(f, gnuplot, "pngcairo background \"#FFFFFF\" pointscale 2", 2, out, err);
}
