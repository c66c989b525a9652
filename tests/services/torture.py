#!/usr/bin/env python3
"""torture.py: kills the processes of Kafka-to-Kafka pipelines, and counts what came of it.

A topic of numbered records is scored by two pipelines in one group,

    kafka-consume -G torture source | anomaly-score -m M |
        kafka-produce -t scored --transactional-id X

each started again as a whole when one of its processes has died. A tormentor kills, or stops for a
while, a random process of a random one; with three brokers it ends and starts brokers, too, and has
them stand still for longer than the others wait. Then a reader of committed records must find every
number once, in each partition in order.

--usual does the same to the usual recipe, a consumer that commits by itself and a plain producer:
that one loses and doubles, or the judge is blind.

Prints what happened; the last line is a JSON object. Ends with 0 if nothing was lost, doubled or
out of order, else with 1. The same seed gives the same blows, at times that no seed can give.
"""

import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
import judge
from tormentor import GROUP, SESSION_S, SOURCE, Failed, Feed, Tormentor, arguments, main

SCORED = "scored"
KEYS = 97


class Torture(Tormentor):
    def set_up(self):
        for topic in SOURCE, SCORED:
            self.brokers.run("kafka_topic", topic, str(self.partitions))
        self.model = os.path.join(self.folder, "model")
        self.train()

    def train(self):
        rows = "".join(f'{{"temperature":{20 + i % 7},"pressure":{1000 + i * 7919 % 31}}}\n'
                       for i in range(500))
        subprocess.run(["iforest-train", "--trees", "10", "--contamination", "0.02",
                        "-o", self.model], input=rows, text=True, check=True)

    def start_feed(self):
        process = self.brokers.tool("feed", SOURCE, str(KEYS), stdin=subprocess.PIPE, text=True)
        return Feed(process, self.options.records, random.Random(self.options.seed + 1),
                    lambda to, upto: to.write(f"{upto}\n"))

    def commands(self, i):
        b = ["-b", self.brokers.address]
        score = ["anomaly-score", "-m", self.model]
        if self.usual:
            # As generous as it can be: commits once a second, acknowledged by all, idempotent.
            properties = ["auto.offset.reset=earliest", "auto.commit.interval.ms=1000",
                          f"session.timeout.ms={SESSION_S * 500}"]
            consume = [word for p in properties for word in ("-X", p)]
            produce = ["-X", "acks=all", "-X", "enable.idempotence=true", "-t", SCORED]
            return [["kcat", "-q", *b, *consume, "-u", "-G", GROUP, SOURCE], score,
                    ["kcat", "-P", *b, *produce]]
        # One is a static member of the group, the other goes on as a new one when it was taken for dead:
        # all of that is in use.
        member = (["--instance", "torture-0"], ["--on-lost", "reset"])[i]
        return [["kafka-consume", *b, "-G", GROUP, *member, SOURCE], score,
                ["kafka-produce", *b, "-t", SCORED, "--transactional-id", f"torture-{i}"]]


def found(torture):
    what = torture.brokers.address, SCORED, torture.options.records
    result = judge.by_kcat(*what)
    if torture.usual:
        result["disorder"] = 0  # its records have no key: they go to any partition
    elif judge.by_consume(*what) != result:
        raise Failed("kcat and kafka-consume read different things")
    read = result.pop("read")
    return result, {"read": read, "resets": sum(count_in(p.log.name, b"partitions are lost")
                                                for p in torture.pipelines)}


def count_in(path, words):
    with open(path, "rb") as f:
        return f.read().count(words)


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--usual", action="store_true", help="torment the usual recipe")
    main(Torture, parser.parse_args(), found)
