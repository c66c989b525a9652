#!/usr/bin/env python3
"""torture_tables.py: kills the processes of Kafka-to-PostgreSQL pipelines, backends of the server and
the server, and compares tables.

A topic of a city's records, some of them late, is judged and summed up by two pipelines in one group,

    kafka-consume -G torture --offsets-from 'db-sink --claim URL' source |
        anomaly-score -m M --rules R | window-agg … | db-sink URL torture

each started again as a whole when one of its processes has died. The rules keep state, and so do the
windows. Afterwards the same records go through the same pipeline undisturbed, into another table: both
must hold the same rows, each once.

Prints what happened; the last line is a JSON object. Ends with 0 if no row is missing or there that
should not be, else with 1.

--usual does the same to a consumer that commits by itself, without offsets in the database: it loses and
doubles rows, or the judge is blind.
"""

import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from tormentor import GROUP, HERE, SOURCE, Failed, Feed, Pipeline, Tormentor, arguments, main, spawn

UNDISTURBED = "undisturbed"
COLUMNS = ("zone text, window_start timestamptz, window_end timestamptz, count bigint, temperature_mean double "
           "precision, temperature_min double precision, temperature_max double precision, temperature_p95 double "
           "precision, anomaly_count bigint")
WINDOWS = ["--window", "60s", "--slide", "10s", "--lateness", "30s", "--agg", "count", "--agg",
           "temperature:mean,min,max,p95", "--agg", "is_anomaly:sum as anomaly_count"]
# Both need what came before: a value that stays, and how fast one changes.
RULES = {"key": "sensor_id", "rules": [
    {"name": "stuck", "severity": "low", "field": "temperature", "kind": "stuck", "records": 3},
    {"name": "jump", "severity": "medium", "field": "air_quality_index", "kind": "rate", "per_second": 40}]}


class Database:
    """A server by postgres.bash."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ, POSTGRES_DIR=folder, POSTGRES_OWNER=str(os.getpid()))
        start = self.start("eval", "postgres_start && env -0", stdout=subprocess.PIPE)
        text = start.communicate()[0]
        if start.returncode:
            raise Failed(f"PostgreSQL does not start: status {start.returncode}")
        self.env.update(word.split("=", 1) for word in text.decode().split("\0")
                        if word.startswith(("PG", "POSTGRES_", "DB=")))
        self.url = self.env["DB"]

    def start(self, *function, **how):
        """A function of postgres.bash."""
        script = '. "$0"; set -euo pipefail; "$@"'
        return spawn(["bash", "-c", script, os.path.join(HERE, "postgres.bash"), *function], env=self.env, **how)

    def ask(self, query):
        return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", query], env=self.env, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def backends(self):
        with open(os.path.join(self.folder, "pid"), encoding="ascii") as f:
            server = f.read().strip()
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat, encoding="ascii", errors="replace") as f:
                    parent = f.read().rsplit(")", 1)[1].split()[1]
                with open(stat[:-4] + "cmdline", encoding="utf-8", errors="replace") as f:
                    title = f.read()
            except OSError:
                continue  # it has ended
            if parent == server and " sink city " in title:
                yield int(stat.split("/")[2])


class Follower:
    """What is committed, from psql, for as long as the server lives."""

    QUERY = (f"SELECT 'next', string_agg(next::text, ' ' ORDER BY partition) FROM sensorutils_offsets"
             f" WHERE grp = '{GROUP}' AND next IS NOT NULL \\watch 0.02\n")

    def __init__(self, database):
        self.database, self.process, self.text, self.again = database, None, "", 0.0

    def read(self):
        now = time.monotonic()
        if self.process is None or self.process.poll() is not None:
            if now < self.again:
                return None
            self.again, self.text = now + 0.2, ""
            self.process = spawn(["psql", "-qAtX", "-F", " "], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=self.database.env)
            os.set_blocking(self.process.stdout.fileno(), False)
            self.process.stdin.write(self.QUERY.encode())
            self.process.stdin.close()
        self.text += (self.process.stdout.read() or b"").decode()
        lines, _, self.text = self.text.rpartition("\n")
        rows = re.findall(r"^next (.*)$", lines, re.MULTILINE)
        return [int(word) for word in rows[-1].split()] if rows else None

    def close(self):
        if self.process:
            self.process.kill()


class Tables(Tormentor):
    partitions = 3  # each of them has zones

    def set_up(self):
        self.brokers.run("kafka_topic", SOURCE, str(self.partitions))
        self.database = Database(os.path.join(self.folder, "postgres"))
        for table in GROUP, UNDISTURBED:
            self.database.ask(f"CREATE TABLE {table} ({COLUMNS})")
        self.model, self.rules = (os.path.join(self.folder, name) for name in ("model", "rules.json"))
        with open(self.rules, "w", encoding="ascii") as f:
            json.dump(RULES, f)
        normal = self.simulate(5000, seed=2)
        subprocess.run(["iforest-train", "--trees", "10", "--contamination", "0.02", "-o", self.model,
                        "--features", "temperature,noise_level"], input=b"".join(normal), check=True)
        self.lines = self.simulate(self.options.records, "--late", "0.01:90s", "--shuffle", "20")

    def simulate(self, count, *options, seed=1):
        argv = ["sensor-sim", os.path.join(HERE, "..", "..", "data", "profiles", "city.json"), "--seed", str(seed),
                "--start", "2026-03-02T00:00:00Z", "--step", "1s", "--count", str(count), *options]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout.splitlines(keepends=True)

    def start_feed(self):
        argv = ["kafka-produce", "-b", self.brokers.address, "-t", SOURCE, "--key", "zone"]
        self.sent = 0

        def send(to, upto):
            to.write(b"".join(self.lines[self.sent:upto]))
            self.sent = upto
        return Feed(spawn(argv, stdin=subprocess.PIPE), self.options.records, random.Random(self.options.seed + 1),
                    send)

    def follow(self):
        return super().follow() if self.usual else Follower(self.database)

    def commands(self, i):
        return self.stages(GROUP, "--commit-on-write") if self.usual else self.exact_stages(GROUP)

    def exact_stages(self, group, *more):
        return self.stages(group, "--offsets-from", f"db-sink --claim {self.database.url}", *more)

    def stages(self, group, *options):
        return [["kafka-consume", "-b", self.brokers.address, "-G", group, *options, SOURCE],
                ["anomaly-score", "-m", self.model, "--rules", self.rules],
                ["window-agg", "--key", "zone", *WINDOWS],
                ["db-sink", self.database.url, group]]

    def strikes(self):
        return {**super().strikes(), "backend": self.strike_backend, "server": self.strike_server}

    def strike_backend(self, _):
        backends = list(self.database.backends())
        how = self.rng.choice((signal.SIGTERM, signal.SIGKILL))
        self.count(f"{how.name[3:]} backend", "the server")
        if backends:
            try:
                os.kill(self.rng.choice(backends), how)
            except ProcessLookupError:
                pass  # it has ended by itself
        self.await_progress()

    def strike_server(self, _):
        how = self.rng.choice(("INT", "KILL"))
        self.count(f"{how} server", "PostgreSQL")
        self.server(self.database, "postgres_down", how)
        self.server(self.database, "postgres_up")
        self.await_progress()

    def run_undisturbed(self):
        last = Pipeline(UNDISTURBED, self.exact_stages(UNDISTURBED, "-e"),
                        os.path.join(self.folder, "undisturbed.log"), True)
        last.ending = True
        if self.wait(300, lambda: not last.living()) is None or any(p.returncode for p in last.processes):
            raise Failed(f"the undisturbed pipeline: {[p.poll() for p in last.processes]}")

    def close(self):
        super().close()
        self.database.start("postgres_stop").wait()


def found(torture):
    torture.run_undisturbed()
    ask = torture.database.ask
    count = "SELECT count(*) FROM (TABLE {} EXCEPT ALL TABLE {}) AS x"
    rows = int(ask(f"SELECT count(*) FROM {UNDISTURBED}"))
    if not rows:
        raise Failed("no window was ever written")
    return ({"rows missing": int(ask(count.format(UNDISTURBED, GROUP))),
             "rows too many": int(ask(count.format(GROUP, UNDISTURBED)))},
            {"rows": rows, "anomalies": int(ask(f"SELECT sum(anomaly_count) FROM {UNDISTURBED}"))})


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--usual", action="store_true", help="torment the usual recipe")
    main(Tables, parser.parse_args(), found)
