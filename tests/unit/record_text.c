#include "tests/unit/record_text.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

struct block text_block(const char *text, size_t len, const struct csv_header *header)
{
	size_t used = pages(len + READER_PAD), guard = pages(1);
	char *base = mmap(NULL, used + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	assert_true(base != MAP_FAILED);
	assert_int_equal(mprotect(base + used, guard, PROT_NONE), 0);
	struct block b = {.data = base + used - READER_PAD - len,
			  .len = len,
			  .first_line = 1,
			  .file = "test",
			  .format = header ? FORMAT_CSV : FORMAT_JSON,
			  .header = header,
			  .unterminated = len && text[len - 1] != '\n',
			  .ascii = true};
	memcpy(b.data, text, len);
	memset(b.data + len, '"', READER_PAD);
	b.data[len] = '\n';
	for (size_t i = 0; i < len; i++)
		b.ascii &= !((unsigned char)text[i] & 0x80);
	return b;
}

void text_block_free(struct block *b)
{
	char *base = b->data + b->len + READER_PAD - pages(b->len + READER_PAD);

	munmap(base, pages(b->len + READER_PAD) + pages(1));
	*b = (struct block){0};
}

static void each_name(struct fields *f, const char *list,
		      int (*call)(struct fields *, const char *, struct error *))
{
	struct error err = ERROR_INIT;
	char name[256];

	while (list && *list) {
		size_t len = strcspn(list, ",");
		assert_true(len < sizeof(name));
		memcpy(name, list, len);
		name[len] = '\0';
		assert_true(call(f, name, &err) >= 0);
		list += len + (list[len] == ',');
	}
}

struct fields *text_fields(const char *wanted, const char *owned)
{
	struct error err = ERROR_INIT;
	struct fields *f = fields_new(&err);

	assert_non_null(f);
	each_name(f, wanted, fields_want);
	each_name(f, owned, fields_own);
	return f;
}

void text_value(struct buf *out, const struct value *v)
{
	static const char kinds[] = "-zftnsoa";
	struct error err;
	char kind = kinds[v->kind];

	assert_int_equal(kinds[VALUE_ARRAY], 'a');
	if (v->kind == VALUE_NUMBER && v->integer)
		kind = 'i';
	assert_int_equal(buf_add(out, &kind, 1, &err), 0);
	if (v->kind != VALUE_ABSENT && (v->kind > VALUE_TRUE)) {
		assert_int_equal(buf_add(out, ":", 1, &err), 0);
		assert_int_equal(buf_add(out, v->text, v->len, &err), 0);
	}
}

const char *text_record(const struct fields *f, const struct record *rec, int ret,
			const struct error *err)
{
	static struct buf text;
	struct error ignored;

	text.len = 0;
	if (ret < 0)
		assert_int_equal(buf_printf(&text, &ignored, "! %llu:%llu %s",
					    (unsigned long long)err->line,
					    (unsigned long long)err->column, err->what),
				 0);
	else if (rec->control != CONTROL_NONE)
		assert_int_equal(buf_printf(&text, &ignored, "control %d %llu %.*s", rec->control,
					    (unsigned long long)rec->seq, (int)rec->session_len,
					    rec->session ? rec->session : ""),
				 0);
	for (size_t i = 0; ret > 0 && rec->control == CONTROL_NONE && i < fields_count(f); i++) {
		assert_int_equal(buf_add(&text, " ", i > 0, &ignored), 0);
		text_value(&text, &rec->values[i]);
	}
	assert_int_equal(buf_terminate(&text, &ignored), 0);
	return text.data;
}

const char *text_uncut(const struct record *rec)
{
	static struct buf text;
	struct error err;
	size_t at = 0;

	text.len = 0;
	for (size_t i = 0; i < rec->n_cuts; at = rec->cuts[i++].to) {
		assert_true(rec->cuts[i].from >= at && rec->cuts[i].to > rec->cuts[i].from);
		assert_int_equal(buf_add(&text, rec->text + at, rec->cuts[i].from - at, &err), 0);
	}
	assert_true(rec->len >= at);
	assert_int_equal(buf_add(&text, rec->text + at, rec->len - at, &err), 0);
	assert_int_equal(buf_terminate(&text, &err), 0);
	return text.data;
}

void text_append(char *text, size_t size, const char *s)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s", s);
}
