"""Reads what torture.py's pipelines wrote, and says what is lost, doubled or out of order."""

import json
import subprocess


class Judge:
    """Every number once; in each partition in order."""

    def __init__(self, records):
        self.times_seen = bytearray(records)
        self.last = {}
        self.disorder = self.count = 0

    def see(self, partition, n):
        self.count += 1
        if not self.times_seen[n] and n < self.last.get(partition, -1):
            self.disorder += 1
        self.last[partition] = max(n, self.last.get(partition, -1))
        self.times_seen[n] = min(255, self.times_seen[n] + 1)

    def verdict(self):
        lost = self.times_seen.count(0)
        return {"read": self.count, "lost": lost,
                "doubled": self.count + lost - len(self.times_seen), "disorder": self.disorder}


def by_kcat(address, topic, records):
    """What kcat reads, as the one that is not of this house."""
    judge = Judge(records)
    argv = ["kcat", "-C", "-e", "-q", "-b", address, "-t", topic, "-o", "beginning",
            "-f", "%p %s\n", "-X", "isolation.level=read_committed"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            partition, value = line.split(b" ", 1)
            judge.see(int(partition), json.loads(value)["n"])
    if p.returncode:
        raise OSError(f"kcat ended with {p.returncode}")
    return judge.verdict()


def by_consume(address, topic, records):
    judge = Judge(records)
    argv = ["kafka-consume", "-b", address, "-t", topic, "--from-offset", "beginning", "-e"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            record = json.loads(line)
            judge.see(record["_kafka"]["partition"], record["n"])
    if p.returncode:
        raise OSError(f"kafka-consume ended with {p.returncode}")
    return judge.verdict()
