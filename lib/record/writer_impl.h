/* The inside of struct writer, shared by records passed through and records made anew. */
#ifndef RECORD_WRITER_IMPL_H
#define RECORD_WRITER_IMPL_H

#include "lib/record/writer.h"

/* A member of a record made anew: a field of the input, or an object of further members. */
struct member {
	char *prefix; /* "name": with the quotes and colon */
	size_t prefix_len;
	char *name; /* without escapes */
	size_t name_len;
	int slot; /* -1: an object */
	struct member *members;
	size_t n, cap;
};

struct writer {
	enum record_format from, to;
	bool anew;
	struct member root;
	struct buf header;
	int *slots; /* CSV made anew: of the columns */
	size_t n_slots, n_added;
	char **prefix; /* [n_added] JSON: what stands before each added value */
	size_t *prefix_len;
	char *open; /* JSON: what opens the object of added fields, or "" */
	bool object;
};

void member_release(struct member *m);

/* Takes a path of the input as the next column: its slot, and its place in the tree of members. */
int anew_add_column(struct writer *w, const char *column, struct fields *fields, struct error *err);

/* A record made anew, up to where fields are added: without its closing brace or line end. *empty:
 * it has no member or cell. */
int anew_json(const struct writer *w, const struct record *rec, struct buf *out, bool *empty,
	      struct error *err);
int anew_csv(const struct writer *w, const struct record *rec, struct buf *out, bool *empty,
	     struct error *err);

#endif
