/*
 * Addresses of brokers and start offsets: what passes is what it must be, and a list passes when
 * all of its parts do.
 */
#include <arpa/inet.h>
#include "lib/base/number.h"
#include "lib/kafka/client.h"
#include "lib/kafka/start_offset.h"
#include "tests/fuzz/text.h"

static bool passes(const char *text)
{
	struct error err = ERROR_INIT;
	bool ok = !kafka_address_check(text, &err);

	CHECK(ok || (err.kind == ERROR_USAGE && !strncmp(err.what, "broker", 6)));
	return ok;
}

/* One address that passed, blanks around it gone. */
static void check_one(char *text)
{
	char *scheme = strstr(text, "://"), *host = scheme ? scheme + 3 : text;
	unsigned char ip[16];
	int64_t number;

	CHECK(*host && !strpbrk(host, ", /\t\n"));
	if (*host == '[') {
		char *end = strchr(host, ']');
		CHECK(end && (!end[1] || (end[1] == ':' && end[2])));
		host[1 + strcspn(host + 1, "%]")] = '\0';
		CHECK(inet_pton(AF_INET6, host + 1, ip) == 1);
		return;
	}
	char *port = strchr(host, ':');
	CHECK(!port || (!number_read_int(port + 1, port + strlen(port), &number) && number > 0 &&
			number <= 65535));
	if (port)
		*port = '\0';
	CHECK(*host && strlen(host) <= 254);
	for (const char *p = host; *p; p++)
		CHECK(strchr("-_.", *p) || (*p >= '0' && *p <= '9') ||
		      ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'));
	if (strspn(host, "0123456789.") == strlen(host))
		CHECK(inet_pton(AF_INET, host, ip) == 1);
}

static void check_list(const char *text)
{
	bool all = true, whole = passes(text);

	for (const char *p = text;; p++) {
		const char *end = strchrnul(p, ',');
		char *part = strndup(p, (size_t)(end - p));
		CHECK(part);
		all &= passes(part);
		if (whole) {
			char *from = part + strspn(part, " ");
			from[strcspn(from, " ")] = '\0';
			check_one(from);
		}
		free(part);
		p = end;
		if (!*p)
			break;
	}
	CHECK(whole == all);
}

static void check_start(const char *text)
{
	struct error err = ERROR_INIT;
	struct start_offset s;

	if (start_offset_parse(&s, text, &err)) {
		CHECK(err.kind == ERROR_USAGE && err.what[0]);
		return;
	}
	CHECK(s.n >= 0 && (s.kind >= START_OFFSET || !s.n));
	CHECK((s.kind == START_LAST) == (text[0] == '-'));
	CHECK((s.kind == START_TIME) == !strncmp(text, "s@", 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	check_list(text);
	check_start(text);
	free(text);
	return 0;
}
