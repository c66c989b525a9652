#include "lib/cli/options_impl.h"

#include <stdio.h>
#include <string.h>

/* What an argument is completed with, judged by its name in help; operands are taken for files. */
enum completes { NOTHING, FILES, FOLDERS };

static enum completes argument_completes(const struct option_spec *o)
{
	if (o->arg && strstr(o->arg, "FILE"))
		return FILES;
	return o->arg && strstr(o->arg, "DIR") ? FOLDERS : NOTHING;
}

/* The program's name as part of a shell function's. */
static void print_function(const char *name)
{
	putchar('_');
	for (; *name; name++)
		putchar(*name == '-' ? '_' : *name);
}

static void print_words(const char *const *words)
{
	for (; *words; words++)
		printf("%s%s", *words, words[1] ? " " : "");
}

/* One arm of the case over the previous word. */
static void print_bash_argument(const struct option_spec *o)
{
	if (o->letter)
		printf("\t-%c | --%s) ", o->letter, o->name);
	else
		printf("\t--%s) ", o->name);
	if (o->kind == OPTION_CHOICE) {
		printf("mapfile -t COMPREPLY < <(compgen -W '");
		print_words(o->choices);
		printf("' -- \"$cur\")");
	} else if (argument_completes(o) == FILES) {
		printf("compopt -o default");
	} else if (argument_completes(o) == FOLDERS) {
		printf("compopt -o dirnames");
	} else {
		printf(":");
	}
	printf(" ;;\n");
}

void options_print_bash(const struct program *p)
{
	const struct option_spec *flat[OPTIONS_MAX];
	size_t n = options_flatten(p, flat), i;

	printf("# bash completion of %s, written by %s --completion bash\n\n", p->name, p->name);
	print_function(p->name);
	/* Bash cuts --name=value into three words. */
	printf("()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [[ $cur = = ]]; then\n"
	       "\t\tcur=\n"
	       "\telif [[ $prev = = ]]; then\n"
	       "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	       "\tfi\n"
	       "\tcase $prev in\n");
	for (i = 0; i < n; i++)
		if (flat[i]->kind != OPTION_FLAG && !flat[i]->optional)
			print_bash_argument(flat[i]);
	printf("\t*)\n"
	       "\t\tif [[ $cur = -* ]]; then\n"
	       "\t\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for (i = 0; i < n; i++)
		printf("%s--%s", i ? " " : "", flat[i]->name);
	printf("' -- \"$cur\")\n");
	if (*p->operands)
		printf("\t\telse\n"
		       "\t\t\tcompopt -o default\n");
	printf("\t\tfi\n"
	       "\t\t;;\n"
	       "\tesac\n"
	       "}\n"
	       "complete -F ");
	print_function(p->name);
	printf(" %s\n", p->name);
}

/* Text inside '…[text]' and ':text:' of _arguments. */
static void print_zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			printf("'\\''");
		else if (strchr("[]:\\", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void print_zsh_option(const struct option_spec *o)
{
	char choices[160];
	bool flag = o->kind == OPTION_FLAG;

	printf(" \\\n\t\t");
	if (o->letter && o->kind == OPTION_LIST)
		printf("'*'{-%c+,--%s=}'[", o->letter, o->name);
	else if (o->letter)
		printf("'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter,
		       flag ? "" : "+", o->name, flag ? "" : "=");
	else
		printf("'%s--%s%s%s[", o->kind == OPTION_LIST ? "*" : "", o->name, flag ? "" : "=",
		       o->optional ? "-" : "");
	print_zsh_text(o->help);
	putchar(']');
	if (!flag) {
		printf(o->optional ? "::" : ":");
		print_zsh_text(options_arg(o, choices, sizeof(choices)));
		putchar(':');
		if (o->kind == OPTION_CHOICE) {
			putchar('(');
			print_words(o->choices);
			putchar(')');
		} else if (argument_completes(o) == FILES) {
			printf("_files");
		} else if (argument_completes(o) == FOLDERS) {
			printf("_files -/");
		} else {
			putchar(' ');
		}
	}
	putchar('\'');
}

void options_print_zsh(const struct program *p)
{
	const struct option_spec *flat[OPTIONS_MAX];
	size_t n = options_flatten(p, flat), i;

	printf("#compdef %s\n"
	       "# zsh completion, written by %s --completion zsh\n\n"
	       "_%s()\n{\n\t_arguments -s -S",
	       p->name, p->name, p->name);
	for (i = 0; i < n; i++)
		print_zsh_option(flat[i]);
	printf(*p->operands ? " \\\n\t\t'*:file:_files'\n}\n\n" : "\n}\n\n");
	/* Both as a file of fpath, where it is the body of the function, and under eval. */
	printf("if [[ ${funcstack[1]-} = _%s ]]; then\n"
	       "\t_%s \"$@\"\n"
	       "else\n"
	       "\tcompdef _%s %s\n"
	       "fi\n",
	       p->name, p->name, p->name, p->name);
}
