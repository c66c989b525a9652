#!/usr/bin/env bats
# What is read again after a restart, with a real server: replays whose end has no record, that others
# interrupt, and windows over all partitions. tests/cli/kafka-replay.bats has more.

bats_require_minimum_version 1.5.0
load kafka
load pipeline

setup_file() {
	kafka_start
}

teardown_file() {
	kafka_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[[ -z ${signal-} ]] || kill -CONT "$signal" || true # else no test behind a failed one has a server
	kill_pipelines
}

# needing: puts into each mark that all is needed again.
needing() {
	sed -u -E '/"control":"mark"/s/("from":[0-9]+,"to":[0-9]+)\}/\1,"state":{"replay_from":0}}/g'
}

# order FILE: prints how many records were replayed and how many not; fails if a new one stands before
# a replay.
order() {
	awk '/"control"/ { next } /"replay":true/ { bad += new > 0; old++; next } { new++ }
		END { print old + 0, new + 0; exit bad > 0 }' "$1"
}

# put PARTITION NUMBER...: into $in.
put() {
	printf '{"n":%s}\n' "${@:2}" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t "$in" -p "$1"
}

# once: all of $in from where it was, into $out; what passes is kept in `stream`.
once() {
	kafka-consume -G "$group" -e "$in" | tee stream | needing |
		kafka-produce -t "$out" --transactional-id "$out"
}

@test "replays whose last offsets have no record: markers, aborted ones, what comes behind" {
	topics "t$BATS_TEST_NUMBER" 3 0
	# Each partition ends with the marker of a transaction.
	for p in 0 1; do
		seq 0 99 | sed "s/.*/{\"n\":&}/" | kafka-produce -t "$in" -p "$p" --transactional-id "$in-$p"
	done
	once
	[[ $(order stream) = '0 200' ]]
	# Now partition 1 goes on behind it, partition 0 does not, partition 2 is new.
	put 1 100 101
	put 2 102 103 104
	once
	[[ $(order stream) = '200 5' ]]
	once
	[[ $(order stream) = '205 0' ]]
}

@test "a replay up to a transaction that is open" {
	topics "t$BATS_TEST_NUMBER" 2 0
	put 0 0 1 2
	put 1 3 4 5
	once
	mkfifo open
	kafka-produce -t "$in" -p 0 --transactional-id "$in-open" --commit-interval 20s -X transaction.timeout.ms=60000 \
		-X linger.ms=0 <open 2>produce.1 3>&- &
	exec 5>open
	seq 6 1000 | sed 's/.*/{"n":&}/' >&5
	eventually 10 bash -c "((\$(kcat -b $KAFKA_BOOTSTRAP_SERVERS -X isolation.level=read_uncommitted -C -e -q -t $in -p 0 | wc -l) > 3))"
	put 1 1001 1002
	once
	[[ $(order stream) = '6 2' ]]
	exec 5>&-
	wait $!
	once
	[[ $(order stream) = '8 995' ]]
}

@test "a replay that does not come further is named, and others wait for it" {
	topics "t$BATS_TEST_NUMBER" 2 0
	seq 0 99999 | sed 's/.*/{"n":&}/' | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t "$in" -p 0
	once
	put 1 100000
	mkfifo data
	kafka-consume -G "$group" -X session.timeout.ms=60000 -X queued.min.messages=1 -X fetch.message.max.bytes=20000 "$in" >data 2>a.1 3>&- &
	exec 5<data
	# Partition 1 has been fetched by then.
	for ((i = 0; i < 2000; i++)); do
		read -r line <&5
		printf '%s\n' "$line"
	done >got
	signal=$(kafka_pid 1)
	kill -STOP "$signal"
	cat <&5 >>got 3>&- &
	eventually 30 said "kafka-consume: new records wait for a replay: topic '$in', partition 0 is at offset " a.1
	run ! grep -q '"n":100000' got
	kill -CONT "$signal"
	eventually 30 grep -q '"n":100000' got
	[[ $(order got) = '100000 1' ]]
	exec 5<&-
}

@test "members that come and go while there is a replay: nothing lost, doubled or out of order" {
	local round
	topics "t$BATS_TEST_NUMBER" 4 20000
	member() {
		pipe "$1" kafka-consume "${session[@]}" -G "$group" "$in" '|' tee "stream.$1" '|' \
			sed -u -E '/"control":"mark"/s/("from":[0-9]+,"to":[0-9]+)\}/\1,"state":{"replay_from":0}}/g' '|' \
			throttle 40000 '|' kafka-produce -t "$out" --transactional-id "$group-$1"
	}
	member a
	committed 20000
	for round in 1 2; do
		member b
		kafka_tool members "$group" 2
		feed "$numbers" $((numbers + 3000))
		numbers=$((numbers + 3000))
		eventually 10 grep -q '"replay":true' stream.b
		signal TERM b.1
		ends b 20
	done
	committed "$numbers"
	signal TERM a.1
	ends a 20
	exactly_once
	# In each assignment.
	for round in a b; do
		awk '/"control":"assign"/ { new = 0; next } /"control"/ { next }
			/"replay":true/ { replayed++; if (new) exit bad = 1; next } { new++ }
			END { exit bad || !replayed }' "stream.$round"
	done
}

@test "windows over all partitions: killed and restarted, as if nothing had happened" {
	local how
	kafka_topic windows 2
	# times PARTITION COUNT SECONDS
	times() {
		seq "$2" | sed "s/.*/{\"timestamp\":$3}/" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t windows -p "$1"
	}
	windows() {
		pipe "$how" kafka-consume "${session[@]}" -G "$how" windows '|' window-agg --single --window 30s --agg count '|' \
			kafka-produce -t "$how" --transactional-id "$how"
	}
	# In time because the other partition is far behind.
	times 0 200000 100
	times 0 10 20
	times 1 20 10
	for how in through restart; do
		kafka_topic "$how"
		group=$how
		windows
		committed 200030
	done
	signal KILL restart.2
	ends restart 10
	times 1 2000 110
	windows
	for how in through restart; do
		group=$how committed 202030
		signal TERM "$how.1"
		ends "$how" 10
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -e -q -t "$how" -X isolation.level=read_committed >"rows.$how"
	done
	diff rows.through - <<<'{"window_start":"1970-01-01T00:00:00.000Z","window_end":"1970-01-01T00:00:30.000Z","count":30}'
	cmp rows.through rows.restart
}
