"""What tortures have in common: brokers, pipelines and their supervisor, a feed of records, and a
tormentor who kills and stops what takes part, and waits until work gets on."""

import argparse
import collections
import ctypes
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SENSORUTILS_BUILD", os.path.join(HERE, "..", "..", "build"))
TOOL = os.path.join(BUILD, "tests", "services", "kafka_tool")
GROUP, SOURCE = "torture", "source"
SESSION_S = 10  # of a member of the group that is silent
BROKER_SESSION_S = 4  # of a silent broker with its controller, as kafka.bash sets it
PATIENCE_S = 10  # with a group that does not move, until the next blow
FINAL = (64, 65, 66, 70, 73, 74, 78)  # no supervisor starts a pipeline again after these
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failed(Exception):
    """What must not happen to any recipe: a status that is final, a pipeline that hangs."""


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, **how):
    """All processes are started by the one thread there is: they die with it."""
    return subprocess.Popen(argv, preexec_fn=die_with_parent, **how)


def name_of(status):
    return signal.Signals(-status).name if status < 0 else str(status)


class Brokers:
    """Servers by kafka.bash, their state in its files."""

    def __init__(self, folder, n, version):
        self.n = n
        self.env = dict(os.environ, KAFKA_DIR=folder, KAFKA_OWNER=str(os.getpid()))
        self.run("kafka_start" if n == 1 else "kafka_start_cluster", version)
        with open(os.path.join(folder, "brokers"), encoding="ascii") as f:
            self.address = f.read().strip()
        self.env["KAFKA_BOOTSTRAP_SERVERS"] = self.address

    def run(self, *function):
        status = self.start(*function).wait()
        if status:
            raise Failed(f"{' '.join(function)}: status {status}")

    def start(self, *function):
        """A function of kafka.bash."""
        return spawn([os.path.join(HERE, "kafka.bash"), *function], env=self.env)

    def pid(self, node):
        with open(os.path.join(self.env["KAFKA_DIR"], f"node-{node}", "pid"), encoding="ascii") as f:
            return int(f.read())

    def tool(self, *command, **how):
        return spawn([TOOL, *command], env=self.env, **how)

    def stop(self):
        self.run("kafka_stop")


class Pipeline:
    """Processes joined by pipes, and their supervisor."""

    def __init__(self, name, commands, log, patient):
        self.name, self.commands, self.patient = name, commands, patient
        self.log = open(log, "ab", buffering=0)
        self.starts = 0
        self.statuses = collections.Counter()
        self.ending = False
        self.start()

    def start(self):
        self.processes = []
        self.first_death, self.ended = None, False
        self.starts += 1
        self.log.write(f"{time.strftime('%T')} start {self.starts}\n".encode())
        source = subprocess.DEVNULL
        for i, argv in enumerate(self.commands):
            last = i == len(self.commands) - 1
            p = spawn(argv, stdin=source, stderr=self.log,
                      stdout=subprocess.DEVNULL if last else subprocess.PIPE)
            if i:
                source.close()
            source = p.stdout
            self.processes.append(p)

    def living(self):
        return [p for p in self.processes if p.poll() is None]

    def label(self, p):
        argv = self.commands[self.processes.index(p)]
        return argv[0] + "".join(f" {a}" for a in argv if argv[0] == "kcat" and a in ("-G", "-P"))

    def supervise(self, now):
        """Starts all again once all have died. One death is meant to end the others by their pipes;
        the usual recipe is helped along, and forgiven any status."""
        living = self.living()
        if len(living) == len(self.processes) or self.ended:
            return
        if living:
            self.first_death = self.first_death or now
            if now - self.first_death > (30 if self.patient else 1):
                if self.patient:
                    left = ", ".join(self.label(p) for p in living)
                    raise Failed(f"{self.name}: {left} outlived the others")
                for p in living:
                    p.kill()
            return
        statuses = [p.returncode for p in self.processes]
        ends = [f"{self.label(p)} {name_of(p.returncode)}" for p in self.processes]
        self.statuses.update(ends)
        self.log.write(f"{time.strftime('%T')} ended: {', '.join(ends)}\n".encode())
        bad = [s for s in statuses if s in FINAL or s < 0 and -s not in
               (signal.SIGKILL, signal.SIGPIPE)]
        if self.patient and (bad or not self.ending and not statuses[0]):
            raise Failed(f"{self.name} ended with {', '.join(ends)}")
        self.ended = True
        if not self.ending:
            self.start()

    def end(self):
        """As one stops a pipeline: at its head."""
        self.ending = True
        head = self.processes[0]
        if head.poll() is None:
            head.terminate()


class Feed:
    """Numbered records into the source for as long as there are blows: half of them steadily, half
    in spates that fill the pipes. send(upto) has those before a number written."""

    def __init__(self, process, records, rng, send):
        self.process, self.send = process, send
        self.records, self.rng = records, rng
        self.given = 0
        self.trickle = self.bank = self.spate = 0.0
        self.last = time.monotonic()

    def tick(self, now, seconds_left):
        passed, self.last = now - self.last, now
        rate = (self.records - self.given) / max(seconds_left, 1)
        self.trickle += rate * passed / 2
        self.bank += rate * passed / 2
        due, self.trickle = int(self.trickle), self.trickle % 1
        if self.bank >= self.spate:
            due += int(self.bank)
            self.bank, self.spate = 0.0, rate * self.rng.uniform(0, 3)
        if due:
            self.give(self.given + due)

    def give(self, upto):
        self.given = min(upto, self.records)
        self.send(self.process.stdin, self.given)
        self.process.stdin.flush()

    def finish(self):
        if self.given < self.records:
            self.give(self.records)
        self.process.stdin.close()


class GroupFollower:
    """What the group has committed in Kafka."""

    def __init__(self, brokers):
        self.process, self.text = brokers.tool("follow", GROUP, "20", stdout=subprocess.PIPE), ""
        os.set_blocking(self.process.stdout.fileno(), False)

    def read(self):
        if self.process.poll() is not None:
            raise Failed("nobody follows the group")
        lines, _, self.text = (self.text + (self.process.stdout.read() or b"").decode()).rpartition("\n")
        return [int(word) for word in lines.split("\n")[-1].split()[1:]] if lines else None

    def close(self):
        self.process.kill()


class Tormentor:
    """A scenario says what runs (commands, start_feed), how far it is (follow) and what is hit besides
    its processes (strikes). With usual it is a recipe of others: helped along, and forgiven any status."""

    partitions = 6

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.rng = random.Random(options.seed)
        self.blows = collections.Counter()
        self.times, self.recoveries, self.open = [], [], []
        self.overdue = 0
        self.offsets, self.sum = [], 0
        self.plan = self.make_plan()
        self.seconds_a_blow = 1.0  # beside those that a process stands still
        self.pipelines, self.feed, self.partial = [], None, ""

        self.brokers = Brokers(os.path.join(folder, "kafka"), options.brokers, options.kafka)
        self.usual = getattr(options, "usual", False)
        self.set_up()
        self.follower = self.follow()

    def set_up(self):
        """Topics, models, tables: before anything runs."""
        raise NotImplementedError

    def commands(self, i):
        """The processes of pipeline i."""
        raise NotImplementedError

    def start_feed(self):
        raise NotImplementedError

    def follow(self):
        """What read() of it gives are the offsets that are committed, a list without those of
        partitions that have none, or None when they cannot be told now."""
        return GroupFollower(self.brokers)

    def tick(self):
        """What goes on all the time, a hundredth of a second of it."""
        time.sleep(0.01)
        now = time.monotonic()
        for p in self.pipelines:
            p.supervise(now)
        if self.feed:
            if self.feed.process.poll() is not None and self.feed.process.returncode:
                raise Failed("the feed of records died")
            if self.plan:
                self.feed.tick(now, sum(seconds + self.seconds_a_blow for _, seconds in self.plan))
        offsets = self.follower.read()
        if offsets is not None:
            self.offsets, self.sum = offsets, sum(offsets)
            self.settle(now)

    def settle(self, now):
        """Blows behind which every partition has moved."""
        if len(self.offsets) < self.partitions:
            return
        for since, before in list(self.open):
            if len(before) < self.partitions or all(a > b for a, b in zip(self.offsets, before)):
                self.recoveries.append(now - since)
                self.open.remove((since, before))

    def wait(self, seconds, until=lambda: False):
        """Goes on until it is so, or for some seconds. How long it took, or None."""
        begin = time.monotonic()
        while not until():
            if time.monotonic() - begin >= seconds:
                return None
            self.tick()
        return time.monotonic() - begin

    def server(self, servers, *command):
        """A function of the servers' script, while all goes on."""
        p = servers.start(*command)
        if self.wait(150, lambda: p.poll() is not None) is None or p.returncode:
            raise Failed(f"{' '.join(command)} failed")

    def make_plan(self):
        """Blows and how long they last. Of many, half or more are kills; one stop of a process in four
        is longer than the session of a member, each stop of a broker longer than that of a broker."""
        n = self.options.kills
        plan = [(kind, self.rng.uniform(BROKER_SESSION_S + 0.5, BROKER_SESSION_S + 2) if kind == "STOP broker"
                 else 0) for kind in self.strikes() for _ in range(max(1, n // 5 // len(self.strikes())))]
        plan += [("long stop", self.rng.uniform(SESSION_S + 0.5, SESSION_S + 2))
                 for _ in range(max(1, n // 10))]
        plan += [("stop", 0.1 * 60 ** self.rng.random()) for _ in range(3 * n // 10)]
        plan += [("kill", 0)] * (n - len(plan))
        self.rng.shuffle(plan)
        return collections.deque(plan[:n])

    def strikes(self):
        """What is hit besides processes, one blow in five, and by what function of seconds."""
        if self.options.brokers == 1:
            return {}
        return {"STOP broker": self.stop_broker, **{
            f"{how} broker": lambda _, how=how: self.strike_broker(how) for how in ("TERM", "KILL")}}

    def strike(self, kind, seconds):
        """One blow, and the time until the group gets on."""
        if kind in self.strikes():
            self.strikes()[kind](seconds)
            return
        pipeline = self.rng.choice(self.pipelines)
        stage = self.rng.randrange(len(pipeline.commands))
        # A pipeline that is being ended by its pipes is given time to start.
        if self.wait(60, lambda: len(pipeline.living()) == len(pipeline.commands)) is None:
            raise Failed(f"{pipeline.name} does not start")
        victim = pipeline.processes[stage]
        self.count(f"{kind} {pipeline.label(victim)}", pipeline.name)
        if kind == "kill":
            victim.kill()
        else:
            victim.send_signal(signal.SIGSTOP)
            self.wait(seconds)
            victim.send_signal(signal.SIGCONT)
        self.await_progress()

    def strike_broker(self, how):
        """It ends, and starts again when the others have got on without it."""
        node = str(self.rng.randrange(self.brokers.n) + 1)
        self.count(f"{how} broker", f"node-{node}")
        self.server(self.brokers, "kafka_node_stop", node, how)
        self.await_progress()
        self.server(self.brokers, "kafka_node_start", node)
        self.server(self.brokers, "kafka_wait", "in-sync")

    def stop_broker(self, seconds):
        """It comes back as a leader, perhaps, of what others lead by now."""
        node = self.rng.randrange(self.brokers.n) + 1
        pid = self.brokers.pid(node)
        self.count("STOP broker", f"node-{node}")
        os.kill(pid, signal.SIGSTOP)
        self.wait(seconds)
        os.kill(pid, signal.SIGCONT)
        self.await_progress()
        self.server(self.brokers, "kafka_wait", "in-sync")

    def count(self, blow, whose):
        self.blows[blow] += 1
        self.last_blow = f"{blow} of {whose}"

    def await_progress(self):
        """Until more is committed than was after the blow, or patience ends."""
        before, now = self.sum, time.monotonic()
        self.open.append((now, self.offsets))
        took = self.wait(PATIENCE_S, lambda: self.sum > before)
        self.times.append(PATIENCE_S if took is None else took)
        self.overdue += took is None

    def torment(self):
        spent = 0.0
        while self.plan:
            began = time.monotonic()
            self.wait(self.rng.uniform(0, 0.5))
            self.strike(*self.plan[0])
            _, seconds = self.plan.popleft()
            spent += time.monotonic() - began - seconds
            self.seconds_a_blow = spent / len(self.times)
            if self.options.verbose:
                print(time.strftime("%T"), f"{len(self.times):4} {self.last_blow:38}"
                      f" {self.times[-1]:6.2f} s to progress, {self.feed.given:6} records fed,"
                      f" {self.sum:6} committed", flush=True)

    def start_pipelines(self, commands):
        names = [f"pipeline-{i}" for i in range(len(commands))]
        self.pipelines = [Pipeline(name, argvs, os.path.join(self.folder, name + ".log"), not self.usual)
                          for name, argvs in zip(names, commands)]

    def end_pipelines(self):
        for p in self.pipelines:
            p.end()
        gone = lambda: not any(p.living() for p in self.pipelines)
        if self.wait(60, gone) is None:
            raise Failed("the pipelines do not end")
        for p in self.pipelines:
            if not self.usual and any(q.returncode for q in p.processes):
                raise Failed(f"{p.name} ended with {[name_of(q.returncode) for q in p.processes]}")

    def run(self):
        self.start_pipelines([self.commands(i) for i in range(2)])
        self.feed = self.start_feed()
        if self.wait(120, lambda: self.sum > 0) is None:
            raise Failed("the group does not start")
        self.torment()
        self.feed.finish()
        if self.wait(120, lambda: self.sum >= self.options.records) is None:
            raise Failed(f"only {self.sum} of {self.options.records} records are committed")
        self.end_pipelines()

    def close(self):
        for p in self.pipelines:
            for q in p.living():
                q.kill()
        self.follower.close()
        for node in range(1, self.brokers.n + 1) if self.options.keep else ():
            shutil.copy(os.path.join(self.folder, "kafka", f"node-{node}", "log"),
                        os.path.join(self.folder, f"broker-{node}.log"))
        self.brokers.stop()


def seconds_of(statistic, times):
    return round(statistic(times), 3) if times else "never"


def report(torture, seconds, found):
    options = torture.options
    blows = ", ".join(f"{n} × {name}" for name, n in sorted(torture.blows.items()))
    print(f"blows: {blows}")
    for p in torture.pipelines:
        ends = ", ".join(f"{n} × {name}" for name, n in sorted(p.statuses.items()))
        print(f"{p.name}: started {p.starts} times; ends: {ends}")
    result = {"recipe": "usual" if torture.usual else "exact", "seed": options.seed,
              "kills": sum(torture.blows.values()), "brokers": options.brokers,
              "kafka": options.kafka, "records": options.records, **found,
              "restarts": sum(p.starts - 1 for p in torture.pipelines),
              "progress_p50_s": seconds_of(statistics.median, torture.times),
              "progress_max_s": seconds_of(max, torture.times),
              "not_in_time": torture.overdue,
              "recovery_p50_s": seconds_of(statistics.median, torture.recoveries),
              "recovery_max_s": seconds_of(max, torture.recoveries),
              "seconds": round(seconds)}
    print(f"{result['kills']} blows:", ", ".join(f"{name} {n}" for name, n in found.items()),
          f"of {options.records}; to progress {result['progress_p50_s']} s (median),"
          f" {result['progress_max_s']} s (longest)")
    return result


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--kafka", default="3.9.2", metavar="VERSION")
    parser.add_argument("--keep", metavar="FOLDER", help="leave logs there")
    parser.add_argument("--verbose", action="store_true", help="a line for every blow")
    return parser


def main(scenario, options, judge):
    """Runs it, has judge(torture) say what was found, prints all, and exits: 0 if all found is 0."""
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    folder = options.keep or tempfile.mkdtemp(prefix="torture-")
    os.makedirs(folder, exist_ok=True)
    torture, began, bad = None, time.monotonic(), 1
    try:
        torture = scenario(options, folder)
        torture.run()
        found, more = judge(torture)
        result = {**report(torture, time.monotonic() - began, found), **more}
        bad = any(found.values())
    except (Failed, OSError) as failure:
        for p in torture.pipelines if torture else []:
            p.log.close()
            with open(p.log.name, encoding="utf-8", errors="replace") as log:
                print(f"{p.name}'s last words:", *log.readlines()[-15:], sep="\n  ")
        result = {"failed": str(failure)}
    finally:
        if torture:
            torture.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result), flush=True)
    sys.exit(int(bad))
