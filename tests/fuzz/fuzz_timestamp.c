/* Timestamps, offsets, durations: no byte is read too far, and what is formatted reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	char *text = malloc(size ? size : 1), shown[TIMESTAMP_MAX];
	int64_t ns, back;
	int32_t offset_s;
	bool naive;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	if (timestamp_parse(text, size, 3600, &ns, &naive, &err) == 0) {
		size_t n = timestamp_format(shown, ns);

		/* The first millisecond of all begins before int64_t does. */
		if (ns > INT64_MIN + 1000000 &&
		    (timestamp_parse(shown, n, 0, &back, &naive, &err) < 0 || back > ns ||
		     ns - back >= 1000000 || naive))
			abort();
	}
	for (int unit = TIME_UNIT_AUTO; unit <= TIME_UNIT_NS; unit++)
		timestamp_from_number(text, size, (enum time_unit)unit, &ns, &err);
	if (timestamp_parse_offset(text, size, &offset_s, &err) == 0 && labs(offset_s) >= 86400)
		abort();
	if (duration_parse(text, size, &ns, &err) == 0 && ns <= 0)
		abort();
	free(text);
	return 0;
}
