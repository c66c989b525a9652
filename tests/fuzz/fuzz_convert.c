/*
 * Records from one form into the other and back: by sensor-record(5), "CSV", every value is the
 * same behind each step, and no record is lost. Records passed through with cells anew keep the
 * others.
 */
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/record/csv.h"
#include "lib/record/scanner.h"
#include "lib/record/writer.h"
#include "tests/fuzz/text.h"

#define SIZE_MOST 4096

/* A text as a program reads it. */
struct input {
	int fd;
	char path[32];
	char *paths[2];
	struct reader *reader;
	struct block block;
	int ret; /* of the last reader_next */
};

static void input_next(struct input *in)
{
	struct error err = ERROR_INIT;

	do
		in->ret = reader_next(in->reader, &in->block, &err);
	while (in->ret < 0 && reader_can_go_on(in->reader));
}

static void input_open(struct input *in, const char *text, size_t len)
{
	struct error err = ERROR_INIT;

	*in = (struct input){.fd = memfd_create("text", MFD_CLOEXEC)};
	CHECK(in->fd >= 0 && write(in->fd, text, len) == (ssize_t)len);
	snprintf(in->path, sizeof(in->path), "/dev/fd/%d", in->fd);
	in->paths[0] = in->path;
	in->reader = reader_open(&(struct reader_options){.paths = in->paths, .wake_fd = -1}, &err);
	CHECK(in->reader);
	input_next(in);
}

static void input_close(struct input *in)
{
	reader_close(in->reader);
	block_release(&in->block);
	close(in->fd);
}

struct names {
	char **at;
	size_t n, cap;
};

static void take_name(struct names *names, const char *name)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->at[i], name))
			return;
	CHECK(!MEM_GROW(&names->at, &names->cap, names->n + 1, &err));
	CHECK((names->at[names->n++] = strdup(name)) != NULL);
}

static int leaf(void *context, const char *path, const struct value *v, struct error *err)
{
	(void)v;
	(void)err;
	take_name(context, path);
	return 0;
}

/* The columns that a program would choose: the header's, or the fields of the first record. */
static struct names choose(const struct input *in)
{
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(NULL, &err);
	struct names names = {.n = 0};
	struct record rec;
	int ret;

	for (size_t i = 0; in->block.header && i < in->block.header->n; i++)
		take_name(&names, in->block.header->names[i]);
	CHECK(s && !scanner_start(s, &in->block, &err));
	while (!in->block.header && (ret = scanner_next(s, &rec, &err)) != 0) {
		if (ret < 0 || rec.control != CONTROL_NONE)
			continue;
		CHECK(!scanner_walk(s, &rec, leaf, &names, &err));
		break;
	}
	scanner_free(s);
	return names;
}

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
}

/*
 * Appends a value as both forms have it: an absent one is missing, an array (or an object without
 * members) in CSV the text of it. False if CSV cannot hold it: an object that has members, NUL,
 * half a surrogate pair.
 */
static bool same_in_both(struct buf *out, const struct value *v)
{
	static const char kinds[] = "zzftnsss";
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	bool ok = true;

	if (v->kind == VALUE_STRING)
		ok = !value_string(v, &text, &err) &&
		     !memchr(text.len ? text.data : "", 0, text.len);
	else if (v->kind >= VALUE_NUMBER)
		add(&text, v->text, v->len);
	if (v->kind == VALUE_OBJECT)
		ok = !memchr(v->text, ':', v->len);
	add(out, &kinds[v->kind], 1);
	add_number(out, text.len);
	add(out, text.data, text.len);
	buf_release(&text);
	return ok;
}

struct rows {
	struct buf text; /* the values of all records, in the order of the names */
	size_t n;
};

/* A text that we wrote is read by the judge too, but for numbers such as 1e999. */
static void check_json(const char *line, size_t len)
{
	json_error_t why;
	json_t *root = json_loadb(
		line, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, &why);

	CHECK(root || json_error_code(&why) == json_error_numeric_overflow);
	json_decref(root);
}

/* Nothing of a record is lost: each value has a column, or is none, as null and {} where columns
 * lie below, and in _kafka. What lies below a column is in an object whose name comes again with
 * a value, which counts: no column holds an object with members. */
static int has_column(void *context, const char *path, const struct value *v, struct error *err)
{
	const struct names *names = context;
	bool none = v->kind == VALUE_NULL || v->kind == VALUE_OBJECT;
	size_t n = strlen(path);

	(void)err;
	for (size_t i = 0; i < names->n; i++) {
		size_t column = strlen(names->at[i]);
		if (!strncmp(names->at[i], path, n) &&
		    (!names->at[i][n] || (names->at[i][n] == '.' && none)))
			return 0;
		if (!strncmp(names->at[i], path, column) && path[column] == '.')
			return 0;
	}
	return !(none && !strcmp(path, "_kafka"));
}

/* Writes a record, if the form can hold it. */
static void write_record(const struct writer *w, struct scanner *s, const struct record *rec,
			 enum record_format from, enum record_format to, const struct names *names,
			 struct buf *out, struct rows *rows)
{
	struct error err = ERROR_INIT;
	size_t undo = out->len, undo_row = rows->text.len;
	bool holds = true, blank = names->n == 1;

	for (size_t i = 0; i < names->n; i++) {
		const struct value *v = &rec->values[i];
		holds &= same_in_both(&rows->text, v);
		blank &= v->kind <= VALUE_NULL;
	}
	/* "Blank lines are no records" */
	holds = (holds && !blank) || to == FORMAT_JSON;
	if (holds && from == FORMAT_JSON && to == FORMAT_CSV)
		CHECK(!scanner_walk(s, rec, has_column, (void *)(uintptr_t)names, &err));
	if (holds) {
		CHECK(!writer_begin(w, rec, out, &err) && !writer_end(w, rec, out, &err));
		rows->n++;
	} else {
		CHECK(writer_begin(w, rec, out, &err) == -1 && err.kind == ERROR_DATA);
		out->len = undo;
		rows->text.len = undo_row;
	}
	if (holds && to == FORMAT_JSON && from == FORMAT_CSV)
		check_json(out->data + undo, out->len - undo);
}

/* All records with these columns; `ours`: written by us, so that each is good. False if there is no
 * such output: two names contradict one another, or belong to control records. */
static bool convert(struct input *in, const struct names *names, const struct names *columns,
		    enum record_format to, bool ours, struct buf *out, struct rows *rows)
{
	struct error err = ERROR_INIT;
	enum record_format from = in->block.format;
	const struct writer_options options = {.from = from,
					       .to = to,
					       .columns = (const char *const *)columns->at,
					       .n_columns = columns->n};
	struct fields *f = fields_new(&err);
	struct record rec;
	bool ok = f;
	int ret;

	out->len = rows->text.len = rows->n = 0;
	for (size_t i = 0; ok && i < names->n; i++)
		ok = fields_want(f, names->at[i], &err) == (int)i;
	struct writer *w = ok ? writer_new(&options, f, &err) : NULL;
	struct scanner *s = w ? scanner_new(f, &err) : NULL;
	if (!w)
		CHECK(!ours && err.kind == ERROR_USAGE);
	else
		CHECK(s && !writer_header(w, out, &err));
	if (w && from == FORMAT_JSON && to == FORMAT_CSV)
		scanner_refuse_unknown(s);
	for (; w && in->ret > 0; input_next(in)) {
		CHECK(!scanner_start(s, &in->block, &err));
		while ((ret = scanner_next(s, &rec, &err)) != 0) {
			CHECK(!ours || (ret > 0 && rec.control == CONTROL_NONE));
			if (ret > 0 && rec.control == CONTROL_NONE)
				write_record(w, s, &rec, from, to, names, out, rows);
		}
	}
	CHECK(!ours || in->ret == 0);
	ok = w;
	scanner_free(s);
	writer_free(w);
	fields_free(f);
	return ok;
}

/* Whether the two have the same names, in whatever order. */
static bool same_names(const struct names *a, const struct names *b)
{
	size_t found = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			found += !strcmp(a->at[i], b->at[k]);
	return a->n == b->n && found == a->n;
}

/* From the input's form into another, into the first one, and read once more. */
static void check_trip(const char *text, size_t size, enum record_format to)
{
	struct buf out[3] = {BUF_INIT};
	struct rows rows[3] = {{.n = 0}};
	struct input in;

	input_open(&in, text, size);
	if (in.ret > 0) {
		enum record_format from = in.block.format, steps[] = {to, from, from};
		struct names names = choose(&in);
		bool ok = names.n && convert(&in, &names, &names, to, false, &out[0], &rows[0]);
		for (int i = 1; ok && i < 3 && rows[i - 1].n; i++) {
			struct input ours;
			input_open(&ours, out[i - 1].data, out[i - 1].len);
			CHECK(ours.ret > 0 && ours.block.format == steps[i - 1]);
			struct names columns = choose(&ours);
			/* JSON made anew leaves out what is absent. */
			bool all = from == FORMAT_CSV || to == FORMAT_CSV;
			CHECK(!all || same_names(&names, &columns));
			ok = convert(&ours, &names, all ? &columns : &names, steps[i], true,
				     &out[i], &rows[i]);
			CHECK(rows[i].n == rows[i - 1].n);
			CHECK(same_bytes(rows[i].text.data, rows[i].text.len, rows[i - 1].text.data,
					 rows[i - 1].text.len));
			names_release(&columns);
			input_close(&ours);
		}
		names_release(&names);
	}
	input_close(&in);
	for (int i = 0; i < 3; i++) {
		buf_release(&out[i]);
		buf_release(&rows[i].text);
	}
}

/* The names of the columns that are not owned, then those added; false if one cannot be read. */
static bool passed_names(const struct csv_header *h, struct fields *f, const char *object,
			 const char *const *added, struct names *names)
{
	struct error err = ERROR_INIT;
	struct buf path = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; ok && i < h->n; i++) {
		struct path p;
		CHECK(!path_parse(&p, h->names[i], strlen(h->names[i]), &err));
		if (!fields_owns(f, &p)) {
			ok = fields_want(f, h->names[i], &err) == (int)names->n;
			take_name(names, h->names[i]);
		}
		path_release(&p);
	}
	for (size_t i = 0; i < 2; i++) {
		path.len = 0;
		CHECK(!object || !path_append(&path, object, strlen(object), &err));
		CHECK(!path_append(&path, added[i], strlen(added[i]), &err));
		CHECK(!buf_terminate(&path, &err));
		take_name(names, path.data);
	}
	buf_release(&path);
	return ok;
}

/* CSV passed through with two cells anew, one of them in the place of a column. */
static void pass(struct input *in, const char *const *added, const char *object)
{
	struct error err = ERROR_INIT;
	const struct csv_header *h = in->block.header;
	const struct writer_options options = {.from = FORMAT_CSV,
					       .to = FORMAT_CSV,
					       .pass_through = true,
					       .added = added,
					       .n_added = 2,
					       .object = object,
					       .header = h};
	struct fields *f = fields_new(&err);
	struct writer *w = f ? writer_new(&options, f, &err) : NULL;
	struct names names = {.n = 0};
	struct buf out = BUF_INIT, json = BUF_INIT;
	struct rows rows = {.n = 0}, back = {.n = 0};
	const struct value one = {.kind = VALUE_NUMBER, .text = "1", .len = 1};
	struct record rec;
	struct input ours;
	int ret;

	CHECK(w && !writer_header(w, &out, &err));
	bool ok = passed_names(h, f, object, added, &names);
	struct scanner *s = scanner_new(f, &err);
	CHECK(s && !scanner_start(s, &in->block, &err));
	while (ok && (ret = scanner_next(s, &rec, &err)) != 0) {
		if (ret < 0)
			continue;
		CHECK(!writer_begin(w, &rec, &out, &err));
		writer_count(w, &out, 0, 1);
		writer_count(w, &out, 1, 1);
		CHECK(!writer_end(w, &rec, &out, &err));
		for (size_t i = 0; i < fields_count(f); i++)
			same_in_both(&rows.text, &rec.values[i]);
		same_in_both(&rows.text, &one);
		same_in_both(&rows.text, &one);
		rows.n++;
	}
	if (ok && rows.n) {
		input_open(&ours, out.data, out.len);
		CHECK(ours.ret > 0 && ours.block.format == FORMAT_CSV);
		struct names columns = choose(&ours);
		CHECK(columns.n == ours.block.header->n && same_names(&names, &columns));
		CHECK(convert(&ours, &names, &names, FORMAT_JSON, true, &json, &back));
		CHECK(back.n == rows.n &&
		      same_bytes(back.text.data, back.text.len, rows.text.data, rows.text.len));
		names_release(&columns);
		input_close(&ours);
	}
	names_release(&names);
	scanner_free(s);
	writer_free(w);
	fields_free(f);
	buf_release(&out);
	buf_release(&json);
	buf_release(&rows.text);
	buf_release(&back.text);
}

static void check_passed(const char *text, size_t size)
{
	struct error err = ERROR_INIT;
	struct input in;
	struct path p;

	input_open(&in, text, size);
	if (in.ret > 0 && in.block.format == FORMAT_CSV) {
		const struct csv_header *h = in.block.header;
		const char *name = h->names[hash(text, size) % h->n];
		CHECK(!path_parse(&p, name, strlen(name), &err));
		char *owned = strndup(p.parts[0].name, p.parts[0].len);
		const char *const added[] = {owned, strcmp(owned, "score") ? "score" : "score2"};
		CHECK(owned);
		pass(&in, added, size % 2 ? owned : NULL);
		free(owned);
		path_release(&p);
	}
	input_close(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size > SIZE_MOST)
		return 0;
	json_object_seed(1);
	check_trip(text, size, FORMAT_CSV);
	check_trip(text, size, FORMAT_JSON);
	check_passed(text, size);
	return 0;
}
