#!/usr/bin/env bats
# The core again, with a server of the next major version: kills, zombies, members that come and go.
# kafka.bats has how to connect to it.

bats_require_minimum_version 1.5.0
load kafka
load pipeline

setup_file() {
	kafka_start 4.3.1
	build_preload
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

# in_vain: some records in $out are not committed.
in_vain() {
	(($(void) > 0))
}

@test "4.3.1: a producer killed in a transaction, a consumer killed: exactly once" {
	topics killed 3 500
	# So few, and no mark behind them.
	pipe a kafka-consume "${session[@]}" -G "$group" --mark-interval 30000 "$in" '|' \
		kafka-produce -t "$out" --transactional-id "$group-a" -X transaction.timeout.ms=60000
	eventually 60 in_vain
	signal KILL a.2
	ends a 20
	[[ $statuses = '141 137' ]]
	plain a
	feed 500 20000
	committed 20000
	signal KILL a.1
	ends a 20
	[[ $statuses = '137 75' ]]
	plain a
	numbers=21000
	feed 20000 "$numbers"
	committed "$numbers"
	finish a
	exactly_once
	in_vain
}

@test "4.3.1: a zombie's commit is refused: 75, or a new member with --on-lost reset" {
	local how
	for how in exit reset; do
		topics "$how"
		stopping a STOP_AT=rd_kafka_send_offsets_to_transaction:2 --on-lost "$how"
		signal STOP a.1
		plain b
		committed "$numbers"
		signal CONT a.1 a.2
		if [[ $how = exit ]]; then
			ends a 20
			[[ $statuses = '75 75' ]]
			said 'given our partitions to others' a.1
		else
			kafka_tool members "$group" 2
			said 'partitions are lost' a.1
			finish a
		fi
		finish b
		exactly_once
	done
}

@test "4.3.1: a second pipeline joins and leaves: nothing doubled, nothing in vain" {
	topics joined 6 0
	plain a
	kafka_tool members "$group" 1
	feed 0 20000
	committed 1000
	plain b
	kafka_tool members "$group" 2
	feed 20000 40000
	committed 40000
	finish b
	feed 40000 50000
	numbers=50000
	committed "$numbers"
	finish a
	[[ ! -s a.1 && ! -s a.2 ]]
	exactly_once
	(($(void) <= numbers / 1000))
}
