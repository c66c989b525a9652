/* Kinds of option values that several programs take (OPTION_PARSE), with their words of refusal. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdbool.h>
#include "lib/base/error.h"

/* "auto", a whole number from 1 to 4294967295, or with a point a share in (0, 1]. */
struct amount {
	double value; /* 0: auto */
	bool share;
};

/* dest: struct amount. */
int parse_amount(const char *text, void *dest, struct error *err);

/* Bytes, with a suffix of K, M or G for powers of 1024: "512M". dest: uint64_t, at least 1. */
int parse_size(const char *text, void *dest, struct error *err);

#endif
