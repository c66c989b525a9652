/*
 * Control records: anything may come, and what is read is written so that it reads back the same.
 * The scanner, which reads their kind, number and session for itself, agrees.
 */
#include "lib/record/control_record.h"
#include "lib/record/scanner.h"
#include "tests/fuzz/text.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check_partition(const struct control_record *c, size_t i)
{
	const struct control_partition *p = &c->partitions[i];
	struct error err = ERROR_INIT;
	int64_t offset;

	CHECK(p->topic && p->topic[0] && p->partition >= 0 && p->from >= 0 && p->from <= p->to);
	CHECK(p->epoch >= CONTROL_NO_EPOCH);
	CHECK(!control_state_replay_from(p->state, &offset, &err) && offset >= -1);
	for (size_t k = 0; k < i && i < 64; k++)
		CHECK(c->partitions[k].partition != p->partition ||
		      strcmp(c->partitions[k].topic, p->topic) != 0);
}

static void check(const struct control_record *c)
{
	CHECK(c->kind != CONTROL_NONE && c->session && c->session[0]);
	CHECK(c->kind != CONTROL_ASSIGN || c->n == 1);
	CHECK(c->kind != CONTROL_END || !c->n);
	CHECK(c->kind != CONTROL_MARK ||
	      (c->group && c->group[0] && c->member && c->member[0] && c->generation >= 0));
	for (size_t i = 0; i < c->n; i++)
		check_partition(c, i);
}

static void check_same(const struct control_record *a, const struct control_record *b)
{
	CHECK(a->kind == b->kind && a->seq == b->seq && a->generation == b->generation);
	CHECK(same_text(a->session, b->session) && same_text(a->group, b->group));
	CHECK(same_text(a->member, b->member) && same_text(a->instance, b->instance));
	CHECK(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct control_partition *p = &a->partitions[i], *q = &b->partitions[i];
		CHECK(same_text(p->topic, q->topic) && same_text(p->state, q->state));
		CHECK(p->partition == q->partition && p->from == q->from && p->to == q->to &&
		      p->epoch == q->epoch);
	}
}

/* The line alone in a block. */
static void check_scanner(const struct control_record *c, const struct buf *line)
{
	struct block b = text_block(line->data, line->len, 1, NULL);
	struct error err = ERROR_INIT;
	struct scanner *s = scanner_new(NULL, &err);
	struct record rec;

	CHECK(s && !scanner_start(s, &b, &err));
	CHECK(scanner_next(s, &rec, &err) == 1);
	CHECK(rec.control == c->kind && rec.seq == c->seq && rec.session);
	CHECK(scanner_next(s, &rec, &err) == 0);
	scanner_free(s);
	free(b.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_copy(data, size);
	struct control_record c = CONTROL_RECORD_INIT, again = CONTROL_RECORD_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct error err = ERROR_INIT;

	if (control_record_read(&c, text, size, &err)) {
		CHECK(err.kind == ERROR_CONFIG && err.what[0] && c.kind == CONTROL_NONE && !c.n);
	} else {
		check(&c);
		CHECK(!control_record_write(&c, &first, &err));
		CHECK(memchr(first.data, '\n', first.len) == first.data + first.len - 1);
		CHECK(!control_record_read(&again, first.data, first.len - 1, &err));
		check_same(&c, &again);
		CHECK(!control_record_write(&again, &second, &err));
		CHECK(same_bytes(first.data, first.len, second.data, second.len));
		check_scanner(&c, &first);
	}
	control_record_release(&c);
	control_record_release(&again);
	buf_release(&first);
	buf_release(&second);
	free(text);
	return 0;
}
