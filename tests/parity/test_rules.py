"""anomaly-score --rules beside an evaluator of sensor-rules(5) in Python, and beside itself, crashed and replayed.

The evaluator shares nothing with the program but the page: it keeps what a rule knows of a series as plain values,
without offsets to replay from.
"""

import json
import os
import subprocess
import sys

from common import random_cases

CASES = int(os.environ.get("CASES", "200"))
T0 = 1_709_251_200_000  # 2024-03-01, ms
FIELDS = ["a", "b"]
ZONES = ["A", "B", "C", None, 7, True]
SEVERITIES = ["none", "low", "medium", "high"]
WEIGHTS = [0, 0.5, 0.75, 0.875]
MILLISECONDS = {"2s": 2_000, "5s": 5_000, "30s": 30_000}


def make_limits(rng, kind, like=None):
    if kind in ("above", "below"):
        return {"limit": rng.choice([0, 1, 2, -1, 1.5])}
    if kind == "range":
        return {"min": rng.choice([-2, -1, 0]), "max": rng.choice([1, 2])}
    if kind == "rate":
        return {"per_second": rng.choice([0.5, 1, 0.1])}
    if "records" in like if like else rng.random() < 0.5:
        return {"records": rng.choice([2, 3, 5] if kind == "stuck" else [1, 2, 4])}
    return {"for": rng.choice(list(MILLISECONDS))}


def make_rules(rng):
    rules = []
    for i in range(rng.randint(1, 6)):
        kind = rng.choice(["above", "below", "range", "rate", "rate", "stuck", "stuck", "missing", "missing"])
        limits = make_limits(rng, kind)
        rule = {"name": f"r{i}", "severity": rng.choice(SEVERITIES[1:]), "field": rng.choice(FIELDS), "kind": kind,
                **limits}
        if rng.random() < 0.5:
            zones = rng.sample(["A", "B", "7", "true"], rng.randint(1, 3))
            rule["per_key"] = {z: None if rng.random() < 0.3 else make_limits(rng, kind, limits) for z in zones}
        rules.append(rule)
    return {"by": "z", "key": ["id"], "rules": rules}


def make_records(rng):
    """Of one to three series, in the order of their arrival; some are late, early, or lack a field."""
    n, t, rows = rng.choice([20, 80, 200]), T0, []
    ids = ["s1", 's"2\n', 3][:rng.randint(1, 3)]
    zone = {i: rng.choice(ZONES) for i in ids}
    for _ in range(n):
        t += rng.choice([0, 100, 1_000, 1_000, 3_000]) + (rng.choice([70_000, 10**6]) if rng.random() < 0.02 else 0)
        series = rng.choice(ids)
        if rng.random() < 0.05:
            zone[series] = rng.choice(ZONES)
        late = rng.randint(0, 8_000) if rng.random() < 0.1 else 0
        row = {"id": series, "z": zone[series], "t": t - late + (10**7 if rng.random() < 0.01 else 0)}
        for field in FIELDS:
            chance = rng.random()
            if chance < 0.12:
                row[field] = None
            elif chance > 0.14:
                row[field] = rng.choice([0, 1, 1, 1, 2.5, -1, -3])
        rows.append(row)
    return rows


class Evaluator:
    def __init__(self, rules, idle, forget):
        self.rules, self.idle, self.forget = rules["rules"], idle, forget
        self.zones = {z for rule in self.rules for z in rule.get("per_key", {})}
        self.fields = {rule["field"] for rule in self.rules}
        self.watched = {rule["field"] for rule in self.rules if rule["kind"] == "missing"}
        self.known = {}  # of a rule and a series

    def verdict(self, n, row):
        """Of record n; None: it is a bad one."""
        if any(field not in row and field not in self.watched for field in self.fields):
            return None
        if not self.watched and all(row.get(field) is None for field in self.fields):
            return None
        fired = [rule for rule in self.rules if self.fires(rule, n, row)]
        severity = max([SEVERITIES.index(rule["severity"]) for rule in fired], default=0)
        severity = 3 if len(fired) > 1 else severity
        return bool(fired), SEVERITIES[severity], [rule["name"] for rule in fired], WEIGHTS[severity]

    def fires(self, rule, n, row):
        zone = row["z"] if isinstance(row["z"], str) else json.dumps(row["z"])
        zone = zone if zone in self.zones and row["z"] is not None else None
        limits = rule.get("per_key", {}).get(zone, {}) if zone is not None else {}
        off = limits is None
        limits = {**rule, **(limits or {})}
        x = row.get(rule["field"])
        if rule["kind"] in ("above", "below", "range"):
            return not off and x is not None and self.is_out(limits, x)
        place = rule["name"], row["id"]
        last = self.known.get(place)
        if last and (abs(row["t"] - last["t"]) > self.idle or n - last["n"] > self.forget or last["zone"] != zone):
            last = None
            del self.known[place]
        if off or (x is None) != (rule["kind"] == "missing"):
            if not off and rule["kind"] == "missing":
                self.known.pop(place, None)
            return False
        now = {"t": row["t"], "n": n, "zone": zone, "x": x}
        self.known[place] = now
        if rule["kind"] == "rate":
            seconds = abs(row["t"] - last["t"]) / 1000 if last else 0
            return seconds > 0 and abs(x - last["x"]) / seconds > limits["per_second"]
        if not last or last["x"] != x:
            last = {"since": row["t"], "records": 0, "reached": False}
        now["since"], now["records"] = min(last["since"], row["t"]), last["records"] + 1
        now["reached"] = last["reached"] or (
            now["records"] >= limits["records"] if "records" in limits
            else row["t"] - now["since"] >= MILLISECONDS[limits["for"]])
        return now["reached"]

    @staticmethod
    def is_out(limits, x):
        kind = limits["kind"]
        if kind == "range":
            return x < limits["min"] or x > limits["max"]
        return x > limits["limit"] if kind == "above" else x < limits["limit"]


def evaluate(rules, rows, idle, forget):
    evaluator = Evaluator(rules, idle, forget)
    verdicts = {n: evaluator.verdict(n, row) for n, row in enumerate(rows)}
    return {n: verdict for n, verdict in verdicts.items() if verdict}


def line_of(n, row, replay=None):
    """As in a file, or with replay, true or false, as from Kafka."""
    seconds, ms = divmod(row["t"], 1000)
    out = {"i": n, "id": row["id"], "z": row["z"], "timestamp": seconds + ms / 1000}
    out.update({field: row[field] for field in FIELDS if field in row})
    if replay is not None:
        out["_kafka"] = {"topic": "t", "partition": 0, "offset": n, **({"replay": True} if replay else {})}
    return json.dumps(out)


def verdict_of(record):
    return record["is_anomaly"], record["severity"], record["reasons"], record["anomaly_score"]


def control(kind, seq, **more):
    return json.dumps({"_kafka": {"control": kind, "seq": seq, "session": "s", **more}})


def mark(seq, begin, end):
    ranges = [{"topic": "t", "partition": 0, "from": begin, "to": end}]
    return control("mark", seq, group="g", generation=1, member="m", instance=None, ranges=ranges)


def score(command, lines, status=0):
    done = subprocess.run(command, input="\n".join(lines).encode() + b"\n", capture_output=True, check=False)
    if done.returncode != status:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}, not {status}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def from_kafka(command, rows, crashes, every):
    """The verdicts before marks of runs that end at these records, each but the first begun at the last mark."""
    verdicts, processed, state = {}, 0, None
    for stop in [*crashes, len(rows)]:
        begin = (state or {}).get("replay_from", processed)
        lines = [control("assign", 0, topic="t", partition=0, replay_from=begin, processed=processed, epoch=None,
                         state=state)]
        seq, told = 1, processed
        for n in range(begin, stop):
            lines.append(line_of(n, rows[n], n < processed))
            if (n + 1) % every == 0:
                lines.append(mark(seq, told, max(n + 1, processed)))
                seq, told = seq + 1, max(n + 1, processed)
        if stop == len(rows):
            lines += [mark(seq, told, stop), control("end", seq + 1)]
        waiting = {}
        for record in score(command, lines, 0 if stop == len(rows) else 75):
            kafka = record["_kafka"]
            if kafka.get("control") == "mark":
                assert not verdicts.keys() & waiting.keys()
                verdicts.update(waiting)
                waiting, processed, state = {}, kafka["ranges"][0]["to"], kafka["ranges"][0].get("state")
            elif "control" not in kafka and not kafka.get("replay"):
                waiting[record["i"]] = verdict_of(record)
    return verdicts


def difference(got, want):
    """The first record whose verdict is another, or None."""
    return next(((n, got.get(n), want.get(n)) for n in sorted({*got, *want}) if got.get(n) != want.get(n)), None)


def one_case(rng, folder):
    rules, rows = make_rules(rng), make_records(rng)
    idle, forget = rng.choice([60_000, 3_600_000]), rng.choice([10, 50, 1_000_000])
    path = os.path.join(folder, "rules.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rules, file)
    want = evaluate(rules, rows, idle, forget)
    command = ["anomaly-score", "--rules", path, "--idle", f"{idle}ms", "--forget", str(forget), "--rejects",
               os.path.join(folder, "rejects"), "-j", str(rng.choice([1, 3]))]
    # Of a file good records alone are counted: what is forgotten is another matter.
    if forget > len(rows):
        got = {r["i"]: verdict_of(r) for r in score(command, [line_of(n, row) for n, row in enumerate(rows)])}
        if got != want:
            return f"a file: {difference(got, want)} of {json.dumps(rules)}"
    for crashes in ([], *(sorted(rng.sample(range(1, len(rows)), rng.randint(1, 5))) for _ in range(2))):
        got = from_kafka(command, rows, crashes, rng.choice([1, 3, 7, 20]))
        if got != want:
            return f"crashed at {crashes}: {difference(got, want)} of {json.dumps(rules)}"
    return None


if __name__ == "__main__":
    sys.exit(random_cases("rules, series, crashes: the verdicts of an evaluator", CASES, one_case))
