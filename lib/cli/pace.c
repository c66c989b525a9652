#include "lib/cli/pace.h"

#include "lib/base/timestamp.h"

#define FAR_NS (INT64_MAX / 4) /* 73 years: nobody waits longer */

void pace_init(struct pace *p, double rate_hz, double speed)
{
	*p = (struct pace){.rate_hz = rate_hz, .speed = speed};
}

/* From the first record to the one that is due next. */
static double offset_ns(struct pace *p, int64_t event_ns)
{
	if (p->rate_hz > 0)
		return (double)p->n * (double)NS_PER_SECOND / p->rate_hz;
	if (event_ns > p->last_event_ns)
		p->last_event_ns = event_ns;
	return (double)((__int128)p->last_event_ns - p->first_event_ns) / p->speed;
}

void pace_next(struct pace *p, int64_t event_ns, int64_t now_ns)
{
	if (!p->begun || p->begin_anew) {
		p->start_ns = p->begun ? p->due_ns : now_ns;
		p->first_event_ns = p->last_event_ns = event_ns;
		p->begun = true;
		p->begin_anew = false;
	}
	double offset = offset_ns(p, event_ns);
	p->due_ns = p->start_ns + (offset < (double)FAR_NS ? (int64_t)offset : FAR_NS);
	p->n++;

	int64_t late_ns = now_ns - p->due_ns - PACE_BURST_NS;
	if (late_ns > 0) {
		p->start_ns += late_ns;
		p->due_ns += late_ns;
		p->put_off_ns += late_ns;
	}
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
