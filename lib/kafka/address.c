#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "lib/base/number.h"
#include "lib/kafka/client.h"

#define NAME_MAX_LEN 253 /* RFC 1035, section 2.3.4, less the root */
#define LABEL_MAX_LEN 63
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* One address of a list: [p, end). */
struct address {
	const char *p, *end;
	struct error *err;
};

static int fail(const struct address *a, const char *why)
{
	int shown = a->end - a->p > 100 ? 100 : (int)(a->end - a->p);

	return error_set(a->err, ERROR_USAGE, "broker '%.*s': %s", shown, a->p, why);
}

static bool is_ip(int family, const char *p, size_t len)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN] = "";

	if (len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	return inet_pton(family, text, address) == 1;
}

/* In brackets, with the name of an interface behind a '%' or without. */
static int check_ipv6(const struct address *a, const char *p, size_t len)
{
	const char *zone = memchr(p, '%', len);
	size_t ip_len = zone ? (size_t)(zone - p) : len;

	if (!is_ip(AF_INET6, p, ip_len) ||
	    (zone &&
	     (ip_len + 1 == len || strspn(zone + 1, LETTERS DIGITS "-_.") < len - ip_len - 1)))
		return fail(a, "what is in brackets is no IPv6 address");
	return 0;
}

static int check_label(const struct address *a, const char *p, size_t len)
{
	if (!len || len > LABEL_MAX_LEN)
		return fail(a, "a part of the name is empty or longer than 63 characters");
	for (size_t i = 0; i < len; i++)
		if (!p[i] || !strchr(LETTERS DIGITS "-_", p[i]))
			return fail(a, "a name has letters, digits, '-', '_' and dots alone");
	if (p[0] == '-' || p[len - 1] == '-')
		return fail(a, "no part of a name begins or ends with '-'");
	return 0;
}

static int check_name(const struct address *a, const char *p, size_t len)
{
	const char *end = p + len, *label = p;

	if (!len)
		return fail(a, "it has no host");
	if (memchr(p, ':', len))
		return fail(a, "an IPv6 address stands in brackets, and one port behind it");
	if (len > 1 && end[-1] == '.')
		end--;
	if (end - p > NAME_MAX_LEN)
		return fail(a, "the name is longer than 253 characters");
	for (const char *dot; label <= end; label = dot + 1) {
		dot = memchr(label, '.', (size_t)(end - label));
		dot = dot ? dot : end;
		if (check_label(a, label, (size_t)(dot - label)))
			return -1;
		/* No name ends in a number. */
		if (dot == end && strspn(label, DIGITS) >= (size_t)(dot - label) &&
		    !is_ip(AF_INET, p, len))
			return fail(a, "it is no IPv4 address");
	}
	return 0;
}

static int check_port(const struct address *a, const char *p)
{
	int64_t port;

	if (number_read_int(p, a->end, &port) || port < 1 || port > 65535)
		return fail(a, "a port is a number from 1 to 65535");
	return 0;
}

/* Passes "PROTOCOL://". */
static int skip_protocol(const struct address *a, const char **p)
{
	static const char *const names[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};
	const char *mark = memmem(a->p, (size_t)(a->end - a->p), "://", 3);

	*p = mark ? mark + 3 : a->p;
	for (size_t i = 0; mark && i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == (size_t)(mark - a->p) &&
		    !strncasecmp(names[i], a->p, (size_t)(mark - a->p)))
			return 0;
	return mark ? fail(a, "its protocol is none of plaintext, ssl, sasl_plaintext, sasl_ssl")
		    : 0;
}

static int check_one(const struct address *a)
{
	const char *p, *host_end;

	if (skip_protocol(a, &p))
		return -1;
	if (p < a->end && *p == '[') {
		host_end = memchr(p, ']', (size_t)(a->end - p));
		if (!host_end)
			return fail(a, "'[' has no ']'");
		if (check_ipv6(a, p + 1, (size_t)(host_end - p - 1)))
			return -1;
		if (++host_end < a->end && *host_end != ':')
			return fail(a, "a ':' and a port may follow ']', and nothing else");
	} else {
		host_end = memrchr(p, ':', (size_t)(a->end - p));
		host_end = host_end ? host_end : a->end;
		if (check_name(a, p, (size_t)(host_end - p)))
			return -1;
	}
	return host_end < a->end ? check_port(a, host_end + 1) : 0;
}

int kafka_address_check(const char *text, struct error *err)
{
	struct address a = {.p = text, .err = err};

	for (;; a.p = a.end + 1) {
		const char *comma = strchrnul(a.p, ',');
		a.end = comma;
		while (a.p < a.end && *a.p == ' ')
			a.p++;
		while (a.p < a.end && a.end[-1] == ' ')
			a.end--;
		if (a.p == a.end)
			return error_set(err, ERROR_USAGE, "brokers '%s': one of them is empty",
					 text);
		if (check_one(&a))
			return -1;
		a.end = comma;
		if (!*comma)
			return 0;
	}
}
