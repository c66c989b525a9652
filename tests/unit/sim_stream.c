#include "tests/unit/sim_stream.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/file.h"

struct profile *sim_profile(const char *text)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	if (strchr(text, '{') ? buf_add_str(&b, text, &err) : file_read(text, 1 << 20, &b, &err))
		fail_msg("%s", err.what);
	struct profile *p = profile_parse(b.data, b.len, "profile", &err);
	buf_release(&b);
	if (!p)
		fail_msg("%s", err.what);
	return p;
}

void sim_open(struct sim_stream *s, struct profile *p, uint64_t seed, uint64_t n_sensors,
	      int64_t step_ns)
{
	struct error err = ERROR_INIT;
	struct simulator_options o = {.seed = seed,
				      .n_sensors = n_sensors ? n_sensors : p->n_sensors};

	*s = (struct sim_stream){.profile = p,
				 .simulator = simulator_new(p, &o, &err),
				 .start_ns = INT64_C(1704067200) * 1000000000,
				 .step_ns = step_ns ? step_ns : p->step_ns,
				 .n_sensors = o.n_sensors};
	if (!s->simulator)
		fail_msg("%s", err.what);
}

void sim_close(struct sim_stream *s)
{
	simulator_free(s->simulator);
	profile_free(s->profile);
	buf_release(&s->line);
}

const char *sim_line(struct sim_stream *s)
{
	struct error err = ERROR_INIT;
	int64_t time = s->start_ns + (int64_t)(s->n++ / s->n_sensors) * s->step_ns;

	s->line.len = 0;
	if (simulator_next(s->simulator, time, &s->line, &err))
		fail_msg("%s", err.what);
	assert_true(s->line.len > 0 && s->line.data[s->line.len - 1] == '\n');
	s->line.data[s->line.len - 1] = '\0';
	assert_int_equal(strlen(s->line.data), s->line.len - 1);
	return s->line.data;
}

json_t *sim_record(struct sim_stream *s)
{
	json_error_t err;
	const char *line = sim_line(s);
	json_t *record = json_loads(line, 0, &err);

	if (!record)
		fail_msg("%s: %s", err.text, line);
	return record;
}

double sim_number(const json_t *record, const char *path)
{
	const char *dot = strchr(path, '.');
	char first[100];

	assert_true(strlen(path) < sizeof(first));
	if (dot) {
		memcpy(first, path, (size_t)(dot - path));
		first[dot - path] = '\0';
		record = json_object_get(record, first);
		path = dot + 1;
	}
	const json_t *value = json_object_get(record, path);
	assert_non_null(value);
	if (json_is_null(value))
		return NAN;
	assert_true(json_is_number(value));
	return json_number_value(value);
}
