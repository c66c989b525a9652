#include "lib/record/foreign.h"

#include <string.h>

/* What stands in a command that would read the file. */
static const char *operand(const char *name)
{
	return strcmp(name, "(stdin)") ? name : "FILE";
}

/* Eight bytes of length, little-endian, and the header, a JSON object. */
static int is_model(const char *p, size_t n)
{
	return n > 8 && !memcmp(p + 4, "\0\0\0", 4) && p[8] == '{';
}

int foreign_check(const char *p, size_t n, const char *name, struct error *err)
{
	static const struct {
		const char *magic, *what, *command;
	} forms[] = {
		{"\x1f\x8b", "compressed", "zcat"},
		{"\x28\xb5\x2f\xfd", "compressed", "zstdcat"},
		{"\xfd\x37zXZ", "compressed", "xzcat"},
		{"BZh91AY&SY", "compressed", "bzcat"},
		{"\xff\xfe", "UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8"},
		{"\xfe\xff", "UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8"},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t len = strlen(forms[i].magic);
		if (n >= len && !memcmp(p, forms[i].magic, len))
			return error_set(err, ERROR_DATA, "input is %s; try: %s %s", forms[i].what,
					 forms[i].command, operand(name));
	}
	if (n >= 4 && !memcmp(p, "PK\3\4", 4))
		return error_set(err, ERROR_DATA,
				 "input is a zip archive, as spreadsheets are, not CSV or JSON "
				 "Lines");
	if (is_model(p, n))
		return error_set(err, ERROR_DATA, "input is a model, not records");
	return 0;
}

static const char *skip(const char *p, const char *end, const char *what)
{
	while (p < end && strchr(what, *p) && *p)
		p++;
	return p;
}

int foreign_check_json(const char *p, size_t n, const char *name, struct error *err)
{
	const char *end = p + n, *rest = skip(p + 1, end, " \t\r");

	if (*p == '[')
		return error_set(err, ERROR_DATA,
				 "input is a JSON array, not one object a line; try: jq -c '.[]' "
				 "%s",
				 operand(name));
	if (*p != '{')
		return 0;
	if (rest < end && *rest != '\n')
		return 0;
	/* Of a line that is '{' alone and bad the next one is a record. */
	rest = skip(rest, end, " \t\r\n");
	if (rest == end)
		return 1;
	if (*rest == '"')
		return error_set(err, ERROR_DATA,
				 "input is JSON over several lines, not one object a line; try: "
				 "jq -c . %s",
				 operand(name));
	return 0;
}
