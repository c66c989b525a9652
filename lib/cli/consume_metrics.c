#include <stdio.h>
#include "lib/base/timestamp.h"
#include "lib/cli/consume_impl.h"
#include "lib/cli/message.h"

static int add_counts(struct consume *c, struct metrics *all, struct error *err)
{
	const struct consumer_counts n = consumer_counts(c->consumer);
	const struct metric metrics[] = {
		{"messages_total", "Messages read.", "counter", (double)n.messages},
		{"message_bytes_total", "Bytes of their values.", "counter", (double)n.bytes},
		{"records_rejected_total", "Bad records kept by --rejects.", "counter",
		 (double)c->intake.n_rejected},
		{"rebalances_total", "Assignments that the group has made.", "counter",
		 (double)n.rebalances},
		{"assignments_lost_total", "Those that were lost before they were given back.",
		 "counter", (double)n.lost},
		{"marks_total", "Marks written.", "counter", (double)c->n_marks},
		{"updated_timestamp_seconds", "When these figures were written.", "gauge",
		 (double)(timestamp_now() / NS_PER_SECOND)},
	};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		if (metrics_add(all, &metrics[i], NULL, 0, err))
			return -1;
	return 0;
}

static int add_lags(struct consume *c, struct metrics *all, struct error *err)
{
	const struct positions *p = consumer_positions(c->consumer);
	struct metric m = {"lag_messages", "Offsets between the position and the partition's end.",
			   "gauge", 0};
	char partition[16];

	for (size_t i = 0; i < p->n; i++) {
		const struct position *x = &p->items[i];
		const struct metric_label labels[] = {{"topic", x->topic},
						      {"partition", partition}};
		int64_t lag = consumer_lag(c->consumer, x);
		snprintf(partition, sizeof(partition), "%d", (int)x->partition);
		m.value = (double)lag;
		if (lag >= 0 && metrics_add(all, &m, labels, 2, err))
			return -1;
	}
	return 0;
}

int consume_write_metrics(struct consume *c, bool last, struct error *err)
{
	struct metrics all = METRICS_INIT;
	int ret;

	if (!c->consumer || !metrics_due(&c->metrics, last))
		return 0;
	ret = add_counts(c, &all, err) || add_lags(c, &all, err) ||
			      metrics_show_all(&c->metrics, &all, err)
		      ? -1
		      : 0;
	metrics_release(&all);
	return ret;
}
