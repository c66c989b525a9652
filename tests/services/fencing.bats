#!/usr/bin/env bats
# Zombies: programs that were stopped while others took over, and what hinders them.

bats_require_minimum_version 1.5.0
load kafka
load pipeline

setup_file() {
	kafka_start
	cc -D_GNU_SOURCE -shared -fPIC -o "$BATS_FILE_TMPDIR/stop_at.so" \
		"$BATS_TEST_DIRNAME/preload/stop_at.c"
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

# stop_at FUNCTION:N COMMAND...: as a command of a pipeline, it stops before that call.
stop_at=(env "LD_PRELOAD=$BATS_FILE_TMPDIR/stop_at.so")

@test "consumer and producer stopped while others took over: the commit is refused, both end with 75" {
	topics
	pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' \
		"${stop_at[@]}" STOP_AT=rd_kafka_send_offsets_to_transaction:2 \
		kafka-produce -t "$out" --transactional-id "$group-a"
	eventually 20 stopped a.2
	signal STOP a.1
	pipe b kafka-consume "${session[@]}" -G "$group" "$in" '|' \
		kafka-produce -t "$out" --transactional-id "$group-b"
	committed "$numbers"
	signal CONT a.1 a.2
	ends a 20
	[[ $statuses = '75 75' ]]
	said 'Unknown member' a.2
	signal TERM b.1
	ends b 20
	[[ $statuses = '0 0' ]]
	exactly_once
}
