#include "lib/cli/options_impl.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/base/version.h"
#include "lib/cli/message.h"

/* What getopt_long returns for the option at index i of the flat table. */
#define CODE(i) (256 + (int)(i))

static const char *const shells[] = {"bash", "zsh", NULL};

const struct option_spec options_builtin[BUILTIN_COUNT] = {
	[BUILTIN_HELP] = {.letter = 'h', .name = "help", .help = "show this text and exit"},
	[BUILTIN_VERSION] = {.letter = 'V', .name = "version", .help = "show the version and exit"},
	[BUILTIN_COMPLETION] = {.name = "completion",
				.kind = OPTION_CHOICE,
				.help = "show the completion for a shell and exit",
				.choices = shells},
};

struct parser {
	const struct program *program;
	size_t n;
	const struct option_spec *flat[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 2];
};

/* The values of each OPTION_LIST; kept here, where leak checkers see that they are still in use. */
static const char **list_values[OPTIONS_MAX];

size_t options_flatten(const struct program *p, const struct option_spec *flat[OPTIONS_MAX])
{
	const struct option_group *g;
	const struct option_spec *o;
	size_t n = 0, i;

	for (g = p->groups; g->options; g++) {
		for (o = g->options; o->name; o++) {
			if (n + BUILTIN_COUNT >= OPTIONS_MAX)
				return OPTIONS_MAX + 1;
			flat[n++] = o;
		}
		for (i = 0; g == p->groups && i < BUILTIN_COMPLETION; i++)
			flat[n++] = &options_builtin[i];
	}
	flat[n++] = &options_builtin[BUILTIN_COMPLETION];
	return n;
}

void options_fail(const struct program *p, const char *fmt, ...)
{
	char text[sizeof(((struct error *)0)->what) + 1];
	struct error err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(&err, ERROR_USAGE, "%s", text);
	message_error(&err);
	message_note("see '%s --help'", p->name);
	exit(ERROR_USAGE);
}

static void refuse_table(const struct program *p, const char *why, const char *name)
{
	struct error err;

	error_set(&err, ERROR_INTERNAL, "option table of '%s': '%s' %s", p->name, name, why);
	message_die(&err);
}

static void build(struct parser *ps, const struct program *p)
{
	char *letter = ps->letters;
	size_t i, j;

	ps->program = p;
	ps->n = options_flatten(p, ps->flat);
	if (ps->n > OPTIONS_MAX)
		refuse_table(p, "is one program with too many options", p->name);
	*letter++ = ':'; /* tells a missing argument from an unknown option */
	for (i = 0; i < ps->n; i++) {
		const struct option_spec *o = ps->flat[i];

		for (j = 0; j < i; j++)
			if (strcmp(o->name, ps->flat[j]->name) == 0 ||
			    (o->letter && o->letter == ps->flat[j]->letter))
				refuse_table(p, "clashes with another", o->name);
		free(list_values[i]);
		list_values[i] = NULL;
		ps->longs[i] = (struct option){
			.name = o->name, .has_arg = o->kind != OPTION_FLAG, .val = CODE(i)};
		if (o->optional)
			ps->longs[i].has_arg = optional_argument;
		if (o->letter) {
			*letter++ = (char)o->letter;
			if (o->kind != OPTION_FLAG)
				*letter++ = ':';
		}
	}
	ps->longs[i] = (struct option){.name = NULL};
	*letter = '\0';
}

/* "a number above 0 and at most 0.5", "a duration of at most 86400s" */
static void describe_range(const struct option_spec *o, char *out, size_t size)
{
	const char *what = o->kind == OPTION_COUNT      ? "a whole number"
			   : o->kind == OPTION_DURATION ? "a duration"
							: "a number";
	const char *unit = o->kind == OPTION_DURATION ? "s" : "";
	/* Beyond this a count is bounded by its type alone. */
	bool bounded = o->kind == OPTION_COUNT ? o->max < 0x1p63 : isfinite(o->max);

	if (o->min_open && bounded)
		snprintf(out, size, "%s above %.16g%s and at most %.16g%s", what, o->min, unit,
			 o->max, unit);
	else if (o->min_open)
		snprintf(out, size, "%s above %.16g%s", what, o->min, unit);
	else if (isfinite(o->min) && bounded)
		snprintf(out, size, "%s from %.16g%s to %.16g%s", what, o->min, unit, o->max, unit);
	else if (isfinite(o->min))
		snprintf(out, size, "%s of at least %.16g%s", what, o->min, unit);
	else if (bounded)
		snprintf(out, size, "%s of at most %.16g%s", what, o->max, unit);
	else
		snprintf(out, size, "%s", what);
}

static bool read_count(const struct option_spec *o, const char *text)
{
	int64_t x;

	if (number_read_int(text, text + strlen(text), &x) != 0 || x < 0)
		return false;
	/* Not as doubles: 2^53 + 1 would pass for 2^53. */
	if ((double)x < o->min || (o->max < 0x1p63 && x > (int64_t)o->max))
		return false;
	*(uint64_t *)o->dest = (uint64_t)x;
	return true;
}

static bool read_real(const struct option_spec *o, const char *text)
{
	const char *end = text + strlen(text);
	unsigned flags;
	double x;

	if (number_read(text, end, &x, &flags) != end || flags & NUMBER_OVERFLOW)
		return false;
	if (x < o->min || x > o->max || (o->min_open && x == o->min))
		return false;
	*(double *)o->dest = x;
	return true;
}

/* 0 is none at all where it is in the range. */
static int read_duration(const struct option_spec *o, const char *text, struct error *err)
{
	char expected[256];
	int64_t ns;

	if (duration_parse_or_0(text, strlen(text), &ns, err))
		return -1;
	double s = (double)ns / (double)NS_PER_SECOND;
	if (s < o->min || s > o->max || (o->min_open && s == o->min)) {
		describe_range(o, expected, sizeof(expected));
		return error_set(err, ERROR_USAGE, "takes %s, not '%s'", expected, text);
	}
	*(int64_t *)o->dest = ns;
	return 0;
}

static int find_choice(const struct option_spec *o, const char *text)
{
	int i;

	for (i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], text) == 0)
			return i;
	return -1;
}

static void add_to_list(struct parser *ps, size_t i, const char *text, int argc)
{
	struct option_list *list = ps->flat[i]->dest;
	struct error err = ERROR_INIT;

	if (!list_values[i]) {
		list_values[i] = mem_alloc((size_t)argc, sizeof(*list_values[i]), &err);
		if (!list_values[i])
			message_die(&err);
		list->items = list_values[i];
		list->n = 0;
	}
	list->items[list->n++] = text;
}

/* shown is the option as the user gave it, "-t" or "--trees". */
static void set_value(struct parser *ps, size_t i, const char *shown, const char *text, int argc)
{
	const struct program *p = ps->program;
	const struct option_spec *o = ps->flat[i];
	struct error err = ERROR_INIT;
	char expected[256];
	int choice;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->dest = true;
		return;
	case OPTION_STRING:
		*(const char **)o->dest = text;
		return;
	case OPTION_LIST:
		add_to_list(ps, i, text, argc);
		return;
	case OPTION_COUNT:
	case OPTION_REAL:
		if (o->kind == OPTION_COUNT ? read_count(o, text) : read_real(o, text))
			return;
		describe_range(o, expected, sizeof(expected));
		options_fail(p, "option '%s' takes %s, not '%s'", shown, expected, text);
	case OPTION_CHOICE:
		choice = find_choice(o, text);
		if (choice < 0)
			options_fail(p, "option '%s' takes one of %s, not '%s'", shown,
				     options_arg(o, expected, sizeof(expected)), text);
		*(int *)o->dest = choice;
		return;
	case OPTION_DURATION:
		if (read_duration(o, text, &err))
			options_fail(p, "option '%s': %s", shown, err.what);
		return;
	case OPTION_PARSE:
		if (o->parse(text, o->dest, &err) != 0)
			options_fail(p, "option '%s': %s", shown, err.what);
		return;
	}
}

/* Prints what -h, -V or --completion asks for and exits; returns if o is none of them. */
static void run_builtin(const struct parser *ps, const struct option_spec *o, const char *text)
{
	const struct program *p = ps->program;

	if (o == &options_builtin[BUILTIN_HELP]) {
		options_print_help(p);
	} else if (o == &options_builtin[BUILTIN_VERSION]) {
		printf("%s (sensorutils) %s\n", p->name, SENSORUTILS_VERSION);
	} else if (o == &options_builtin[BUILTIN_COMPLETION]) {
		switch (find_choice(o, text)) {
		case 0:
			options_print_bash(p);
			break;
		case 1:
			options_print_zsh(p);
			break;
		default:
			options_fail(p, "option '--completion' takes one of bash|zsh, not '%s'",
				     text);
		}
	} else {
		return;
	}
	exit(message_close_stdout(0));
}

/* The flat index of what getopt_long returned or, for ':' and '?', left in optopt; -1 if none. */
static int find_option(const struct parser *ps, int code)
{
	size_t i;

	if (code >= CODE(0))
		return code - CODE(0);
	for (i = 0; code > 0 && i < ps->n; i++)
		if (ps->flat[i]->letter == code)
			return (int)i;
	return -1;
}

static void __attribute__((noreturn)) fail_unknown(const struct program *p, const char *element)
{
	if (optopt)
		options_fail(p, "unknown option '-%c'", optopt);
	options_fail(p, "unknown option '%.*s'", (int)strcspn(element, "="), element);
}

int options_parse(const struct program *p, int argc, char **argv)
{
	struct parser ps;
	int code;

	build(&ps, p);
	opterr = 0;
	optind = 0; /* glibc: starts anew, and looks at POSIXLY_CORRECT again */
	while ((code = getopt_long(argc, argv, ps.letters, ps.longs, NULL)) != -1) {
		bool failed = code == ':' || code == '?';
		int which = failed ? optopt : code, i = find_option(&ps, which);
		const char *element = argv[optind - 1];
		char shown[80];

		if (i < 0)
			fail_unknown(p, element);
		if (which >= CODE(0)) {
			/* An argument of its own stands behind the option, and is the same pointer.
			 */
			if (!failed && optarg == element)
				element = argv[optind - 2];
			snprintf(shown, sizeof(shown), "--%s", ps.flat[i]->name);
			if (strcspn(element, "=") != strlen(shown))
				options_fail(
					p, "unknown option '%.*s'; names are written in full: '%s'",
					(int)strcspn(element, "="), element, shown);
		} else {
			snprintf(shown, sizeof(shown), "-%c", which);
		}
		if (code == ':')
			options_fail(p, "option '%s' lacks its argument", shown);
		if (code == '?')
			options_fail(p, "option '%s' takes no argument", shown);
		run_builtin(&ps, ps.flat[i], optarg);
		set_value(&ps, (size_t)i, shown, optarg, argc);
	}
	return optind;
}
