/* Runs a fuzz target once over each file named: the corpus as a plain test, without libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include "lib/base/file.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	int i;

	for (i = 1; i < argc; i++) {
		b.len = 0;
		if (file_read(argv[i], SIZE_MAX, &b, &err) || buf_reserve(&b, 1, &err)) {
			fprintf(stderr, "replay: %s: %s\n", argv[i], err.what);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
	}
	buf_release(&b);
	return 0;
}
