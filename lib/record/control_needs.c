#include "lib/record/control_needs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/record/control_record.h"
#include "lib/record/members.h"

#define NEEDS "needs"
#define GROWTH 4      /* how many times as old a neighbour may be */
#define CLOSE_BY 1000 /* offsets that count as one age */

void control_needs_release(struct control_needs *needs)
{
	free(needs->at);
	*needs = (struct control_needs){.n = 0};
}

void control_needs_cut(struct control_needs *needs, int64_t offset)
{
	while (needs->n && needs->at[needs->n - 1].offset > offset)
		needs->n--;
}

/* Whether the one between two others can go. */
static bool can_go(const struct control_need *at, int64_t now)
{
	int64_t older = now - at[-1].offset, younger = now - at[1].offset;

	return older / GROWTH <= (younger > CLOSE_BY ? younger : CLOSE_BY);
}

static void thin_out(struct control_needs *needs)
{
	int64_t now = needs->at[needs->n - 1].offset;

	for (size_t i = needs->n - 1; i-- > 1;) {
		if (!can_go(&needs->at[i], now))
			continue;
		needs->n--;
		memmove(&needs->at[i], &needs->at[i + 1], (needs->n - i) * sizeof(*needs->at));
	}
}

int control_needs_add(struct control_needs *needs, int64_t offset, int64_t from, struct error *err)
{
	control_needs_cut(needs, offset - 1);
	if (MEM_GROW(&needs->at, &needs->cap, needs->n + 1, err))
		return -1;
	needs->at[needs->n++] = (struct control_need){offset, from};
	thin_out(needs);
	return 0;
}

int control_needs_write(const struct control_needs *needs, struct buf *out, struct error *err)
{
	for (size_t i = 0; i < needs->n; i++)
		if (buf_printf(out, err, "%s[%lld,%lld]", i ? "," : "[",
			       (long long)needs->at[i].offset,
			       (long long)(needs->at[i].offset - needs->at[i].from)))
			return -1;
	return buf_add_str(out, needs->n ? "]" : "[]", err);
}

static int not_needs(struct error *err)
{
	return error_set(err, ERROR_CONFIG,
			 "state: '" NEEDS "' is no list of [offset, how far back]");
}

/* The next element of a pair, a whole number from 0. */
static bool next_number(struct members *m, int64_t *n)
{
	struct value name, v;

	return members_next(m, &name, &v) && v.kind == VALUE_NUMBER &&
	       !number_read_int(v.text, v.text + v.len, n) && *n >= 0;
}

static int read_list(struct control_needs *needs, const struct value *list, struct error *err)
{
	struct value name, v;

	needs->n = 0;
	if (list->kind != VALUE_ARRAY)
		return not_needs(err);
	for (struct members m = members_of(list); members_next(&m, &name, &v);) {
		int64_t offset, back;
		if (v.kind != VALUE_ARRAY)
			return not_needs(err);
		struct members pair = members_of(&v);
		if (!next_number(&pair, &offset) || !next_number(&pair, &back) || back > offset ||
		    members_next(&pair, &name, &v) ||
		    (needs->n && needs->at[needs->n - 1].offset >= offset))
			return not_needs(err);
		if (MEM_GROW(&needs->at, &needs->cap, needs->n + 1, err))
			return -1;
		needs->at[needs->n++] = (struct control_need){offset, offset - back};
	}
	return 0;
}

static int read_member(struct control_needs *needs, const struct value *object, struct error *err)
{
	struct value name, v;

	needs->n = 0;
	for (struct members m = members_of(object); members_next(&m, &name, &v);)
		if (member_is(&name, NEEDS) && read_list(needs, &v, err))
			return -1;
	return 0;
}

int control_needs_read(struct control_needs *needs, const char *object, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct value v;
	int ret = members_scan(object, strlen(object), CONTROL_STATE_DEPTH + 1, &copy, &v, err) ||
				  read_member(needs, &v, err)
			  ? -1
			  : 0;

	buf_release(&copy);
	return ret;
}

int64_t control_needs_from(const struct control_needs *needs, int64_t offset)
{
	size_t i = needs->n;

	while (i && needs->at[i - 1].offset > offset)
		i--;
	return i && needs->at[i - 1].from < offset ? needs->at[i - 1].from : offset;
}

/* What a stage needs for the ones behind it, those before it must give: from the last to the first.
 */
static int lower_all(const struct value *state, int64_t *offset, struct error *err)
{
	struct control_needs needs = {.n = 0};
	struct value *stages = NULL, name, v;
	size_t n = 0, cap = 0;
	int ret = 0;

	for (struct members m = members_of(state); !ret && members_next(&m, &name, &v);) {
		ret = MEM_GROW(&stages, &cap, n + 1, err);
		if (!ret && v.kind == VALUE_OBJECT)
			stages[n++] = v;
	}
	while (!ret && n) {
		ret = read_member(&needs, &stages[--n], err);
		*offset = control_needs_from(&needs, *offset);
	}
	control_needs_release(&needs);
	free(stages);
	return ret;
}

int control_needs_lower(const char *state, int64_t *offset, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct value object;
	int ret = members_scan(state, strlen(state), CONTROL_STATE_DEPTH, &copy, &object, err) ||
				  lower_all(&object, offset, err)
			  ? error_prefix(err, "state")
			  : 0;

	buf_release(&copy);
	return ret;
}
