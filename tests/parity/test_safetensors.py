"""Models of ours opened by the public safetensors package."""

import hashlib
import json
import os
import sys
import tempfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

import common

TENSORS = {
    "calibration.scores": "float64",
    "feature.center": "float64",
    "feature.fill": "float64",
    "feature.missing_share": "float64",
    "feature.scale": "float64",
    "feature.sketch": "float64",
    "feature.sketch_n": "uint64",
    "forest.start": "uint64",
    "node.feature": "int32",
    "node.left": "int32",
    "node.n_samples": "uint32",
    "node.right": "int32",
    "node.threshold": "float32",
    "node.when_missing_left": "uint8",
}


def check_tensors(tap, tensors, rows):
    dtypes = {name: str(values.dtype) for name, values in tensors.items()}
    tap.check(dtypes == TENSORS, "tensors and their types", "" if dtypes == TENSORS else str(dtypes))
    nodes = tensors["forest.start"][-1]
    sizes = {len(v) for k, v in tensors.items() if k.startswith("node.")}
    tap.check(sizes == {nodes}, "node tensors are of one length")
    points = np.minimum(tensors["feature.sketch_n"], 501).astype(int)
    sketches = np.split(tensors["feature.sketch"], np.cumsum(points)[:-1])
    ends = all(
        s[0] == np.nanmin(x) and s[-1] == np.nanmax(x) for s, x in zip(sketches, rows.T)
    )
    tap.check(ends and len(sketches) == rows.shape[1], "sketches hold each column's extremes")
    tap.check(
        np.array_equal(tensors["feature.fill"], np.nanmedian(rows, axis=0)), "fills are medians"
    )
    missing = np.abs(tensors["feature.missing_share"] - np.isnan(rows).mean(axis=0))
    tap.check(missing.max() < 1e-15, "missing shares")


def check_metadata(tap, metadata, data):
    config = json.loads(metadata["config"])
    tap.check(
        metadata["format"] == "sensorutils-model" and metadata["format_version"] == "1",
        "format and version",
    )
    tap.check(config["kind"] == "isolation-forest", "config is JSON and names the kind")
    tap.check(config["features"] == [f"features.{j}" for j in range(4)], "config names the features")
    digest = metadata["digest"].encode()
    blank = data.replace(b'"digest":"' + digest, b'"digest":"' + b"0" * 64)
    tap.check(hashlib.sha256(blank).hexdigest().encode() == digest, "digest by Python's hashlib")


def check_groups(tap, folder):
    """A model with groups: names in order, a group's tensors as those of a model of its own."""
    records = os.path.join(folder, "groups.jsonl")
    with open(records, "w") as file:
        for i in range(1200):
            zone = "ab"[i % 2]
            print(json.dumps({"zone": zone, "x": i * 7919 % 101 + (500 if i % 2 else 0), "y": i % 37}), file=file)
    model = common.train(os.path.join(folder, "g.model"), records, "--by", "zone", "--features", "x,y")
    names = ["g/0/", "g/1/"]
    tensors = load_file(model)
    dtypes = {name: str(values.dtype) for name, values in tensors.items()}
    wanted = {prefix + name: dtype for prefix in ["", *names] for name, dtype in TENSORS.items()}
    tap.check(dtypes == wanted, "groups: tensors and their types")
    with safe_open(model, framework="numpy") as file:
        config = json.loads(file.metadata()["config"])
        tap.check(list(file.keys()) == sorted(wanted), "groups: safe_open lists the tensors")
        same = all(np.array_equal(file.get_tensor(n), tensors[n], equal_nan=True) for n in wanted)
    tap.check(same, "groups: one by one they are the same")
    tap.check([g["key"] for g in config["groups"]] == ["a", "b"], "groups: config names them")
    rows = [json.loads(line) for line in open(records)]
    for i, key in enumerate("ab"):
        x = np.array([r["x"] for r in rows if r["zone"] == key], dtype=float)
        ours = tensors[f"g/{i}/feature.sketch"][: min(len(x), 501)]
        tap.check(
            ours[0] == x.min() and ours[-1] == x.max() and tensors[f"g/{i}/feature.fill"][0] == np.median(x),
            f"groups: {key} has its own extremes and median",
        )


def main():
    tap = common.Tap()
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(1200, 4))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        records = common.write_records(os.path.join(folder, "r.jsonl"), rows)
        model = common.train(os.path.join(folder, "m.model"), records, "--max-missing", "0.8")
        kept = rows[np.isnan(rows).sum(axis=1) <= 0.8 * 4]
        check_tensors(tap, load_file(model), kept)
        with safe_open(model, framework="numpy") as file:
            metadata = file.metadata()
            tap.check(sorted(file.keys()) == sorted(TENSORS), "safe_open lists the tensors")
        with open(model, "rb") as file:
            data = file.read()
        check_metadata(tap, metadata, data)
        check_groups(tap, folder)
        tap.check((8 + int.from_bytes(data[:8], "little")) % 64 == 0, "data start at 64 bytes")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
