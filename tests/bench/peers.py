"""Speed and memory beside scikit-learn, isotree and treelite, in one run on one processor.

    peers.py BUILD

Everything in memory is the best of several runs, whole processes the median of RUNS; the ratio says how many times
faster (or smaller) ours is. Goals are the project's own; a figure that misses its goal is marked.
"""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import isotree
import numpy as np
import tl2cgen
import treelite
from sklearn.ensemble import IsolationForest

from table import MB, heading, line, say, verdict

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 1_000_000
RUNS = 3


def best(function, runs=RUNS):
    """Seconds of processor time, as bench_forest measures too."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


def run(commands, stdout=None):
    """Seconds and peak memory (bytes) of commands one after the other, medians of RUNS."""
    seconds, peaks = [], []
    for _ in range(RUNS):
        measured = []
        for command in commands:
            done = subprocess.run([os.path.join(BUILD, "tests", "bench", "measure"),
                                   stdout or os.devnull, *command],
                                  capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"bench: {command[0]} ended with {done.returncode}")
            measured.append([float(figure) for figure in done.stdout.split()])
        seconds.append(sum(s for s, _ in measured))
        peaks.append(max(b for _, b in measured))
    return statistics.median(seconds), statistics.median(peaks)


def program(name):
    return os.path.join(BUILD, "bin", name)


def ours_in_memory(x, path, trees):
    x.tofile(path)
    output = subprocess.run(
        [os.path.join(BUILD, "tests", "bench", "bench_forest"), "--data", path, str(len(x)),
         str(x.shape[1]), str(trees)], check=True, capture_output=True, text=True).stdout
    return [json.loads(text) for text in output.splitlines()]


def treelite_predictor(forest, folder):
    """The forest as treelite compiles it to C (by gcc)."""
    model = treelite.sklearn.import_model(forest)
    path = os.path.join(folder, "forest.so")
    tl2cgen.export_lib(model, toolchain="gcc", libpath=path, params={"parallel_comp": 4},
                       verbose=False)
    return tl2cgen.Predictor(path, nthread=1, verbose=False)


def in_memory(folder, n_features, trees, n_rows, goals):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    x[:: 100] *= 4
    ours = ours_in_memory(x, os.path.join(folder, "rows.f32"), trees)
    part = x[: max(256, min(n_rows, 200_000 * 100 * 5 // (trees * n_features)))]
    shape = f"{trees} trees, {n_features} features"

    fit = next(o["seconds"] for o in ours if o["what"] == "fit")
    iso = isotree.IsolationForest(ntrees=trees, sample_size=256, ndim=1, nthreads=1,
                                  missing_action="fail", random_seed=1)
    sk = IsolationForest(n_estimators=trees, max_samples=256, n_jobs=1, random_state=1)
    iso_s, sk_s = best(lambda: iso.fit(x)), best(lambda: sk.fit(x))
    goal = goals.get("fit")
    line(f"fit alone, {n_rows:,} rows, {shape}", fit * 1e3, iso_s * 1e3, "isotree", iso_s / fit,
         goal, "ms")
    line(f"fit alone, {n_rows:,} rows, {shape}", fit * 1e3, sk_s * 1e3, "scikit-learn", sk_s / fit,
         None, "ms")

    peers = {"scikit-learn": best(lambda: sk.score_samples(part)) / len(part) * 1e9}
    peers["isotree"] = best(lambda: iso.predict(part)) / len(part) * 1e9
    if "treelite" in goals:
        predictor = treelite_predictor(sk, folder)
        rows = tl2cgen.DMatrix(part)
        peers["treelite"] = best(lambda: predictor.predict(rows)) / len(part) * 1e9
    for o in ours:
        if o["what"] != "score":
            continue
        for peer, ns in peers.items():
            goal = goals.get((o["kernel"], peer))
            line(f"score, {shape}, kernel {o['kernel']}", o["ns_per_row"], ns, peer,
                 ns / o["ns_per_row"], goal, "ns/row")
    kernel = min(o["ns_per_row"] for o in ours if o["what"] == "score")
    if n_features == 5 and trees == 100:
        line(f"calibration (scores the {n_rows:,} training rows)", kernel * n_rows / 1e6,
             peers["scikit-learn"] * n_rows / 1e6, "scikit-learn", peers["scikit-learn"] / kernel,
             None, "ms")


def write_tables(folder):
    """1,000,000 x 5 as CSV and JSON Lines, four decimals as sensors give them."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(ROWS, 5)) * [2, 5, 10, 8, 25] + [22, 55, 1013, 60, 150]
    names = ["temperature", "humidity", "pressure", "noise", "flow"]
    with open(os.path.join(folder, "table.csv"), "w") as csv, \
            open(os.path.join(folder, "table.jsonl"), "w") as jsonl:
        csv.write("sensor_id," + ",".join(names) + "\n")
        for i, row in enumerate(x.tolist()):
            cells = [f"{value:.4f}" for value in row]
            csv.write(f"s{i % 100}," + ",".join(cells) + "\n")
            jsonl.write(f'{{"sensor_id":"s{i % 100}",' +
                        ",".join(f'"{n}":{c}' for n, c in zip(names, cells)) + "}\n")


def whole_tables(folder):
    write_tables(folder)
    model, scored = os.path.join(folder, "m.model"), os.path.join(folder, "scored")
    for kind in ("csv", "jsonl"):
        table = os.path.join(folder, f"table.{kind}")
        name = f"1,000,000 x 5, {'CSV' if kind == 'csv' else 'JSON Lines'}"
        python_s, python_b = run([[sys.executable, os.path.join(HERE, "peer_table.py"), table,
                                   os.path.join(folder, f"peer.{kind}")]])
        train = [program("iforest-train"), "--seed", "42", "-o", model, table]
        score = [program("anomaly-score"), "-m", model, table]
        train_s, train_b = run([train])
        score_s, score_b = run([score], scored)
        line(f"{name}: read, fit, score, write", train_s + score_s, python_s, "pandas, scikit-learn",
             python_s / (train_s + score_s), None, "s")
        line(f"{name}: peak memory", max(train_b, score_b) / MB, python_b / MB,
             "pandas, scikit-learn", python_b / max(train_b, score_b), None, "MB")
        if kind == "jsonl":
            line("anomaly-score, JSON Lines, 5 features", ROWS / score_s, None, None, None,
                 (">=", 400_000), "records/s")
        line(f"anomaly-score, {kind}: resident beyond the model",
             (score_b - os.path.getsize(model)) / MB, None, None, None, ("<=", 16), "MB")


def whole_secom(folder):
    source = os.environ.get("SECOM_DIR")
    if not source:
        say("| SECOM | skipped: SECOM_DIR is not set | | | |")
        return
    data = os.path.join(folder, "secom.data")
    opener = gzip.open if not os.path.exists(os.path.join(source, "secom.data")) else open
    path = os.path.join(source, "secom.data" + (".gz" if opener is gzip.open else ""))
    with opener(path, "rb") as file, open(data, "wb") as out:
        shutil.copyfileobj(file, out)
    labels = os.path.join(source, "secom_labels.data")
    records, model = os.path.join(folder, "secom.jsonl"), os.path.join(folder, "secom.model")
    run([[program("secom-prep"), data, labels]], records)
    train = [program("iforest-train"), "--trees", "100", "--contamination", "0.1", "--seed", "42",
             "-o", model, records]
    score = [program("anomaly-score"), "-m", model, records]
    python_s, python_b = run([[sys.executable, os.path.join(HERE, "peer_secom.py"), data,
                               os.path.join(folder, "peer.csv")]])
    train_s, train_b = run([train])
    score_s, score_b = run([score], os.path.join(folder, "scored"))
    line("SECOM: train and score, whole processes", train_s + score_s, python_s, "scikit-learn",
         python_s / (train_s + score_s), (">=", 10), "s")
    line("SECOM: peak memory", max(train_b, score_b) / MB, python_b / MB, "scikit-learn",
         python_b / max(train_b, score_b), None, "MB")
    line("anomaly-score, SECOM's 590 features", os.path.getsize(records) / score_s / 1e6, None,
         None, None, (">=", 200), "MB/s")
    line("anomaly-score, SECOM: resident beyond the model",
         (score_b - os.path.getsize(model)) / MB, None, None, None, ("<=", 16), "MB")
    start_s = min(run([score[:-1] + [os.devnull]])[0] for _ in range(5))
    import_s, _ = run([[sys.executable, "-c", "import sklearn.ensemble"]])
    line("start-up: anomaly-score with SECOM's model, no input", start_s * 1e3, import_s * 1e3,
         "import sklearn.ensemble", import_s / start_s, None, "ms")
    line("start-up, absolute", start_s * 1e3, None, None, None, ("<=", 10), "ms")


def replay():
    """How evenly record-replay sends, as the reader of its pipe sees it."""
    rate, seconds = 100_000, 10
    done = subprocess.run([os.path.join(BUILD, "tests", "bench", "bench_replay"),
                           program("record-replay"), str(rate), str(seconds)],
                          check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    name = f"record-replay, {rate:,} records/s for {seconds} s"
    line(f"{name}: drift at the end", figures["drift_ms"], None, None, unit="ms")
    line(f"{name}: largest burst", figures["burst_ms"], None, None, None, ("<=", 10), "ms")
    line(f"{name}: share of a processor", figures["cpu"], None, None)


def main():
    heading()
    with tempfile.TemporaryDirectory() as folder:
        in_memory(folder, 5, 100, ROWS, {
            "fit": (">=", 1), "treelite": True,
            ("interleaved", "scikit-learn"): (">=", 4), ("interleaved", "treelite"): (">=", 3),
            ("avx512", "scikit-learn"): (">=", 10)})
        in_memory(folder, 3, 1000, 200_000, {})
        in_memory(folder, 590, 100, 20_000, {})
        whole_secom(folder)
        whole_tables(folder)
    replay()
    verdict()


main()
