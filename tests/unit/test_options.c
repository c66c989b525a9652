/* Option tables: every parse runs in a child, for it may print and exit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/cli/message.h"
#include "lib/cli/options.h"

static struct {
	bool quiet, verbose;
	const char *output;
	uint64_t trees, seed;
	double share, offset, any;
	int scale;
	struct option_list keys, names;
	char even[16];
} opt;

static int parse_even(const char *text, void *dest, struct error *err)
{
	if (strlen(text) % 2)
		return error_set(err, ERROR_DATA, "length %zu is odd", strlen(text));
	snprintf(dest, sizeof(opt.even), "%s", text);
	return 0;
}

static int parse_repeat(const char *text, void *dest, struct error *err)
{
	(void)err;
	snprintf(dest, sizeof(opt.even), "%s", text ? text : "(none)");
	return 0;
}

static const char *const scales[] = {"none", "standard", "robust", NULL};

static const struct option_spec own[] = {
	{.letter = 'q', .name = "quiet", .help = "say nothing", .dest = &opt.quiet},
	{.letter = 'o',
	 .name = "output",
	 .kind = OPTION_STRING,
	 .arg = "FILE",
	 .help = "where the result goes; it's [written] aside, and a name of this length must be "
		 "wrapped: twice",
	 .dest = &opt.output},
	{.letter = 't',
	 .name = "trees",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .help = "trees, 1 to 100000",
	 .dest = &opt.trees,
	 .min = 1,
	 .max = 100000},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .arg = "N",
	 .help = "seed",
	 .dest = &opt.seed,
	 .max = INFINITY},
	{.name = "share",
	 .kind = OPTION_REAL,
	 .arg = "SHARE",
	 .help = "share of anomalies",
	 .dest = &opt.share,
	 .max = 0.5,
	 .min_open = true},
	{.name = "offset",
	 .kind = OPTION_REAL,
	 .arg = "SECONDS",
	 .help = "offset in seconds",
	 .dest = &opt.offset,
	 .min = -1,
	 .max = 1},
	{.name = "any",
	 .kind = OPTION_REAL,
	 .arg = "X",
	 .help = "any number",
	 .dest = &opt.any,
	 .min = -INFINITY,
	 .max = INFINITY},
	{.name = NULL},
};

static const struct option_spec more[] = {
	{.name = "scale",
	 .kind = OPTION_CHOICE,
	 .help = "how to scale",
	 .dest = &opt.scale,
	 .choices = scales},
	{.letter = 'k',
	 .name = "key",
	 .kind = OPTION_LIST,
	 .arg = "PATH",
	 .help = "a key field",
	 .dest = &opt.keys},
	{.name = "name", .kind = OPTION_LIST, .arg = "TEXT", .help = "a name", .dest = &opt.names},
	{.name = "even",
	 .kind = OPTION_PARSE,
	 .arg = "TEXT",
	 .help = "text of even length",
	 .dest = opt.even,
	 .parse = parse_even},
	{.name = "repeat",
	 .kind = OPTION_PARSE,
	 .arg = "N",
	 .help = "again",
	 .dest = opt.even,
	 .parse = parse_repeat,
	 .optional = true},
	{.name = "quietly", .help = "begins as another does", .dest = &opt.verbose},
	{.name = NULL},
};

static const struct option_group groups[] = {
	{.options = own}, {.title = "More", .options = more}, {.options = NULL}};

static const struct program program = {
	.name = "try-options",
	.summary = "try option tables",
	.operands = "[FILE ...]",
	.details = "A paragraph that is longer than a line of a terminal, so that it has to be "
		   "wrapped "
		   "at words.",
	.example = "try-options -t 5 FILE |\n  cat\n",
	.groups = groups,
};

/* What a child did. */
static struct {
	int status;
	char out[8192], err[4096];
} ran;

static void read_all(FILE *f, char *out, size_t size)
{
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void print_values(int first, char **argv)
{
	size_t i;

	printf("%d %d %s %llu %llu %g %g %g %s %s;", opt.quiet, opt.verbose, opt.output,
	       (unsigned long long)opt.trees, (unsigned long long)opt.seed, opt.share, opt.offset,
	       opt.any, scales[opt.scale], opt.even);
	for (i = 0; i < opt.keys.n; i++)
		printf(" %s", opt.keys.items[i]);
	printf(";");
	for (i = 0; i < opt.names.n; i++)
		printf(" %s", opt.names.items[i]);
	printf(";");
	for (; argv[first]; first++)
		printf(" %s", argv[first]);
}

/* Parses words, cut at single blanks, with p; a child that returns from it prints the values. */
static void run_program(const struct program *p, const char *words)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char copy[512], *argv[64] = {(char *)"/usr/bin/try-options"}, *rest = copy;
	int argc = 1, status, n = snprintf(copy, sizeof(copy), "%s", words);
	pid_t child;

	assert_non_null(out);
	assert_non_null(err);
	assert_in_range(n, 0, sizeof(copy) - 1);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		while (*words && argc < 63 && (argv[argc] = strsep(&rest, " ")))
			argc++;
		argv[argc] = NULL;
		opt.output = "-";
		opt.trees = 100;
		message_init(argv[0]);
		print_values(options_parse(p, argc, argv), argv);
		fflush(stdout);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	ran.status = WEXITSTATUS(status);
	read_all(out, ran.out, sizeof(ran.out));
	read_all(err, ran.err, sizeof(ran.err));
}

static void run(const char *words)
{
	run_program(&program, words);
}

static void expect_values(const char *words, const char *values)
{
	run(words);
	assert_string_equal(ran.err, "");
	assert_string_equal(ran.out, values);
	assert_int_equal(ran.status, 0);
}

static void expect_usage(const char *words, const char *what)
{
	char all[512];

	run(words);
	snprintf(all, sizeof(all), "try-options: %s\ntry-options: see 'try-options --help'\n",
		 what);
	assert_string_equal(ran.err, all);
	assert_string_equal(ran.out, "");
	assert_int_equal(ran.status, 64);
}

static void test_values(void **state)
{
	(void)state;
	expect_values("", "0 0 - 100 0 0 0 0 none ;;;");
	expect_values("-q", "1 0 - 100 0 0 0 0 none ;;;");
	expect_values("--quiet --quietly", "1 1 - 100 0 0 0 0 none ;;;");
	expect_values("-o a -t 1", "0 0 a 1 0 0 0 0 none ;;;");
	expect_values("-qoa -t100000", "1 0 a 100000 0 0 0 0 none ;;;");
	expect_values("--output a --trees 7", "0 0 a 7 0 0 0 0 none ;;;");
	expect_values("--output=a --trees=7", "0 0 a 7 0 0 0 0 none ;;;");
	expect_values("--output=", "0 0  100 0 0 0 0 none ;;;");
	expect_values("--output=a=b", "0 0 a=b 100 0 0 0 0 none ;;;");
	expect_values("--output --trees", "0 0 --trees 100 0 0 0 0 none ;;;");
	expect_values("--output -q", "0 0 -q 100 0 0 0 0 none ;;;");
	expect_values("--scale robust --even abcd", "0 0 - 100 0 0 0 0 robust abcd;;;");
	expect_values("-t 1 -t 2 --trees 3", "0 0 - 3 0 0 0 0 none ;;;");
}

static void test_lists(void **state)
{
	(void)state;
	expect_values("-k a --name x --key b f -kc --name=y",
		      "0 0 - 100 0 0 0 0 none ; a b c; x y; f");
}

static void test_operands(void **state)
{
	(void)state;
	expect_values("a b", "0 0 - 100 0 0 0 0 none ;;; a b");
	expect_values("a -q b -t 3 c", "1 0 - 3 0 0 0 0 none ;;; a b c");
	expect_values("a -t 3 -- -q --trees b", "0 0 - 3 0 0 0 0 none ;;; a -q --trees b");
	expect_values("-- -q", "0 0 - 100 0 0 0 0 none ;;; -q");
	expect_values("- -q", "1 0 - 100 0 0 0 0 none ;;; -");
	expect_values("--", "0 0 - 100 0 0 0 0 none ;;;");
}

static void test_counts(void **state)
{
	static const char *const bad[] = {"0",
					  "100001",
					  "x",
					  "1x",
					  "1.0",
					  "1e3",
					  "-1",
					  "+1",
					  "0x1",
					  "01",
					  "9223372036854775808",
					  "99999999999999999999"};
	char words[64], what[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(words, sizeof(words), "--trees %s", bad[i]);
		snprintf(what, sizeof(what),
			 "option '--trees' takes a whole number from 1 to 100000, not '%s'",
			 bad[i]);
		expect_usage(words, what);
	}
	expect_usage("-t x", "option '-t' takes a whole number from 1 to 100000, not 'x'");
	expect_usage("-qtx", "option '-t' takes a whole number from 1 to 100000, not 'x'");
	expect_usage("--trees=", "option '--trees' takes a whole number from 1 to 100000, not ''");
	expect_values("--seed 9223372036854775807", "0 0 - 100 9223372036854775807 0 0 0 none ;;;");
	expect_usage("--seed -1", "option '--seed' takes a whole number of at least 0, not '-1'");
}

static void test_reals(void **state)
{
	(void)state;
	expect_values("--share 0.5 --offset -1 --any -1e300",
		      "0 0 - 100 0 0.5 -1 -1e+300 none ;;;");
	expect_values("--share 1e-9 --offset=1.0", "0 0 - 100 0 1e-09 1 0 none ;;;");
	expect_usage("--share 0",
		     "option '--share' takes a number above 0 and at most 0.5, not '0'");
	expect_usage("--share 0.51",
		     "option '--share' takes a number above 0 and at most 0.5, not '0.51'");
	expect_usage("--share nan",
		     "option '--share' takes a number above 0 and at most 0.5, not 'nan'");
	expect_usage("--share 0.1x",
		     "option '--share' takes a number above 0 and at most 0.5, not '0.1x'");
	expect_usage("--offset 1.01", "option '--offset' takes a number from -1 to 1, not '1.01'");
	expect_usage("--any 1e999", "option '--any' takes a number, not '1e999'");
	expect_usage("--any inf", "option '--any' takes a number, not 'inf'");
}

static void test_choices_and_parsers(void **state)
{
	(void)state;
	expect_usage("--scale rob",
		     "option '--scale' takes one of none|standard|robust, not 'rob'");
	expect_usage("--scale=", "option '--scale' takes one of none|standard|robust, not ''");
	expect_usage("--even abc", "option '--even': length 3 is odd");
}

static void test_optional_arguments(void **state)
{
	(void)state;
	expect_values("--repeat 3", "0 0 - 100 0 0 0 0 none (none);;; 3");
	expect_values("--repeat=3 3", "0 0 - 100 0 0 0 0 none 3;;; 3");
	expect_values("a --repeat --quiet", "1 0 - 100 0 0 0 0 none (none);;; a");
	expect_values("--repeat=", "0 0 - 100 0 0 0 0 none ;;;");
	expect_usage("--repea", "unknown option '--repea'; names are written in full: '--repeat'");
	expect_usage("--repea=3",
		     "unknown option '--repea'; names are written in full: '--repeat'");
	run("--help");
	assert_non_null(strstr(ran.out, "\n      --repeat[=N]          again\n"));
	run("--completion bash");
	assert_null(strstr(ran.out, "--repeat)"));
	run("--completion zsh");
	assert_non_null(strstr(ran.out, "'--repeat=-[again]::N: '"));
}

static void test_abbreviations_are_refused(void **state)
{
	(void)state;
	expect_usage("--tree 3", "unknown option '--tree'; names are written in full: '--trees'");
	expect_usage("--tree=3", "unknown option '--tree'; names are written in full: '--trees'");
	expect_usage("--tree", "unknown option '--tree'; names are written in full: '--trees'");
	expect_usage("a --outp b c",
		     "unknown option '--outp'; names are written in full: '--output'");
	expect_usage("--quietl",
		     "unknown option '--quietl'; names are written in full: '--quietly'");
	expect_usage("--quietl=x",
		     "unknown option '--quietl'; names are written in full: '--quietly'");
	expect_usage("--hel", "unknown option '--hel'; names are written in full: '--help'");
	expect_usage("--vers", "unknown option '--vers'; names are written in full: '--version'");
	/* --quiet is exact although --quietly begins so; --qui might be either. */
	expect_usage("--qui", "unknown option '--qui'");
}

static void test_unknown_and_misused(void **state)
{
	(void)state;
	expect_usage("--bogus", "unknown option '--bogus'");
	expect_usage("--bogus=3", "unknown option '--bogus'");
	expect_usage("-z", "unknown option '-z'");
	expect_usage("--output a -qz", "unknown option '-z'");
	expect_usage("-\001", "unknown option '-?'");
	expect_usage("--trees", "option '--trees' lacks its argument");
	expect_usage("a -t", "option '-t' lacks its argument");
	expect_usage("--quiet=1", "option '--quiet' takes no argument");
	expect_usage("--help=1", "option '--help' takes no argument");
}

static void test_help(void **state)
{
	char *line, *rest = ran.out;
	bool wrapped = false;

	(void)state;
	run("--help");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_non_null(
		strstr(ran.out, "usage: try-options [OPTION ...] [FILE ...]\ntry option tables\n"));
	assert_non_null(strstr(ran.out, "\nOptions:\n  -q, --quiet               say nothing\n"));
	assert_non_null(strstr(
		ran.out, "\n  -V, --version             show the version and exit\n\nMore:\n"));
	assert_non_null(
		strstr(ran.out,
		       "\n      --scale none|standard|robust\n                            how to"));
	assert_non_null(strstr(ran.out, "\nExample:\n  try-options -t 5 FILE |\n    cat\n"));
	assert_null(strstr(ran.out, "--completion"));
	while ((line = strsep(&rest, "\n"))) {
		assert_in_range(strlen(line), 0, 80);
		wrapped |= strspn(line, " ") == 28;
	}
	assert_true(wrapped);
	run("-qh --trees x");
	assert_int_equal(ran.status, 0);
	run("--trees x -h");
	assert_int_equal(ran.status, 64);
}

static void test_version(void **state)
{
	(void)state;
	run("-V");
	assert_int_equal(ran.status, 0);
	assert_int_equal(strncmp(ran.out, "try-options (sensorutils) ", 26), 0);
}

static void test_completion(void **state)
{
	(void)state;
	run("--completion bash");
	assert_int_equal(ran.status, 0);
	assert_non_null(strstr(ran.out, "\t-o | --output) compopt -o default ;;\n"));
	assert_non_null(strstr(ran.out, "compgen -W 'none standard robust' --"));
	assert_non_null(strstr(ran.out, "complete -F _try_options try-options\n"));
	run("--completion=zsh");
	assert_int_equal(ran.status, 0);
	assert_int_equal(strncmp(ran.out, "#compdef try-options\n", 21), 0);
	assert_non_null(strstr(ran.out, "; it'\\''s \\[written\\] aside"));
	assert_non_null(strstr(ran.out, "'*'{-k+,--key=}'[a key field]:PATH: '"));
	expect_usage("--completion fish",
		     "option '--completion' takes one of bash|zsh, not 'fish'");
}

static void test_clashing_tables(void **state)
{
	static const struct option_group twice[] = {
		{.options = own}, {.title = "x", .options = own}, {0}};
	static const struct option_spec takes_help[] = {{.name = "help", .help = "x"}, {0}};
	static const struct option_group clash[] = {{.options = takes_help}, {0}};
	struct program p = program;

	(void)state;
	p.groups = twice;
	run_program(&p, "");
	assert_int_equal(ran.status, 70);
	assert_non_null(strstr(ran.err, "'quiet' clashes"));
	p.groups = clash;
	run_program(&p, "");
	assert_int_equal(ran.status, 70);
}

/* Runs message_error in a child whose standard error is a file. */
static void expect_message(const struct error *err, const char *text, int kind)
{
	FILE *f = tmpfile();
	char got[2048];
	int status;
	pid_t child;

	assert_non_null(f);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fileno(f), STDERR_FILENO);
		message_init("dir/prog");
		_exit(message_error(err));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	read_all(f, got, sizeof(got));
	assert_string_equal(got, text);
	assert_int_equal(WEXITSTATUS(status), kind);
}

static void test_message_places(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_DATA, "bad");
	expect_message(&err, "prog: bad\n", 65);
	error_at(&err, NULL, 3, 0);
	expect_message(&err, "prog: line 3: bad\n", 65);
	error_at(&err, "f", 0, 7);
	expect_message(&err, "prog: f:3:7: bad\n", 65);
	error_set(&err, ERROR_NO_INPUT, "no\nsuch");
	error_at(&err, "a\nb", 0, 0);
	expect_message(&err, "prog: a?b: no?such\n", 66);
	err.kind = ERROR_NONE;
	expect_message(&err, "prog: a?b: no?such\n", 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_reals),
		cmocka_unit_test(test_choices_and_parsers),
		cmocka_unit_test(test_optional_arguments),
		cmocka_unit_test(test_abbreviations_are_refused),
		cmocka_unit_test(test_unknown_and_misused),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_clashing_tables),
		cmocka_unit_test(test_message_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
