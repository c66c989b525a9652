"""window-agg beside SQL (DuckDB) over the same records, and beside itself, crashed at every record.

The oracle shares nothing with the program but the definitions of window-agg(1): windows from a join with their
starts, lateness from a running maximum, aggregates by the database.
"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile

import duckdb

from common import Tap

CASES = int(os.environ.get("CASES", "1000"))
T0 = 1_704_067_200_000  # 2024-01-01, ms
AGG = "x:count,sum,mean,min,max,range,stddev,first,last,p5,p50,p95"
KEYS = ["a", "b", "Zone 3", "ä", 7, 12, True, None]


def stamp(ms):
    seconds, ms = divmod(ms - T0, 1000)
    days, seconds = divmod(seconds, 86400)
    assert 0 <= days < 28
    return f"2024-01-{1 + days:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}Z"


def make_records(rng):
    """In the order of their arrival, which is that of their times but for some disorder."""
    n, n_keys = rng.randint(20, 250), rng.randint(1, len(KEYS))
    disorder = rng.choice([0, 0, 2_000, 20_000, 120_000])
    step = rng.choice([50, 1_000, 10_000])
    gaps, t, rows = rng.random() < 0.3, T0 + rng.randint(10**6, 10**9), []
    for i in range(n):
        t += rng.randint(0, 2 * step)
        if gaps and rng.random() < 0.02:
            t += rng.randint(60_000, 1_500_000)
        x = rng.choice([round(rng.gauss(20, 5), 2), rng.randint(-3, 3), 1e9 + rng.random(), -0.0])
        rows.append({"i": i, "k": rng.choice(KEYS[:n_keys]), "t": t - rng.randint(0, disorder),
                     "x": None if rng.random() < 0.05 else x, "b": rng.random() < 0.2})
    return rows, disorder


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({"i": row["i"], "k": row["k"], "timestamp": stamp(row["t"]), "x": row["x"],
                                   "b": row["b"]}, ensure_ascii=False) + "\n")


def run(options, path=None, text=None):
    done = subprocess.run(["window-agg", *options, *([path] if path else [])], input=text, capture_output=True,
                          check=False)
    if done.returncode:
        sys.exit(f"window-agg {' '.join(options)} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


AGGREGATES = """
    count(*) AS count, count(x) AS x_count, sum(x) AS x_sum, avg(x) AS x_mean, min(x) AS x_min, max(x) AS x_max,
    max(x) - min(x) AS x_range, stddev_samp(x) AS x_stddev,
    (min({'t': t, 'x': x}) FILTER (x IS NOT NULL)).x AS x_first,
    (max({'t': t, 'x': x}) FILTER (x IS NOT NULL)).x AS x_last,
    list_sort(list(x) FILTER (x IS NOT NULL)) AS xs, count(*) FILTER (b) AS alarms
"""


def load(con, rows):
    con.execute("CREATE OR REPLACE TABLE r (i BIGINT, k VARCHAR, t BIGINT, x DOUBLE, b BOOLEAN, session BIGINT)")
    values = [(row["i"], json.dumps(row["k"]), row["t"], row["x"] + 0.0 if row["x"] is not None else None, row["b"],
               row.get("session")) for row in rows]
    text = ",".join("(" + ",".join("NULL" if v is None else "'" + v.replace("'", "''") + "'" if isinstance(v, str)
                                   else str(v) for v in row) + ")" for row in values)
    con.execute("INSERT INTO r VALUES " + text)


def named(cursor):
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def fixed(con, specs, lateness):
    """Rows and late records by SQL alone."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE e AS SELECT *,
        max(t) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - {lateness} AS mark FROM r""")
    parts = []
    for n, (size, slide) in enumerate(specs):
        parts.append(f"""SELECT e.*, {n} AS spec, s.k * {slide} AS start, s.k * {slide} + {size} AS "end" FROM e,
            unnest(generate_series((t - {size}) // {slide} + 1, t // {slide})) AS s(k)""")
    con.execute(f"CREATE OR REPLACE TEMP TABLE w AS {' UNION ALL '.join(parts)}")
    rows = con.execute(f"""SELECT k, spec, start, "end", {AGGREGATES} FROM w WHERE mark IS NULL OR "end" > mark
        GROUP BY k, spec, start, "end" """)
    rows = named(rows)
    late = con.execute("""SELECT i FROM w GROUP BY i, mark HAVING mark IS NOT NULL AND max("end") <= mark
        ORDER BY i""").fetchall()
    return rows, [i for i, in late]


def sessions(con, gap):
    """Of records none of which is late: gaps and islands."""
    return named(con.execute(f"""WITH g AS (SELECT *, coalesce(t - lag(t) OVER (PARTITION BY k ORDER BY t) >= {gap}, true)
            AS first FROM r),
        s AS (SELECT *, sum(first::INT) OVER (PARTITION BY k ORDER BY t RANGE UNBOUNDED PRECEDING) AS id FROM g)
        SELECT k, 0 AS spec, min(t) AS start, max(t) + {gap} AS "end", {AGGREGATES} FROM s GROUP BY k, id"""))


def sessions_late(con, rows, gap, lateness):
    """With late ones: which session a record belongs to is played through, the rest is SQL."""
    open_, late, newest, n = {}, [], None, 0
    for row in rows:
        t, mark = row["t"], newest - lateness if newest is not None else -math.inf
        mine = [s for s in open_.get(json.dumps(row["k"]), []) if s["end"] > mark]
        touched = [s for s in mine if s["start"] - gap < t < s["end"]]
        if t + gap <= mark and not touched:
            late.append(row["i"])
        else:
            whole = {"id": n, "start": min([t] + [s["start"] for s in touched]),
                     "end": max([t + gap] + [s["end"] for s in touched]),
                     "rows": [row] + [r for s in touched for r in s["rows"]]}
            n += 1
            for r in whole["rows"]:
                r["session"] = whole["id"]
            open_[json.dumps(row["k"])] = [s for s in mine if s not in touched] + [whole]
        newest = t if newest is None else max(newest, t)
    load(con, [row for row in rows if row["i"] not in late])
    return named(con.execute(f"""SELECT k, 0 AS spec, min(t) AS start, max(t) + {gap} AS "end", {AGGREGATES} FROM r
        GROUP BY k, session""")), late


def key_order(text):
    value = json.loads(text)
    kind = 0 if value is None else 1 if value is False else 2 if value is True else 3 if isinstance(value, int) else 4
    return (kind, value if kind == 3 else 0, value.encode() if kind == 4 else b"")


def near(a, b, error=1e-12):
    if a is None or b is None:
        return a is None and b is None
    return abs(a - b) <= error * max(abs(a), abs(b))


def sorted_rows(rows, specs):
    longest = {n: -size for n, (size, _) in enumerate(specs)}
    rows.sort(key=lambda r: (r["end"], r["start"], longest.get(r["spec"], 0), r["spec"], key_order(r["k"])))
    return rows


EXACT = ["count", "x_count", "x_min", "x_max", "x_range", "x_first", "x_last", "alarms"]


def difference(row, want, names):
    """What of a row is not as it should be, or None."""
    if json.dumps(row["k"]) != want["k"] or row["window_start"] != stamp(want["start"]) \
            or row["window_end"] != stamp(want["end"]) or row.get("window") != names.get(want["spec"]):
        return "window"
    for name in EXACT:
        if row[name] != want[name]:
            return name
    # What cancels is known to the last digits of what it cancels from.
    scale = sum(abs(x) for x in want["xs"] or []) * 1e-15
    if want["x_count"]:
        exact = math.fsum(want["xs"])
        if abs(row["x_sum"] - exact) > 1e-12 * abs(exact) + scale * 1e-3:
            return "x_sum"
        if abs(row["x_mean"] - exact / want["x_count"]) > 1e-12 * abs(exact / want["x_count"]) + scale * 1e-3:
            return "x_mean"
    elif row["x_mean"] is not None or row["x_sum"] is not None:
        return "missing"
    if want["x_count"] and want["x_count"] > 1:
        mean = math.fsum(want["xs"]) / want["x_count"]
        exact = math.sqrt(math.fsum((x - mean) ** 2 for x in want["xs"]) / (want["x_count"] - 1))
        if abs(row["x_stddev"] - exact) > 1e-12 * exact + 1e-16 * abs(mean):
            return "x_stddev"
        # DuckDB's own is a plain Welford's.
        if abs(row["x_stddev"] - want["x_stddev"]) > 1e-9 * exact + 1e-15 * mean**2 / max(exact, 1e-9):
            return "x_stddev by SQL"
    elif row["x_stddev"] is not None:
        return "x_stddev"
    for q in (5, 50, 95):
        if want["x_count"]:
            value = want["xs"][math.floor(q / 100 * (want["x_count"] - 1))]
            if abs(row[f"x_p{q}"] - value) > 0.010000001 * abs(value):
                return f"x_p{q}"
        elif row[f"x_p{q}"] is not None:
            return f"x_p{q}"
    return None


def one_case(con, rng, folder):
    rows, disorder = make_records(rng)
    path, late_path = os.path.join(folder, "r.jsonl"), os.path.join(folder, "late.jsonl")
    write(path, rows)
    lateness = rng.choice([0, 0, disorder // 2, disorder, 2 * disorder + 1, 600_000])
    options = ["--key", "k", "--agg", AGG, "--agg", "b:sum as alarms", "--late", late_path]
    if lateness or rng.random() < 0.5:
        options += ["--lateness", f"{lateness}ms" if lateness else "0"]
    specs, names = [], {}
    if rng.random() < 0.3:
        gap = rng.choice([500, 5_000, 30_000, 1_234])
        options += ["--session", f"{gap}ms"]
        if lateness > disorder:
            load(con, rows)
            want, late = sessions(con, gap), []
        else:
            want, late = sessions_late(con, rows, gap, lateness)
    else:
        for _ in range(rng.choice([1, 1, 2, 3])):
            size = rng.choice([1_000, 7_000, 10_000, 60_000, 61_500, 3_600_000])
            slide = size if rng.random() < 0.4 else max(500, size // rng.choice([1, 2, 5, 10, 7]) // 500 * 500)
            if (size, slide) not in specs and size // slide < 50:
                specs.append((size, slide))
        specs = specs or [(10_000, 10_000)]
        for n, (size, slide) in enumerate(specs):
            options += ["--window", f"{size}ms/{slide}ms"]
            if len(specs) > 1:
                names[n] = f"{size}ms/{slide}ms"
        load(con, rows)
        want, late = fixed(con, specs, lateness)
    want = sorted_rows(want, specs)
    if os.path.exists(late_path):
        os.remove(late_path)
    got = [json.loads(line) for line in run(options, path).splitlines()]
    with open(late_path, encoding="utf-8") as file:
        got_late = sorted(json.loads(line)["i"] for line in file)
    if got_late != sorted(late):
        return f"{options}: late {got_late}, not {late}"
    if len(got) != len(want):
        return f"{options}: {len(got)} rows, not {len(want)}"
    for row, other in zip(got, want):
        what = difference(row, other, names)
        if what:
            return f"{options}: {what} of {row}, not {other}"
    return None


def oracle(tap):
    con = duckdb.connect()
    con.execute("SET threads TO 1")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(CASES):
            what = one_case(con, random.Random(seed), folder)
            if what:
                failed.append(f"case {seed}: {what}")
    tap.check(not failed, f"{CASES} random cases of windows, slides, sessions, lateness, disorder: equal to SQL",
              "\n# ".join(failed[:3]))


def shuffled(tap):
    """What does not depend on the order of arrival does not, to the byte."""
    rng, good = random.Random(5), True
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(20):
            rows, _ = make_records(rng)
            path, outputs = os.path.join(folder, "r.jsonl"), set()
            for _ in range(3):
                rng.shuffle(rows)
                write(path, rows)
                outputs.add(run(["--key", "k", "--window", "30s/10s", "--lateness", "3h",
                                 "--max-ahead", "9d", "--agg", "b:sum", "--agg",
                                 "x:count,min,max,range,first,last,p1,p50,p99"], path))
            good &= len(outputs) == 1
    tap.check(good, "equal bytes whatever the order of arrival: count, min, max, range, first, last, percentiles")


# What follows plays kafka-consume: records with provenance, marks, and what a restart gets.

def sliding_case(n, seed):
    rng = random.Random(seed)
    rows, t = [], T0 + 10**7
    for i in range(n):
        t += rng.randint(0, 2_000)
        time = t - rng.choice([0, 0, 0, rng.randint(0, 20_000), rng.randint(0, 90_000)])
        if rng.random() < 0.03:
            time = t + rng.randint(7_200_000, 9_000_000)  # a wrong clock
        rows.append({"i": i, "k": rng.choice("abcde"), "t": time, "x": round(rng.gauss(20, 5), 1)})
    return rows


def record(row, replay=False):
    kafka = {"topic": "t", "partition": 0, "offset": row["i"], **({"replay": True} if replay else {})}
    return json.dumps({"k": row["k"], "timestamp": stamp(row["t"]), "x": row["x"], "_kafka": kafka})


def control(kind, seq, **more):
    return json.dumps({"_kafka": {"control": kind, "seq": seq, "session": "s", **more}})


def mark(seq, start, to):
    return control("mark", seq, group="g", generation=1, member="m", instance=None,
                   ranges=[{"topic": "t", "partition": 0, "from": start, "to": to}])


def consume(rows, processed, state, stop, every):
    """The lines of a run from `processed` up to offset `stop`; a mark behind each `every` records."""
    replay_from = (state or {}).get("replay_from", processed)
    lines = [control("assign", 0, topic="t", partition=0, replay_from=replay_from, processed=processed, epoch=None,
                     state=state)]
    seq, told = 1, processed
    for i in range(replay_from, stop):
        lines.append(record(rows[i], i < processed))
        if (i + 1) % every == 0:
            to = max(i + 1, processed)
            lines.append(mark(seq, told, to))
            seq, told = seq + 1, to
    return lines, seq, told


def committed(output):
    """Rows before the last mark, its offset and its state; the rows behind it."""
    rows, waiting, to, state = [], [], None, None
    for line in output.splitlines():
        kafka = json.loads(line).get("_kafka", {})
        if kafka.get("control") == "mark":
            rows, waiting = rows + waiting, []
            to, state = kafka["ranges"][0]["to"], kafka["ranges"][0]["state"]
        elif "control" not in kafka:
            waiting.append(line)
    return rows, waiting, to, state


def offsets_run(options, rows, crashes, every, folder):
    """All rows that were committed of a stream that is cut off at each offset of `crashes`."""
    out, processed, state = [], 0, None
    rejects = os.path.join(folder, "rejects")
    command = ["window-agg", *options, "--rejects", rejects]
    for stop in crashes:
        lines, _, _ = consume(rows, processed, state, stop, every)
        done = subprocess.run(command, input="\n".join(lines).encode() + b"\n", capture_output=True, check=False)
        assert done.returncode == 75, done.stderr
        more, _, to, new = committed(done.stdout)
        out += more
        if to is not None:
            processed, state = to, new
    lines, seq, told = consume(rows, processed, state, len(rows), every)
    lines += [mark(seq, told, len(rows)), control("end", seq + 1)]
    done = subprocess.run([*command, "--flush"], input="\n".join(lines).encode() + b"\n", capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    more, left, _, _ = committed(done.stdout)
    assert not left
    return [canonical(line) for line in out + more]


def canonical(line):
    """Sums may differ in their last digits: records come again in their order, but panes merge elsewhere."""
    row = json.loads(line)
    for name in ("x_mean", "x_stddev"):
        if row.get(name) is not None:
            row[name] = float(f"{row[name]:.11e}")
    return json.dumps(row)


# And how many records lie between one crash and the next.
WINDOWS = [(1, ["--window", "60s/10s"]), (9, ["--window", "60s", "--window", "90s/30s", "--early", "10s"]),
           (1, ["--session", "4s"])]


def restarts(tap):
    n = int(os.environ.get("RECORDS", "600"))
    rows = sliding_case(n, 1)
    with tempfile.TemporaryDirectory() as folder:
        for step, windows in WINDOWS:
            options = ["--key", "k", *windows, "--lateness", "15s", "--agg", "x:mean,stddev,min,max,p50,first,last"]
            whole = offsets_run(options, rows, [], 7, folder)
            bad = [k for k in range(1, n, step) if offsets_run(options, rows, [k], 7, folder) != whole]
            rng = random.Random(3)
            for _ in range(40):
                crashes = sorted(rng.sample(range(1, n), rng.randint(2, 8)))
                if offsets_run(options, rows, crashes, rng.choice([3, 7, 20]), folder) != whole:
                    bad.append(crashes)
            tap.check(not bad and len(whole) > n // 20,
                      f"{' '.join(windows)}: crashed at {len(range(1, n, step))} of {n} records, by offsets: the rows of an undisturbed run",
                      f"not at {bad[:5]}" if bad else f"{len(whole)} rows")


def several_lines(rows, kept, stop, every, last):
    """As consume, of several partitions: replays come partition by partition, the rest as it came at first."""
    lines, seq = [], 0
    for p, (processed, state) in sorted(kept.items()):
        replay_from = (state or {}).get("replay_from", processed)
        lines.append(control("assign", seq, topic="t", partition=p, replay_from=replay_from, processed=processed,
                             epoch=None, state=state))
        seq += 1
    for p, (processed, state) in sorted(kept.items(), reverse=True):
        for row in rows:
            if row["p"] == p and (state or {}).get("replay_from", processed) <= row["o"] < processed:
                lines.append(record_of(row, True))
    told, moved = {p: processed for p, (processed, _) in kept.items()}, {}

    def tell():
        nonlocal seq
        # Where nothing moved a mark names all partitions, as kafka-consume's do.
        ranges = [{"topic": "t", "partition": p, "from": told[p], "to": to}
                  for p, to in sorted((moved or told).items())]
        lines.append(control("mark", seq, group="g", generation=1, member="m", instance=None, ranges=ranges))
        told.update(moved)
        moved.clear()
        seq += 1

    for n, row in enumerate(rows[:stop]):
        if row["o"] >= kept[row["p"]][0]:
            lines.append(record_of(row, False))
            moved[row["p"]] = row["o"] + 1
        if (n + 1) % every == 0 and moved:
            tell()
    if last:
        tell()
        lines.append(control("end", seq))
    return lines


def record_of(row, replay):
    kafka = {"topic": "t", "partition": row["p"], "offset": row["o"], **({"replay": True} if replay else {})}
    return json.dumps({"k": row["k"], "timestamp": stamp(row["t"]), "x": row["x"], "_kafka": kafka})


def several_run(options, rows, crashes, partitions, every):
    """As offsets_run: what each partition keeps is what the last mark that named it said."""
    out, kept = [], {p: (0, None) for p in range(partitions)}
    for stop in [*crashes, len(rows)]:
        last = stop == len(rows)
        lines = several_lines(rows, kept, stop, every, last)
        done = subprocess.run(["window-agg", *options, *(["--flush"] if last else [])],
                              input="\n".join(lines).encode() + b"\n", capture_output=True, check=False)
        assert done.returncode == (0 if last else 75), done.stderr
        waiting = []
        for line in done.stdout.splitlines():
            kafka = json.loads(line).get("_kafka", {})
            if kafka.get("control") == "mark":
                out, waiting = out + waiting, []
                for r in kafka["ranges"]:
                    assert r["from"] == kept[r["partition"]][0]
                    kept[r["partition"]] = (r["to"], r["state"])
            elif "control" not in kafka:
                waiting.append(canonical(line))
    return out


def single(tap):
    """Keys over three partitions. None is late, so that rows do not depend on how partitions mix."""
    n, rng = int(os.environ.get("RECORDS", "600")) // 2, random.Random(4)
    rows, offsets, t = [], [0, 0, 0], T0 + 10**7
    for _ in range(n):
        t += rng.randint(0, 2_000)
        p = rng.choice([0, 0, 0, 1, 1, 2])
        rows.append({"k": rng.choice("abcde"), "t": t - rng.randint(0, 8_000), "x": round(rng.gauss(20, 5), 1), "p": p,
                     "o": offsets[p]})
        offsets[p] += rng.choice([1, 1, 1, 2])  # offsets have gaps
    options = ["--key", "k", "--window", "60s/10s", "--single", "--lateness", "60s", "--agg", "x:mean,min,max,p50"]
    whole = sorted(several_run(options, rows, [], 3, 7))
    bad = [k for k in range(1, n, 3) if sorted(several_run(options, rows, [k], 3, 7)) != whole]
    for _ in range(20):
        crashes = sorted(rng.sample(range(1, n), rng.randint(2, 6)))
        if sorted(several_run(options, rows, crashes, 3, rng.choice([3, 7, 20]))) != whole:
            bad.append(crashes)
    tap.check(not bad and len(whole) > n // 20, "--single: crashed, three partitions mixed anew, the rows of an undisturbed run",
              f"not at {bad[:5]}" if bad else f"{len(whole)} rows")


def partitions(tap):
    """Three partitions with keys and a watermark each; late records and suspects, kept in files."""
    n, rng = int(os.environ.get("RECORDS", "600")) // 2, random.Random(6)
    rows, offsets, t = [], [0, 0, 0], T0 + 10**7
    for i in range(n):
        t += rng.randint(0, 2_000)
        p = rng.choice([0, 0, 1, 2])
        time = t - rng.choice([0, 0, 0, rng.randint(0, 20_000), rng.randint(0, 90_000)])
        if i % 29 == 0:
            time = T0 + 10**8 + i * 7_200_000 // 29  # a wrong clock, and no other agrees
        rows.append({"k": f"{p}{rng.choice('abc')}", "t": time, "x": round(rng.gauss(20, 5), 1), "p": p, "o": offsets[p]})
        offsets[p] += rng.choice([1, 1, 1, 2])

    with tempfile.TemporaryDirectory() as folder:
        late, rejects = os.path.join(folder, "late"), os.path.join(folder, "rejects")

        def run_through(windows, crashes):
            for path in (late, rejects):
                if os.path.exists(path):
                    os.remove(path)
            out = several_run(["--key", "k", *windows, "--lateness", "15s", "--late", late, "--rejects", rejects,
                               "--agg", "x:mean,min,max,p50,first,last"], rows, crashes, 3, 7)
            # At least once each, wherever it crashed.
            kept = [{(k["partition"], k["offset"]) for k in (json.loads(line)["_kafka"] for line in open(path, "rb"))}
                    for path in (late, rejects)]
            return out, kept

        for windows in (["--session", "4s"], ["--session", "9s", "--early", "5s"]):
            whole = run_through(windows, [])
            bad = [k for k in range(1, n, 5) if run_through(windows, [k]) != whole]
            tap.check(not bad and len(whole[0]) > n // 20 and all(whole[1]),
                      f"{' '.join(windows)}: three partitions, crashed at {len(range(1, n, 5))} of {n} records: the rows, "
                      "late and bad records of an undisturbed run",
                      f"not at {bad[:5]}" if bad else f"{len(whole[0])} rows, {[len(k) for k in whole[1]]} late and bad")


SHAPES = [["--window", "60s/10s"], ["--window", "60s", "--window", "90s/30s", "--early", "10s"],
          ["--window", "10s", "--early", "3s"], ["--window", "30s/7s", "--window", "5s"], ["--session", "4s"],
          ["--session", "20s"], ["--session", "3s", "--early", "5s"]]


def crashed_case(rng, folder):
    """A stream of suspects, late records and pauses, crashed at random: its rows and late records, twice."""
    n, n_partitions, t, rows = rng.choice([60, 150, 300]), rng.randint(1, 3), T0 + 10**8, []
    offsets = [0] * n_partitions
    for _ in range(n):
        t += rng.randint(0, 2_000) + (rng.randint(0, 10_000_000) if rng.random() < 0.01 else 0)
        p = rng.randrange(n_partitions)
        time = t - rng.choice([0, 0, rng.randint(0, 20_000), rng.randint(0, 90_000)])
        if rng.random() < 0.05:
            time = t + rng.randint(600_000, 9_000_000)
        elif rng.random() < 0.02:
            time = t - rng.randint(0, 10**7)
        rows.append({"k": f"{rng.choice('abcd')}{p}", "t": time, "x": round(rng.gauss(20, 5), 1), "p": p,
                     "o": offsets[p]})
        offsets[p] += rng.choice([1, 1, 1, 2])
    late = os.path.join(folder, "late")
    options = ["--key", "k", *rng.choice(SHAPES), "--lateness", rng.choice(["0", "5s", "15s", "120s"]), "--max-ahead",
               rng.choice(["1h", "10m"]), "--agg", "x:mean,min,max,p50,first,last", "--late", late, "--rejects",
               os.path.join(folder, "rejects")]

    def run_through(crashes, every):
        if os.path.exists(late):
            os.remove(late)
        out = several_run(options, rows, crashes, n_partitions, every)
        with open(late, "rb") as file:
            return sorted(out), {(k["partition"], k["offset"]) for k in (json.loads(line)["_kafka"] for line in file)}

    whole = run_through([], rng.choice([1, 3, 7, 20]))
    for _ in range(2):
        crashes = sorted(rng.sample(range(1, n), rng.randint(1, 6)))
        if run_through(crashes, rng.choice([1, 3, 7, 20])) != whole:
            return f"{options}, crashed at {crashes}"
    return None


def crashed(tap):
    failed, n = [], max(1, CASES // 25)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(n):
            what = crashed_case(random.Random(seed), folder)
            if what:
                failed.append(f"case {seed}: {what}")
    tap.check(not failed, f"{n} random streams of up to three partitions, crashed up to 6 times: the rows and late "
              "records of an undisturbed run", "\n# ".join(failed[:3]))


def states(tap):
    n = int(os.environ.get("RECORDS", "600"))
    rows = sliding_case(n, 2)
    lines = [json.dumps({"k": r["k"], "timestamp": stamp(r["t"]), "x": r["x"]}).encode() + b"\n" for r in rows]
    with tempfile.TemporaryDirectory() as folder:
        state, rejects = os.path.join(folder, "state"), os.path.join(folder, "rejects")
        for step, windows in WINDOWS:
            options = ["--key", "k", *windows, "--lateness", "15s", "--agg", "x:mean,stddev,min,max,p50,first,last",
                       "--rejects", rejects]
            whole, bad = run(options, text=b"".join(lines)), []
            for k in range(0, n + 1, step):
                if os.path.exists(state):
                    os.remove(state)
                out = run([*options, "--state", state, "--hold"], text=b"".join(lines[:k]))
                out += run([*options, "--state", state], text=b"".join(lines[k:]))
                if out != whole:
                    bad.append(k)
            tap.check(not bad, f"{' '.join(windows)}: ended and gone on at {len(range(0, n + 1, step))} of {n} records, by --state: equal bytes",
                      f"not at {bad[:5]}" if bad else "")


def main():
    tap = Tap()
    oracle(tap)
    shuffled(tap)
    states(tap)
    restarts(tap)
    single(tap)
    partitions(tap)
    crashed(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
