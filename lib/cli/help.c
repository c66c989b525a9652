#include "lib/cli/options_impl.h"

#include <stdio.h>
#include <string.h>
#include "lib/cli/message.h"

/* Where help text begins and where every line ends, in columns. */
#define HELP_COLUMN 28
#define WIDTH 79

const char *options_arg(const struct option_spec *o, char *out, size_t size)
{
	size_t i, n = 0;

	out[0] = '\0';
	if (o->kind != OPTION_CHOICE)
		return o->arg ? o->arg : out;
	for (i = 0; o->choices[i] && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i ? "|" : "", o->choices[i]);
	return out;
}

/* Characters of the first n bytes of UTF-8 text. */
static size_t columns(const char *s, size_t n)
{
	size_t i, width = 0;

	for (i = 0; i < n; i++)
		width += ((unsigned char)s[i] & 0xC0) != 0x80;
	return width;
}

/* Prints words, starting at column `at`, in lines that begin at column `indent`. A word is never
 * cut. */
static void print_wrapped(const char *text, size_t at, size_t indent)
{
	size_t column = at;

	text += strspn(text, " ");
	while (*text) {
		size_t n = strcspn(text, " "), width = columns(text, n);

		if (column > indent && column + 1 + width > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, n, stdout);
		column += width;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_option(const struct option_spec *o)
{
	char left[256], choices[160];
	const char *arg = options_arg(o, choices, sizeof(choices));
	size_t width;

	if (o->letter)
		snprintf(left, sizeof(left), "  -%c, --%s%s%s", o->letter, o->name, *arg ? " " : "",
			 arg);
	else
		snprintf(left, sizeof(left), o->optional ? "      --%s[=%s%s]" : "      --%s%s%s",
			 o->name, *arg && !o->optional ? " " : "", arg);
	width = columns(left, strlen(left));
	if (width + 2 > HELP_COLUMN)
		printf("%s\n%*s", left, HELP_COLUMN, "");
	else
		printf("%s%*s", left, (int)(HELP_COLUMN - width), "");
	print_wrapped(o->help, HELP_COLUMN, HELP_COLUMN);
}

static void print_example(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		printf("  %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void options_print_help(const struct program *p)
{
	const struct option_group *g;
	const struct option_spec *o;

	printf("usage: %s [OPTION ...]%s%s\n", p->name, *p->operands ? " " : "", p->operands);
	print_wrapped(p->summary, 0, 0);
	if (p->details) {
		putchar('\n');
		print_wrapped(p->details, 0, 0);
	}
	for (g = p->groups; g->options; g++) {
		printf("\n%s:\n", g->title ? g->title : "Options");
		for (o = g->options; o->name; o++)
			print_option(o);
		if (g == p->groups) {
			print_option(&options_builtin[BUILTIN_HELP]);
			print_option(&options_builtin[BUILTIN_VERSION]);
		}
	}
	printf("\nExample:\n");
	print_example(p->example);
}
