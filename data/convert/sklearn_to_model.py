#!/usr/bin/env python3
"""Turns a fitted scikit-learn IsolationForest into a model that anomaly-score reads.

The forest may come alone, with its imputer and scaler in files of their own, or at the end of a
Pipeline. The file written is described in sensor-model(5). Needs numpy and scikit-learn.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import sys
import tempfile
import warnings

PROGRAM = "sklearn_to_model"

try:
    import joblib
    import numpy as np
    import sklearn
    from sklearn.ensemble import IsolationForest
    from sklearn.exceptions import NotFittedError
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import RobustScaler, StandardScaler
    from sklearn.utils.validation import check_is_fitted
except ImportError as e:
    sys.exit(f"{PROGRAM}: {e}: install numpy and scikit-learn, of the version the forest was fitted with")

SKETCH_POINTS = 501
USAGE, DATA, NO_INPUT, CREATE = 64, 65, 66, 73  # of sysexits(3)


class Failure(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{PROGRAM}: {message}\n")


def parse_arguments():
    p = Parser(
        prog=f"{PROGRAM}.py",
        description="Turn a fitted scikit-learn IsolationForest into a model for anomaly-score.",
        epilog="Pickle and joblib files run code when they are loaded: load only your own. "
        "The model written is data and runs none.",
        allow_abbrev=False,
    )
    p.add_argument(
        "forest", help="joblib or pickle file of an IsolationForest, or of a Pipeline that ends in one"
    )
    p.add_argument("-o", "--output", metavar="MODEL", required=True, help="the model to write")
    p.add_argument("--imputer", metavar="FILE", help="its SimpleImputer (median or mean)")
    p.add_argument("--scaler", metavar="FILE", help="its StandardScaler or RobustScaler")
    p.add_argument(
        "--features",
        metavar="NAMES",
        help="names of the columns, as dotted paths: a,b.c or @FILE with one a line; "
        "default: the names it was fitted with, else features.0, features.1, ...",
    )
    p.add_argument(
        "--data",
        metavar="FILE",
        help="the rows it was fitted with, before imputing (.npy, or .csv with or without a "
        "header; of one that has the names, their columns): gives the model its score_quantile, "
        "its severities and its sketches",
    )
    return p.parse_args()


def load(path):
    try:
        return joblib.load(path)
    except OSError as e:
        raise Failure(NO_INPUT, f"cannot open '{path}': {e.strerror}") from e
    except Exception as e:  # a pickle can fail in any way
        raise Failure(DATA, f"cannot load '{path}': {type(e).__name__}: {e}") from e


def collect_steps(args):
    """The parts in the order rows pass them: any of an imputer, a scaler; then the forest."""
    fitted = load(args.forest)
    steps = [s for _, s in fitted.steps] if isinstance(fitted, Pipeline) else [fitted]
    before = [load(path) for path in (args.imputer, args.scaler) if path]
    steps = before + [s for s in steps if s is not None and not isinstance(s, str)]
    if not steps or not isinstance(steps[-1], IsolationForest):
        last = type(steps[-1]).__name__ if steps else "nothing"
        raise Failure(DATA, f"'{args.forest}' holds {last}, not an IsolationForest")
    kinds = [SimpleImputer, (StandardScaler, RobustScaler), IsolationForest]
    found = []
    for kind in kinds:
        found.append(steps.pop(0) if steps and isinstance(steps[0], kind) else None)
    if steps:
        raise Failure(
            DATA,
            f"cannot convert a {type(steps[0]).__name__} here: a model is an optional SimpleImputer, "
            "then an optional StandardScaler or RobustScaler, then an IsolationForest",
        )
    for step in found:
        try:
            if step is not None:
                check_is_fitted(step)
        except NotFittedError as e:
            raise Failure(DATA, f"the {type(step).__name__} is not fitted") from e
    return found


def read_imputer(imputer, n_columns):
    """Name and fill values, NaN for a column that the imputer drops."""
    if imputer is None:
        return "none", np.full(n_columns, np.nan)
    if imputer.strategy not in ("median", "mean"):
        raise Failure(DATA, f"cannot convert a SimpleImputer of strategy '{imputer.strategy}'")
    if not (isinstance(imputer.missing_values, float) and math.isnan(imputer.missing_values)):
        raise Failure(DATA, "cannot convert a SimpleImputer whose missing values are not NaN")
    if imputer.add_indicator:
        raise Failure(DATA, "cannot convert a SimpleImputer with add_indicator")
    return imputer.strategy, np.asarray(imputer.statistics_, dtype=np.float64)


def read_scaler(scaler, n_columns):
    if scaler is None:
        name, center, scale = "none", None, None
    elif isinstance(scaler, StandardScaler):
        name, scale = "standard", scaler.scale_
        center = scaler.mean_ if scaler.with_mean else None
    else:
        name, center, scale = "robust", scaler.center_, scaler.scale_
    center = np.zeros(n_columns) if center is None else np.asarray(center, dtype=np.float64)
    scale = np.ones(n_columns) if scale is None else np.asarray(scale, dtype=np.float64)
    return name, center, scale


def float32_below(x):
    """The largest float32 not above x: for float32 rows, x <= it is the same as x <= x64."""
    low = x.astype(np.float32)
    above = low.astype(np.float64) > x
    low[above] = np.nextafter(low[above], np.float32(-np.inf))
    return low


def read_forest(forest):
    """The tensors of the trees, and c(n)'s sub-sample size."""
    nodes = {name: [] for name in ("feature", "left", "right", "n_samples", "threshold", "missing")}
    start = [0]
    for estimator, columns in zip(forest.estimators_, forest.estimators_features_):
        tree = estimator.tree_
        leaf = tree.children_left < 0
        missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
        nodes["feature"].append(np.where(leaf, -1, np.asarray(columns)[tree.feature * ~leaf]))
        nodes["left"].append(np.where(leaf, 0, tree.children_left))
        nodes["right"].append(np.where(leaf, 0, tree.children_right))
        nodes["n_samples"].append(tree.n_node_samples)
        nodes["threshold"].append(float32_below(np.where(leaf, 0.0, tree.threshold)))
        nodes["missing"].append(np.where(leaf, 0, missing))
        start.append(start[-1] + tree.node_count)
    joined = {name: np.concatenate(parts) for name, parts in nodes.items()}
    return {
        "forest.start": np.array(start, dtype=np.uint64),
        "node.feature": joined["feature"].astype(np.int32),
        "node.left": joined["left"].astype(np.int32),
        "node.n_samples": joined["n_samples"].astype(np.uint32),
        "node.right": joined["right"].astype(np.int32),
        "node.threshold": joined["threshold"].astype(np.float32),
        "node.when_missing_left": joined["missing"].astype(np.uint8),
    }


def read_csv(path, wanted):
    """Rows as lists of float, and the header's names or None. Of a file with a header that has all
    names of wanted, these columns in this order."""
    with open(path, encoding="utf-8-sig", newline="") as f:
        lines = csv.reader(f)
        first = next(lines, [])
        if all(is_number(cell) for cell in first):
            return [[number(cell, path, 1) for cell in row] for row in [first, *lines] if row], None
        names = first
        if wanted and set(wanted) <= set(first):
            names = wanted
        columns = [first.index(name) for name in names]
        rows = []
        for row in lines:
            if row and len(row) != len(first):
                raise Failure(DATA, f"{path}:{lines.line_num}: {len(row)} cells, the header has {len(first)}")
            if row:
                rows.append([number(row[j], path, lines.line_num) for j in columns])
        return rows, names


def number(cell, path, line):
    """NaN for an empty cell."""
    try:
        return float(cell) if cell else math.nan
    except ValueError as e:
        raise Failure(DATA, f"{path}:{line}: '{cell}' is no number") from e


def is_number(cell):
    try:
        return cell == "" or float(cell) is not None
    except ValueError:
        return False


def read_data(path, n_columns, wanted):
    """Rows of float64 with NaN for missing, and the header's names or None."""
    names = None
    try:
        if path.endswith(".npy"):
            rows = np.load(path, allow_pickle=False)
        else:
            rows, names = read_csv(path, wanted)
        rows = np.asarray(rows, dtype=np.float64)
    except OSError as e:
        raise Failure(NO_INPUT, f"cannot open '{path}': {e.strerror or e}") from e
    except (ValueError, csv.Error) as e:
        raise Failure(DATA, f"cannot read '{path}': {e}") from e
    if rows.ndim != 2 or rows.shape[1] != n_columns or len(rows) == 0:
        raise Failure(
            DATA, f"'{path}' is of shape {rows.shape}, but the model takes rows of {n_columns} columns"
        )
    if np.isinf(rows).any():
        raise Failure(DATA, f"'{path}' holds an infinite value")
    return rows, names


def given_names(option, first_step):
    """The columns' names as the user or the fit gave them; None if neither did."""
    if option is not None and option.startswith("@"):
        try:
            with open(option[1:], encoding="utf-8") as f:
                return f.read().splitlines()
        except OSError as e:
            raise Failure(NO_INPUT, f"cannot open '{option[1:]}': {e.strerror}") from e
        except UnicodeDecodeError as e:
            raise Failure(DATA, f"'{option[1:]}' is not UTF-8: {e}") from e
    if option is not None:
        return option.split(",")
    if hasattr(first_step, "feature_names_in_"):
        return [str(name) for name in first_step.feature_names_in_]
    return None


def check_names(names, n_columns):
    if len(names) != n_columns:
        raise Failure(USAGE, f"{len(names)} features are named, but the model takes {n_columns}")
    if len(set(names)) < len(names) or "" in names:
        raise Failure(USAGE, "a feature's name is empty or given twice")


def score(parts, rows):
    """The paper's scores of rows as read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names were checked by count
        for step in parts[:-1]:
            rows = step.transform(rows)
        return -parts[-1].score_samples(rows)


def sketch(values):
    """Order statistics at equal steps of rank: all of them, up to SKETCH_POINTS."""
    ordered = np.sort(values[~np.isnan(values)])
    n, points = len(ordered), min(len(ordered), SKETCH_POINTS)
    steps = max(points - 1, 1)
    return n, ordered[[((n - 1) * i + steps // 2) // steps for i in range(points)]]


def calibrate(scores, offset):
    """Scores above which an alarm's severity is medium, and high."""
    if scores is None:
        return 1.0, 1.0  # no score exceeds 1: alarms stay low
    alarms = scores[-scores - offset < 0]
    if len(alarms) == 0:
        return -offset, -offset
    return float(np.percentile(alarms, 90)), float(alarms.max())


def model_bytes(config, tensors):
    metadata = {
        "format": "sensorutils-model",
        "format_version": "1",
        "digest": "0" * 64,
        "config": json.dumps(config, separators=(",", ":"), ensure_ascii=False, allow_nan=False),
    }
    header = {"__metadata__": metadata}
    dtypes = {"f8": "F64", "u8": "U64", "i4": "I32", "u4": "U32", "f4": "F32", "u1": "U8"}
    parts = []
    end = 0
    for name in sorted(tensors):
        values = tensors[name]
        begin, end = end, end + values.nbytes
        header[name] = {
            "dtype": dtypes[values.dtype.str[1:]],
            "shape": list(values.shape),
            "data_offsets": [begin, end],
        }
        parts.append(values.astype(values.dtype.newbyteorder("<")).tobytes())
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(8 + len(text)) % 64)
    data = len(text).to_bytes(8, "little") + text + b"".join(parts)
    zeros = b'"digest":"' + b"0" * 64
    digest = hashlib.sha256(data).hexdigest().encode()
    return data.replace(zeros, b'"digest":"' + digest, 1), digest.decode()


def write_file(path, data):
    folder = os.path.dirname(path) or "."
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=os.path.basename(path), delete=False) as f:
            try:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
                umask = os.umask(0)
                os.umask(umask)
                os.chmod(f.name, 0o666 & ~umask)
                os.replace(f.name, path)
            except BaseException:
                os.unlink(f.name)
                raise
    except OSError as e:
        raise Failure(CREATE, f"cannot create '{path}': {e.strerror}") from e


def convert(args):
    imputer, scaler, forest = collect_steps(args)
    parts = [step for step in (imputer, scaler, forest) if step is not None]
    n_columns = parts[0].n_features_in_
    names = given_names(args.features, parts[0])
    rows, header = read_data(args.data, n_columns, names) if args.data else (None, None)
    names = names or header or [f"features.{i}" for i in range(n_columns)]
    check_names(names, n_columns)

    impute, fill = read_imputer(imputer, n_columns)
    # An imputer drops the columns that were empty, unless it keeps them with a fill.
    kept = np.arange(n_columns) if imputer is None else np.flatnonzero(~np.isnan(fill))
    if len(kept) != forest.n_features_in_ or (scaler and scaler.n_features_in_ != len(kept)):
        raise Failure(DATA, "imputer, scaler and forest do not go with each other: other numbers of columns")
    scaling, center, scale = read_scaler(scaler, len(kept))
    offset = float(forest.offset_)

    scores, n_rows = None, 0
    if rows is not None:
        n_rows = len(rows)
        scores = score(parts, rows)
        rows = rows[:, kept]
    medium, high = calibrate(scores, offset)
    n_scores, score_points = (0, np.empty(0)) if scores is None else sketch(scores)
    sketches = [(0, np.empty(0)) if rows is None else sketch(rows[:, j]) for j in range(len(kept))]
    missing = np.zeros(len(kept)) if rows is None else np.isnan(rows).mean(axis=0)

    tensors = {
        "calibration.scores": score_points,
        "feature.center": center,
        "feature.fill": fill[kept],
        "feature.missing_share": missing,
        "feature.scale": scale,
        "feature.sketch": np.concatenate([points for _, points in sketches]),
        "feature.sketch_n": np.array([n for n, _ in sketches], dtype=np.uint64),
    } | read_forest(forest)
    seed = forest.random_state
    config = {
        "kind": "isolation-forest",
        "features": [names[j] for j in kept],
        "impute": impute,
        "scale": scaling,
        "offset": offset,
        "contamination": "auto" if forest.contamination == "auto" else float(forest.contamination),
        "medium": medium,
        "high": high,
        "n_scores": n_scores,
        "max_samples": int(forest.max_samples_),
        "max_features": len(forest.estimators_features_[0]),
        "max_missing": 1.0,
        "n_rows": n_rows,
        "n_rows_seen": n_rows,
        "seed": str(seed) if isinstance(seed, (int, np.integer)) else "0",
        "source": f"scikit-learn {sklearn.__version__}",
        "left_out": [f"{names[j]}: all missing" for j in range(n_columns) if j not in set(kept)],
    }
    data, digest = model_bytes(config, tensors)
    write_file(args.output, data)
    shown = names[kept[0]] + (", ..." if len(kept) > 1 else "")
    print(
        f"{PROGRAM}: {args.output}: {len(forest.estimators_)} trees over {len(kept)} features ({shown}), "
        f"model_version {digest[:12]}" + ("" if args.data else "; without --data: no score_quantile"),
        file=sys.stderr,
    )


def main():
    args = parse_arguments()
    try:
        convert(args)
    except Failure as e:
        print(f"{PROGRAM}: {e}", file=sys.stderr)
        return e.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
