/*
 * Lines of JSON against jansson: accepted and refused alike, with equal values, and passed on less
 * what is owned. A scanner that has seen other lines answers as one that has seen none.
 */
#include <ctype.h>
#include <jansson.h>
#include "lib/record/scanner.h"
#include "lib/record/writer.h"
#include "tests/fuzz/text.h"

#define FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)
#define DEPTH_MAX 64
#define NAMES_MAX 16
#define SIBLINGS 3

/* Bytes of the string whose quote opens at p, with the closing one. */
static size_t string_length(const char *p, const char *end)
{
	const char *start = p++;

	while (p < end && *p != '"')
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return (size_t)(p - start) + (p < end);
}

/* How deep objects and arrays are nested in a text whose brackets match. */
static int depth_of(const char *p, const char *end)
{
	int depth = 0, deepest = 0;

	for (; p < end; p += *p == '"' ? string_length(p, end) : 1) {
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest;
}

/* Escapes of NUL and of surrogates become that of 'A'. */
static void mend_string(struct buf *out, const char *p, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		const char *u = p + i;
		n = *u == '\\' && len - i >= 2 ? 2 : 1;
		if (n == 2 && u[1] == 'u' && len - i >= 6 && isxdigit(u[2]) && isxdigit(u[3]) &&
		    isxdigit(u[4]) && isxdigit(u[5]) &&
		    (!memcmp(u + 2, "0000", 4) || ((u[2] | 0x20) == 'd' && u[3] >= '8'))) {
			n = 6;
			u = "\\u0041";
		}
		add(out, u, n);
	}
}

/* What jansson refuses and we do not, made acceptable to it: sensor-record(5), "Integers of any
 * length and numbers such as 1e999 pass" and "\u0000 passes in any string, and half a surrogate
 * pair". */
static void mend(struct buf *out, const char *p, const char *end)
{
	char before = ','; /* the last byte that is neither digit nor sign */
	size_t n, kept;

	for (; p < end; p += n) {
		if (*p == '"') {
			n = string_length(p, end);
			mend_string(out, p, n);
			before = '"';
			continue;
		}
		for (n = 0; p + n < end && isdigit(p[n]);)
			n++;
		kept = (before | 0x20) == 'e' ? 2 : 200;
		kept = n < kept ? n : kept;
		if (!n) {
			n = kept = 1;
			before = *p == '-' || *p == '+' ? before : *p;
		}
		add(out, p, kept);
	}
}

/* Whether a line is a record, were it ours to say; *root, unless it had to be mended. */
static bool judge(const char *line, size_t len, json_t **root)
{
	json_error_t why;
	struct buf mended = BUF_INIT;
	bool ok;

	*root = json_loadb(line, len, FLAGS, &why);
	json_t *any = *root;
	if (!any && (json_error_code(&why) == json_error_numeric_overflow ||
		     json_error_code(&why) == json_error_null_byte_in_key ||
		     !strncmp(why.text, "invalid Unicode", 15))) {
		mend(&mended, line, line + len);
		any = json_loadb(mended.data, mended.len, FLAGS, &why);
		buf_release(&mended);
	}
	/* "A record is an object", "Objects and arrays may be nested 64 deep", "A NUL byte". */
	ok = json_is_object(any) && depth_of(line, line + len) <= DEPTH_MAX &&
	     !memchr(line, 0, len);
	if (!*root)
		json_decref(any);
	if (!ok) {
		json_decref(*root);
		*root = NULL;
	}
	return ok;
}

static json_t *look_up(json_t *root, const char *path)
{
	struct error err = ERROR_INIT;
	struct path p;

	CHECK(!path_parse(&p, path, strlen(path), &err));
	for (size_t i = 0; i < p.n; i++)
		root = json_object_getn(root, p.parts[i].name, p.parts[i].len);
	path_release(&p);
	return root;
}

static void check_value(const struct value *v, const json_t *theirs)
{
	static const json_type types[] = {
		[VALUE_NULL] = JSON_NULL,     [VALUE_FALSE] = JSON_FALSE,
		[VALUE_TRUE] = JSON_TRUE,     [VALUE_NUMBER] = JSON_REAL,
		[VALUE_STRING] = JSON_STRING, [VALUE_OBJECT] = JSON_OBJECT,
		[VALUE_ARRAY] = JSON_ARRAY,
	};
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	json_t *again = json_loadb(v->text, v->len, FLAGS | JSON_DECODE_ANY, NULL);

	CHECK(v->kind != VALUE_ABSENT && !v->csv);
	CHECK(types[v->kind] == json_typeof(theirs));
	CHECK(again && json_equal(again, theirs));
	json_decref(again);
	if (v->kind == VALUE_NUMBER) {
		CHECK(same_bits(v->number, json_real_value(theirs)));
		CHECK(v->integer ==
		      !(memchr(v->text, '.', v->len) || memchr(v->text, 'e', v->len) ||
			memchr(v->text, 'E', v->len)));
	} else if (v->kind == VALUE_STRING) {
		CHECK(!value_string(v, &text, &err));
		CHECK(same_bytes(text.data, text.len, json_string_value(theirs),
				 json_string_length(theirs)));
	}
	buf_release(&text);
}

/* Values that have a path: members whose name is empty have none. */
static size_t count_leaves(const json_t *object)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)object, name, value) if (*name) n +=
		json_object_size(value) ? count_leaves(value) : 1;
	return n;
}

/* The names that an input brings, some of them to be read and some to be owned. */
struct names {
	char *wanted[NAMES_MAX], *owned[NAMES_MAX];
	size_t n_wanted, n_owned;
};

static void take_name(char **names, size_t *n, const char *name, size_t len)
{
	for (size_t i = 0; i < *n; i++)
		if (same_bytes(names[i], strlen(names[i]), name, len))
			return;
	if (*n < NAMES_MAX && !memchr(name, 0, len))
		CHECK(names[(*n)++] = strndup(name, len));
}

struct leaves {
	json_t *root; /* NULL: nobody to compare with, or names that come twice */
	struct names *names;
	size_t n;
};

static int leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	struct leaves *l = context;
	uint64_t h = hash(path, strlen(path));
	struct path p;

	l->n++;
	if (l->root) {
		json_t *theirs = look_up(l->root, path);
		CHECK(theirs);
		check_value(v, theirs);
	}
	CHECK(!path_parse(&p, path, strlen(path), err));
	if (h % 4)
		take_name(l->names->wanted, &l->names->n_wanted, path, strlen(path));
	else if (strrchr(path, '.') && strrchr(path, '.') > path && strrchr(path, '.')[-1] != '\\')
		take_name(l->names->wanted, &l->names->n_wanted, path,
			  (size_t)(strrchr(path, '.') - path));
	if (hash(p.parts[0].name, p.parts[0].len) % 3 == 0)
		take_name(l->names->owned, &l->names->n_owned, p.parts[0].name, p.parts[0].len);
	path_release(&p);
	return 0;
}

/* What a scanner says of a record, byte for byte. */
static void describe(struct buf *out, int ret, const struct record *rec, const struct fields *f,
		     const struct error *err)
{
	add_number(out, (uint64_t)ret);
	add_number(out, rec->line);
	if (ret < 0) {
		add_number(out, err->kind);
		add_number(out, err->column);
		add(out, err->what, strlen(err->what));
		return;
	}
	add_number(out, rec->control);
	for (size_t i = 0; i < fields_count(f) && rec->control == CONTROL_NONE; i++) {
		const struct value *v = &rec->values[i];
		add_number(out, v->kind);
		if (v->kind == VALUE_ABSENT)
			continue;
		add_number(out, (uint64_t)(v->text - rec->text));
		add_number(out, v->len);
		if (v->kind == VALUE_NUMBER) {
			add_number(out, v->integer);
			add(out, &v->number, sizeof(v->number));
		}
	}
	for (size_t i = 0; i < rec->n_cuts; i++) {
		CHECK(rec->cuts[i].from < rec->cuts[i].to && rec->cuts[i].to <= rec->close);
		CHECK(!i || rec->cuts[i - 1].to <= rec->cuts[i].from);
		add_number(out, (uint64_t)rec->cuts[i].from << 32 | rec->cuts[i].to);
	}
	add_number(out, (uint64_t)rec->close << 1 | rec->empty);
}

static struct scanner *new_scanner(const struct fields *f)
{
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(f, &err);

	CHECK(s);
	return s;
}

/* One line by a scanner, which may have seen others. */
static void scan_line(struct scanner *s, const struct fields *f, const char *line, size_t len,
		      struct buf *out)
{
	struct error err = ERROR_INIT;
	struct block b = text_block(line, len, 7, NULL);
	struct record rec;

	out->len = 0;
	CHECK(!scanner_start(s, &b, &err));
	for (int ret; (ret = scanner_next(s, &rec, &err)) != 0;)
		describe(out, ret, &rec, f, &err);
	free(b.data);
}

/* A line, lines that differ from it by a byte, and the line again, all by one scanner and each by
 * one of its own. */
static void check_warm(struct scanner *warm, const struct fields *f, const char *line, size_t len)
{
	struct buf expected = BUF_INIT, of_sibling = BUF_INIT, out = BUF_INIT;
	struct scanner *cold = new_scanner(f);
	char *sibling = text_copy(line, len);
	uint64_t h = hash(line, len);

	scan_line(cold, f, line, len, &expected);
	scanner_free(cold);
	for (uint64_t i = 0; i < SIBLINGS && len; i++) {
		scan_line(warm, f, line, len, &out);
		CHECK(same_bytes(out.data, out.len, expected.data, expected.len));
		size_t at = (h + i * 0x9e3779b9u) % len;
		char byte = sibling[at];
		sibling[at] = i ? (char)(byte ^ 1) : " \",:{}[]1nu\\."[(h >> 32) % 13];
		cold = new_scanner(f);
		scan_line(cold, f, sibling, len, &of_sibling);
		scanner_free(cold);
		scan_line(warm, f, sibling, len, &out);
		CHECK(same_bytes(out.data, out.len, of_sibling.data, of_sibling.len));
		sibling[at] = byte;
	}
	scan_line(warm, f, line, len, &out);
	CHECK(same_bytes(out.data, out.len, expected.data, expected.len));
	free(sibling);
	buf_release(&expected);
	buf_release(&of_sibling);
	buf_release(&out);
}

/* Passed through with the owned fields anew: jansson reads the object less the old ones. Changes
 * root. */
static void check_writer(const struct writer *w, const struct names *names, const char *object,
			 const struct record *rec, json_t *root)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	json_t *added = object ? json_object() : root;

	CHECK(!writer_begin(w, rec, &out, &err));
	for (size_t i = 0; i < names->n_owned; i++)
		writer_count(w, &out, i, i);
	CHECK(!writer_end(w, rec, &out, &err));
	size_t eol = *rec->eol ? strlen(rec->eol) : 1;
	CHECK(out.len > eol && !memcmp(out.data + out.len - eol, *rec->eol ? rec->eol : "\n", eol));
	if (root) {
		if (object)
			json_object_set_new(root, object, added);
		for (size_t i = 0; i < names->n_owned; i++)
			json_object_set_new(added, names->owned[i], json_real((double)i));
		json_t *theirs = json_loadb(out.data, out.len, FLAGS, NULL);
		CHECK(theirs && json_equal(root, theirs));
		json_decref(theirs);
	} else if (object) {
		json_decref(added);
	}
	buf_release(&out);
}

/* A line that was accepted or refused, against jansson. f is NULL: its names are taken down. */
static void check_record(struct scanner *s, const struct fields *f, const struct writer *w,
			 const char *object, struct names *names, const struct record *rec, int ret,
			 struct error *err)
{
	json_t *root, *kafka;
	bool accepted = judge(rec->text, rec->len, &root);
	/* "Control records". */
	bool control = root && json_is_object(kafka = json_object_get(root, "_kafka")) &&
		       json_object_get(kafka, "control");

	CHECK(accepted == (ret > 0 || err->kind == ERROR_CONFIG));
	CHECK(ret > 0 || (err->line == rec->line && err->column && err->column <= rec->len + 1));
	if (root)
		CHECK(control ==
		      (ret < 0 ? err->kind == ERROR_CONFIG : rec->control != CONTROL_NONE));
	if (ret > 0 && rec->control == CONTROL_NONE && !f) {
		/* "A name may be there twice in one object": the walk gives both. */
		json_t *once =
			json_loadb(rec->text, rec->len, FLAGS | JSON_REJECT_DUPLICATES, NULL);
		struct leaves l = {.root = once, .names = names};
		CHECK(!scanner_walk(s, rec, leaf, &l, err));
		CHECK(!once || l.n == count_leaves(once));
		json_decref(once);
	} else if (ret > 0 && rec->control == CONTROL_NONE) {
		for (size_t i = 0; root && i < fields_count(f); i++) {
			json_t *theirs = look_up(root, fields_path(f, i));
			CHECK(!theirs == (rec->values[i].kind == VALUE_ABSENT));
			if (theirs)
				check_value(&rec->values[i], theirs);
		}
		check_writer(w, names, object, rec, root);
	}
	json_decref(root);
}

/* All lines by one scanner: none is left out, but blank ones. */
static void check_lines(const struct block *b, const struct fields *f, const struct writer *w,
			const char *object, struct names *names)
{
	struct error err = ERROR_INIT;
	struct scanner *s = new_scanner(f), *warm = new_scanner(f);
	struct record rec;
	const char *p = b->data, *end = p + b->len;

	CHECK(!scanner_start(s, b, &err));
	for (uint64_t line = 1; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		if (strspn(p, " \t\r\n") < len) {
			int ret = scanner_next(s, &rec, &err);
			CHECK(ret && rec.text == p && rec.line == line);
			bool crlf = nl && p[len - 1] == '\r';
			CHECK(rec.len == len - crlf);
			CHECK(!strcmp(rec.eol, crlf ? "\r\n" : nl ? "\n" : ""));
			CHECK(rec.torn == !nl);
			check_record(s, f, w, object, names, &rec, ret, &err);
			if (f)
				check_warm(warm, f, rec.text, rec.len);
		}
		p += len + 1;
	}
	CHECK(scanner_next(s, &rec, &err) == 0);
	scanner_free(s);
	scanner_free(warm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct names names = {.n_wanted = 0};
	struct block b = text_block((const char *)data, size, 1, NULL);
	struct fields *f = fields_new(&err);

	json_object_seed(1);
	CHECK(f);
	check_lines(&b, NULL, NULL, NULL, &names);
	/* A path of control records is nobody's to want. */
	for (size_t i = 0; i < names.n_wanted; i++)
		CHECK(fields_want(f, names.wanted[i], &err) >= 0 || err.kind == ERROR_USAGE);
	const char *object = names.n_owned && size % 2 ? names.owned[0] : NULL;
	struct writer_options options = {.from = FORMAT_JSON,
					 .to = FORMAT_JSON,
					 .pass_through = true,
					 .added = (const char *const *)names.owned,
					 .n_added = names.n_owned,
					 .object = object};
	struct writer *w = writer_new(&options, f, &err);
	CHECK(w);
	check_lines(&b, f, w, object, &names);
	writer_free(w);
	fields_free(f);
	for (size_t i = 0; i < NAMES_MAX; i++) {
		free(names.wanted[i]);
		free(names.owned[i]);
	}
	free(b.data);
	return 0;
}
