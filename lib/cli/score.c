#include "lib/cli/score.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"
#include "lib/cli/message.h"
#include "lib/cli/score_impl.h"

#define WATCH_MS 1000

const char *const score_kinds[] = {"paper", "decision", NULL};

static bool is_replaced(const char *path, const struct stat *old)
{
	struct stat st;

	return path && !stat(path, &st) &&
	       (st.st_ino != old->st_ino || st.st_dev != old->st_dev ||
		st.st_mtim.tv_sec != old->st_mtim.tv_sec ||
		st.st_mtim.tv_nsec != old->st_mtim.tv_nsec);
}

/* What was loaded, for people. */
static void say_loaded(const struct judge *j)
{
	const struct score_options *o = j->score->options;

	if (j->forest)
		message_note("loaded model '%s', version %s", o->model, j->forest->model->version);
	if (j->rules)
		message_note("loaded rules '%s', version %s", o->rules, j->rules->version);
}

/* The series of new rules is that of the run from now on. */
static void take_series(struct score *s, const struct judge *j)
{
	series_leave(s->series);
	s->series = j->series ? series_use(j->series) : NULL;
}

/* Between blocks: files that were replaced, or that SIGHUP asks for, take the place of the old. */
static void turn(void *context, bool hangup, struct filter_plan **plan)
{
	static int64_t due_ns;
	struct score *s = context;
	const struct score_options *o = s->options;
	struct error err = ERROR_INIT;
	int64_t now = o->watch ? timestamp_now() : 0;

	time_options_remark(&o->time, atomic_load(&s->naive), &s->said_naive);
	if (o->watch && now >= due_ns) {
		due_ns = now + WATCH_MS * (NS_PER_SECOND / 1000);
		hangup |= is_replaced(o->model, &s->model_file) ||
			  is_replaced(o->rules, &s->rules_file);
	}
	if (!hangup)
		return;
	*plan = score_plan_load(s, &err);
	const struct judge *j = *plan ? (*plan)->context : NULL;
	if (j && j->series && !s->in_order) {
		error_set(&err, ERROR_CONFIG,
			  "'%s' has a rule that follows a series, as none did at the start",
			  o->rules);
		filter_plan_free(*plan);
		*plan = NULL;
		j = NULL;
	}
	if (j) {
		take_series(s, j);
		say_loaded(j);
		return;
	}
	error_prefix(&err, o->model && o->rules ? "model and rules in use stay"
			   : o->model           ? "the model in use stays"
						: "the rules in use stay");
	message_error(&err);
}

/* The fields that this run adds. */
static void choose_fields(struct score *s)
{
	const struct score_options *o = s->options;
	const bool wanted[ADD_FIELDS] = {
		[ADD_SCORE] = true,         [ADD_ANOMALY] = true,
		[ADD_SEVERITY] = true,      [ADD_QUANTILE] = o->model,
		[ADD_REASONS] = o->rules,   [ADD_IMPUTED] = o->model,
		[ADD_MODEL_VERSION] = true, [ADD_RULES_VERSION] = o->model && o->rules,
		[ADD_STAMP] = o->stamp,     [ADD_LABEL] = o->truth,
	};

	for (size_t i = 0; i < ADD_FIELDS; i++) {
		s->place[i] = wanted[i] ? s->n_added : ADD_NONE;
		if (wanted[i])
			s->added[s->n_added++] = score_field_names[i];
	}
}

static void check_key(const struct program *p, const char *key)
{
	struct error err = ERROR_INIT;
	struct path path;

	for (; key; key = strchr(key, ',') ? strchr(key, ',') + 1 : NULL) {
		if (path_parse(&path, key, strcspn(key, ","), &err))
			options_fail(p, "option '--key': %s", err.what);
		path_release(&path);
	}
}

/* What no option table can see. */
static void check_options(const struct program *p, const struct score_options *o)
{
	if (!o->model && !o->rules)
		options_fail(p, "a model is needed: -m FILE, or rules: --rules FILE");
	if (o->rules && o->score == SCORE_DECISION)
		options_fail(p, "'--score decision' and '--rules' exclude each other: the "
				"decision function is a model's alone");
	if (o->key && !o->rules)
		options_fail(p, "option '--key' is for rules: --rules FILE");
	check_key(p, o->key);
	if (o->truth && o->as)
		options_fail(p, "'--truth' and '--as' exclude each other: with '--as' nothing of "
				"the record is replaced");
	if (o->as && (!*o->as || !strcmp(o->as, "_kafka") ||
		      utf8_check(o->as, strlen(o->as)) < strlen(o->as)))
		options_fail(p, "option '--as': '%s' cannot name a verdict", o->as);
}

/* --truth without escapes; it is a field of the record itself. */
static char *name_truth(const struct program *p, const char *truth)
{
	struct error err = ERROR_INIT;
	struct path path;
	char *name;

	if (path_parse(&path, truth, strlen(truth), &err))
		options_fail(p, "option '--truth': %s", err.what);
	if (path.n > 1)
		options_fail(p, "option '--truth': '%s' lies inside another field", truth);
	if (!(name = mem_strndup(path.parts[0].name, path.parts[0].len, &err)))
		message_die(&err);
	path_release(&path);
	return name;
}

int score_run(const struct program *p, const struct score_options *o, char *const *paths)
{
	struct error err = ERROR_INIT;
	struct score s = {.options = o};

	check_options(p, o);
	if (o->truth)
		s.truth_name = name_truth(p, o->truth);
	choose_fields(&s);
	struct filter_plan *plan = score_plan_load(&s, &err);
	if (!plan)
		message_die(&err);
	take_series(&s, plan->context);
	s.in_order = s.series != NULL;
	struct filter filter = {
		.program = p,
		.options = &o->filter,
		.paths = paths,
		.added = s.added,
		.n_added = s.n_added,
		.object = o->as,
		.worker_new = score_worker_new,
		.worker_free = score_worker_free,
		.take = score_take,
		.judge = score_judge,
		.add = score_add,
		.in_order = s.in_order,
		.control = s.in_order ? score_control : NULL,
		.turn = turn,
		.turn_context = &s,
		.every_ms = o->watch ? WATCH_MS : 0,
		.counted = "anomalies_total",
		.counted_help = "Records judged anomalous.",
		.count = score_is_anomaly,
	};
	int status = filter_run(&filter, plan);
	time_options_remark(&o->time, atomic_load(&s.naive), &s.said_naive);
	series_leave(s.series);
	free(s.truth_name);
	return status;
}

int score_describe(const struct program *p, const struct score_options *o)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct model *m = NULL;
	struct rules *r = NULL;

	check_options(p, o);
	if ((o->model &&
	     (!(m = model_load(o->model, &err)) || model_describe(m, o->json, &text, &err))) ||
	    (o->rules &&
	     (!(r = rules_load(o->rules, &err)) || rules_describe(r, o->json, &text, &err))) ||
	    file_write_all(STDOUT_FILENO, text.data, text.len, &err))
		message_die(&err);
	if (close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "standard output");
		message_die(&err);
	}
	model_free(m);
	rules_free(r);
	buf_release(&text);
	return 0;
}
