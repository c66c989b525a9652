#include "lib/record/control.h"

#include <string.h>

void control_check_release(struct control_check *c)
{
	buf_release(&c->session);
}

int control_check_next(struct control_check *c, enum control_kind kind, uint64_t seq,
		       const char *session, size_t session_len, struct error *err)
{
	bool same = c->seen && c->session.len == session_len &&
		    (!session_len || !memcmp(c->session.data, session, session_len));

	if (!same && c->seen && !c->ended)
		return error_set(
			err, ERROR_RETRY,
			"control records of a new session came before 'end' of the last "
			"one: the program before this one died, and another took its place");
	if (!same) {
		c->session.len = 0;
		if (buf_add(&c->session, session, session_len, err))
			return -1;
		c->next = 0;
	}
	if (seq != c->next)
		return error_set(err, ERROR_CONFIG,
				 "control record %llu came where %llu was due: a filter of the "
				 "pipeline drops or repeats control records",
				 (unsigned long long)seq, (unsigned long long)c->next);
	c->seen = true;
	c->next++;
	c->ended = kind == CONTROL_END;
	return 0;
}

int control_check_end(const struct control_check *c, bool torn, struct error *err)
{
	if (!c->seen || (c->ended && !torn))
		return 0;
	return error_set(err, ERROR_RETRY,
			 torn ? "input ends in a torn line behind control records: the program "
				"before this one died"
			      : "input ended without the control record 'end': the program before "
				"this one died");
}
