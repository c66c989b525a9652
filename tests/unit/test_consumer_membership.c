/* What librdkafka tells of a group, taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/kafka/membership.h"
#include "tests/unit/alloc_fail.h"

/* The bytes for these; instance NULL: none. */
static struct buf write(int32_t generation, const char *member, const char *instance)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;
	const char null = !instance;

	assert_int_equal(buf_add_str(&b, "CGMDv2:", &err), 0);
	assert_int_equal(buf_add(&b, &generation, sizeof(generation), &err), 0);
	assert_int_equal(buf_add(&b, "group", sizeof("group"), &err), 0);
	assert_int_equal(buf_add(&b, member, strlen(member) + 1, &err), 0);
	assert_int_equal(buf_add(&b, &null, 1, &err), 0);
	if (instance)
		assert_int_equal(buf_add(&b, instance, strlen(instance) + 1, &err), 0);
	return b;
}

static void decoded(void **state)
{
	struct membership m = {.generation = -1};
	struct error err = ERROR_INIT;
	struct buf b = write(7, "rdkafka-1", NULL);

	(void)state;
	assert_false(membership_valid(&m));
	assert_int_equal(membership_decode(&m, b.data, b.len, &err), 0);
	assert_int_equal(m.generation, 7);
	assert_string_equal(m.member, "rdkafka-1");
	assert_null(m.instance);
	assert_true(membership_valid(&m));
	buf_release(&b);
	b = write(0, "x", "instance");
	assert_int_equal(membership_decode(&m, b.data, b.len, &err), 0);
	assert_int_equal(m.generation, 0);
	assert_string_equal(m.instance, "instance");
	assert_true(membership_valid(&m));
	buf_release(&b);
	membership_release(&m);
	assert_false(membership_valid(&m));
}

/* A broker takes commits of generation -1 without a member from anybody, and refuses the others. */
static void not_valid(void **state)
{
	static const struct {
		int32_t generation;
		const char *member;
	} cases[] = {{-1, ""}, {-1, "rdkafka-1"}, {3, ""}};
	struct membership m = {.generation = -1};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = write(cases[i].generation, cases[i].member, NULL);
		assert_int_equal(membership_decode(&m, b.data, b.len, &err), 0);
		assert_false(membership_valid(&m));
		buf_release(&b);
	}
	membership_release(&m);
}

/* Any other form is refused, each length cut short, and one byte more. */
static void unknown_form(void **state)
{
	struct membership m = {.generation = -1};
	struct error err = ERROR_INIT;

	(void)state;
	for (int with_instance = 0; with_instance < 2; with_instance++) {
		struct buf b = write(7, "member", with_instance ? "i" : NULL);
		for (size_t n = 0; n < b.len; n++) {
			err = (struct error)ERROR_INIT;
			assert_int_equal(membership_decode(&m, b.data, n, &err), -1);
			assert_int_equal(err.kind, ERROR_INTERNAL);
		}
		assert_int_equal(buf_add(&b, "x", 1, &err), 0);
		assert_int_equal(membership_decode(&m, b.data, b.len, &err), -1);
		b.len--;
		b.data[5] = '3';
		assert_int_equal(membership_decode(&m, b.data, b.len, &err), -1);
		assert_non_null(strstr(err.what, rd_kafka_version_str()));
		buf_release(&b);
	}
	membership_release(&m);
}

/* What this librdkafka writes is what is read here. */
static void of_this_library(void **state)
{
	rd_kafka_consumer_group_metadata_t *g =
		rd_kafka_consumer_group_metadata_new_with_genid("g", 41, "member", "instance");
	struct membership m = {.generation = -1};
	struct error err = ERROR_INIT;
	void *bytes;
	size_t len;

	(void)state;
	assert_null(rd_kafka_consumer_group_metadata_write(g, &bytes, &len));
	assert_int_equal(membership_decode(&m, bytes, len, &err), 0);
	assert_int_equal(m.generation, 41);
	assert_string_equal(m.member, "member");
	assert_string_equal(m.instance, "instance");
	rd_kafka_mem_free(NULL, bytes);
	rd_kafka_consumer_group_metadata_destroy(g);
	membership_release(&m);
}

static int decode(void *arg, struct error *err)
{
	const struct buf *b = arg;
	struct membership m = {.generation = -1};
	int ret = membership_decode(&m, b->data, b->len, err);

	membership_release(&m);
	return ret;
}

static void memory_runs_out(void **state)
{
	struct buf b = write(1, "m", "i");

	(void)state;
	assert_int_equal(alloc_fail_each(decode, &b), 2);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoded),         cmocka_unit_test(not_valid),
		cmocka_unit_test(unknown_form),    cmocka_unit_test(of_this_library),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
