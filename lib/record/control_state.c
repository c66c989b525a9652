#include "lib/record/control_state.h"

#include <stdlib.h>
#include <string.h>
#include "lib/record/control_needs.h"
#include "lib/record/members.h"

#define REPLAY_FROM "replay_from"

/* The number of a stage that a member's name bears: 1 for the stage's own name, n for NAME.n, else
 * 0. */
static unsigned stage_number(const char *name, size_t len, const char *stage)
{
	size_t n = strlen(stage);
	unsigned number = 0;

	if (len < n || memcmp(name, stage, n) != 0)
		return 0;
	if (len == n)
		return 1;
	if (len < n + 2 || len > n + 7 || name[n] != '.' || name[n + 1] == '0')
		return 0;
	for (size_t i = n + 1; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number > 1 ? number : 0;
}

/* As stage_number; *number is 0 for what is no stage of this program. */
static int read_number(const struct value *name, const char *stage, struct buf *text,
		       unsigned *number, struct error *err)
{
	text->len = 0;
	*number = 0;
	if (value_string(name, text, err)) {
		if (err->kind != ERROR_DATA)
			return -1;
		return 0; /* half a surrogate pair: somebody else's */
	}
	*number = stage_number(text->data ? text->data : "", text->len, stage);
	return 0;
}

static int add_member(struct buf *out, const struct value *name, const struct value *v,
		      struct error *err)
{
	return buf_add_str(out, out->len > 1 ? "," : "", err) ||
			       buf_add(out, name->text, name->len, err) ||
			       buf_add(out, ":", 1, err) || buf_add(out, v->text, v->len, err)
		       ? -1
		       : 0;
}

/* Gives the partition the object begun in out, which it takes over. */
static int close_state(struct control_partition *p, struct buf *out, struct error *err)
{
	if (buf_add(out, "}", 1, err) || buf_terminate(out, err))
		return -1;
	free(p->state);
	p->state = out->data;
	*out = (struct buf)BUF_INIT;
	return 0;
}

/* All members but replay_from; the next free number of the stage. */
static int copy_members(const struct control_partition *p, const char *stage, struct buf *out,
			unsigned *next, struct error *err)
{
	struct buf copy = BUF_INIT, text = BUF_INIT;
	struct value object, name, v;
	unsigned number;
	int ret =
		members_scan(p->state, strlen(p->state), CONTROL_STATE_DEPTH, &copy, &object, err);

	if (ret)
		goto out;
	for (struct members m = members_of(&object); !ret && members_next(&m, &name, &v);) {
		ret = read_number(&name, stage, &text, &number, err);
		if (number >= *next)
			*next = number + 1;
		if (!ret && !member_is(&name, REPLAY_FROM))
			ret = add_member(out, &name, &v, err);
	}
out:
	buf_release(&copy);
	buf_release(&text);
	return ret;
}

static int check_own(const char *own, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct value v;
	int ret = members_scan(own, strlen(own), CONTROL_STATE_DEPTH + 1, &copy, &v, err);

	buf_release(&copy);
	return ret;
}

int control_state_put(struct control_partition *p, const char *stage, const char *own,
		      int64_t replay_from, struct error *err)
{
	struct buf out = BUF_INIT;
	unsigned number = 1;
	int64_t oldest;
	int ret = -1;

	if (check_own(own, err))
		return error_prefix(err, "state of '%s'", stage);
	if (control_state_replay_from(p->state, &oldest, err))
		return -1;
	if (p->state && replay_from >= 0 && control_needs_lower(p->state, &replay_from, err))
		return -1;
	if (oldest < 0 || (replay_from >= 0 && replay_from < oldest))
		oldest = replay_from;
	if (buf_add(&out, "{", 1, err) ||
	    (oldest >= 0 && buf_printf(&out, err, "\"" REPLAY_FROM "\":%lld", (long long)oldest)) ||
	    (p->state && copy_members(p, stage, &out, &number, err)))
		goto out;
	if (buf_printf(&out, err, "%s\"%s", out.len > 1 ? "," : "", stage) ||
	    (number > 1 && buf_printf(&out, err, ".%u", number)) || buf_add_str(&out, "\":", err) ||
	    buf_add_str(&out, own, err))
		goto out;
	ret = close_state(p, &out, err);
out:
	buf_release(&out);
	return ret;
}

/* The state without the stage's first object, which goes to own. */
static int split_state(const struct value *object, const char *stage, struct buf *out,
		       struct buf *own, struct error *err)
{
	struct buf text = BUF_INIT;
	struct value name, v;
	unsigned number;
	int ret = 0;

	for (struct members m = members_of(object); !ret && members_next(&m, &name, &v);) {
		ret = read_number(&name, stage, &text, &number, err);
		if (ret)
			break;
		if (!number || own->len)
			ret = add_member(out, &name, &v, err);
		else if (v.kind != VALUE_OBJECT)
			ret = error_set(err, ERROR_CONFIG, "state: '%s' is no object", stage);
		else
			ret = buf_add(own, v.text, v.len, err);
	}
	buf_release(&text);
	return ret;
}

int control_state_take(struct control_partition *p, const char *stage, struct buf *own,
		       struct error *err)
{
	struct buf copy = BUF_INIT, out = BUF_INIT;
	struct value object;
	int ret = -1;

	own->len = 0;
	if (!p->state)
		return 0;
	if (members_scan(p->state, strlen(p->state), CONTROL_STATE_DEPTH, &copy, &object, err)) {
		error_prefix(err, "state");
		goto out;
	}
	ret = buf_add(&out, "{", 1, err) || split_state(&object, stage, &out, own, err) ? -1 : 0;
	if (!ret && own->len)
		ret = close_state(p, &out, err);
out:
	buf_release(&copy);
	buf_release(&out);
	return ret;
}
