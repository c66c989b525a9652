/* Properties from users into librdkafka's configuration, and its errors in our terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/kafka/client.h"
#include "tests/unit/alloc_fail.h"

static void properties(void **state)
{
	struct kafka_options o = KAFKA_OPTIONS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(kafka_option(&o, "a"));
	assert_int_equal(kafka_add_property(&o, "a=1", "option '-X'", &err), 0);
	assert_int_equal(kafka_add_property(&o, " topic.b = x = y ", "option '-X'", &err), 0);
	assert_int_equal(kafka_add_property(&o, "a=", "option '-X'", &err), 0);
	assert_string_equal(kafka_option(&o, "a"), "");
	assert_string_equal(kafka_option(&o, "b"), "x = y");
	assert_int_equal(kafka_add_property(&o, "topic.metadata.refresh.interval.ms=7", "", &err),
			 0);
	assert_string_equal(kafka_option(&o, "topic.metadata.refresh.interval.ms"), "7");
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"a", "=1", ""};
		assert_int_equal(kafka_add_property(&o, bad[i], "", &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
	assert_int_equal(o.n, 4);
	/* A secret is not repeated. */
	assert_int_equal(kafka_add_property(&o, "sasl.password hunter2", "", &err), -1);
	assert_string_equal(err.what, "'sasl.password...' is not NAME=VALUE");
	assert_int_equal(kafka_add_property(&o, " =hunter2", "", &err), -1);
	assert_string_equal(err.what, "'...' is not NAME=VALUE");
	kafka_options_release(&o);
	assert_int_equal(o.n, 0);
}

/* A file of this text; its path is good until the next call. */
static const char *file_of(const char *text)
{
	static char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/test_kafka_client.XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static void files(void **state)
{
	struct kafka_options o = KAFKA_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	const char *path = file_of("# a=0\n\n  a = 1 \r\nb=2 # 3\nc=4");
	char place[80];

	(void)state;
	assert_int_equal(kafka_add_file(&o, path, &err), 0);
	assert_int_equal(o.n, 3);
	assert_string_equal(kafka_option(&o, "a"), "1");
	assert_string_equal(kafka_option(&o, "b"), "2 # 3");
	assert_string_equal(kafka_option(&o, "c"), "4");
	snprintf(place, sizeof(place), "%s:4", path);
	assert_string_equal(o.properties[1].place, place);
	unlink(path);
	assert_int_equal(kafka_add_file(&o, path, &err), -1);
	assert_int_equal(err.kind, ERROR_NO_INPUT);
	path = file_of("a=1\nb\n");
	assert_int_equal(kafka_add_file(&o, path, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	snprintf(place, sizeof(place), "%s:2: 'b' is not NAME=VALUE", path);
	assert_string_equal(err.what, place);
	unlink(path);
	kafka_options_release(&o);
}

static const struct kafka_setting settings[] = {
	{"linger.ms", "10", NULL},
	{"acks", "all", "all must have it"},
	{"enable.idempotence", "true", "twice is too often"},
	{NULL, NULL, NULL},
};

/* What a property is after these options ("a=1", or two of them), or the error. */
static const char *configured(const char *name, const char *first, const char *second)
{
	static char value[600];
	struct kafka_options o = KAFKA_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	size_t size = sizeof(value);

	o.brokers = "host:1";
	if (first)
		assert_int_equal(kafka_add_property(&o, first, "option '-X'", &err), 0);
	if (second)
		assert_int_equal(kafka_add_property(&o, second, "x.conf:9", &err), 0);
	rd_kafka_conf_t *conf = kafka_conf_new(&o, settings, &err);
	if (conf) {
		assert_int_equal(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
		rd_kafka_conf_destroy(conf);
	} else {
		assert_int_equal(err.kind, ERROR_USAGE);
		snprintf(value, sizeof(value), "%s", err.what);
	}
	kafka_options_release(&o);
	return value;
}

static void the_users_word_counts(void **state)
{
	(void)state;
	assert_string_equal(configured("linger.ms", NULL, NULL), "10");
	assert_string_equal(configured("linger.ms", "linger.ms=5", NULL), "5");
	assert_string_equal(configured("linger.ms", "queue.buffering.max.ms=5", NULL), "5");
	assert_string_equal(configured("linger.ms", "linger.ms=5", "linger.ms=6"), "6");
	assert_string_equal(configured("bootstrap.servers", NULL, NULL), "host:1");
	assert_string_equal(configured("bootstrap.servers", "bootstrap.servers=b", NULL), "host:1");
}

static void but_where_the_program_insists(void **state)
{
	(void)state;
	/* The same in other words, and under another name. */
	assert_string_equal(configured("acks", "acks=-1", NULL), "-1");
	assert_string_equal(configured("acks", "request.required.acks=all", NULL), "-1");
	assert_string_equal(configured("acks", "acks=1", NULL),
			    "option '-X': 'acks' must be all here: all must have it");
	assert_string_equal(configured("acks", NULL, "request.required.acks=1"),
			    "x.conf:9: 'request.required.acks' must be all here: all must have it");
	assert_string_equal(configured("acks", "linger.ms=1", "enable.idempotence=false"),
			    "x.conf:9: 'enable.idempotence' must be true here: "
			    "twice is too often");
}

static void what_librdkafka_does_not_take(void **state)
{
	(void)state;
	assert_string_equal(configured("acks", "no.such=1", NULL),
			    "option '-X': librdkafka has no property 'no.such'");
	assert_non_null(strstr(configured("acks", NULL, "linger.ms=soon"), "x.conf:9: "));
	assert_non_null(strstr(configured("acks", NULL, "linger.ms=soon"), "nvalid"));
}

static void kinds_of_errors(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR__TRANSPORT, true), ERROR_UNAVAILABLE);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR__TRANSPORT, false), ERROR_RETRY);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, false), ERROR_RETRY);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR__AUTHENTICATION, true), ERROR_CONFIG);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, false),
			 ERROR_CONFIG);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, false), ERROR_DATA);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, false), ERROR_DATA);
	assert_int_equal(kafka_error_kind(RD_KAFKA_RESP_ERR__FENCED, true), ERROR_RETRY);
	assert_int_equal(
		kafka_error(&err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, true, "topic '%s'", "t"), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_string_equal(err.what, "topic 't': Local: Timed out");
	kafka_error(&err, RD_KAFKA_RESP_ERR__TIMED_OUT, "late", false, "it");
	assert_string_equal(err.what, "it: late");
}

static void the_last_reason(void **state)
{
	struct error err = ERROR_INIT;
	struct kafka_reasons *r = kafka_reasons_new(&err);
	char text[100];

	(void)state;
	assert_non_null(r);
	assert_int_equal(kafka_reasons_last(r, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	kafka_reasons_note(r, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
	assert_int_equal(kafka_reasons_last(r, text, sizeof(text)),
			 RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN);
	kafka_reasons_note(r, RD_KAFKA_RESP_ERR__TRANSPORT,
			   "h:1: refused (after 0ms in state CONNECT)");
	kafka_reasons_note(r, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
	assert_int_equal(kafka_reasons_last(r, text, sizeof(text)), RD_KAFKA_RESP_ERR__TRANSPORT);
	assert_string_equal(text, "h:1: refused");
	assert_int_equal(kafka_reasons_last(r, text, 4), RD_KAFKA_RESP_ERR__TRANSPORT);
	assert_string_equal(text, "h:1");
	kafka_reasons_free(r);
	kafka_reasons_free(NULL);
}

static void nobody_answers(void **state)
{
	struct kafka_options o = {.brokers = "127.0.0.1:1"};
	struct kafka_reach reach = {.timeout_ms = 150};
	struct error err = ERROR_INIT;
	struct kafka_reasons *r = kafka_reasons_new(&err);
	const rd_kafka_metadata_t *metadata = NULL;
	char why[200];
	rd_kafka_conf_t *conf = kafka_conf_new(&o, settings, &err);

	(void)state;
	assert_non_null(conf);
	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	assert_non_null(rk);
	assert_int_equal(kafka_reach(rk, &reach, r, &metadata, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_string_equal(err.what, "no broker of '127.0.0.1:1' answers within 0.15 s");
	assert_null(metadata);
	rd_kafka_destroy(rk);
	kafka_reasons_free(r);
}

static int add_two(void *arg, struct error *err)
{
	struct kafka_options o = KAFKA_OPTIONS_INIT;
	int ret = kafka_add_file(&o, arg, err) || kafka_add_property(&o, "b=2", "-X", err);

	kafka_options_release(&o);
	return ret ? -1 : 0;
}

static void survives_any_failed_allocation(void **state)
{
	const char *path = file_of("a=1\n");

	(void)state;
	assert_true(alloc_fail_each(add_two, (void *)(uintptr_t)path) > 5);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(properties),
		cmocka_unit_test(files),
		cmocka_unit_test(the_users_word_counts),
		cmocka_unit_test(but_where_the_program_insists),
		cmocka_unit_test(what_librdkafka_does_not_take),
		cmocka_unit_test(kinds_of_errors),
		cmocka_unit_test(the_last_reason),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(survives_any_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
