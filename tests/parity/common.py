"""What the parity tests share: TAP lines, SECOM, records, and our programs as functions.

Programs are found on PATH, or in BUILD_BIN where it is set.
"""

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CONVERTER = os.path.join(ROOT, "data", "convert", "sklearn_to_model.py")

if os.environ.get("BUILD_BIN"):
    os.environ["PATH"] = os.environ["BUILD_BIN"] + os.pathsep + os.environ["PATH"]


class Tap:
    """Prints one line a test; the plan comes at the end."""

    def __init__(self):
        self.number = self.failed = 0

    def check(self, good, name, comment=""):
        self.number += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.number} - {name}", flush=True)
        if comment:
            print(f"# {comment}", flush=True)

    def skip(self, name, reason):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {reason}", flush=True)

    def end(self):
        print(f"1..{self.number}")
        return 1 if self.failed else 0


def random_cases(name, n, one_case):
    """A test of n cases, each by a seed; one_case(random, folder) returns None or what is wrong. Returns main's status."""
    tap, failed = Tap(), []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(n):
            what = one_case(random.Random(seed), folder)
            if what:
                failed.append(f"case {seed}: {what}")
    tap.check(not failed, f"{n} random cases of {name}", "\n# ".join(failed[:3]))
    return tap.end()


def secom_path():
    """SECOM's values (secom.data or secom.data.gz in SECOM_DIR), or None where it is not set."""
    folder = os.environ.get("SECOM_DIR")
    if not folder:
        return None
    path = os.path.join(folder, "secom.data")
    return path if os.path.exists(path) else path + ".gz"


def read_secom(path):
    """Values with NaN for missing, and whether each row failed (1) or passed (0)."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="ascii") as file:
        values = np.loadtxt(file)
    with open(os.path.join(os.path.dirname(path), "secom_labels.data"), encoding="ascii") as file:
        labels = np.array([line.split()[0] == "1" for line in file], dtype=int)
    return values, labels


def write_records(path, rows):
    """JSON Lines with the fields features.0, features.1, ...; NaN is null."""
    keys = [str(j) for j in range(rows.shape[1])]
    with open(path, "w", encoding="ascii") as file:
        for row in rows.tolist():
            cells = [None if x != x else x for x in row]
            file.write(json.dumps({"features": dict(zip(keys, cells))}) + "\n")
    return path


def run(*command):
    """Runs a program and returns its output; what it says on failure ends the test."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def train(model, records, *options):
    run("iforest-train", "-o", model, *options, records)
    return model


def convert(model, fitted, *options):
    run(sys.executable, CONVERTER, "-o", model, *options, fitted)
    return model


def score(model, records, *options):
    """The verdicts, one dictionary a record."""
    out = run("anomaly-score", "-m", model, *options, records)
    return [json.loads(line) for line in out.splitlines()]


def column(verdicts, field):
    return np.array([v[field] for v in verdicts])
