/* What options.c, help.c and completion.c share; nobody else's. */
#ifndef CLI_OPTIONS_IMPL_H
#define CLI_OPTIONS_IMPL_H

#include "lib/cli/options.h"

/* Most options a program may have, its own and ours. */
#define OPTIONS_MAX 96

/* -h, -V and --completion, in this order; their dest is NULL. */
enum { BUILTIN_HELP, BUILTIN_VERSION, BUILTIN_COMPLETION, BUILTIN_COUNT };
extern const struct option_spec options_builtin[BUILTIN_COUNT];

/* Each prints to stdout, whose errors the caller checks. */
void options_print_help(const struct program *p);
void options_print_bash(const struct program *p);
void options_print_zsh(const struct program *p);

/* What stands for the argument in help: "a|b|c" for choices, else arg; "" for flags. */
const char *options_arg(const struct option_spec *o, char *out, size_t size);

/* All options of a program in the order of --help: those of the first group, -h, -V, the other
 * groups, and at last --completion. Returns how many, or OPTIONS_MAX + 1 if there are too many. */
size_t options_flatten(const struct program *p, const struct option_spec *flat[OPTIONS_MAX]);

#endif
