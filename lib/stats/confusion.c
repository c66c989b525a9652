#include "lib/stats/confusion.h"

#include <math.h>

void confusion_add(struct confusion *c, bool truth, bool verdict)
{
	if (truth)
		*(verdict ? &c->tp : &c->fn) += 1;
	else
		*(verdict ? &c->fp : &c->tn) += 1;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

double confusion_precision(const struct confusion *c)
{
	return share(c->tp, c->tp + c->fp);
}

double confusion_recall(const struct confusion *c)
{
	return share(c->tp, c->tp + c->fn);
}

double confusion_f1(const struct confusion *c)
{
	return share(2 * c->tp, 2 * c->tp + c->fp + c->fn);
}

double confusion_accuracy(const struct confusion *c)
{
	return share(c->tp + c->tn, c->tp + c->fp + c->fn + c->tn);
}

double confusion_accuracy_always_normal(const struct confusion *c)
{
	return share(c->fp + c->tn, c->tp + c->fp + c->fn + c->tn);
}
