"""secom-prep against scikit-learn, and against sums made without rounding error: imputing and
scaling of SECOM and of a made-up table.

SECOM is read from SECOM_DIR (secom.data or secom.data.gz, and secom_labels.data).
"""

import gzip
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import RobustScaler, StandardScaler

TOLERANCE = 1e-12
SCALERS = {"standard": StandardScaler, "robust": RobustScaler}


def sklearn_prepare(table, impute, scale):
    table = table.copy()
    known = ~np.isnan(table).all(axis=0)  # all-missing columns stay missing
    part = table[:, known]
    if impute != "none":
        part = SimpleImputer(strategy=impute).fit_transform(part)
    if scale != "none":
        part = SCALERS[scale]().fit_transform(part)
    table[:, known] = part
    return table


def exact_mean(x):
    return math.fsum(x) / len(x)


def exact_prepare_column(x, impute, scale):
    present = x[~np.isnan(x)]
    if len(present) == 0:
        return x
    if impute != "none":
        x = np.where(np.isnan(x), {"median": np.median, "mean": exact_mean}[impute](present), x)
        present = x[~np.isnan(x)]
    if scale == "none" or present.min() == present.max():
        return x - present[0] if scale != "none" else x
    if scale == "standard":
        center = exact_mean(present)
        spread = math.sqrt(exact_mean((present - center) ** 2))
    else:
        center = np.median(present)
        low, high = np.percentile(present, [25, 75])
        spread = high - low or 1.0
    return (x - center) / spread


def exact_prepare(table, impute, scale):
    return np.column_stack([exact_prepare_column(x, impute, scale) for x in table.T])


def prepared(data, labels, impute, scale):
    out = subprocess.run(
        ["secom-prep", "--impute", impute, "--scale", scale, data, labels],
        check=True,
        capture_output=True,
    ).stdout
    rows = [json.loads(line)["features"] for line in out.splitlines()]
    width = len(rows[0])
    return np.array([[row[str(j)] for j in range(width)] for row in rows], dtype=float)


def difference(ours, theirs, size):
    """None, or the worst place where they differ by more than TOLERANCE times size."""
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, expected {theirs.shape}"
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return "missing values in other places"
    off = np.nan_to_num(np.abs(ours - theirs)) / np.where(np.nan_to_num(size) > 0, size, 1.0)
    if off.max() > TOLERANCE:
        row, column = np.unravel_index(off.argmax(), off.shape)
        return (
            f"row {row} column {column}: {float(ours[row, column])!r}, "
            f"expected {float(theirs[row, column])!r}, off by {off.max():.2g}"
        )
    return None


def read_table(data):
    opener = gzip.open if data.endswith(".gz") else open
    with opener(data, "rt", encoding="ascii") as file:
        return np.loadtxt(file)


def write_table(folder):
    """Columns of several kinds: constant, far from 0, of two values, empty, huge, tiny."""
    rng = np.random.default_rng(7)
    table = rng.normal(size=(501, 12)) * 10.0 ** rng.integers(-8, 9, size=12)
    table[:, 1] = 5.25
    table[:, 2] = 1e6 + rng.normal(size=501)
    table[:, 3] = rng.integers(0, 2, size=501)
    table[rng.random(table.shape) < 0.3] = np.nan
    table[:, 4] = np.nan
    data, labels = os.path.join(folder, "t.data"), os.path.join(folder, "t.labels")
    with open(data, "w", encoding="ascii") as file:
        for row in table:
            print(*("NaN" if np.isnan(x) else repr(float(x)) for x in row), file=file)
    with open(labels, "w", encoding="ascii") as file:
        file.write('-1 "19/07/2008 11:55:00"\n' * len(table))
    return data, labels


def compare(files, impute, scale):
    """What differs from the exact table, and from scikit-learn's; None where nothing does."""
    table = read_table(files[0])
    ours = prepared(*files, impute, scale)
    exact = exact_prepare(table, impute, scale)
    theirs = sklearn_prepare(table, impute, scale)

    # A scaled column has a spread of about 1, which rounding is measured by where a value is near 0.
    scaled = 0.0 if scale == "none" else 1.0
    yield difference(ours, exact, np.maximum(np.abs(exact), scaled))

    # scikit-learn's plain sums lose digits where a column is far from 0 and narrow: what its
    # rounding is measured by is the column's distance from 0, in its own spread.
    spread = np.nanstd(np.where(np.isnan(table).all(axis=0), 0.0, table), axis=0)
    far = np.abs(np.nan_to_num(table)).max(axis=0) / np.where(spread > 0, spread, 1.0)
    yield difference(ours, theirs, np.maximum(np.abs(theirs), scaled * np.maximum(far, 1.0)))


def main():
    number = failed = 0
    ways = list(itertools.product(("none", "median", "mean"), ("none", "standard", "robust")))
    print(f"1..{4 * len(ways)}")
    with tempfile.TemporaryDirectory() as folder:
        secom = os.environ.get("SECOM_DIR", "")
        data = os.path.join(secom, "secom.data")
        if secom and not os.path.exists(data):
            data += ".gz"
        tables = {
            "a made-up table": write_table(folder),
            "SECOM": (data, os.path.join(secom, "secom_labels.data")) if secom else None,
        }
        for (name, files), (impute, scale) in itertools.product(tables.items(), ways):
            differences = compare(files, impute, scale) if files else (None, None)
            for judge, wrong in zip(("exact sums", "scikit-learn"), differences):
                number += 1
                failed += wrong is not None
                print(
                    f"{'not ' if wrong else ''}ok {number} - {name}: impute {impute}, scale {scale}, "
                    f"against {judge}{'' if files else ' # SKIP SECOM_DIR is not set'}"
                )
                if wrong:
                    print(f"# {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
