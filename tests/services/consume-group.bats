#!/usr/bin/env bats
# kafka-consume as a member of a group, with a real server: what others do meanwhile.

bats_require_minimum_version 1.5.0
load kafka
load pipeline

setup_file() {
	kafka_start
	build_preload
}

teardown_file() {
	kafka_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	declare -gA pid=()
}

teardown() {
	kill_pipelines
}

@test "--commit-on-write --on-lost reset: what was read of lost partitions takes no offset back" {
	topics "t$BATS_TEST_NUMBER" 1 60000
	# About to commit it has no time, for longer than the group waits. Then it could commit as nobody,
	# which a group without members takes.
	pipe a "${preload[@]}" HANG_AT=rd_kafka_consumer_group_metadata:2 HANG_UNTIL=go kafka-consume \
		"${session[@]}" -X max.poll.interval.ms=3000 \
		-G "$group" --commit-on-write --on-lost reset "$in"
	kafka_tool members "$group" 1
	kafka_tool -t 30 members "$group" 0
	kafka-consume -G "$group" --commit-on-write -c 50000 "$in" >b.out
	committed 50000
	kafka_tool follow "$group" 2 >sums 3>&- &
	pid[follow.1]=$!
	touch go
	committed 60000
	signal TERM a.1
	ends a 10
	[[ $statuses = 0 ]]
	said "partitions are lost" a.1
	awk '$1 != "-" && $1 < last { print last " to " $1; exit 1 } { last = $1 }' sums
}

@test "-o end: where partitions begin is kept before anything is read" {
	topics "t$BATS_TEST_NUMBER" 2 1000
	pipe a kafka-consume "${session[@]}" -G "$group" -o end "$in" '|' cat
	eventually 20 grep -q '"partition":1' a.out
	committed 1000
	signal KILL a.1
	feed 1000 1010
	kafka-consume "${session[@]}" -G "$group" -o end -e --commit-on-write "$in" >got
	grep -o '^{"n":[0-9]*' got | cut -d : -f 2 | sort -n | cmp - <(seq 1000 1009)
	# Members that come later leave it be.
	pipe b kafka-consume "${session[@]}" -G "$group" --commit-on-write "$in"
	kafka_tool members "$group" 1
	kafka-consume "${session[@]}" -G "$group" -o end -e --commit-on-write "$in" >got
	[[ ! -s got && $(kafka_tool committed "$group" | sed -n 's/^sum //p') = 1010 ]]
	signal TERM b.1
	ends b 10
	[[ $statuses = 0 ]]
}

@test "at the end, too, a reader may block for longer than max.poll.interval.ms" {
	topics "t$BATS_TEST_NUMBER" 1 40000
	pipe a kafka-consume "${session[@]}" -X max.poll.interval.ms=3000 -G "$group" -c 20000 "$in" '|' \
		bash -c 'timeout 7 tail -f /dev/null; cat' '|' \
		kafka-produce -t "$out" --transactional-id "$out"
	ends a 30
	[[ $statuses = "0 0 0" ]]
	committed 20000
}

@test "a pattern leaves out what is Kafka's own" {
	topics "t$BATS_TEST_NUMBER" 1 10
	kafka-consume -G "$group" -e --commit-on-write '^.*' >got
	kafka-consume -e -t '^.*' >all
	kafka-consume -e -t '^.*' -o end -G "$group-end" --commit-on-write >none
	[[ ! -s none ]]
	grep -qF "\"topic\":\"$in\"" got
	grep -qF "\"topic\":\"$in\"" all
	run ! grep -q '"topic":"__' got all
	run --separate-stderr -65 kafka-consume -e -t __consumer_offsets
}

@test "a topic is deleted under a member that reads others: 78 if it was named, 75 by a pattern" {
	local t=t$BATS_TEST_NUMBER
	for name in "$t-a" "$t-b"; do
		kafka_topic "$name"
		kafka_tool produce "$name" 0 10 1
	done
	pipe a kafka-consume "${session[@]}" -G "$t-1" --commit-on-write "$t-a" "$t-b"
	pipe b kafka-consume "${session[@]}" -G "$t-2" --commit-on-write "^$t-"
	kafka_tool reach "$t-1" 20
	kafka_tool reach "$t-2" 20
	# The other one has something new all the time.
	while kafka_tool produce "$t-a" 0 10 1; do read -rt 0.1 <><(:) || true; done 3>&- &
	pid[feeder]=$!
	kafka_tool delete-topic "$t-b"
	ends a 20
	[[ $statuses = 78 ]]
	said "topic '$t-b'" a.1
	ends b 10
	[[ $statuses = 75 ]]
	said "topic '$t-b' has been deleted" b.1
	kafka-consume -G "$t-2" -c 1 --commit-on-write "^$t-" | grep -qF "\"topic\":\"$t-a\""
	kill -KILL "${pid[feeder]}"
	unset "pid[feeder]"
}

@test "an assignment that never returns, as one may that comes too late, does not keep it from ending" {
	topics "t$BATS_TEST_NUMBER" 1 100
	# The second one is when it leaves.
	timeout -k 1 30 "${preload[@]}" HANG_AT=rd_kafka_assign:2 kafka-consume -G "$group" --commit-on-write \
		-e "$in" >out
	[[ $(wc -l <out) = 100 ]]
	committed 100
}
