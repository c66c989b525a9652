"""Databases: db-sink beside psql's \\copy and sqlite3's .import, the same rows into the same tables in one run.

    db.py BUILD

Contestants take turns on new tables, RUNS times each, and the median counts; what each turn gave stands on standard
error. Whole processes are timed, from start to exit. PostgreSQL is one of its own on this machine, with fsync; SQLite's
shell has the journal that it chooses. The peers read CSV; db-sink reads the same rows as JSON, and as CSV.
BENCH_ROWS and BENCH_RUNS make it shorter.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from table import heading, line, say, verdict

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = int(os.environ.get("BENCH_ROWS", 500_000))
RUNS = int(os.environ.get("BENCH_RUNS", 3))
DB_SINK = os.path.join(BUILD, "bin", "db-sink")
COLUMNS = [("sensor_id", "text"), ("zone", "text"), ("latitude", "double precision"), ("longitude", "double precision"),
           ("timestamp", "timestamptz"), ("temperature", "double precision"), ("humidity", "double precision"),
           ("air_quality_index", "double precision"), ("noise_level", "double precision"),
           ("traffic_flow", "bigint"), ("label", "bigint")]
SQLITE = {"text": "TEXT", "double precision": "REAL", "timestamptz": "TEXT", "bigint": "INTEGER"}
TEXT = ("text", "timestamptz")


def rows():
    rng = random.Random(1)
    start = 1_767_225_600
    for i in range(ROWS):
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start + i // 100))
        zone = i % 8
        yield (f"zone-{zone}-{i % 100}", f"zone {zone}", 35.994 + zone / 100, -78.8986, f"{at}.{i % 100 * 10:03d}Z",
               round(rng.gauss(22, 2.5), 2), round(rng.gauss(55, 5), 2), round(rng.gauss(80, 15), 2),
               round(rng.gauss(70, 8), 2), rng.randrange(300), int(rng.random() < 0.05))


def write_rows(folder):
    json_file, csv_file = os.path.join(folder, "rows.jsonl"), os.path.join(folder, "rows.csv")
    with open(json_file, "w", encoding="ascii") as json_out, open(csv_file, "w", encoding="ascii") as csv_out:
        csv_out.write(",".join(name for name, _ in COLUMNS) + "\n")
        for row in rows():
            csv_out.write(",".join(map(str, row)) + "\n")
            json_out.write("{" + ",".join(f'"{name}":"{value}"' if kind in TEXT else f'"{name}":{value}'
                                          for (name, kind), value in zip(COLUMNS, row)) + "}\n")
    return json_file, csv_file


def create(types, key):
    columns = ", ".join(f'"{name}" {types(kind)}' for name, kind in COLUMNS)
    return f"CREATE TABLE t ({columns}" + (', PRIMARY KEY (sensor_id, "timestamp"))' if key else ")")


class PostgreSQL:
    name, peer = "PostgreSQL", "psql \\copy"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgres")
        os.chmod(folder, 0o755)
        env = dict(os.environ, POSTGRES_DIR=self.folder, POSTGRES_OWNER=str(os.getpid()), SENSORUTILS_BUILD=BUILD,
                   POSTGRES_CONF="fsync = on\nfull_page_writes = on\nmax_wal_size = 8GB")
        out = subprocess.run(["bash", "-euc", '. "$0"; postgres_start >&2; echo "$DB"',
                              os.path.join(HERE, "..", "services", "postgres.bash")],
                             check=True, env=env, stdout=subprocess.PIPE, text=True).stdout
        self.url = out.strip()
        self.env = env

    def stop(self):
        subprocess.run(["bash", "-euc", '. "$0"; postgres_down INT', os.path.join(HERE, "..", "services", "postgres.bash")],
                       check=True, env=self.env)

    def psql(self, *commands):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.url]
        for text in commands:
            command += ["-c", text]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def make(self, key):
        self.psql("DROP TABLE IF EXISTS t", create(str, key), "CHECKPOINT")

    def load(self, csv_file):
        return ["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.url, "-c",
                f"\\copy t FROM '{csv_file}' WITH (FORMAT csv, HEADER)"]

    def count(self):
        return int(self.psql("SELECT count(*) FROM t"))


class SQLite:
    name, peer = "SQLite", "sqlite3 .import"

    def __init__(self, folder):
        self.file = os.path.join(folder, "bench.db")
        self.url = f"sqlite:{self.file}"

    def stop(self):
        self.remove()

    def remove(self):
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(self.file + end):
                os.unlink(self.file + end)

    def make(self, key):
        self.remove()
        subprocess.run(["sqlite3", self.file, create(SQLITE.get, key) + " STRICT"], check=True)

    def load(self, csv_file):
        return ["sqlite3", self.file, ".bail on", f".import --csv --skip 1 '{csv_file}' t"]

    def count(self):
        return int(subprocess.run(["sqlite3", self.file, "SELECT count(*) FROM t"], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout)


def measure(database, contestants):
    """Median seconds of each; they take turns."""
    seconds = {name: [] for name in contestants}
    for _ in range(RUNS):
        for name, (command, key) in contestants.items():
            database.make(key)
            os.sync()
            begin = time.monotonic()
            subprocess.run(command, check=True)
            seconds[name].append(time.monotonic() - begin)
            if database.count() != ROWS:
                sys.exit(f"bench: {name} has stored {database.count()} rows of {ROWS}")
    for name, values in seconds.items():
        print(f"{database.name}, {name}: {' '.join(f'{x:.2f}' for x in values)} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in seconds.items()}


def compare(database, json_file, csv_file):
    append, upsert = [DB_SINK, database.url, "t"], [DB_SINK, "--upsert", "sensor_id,timestamp", database.url, "t"]
    peer, keyed = database.peer, database.peer + ", keyed"
    took = measure(database, {peer: (database.load(csv_file), False), "JSON": ([*append, json_file], False),
                              "CSV": ([*append, csv_file], False), keyed: (database.load(csv_file), True),
                              "upsert": ([*upsert, json_file], True)})
    for form in ("JSON", "CSV"):
        line(f"{database.name}, appending {ROWS:,} rows of {form}", took[form], took[peer], peer,
             took[form] / took[peer], ("<=", 1.3), "s")
    line(f"{database.name}, upserting the rows of JSON", took["upsert"], took[keyed], peer + ", the same table",
         took["upsert"] / took[keyed], ("<=", 3), "s")


def main():
    say(f"db-sink, {ROWS:,} rows of {len(COLUMNS)} columns, the median of {RUNS} turns\n")
    heading()
    with tempfile.TemporaryDirectory() as folder:
        json_file, csv_file = write_rows(folder)
        for kind in (SQLite, PostgreSQL):
            database = kind(folder)
            try:
                compare(database, json_file, csv_file)
            finally:
                database.stop()
    verdict()


main()
