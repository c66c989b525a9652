/*
 * Paths, patterns and headers against readings of their definitions that are slow and plain. Each
 * line of the input is a path; the first is also a pattern for the others, and the whole a header.
 */
#include "lib/record/csv.h"
#include "lib/record/fields.h"
#include "tests/fuzz/text.h"

#define LINES_MAX 64
#define PARTS_MAX 64

/* One character of a path or pattern: of a name, or what stands between names. */
struct token {
	enum { LITERAL, SEPARATOR, STAR } kind;
	char byte;
};

struct tokens {
	struct token *at;
	size_t n;
	bool plain; /* a backslash stands before dots and backslashes only */
};

static struct tokens take_apart(const char *text, size_t len, bool stars)
{
	struct tokens t = {.at = calloc(len + 1, sizeof(*t.at)), .plain = true};

	CHECK(t.at);
	for (size_t i = 0; i < len; i++) {
		struct token *x = &t.at[t.n++];
		x->byte = text[i];
		if (text[i] == '\\') {
			t.plain &= i + 1 < len && (text[i + 1] == '.' || text[i + 1] == '\\');
			x->byte = i + 1 < len ? text[++i] : 0;
		} else if (text[i] == '.') {
			x->kind = SEPARATOR;
		} else if (text[i] == '*' && stars) {
			x->kind = STAR;
		}
	}
	return t;
}

/* Whether the text is a path, and its one spelling. */
static bool spell(const char *text, size_t len, struct buf *out)
{
	struct tokens t = take_apart(text, len, false);
	size_t parts = 1, name = 0, slashes = 0;
	bool ok = true;

	out->len = 0;
	while (slashes < len && text[len - 1 - slashes] == '\\')
		slashes++;
	for (size_t i = 0; i < t.n; i++) {
		bool special = t.at[i].byte == '.' || t.at[i].byte == '\\';
		ok &= t.at[i].kind != SEPARATOR || name;
		name = t.at[i].kind == SEPARATOR ? 0 : name + 1;
		parts += t.at[i].kind == SEPARATOR;
		add(out, "\\", t.at[i].kind == LITERAL && special);
		add(out, &t.at[i].byte, 1);
	}
	free(t.at);
	return ok && name && slashes % 2 == 0 && parts <= PARTS_MAX;
}

/* Whether it is one, as path_parse and path_append have it; the same spelling is left in *out. */
static bool check_path(const char *text, size_t len, struct buf *out)
{
	struct error err = ERROR_INIT;
	struct buf again = BUF_INIT;
	struct path p;
	bool ok = !path_parse(&p, text, len, &err);

	CHECK(ok == spell(text, len, out));
	if (ok) {
		CHECK(p.n && p.n <= PARTS_MAX);
		for (size_t i = 0; i < p.n; i++)
			CHECK(p.parts[i].len &&
			      !path_append(&again, p.parts[i].name, p.parts[i].len, &err));
		CHECK(same_bytes(again.data, again.len, out->data, out->len));
		path_release(&p);
		CHECK(spell(out->data, out->len, &again));
		CHECK(same_bytes(again.data, again.len, out->data, out->len));
	} else {
		CHECK(err.kind == ERROR_USAGE && err.what[0]);
	}
	buf_release(&again);
	return ok;
}

/* '*' is any run within a name: row[k] says whether the pattern so far matches k tokens. */
static bool matches(const struct tokens *pattern, const struct tokens *path)
{
	bool *row = calloc(path->n + 1, sizeof(*row)), ok;

	CHECK(row);
	row[0] = true;
	for (size_t i = 0; i < pattern->n; i++) {
		const struct token *x = &pattern->at[i];
		if (x->kind == STAR) {
			for (size_t k = 1; k <= path->n; k++)
				row[k] |= row[k - 1] && path->at[k - 1].kind != SEPARATOR;
			continue;
		}
		for (size_t k = path->n; k; k--)
			row[k] = row[k - 1] && path->at[k - 1].kind == x->kind &&
				 path->at[k - 1].byte == x->byte;
		row[0] = false;
	}
	ok = row[path->n];
	free(row);
	return ok;
}

/* A path as it is spelled, and a pattern. */
static void check_match(const char *pattern, const char *path)
{
	struct tokens a = take_apart(pattern, strlen(pattern), true);
	struct tokens b = take_apart(path, strlen(path), false);
	bool ours = path_matches(pattern, path);

	if (a.plain)
		CHECK(ours == matches(&a, &b));
	free(a.at);
	free(b.at);
}

/* Whether one path lies inside another, or is it; both in their one spelling. */
static bool inside(const char *path, const char *outer)
{
	size_t n = strlen(outer);

	return !strncmp(path, outer, n) && (!path[n] || path[n] == '.');
}

/* Slots are given out in order, the same for the same path. */
static void check_fields(char *const *paths, size_t n)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);
	char *known[LINES_MAX];
	size_t n_known = 0;

	CHECK(f);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < n_known && strcmp(known[k], paths[i]) != 0)
			k++;
		bool control = inside(paths[i], "_kafka.control") ||
			       inside(paths[i], "_kafka.seq") || inside(paths[i], "_kafka.session");
		int slot = fields_want(f, paths[i], &err);
		CHECK(control ? slot == -1 && err.kind == ERROR_USAGE : slot == (int)k);
		if (!control && k == n_known)
			known[n_known++] = paths[i];
		CHECK(fields_count(f) == n_known);
	}
	for (size_t k = 0; k < n_known; k++)
		CHECK(!strcmp(fields_path(f, k), known[k]));
	for (size_t i = 0; i < n; i++) {
		struct path p;
		bool owned = i % 3 == 0, before = false;
		CHECK(!path_parse(&p, paths[i], strlen(paths[i]), &err));
		char *name = strndup(p.parts[0].name, p.parts[0].len);
		CHECK(name);
		before = fields_owns(f, &p);
		CHECK(!owned || !fields_own(f, name, &err));
		CHECK(fields_owns(f, &p) == (owned || before));
		free(name);
		path_release(&p);
	}
	fields_free(f);
}

/* Whether all cells are paths; these in their one spelling. */
static bool spell_names(const char *text, size_t len, char ***names, size_t *n)
{
	struct error err = ERROR_INIT;
	struct buf name = BUF_INIT, spelled = BUF_INIT;
	const char *p = text, *end = text + len;
	struct csv_cell cell;
	bool ok = utf8_check(text, len) == len;
	size_t cap = 0;

	while (ok) {
		name.len = 0;
		ok = (p = csv_cell(text, p, end, &cell, &err)) &&
		     !csv_unquote(&cell, &name, &err) && name.len &&
		     spell(name.data, name.len, &spelled);
		if (!ok)
			break;
		CHECK(!MEM_GROW(names, &cap, *n + 1, &err));
		CHECK(((*names)[(*n)++] = strndup(spelled.data, spelled.len)) != NULL);
		if (p++ == end)
			break;
	}
	buf_release(&name);
	buf_release(&spelled);
	return ok;
}

static void check_header(const char *text, size_t len)
{
	struct error err = ERROR_INIT;
	struct csv_header *h = csv_header_new(text, len, false, &err);
	char **names = NULL;
	size_t n = 0;
	bool ok = spell_names(text, len, &names, &n);

	/* One column whose name separates others is a file of another form. */
	if (n == 1 && *text != '"' && (memchr(text, ';', len) || memchr(text, '\t', len)))
		ok = false;
	for (size_t i = 0; ok && i < n; i++)
		for (size_t k = 0; k < n; k++)
			ok &= i == k || !inside(names[i], names[k]);
	CHECK(!h == !ok);
	if (h) {
		CHECK(h->n == n && same_bytes(h->text, h->len, text, len));
		for (size_t i = 0; i < n; i++)
			CHECK(!strcmp(h->names[i], names[i]));
	} else {
		CHECK(err.kind == ERROR_DATA && err.what[0] && err.column <= len + 1);
	}
	csv_header_free(h);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_copy(data, size), *paths[LINES_MAX], *pattern = NULL;
	struct error err = ERROR_INIT;
	struct buf path = BUF_INIT;
	size_t n = 0;

	for (size_t at = 0, len; at < size && n < LINES_MAX; at += len + 1) {
		const char *nl = memchr(text + at, '\n', size - at);
		len = nl ? (size_t)(nl - text) - at : size - at;
		char *line = text_copy(text + at, len);
		bool ok = check_path(line, len, &path);
		if (!pattern)
			CHECK((pattern = strndup(line, len)) != NULL);
		if (ok && !memchr(line, 0, len)) {
			CHECK(!buf_terminate(&path, &err));
			CHECK((paths[n++] = strdup(path.data)) != NULL);
		}
		free(line);
	}
	for (size_t i = 0; i < n; i++)
		check_match(pattern, paths[i]);
	check_fields(paths, n);
	check_header(text, size - (size && text[size - 1] == '\n'));
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(pattern);
	free(text);
	buf_release(&path);
	return 0;
}
