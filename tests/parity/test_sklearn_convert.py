"""Forests fitted by scikit-learn, converted and scored by anomaly-score: equal scores and decisions.

And the parts of our own training that have one right answer: c(n), the depth limit, and the threshold
as numpy's percentile.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import warnings

import joblib
import numpy as np
from safetensors.numpy import load_file
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._iforest import _average_path_length
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

import common

TOLERANCE = 1e-12
warnings.simplefilter("ignore", UserWarning)


def forest(**options):
    return IsolationForest(**{"n_estimators": 100, "random_state": 42} | options)


def compare(tap, name, folder, pipeline, rows, records, *options):
    """Fits, converts, scores both ways. Options are the converter's."""
    pipeline.fit(rows)
    fitted = os.path.join(folder, "fitted.joblib")
    joblib.dump(pipeline, fitted)
    model = common.convert(os.path.join(folder, "m.model"), fitted, *options)
    verdicts = common.score(model, records, "--max-missing", "1")
    theirs, ours = -pipeline.score_samples(rows), common.column(verdicts, "anomaly_score")
    off = np.max(np.abs(ours - theirs) / theirs)
    tap.check(off <= TOLERANCE, f"{name}: scores", f"largest relative difference {off:.2g}")
    alarms = common.column(verdicts, "is_anomaly")
    tap.check(
        np.array_equal(alarms, pipeline.predict(rows) < 0),
        f"{name}: decisions",
        f"{alarms.sum()} of {len(rows)} rows",
    )
    return model, verdicts


def check_quantiles(tap, name, verdicts, contamination):
    ours = common.column(verdicts, "score_quantile").astype(float)
    scores = common.column(verdicts, "anomaly_score")
    exact = np.searchsorted(np.sort(scores), scores) / len(scores)
    off = np.abs(ours - exact).max()
    tap.check(off <= 0.001 + 2 / len(scores), f"{name}: score_quantile", f"off by {off:.2g}")
    severity = common.column(verdicts, "severity")
    alarms = (severity != "none").sum()
    wanted = contamination * len(scores)
    tap.check(
        abs(alarms - wanted) <= 1 and abs((severity == "medium").sum() - wanted / 10) <= 1,
        f"{name}: severities",
    )


def check_secom(tap, folder):
    path = common.secom_path()
    if not path:
        tap.skip("SECOM", "SECOM_DIR is not set")
        return
    rows, _ = common.read_secom(path)
    records = common.write_records(os.path.join(folder, "secom.jsonl"), rows)
    data = os.path.join(folder, "secom.npy")
    np.save(data, rows)
    for strategy, scaler in (("median", StandardScaler()), ("mean", RobustScaler())):
        name = f"SECOM, {strategy}, {type(scaler).__name__}"
        pipeline = make_pipeline(
            SimpleImputer(strategy=strategy), scaler, forest(contamination=0.1)
        )
        _, verdicts = compare(tap, name, folder, pipeline, rows, records, "--data", data)
        check_quantiles(tap, name, verdicts, 0.1)
        imputed = common.column(verdicts, "imputed")
        tap.check(np.array_equal(imputed, np.isnan(rows).sum(axis=1)), f"{name}: imputed")
    name = "SECOM, without imputer or scaler"
    compare(tap, name, folder, make_pipeline(forest()), rows, records)


def check_synthetic(tap, folder):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(100_000, 5)) * [1, 1e-6, 1e6, 3, 1] + [0, 0, 0, 1e3, 0]
    rows[:, 4] = rng.integers(0, 4, len(rows))  # ties
    records = common.write_records(os.path.join(folder, "rows.jsonl"), rows)
    _, verdicts = compare(tap, "100,000 rows", folder, forest(contamination=0.02), rows, records)
    quantiles = common.column(verdicts, "score_quantile")
    tap.check(all(q is None for q in quantiles), "without --data: score_quantile is null")
    severities = set(common.column(verdicts, "severity"))
    tap.check(severities == {"none", "low"}, "without --data: severity is none or low")

    compare(
        tap,
        "100,000 rows, max_features, bootstrap, max_samples",
        folder,
        forest(max_features=0.5, bootstrap=True, max_samples=1000),
        rows,
        records,
    )
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 0] = np.nan_to_num(rows[:, 0])
    records = common.write_records(os.path.join(folder, "holes.jsonl"), rows)
    name = "100,000 rows with NaN, no imputer"
    compare(tap, name, folder, forest(contamination=0.02), rows, records)


def check_edges(tap, folder):
    """Small samples, where trees are a leaf or two; and other corners."""
    rng = np.random.default_rng(2)
    for n in (1, 2, 3, 5):
        rows = rng.normal(size=(n, 2))
        records = common.write_records(os.path.join(folder, "few.jsonl"), rows)
        compare(tap, f"{n} row{'s' * (n > 1)}", folder, forest(n_estimators=7), rows, records)
    # Neighbours in float32: which way a threshold between them is rounded shows.
    rows = 1000 + rng.integers(0, 9, size=(5000, 2)) * 2.0**-14
    records = common.write_records(os.path.join(folder, "few.jsonl"), rows)
    compare(tap, "neighbouring float32 values", folder, forest(), rows, records)

    rows = rng.normal(size=(50, 3))
    rows[:, 1] = np.nan
    records = common.write_records(os.path.join(folder, "few.jsonl"), rows)
    pipeline = make_pipeline(SimpleImputer(), forest())
    model, _ = compare(tap, "an empty column", folder, pipeline, rows, records)
    description = common.run("anomaly-score", "-m", model, "--describe").decode()
    tap.check("features.1: all missing" in description, "an empty column is left out by name")


def check_files(tap, folder):
    """Imputer, scaler and forest in three pickles; names of columns; what cannot be converted."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(300, 2))
    rows[::7, 1] = np.nan
    imputer = SimpleImputer().fit(rows)
    scaler = StandardScaler().fit(imputer.transform(rows))
    fitted = forest(contamination=0.1).fit(scaler.transform(imputer.transform(rows)))
    paths = {}
    for name, part in (("imputer", imputer), ("scaler", scaler), ("forest", fitted)):
        paths[name] = os.path.join(folder, name + ".pkl")
        with open(paths[name], "wb") as file:
            pickle.dump(part, file)
    records = os.path.join(folder, "named.csv")
    with open(records, "w", encoding="ascii") as file:
        file.write("speed,load\n")
        for a, b in rows.tolist():
            file.write(f"{a!r},{'' if b != b else repr(b)}\n")
    model = os.path.join(folder, "three.model")
    parts = ["--imputer", paths["imputer"], "--scaler", paths["scaler"]]
    common.convert(model, paths["forest"], *parts, "--data", records)
    verdicts = common.score(model, records, "--to", "json")
    theirs = -fitted.score_samples(scaler.transform(imputer.transform(rows)))
    off = np.abs(common.column(verdicts, "anomaly_score") - theirs).max()
    tap.check(off <= TOLERANCE, "three pickles, names from a CSV header: scores")
    check_quantiles(tap, "three pickles", verdicts, 0.1)

    first = open(model, "rb").read()
    common.convert(model, paths["forest"], *parts, "--data", records, "--features", "speed,load")
    tap.check(open(model, "rb").read() == first, "--features, and the same bytes twice")

    wide = os.path.join(folder, "wide.csv")
    with open(wide, "w", encoding="ascii") as file:
        file.write('time,load,"line ""1""",speed\n')
        for a, b in rows.tolist():
            file.write(f"12:00,{'' if b != b else repr(b)},\"a, b\",{a!r}\n")
    common.convert(model, paths["forest"], *parts, "--data", wide, "--features", "speed,load")
    tap.check(open(model, "rb").read() == first, "columns by their names among others")
    common.convert(model, paths["forest"], *parts)
    described = subprocess.run(["anomaly-score", "-m", model, "--describe"], capture_output=True, text=True, check=True)
    lines = described.stdout.splitlines()
    tap.check("rows           not known" in lines and "features       2" in lines, "described without its data")
    words = os.path.join(folder, "words.csv")
    with open(words, "w", encoding="ascii") as file:
        file.write('speed,load\n1,2\n3,"4,5"\n')
    short = os.path.join(folder, "short.csv")
    with open(short, "w", encoding="ascii") as file:
        file.write("speed,load\n1\n")

    joblib.dump(make_pipeline(StandardScaler(), SimpleImputer(), forest()), paths["scaler"])
    unfitted = os.path.join(folder, "unfitted")
    joblib.dump(forest(), unfitted)
    np.save(os.path.join(folder, "w.npy"), np.zeros((4, 3)))
    np.save(os.path.join(folder, "inf.npy"), [[1, np.inf]])
    np.save(os.path.join(folder, "words.npy"), [["a", "b"]])
    for name, arguments, status, message in (
        ("a scaler", [paths["imputer"]], 65, "holds SimpleImputer, not an IsolationForest"),
        ("a missing file", [os.path.join(folder, "none")], 66, "cannot open"),
        ("a file of something else", [records], 65, "cannot load"),
        ("parts in another order", [paths["scaler"]], 65, "cannot convert a SimpleImputer here"),
        ("too few names", [paths["forest"], "--features", "a"], 64, "the model takes 2"),
        ("one name twice", [paths["forest"], "--features", "a,a"], 64, "given twice"),
        ("an unknown option", [paths["forest"], "--fetures", "a"], 64, "unrecognized"),
        ("other data", [paths["forest"], "--data", os.path.join(folder, "w.npy")], 65, "of shape"),
        ("infinite data", [paths["forest"], "--data", os.path.join(folder, "inf.npy")], 65, "an infinite value"),
        ("data of words", [paths["forest"], "--data", os.path.join(folder, "words.npy")], 65, "cannot read"),
        ("a cell that is no number", [paths["forest"], "--data", words], 65, "words.csv:3: '4,5' is no number"),
        ("a row cut short", [paths["forest"], "--data", short], 65, "short.csv:2: 1 cells, the header has 2"),
        ("names of other bytes", [paths["forest"], "--features", "@" + os.path.join(folder, "w.npy")], 65, "UTF-8"),
        ("a forest not fitted", [unfitted], 65, "the IsolationForest is not fitted"),
    ):
        done = subprocess.run(
            [sys.executable, common.CONVERTER, "-o", os.path.join(folder, "bad"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        good = done.returncode == status and message in done.stderr and "Traceback" not in done.stderr
        tap.check(good, f"refused: {name}", "" if good else done.stderr.strip()[-200:])


def check_own_training(tap, folder):
    """c(n) of leaves, depth and threshold of a forest of ours."""
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(2000, 3))
    records = common.write_records(os.path.join(folder, "own.jsonl"), rows)
    for samples, contamination in ((256, 0.1), (100, 0.033), (2000, 0.25), (2, 0.5), (129, 0.001)):
        name = f"our training, {samples} samples, contamination {contamination}"
        model = common.train(
            os.path.join(folder, "own.model"),
            records,
            *("--max-samples", str(samples), "--contamination", str(contamination)),
        )
        t = load_file(model)
        ours = common.column(common.score(model, records), "anomaly_score")
        decisions = common.column(common.score(model, records, "--score", "decision"), "anomaly_score")
        offset = np.percentile(-ours, 100 * contamination)
        tap.check(np.array_equal(decisions, -ours - offset), f"{name}: threshold is numpy's percentile")
        depths, scores = walk(t, rows.astype(np.float32), samples)
        limit = int(np.ceil(np.log2(max(samples, 2))))
        tap.check(depths <= limit, f"{name}: no tree deeper than {limit}")
        off = np.abs(scores / ours - 1).max()
        tap.check(off <= TOLERANCE, f"{name}: scores by scikit-learn's c(n)", f"{off:.2g}")


def walk(t, rows, samples):
    """The deepest leaf, and scores, by numpy from the tensors of a model."""
    total, deepest = np.zeros(len(rows)), 0
    for start, end in zip(t["forest.start"][:-1], t["forest.start"][1:]):
        tree = {k[5:]: v[start:end] for k, v in t.items() if k.startswith("node.")}
        at, depth = np.zeros(len(rows), dtype=int), np.zeros(len(rows))
        while True:
            inner = tree["feature"][at] >= 0
            if not inner.any():
                break
            x = rows[np.arange(len(rows)), tree["feature"][at] * inner]
            child = np.where(x <= tree["threshold"][at], tree["left"][at], tree["right"][at])
            at, depth = np.where(inner, child, at), depth + inner
        total += depth + _average_path_length(tree["n_samples"][at])
        deepest = max(deepest, depth.max())
    trees = len(t["forest.start"]) - 1
    return deepest, 2.0 ** (-total / (trees * _average_path_length([samples])[0]))


def main():
    tap = common.Tap()
    with tempfile.TemporaryDirectory() as folder:
        for check in (check_secom, check_synthetic, check_edges, check_files, check_own_training):
            check(tap, folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
