#include "lib/cli/parse.h"

#include <stdint.h>
#include <string.h>
#include "lib/base/number.h"

int parse_amount(const char *text, void *dest, struct error *err)
{
	struct amount *a = dest;
	const char *end = text + strlen(text);
	unsigned flags = 0;

	*a = (struct amount){0};
	if (!strcmp(text, "auto"))
		return 0;
	if (number_read(text, end, &a->value, &flags) != end || !(a->value > 0) ||
	    a->value > UINT32_MAX || (!(flags & NUMBER_INTEGER) && a->value > 1))
		return error_set(
			err, ERROR_USAGE,
			"takes auto, a whole number from 1, or a share like 0.5 up to 1.0, "
			"not '%s'",
			text);
	a->share = !(flags & NUMBER_INTEGER);
	return 0;
}

int parse_size(const char *text, void *dest, struct error *err)
{
	static const char suffixes[] = "KMG";
	size_t len = strlen(text);
	const char *suffix = len ? strchr(suffixes, text[len - 1]) : NULL;
	int shift = suffix ? 10 * (int)(suffix - suffixes + 1) : 0;
	int64_t n;

	if (number_read_int(text, text + len - (suffix != NULL), &n) || n <= 0 ||
	    n > INT64_MAX >> shift)
		return error_set(err, ERROR_USAGE,
				 "takes bytes, as in 1073741824, 512M or 2G, not '%s'", text);
	*(uint64_t *)dest = (uint64_t)n << shift;
	return 0;
}
