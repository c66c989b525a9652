/* The cluster in the process: what it is told, and what it tells of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/kafka/sandbox.h"
#include "tests/unit/alloc_fail.h"

static void topics(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sandbox_add_topics(&o, "sensor-data:6,scored", &err), 0);
	assert_int_equal(sandbox_add_topics(&o, "a.b_C-9:1000", &err), 0);
	assert_int_equal(o.n_topics, 3);
	assert_string_equal(o.topics[0].name, "sensor-data");
	assert_int_equal(o.topics[0].partitions, 6);
	assert_string_equal(o.topics[1].name, "scored");
	assert_int_equal(o.topics[1].partitions, SANDBOX_PARTITIONS);
	assert_int_equal(o.topics[2].partitions, 1000);
	sandbox_options_release(&o);
	assert_int_equal(o.n_topics, 0);
}

static void bad_topics(void **state)
{
	static const char *const bad[] = {"",     ":3",    ",",   "a,",  "a,,b",     ".",
					  "..",   "a b",   "a/b", "a:",  "a:0",      "a:1001",
					  "a:-1", "a:3:3", "a:x", "a,a", "\xc3\xa4", "a,b:4,a:4"};
	char text[252] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct sandbox_options o = SANDBOX_OPTIONS_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(sandbox_add_topics(&o, bad[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		sandbox_options_release(&o);
	}
	memset(text, 'x', 250);
	for (int longer = 1; longer >= 0; longer--, text[249] = '\0') {
		struct sandbox_options o = SANDBOX_OPTIONS_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(sandbox_add_topics(&o, text, &err), -longer);
		sandbox_options_release(&o);
	}
}

static void errors(void **state)
{
	static const struct {
		const char *text;
		struct sandbox_error e;
	} good[] = {
		{"Produce:NOT_LEADER_FOR_PARTITION", {0, 6, 1}},
		{"0:6:3", {0, 6, 3}},
		{"Fetch:OFFSET_OUT_OF_RANGE:10000", {1, 1, 10000}},
		{"InitProducerId:_TRANSPORT:2", {22, RD_KAFKA_RESP_ERR__TRANSPORT, 2}},
		{"ApiVersions:-1", {18, RD_KAFKA_RESP_ERR_UNKNOWN, 1}},
		{"28:UNSTABLE_OFFSET_COMMIT", {28, 88, 1}},
	};
	static const char *const bad[] = {"",
					  "Produce",
					  "Produce:",
					  ":6",
					  "Metadata:6",
					  "3:6",
					  "produce:6",
					  "Produce:0",
					  "Produce:_ALL",
					  "Produce:-186",
					  "Produce:6:",
					  "Produce:6:0",
					  "99:6",
					  "Produce:6:10001",
					  "Produce:6:1:1",
					  "Produce:NO",
					  "Produce:NO_ERROR"};
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(sandbox_add_error(&o, good[i].text, &err), 0);
		assert_int_equal(o.errors[i].api, good[i].e.api);
		assert_int_equal(o.errors[i].code, good[i].e.code);
		assert_int_equal(o.errors[i].count, good[i].e.count);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(sandbox_add_error(&o, bad[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
	assert_int_equal(o.n_errors, sizeof(good) / sizeof(*good));
	sandbox_options_release(&o);
}

/* Each name of the list is taken, and stands for a request of its own. */
static void listed_apis(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	char text[64];

	(void)state;
	for (const char *p = sandbox_error_apis; *p; p += strspn(p, ", ")) {
		size_t len = strcspn(p, ",");

		snprintf(text, sizeof(text), "%.*s:6", (int)len, p);
		assert_int_equal(sandbox_add_error(&o, text, &err), 0);
		p += len;
	}
	assert_int_equal(o.n_errors, 16);
	for (size_t i = 1; i < o.n_errors; i++)
		assert_true(o.errors[i].api > o.errors[i - 1].api);
	sandbox_options_release(&o);
}

static int add_all(void *arg, struct error *err)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	int ret = sandbox_add_topics(&o, "a:1,b:2", err) || sandbox_add_error(&o, "0:6:7", err);

	(void)arg;
	sandbox_options_release(&o);
	return ret ? -1 : 0;
}

static void no_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_fail_each(add_all, NULL), 4);
}

/* A client of the sandbox; transactional if id is not NULL. */
static rd_kafka_t *producer(const struct sandbox *s, const char *id)
{
	const char *const properties[][2] = {{"bootstrap.servers", sandbox_address(s)},
					     {"log_level", "0"},
					     {"linger.ms", "1"},
					     {"batch.size", "100000"},
					     {"retry.backoff.ms", "10"},
					     {"reconnect.backoff.ms", "10"},
					     {"reconnect.backoff.max.ms", "50"}};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		assert_int_equal(rd_kafka_conf_set(conf, properties[i][0], properties[i][1], why,
						   sizeof(why)),
				 RD_KAFKA_CONF_OK);
	if (id)
		rd_kafka_conf_set(conf, "transactional.id", id, why, sizeof(why));
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));

	assert_non_null(rk);
	return rk;
}

static void produce(rd_kafka_t *rk, const char *topic, int partition, size_t size, int n)
{
	char *value = calloc(1, size);

	for (int i = 0; i < n; i++)
		assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
						   RD_KAFKA_V_PARTITION(partition),
						   RD_KAFKA_V_VALUE(value, size),
						   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
						   RD_KAFKA_V_END),
				 0);
	free(value);
	assert_int_equal(rd_kafka_flush(rk, 10000), 0);
}

struct told {
	int n, partition;
	char topic[64];
	int64_t lost, produced;
};

static void tell(void *context, const char *topic, int partition, int64_t lost, int64_t produced)
{
	struct told *t = context;

	t->n++;
	t->partition = partition;
	t->lost = lost;
	t->produced = produced;
	snprintf(t->topic, sizeof(t->topic), "%s", topic);
}

/* One sandbox for all of this: ending one takes a second. */
static void life(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	struct told told = {0};
	const struct rd_kafka_metadata *answer;
	int64_t low, high;

	(void)state;
	o.brokers = 3;
	assert_int_equal(sandbox_add_topics(&o, "small:2,large:3", &err), 0);
	struct sandbox *s = sandbox_start(&o, &err);

	sandbox_options_release(&o);
	assert_non_null(s);
	int port[3], end = 0;

	assert_int_equal(sscanf(sandbox_address(s), "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d%n",
				&port[0], &port[1], &port[2], &end),
			 3);
	assert_int_equal(strlen(sandbox_address(s)), end);

	rd_kafka_t *rk = producer(s, NULL);

	produce(rk, "small", 1, 100, 10);
	produce(rk, "large", 0, 1000, 5000); /* 4.8 MiB */
	assert_int_equal(sandbox_losses(s, tell, &told, &err), 0);
	produce(rk, "large", 2, 1000, 6000); /* 5.7 MiB */
	assert_int_equal(sandbox_losses(s, tell, &told, &err), 1);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.topic, "large");
	assert_int_equal(told.partition, 2);
	assert_int_equal(told.produced, 6000);
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, "large", 2, &low, &high, 10000), 0);
	assert_true(low > 0 && low == told.lost && high == 6000);

	/* Away, nobody gets an answer; back, all is there. */
	assert_int_equal(sandbox_set_up(s, false, &err), 0);
	assert_int_equal(sandbox_set_up(s, false, &err), 0);
	assert_int_not_equal(rd_kafka_metadata(rk, 0, NULL, &answer, 100), 0);
	assert_int_equal(sandbox_set_up(s, true, &err), 0);
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, "small", 1, &low, &high, 10000), 0);
	assert_int_equal(high, 10);
	rd_kafka_destroy(rk);

	assert_false(sandbox_transactions(s));
	rk = producer(s, "x");
	assert_null(rd_kafka_init_transactions(rk, 10000));
	assert_null(rd_kafka_begin_transaction(rk));
	assert_false(sandbox_transactions(s));
	produce(rk, "small", 0, 1, 1);
	assert_true(sandbox_transactions(s));
	assert_null(rd_kafka_abort_transaction(rk, 10000));
	rd_kafka_destroy(rk);
	sandbox_stop(s);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Errors are given out in their order, then no more; sandbox_losses ends what is left, and latency.
 */
static void faults(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	int64_t low, high;

	(void)state;
	o.latency_ms = 50;
	assert_int_equal(sandbox_add_topics(&o, "t:1", &err), 0);
	assert_int_equal(sandbox_add_error(&o, "ListOffsets:TOPIC_AUTHORIZATION_FAILED:2", &err),
			 0);
	assert_int_equal(sandbox_add_error(&o, "ListOffsets:CLUSTER_AUTHORIZATION_FAILED:9", &err),
			 0);
	struct sandbox *s = sandbox_start(&o, &err);

	sandbox_options_release(&o);
	assert_non_null(s);
	rd_kafka_t *rk = producer(s, NULL);

	/* A query is two requests. */
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, "t", 0, &low, &high, 10000),
			 RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, "t", 0, &low, &high, 10000),
			 RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	double start = now_s();

	rd_kafka_query_watermark_offsets(rk, "t", 0, &low, &high, 10000);
	assert_true(now_s() - start >= 0.05);
	assert_int_equal(sandbox_losses(s, tell, NULL, &err), 0);
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, "t", 0, &low, &high, 10000), 0);
	rd_kafka_destroy(rk);
	sandbox_stop(s);
}

static void nothing_to_stop(void **state)
{
	(void)state;
	sandbox_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics),    cmocka_unit_test(bad_topics),
		cmocka_unit_test(errors),    cmocka_unit_test(listed_apis),
		cmocka_unit_test(no_memory), cmocka_unit_test(life),
		cmocka_unit_test(faults),    cmocka_unit_test(nothing_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
