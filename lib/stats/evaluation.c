#include "lib/stats/evaluation.h"

#include <math.h>

const char *const evaluation_keys[EVALUATION_METRICS] = {
	[EVALUATION_PRECISION] = "precision",
	[EVALUATION_RECALL] = "recall",
	[EVALUATION_F1] = "f1",
	[EVALUATION_ACCURACY] = "accuracy",
	[EVALUATION_ACCURACY_ALWAYS_NORMAL] = "accuracy_always_normal",
	[EVALUATION_ROC_AUC] = "roc_auc",
	[EVALUATION_AVERAGE_PRECISION] = "average_precision",
	[EVALUATION_PRECISION_AT_K] = "precision_at_k",
	[EVALUATION_BEST_F1] = "best_f1",
};

static enum separation judge(struct interval auc)
{
	if (isnan(auc.low))
		return SEPARATION_UNKNOWN;
	if (auc.low > 0.5)
		return SEPARATION_YES;
	return auc.high < 0.5 ? SEPARATION_REVERSED : SEPARATION_NO;
}

int evaluate(struct evaluation *e, const struct confusion *c, struct roc *roc,
	     const struct evaluation_options *options, struct error *err)
{
	const char *no_positives = "no record is anomalous in truth";
	const char *no_class = roc->pos.n ? "no record is normal in truth" : no_positives;
	struct roc_point best = {.threshold = NAN};

	if (roc_sort(roc, err) < 0)
		return -1;
	*e = (struct evaluation){
		.options = *options,
		.confusion = *c,
		.positives = roc->pos.n,
		.negatives = roc->neg.n,
		.metrics =
			{
				[EVALUATION_PRECISION] = {confusion_precision(c),
							  "no record was called anomalous"},
				[EVALUATION_RECALL] = {confusion_recall(c), no_positives},
				[EVALUATION_F1] = {confusion_f1(c),
						   "no record is or was called anomalous"},
				[EVALUATION_ACCURACY] = {confusion_accuracy(c), "no records"},
				[EVALUATION_ACCURACY_ALWAYS_NORMAL] =
					{confusion_accuracy_always_normal(c), "no records"},
				[EVALUATION_ROC_AUC] = {roc_auc(roc), no_class},
				[EVALUATION_AVERAGE_PRECISION] = {roc_average_precision(roc),
								  no_positives},
				[EVALUATION_PRECISION_AT_K] = {roc_precision_at(roc, roc->pos.n),
							       no_positives},
				[EVALUATION_BEST_F1] = {roc_best_f1(roc, &best), no_positives},
			},
		.best_f1_threshold =
			options->lower_is_anomalous ? 0 - best.threshold : best.threshold,
	};
	for (unsigned i = 0; i < EVALUATION_METRICS; i++)
		if (!isnan(e->metrics[i].value))
			e->metrics[i].undefined = NULL;
	if (roc_bootstrap(roc, options->replicates, options->seed, options->threads, &e->intervals,
			  err) < 0)
		return -1;
	e->separation = judge(e->intervals.auc);
	return 0;
}
