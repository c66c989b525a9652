/*
 * One option table a program: it drives getopt_long(3), -h/--help, the usage line, shell
 * completion (--completion bash|zsh) and the check against the manual.
 *
 * -h/--help and -V/--version belong to every program and stand in no table, and so does
 * --completion bash|zsh, which --help does not show. Abbreviations of long options are refused; an
 * option given twice keeps its last value. All functions here may print and exit; usage errors exit
 * 64 with one line that names the option and one that points at --help.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

enum option_kind {
	OPTION_FLAG,   /* bool: set true */
	OPTION_STRING, /* const char * */
	OPTION_COUNT,  /* uint64_t within [min, max] */
	OPTION_REAL, /* double within [min, max], or (min, max] with min_open; RFC 8259 text, finite
		      */
	OPTION_DURATION, /* int64_t: nanoseconds of "10s" or "500ms", the range in seconds as that
			  * of OPTION_REAL */
	OPTION_CHOICE,   /* int: the index in choices, a NULL-terminated list */
	OPTION_LIST,     /* struct option_list: may be given many times */
	OPTION_PARSE,    /* whatever parse makes of the text */
};

/* The values of an option that may be repeated, in order; pointers into argv. The array is not
 * the program's to free; it stays until options_parse is called again. */
struct option_list {
	const char **items;
	size_t n;
};

struct option_spec {
	int letter;       /* short option, or 0 */
	const char *name; /* long name without dashes; NULL ends a table */
	enum option_kind kind;
	const char *arg;  /* what --help calls the argument: "FILE" (completed as one); NULL for
			   * flags and  for choices, which show their list */
	const char *help; /* one sentence without its full stop; says unit, range and default */
	void *dest;       /* where the value goes; the default is what is there before */
	double min, max;  /* OPTION_COUNT (INFINITY: up to 2^63 - 1), OPTION_REAL (±INFINITY: any),
			     OPTION_DURATION */
	bool min_open;
	const char *const *choices;
	/* OPTION_PARSE, no letter: the argument may be left out (parse gets NULL), and stands
	 * behind '=' otherwise: --name=ARG. */
	bool optional;
	/* OPTION_PARSE: 0, or -1 with the reason in err (it is shown behind the option's name). */
	int (*parse)(const char *text, void *dest, struct error *err);
};

struct program {
	const char *name;
	const char *summary;  /* one line, as after Nd in the manual: no capital, no full stop */
	const char *operands; /* "[FILE ...]", or "" when there are none */
	const char *details;  /* a short paragraph for --help; may be NULL */
	const char
		*example; /* whole command lines of at most 78 columns, each ended by a newline */
	/* Tables in the order of --help; a title over each but the first. NULL-terminated. */
	const struct option_group {
		const char *title;
		const struct option_spec *options;
	} * groups;
};

/* Parses argv (options and operands may mix; "--" ends options) and returns the index in argv
 * of the first operand: operands are moved to the end, NULL-terminated as argv is. Handles -h, -V
 * and
 * --completion itself: prints to standard output, checks that, and exits 0 (74 if writing failed).
 */
int options_parse(const struct program *p, int argc, char **argv);

/* Exit 64: "prog: what" and the line that points at --help. For what only main can see: two options
 * that exclude each other, an operand that is missing. */
void options_fail(const struct program *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif
