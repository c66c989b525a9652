/*
 * Values of a JSON file that people write (rules, a profile), with the place of each at hand for
 * messages that name it: "signals.temperature.sd: must be a number from 0 to 1, not -1". Nodes
 * live on the stack and point to the one above; nothing is allocated. Functions that can fail
 * return -1 with an ERROR_CONFIG; long names and texts are cut in messages.
 */
#ifndef BASE_CONFIG_NODE_H
#define BASE_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "lib/base/error.h"

struct node {
	const json_t *json;
	const struct node *up; /* NULL: the whole file */
	const char *key;       /* of a member; NULL: an item */
	size_t index;          /* of an item, from 0 */
};

/* Returns -1. */
int node_fail(const struct node *n, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Fails with "must be WHAT, not (what it is)". */
int node_refuse(const struct node *n, const char *what, struct error *err);

/* A member that may be absent, or may not. The key stays the caller's. */
bool node_get(const struct node *up, const char *key, struct node *n);
int node_need(const struct node *up, const char *key, struct node *n, struct error *err);

/* Item i of an array, which has it. */
struct node node_item(const struct node *up, size_t i);

/* It is an object that has no members but those named (NULL-terminated; NULL: any). */
int node_object(const struct node *n, const char *const *known, struct error *err);

/* It is an array of at least one item. */
int node_array(const struct node *n, size_t *count, struct error *err);

/* A number in [low, high], both finite, or -INFINITY and INFINITY for any. */
int node_real(const struct node *n, double low, double high, double *x, struct error *err);

/* A number in [low, high] that is written without point and exponent. */
int node_count(const struct node *n, uint64_t low, uint64_t high, uint64_t *x, struct error *err);

int node_truth(const struct node *n, bool *x, struct error *err);

/* A string, which may be empty. *s is the file's. */
int node_text(const struct node *n, const char **s, struct error *err);

/* [low, high] within [lowest, highest], low <= high; one number stands for both. */
int node_range(const struct node *n, double lowest, double highest, double range[2],
	       struct error *err);

/* One of the names (NULL-terminated). */
int node_choice(const struct node *n, const char *const *names, unsigned *choice,
		struct error *err);

#endif
