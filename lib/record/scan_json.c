#include <string.h>
#include "lib/record/scanner_impl.h"

#define SHAPE_MAX 16384 /* members foreseen */
#define SHAPE_TEXT_MAX (1 << 20)
#define SHAPE_AHEAD 16 /* members that may be missing and yet the next is foreseen */

/* The scan of one line: an object known by the field tree is open, `node`, `depth` deep. */
struct json_scan {
	struct scan c;
	struct scanner *s;
	struct record *rec;
	const struct field_node *nodes;
	const char *p;
	int32_t node;
	int depth;
	bool first;       /* no member of the open object was seen yet */
	size_t next;      /* the shape entry foreseen */
	bool kept;        /* a member of the record stays */
	bool cutting;     /* the member being read is owned */
	const char *lead; /* while no member stays: where the cuts reach so far */
};

static inline bool foreseen(const struct json_scan *j, const struct shape_entry *x)
{
	uint64_t head;

	if (x->parent != j->node || x->first != j->first)
		return false;
	memcpy(&head, j->p, sizeof(head)); /* blocks are padded */
	if ((head ^ x->head) & x->mask || (size_t)(j->c.end - j->p) < x->len)
		return false;
	return x->len <= sizeof(head) ||
	       !memcmp(j->p + 8, j->s->shape_text.data + x->at + 8, x->len - 8);
}

/* Remembers that the bytes [from, to) lead to a member. Without room it is not remembered. */
static int learn(struct json_scan *j, const char *from, const char *comma, const char *to,
		 int32_t node)
{
	struct scanner *s = j->s;
	size_t len = (size_t)(to - from);

	if (s->n_shape >= SHAPE_MAX || s->shape_text.len + len > SHAPE_TEXT_MAX)
		return 0;
	if (MEM_GROW(&s->shape, &s->shape_cap, s->n_shape + 1, j->c.err))
		return -1;
	struct shape_entry *x = &s->shape[s->n_shape];
	*x = (struct shape_entry){.at = (uint32_t)s->shape_text.len,
				  .len = (uint32_t)len,
				  .comma = (uint32_t)(comma - from),
				  .parent = j->node,
				  .node = node,
				  .first = j->first};
	memcpy(&x->head, from, len < 8 ? len : 8);
	memset(&x->mask, 0xff, len < 8 ? len : 8);
	if (buf_add(&s->shape_text, from, len, j->c.err))
		return -1;
	j->next = ++s->n_shape;
	return 0;
}

/* The child of a name with escapes; half a surrogate pair is in no field's name. -2 on failure. */
static int32_t escaped_child(struct json_scan *j, const char *name, const char *end)
{
	struct value v = {.text = name, .len = (size_t)(end - name), .kind = VALUE_STRING};
	struct buf *b = &j->s->name;

	b->len = 0;
	if (value_string(&v, b, j->c.err))
		return j->c.err->kind == ERROR_DATA ? NODE_NONE : -2;
	return fields_child(j->s->fields, j->node, b->data ? b->data : "", b->len);
}

/*
 * Passes over comma, name and colon. 1 with the member's node (NODE_NONE: nobody's), 0 when the
 * object closes here, -1.
 */
static int member(struct json_scan *j, int32_t *node, const char **comma)
{
	struct scanner *s = j->s;
	const char *p = scan_space(j->p, j->c.end), *name;
	bool escaped;

	for (size_t i = j->next; i < s->n_shape && i < j->next + SHAPE_AHEAD; i++) {
		const struct shape_entry *x = &s->shape[i];
		if (foreseen(j, x)) {
			*node = x->node;
			*comma = j->p + x->comma;
			j->p += x->len;
			if ((unsigned char)*j->p <= ' ')
				j->p = scan_space(j->p, j->c.end);
			j->next = i + 1;
			return 1;
		}
	}
	if (p < j->c.end && *p == '}') {
		j->p = p;
		return 0;
	}
	*comma = p;
	if (!j->first) {
		if (p >= j->c.end || *p != ',') {
			scan_fail(&j->c, p,
				  p >= j->c.end ? "line ends inside an object"
						: "expected ',' or '}' behind a value");
			return -1;
		}
		p = scan_space(p + 1, j->c.end);
	}
	if (p >= j->c.end || *p != '"') {
		scan_fail(&j->c, p,
			  p >= j->c.end ? "line ends inside an object"
					: "expected a member name in quotes");
		return -1;
	}
	name = p;
	if (!(p = scan_string(&j->c, p, &escaped)))
		return -1;
	*node = escaped ? escaped_child(j, name, p)
			: fields_child(s->fields, j->node, name + 1, (size_t)(p - name) - 2);
	if (*node < NODE_NONE)
		return -1;
	p = scan_space(p, j->c.end);
	if (p >= j->c.end || *p != ':') {
		scan_fail(&j->c, p, "expected ':' behind a member name");
		return -1;
	}
	p = scan_space(p + 1, j->c.end);
	s->missed++;
	if (j->next == s->n_shape && learn(j, j->p, *comma, p, *node))
		return -1;
	j->p = p;
	return 1;
}

/* A duplicate of an object (or a scalar in its place): only the last one counts. */
static void forget_below(struct json_scan *j, int32_t node)
{
	const struct field_node *nodes = j->nodes;

	for (int32_t n = nodes[node].first_child; n != NODE_NONE; n = nodes[n].next_sibling) {
		if (nodes[n].slot >= 0)
			j->s->values[nodes[n].slot].kind = VALUE_ABSENT;
		j->s->seen[n] = 0;
		forget_below(j, n);
	}
}

/* A member of the record itself: does it stay? The comma before the first that stays belongs to the
 * last cut. */
static int top_member(struct json_scan *j, int32_t node, const char *from, const char *comma)
{
	struct scanner *s = j->s;

	if (s->n_cuts && !j->kept)
		s->cuts[s->n_cuts - 1].to = (uint32_t)(comma + 1 - j->c.line);
	j->cutting = node != NODE_NONE && j->nodes[node].owned;
	if (j->cutting)
		return scan_cut(s, j->rec,
				j->kept     ? comma
				: s->n_cuts ? comma + 1
					    : from,
				j->c.err);
	j->kept = true;
	return 0;
}

static inline void value_done(struct json_scan *j)
{
	if (j->node == NODE_ROOT && j->cutting)
		j->s->cuts[j->s->n_cuts - 1].to = (uint32_t)(j->p - j->c.line);
}

/* Closes the open object at its '}': 1 while another is open, 0 when it was the record. */
static int close_object(struct json_scan *j)
{
	const struct field_node *n = &j->nodes[j->node];

	if (j->node == NODE_ROOT)
		return 0;
	j->p++;
	if (n->slot >= 0) {
		struct value *v = &j->s->values[n->slot];
		v->len = (size_t)(j->p - v->text);
	}
	j->node = n->parent;
	j->depth--;
	j->first = false;
	value_done(j);
	return 1;
}

/* Reads the value of a member that the field tree knows. */
static int known_value(struct json_scan *j, int32_t node)
{
	const struct field_node *n = &j->nodes[node];
	struct scanner *s = j->s;
	struct value *v = n->slot >= 0 ? &s->values[n->slot] : NULL;

	if (n->first_child == NODE_NONE) {
		j->p = v ? scan_value(&j->c, j->p, j->depth, v) : scan_skip(&j->c, j->p, j->depth);
		if (!j->p)
			return -1;
		value_done(j);
		return 0;
	}
	if (s->seen[node] == s->stamp)
		forget_below(j, node);
	s->seen[node] = s->stamp;
	if (j->p >= j->c.end || *j->p != '{') {
		struct value ignored;
		if (!(j->p = scan_value(&j->c, j->p, j->depth, v ? v : &ignored)))
			return -1;
		value_done(j);
		return 0;
	}
	if (j->depth == SCAN_DEPTH_MAX) {
		scan_fail(&j->c, j->p, "nested deeper than %d", SCAN_DEPTH_MAX);
		return -1;
	}
	if (v)
		*v = (struct value){.text = j->p, .kind = VALUE_OBJECT};
	j->p++;
	j->node = node;
	j->depth++;
	j->first = true;
	return 0;
}

/* Whether the output has a place for the member read from `from` on, whose value comes next. If
 * not, the name is remembered: a control record may have any members. */
static void judge_member(struct json_scan *j, const char *from, int32_t node)
{
	const struct field_node *n = node == NODE_NONE ? NULL : &j->nodes[node];
	bool inner = n && n->first_child != NODE_NONE;

	if (j->cutting || j->s->unknown || (n && n->column) || (inner && *j->p == '{') ||
	    (inner && (size_t)(j->c.end - j->p) >= 4 && !memcmp(j->p, "null", 4)))
		return;
	j->s->unknown = memchr(from, '"', (size_t)(j->p - from));
}

static int scan_members(struct json_scan *j)
{
	for (;;) {
		int32_t node = NODE_NONE;
		const char *from = j->p, *comma = NULL;
		int ret = member(j, &node, &comma);
		if (ret < 0)
			return -1;
		if (!ret) {
			if (!close_object(j))
				return 0;
			continue;
		}
		if (j->node == NODE_ROOT && top_member(j, node, from, comma))
			return -1;
		j->first = false;
		if (j->s->refuse_unknown)
			judge_member(j, from, node);
		if (node != NODE_NONE) {
			if (known_value(j, node))
				return -1;
		} else {
			if (!(j->p = scan_skip(&j->c, j->p, j->depth)))
				return -1;
			value_done(j);
		}
	}
}

/* When many members came unforeseen for several records, what is foreseen is learned anew. */
static void judge_shape(struct scanner *s)
{
	bool many = s->missed > 4 && s->missed > s->n_shape / 8;

	s->missed_records = many ? s->missed_records + 1 : 0;
	if (s->missed_records >= 4) {
		s->n_shape = 0;
		s->shape_text.len = 0;
		s->missed_records = 0;
	}
}

int scan_json(struct scanner *s, struct record *rec, struct error *err)
{
	const char *line = rec->text, *end = line + rec->len;
	struct json_scan j = {
		.c = {.line = line, .end = end, .err = err},
		.s = s,
		.rec = rec,
		.nodes = s->fields->nodes,
		.node = NODE_ROOT,
		.depth = 1,
		.first = true,
	};

	j.p = scan_space(line, end);
	if (j.p >= end || *j.p != '{') {
		scan_fail(&j.c, j.p, "a record must be a JSON object");
		return -1;
	}
	j.p++;
	s->missed = 0;
	s->unknown = NULL;
	if (scan_members(&j))
		return -1;
	rec->close = (uint32_t)(j.p - line);
	rec->empty = !j.kept;
	j.p = scan_space(j.p + 1, end);
	if (j.p < end) {
		scan_fail(&j.c, j.p, "text behind the record's end");
		return -1;
	}
	judge_shape(s);
	return 0;
}
