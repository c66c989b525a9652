"""anomaly-eval's figures against scikit-learn's, to 1e-12, ties and single classes included."""
import json
import os
import subprocess
import sys
import warnings

import numpy as np
from sklearn import metrics

TOLERANCE = 1e-12
PROGRAM = os.path.join(os.environ["BUILD_BIN"], "anomaly-eval") if "BUILD_BIN" in os.environ else "anomaly-eval"


def evaluate(truth, verdict, score, *options):
    lines = "".join(
        json.dumps({"label": int(t), "is_anomaly": bool(v), "anomaly_score": float(s)}) + "\n"
        for t, v, s in zip(truth, verdict, score)
    )
    done = subprocess.run(
        [PROGRAM, "--json", "--bootstrap", "0", *options], input=lines, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def best_f1(truth, score):
    precision, recall, thresholds = metrics.precision_recall_curve(truth, score)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    best = f1.max()
    return best, thresholds[np.nonzero(f1 > best - TOLERANCE)[0][-1]]


def expected(truth, verdict, score):
    tn, fp, fn, tp = (int(x) for x in metrics.confusion_matrix(truth, verdict, labels=[0, 1]).ravel())
    nan = float("nan")
    want = {
        "confusion": {"tp": tp, "fp": fp, "fn": fn, "tn": tn},
        "precision": metrics.precision_score(truth, verdict, zero_division=nan),
        "recall": metrics.recall_score(truth, verdict, zero_division=nan),
        "f1": metrics.f1_score(truth, verdict, zero_division=nan),
        "accuracy": metrics.accuracy_score(truth, verdict),
        "accuracy_always_normal": metrics.accuracy_score(truth, np.zeros_like(truth)),
        "roc_auc": nan,
        "average_precision": nan,
        "best_f1": nan,
        "best_f1_threshold": nan,
    }
    if truth.any():
        want["average_precision"] = metrics.average_precision_score(truth, score)
        want["best_f1"], want["best_f1_threshold"] = best_f1(truth, score)
        if not truth.all():
            want["roc_auc"] = metrics.roc_auc_score(truth, score)
    return want


def differences(got, want):
    for key, value in want.items():
        if isinstance(value, dict):
            if got[key] != value:
                yield f"{key}: {got[key]}, scikit-learn {value}"
        elif np.isnan(value):
            if got[key] is not None:
                yield f"{key}: {got[key]}, undefined in scikit-learn"
        elif got[key] is None or abs(got[key] - value) > TOLERANCE:
            yield f"{key}: {got[key]}, scikit-learn {value}"


def cases():
    rng = np.random.default_rng(42)

    def draw(n, share, shift, levels=None):
        truth = (rng.random(n) < share).astype(int)
        score = rng.normal(size=n) + shift * truth
        if levels:
            score = np.round(score * levels) / levels
        return truth, (score > np.quantile(score, 0.9)).astype(int), score

    for n, share, shift in [(20, 0.3, 1), (500, 0.1, 0), (5000, 0.02, 2), (50000, 0.5, -0.5)]:
        yield f"{n} records, {share:.0%} anomalous, shift {shift}", draw(n, share, shift)
        yield f"{n} records, {share:.0%} anomalous, shift {shift}, ties", draw(n, share, shift, 2)
    truth, verdict, score = draw(300, 0.2, 1)
    yield "all scores equal", (truth, verdict, np.full(300, 0.5))
    yield "scores are the verdict", (truth, verdict, verdict.astype(float))
    yield "scores of both signs, -0.0 and 0.0 tied", (truth, verdict, np.where(score > 0, -0.0, 0.0) + np.round(score))
    yield "scores a hair apart", (truth, verdict, 0.5 + score * 1e-15)
    yield "huge and tiny scores", (truth, verdict, np.sinh(score * 100))
    yield "perfect separation", (truth, truth, truth + rng.random(300) / 2)
    yield "perfectly wrong", (truth, 1 - truth, rng.random(300) / 2 - truth)
    yield "nothing called anomalous", (truth, np.zeros(300, int), score)
    yield "everything called anomalous", (truth, np.ones(300, int), score)
    yield "no positives", (np.zeros(300, int), verdict, score)
    yield "no positives, nothing called", (np.zeros(300, int), np.zeros(300, int), score)
    yield "no negatives", (np.ones(300, int), verdict, score)
    yield "one record", (np.ones(1, int), np.ones(1, int), np.ones(1))


def main():
    failed = 0
    number = 0

    def result(name, problems):
        nonlocal failed, number
        number += 1
        problems = list(problems)
        failed += bool(problems)
        print(("not ok" if problems else "ok"), number, "-", name)
        for problem in problems:
            print("#", problem)

    warnings.simplefilter("ignore")
    for name, (truth, verdict, score) in cases():
        result(name, differences(evaluate(truth, verdict, score), expected(truth, verdict, score)))
        want = expected(truth, verdict, score)
        want["best_f1_threshold"] *= -1
        result(name + ", negated", differences(evaluate(truth, verdict, -score, "--lower-is-anomalous"), want))
    print(f"1..{number}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
