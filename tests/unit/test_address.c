/* Addresses of brokers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/kafka/client.h"

static void good(void **state)
{
	static const char *const all[] = {
		"localhost",
		"localhost:9092",
		"kafka-1.example.com:1,kafka_2:65535",
		"a:9092, b:9092 ,c",
		"10.0.0.1:9092",
		"xn--bcher-kva.example.",
		"3com.example",
		"[::1]:9092,[2001:db8::7]",
		"[fe80::1%eth0.2]:9092",
		"[::ffff:10.0.0.1]",
		"SASL_SSL://kafka:9093,plaintext://[::1]:9092,ssl://a",
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (kafka_address_check(all[i], &err))
			fail_msg("'%s': %s", all[i], err.what);
}

static void bad(void **state)
{
	static const char *const all[][2] = {
		{"", "brokers '': one of them is empty"},
		{" ", "one of them is empty"},
		{"a,", "brokers 'a,': one of them is empty"},
		{",a", "one of them is empty"},
		{"a,,b", "one of them is empty"},
		{"a,b:0", "broker 'b:0': a port"},
		{"a:65536", "a port"},
		{"a:", "a port"},
		{"a:x", "a port"},
		{"a:+1", "a port"},
		{"a:09", "a port"},
		{"a:9092x", "a port"},
		{":9092", "it has no host"},
		{"a b:1", "a name has letters"},
		{"a/b", "a name has letters"},
		{"b\xc3\xbc"
		 "cher",
		 "a name has letters"},
		{"a..b", "a part of the name is empty"},
		{".", "a part of the name is empty"},
		{".a", "a part of the name is empty"},
		{"a..", "a part of the name is empty"},
		{"-a", "begins or ends with '-'"},
		{"a-.b", "begins or ends with '-'"},
		{"256.0.0.1", "it is no IPv4 address"},
		{"10.0.0", "it is no IPv4 address"},
		{"10.0.0.1.:9092", "it is no IPv4 address"},
		{"9092", "it is no IPv4 address"},
		{"::1", "an IPv6 address stands in brackets"},
		{"a:1:2", "an IPv6 address stands in brackets"},
		{"[::1", "'[' has no ']'"},
		{"[]", "no IPv6 address"},
		{"[1.2.3.4]", "no IPv6 address"},
		{"[::1%]", "no IPv6 address"},
		{"[::1%a b]", "no IPv6 address"},
		{"[::g]", "no IPv6 address"},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "no IPv6 address"},
		{"[::1]9092", "a ':' and a port"},
		{"[::1]:", "a port"},
		{"http://a", "its protocol is none of"},
		{"://a", "its protocol is none of"},
		{"ssl://", "it has no host"},
		{"a,ssl://b:x", "broker 'ssl://b:x': a port"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct error err = ERROR_INIT;
		if (!kafka_address_check(all[i][0], &err))
			fail_msg("passes: '%s'", all[i][0]);
		assert_int_equal(err.kind, ERROR_USAGE);
		if (!strstr(err.what, all[i][1]))
			fail_msg("'%s': %s", all[i][0], err.what);
	}
}

static void long_names(void **state)
{
	struct error err = ERROR_INIT;
	char name[256 + 1];

	(void)state;
	memset(name, 'a', 256);
	name[256] = '\0';
	for (size_t i = 63; i < 256; i += 64)
		name[i] = '.';
	name[253] = '\0';
	assert_int_equal(kafka_address_check(name, &err), 0);
	name[253] = '.';
	name[254] = '\0';
	assert_int_equal(kafka_address_check(name, &err), 0);
	name[253] = 'a';
	assert_int_equal(kafka_address_check(name, &err), -1);
	assert_non_null(strstr(err.what, "longer than 253"));
	name[253] = '\0';
	name[63] = 'a';
	assert_int_equal(kafka_address_check(name, &err), -1);
	assert_non_null(strstr(err.what, "longer than 63"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
