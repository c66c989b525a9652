/* The inside of struct fields, for scanners: a tree of member names, and a hash over its edges. */
#ifndef RECORD_FIELDS_IMPL_H
#define RECORD_FIELDS_IMPL_H

#include "lib/record/fields.h"

/* Slots that every set begins with, before those of fields_want: what makes a record a control
 * record. */
enum { SLOT_CONTROL, SLOT_SEQ, SLOT_SESSION, SLOTS_OWN };

#define NODE_NONE (-1)
#define NODE_ROOT 0

struct field_node {
	char *name;
	size_t len;
	int32_t parent;
	int32_t slot; /* counted with SLOTS_OWN; -1: not wanted itself */
	int32_t first_child, next_sibling;
	bool owned;
	bool column; /* of the output */
};

struct fields {
	struct field_node *nodes;
	size_t n_nodes, nodes_cap;
	int32_t *table; /* open addressing over (parent, name), a power of two, NODE_NONE where
			   empty */
	size_t table_size;
	char **paths; /* [n_slots], of the slots behind SLOTS_OWN */
	size_t n_slots, paths_cap;
};

/* The child of a node by its name, or NODE_NONE. */
int32_t fields_child(const struct fields *f, int32_t parent, const char *name, size_t len);

/* The node of a path, or NODE_NONE; *owned: the path lies at or below an owned member. */
int32_t fields_find(const struct fields *f, const struct path *p, bool *owned);

#endif
