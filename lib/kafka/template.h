/*
 * Texts made of a record's fields: keys and headers of messages.
 *
 * A template is text in which %{PATH} stands for a field's value and %% for a percent sign; within
 * the braces '\}' is a brace of a name, as other escapes are in paths (lib/record/fields.h). A
 * string gives its characters, a number and true and false their text as it is spelt: 1.0 and 1 are
 * two. A field that is missing, an object or an array has no text: ERROR_DATA.
 *
 * A list of paths gives one field's text as a template does; of several, the JSON array of their
 * values without white space, in which a string is spelt as json_add_text has it, however the
 * record spells it: ["zone-1",7]. Values that differ make arrays that differ, which a separator
 * could not promise.
 */
#ifndef KAFKA_TEMPLATE_H
#define KAFKA_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/fields.h"
#include "lib/record/scanner.h"

struct template
{
	const char *of; /* what it makes, for messages: "the key", "header 'site'" */
	struct template_piece {
		char *text; /* as it goes out; of a field its path */
		size_t len;
		bool field;
		size_t slot;
	} * pieces;
	size_t n, cap;
	bool array;
	struct buf string; /* of a value that gets quotes; reused */
};

/* t is overwritten; `of` is the caller's and stays. ERROR_USAGE: what is wrong, and at which byte,
 * counted from 1. */
int template_parse(struct template *t, const char *of, const char *text, struct error *err);

/* The same from "PATH[,PATH]"; a comma within a name is written '\,'. */
int template_parse_list(struct template *t, const char *of, const char *paths, struct error *err);

void template_release(struct template *t);

/* Asks for the fields. To be called once, before a scanner is made. */
int template_want(struct template *t, struct fields *fields, struct error *err);

/* Appends what a record's values make of it; on failure out is as it was. Not for several threads
 * at once. */
int template_render(struct template *t, const struct value *values, struct buf *out,
		    struct error *err);

#endif
