#include "lib/model/scorer.h"

const char *const severity_names[] = {"none", "low", "medium", "high", NULL};

void scorer_free(struct scorer *s)
{
	if (s)
		s->ops->free(s);
}

size_t scorer_scratch(const struct scorer *s)
{
	return s->ops->scratch(s);
}

void scorer_score(const struct scorer *s, const struct scorer_rows *rows, double max_missing,
		  void *scratch, struct verdict *verdicts)
{
	s->ops->score(s, rows, max_missing, scratch, verdicts);
}
