#include "lib/base/timestamp.h"
#include "lib/cli/consume_impl.h"
#include "lib/cli/message.h"
#include "lib/cli/metrics.h"

#define EVERY_NS (5 * NS_PER_SECOND)

void consume_write_metrics(struct consume *c, bool last)
{
	const char *path = c->options->stream.metrics;
	struct consumer_counts n = {0};
	struct error err = ERROR_INIT;

	(void)last;
	c->metrics_ns = consume_now_ns() + EVERY_NS;
	if (!path)
		return;
	if (c->consumer)
		n = consumer_counts(c->consumer);
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

	if (metrics_write(path, metrics, sizeof(metrics) / sizeof(*metrics), &err))
		message_error(&err);
}
