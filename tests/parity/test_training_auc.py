"""Forests of our own training find anomalies as well as scikit-learn's: ROC-AUC over many seeds.

On made-up sets with known anomalies the means must agree within 3 standard errors and 0.01, and the
samples must pass a Kolmogorov-Smirnov test; on SECOM the means of ten seeds within 0.015.
"""

import os
import sys
import tempfile

import numpy as np
from scipy.stats import ks_2samp
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import common

SEEDS = 20
SECOM_SEEDS = 10


def with_anomalies(normal, anomalies):
    rows = np.vstack([normal, anomalies])
    return rows, np.repeat([0, 1], [len(normal), len(anomalies)])


def clusters(rng):
    """Three far clusters, and anomalies between them."""
    centers = rng.uniform(-8, 8, size=(3, 4))
    normal = centers[rng.integers(0, 3, 1500)] + rng.normal(size=(1500, 4))
    return with_anomalies(normal, rng.uniform(-10, 10, size=(60, 4)))


def local(rng):
    """A dense and a wide cluster; anomalies near the dense one."""
    normal = np.vstack([rng.normal(0, 0.2, size=(1000, 3)), rng.normal(6, 2, size=(1000, 3))])
    return with_anomalies(normal, rng.normal(0, 0.8, size=(50, 3)))


def noise(rng):
    """Two columns that tell among ten that do not."""
    normal, odd = rng.uniform(size=(1200, 12)), rng.uniform(size=(80, 12))
    odd[:, :2] = rng.uniform(0.9, 1.4, size=(80, 2))
    return with_anomalies(normal, odd)


def correlated(rng):
    """Columns that go together, and anomalies where they do not."""
    common_part = rng.normal(size=(1500, 1))
    normal = common_part + 0.3 * rng.normal(size=(1500, 5))
    return with_anomalies(normal, rng.normal(size=(75, 5)))


def heavy(rng):
    """Skewed columns with ties and constants, anomalies in the tail."""
    normal = np.round(rng.lognormal(0, 1, size=(2000, 6)), 1)
    normal[:, 5] = 3
    odd = np.round(rng.lognormal(1, 1, size=(60, 6)), 1)
    odd[:, 5] = 3
    return with_anomalies(normal, odd)


def our_aucs(folder, rows, labels, seeds, *options):
    records = common.write_records(os.path.join(folder, "rows.jsonl"), rows)
    model = os.path.join(folder, "m.model")
    for seed in range(seeds):
        common.train(model, records, "--seed", str(seed), *options)
        scores = common.column(common.score(model, records), "anomaly_score")
        yield roc_auc_score(labels, scores)


def sklearn_aucs(rows, labels, seeds, **options):
    for seed in range(seeds):
        forest = IsolationForest(random_state=seed, **options).fit(rows)
        yield roc_auc_score(labels, -forest.score_samples(rows))


def compare(tap, name, ours, theirs, bound, errors):
    ours, theirs = np.array(list(ours)), np.array(list(theirs))
    error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
    off = abs(ours.mean() - theirs.mean())
    text = (
        f"mean {ours.mean():.4f} against {theirs.mean():.4f}, "
        f"sd {ours.std(ddof=1):.4f} against {theirs.std(ddof=1):.4f}"
    )
    good = off <= bound and (errors is None or off <= errors * error)
    tap.check(good, f"{name}: mean ROC-AUC", text)
    p = ks_2samp(ours, theirs).pvalue
    tap.check(p > 0.001, f"{name}: distribution of ROC-AUC", f"Kolmogorov-Smirnov p = {p:.3g}")


def main():
    tap = common.Tap()
    with tempfile.TemporaryDirectory() as folder:
        for number, make in enumerate((clusters, local, noise, correlated, heavy)):
            rows, labels = make(np.random.default_rng(number))
            ours = our_aucs(folder, rows, labels, SEEDS)
            compare(tap, make.__name__, ours, sklearn_aucs(rows, labels, SEEDS), 0.01, 3)
        rows, labels = noise(np.random.default_rng(9))
        options = ("--max-features", "3", "--max-samples", "64", "--trees", "50")
        ours = our_aucs(folder, rows, labels, SEEDS, *options)
        theirs = sklearn_aucs(rows, labels, SEEDS, max_features=3, max_samples=64, n_estimators=50)
        compare(tap, "3 features and 64 rows a tree, 50 trees", ours, theirs, 0.02, 3)

        path = common.secom_path()
        if path:
            rows, labels = common.read_secom(path)
            ours = our_aucs(folder, rows, labels, SECOM_SEEDS)
            prepared = StandardScaler().fit_transform(
                SimpleImputer(strategy="median").fit_transform(rows)
            )
            compare(tap, "SECOM", ours, sklearn_aucs(prepared, labels, SECOM_SEEDS), 0.015, None)
        else:
            tap.skip("SECOM", "SECOM_DIR is not set")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
