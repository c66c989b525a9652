"""window-agg beside DuckDB and Miller: the same windows of the same records in one run, on one processor.

    windows.py BUILD

Contestants take turns, RUNS times each, and the median counts; whole processes are timed, DuckDB's with the start of
its Python, which is in a row of its own. BENCH_RECORDS makes it shorter.
"""

import os
import statistics
import subprocess
import sys
import tempfile

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from table import MB, heading, line, say, verdict

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
RECORDS = int(os.environ.get("BENCH_RECORDS", 2_000_000))
RUNS = 3
FIELDS = ["temperature", "humidity", "air_quality_index", "noise_level", "traffic_flow"]
os.environ["SENSORUTILS_DATA"] = os.path.join(HERE, "..", "..", "data")


def program(name):
    return os.path.join(BUILD, "bin", name)


def run(command):
    """Seconds and peak memory in bytes."""
    done = subprocess.run([os.path.join(BUILD, "tests", "bench", "measure"), os.devnull, *command],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {command[0]} ended with {done.returncode}")
    return [float(figure) for figure in done.stdout.split()]


def in_turns(contestants, runs=RUNS):
    """By name, the medians of seconds and peaks."""
    figures = {name: [] for name in contestants}
    for _ in range(runs):
        for name, command in contestants.items():
            figures[name].append(run(command))
            print(f"bench: {name}: {figures[name][-1][0]:.3f} s", file=sys.stderr)
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}


def simulate(path, *options):
    with open(path, "wb") as file:
        subprocess.run([program("sensor-sim"), "--step", "1s", *options], stdout=file, check=True)


def ours(path, *windows):
    aggregates = [f"--agg={field}:mean,min,max" for field in FIELDS]
    return [program("window-agg"), "--key", "zone", *windows, *aggregates, "--agg=label:sum as anomaly_count", path]


def duckdb(path, kind):
    numbers = ", ".join(f"avg({f}), min({f}), max({f})" for f in FIELDS)
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in
                        [("zone", "VARCHAR"), ("timestamp", "TIMESTAMP"), *[(f, "DOUBLE") for f in FIELDS], ("label", "BIGINT")])
    read = f"read_csv('{path}', types={{'timestamp': 'TIMESTAMP'}})" if kind == "csv" else f"read_json('{path}', format='newline_delimited', columns={{{columns}}})"
    query = f"""SELECT zone, date_trunc('minute', timestamp) AS start, {numbers}, count(*), sum(label) FROM {read}
        GROUP BY ALL ORDER BY start, zone"""
    return [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(); c.execute('SET threads TO 1'); "
            "print(len(c.execute(sys.argv[1]).fetchall()))", query]


def miller(path, kind):
    return ["mlr", "--icsv" if kind == "csv" else "--ijsonl", "--ojsonl", "put", "$start = substr($timestamp, 0, 15)",
            "then", "stats1", "-a", "mean,min,max,count", "-f", ",".join(FIELDS), "-g", "zone,start",
            "then", "sort", "-f", "start,zone", path]


def city(folder):
    for kind in ("json", "csv"):
        path = os.path.join(folder, f"city.{kind}")
        simulate(path, "--to", kind, "--count", str(RECORDS), "city")
        name = f"{RECORDS:,} city records, {kind.upper()}, 1-minute windows of 8 zones"
        figures = in_turns({"window-agg": ours(path, "--window", "60s"), "DuckDB": duckdb(path, kind),
                            "sliding": ours(path, "--window", "5m/1m")})
        peer = in_turns({"Miller": miller(path, kind)}, 1)["Miller"]
        seconds, peak = figures["window-agg"]
        line(name, seconds, figures["DuckDB"][0], "DuckDB", figures["DuckDB"][0] / seconds, (">=", 1), "s")
        line(name, seconds, peer[0], "Miller", peer[0] / seconds, (">=", 8), "s")
        line(f"{name}: a record", seconds / RECORDS * 1e9, None, None, unit="ns")
        line(f"{name}: peak memory", peak / MB, figures["DuckDB"][1] / MB, "DuckDB", figures["DuckDB"][1] / peak, None, "MB")
        line(f"{name}: peak memory, absolute", peak / MB, None, None, None, ("<=", 16), "MB")
        line(f"{name}: 5 minutes sliding by 1", figures["sliding"][0], None, None, unit="s")
        os.remove(path)
    python = min(run([sys.executable, "-c", "import duckdb"])[0] for _ in range(RUNS))
    line("of DuckDB's, the start of Python with it", python, None, None, unit="s")


def fleet(folder):
    """10,000 keys, six panes a window."""
    path, n = os.path.join(folder, "fleet.jsonl"), max(RECORDS, 1_000_000)
    simulate(path, "--sensors", "10000", "--count", str(n), "fleet")
    seconds, peak = in_turns({"fleet": [program("window-agg"), "--key", "sensor_id", "--window", "60s", "--slide", "10s",
                                        "--lateness", "30s", "--agg=value:mean,stddev,min,max,range", path]})["fleet"]
    line(f"{n:,} records of 10,000 sensors, 60 s sliding by 10 s", n / seconds, None, None, None, (">=", 300_000), "records/s")
    line("the same: peak memory", peak / MB, None, None, unit="MB")


def main():
    heading()
    with tempfile.TemporaryDirectory() as folder:
        city(folder)
        fleet(folder)
    say()
    verdict()


main()
