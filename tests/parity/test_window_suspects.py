"""window-agg beside a model by brute force (window_model.py): wrong clocks, updates, several sizes, state in a file."""

import itertools
import json
import os
import sys

from common import random_cases
from test_windows import CASES, T0, run, stamp
from window_model import Model


def make_devices(rng, max_ahead):
    """Records of devices of one or two metrics. Clocks are wrong now and then, for a while, or for good."""
    n, t, wrong, rows = rng.choice([5, 30, 120, 250]), T0 + 10**8, {}, []
    devices, disorder = "abc"[:rng.randint(1, 3)], rng.choice([0, 3_000, 30_000])
    if rng.random() < 0.3:
        wrong["a"] = rng.choice([3_600_000, 7_200_000, max_ahead])
    for i in range(n):
        t += rng.choice([0, 0, rng.randint(0, 300), rng.randint(0, 3_000)])
        if rng.random() < 0.01:
            t += rng.randint(0, 10_000_000)
        device = rng.choice(devices) if i == 0 or rng.random() < 0.6 else device
        if rng.random() < 0.03:
            wrong[device] = rng.choice([0, 0, 0, rng.randint(0, 8_000_000)])
        time = t - rng.randint(0, disorder) + wrong.get(device, 0)
        if rng.random() < 0.05:
            time = t + rng.choice([max_ahead, max_ahead + 1, rng.randint(0, 10_000_000)])
        elif rng.random() < 0.02:
            time = t - rng.randint(0, 10_000_000)
        rows.append({"i": i, "k": (device, rng.choice("xy")), "device": device, "t": time,
                     "x": rng.randint(-100, 100)})
    return rows


def device_options(rng):
    """What to give window-agg, and the same for the model."""
    lateness, max_ahead = rng.choice([0, 1_000, 20_000]), rng.choice([60_000, 600_000, 3_600_000])
    specs, gap, early = [], 0, rng.choice([0, 5_000, 7_000])
    options = ["--key", "d,m", "--agg", "x:sum,first,last", "--max-ahead", f"{max_ahead}ms"]
    options += ["--lateness", f"{lateness}ms" if lateness else "0"]
    if rng.random() < 0.3:
        gap = rng.choice([1_000, 5_000, 30_000])
        options += ["--session", f"{gap}ms"]
    for _ in range(0 if gap else rng.randint(1, 3)):
        size = rng.choice([1_000, 10_000, 60_000, 90_000])
        specs.append((size, size // rng.choice([1, 1, 2, 5])))
    specs = sorted(set(specs), key=lambda _: rng.random())
    for size, slide in specs:
        options += ["--window", f"{size}ms/{slide}ms"]
    return options + (["--early", f"{early}ms"] if early else []), Model(specs, gap, lateness, max_ahead, early)


def expected_row(model, row):
    spec, key, start, end, records, early = row
    values = sorted((r["t"], r["x"]) for r in records)
    return {"d": key[0], "m": key[1], **({"window": "{}ms/{}ms".format(*model.specs[spec])}
                                         if len(model.specs) > 1 else {}),
            "window_start": stamp(start), "window_end": stamp(end), "count": len(records),
            "x_sum": sum(r["x"] for r in records), "x_first": values[0][1], "x_last": values[-1][1],
            **({"early": early} if model.early else {})}


def suspects_case(rng, folder):
    """In one run, or in several by --state."""
    options, model = device_options(rng)
    rows = make_devices(rng, model.max_ahead)
    files = {name: os.path.join(folder, name) for name in ("late", "rejects", "state")}
    for path in files.values():
        if os.path.exists(path):
            os.remove(path)
    cuts = sorted(rng.sample(range(len(rows)), rng.choice([0, 0, 1, 2])))
    options += ["--late", files["late"], "--rejects", files["rejects"]]
    options += ["--state", files["state"]] if cuts else []
    out = b""
    for start, end in zip([0, *cuts], [*cuts, len(rows)]):
        text = "".join(json.dumps({"i": r["i"], "d": r["k"][0], "m": r["k"][1], "timestamp": stamp(r["t"]),
                                   "x": r["x"]}) + "\n" for r in rows[start:end])
        out += run(options + (["--hold"] if end < len(rows) else []), text=text.encode())
    for row in rows:
        model.add(row)
    model.end()
    got, want = [json.loads(line) for line in out.splitlines()], [expected_row(model, row) for row in model.rows]
    if got != want:
        n = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(got, want)))
        return f"{options}: {len(got)} rows, {len(want)} expected; row {n}: {got[n:n + 1]}, not {want[n:n + 1]}"
    for name, some in (("late", model.late), ("rejects", model.bad)):
        lines = open(files[name], "rb").read().splitlines() if os.path.exists(files[name]) else []
        records = lines if name == "late" else [json.loads(line)["record"] for line in lines]
        ids = [json.loads(record)["i"] for record in records]
        if ids != [r["i"] for r in some]:
            return f"{options}: {name} {ids}, not {[r['i'] for r in some]}"
    return None


if __name__ == "__main__":
    sys.exit(random_cases("wrong clocks, updates, several sizes, --state: equal to the model", max(1, CASES // 2), suspects_case))
