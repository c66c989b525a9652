#!/usr/bin/env python3
"""Judges records from one Kafka topic into another by anomaly-score, as a pipe inside Spark.

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.3 \\
        --files anomaly-score,city.model score.py -b broker:9092 \\
        --from city.readings --to city.scored --checkpoint hdfs:///city-scored \\
        -- anomaly-score -m city.model

Behind -- stands the command as a shell would run it; a word that names a file of --files is that
file, wherever Spark has put it. For each batch and partition one process is started. Its records
are written as it writes them, with the keys that they had; if it fails, so does the task, with
what it said on standard error. Each record is judged at least once: see data/engines/README.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

from pyspark import SparkFiles
from pyspark.sql import SparkSession

# A key is put back by the order of records, so none may be left out.
NOT_HERE = ("--only-anomalies", "--rejects", "--watch")


def refuse(why):
    sys.stderr.write(f"score: {why}\n")
    sys.exit(78)


def located(command):
    """The command with the paths of the files that were shipped."""
    paths = [SparkFiles.get(word) for word in command]
    return [path if os.path.isfile(path) else word for path, word in zip(paths, command)]


def line_of(row):
    """A message as kafka-consume would write it, less its provenance."""
    if row.value is None:
        raise ValueError("the message has no value")
    line = re.sub(rb"[\r\n]", b" ", bytes(row.value).rstrip(b"\r\n"))
    if not line.strip():
        raise ValueError("the message is empty")
    if b'"_kafka"' in line:
        raise ValueError("the record has a member '_kafka', which is for programs to write")
    return line + b"\n"


def judge(rows, command):
    """The rows of a partition, in order, through one process: pairs of key and judged record."""
    command = located(command)
    waiting = collections.deque()  # rows that are not judged yet
    fault = []

    def feed():
        try:
            with scorer.stdin:
                for row in rows:
                    waiting.append(row)
                    scorer.stdin.write(line_of(row))
        except BrokenPipeError:
            pass  # its status tells why
        except Exception as e:  # to be raised where it fails the task
            fault.append(e)

    with tempfile.TemporaryFile() as words, subprocess.Popen(
        [command[0], "--from", "json", *command[1:]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words,
    ) as scorer:
        try:
            feeder = threading.Thread(target=feed, daemon=True)
            feeder.start()
            for line in scorer.stdout:
                if not waiting:
                    raise RuntimeError(f"{command[0]} wrote more records than it read")
                yield waiting.popleft().key, line.rstrip(b"\n")
            status = scorer.wait()
            feeder.join()
            if status or fault or waiting:
                place = ""
                if waiting:
                    row = waiting[0]
                    place = f" of topic {row.topic}, partition {row.partition}, offset {row.offset}"
                words.seek(0)
                said = words.read().decode(errors="replace").strip()
                why = fault[0] if fault else f"{command[0]} ended with status {status}: {said}"
                raise RuntimeError(f"no verdict on the record{place}: {why}")
        finally:
            scorer.kill()


def check(command):
    """Ends the job if the command does not start, or judges records by those before them."""
    what = subprocess.run([*located(command), "--describe", "--json"], stdout=subprocess.PIPE)
    if what.returncode:
        sys.exit(what.returncode)
    for described in what.stdout.splitlines():
        for rule in json.loads(described).get("rules", []):
            limits = [rule, *filter(None, rule.get("per_key", {}).values())]
            if rule["kind"] in ("rate", "stuck") or rule["kind"] == "missing" and any(
                "seconds" in limit or limit.get("records", 1) > 1 for limit in limits
            ):
                refuse(f"rule '{rule['name']}' of kind '{rule['kind']}' follows a series, but each"
                       " batch is judged by a process of its own")


def setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return f"kafka.{name}", value


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], allow_abbrev=False)
    p.add_argument("-b", "--brokers", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"),
                   help="default: KAFKA_BOOTSTRAP_SERVERS")
    p.add_argument("-X", metavar="NAME=VALUE", action="append", default=[], type=setting,
                   help="a property of Kafka's clients, as security.protocol=SASL_SSL")
    p.add_argument("--from", dest="source", metavar="TOPIC", required=True)
    p.add_argument("--to", dest="sink", metavar="TOPIC", required=True)
    p.add_argument("--checkpoint", metavar="FOLDER", required=True,
                   help="where Spark keeps how far it is; the same in each run")
    p.add_argument("--trigger", default="1 second", help="from batch to batch; default 1 second")
    p.add_argument("--max-batch", metavar="N", default=100000,
                   help="messages in a batch at most; default 100000")
    p.add_argument("-e", "--exit", action="store_true", help="end when all there is is judged")
    p.add_argument("command", nargs="+", help="anomaly-score and its options, behind --")
    o = p.parse_args()
    if not o.brokers:
        p.error("no brokers: -b, or KAFKA_BOOTSTRAP_SERVERS")
    for word in o.command:
        if word.split("=")[0] in NOT_HERE:
            refuse(f"'{word}' cannot be used here: every record must come back")

    spark = SparkSession.builder.appName("anomaly-score").getOrCreate()
    check(o.command)
    kafka = {"kafka.bootstrap.servers": o.brokers, **dict(o.X)}

    def write(batch, _):
        judged = batch.rdd.mapPartitions(lambda rows: judge(rows, o.command))
        batch.sparkSession.createDataFrame(judged, "key binary, value binary", verifySchema=False) \
            .write.format("kafka").options(topic=o.sink, **kafka).save()

    stream = spark.readStream.format("kafka").options(
        subscribe=o.source, startingOffsets="earliest", maxOffsetsPerTrigger=o.max_batch,
        **{**kafka, "kafka.isolation.level": "read_committed"}).load()
    writer = stream.writeStream.foreachBatch(write).option("checkpointLocation", o.checkpoint)
    trigger = {"availableNow": True} if o.exit else {"processingTime": o.trigger}
    writer.trigger(**trigger).start().awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main()
