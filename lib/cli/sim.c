#include "lib/cli/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/file.h"
#include "lib/base/timestamp.h"
#include "lib/cli/message.h"
#include "lib/cli/metrics.h"
#include "lib/cli/paced_output.h"
#include "lib/cli/signals.h"
#include "lib/cli/sim_profile.h"
#include "lib/sim/layout.h"
#include "lib/sim/simulator.h"

#define METRICS_EVERY_RECORDS 4096
#define PIPE_BYTES (1 << 20)

struct sim {
	const struct sim_options *options;
	struct profile *profile;
	struct simulator *simulator;
	struct faults *faults; /* NULL: none were asked for */
	struct buf line;
	struct paced_output out;
	uint64_t n_sensors, n_records;
	int64_t step_ns, round_ns; /* time of the sensors' present turn */
	bool paced;
	bool stopped; /* before --count: by a signal or a failure of metrics */
	struct metrics_clock metrics;
	int status;
};

static uint64_t labelled(const struct sim *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->profile->n_anomalies; i++)
		n += simulator_labelled(s->simulator)[i];
	return n;
}

/* The samples of one metric by label_type; several anomalies may share one. */
static int add_labelled(const struct sim *s, struct metrics *all, struct error *err)
{
	const struct profile *p = s->profile;

	for (size_t i = 0; i < p->n_anomalies; i++) {
		const char *type = p->anomalies[i].label_type;
		struct metric m = {"records_labelled_total", "Readings labelled anomalous.",
				   "counter", 0};
		const struct metric_label label = {"label_type", type};
		size_t first = 0;

		while (strcmp(p->anomalies[first].label_type, type) != 0)
			first++;
		if (first < i)
			continue;
		for (size_t k = i; k < p->n_anomalies; k++)
			if (!strcmp(p->anomalies[k].label_type, type))
				m.value += (double)simulator_labelled(s->simulator)[k];
		if (metrics_add(all, &m, &label, 1, err))
			return -1;
	}
	return 0;
}

static int add_faults(const struct sim *s, struct metrics *all, struct error *err)
{
	static const char *const names[DAMAGES] = {"cut", "bytes", "nonsense"};
	const struct faults_counts *n = faults_counts(s->faults);
	const struct metric duplicated = {"lines_duplicated_total", "Lines written again.",
					  "counter", (double)n->duplicated};
	const struct metric late = {"lines_late_total", "Lines held back and overtaken.", "counter",
				    (double)n->late};

	if (metrics_add(all, &duplicated, NULL, 0, err) || metrics_add(all, &late, NULL, 0, err))
		return -1;
	for (size_t i = 0; i < DAMAGES; i++) {
		const struct metric m = {"lines_damaged_total", "Lines damaged.", "counter",
					 (double)n->damaged[i]};
		const struct metric_label label = {"damage", names[i]};
		if (metrics_add(all, &m, &label, 1, err))
			return -1;
	}
	return 0;
}

static int write_metrics(struct sim *s, struct error *err)
{
	uint64_t written = s->faults ? faults_counts(s->faults)->lines : s->n_records;
	const struct metric metrics[] = {
		{"records_total", "Readings made.", "counter", (double)s->n_records},
		{"records_written_total", "Lines written.", "counter", (double)written},
		{"schedule_put_off_seconds_total",
		 "By how much records came later than their schedule had them at first.", "counter",
		 (double)s->out.pace.put_off_ns / (double)NS_PER_SECOND},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};
	struct metrics all = METRICS_INIT;
	int ret = 0;

	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics) && !ret; i++)
		ret = metrics_add(&all, &metrics[i], NULL, 0, err);
	if (!ret)
		ret = add_labelled(s, &all, err);
	if (!ret && s->faults)
		ret = add_faults(s, &all, err);
	if (!ret)
		ret = metrics_show_all(&s->metrics, &all, err);
	metrics_release(&all);
	return ret;
}

static void show_metrics(struct sim *s, bool last)
{
	struct error err = ERROR_INIT;

	if (metrics_due(&s->metrics, last) && write_metrics(s, &err)) {
		s->stopped = true;
		s->status = message_also(s->status, &err);
	}
}

/* Between records: 1 when no more should come. */
static int idle(void *context)
{
	struct sim *s = context;

	show_metrics(s, false);
	s->stopped |= signals_terminated() || signals_interrupted();
	return s->stopped;
}

static int fail_time(const struct sim *s, struct error *err)
{
	return error_set(err, ERROR_DATA, "simulated time passes the year 2262 after %llu readings",
			 (unsigned long long)s->n_records);
}

/* One reading, when it is due: 1; 0 if a signal came first. */
static int make_record(struct sim *s, struct error *err)
{
	int64_t time_ns = s->round_ns;
	int ret;

	if (s->paced && (ret = paced_output_wait(&s->out, 0, err)) != 0)
		return ret < 0 ? -1 : 0;
	if (!s->options->simulated)
		time_ns = timestamp_now();
	else if (s->n_records && s->n_records % s->n_sensors == 0) {
		if (__builtin_add_overflow(s->round_ns, s->step_ns, &time_ns))
			return fail_time(s, err);
		s->round_ns = time_ns;
	}
	s->line.len = 0;
	if (simulator_next(s->simulator, time_ns, s->faults ? &s->line : &s->out.buf, err) ||
	    (s->faults &&
	     faults_take(s->faults, s->line.data, s->line.len, time_ns, &s->out.buf, err)))
		return -1;
	s->n_records++;
	return paced_output_added(&s->out, err) ? -1 : 1;
}

static int make_records(struct sim *s, struct error *err)
{
	const struct sim_options *o = s->options;

	show_metrics(s, false); /* what cannot be written is seen before anything is */
	if (!s->stopped && o->to && layout_header(s->profile, &s->out.buf, err))
		return -1;
	while (!s->stopped && (!o->count || s->n_records < o->count)) {
		if (make_record(s, err) < 0)
			return -1;
		s->stopped |= signals_terminated() || signals_interrupted();
		if (o->metrics && s->n_records % METRICS_EVERY_RECORDS == 0)
			show_metrics(s, false);
	}
	return s->faults ? faults_end(s->faults, &s->out.buf, err) : 0;
}

static bool any_faults(const struct faults_options *f)
{
	return f->late > 0 || f->duplicate > 0 || f->corrupt > 0 || f->shuffle > 1;
}

static int set_up(struct sim *s, struct error *err)
{
	const struct sim_options *o = s->options;
	struct simulator_options how = {.seed = o->seed, .csv = o->to != 0};
	struct faults_options faults = o->faults;

	s->profile = sim_profile_load(o->profile, err);
	if (!s->profile)
		return -1;
	how.n_sensors = s->n_sensors = o->n_sensors ? o->n_sensors : s->profile->n_sensors;
	s->step_ns = o->step_ns ? o->step_ns : s->profile->step_ns;
	s->round_ns = o->start_ns;
	s->simulator = simulator_new(s->profile, &how, err);
	if (!s->simulator)
		return -1;
	faults.csv = how.csv;
	faults.seed = o->seed;
	if (any_faults(&faults) && !(s->faults = faults_new(&faults, err)))
		return -1;
	s->paced = !o->simulated || o->rate_hz > 0;
	pace_init(&s->out.pace,
		  o->rate_hz > 0
			  ? o->rate_hz
			  : (double)s->n_sensors * (double)NS_PER_SECOND / (double)s->step_ns,
		  0);
	/* Fewer changes between this program and its reader, where both are busy; no matter if not.
	 */
	if (!s->paced)
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

static void report_faults(const struct sim *s)
{
	if (!s->faults)
		return;
	const struct faults_counts *n = faults_counts(s->faults);
	message_note(
		"%llu readings, %llu of them anomalous, in %llu lines: %llu duplicated, %llu late, "
		"%llu cut short, %llu with wrong bytes, %llu nonsense",
		(unsigned long long)s->n_records, (unsigned long long)labelled(s),
		(unsigned long long)n->lines, (unsigned long long)n->duplicated,
		(unsigned long long)n->late, (unsigned long long)n->damaged[DAMAGE_CUT],
		(unsigned long long)n->damaged[DAMAGE_BYTES],
		(unsigned long long)n->damaged[DAMAGE_NONSENSE]);
}

static void tear_down(struct sim *s)
{
	faults_free(s->faults);
	simulator_free(s->simulator);
	profile_free(s->profile);
	buf_release(&s->line);
	paced_output_release(&s->out);
}

static int print_profile(const char *name)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	int status = 0;

	if (sim_profile_text(name, &text, &err))
		status = message_error(&err);
	else if (file_write_all(STDOUT_FILENO, text.data, text.len, &err)) {
		error_prefix(&err, "standard output");
		status = message_error(&err);
	}
	buf_release(&text);
	return message_close_stdout(status);
}

int sim_run(const struct program *p, const struct sim_options *o)
{
	struct error err = ERROR_INIT, why = ERROR_INIT;
	struct sim s = {.options = o,
			.out = {.idle = idle, .context = &s},
			.metrics = {.path = o->metrics}};

	if (o->print)
		return print_profile(o->profile);
	signals_source();
	if (set_up(&s, &err))
		message_die(&err);
	int failed = make_records(&s, &err);
	if (failed && err.kind == ERROR_USAGE)
		options_fail(p, "option '--to': %s", err.what);
	/* What came before a failure is good. */
	if (paced_output_flush(&s.out, failed ? &why : &err))
		failed = -1;
	if (failed)
		s.status = message_also(s.status, &err);
	show_metrics(&s, true);
	report_faults(&s);
	if (!s.status && close(STDOUT_FILENO)) {
		error_errno(&err, ERROR_IO, errno, "cannot write standard output");
		s.status = message_error(&err);
	}
	tear_down(&s);
	if (!s.status && signals_interrupted())
		signals_die();
	return s.status;
}
