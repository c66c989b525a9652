#include "lib/cli/pace.h"

#include "lib/base/timestamp.h"

#define FAR_NS (INT64_MAX / 4) /* 73 years: nobody waits longer */

void pace_init(struct pace *p, double rate_hz, double speed)
{
	*p = (struct pace){.rate_hz = rate_hz, .speed = speed};
}

static void begin(struct pace *p, int64_t event_ns, int64_t now_ns)
{
	p->start_ns = p->begun ? p->due_ns - p->lag_ns : now_ns;
	p->first_event_ns = p->last_event_ns = event_ns;
	p->offset_ns = 0;
	p->begun = true;
	p->begin_anew = false;
}

/* From the first record to the one that is due next. */
static int64_t offset_of(struct pace *p, int64_t event_ns)
{
	double ns;

	if (p->rate_hz > 0) {
		ns = (double)p->n * (double)NS_PER_SECOND / p->rate_hz;
	} else {
		if (event_ns > p->last_event_ns)
			p->last_event_ns = event_ns;
		ns = (double)((__int128)p->last_event_ns - p->first_event_ns) / p->speed;
	}
	return ns < (double)FAR_NS ? (int64_t)ns : FAR_NS;
}

/* Lags until no more than a burst is due by now. */
static void fall_behind(struct pace *p, int64_t now_ns)
{
	int64_t late_ns = now_ns - p->due_ns - PACE_BURST_NS;
	int64_t most_ns = p->starved ? p->lag_ns : PACE_LAG_NS;

	if (late_ns <= 0)
		return;
	p->due_ns += late_ns;
	p->lag_ns += late_ns;
	if (p->lag_ns > most_ns) {
		p->start_ns += p->lag_ns - most_ns;
		p->put_off_ns += p->lag_ns - most_ns;
		p->lag_ns = most_ns;
	}
}

void pace_next(struct pace *p, int64_t event_ns, int64_t now_ns)
{
	if (!p->begun || p->begin_anew)
		begin(p, event_ns, now_ns);

	int64_t offset_ns = offset_of(p, event_ns);
	int64_t made_up_ns = (offset_ns - p->offset_ns) / PACE_MAKE_UP;
	p->lag_ns -= made_up_ns < p->lag_ns ? made_up_ns : p->lag_ns;
	p->offset_ns = offset_ns;
	p->due_ns = p->start_ns + offset_ns + p->lag_ns;
	p->n++;
	fall_behind(p, now_ns);
	p->starved = false;
}

void pace_starved(struct pace *p)
{
	p->starved = true;
}

void pace_begin_anew(struct pace *p)
{
	p->begin_anew = p->begun && !(p->rate_hz > 0);
}

int64_t pace_wait(const struct pace *p, int64_t now_ns)
{
	int64_t wait_ns = p->due_ns - now_ns;

	if (wait_ns <= 0)
		return 0;
	return wait_ns > PACE_STEP_NS ? wait_ns : PACE_STEP_NS;
}
