/* How a file begins: a byte order mark, blank lines, what tells its format, a CSV header. */
#include <string.h>
#include "lib/record/foreign.h"
#include "lib/record/reader_impl.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Drops the lines that end before the byte at `at` and returns how many bytes they were. */
static size_t drop_lines(struct reader *r, struct block *b, size_t at)
{
	while (at && b->data[at - 1] != '\n')
		at--;
	r->line += count_newlines(b->data, at);
	drop_front(b, at);
	return at;
}

int reader_see_format(struct reader *r, struct block *b, struct error *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t i = 0;
	int ret;

	if (r->stage == FILE_START) {
		if (b->len < FOREIGN_BYTES && !r->eof && !memchr(b->data, '\n', b->len))
			return 0;
		if (b->len >= 3 && !memcmp(b->data, bom, 3))
			drop_front(b, 3);
		if (foreign_check(b->data, b->len, r->file, err))
			return error_at(err, r->file, 0, 0);
		r->stage = FILE_FORMAT;
	}
	while (i < b->len && is_space(b->data[i]))
		i++;
	i -= drop_lines(r, b, i);
	if (i == b->len) {
		if (r->eof) /* nothing but white space: no records */
			b->len = 0;
		return 0;
	}
	enum record_format seen = b->data[i] == '{' ? FORMAT_JSON : FORMAT_CSV;
	if (r->options.format != FORMAT_AUTO)
		seen = r->options.format;
	else if ((ret = foreign_check_json(b->data + i, b->len - i, r->file, err)) < 0)
		return error_at(err, r->file, r->line, 0);
	else if (ret && !r->eof)
		return 0;
	if (r->format != FORMAT_AUTO && seen != r->format) {
		error_set(err, ERROR_DATA, "file is %s while the input before it is %s",
			  seen == FORMAT_JSON ? "JSON Lines" : "CSV",
			  seen == FORMAT_JSON ? "CSV" : "JSON Lines");
		return error_at(err, r->file, r->line, 0);
	}
	r->format = seen;
	r->stage = seen == FORMAT_CSV ? FILE_HEADER : FILE_BODY;
	return 0;
}

int reader_take_header(struct reader *r, struct block *b, struct error *err)
{
	uint64_t lines;
	size_t row = csv_row(b->data, b->len, &lines), len = row;
	bool crlf = false;

	if (len && b->data[len - 1] == '\n')
		len--;
	if (len > r->options.max_line)
		return reader_line_too_long(r, err);
	if (len && b->data[len - 1] == '\r') {
		len--;
		crlf = true;
	}
	if (!r->header) {
		r->header = csv_header_new(b->data, len, crlf, err);
		if (!r->header)
			return error_at(err, r->file, r->line, 0);
	} else if (r->header->len != len || memcmp(r->header->text, b->data, len)) {
		error_set(err, ERROR_DATA, "header differs from that of the input before it");
		return error_at(err, r->file, r->line, 0);
	}
	drop_front(b, row);
	r->line += lines;
	r->scanned = r->whole = 0;
	r->split = (struct csv_split)CSV_SPLIT_INIT;
	r->stage = FILE_BODY;
	return 0;
}
