#include "lib/report/svg.h"

#include <stdbool.h>
#include <string.h>

/* A piece of text that is being read. */
struct span {
	const char *p, *end;
};

static const char *const drawing_elements[] = {"svg",     "g",        "defs",   "path", "text",
					       "tspan",   "use",      "circle", "rect", "line",
					       "polygon", "polyline", NULL};

/* As they are in SVG 1.1; xlink:href and id are seen to apart. */
static const char *const drawing_attributes[] = {"d",
						 "x",
						 "y",
						 "x1",
						 "y1",
						 "x2",
						 "y2",
						 "dx",
						 "dy",
						 "cx",
						 "cy",
						 "r",
						 "width",
						 "height",
						 "points",
						 "transform",
						 "fill",
						 "fill-opacity",
						 "stroke",
						 "stroke-width",
						 "color",
						 "opacity",
						 "stroke-opacity",
						 "stroke-linecap",
						 "stroke-linejoin",
						 "font-size",
						 "font-weight",
						 "stroke-dasharray",
						 "text-anchor",
						 "shape-rendering",
						 NULL};

static bool is_one_of(const char *const *names, struct span s)
{
	for (; *names; names++) {
		size_t n = strlen(*names);

		if (n == (size_t)(s.end - s.p) && memcmp(*names, s.p, n) == 0)
			return true;
	}
	return false;
}

static bool equals(struct span s, const char *name)
{
	return is_one_of((const char *const[]){name, NULL}, s);
}

static struct span until(struct span *in, const char *stops)
{
	struct span s = {in->p, in->p};

	while (in->p < in->end && !strchr(stops, *in->p))
		in->p++;
	s.end = in->p;
	return s;
}

static void skip_space(struct span *in)
{
	while (in->p < in->end && strchr(" \t\r\n", *in->p))
		in->p++;
}

static bool take(struct span *in, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(in->end - in->p) < n || memcmp(in->p, s, n) != 0)
		return false;
	in->p += n;
	return true;
}

static int malformed(struct error *err)
{
	return error_set(err, ERROR_UNAVAILABLE, "gnuplot wrote SVG that cannot be read");
}

static void add_span(struct text *out, struct span s)
{
	text_add_bytes(out, s.p, (size_t)(s.end - s.p));
}

/* One attribute, if it may pass. A value that might end the attribute or reach outside may not. */
static void add_attribute(struct text *out, struct span name, struct span value, const char *prefix)
{
	size_t n = (size_t)(value.end - value.p);
	bool href = equals(name, "xlink:href"), id = equals(name, "id");

	if (memchr(value.p, '"', n) || memchr(value.p, '<', n) || memmem(value.p, n, "url", 3))
		return;
	if (href && take(&value, "#"))
		text_printf(out, " href=\"#%s", prefix);
	else if (id && n > 2 && memcmp(value.p, "gp", 2) == 0)
		text_printf(out, " id=\"%s", prefix);
	else if (is_one_of(drawing_attributes, name)) {
		text_add(out, " ");
		add_span(out, name);
		text_add(out, "=\"");
	} else {
		return;
	}
	add_span(out, value);
	text_add(out, "\"");
}

/* Behind an element's name: its attributes and the tag's end. out NULL: read past. 1: "/>", 0: ">".
 */
static int attributes(struct span *in, struct text *out, const char *prefix, struct error *err)
{
	for (;;) {
		skip_space(in);
		if (take(in, "/>"))
			return 1;
		if (take(in, ">"))
			return 0;
		struct span name = until(in, "= \t\r\n/><");
		skip_space(in);
		if (name.p == name.end || !take(in, "="))
			return malformed(err);
		skip_space(in);
		const char *quote = take(in, "\"") ? "\"" : take(in, "'") ? "'" : NULL;
		if (!quote)
			return malformed(err);
		struct span value = until(in, quote);
		if (!take(in, quote))
			return malformed(err);
		if (out)
			add_attribute(out, name, value, prefix);
	}
}

/* The state of copying: how deep, and from which depth on nothing is copied. */
struct copy {
	struct span in;
	struct text *out;
	const char *prefix;
	size_t depth, dropped_at; /* dropped_at 0: copying */
	bool in_text;
};

static int start_tag(struct copy *c, struct error *err)
{
	struct span name = until(&c->in, " \t\r\n/><");
	bool outermost = c->depth == 0;

	c->depth++;
	if (outermost && !equals(name, "svg"))
		return malformed(err);
	if (!c->dropped_at && !is_one_of(drawing_elements, name))
		c->dropped_at = c->depth;
	bool copied = !c->dropped_at && !outermost;
	if (copied) {
		text_add(c->out, "<");
		add_span(c->out, name);
	}
	int closed = attributes(&c->in, copied ? c->out : NULL, c->prefix, err);
	if (closed < 0)
		return -1;
	if (copied)
		text_add(c->out, closed ? "/>" : ">");
	if (copied && !closed && equals(name, "text"))
		c->in_text = true;
	if (closed) {
		if (c->dropped_at == c->depth)
			c->dropped_at = 0;
		c->depth--;
	}
	return 0;
}

static int end_tag(struct copy *c, struct error *err)
{
	struct span name = until(&c->in, "> \t\r\n");

	skip_space(&c->in);
	if (!take(&c->in, ">") || c->depth == 0)
		return malformed(err);
	if (!c->dropped_at && c->depth > 1) {
		text_add(c->out, "</");
		add_span(c->out, name);
		text_add(c->out, ">");
	}
	if (equals(name, "text"))
		c->in_text = false;
	if (c->dropped_at == c->depth)
		c->dropped_at = 0;
	c->depth--;
	return 0;
}

/* What stands before the outermost element: "<?xml …?>", "<!DOCTYPE …>", comments. */
static int prolog(struct span *in, struct error *err)
{
	for (;;) {
		skip_space(in);
		if (in->end - in->p < 2 || in->p[0] != '<' || !strchr("?!", in->p[1]))
			return 0;
		until(in, ">");
		if (!take(in, ">"))
			return malformed(err);
	}
}

int svg_inline(const char *svg, size_t n, const char *prefix, struct text *out, struct error *err)
{
	struct copy c = {.in = {svg, svg + n}, .out = out, .prefix = prefix};

	if (memchr(svg, '\0', n))
		return malformed(err);
	if (prolog(&c.in, err) < 0)
		return -1;
	do {
		struct span content = until(&c.in, "<");
		if (c.in_text && !c.dropped_at)
			add_span(out, content);
		if (take(&c.in, "</")) {
			if (end_tag(&c, err) < 0)
				return -1;
		} else if (!take(&c.in, "<") || start_tag(&c, err) < 0) {
			return malformed(err);
		}
	} while (c.depth);
	return text_status(out);
}
