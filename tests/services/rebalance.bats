#!/usr/bin/env bats
# Pipelines that join and leave a group while there is much under way.

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
	kill_pipelines
}

# slow NAME [OPTION...]: a pipeline from $in to $out with a slow filter in it; the options are those of
# kafka-consume.
slow() {
	pipe "$1" kafka-consume "${session[@]}" -G "$group" "${@:2}" "$in" '|' throttle "$rate" '|' \
		kafka-produce -t "$out" --transactional-id "$group-$1"
}

@test "a second pipeline joins and leaves five times: nothing doubled, no restart, nothing in vain" {
	local rate=20000 round
	topics joined 6 0
	slow a
	kafka_tool members "$group" 1
	for round in 1 2 3 4 5; do
		numbers=$((round * 30000))
		feed $((numbers - 30000)) "$numbers"
		committed $((numbers - 28000))
		slow b
		kafka_tool members "$group" 2
		committed $((numbers - 15000))
		finish b
	done
	committed "$numbers"
	finish a
	[[ ! -s a.1 && ! -s a.3 ]]
	exactly_once
	echo "in vain: $(void)"
	(($(void) <= numbers / 1000))
}

@test "a consumer that slept, its pipe full: with --on-lost reset void, and read again by others" {
	local rate=5000
	topics slept 6 40000
	slow a --on-lost reset
	committed 1000
	signal STOP a.1
	slow b --instance b
	eventually 60 assigned b
	signal CONT a.1
	kafka_tool members "$group" 2
	committed "$numbers"
	finish a
	finish b
	said 'partitions are lost' a.1
	exactly_once
}

@test "a sink that slept while partitions went: its commit comes from another generation" {
	local rate=5000
	topics late 6 40000
	slow a --on-lost reset --drain-timeout 1
	committed 1000
	signal STOP a.3
	slow b
	eventually 60 said 'partitions are lost' a.1
	kafka_tool members "$group" 2
	signal CONT a.3
	committed "$numbers"
	finish a
	finish b
	said 'void' a.3
	exactly_once
}

@test "a sink that sleeps for longer than max.poll.interval.ms: its consumer stays in the group" {
	local rate=1000000 before until
	topics blocked 3 60000
	slow a -X max.poll.interval.ms=3000
	committed 1
	signal STOP a.3
	before=$(kafka_tool group "$group")
	until=$(($(now_ms) + 6000))
	while (($(now_ms) < until)); do
		[[ $(kafka_tool group "$group") = "$before" ]]
	done
	signal CONT a.3
	committed "$numbers"
	finish a
	exactly_once
}

@test "a slow filter: pipes full of records are committed before the transaction times out" {
	local rate=1000
	topics slow-filter 3 40000
	pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' throttle "$rate" '|' \
		kafka-produce -t "$out" --transactional-id "$group" -X transaction.timeout.ms=5000
	committed 4000
	[[ ! -s a.1 && ! -s a.3 ]]
}

rebalancing() {
	[[ $(kafka_tool group "$group") = PreparingRebalance* ]]
}

# passed COUNT TEXT: so many lines with it have passed between the stages of a.
passed() {
	(($(grep -cF "$2" lines) >= $1))
}

@test "a sink that dies while the group waits for its commits ends its pipeline" {
	topics died 6 1000
	pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' tee lines '|' \
		kafka-produce -t "$out" --transactional-id "$group-a" -X transaction.timeout.ms=2000
	committed 1000
	signal STOP a.3
	feed 1000 1100 # a pipe holds them
	eventually 60 passed 1100 '"n":'
	pipe b kafka-consume "${session[@]}" -G "$group" "$in" '|' cat '|' \
		kafka-produce -t "$out" --transactional-id "$group-b"
	eventually 60 rebalancing
	# One may be under way, one is the last that tells anything: more come while it waits.
	eventually 60 passed $(($(grep -cF '"mark"' lines) + 3)) '"mark"'
	signal KILL a.3
	ends a 20
	[[ $statuses = '141 141 137' ]]
	numbers=1100
	committed 1100
	finish b
	exactly_once
}
