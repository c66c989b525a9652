"""Kafka: throughput, memory and latency beside kcat and Kafka's own tools, on one real broker in one run.

    kafka.py BUILD [PART...]

Parts are produce, consume, memory, latency and pipeline; default all. Contestants take turns on the same topics, RUNS
times each, and the median counts; what each turn gave stands on standard error. Whole processes are timed, from start
to exit, but for ProducerPerformance, whose own figure leaves the start of its JVM out. The broker and all processes
share the machine, and the rows of the pipeline say where its processors went. BENCH_RECORDS, BENCH_RUNS and
BENCH_SECONDS make it shorter.
"""

import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

from table import MB, heading, line, say, verdict

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
RECORDS = int(os.environ.get("BENCH_RECORDS", 2_000_000))
RUNS = int(os.environ.get("BENCH_RUNS", 3))
SECONDS = int(os.environ.get("BENCH_SECONDS", 30))
RATE = 10_000
WARM_UP_S = 5
LINGER_MS = 5
QUEUE_KIB = 65536

# The same for all producers; librdkafka's and Java's names where they differ.
PRODUCE = ["acks=all", "enable.idempotence=true", "linger.ms=10", "batch.size=1000000"]
# kafka-produce's own, and one that holds half of the input: where more is ready than may be under way,
# librdkafka's thread spins.
PRODUCE_QUEUES = {"10,000 messages queued": ["queue.buffering.max.messages=10000", "queue.buffering.max.kbytes=16384"],
                  "1,000,000": ["queue.buffering.max.messages=1000000", "queue.buffering.max.kbytes=1048576"]}
PRODUCE_QUEUE_JAVA = ["buffer.memory=268435456"]
# Without the last, "-e" alone takes half a second: an empty fetch tells the end.
CONSUME = ["queued.min.messages=1000000", "queued.max.messages.kbytes=1048576", "fetch.wait.max.ms=10"]
BROKER_JVM = "-Xms1g -Xmx1g"
PEER_JVM = ["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def path_of(*parts):
    return os.path.join(BUILD, *parts)


def program(name):
    return path_of("bin", name)


def properties(settings):
    return [word for setting in settings for word in ("-X", setting)]


class Process(NamedTuple):
    name: str
    cpu_s: float
    peak: int


class Run(NamedTuple):
    """What processes took that ran beside each other, and meanwhile the broker and the whole machine."""
    seconds: float
    processes: list
    broker_cpu_s: float
    machine_cpu_s: float

    def rest(self):
        """Processors that something else kept busy."""
        own = self.broker_cpu_s + sum(process.cpu_s for process in self.processes)
        return (self.machine_cpu_s - own) / self.seconds


def machine_cpu_s():
    """What all processors have worked so far."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _, _, irq, soft_irq, *_ = map(int, f.readline().split()[1:])
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


class Clock:
    """What has been used when it is made, to be taken from what has been later."""

    def __init__(self, broker):
        self.begin, self.broker, self.machine = time.monotonic(), broker.cpu_s(), machine_cpu_s()


class Broker:
    """One broker of its own, with its topics, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ, KAFKA_DIR=os.path.join(folder, "kafka"), KAFKA_OWNER=str(os.getpid()),
                        KAFKA_JVM=BROKER_JVM, SENSORUTILS_BUILD=BUILD,
                        # What a topic held is gone from the disk with it.
                        KAFKA_PROPERTIES="log.segment.delete.delay.ms=500")
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_HOST"):
            self.env.pop(name, None)
        self.script("kafka_start")
        with open(os.path.join(self.env["KAFKA_DIR"], "brokers"), encoding="ascii") as f:
            self.address = self.env["KAFKA_BOOTSTRAP_SERVERS"] = f.read().strip()
        with open(os.path.join(self.env["KAFKA_DIR"], "jars"), encoding="utf-8") as f:
            self.jars = f.read().strip()

    def script(self, command):
        subprocess.run([os.path.join(HERE, "..", "services", "kafka.bash"), command], check=True, env=self.env)

    def stop(self):
        self.script("kafka_stop")

    def tool(self, *arguments):
        return subprocess.run([path_of("tests", "services", "kafka_tool"), *arguments], check=True, env=self.env,
                              stdout=subprocess.PIPE, text=True).stdout

    def create(self, topic, partitions=1):
        self.tool("create-topic", topic, str(partitions), "1")

    def delete(self, *topics):
        for topic in topics:
            self.tool("delete-topic", topic)

    def count(self, topic):
        """Offsets taken in all partitions: records, where nothing was transactional."""
        return sum(int(row.split()[2]) for row in self.tool("offsets", topic).splitlines())

    def cpu_s(self):
        with open(os.path.join(self.env["KAFKA_DIR"], "node-1", "pid"), encoding="ascii") as f:
            pid = f.read().strip()
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def start(self, commands, stdin=None, stdout=subprocess.DEVNULL):
        """Starts a pipe of commands; stdin is a file's name."""
        processes = []
        with open(stdin or os.devnull, "rb") as first, open(self.errors(), "ab") as errors:
            source = first
            for command in commands:
                last = command is commands[-1]
                process = subprocess.Popen(command, env=self.env, stdin=source, stderr=errors,
                                           stdout=stdout if last else subprocess.PIPE)
                if source is not first:
                    source.close()
                source = process.stdout
                processes.append(process)
        return processes

    def finish(self, processes, clock):
        """Waits for them; one that failed ends the bench."""
        ended = []
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            name = os.path.basename(process.args[0])
            if process.returncode:
                with open(self.errors(), encoding="utf-8", errors="replace") as f:
                    sys.exit(f"bench: {name} ended with {process.returncode}\n" + "".join(f.readlines()[-20:]))
            ended.append(Process(name, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024))
        return Run(time.monotonic() - clock.begin, ended, self.cpu_s() - clock.broker, machine_cpu_s() - clock.machine)

    def run(self, *commands, stdin=None, stdout=subprocess.DEVNULL):
        clock = Clock(self)
        return self.finish(self.start(commands, stdin, stdout), clock)

    def errors(self):
        return os.path.join(self.folder, "errors")

    def produce(self, topic, *options):
        return [program("kafka-produce"), "-b", self.address, "-t", topic, *options]

    def consume(self, *options):
        return [program("kafka-consume"), "-b", self.address, *options]

    def kcat(self, mode, topic, *options):
        return ["kcat", mode, "-b", self.address, "-t", topic, *options]


def note(what, rates, runs):
    """Each turn's thousand records a second, and how many processors something else kept busy meanwhile."""
    print(f"bench: {what}:", *(f"{rate:,.4g} ({run.rest():.2f})" for rate, run in zip(rates, runs)), file=sys.stderr,
          flush=True)


def rate_of(run):
    return RECORDS / run.seconds / 1e3


def take_turns(what, contestants, runs=RUNS):
    """The median of what each gives: its rate and what it took."""
    turns = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            turns[name].append(run())
    for name, results in turns.items():
        note(f"{what}: {name}", *zip(*results))
    return {name: statistics.median(rate for rate, _ in results) for name, results in turns.items()}


def time_of(i):
    """A millisecond apart."""
    return f"2026-03-02T{i // 3_600_000 % 24:02}:{i // 60_000 % 60:02}:{i // 1000 % 60:02}.{i % 1000:03}Z"


def pools(rng):
    """Sensors, and readings of a city's: parts of records."""
    zones = ["Downtown", "Industrial Park", "Tech Hub", "Medical Center"]
    sensors = [f'"sensor_id":"s{rng.randrange(100, 1000)}","zone":"{rng.choice(zones)}"' for _ in range(997)]
    readings = [f'"temperature":{rng.gauss(22, 2.5):.2f},"humidity":{rng.gauss(55, 5):.2f},'
                f'"air_quality_index":{rng.gauss(80, 15):.1f},"noise_level":{rng.gauss(70, 8):.1f},'
                f'"traffic_flow":{rng.gauss(150, 25):.1f}' for _ in range(20_011)]
    return sensors, readings


def write_records(path):
    """RECORDS of 200 bytes each; the last number fills them."""
    sensors, readings = pools(random.Random(1))
    with open(path, "w", encoding="ascii") as f:
        for i in range(RECORDS):
            text = f'{{"timestamp":"{time_of(i)}",{sensors[i % 997]},{readings[i % 20_011]},"id":'
            f.write(f"{text}{10 ** (198 - len(text)) + i}}}\n")


def write_city(path):
    """RECORDS of 232 bytes on average, five features in each."""
    rng = random.Random(2)
    sensors, readings = pools(rng)
    sensors = [f'{s},"latitude":35.{rng.randrange(1000, 10000)},"longitude":-78.{rng.randrange(1000, 10000)}'
               for s in sensors]
    with open(path, "w", encoding="ascii") as f:
        for i in range(RECORDS):
            f.write(f'{{{sensors[i % 997]},"timestamp":"{time_of(i)}",{readings[i % 20_011]},"label":0}}\n')


def produce(broker, folder):
    records = os.path.join(folder, "records")
    payload = os.path.join(folder, "payload")
    with open(records, encoding="ascii") as f, open(payload, "w", encoding="ascii") as out:
        out.writelines(text for text, _ in zip(f, range(100_000)))
    java = ["java", *PEER_JVM, "-cp", broker.jars + "/*", "org.apache.kafka.tools.ProducerPerformance",
            "--num-records", str(RECORDS), "--throughput", "-1", "--payload-file", payload, "--producer-props",
            f"bootstrap.servers={broker.address}", *PRODUCE, *PRODUCE_QUEUE_JAVA]
    def turn(command, topic):
        broker.create(topic)
        run = broker.run(command(topic), stdin=records)
        if broker.count(topic) != RECORDS:
            sys.exit(f"bench: {command(topic)[0]} has left {broker.count(topic)} records of {RECORDS}")
        broker.delete(topic)
        return rate_of(run), run

    def java_turn(codec):
        broker.create("performance")
        with open(os.path.join(folder, "performance"), "w+", encoding="utf-8") as out:
            run = broker.run([*java, f"compression.type={codec}", "--topic", "performance"], stdout=out)
            out.seek(0)
            rate = float(re.findall(r"records sent, ([\d.]+) records/sec", out.read())[-1])
        broker.delete("performance")
        return rate / 1e3, run

    def contestants(codec, queue):
        options = ["-z", codec, *properties(PRODUCE + queue)]
        return {"kafka-produce": lambda: turn(lambda t: broker.produce(t, *options), "records"),
                "kcat -P": lambda: turn(lambda t: broker.kcat("-P", t, *options), "records")}

    # The broker has its slow minutes, so more turns than elsewhere.
    for codec in ("none", "zstd"):
        best = 0
        for queue, settings in PRODUCE_QUEUES.items():
            what = f"kafka-produce, 200 bytes, {codec}, {queue}"
            rates = take_turns(what, contestants(codec, settings), 3 * RUNS)
            ours = rates["kafka-produce"]
            best = max(best, ours)
            line(what, ours, rates["kcat -P"], "kcat -P", ours / rates["kcat -P"], (">=", 1), "k/s")
        what = f"kafka-produce, 200 bytes, {codec}, the better of these"
        peer = take_turns(what, {"ProducerPerformance": lambda c=codec: java_turn(c)}, 2 * RUNS)["ProducerPerformance"]
        line(what, best, peer, "ProducerPerformance", best / peer, (">=", 2), "k/s")


def consume(broker, folder):
    records = os.path.join(folder, "records")
    options = ["-e", *properties(CONSUME)]

    def turn(command, rest):
        run = broker.run(command, *rest)
        return rate_of(run), run

    for codec in ("none", "zstd"):
        topic = f"records-{codec}"
        broker.create(topic)
        broker.run(broker.kcat("-P", topic, "-z", codec, *properties(PRODUCE)), stdin=records)
        commands = {
            "kcat -C": broker.kcat("-C", topic, "-q", "-o", "beginning", *options),
            "without": broker.consume("-t", topic, "--no-provenance", *options),
            "with": broker.consume("-t", topic, *options)}
        # What comes is what was there.
        broker.run(commands["without"], ["cmp", "-", records])
        for way, rest in (("through a pipe", [["cat"]]), ("into /dev/null", [])):
            rates = take_turns(f"consume, {codec}, {way}", {
                name: lambda c=command, r=rest: turn(c, r)
                for name, command in commands.items()})
            for kind, goal in (("without", 1), ("with", 0.667)):
                line(f"kafka-consume {kind} provenance, 200 bytes, {codec}, {way}", rates[kind], rates["kcat -C"],
                     "kcat -C", rates[kind] / rates["kcat -C"], (">=", goal) if rest else None, "k/s")
        broker.delete(topic)


def peak_at_rest(broker, command):
    """Peak memory of a consumer whose reader does not read until it grows no more."""
    reads, writes = os.pipe()
    clock = Clock(broker)
    processes = broker.start([command], stdout=writes)
    os.close(writes)
    before, since = 0, clock.begin
    while time.monotonic() < since + 1:
        with open(f"/proc/{processes[0].pid}/status", encoding="ascii") as f:
            resident = int(re.search(r"VmRSS:\s*(\d+)", f.read())[1])
        if resident > before:
            before, since = resident, time.monotonic()
        time.sleep(0.05)
    reader = subprocess.Popen(["cat"], stdin=reads, stdout=subprocess.DEVNULL)
    os.close(reads)
    run = broker.finish(processes, clock)
    reader.wait()
    return run.processes[0].peak


def memory(broker, folder):
    """Peaks where queues are full: of many records, of long ones."""
    long = os.path.join(folder, "long")
    with open(long, "w", encoding="ascii") as f:
        for i in range(100_000):
            f.write(f'{{"id":{1_000_000 + i},"text":"{"a long story" * 165}"}}\n')
    sent, kept = [properties(["queue.buffering.max.messages=100000", f"queue.buffering.max.kbytes={QUEUE_KIB}"]),
                  properties(["queued.min.messages=100000", f"queued.max.messages.kbytes={QUEUE_KIB}"])]
    for size, file in ((200, os.path.join(folder, "records")), (2000, long)):
        broker.create("memory")
        peaks = [broker.run(command, stdin=file).processes[0].peak / MB for command in (
            broker.produce("memory", "-z", "none", *sent), broker.kcat("-P", "memory", *sent))]
        peaks += [peak_at_rest(broker, command) / MB for command in (
            broker.consume("-t", "memory", "-e", *kept),
            broker.kcat("-C", "memory", "-q", "-o", "beginning", "-e", *kept))]
        broker.delete("memory")
        for i, (ours, kcat) in enumerate((("kafka-produce", "kcat -P"), ("kafka-consume", "kcat -C"))):
            what = f"peak memory, queue full of records of {size} bytes (64 MiB, 100,000 records)"
            line(f"{ours}: {what}", peaks[2 * i], None, None, None, ("<=", QUEUE_KIB / 1024 + 64), "MB")
            line(f"{kcat}: the same", peaks[2 * i + 1], None, None, None, None, "MB")


def train(folder):
    """A model of the city's records, 100 trees."""
    model, some = os.path.join(folder, "city.model"), os.path.join(folder, "some")
    with open(os.path.join(folder, "city"), encoding="ascii") as f, open(some, "w", encoding="ascii") as out:
        out.writelines(text for text, _ in zip(f, range(100_000)))
    subprocess.run([program("iforest-train"), "--seed", "1", "--contamination", "0.05", "--features",
                    "temperature,humidity,air_quality_index,noise_level,traffic_flow", "-o", model, some],
                   check=True, stderr=subprocess.DEVNULL)
    return model


def await_group(broker, group):
    """Until its one member has partitions."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        asked = subprocess.run([path_of("tests", "services", "kafka_tool"), "group", group], env=broker.env,
                               capture_output=True, text=True, check=False)
        state, *members = asked.stdout.splitlines() or [""]
        if state == "Stable" and members and int(members[0].split()[-1]) > 0:
            return
        time.sleep(0.05)
    sys.exit(f"bench: group {group} has not begun")


LATENCY = {
    "--commit-on-write": (["--commit-on-write"], [], 50),
    "exactly once": ([], ["--transactional-id", "bench"], 250)}


def latency_turn(broker, model, city, name):
    """Ages as bench_latency tells them, and what all processes took."""
    consume_options, produce_options, _ = LATENCY[name]
    count, linger = RATE * (SECONDS + WARM_UP_S), ["-X", f"linger.ms={LINGER_MS}"]
    group = f"latency-{time.monotonic_ns()}"
    broker.create("source")
    broker.create("scored")
    clock = Clock(broker)
    reader = broker.start([broker.consume("-t", "scored", "-c", str(count)), [
        path_of("tests", "bench", "bench_latency"), "producer_timestamp", str(count), str(RATE * WARM_UP_S)]],
        stdout=subprocess.PIPE)
    scorer = broker.start([broker.consume("-G", group, *consume_options, "source"),
                           [program("anomaly-score"), "-m", model],
                           broker.produce("scored", *linger, *produce_options)])
    await_group(broker, group)
    source = broker.start([[program("record-replay"), "--rate", str(RATE), "--repeat", "--count", str(count),
                            "--stamp", "producer_timestamp", city], broker.produce("source", *linger)])
    sent = broker.finish(source, clock)
    figures = json.loads(reader[1].stdout.read())
    read = broker.finish(reader, clock)
    scorer[0].terminate()
    run = broker.finish(scorer, clock)
    broker.delete("source", "scored")
    return figures, run._replace(processes=sent.processes + run.processes + read.processes)


def latency(broker, folder):
    """From producer_timestamp until a reader of what is committed has the scored record."""
    model = train(folder)
    for name, (_, _, goal) in LATENCY.items():
        figures, run = latency_turn(broker, model, os.path.join(folder, "city"), name)
        what = f"latency, {RATE:,}/s for {SECONDS} s, {name}, linger {LINGER_MS} ms"
        line(f"{what}: p50", figures["p50_ms"], None, None, None, None, "ms")
        line(f"{what}: p99", figures["p99_ms"], None, None, None, ("<=", goal), "ms")
        line(f"{what}: p99.9", figures["p999_ms"], None, None, None, None, "ms")
        say(f"| … processors at work, of {os.cpu_count()} | {run.machine_cpu_s / run.seconds:.2f}, "
            f"{run.rest():.2f} of it anything else | | | |")


def follow(broker, group, sums):
    """Notes (time, committed sum) in sums until it is ended."""
    process = subprocess.Popen([path_of("tests", "services", "kafka_tool"), "follow", group, "50"], env=broker.env,
                               stdout=subprocess.PIPE, text=True)

    def note():
        for text in process.stdout:
            sums.append((time.monotonic(), int(text.split()[0])))

    thread = threading.Thread(target=note)
    thread.start()
    return process, thread


def pipeline_turn(broker, model, source, partitions, group):
    """What it took from the start of the processes to their exit, and records a second from commit to commit."""
    broker.create("scored", partitions)
    sums = []
    follower, thread = follow(broker, group, sums)
    run = broker.run(broker.consume("-G", group, "-e", source), [program("anomaly-score"), "-m", model],
                     broker.produce("scored", "--transactional-id", group))
    follower.terminate()
    thread.join()
    committed = int(broker.tool("committed", group).split()[-1])
    if committed != RECORDS:
        sys.exit(f"bench: {committed} records of {RECORDS} are committed")
    moving = [(at, n) for at, n in sums if 0 < n]
    first, last = moving[0], next(point for point in moving if point[1] == moving[-1][1])
    broker.delete("scored")
    return run, (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0


def pipeline(broker, folder):
    model = train(folder)
    for partitions in (6, 1):
        source = f"city-{partitions}"
        broker.create(source, partitions)
        broker.run(broker.produce(source, "--key", "sensor_id"), stdin=os.path.join(folder, "city"))
        # The first shows the broker transactions, and counts as none.
        turns = [pipeline_turn(broker, model, source, partitions, f"bench-{partitions}-{i}") for i in range(RUNS + 1)]
        broker.delete(source)
        what = f"consume, score, produce exactly once, {partitions} partition{'s'[:partitions > 1]}"
        del turns[0]
        rates = [rate_of(run) for run, _ in turns]
        note(what, rates, [run for run, _ in turns])
        line(what, statistics.median(rates), None, None, None, (">=", 200), "k/s")
        line(f"{what}: between first and last commit", statistics.median(rate for _, rate in turns) / 1e3, None, None,
             unit="k/s")
        run = turns[rates.index(statistics.median_low(rates))][0]
        shares = [("broker", run.broker_cpu_s), *((p.name, p.cpu_s) for p in run.processes)]
        say(f"| processors at work, of {os.cpu_count()} | {run.machine_cpu_s / run.seconds:.2f} | | | |")
        for name, seconds in shares:
            say(f"| … {name} | {seconds / run.seconds:.2f}, {seconds / RECORDS * 1e6:.2f} µs a record | | | |")
        say(f"| … anything else | {run.rest():.2f} | | | |")


def warm_up(broker, folder):
    """So that no contestant is the first that a cold JVM serves."""
    broker.create("warm-up")
    for codec in ("none", "zstd"):
        broker.run(broker.kcat("-P", "warm-up", "-z", codec), stdin=os.path.join(folder, "records"))
    broker.run(broker.kcat("-C", "warm-up", "-q", "-e", "-o", "beginning"))
    broker.delete("warm-up")


PARTS = {"produce": produce, "consume": consume, "memory": memory, "latency": latency, "pipeline": pipeline}


def main():
    parts = sys.argv[2:] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"bench: no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder:
        write_records(os.path.join(folder, "records"))
        write_city(os.path.join(folder, "city"))
        broker = Broker(folder)
        try:
            warm_up(broker, folder)
            heading()
            for part in parts:
                PARTS[part](broker, folder)
        finally:
            broker.stop()
    verdict()


main()
