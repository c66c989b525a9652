#include "lib/report/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/timestamp.h"

#define MAX_TIME_TICKS 8
#define NS_PER_DAY (INT64_C(86400) * NS_PER_SECOND)

void axis_counts(struct text *t, uint64_t most, unsigned ticks)
{
	double top = most ? 1.05 * (double)most : 1, step = fmax(1, axis_step(top, ticks));

	text_printf(t, "set yrange [0:%.17g]\nset ytics (", top);
	for (unsigned i = 0; i * step <= top; i++) {
		text_printf(t, "%s\"", i ? ", " : "");
		text_count(t, (uint64_t)(i * step));
		text_printf(t, "\" %.17g", i * step);
	}
	text_add(t, ")\n");
}

double axis_step(double range, unsigned n)
{
	double least = range / n, ten = pow(10, floor(log10(least)));

	return least <= ten       ? ten
	       : least <= 2 * ten ? 2 * ten
	       : least <= 5 * ten ? 5 * ten
				  : 10 * ten;
}

void axis_unit(struct text *t, char axis)
{
	text_printf(t, "set %crange [0:1.01]\nset %ctics 0, 0.2, 1 format \"%%.1f\"\n", axis, axis);
}

double axis_seconds(int64_t first_ns, int64_t ns)
{
	return (double)((uint64_t)ns - (uint64_t)first_ns) / (double)NS_PER_SECOND;
}

/* The smallest round step that gives no more than MAX_TIME_TICKS; 0: months are needed. */
static int64_t round_step(uint64_t span)
{
	static const int64_t seconds[] = {1,     2,     5,     10,    15,     30,    60,
					  120,   300,   600,   900,   1800,   3600,  7200,
					  10800, 21600, 43200, 86400, 172800, 604800};
	int64_t step = 1;

	for (int i = 0; step < NS_PER_SECOND; i++) {
		if (span / (uint64_t)step < MAX_TIME_TICKS)
			return step;
		step = i % 3 == 1 ? step / 2 * 5 : step * 2;
	}
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		step = seconds[i] * NS_PER_SECOND;
		if (span / (uint64_t)step < MAX_TIME_TICKS)
			return step;
	}
	return 0;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.mmm, as the step needs; the date below if asked for. */
static void time_label(struct text *t, const char *stamp, int64_t step, bool date)
{
	size_t n = step < NS_PER_SECOND ? 12 : step < 60 * NS_PER_SECOND ? 8 : 5;

	if (step < NS_PER_DAY)
		text_add_bytes(t, stamp + 11, n);
	if (step < NS_PER_DAY && date)
		text_add(t, "\\n");
	if (date || step >= NS_PER_DAY)
		text_add_bytes(t, stamp, 10);
}

/* Every step of at most a week, weeks from Monday. */
static void day_ticks(struct text *t, int64_t first_ns, int64_t last_ns, int64_t step)
{
	char stamp[TIMESTAMP_MAX], day[TIMESTAMP_MAX] = "";
	int64_t phase = step == 7 * NS_PER_DAY ? 4 * NS_PER_DAY : 0;
	int64_t behind = ((first_ns % step - phase) % step + step) % step;
	int64_t ns = first_ns;

	if (behind && __builtin_add_overflow(first_ns, step - behind, &ns))
		return;
	for (bool more = ns <= last_ns; more;) {
		timestamp_format(stamp, ns);
		text_add(t, *day ? ", \"" : "\"");
		time_label(t, stamp, step, memcmp(stamp, day, 10) != 0);
		text_printf(t, "\" %.17g", axis_seconds(first_ns, ns));
		memcpy(day, stamp, sizeof(day));
		more = !__builtin_add_overflow(ns, step, &ns) && ns <= last_ns;
	}
}

/* Below a millisecond the clock's digits would not fit: time since the beginning. */
static void offset_ticks(struct text *t, uint64_t span, int64_t step)
{
	for (uint64_t at = 0; at <= span; at += (uint64_t)step)
		text_printf(t, "%s\"+%g µs\" %.17g", at ? ", " : "", (double)at / 1e3,
			    (double)at / 1e9);
}

static void month_ticks(struct text *t, int64_t first_ns, int64_t last_ns)
{
	static const int steps[] = {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200};
	char stamp[TIMESTAMP_MAX];
	struct error err = ERROR_INIT;
	int year, month;
	size_t i = 0;
	bool naive, shown = false;
	double months = axis_seconds(first_ns, last_ns) / 86400 / 30.44;

	while (i + 1 < sizeof(steps) / sizeof(steps[0]) && months / steps[i] > MAX_TIME_TICKS)
		i++;
	timestamp_format(stamp, first_ns);
	if (sscanf(stamp, "%4d-%2d", &year, &month) != 2)
		return;
	for (month = (12 * year + month - 1) / steps[i] * steps[i];; month += steps[i]) {
		int64_t ns;
		int n = snprintf(stamp, sizeof(stamp), "%04d-%02d-01T00:00:00Z", month / 12,
				 month % 12 + 1);

		/* The first round year may lie before all times there are. */
		if (month / 12 < 1678)
			continue;
		if (timestamp_parse(stamp, (size_t)n, 0, &ns, &naive, &err) < 0 || ns > last_ns)
			return;
		if (ns < first_ns)
			continue;
		text_printf(t, "%s\"%.*s\" %.17g", shown ? ", " : "", steps[i] < 12 ? 7 : 4, stamp,
			    axis_seconds(first_ns, ns));
		shown = true;
	}
}

bool axis_time(struct text *t, int64_t first_ns, int64_t last_ns)
{
	uint64_t span = (uint64_t)last_ns - (uint64_t)first_ns;
	int64_t step = round_step(span);
	bool relative = span && step && step < 1000000;
	double seconds = (double)span / 1e9;

	if (span)
		text_printf(t, "set xrange [%.17g:%.17g]\n", -0.01 * seconds, 1.01 * seconds);
	else
		text_add(t, "set xrange [-1:1]\n");
	text_add(t, "set xtics (");
	if (relative)
		offset_ticks(t, span, step);
	else if (step == 0)
		month_ticks(t, first_ns, last_ns);
	else
		day_ticks(t, first_ns, last_ns, step);
	text_add(t, ")\n");
	return relative;
}
