#include "lib/record/fields_impl.h"

#include <stdlib.h>
#include <string.h>

#define PATH_PARTS_MAX 64

void path_release(struct path *p)
{
	free(p->parts);
	free(p->storage);
	*p = (struct path){0};
}

int path_parse(struct path *p, const char *text, size_t len, struct error *err)
{
	*p = (struct path){0};
	p->storage = mem_alloc(len + 1, 1, err);
	p->parts = mem_alloc(PATH_PARTS_MAX, sizeof(*p->parts), err);
	if (!p->storage || !p->parts)
		goto fail;
	char *to = p->storage, *part = to;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] == '\\') {
			if (++i == len) {
				error_set(err, ERROR_USAGE, "field path '%.*s' ends in a backslash",
					  (int)len, text);
				goto fail;
			}
			*to++ = text[i];
		} else if (i < len && text[i] != '.') {
			*to++ = text[i];
		} else if (to == part) {
			error_set(err, ERROR_USAGE, "field path '%.*s' has an empty name in it%s",
				  (int)len, text,
				  len ? " (a dot within a name is written '\\.')" : "");
			goto fail;
		} else if (p->n == PATH_PARTS_MAX) {
			error_set(err, ERROR_USAGE, "field path '%.*s' has more than %d parts",
				  (int)len, text, PATH_PARTS_MAX);
			goto fail;
		} else {
			p->parts[p->n].name = part;
			p->parts[p->n++].len = (size_t)(to - part);
			part = to;
		}
	}
	return 0;
fail:
	path_release(p);
	return -1;
}

int path_append(struct buf *b, const char *name, size_t len, struct error *err)
{
	if (buf_reserve(b, 2 * len + 1, err))
		return -1;
	if (b->len)
		b->data[b->len++] = '.';
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.' || name[i] == '\\')
			b->data[b->len++] = '\\';
		b->data[b->len++] = name[i];
	}
	return 0;
}

bool path_matches(const char *pattern, const char *path)
{
	/* The last '*' met, and the text it may yet swallow: the usual linear glob. */
	const char *star = NULL, *retry = NULL;

	while (*path) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = path;
		} else if (*pattern == *path) {
			if (*pattern == '\\' && pattern[1] && pattern[1] == path[1]) {
				pattern++;
				path++;
			}
			pattern++;
			path++;
		} else if (star && *retry != '.') {
			/* an escaped dot belongs to the part */
			retry += *retry == '\\' && retry[1] ? 2 : 1;
			path = retry;
			pattern = star;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static size_t edge_hash(int32_t parent, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint32_t)parent;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
	return (size_t)(h ^ (h >> 29));
}

int32_t fields_child(const struct fields *f, int32_t parent, const char *name, size_t len)
{
	if (!f->table_size)
		return NODE_NONE;
	for (size_t i = edge_hash(parent, name, len);; i++) {
		int32_t n = f->table[i & (f->table_size - 1)];
		if (n == NODE_NONE)
			return NODE_NONE;
		const struct field_node *node = &f->nodes[n];
		if (node->parent == parent && node->len == len && !memcmp(node->name, name, len))
			return n;
	}
}

static void table_insert(struct fields *f, int32_t n)
{
	const struct field_node *node = &f->nodes[n];
	size_t i = edge_hash(node->parent, node->name, node->len);

	while (f->table[i & (f->table_size - 1)] != NODE_NONE)
		i++;
	f->table[i & (f->table_size - 1)] = n;
}

static int32_t add_node(struct fields *f, int32_t parent, const char *name, size_t len,
			struct error *err)
{
	if (f->n_nodes * 2 >= f->table_size) {
		size_t size = f->table_size ? f->table_size * 2 : 64;
		int32_t *table = mem_alloc(size, sizeof(*table), err);
		if (!table)
			return NODE_NONE;
		free(f->table);
		f->table = table;
		f->table_size = size;
		for (size_t i = 0; i < size; i++)
			table[i] = NODE_NONE;
		for (size_t i = 1; i < f->n_nodes; i++)
			table_insert(f, (int32_t)i);
	}
	if (MEM_GROW(&f->nodes, &f->nodes_cap, f->n_nodes + 1, err))
		return NODE_NONE;
	char *copy = mem_strndup(name, len, err);
	if (!copy)
		return NODE_NONE;
	int32_t n = (int32_t)f->n_nodes++;
	f->nodes[n] = (struct field_node){.name = copy,
					  .len = len,
					  .parent = parent,
					  .slot = -1,
					  .first_child = NODE_NONE,
					  .next_sibling = NODE_NONE};
	if (parent != NODE_NONE) {
		f->nodes[n].next_sibling = f->nodes[parent].first_child;
		f->nodes[parent].first_child = n;
		table_insert(f, n);
	}
	return n;
}

/* The node of a path, made where it is not there yet. */
static int32_t reach(struct fields *f, const char *text, struct error *err)
{
	struct path p;
	int32_t n = NODE_ROOT;

	if (path_parse(&p, text, strlen(text), err))
		return NODE_NONE;
	for (size_t i = 0; i < p.n && n != NODE_NONE; i++) {
		int32_t child = fields_child(f, n, p.parts[i].name, p.parts[i].len);
		n = child != NODE_NONE ? child
				       : add_node(f, n, p.parts[i].name, p.parts[i].len, err);
	}
	path_release(&p);
	return n;
}

struct fields *fields_new(struct error *err)
{
	static const char *const own[SLOTS_OWN] = {
		[SLOT_CONTROL] = "_kafka.control",
		[SLOT_SEQ] = "_kafka.seq",
		[SLOT_SESSION] = "_kafka.session",
	};
	struct fields *f = mem_alloc(1, sizeof(*f), err);

	if (!f)
		return NULL;
	if (add_node(f, NODE_NONE, "", 0, err) == NODE_NONE)
		goto fail;
	for (int i = 0; i < SLOTS_OWN; i++) {
		int32_t n = reach(f, own[i], err);
		if (n == NODE_NONE)
			goto fail;
		f->nodes[n].slot = i;
	}
	return f;
fail:
	fields_free(f);
	return NULL;
}

void fields_free(struct fields *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_nodes; i++)
		free(f->nodes[i].name);
	for (size_t i = 0; i < f->n_slots; i++)
		free(f->paths[i]);
	free(f->nodes);
	free(f->table);
	free(f->paths);
	free(f);
}

int fields_want(struct fields *f, const char *path, struct error *err)
{
	int32_t n = reach(f, path, err);

	if (n == NODE_NONE)
		return -1;
	if (f->nodes[n].slot >= SLOTS_OWN)
		return f->nodes[n].slot - SLOTS_OWN;
	for (int32_t above = n; above != NODE_ROOT; above = f->nodes[above].parent)
		if (f->nodes[above].slot >= 0 && f->nodes[above].slot < SLOTS_OWN)
			return error_set(err, ERROR_USAGE, "field '%s' belongs to control records",
					 path);
	if (MEM_GROW(&f->paths, &f->paths_cap, f->n_slots + 1, err))
		return -1;
	if (!(f->paths[f->n_slots] = mem_strndup(path, strlen(path), err)))
		return -1;
	f->nodes[n].slot = (int32_t)f->n_slots + SLOTS_OWN;
	return (int)f->n_slots++;
}

int fields_column(struct fields *f, const char *path, struct error *err)
{
	int slot = fields_want(f, path, err);
	int32_t n = slot < 0 ? NODE_NONE : reach(f, path, err);

	if (n == NODE_NONE)
		return -1;
	f->nodes[n].column = true;
	return slot;
}

int fields_own(struct fields *f, const char *name, struct error *err)
{
	int32_t n = fields_child(f, NODE_ROOT, name, strlen(name));

	if (n == NODE_NONE)
		n = add_node(f, NODE_ROOT, name, strlen(name), err);
	if (n == NODE_NONE)
		return -1;
	f->nodes[n].owned = true;
	return 0;
}

int32_t fields_find(const struct fields *f, const struct path *p, bool *owned)
{
	int32_t n = NODE_ROOT;

	*owned = false;
	for (size_t i = 0; i < p->n && n != NODE_NONE; i++) {
		n = fields_child(f, n, p->parts[i].name, p->parts[i].len);
		if (i == 0 && n != NODE_NONE)
			*owned = f->nodes[n].owned;
	}
	return n;
}

bool fields_owns(const struct fields *f, const struct path *p)
{
	bool owned;

	fields_find(f, p, &owned);
	return owned;
}

size_t fields_count(const struct fields *f)
{
	return f->n_slots;
}

const char *fields_path(const struct fields *f, size_t slot)
{
	return f->paths[slot];
}
