#!/usr/bin/env bats
# Zombies: programs that were stopped while others took over, and what hinders them.

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
	send=STOP_AT=rd_kafka_send_offsets_to_transaction commit=STOP_AT=rd_kafka_commit_transaction
}

teardown() {
	kill_pipelines
}

@test "consumer and producer stopped, others took over: the commit is refused, both end with 75" {
	topics both
	stopping a "$send:2"
	signal STOP a.1
	plain b
	committed "$numbers"
	signal CONT a.1 a.2
	ends a 20
	[[ $statuses = '75 75' ]]
	said 'Unknown member' a.2
	said 'given our partitions to others' a.1
	finish b
	exactly_once
}

@test "the same with --on-lost reset: they go on as a new member" {
	topics reset
	stopping a "$send:2" --on-lost reset
	signal STOP a.1
	plain b
	committed "$numbers"
	signal CONT a.1 a.2
	kafka_tool members "$group" 2
	said 'Unknown member' a.2
	said 'partitions are lost' a.1
	finish b
	feed "$numbers" 12000
	numbers=12000
	committed "$numbers"
	finish a
	exactly_once
}

@test "stopped behind its offsets: the successor waits for the commit, and starts behind it" {
	topics behind
	stopping a "$commit:2"
	signal STOP a.1
	pipe b kafka-consume "${session[@]}" -G "$group" --instance b "$in" '|' tee seen '|' \
		kafka-produce -t "$out" --transactional-id "$group-b"
	eventually 60 assigned b
	[[ ! -s seen ]]
	signal CONT a.2
	committed "$numbers"
	jq -se 'map(._kafka | select(.control == "assign") | .processed) | max > 0' seen
	# No mark may be one that nobody would fence.
	jq -se 'map(._kafka | select(.control == "mark")) | all(.generation >= 0 and .member != "")' seen
	signal CONT a.1
	ends a 20
	[[ $statuses = '75 75' ]]
	finish b
	exactly_once
}

@test "isolation.level=read_uncommitted is refused in a group: it would not wait for that commit" {
	run kafka-consume -G group -X isolation.level=read_uncommitted topic
	((status == 64))
	[[ $output = *'isolation.level'*'must be waited for'* ]]
}

@test "marks of another generation or member: refused, void, and 75 when no reset comes for 10 s" {
	local row edits=('s/"generation":[0-9]+/"generation":77/' 's/"member":"[^"]*"/"member":"some"/')
	# The last row's first transaction has nothing in it.
	edits=("0,/\"mark\"/!${edits[0]}" "0,/\"mark\"/!${edits[1]}" "${edits[1]}")
	for row in 0 1 2; do
		topics "row$row"
		pipe "$row" kafka-consume -G "$group" "$in" '|' \
			sed -u -E "${edits[row]}" '|' \
			kafka-produce -t "$out" --transactional-id "$group"
	done
	for row in 0 1 2; do
		names "row$row"
		ends "$row" 30
		[[ $statuses = '141 141 75' ]]
		said "no 'reset' came within 10 s" "$row.3"
		[[ -z $(read_out) ]]
		plain "again-$row"
	done
	for row in 0 1 2; do
		names "row$row"
		committed "$numbers"
		finish "again-$row"
		exactly_once
	done
	said 'generation' 0.3
	said 'Unknown member' 1.3
}

@test "a mark without a member, or without a generation: 78, nothing is committed" {
	names nobody
	kafka_topic "$out"
	for member in '-1,"member":""' '-1,"member":"m"' '3,"member":""'; do
		cat >marked <<-LINES
			{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":0,"epoch":null,"state":null}}
			{"n":1,"_kafka":{"topic":"t","partition":0,"offset":0}}
			{"_kafka":{"control":"mark","seq":1,"session":"s","group":"g","generation":$member,"instance":null,"ranges":[{"topic":"t","partition":0,"from":0,"to":1}]}}
			{"_kafka":{"control":"end","seq":2,"session":"s"}}
		LINES
		run --separate-stderr kafka-produce -t "$out" --transactional-id nobody marked
		echo "$member: $status: $stderr"
		((status == 78))
	done
	[[ -z $(read_out) ]]
}

@test "a producer asleep past transaction.timeout.ms: fenced, 75" {
	local n
	for n in 1 2; do
		topics "asleep-$n" 1
		pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' \
			"${preload[@]}" "$commit:$n" kafka-produce -t "$out" --transactional-id "$group" \
			-X transaction.timeout.ms=2000
		eventually 60 stopped a.2
		signal STOP a.1
		# It can only begin when the broker has aborted that transaction.
		plain b
		committed "$numbers"
		signal CONT a.1 a.2
		ends a 20
		[[ $statuses = *' 75' ]]
		# The first has offsets alone; of the second, what had not left it before has timed out.
		said 'longer than transaction.timeout.ms' a.2 || { ((n == 2)) && said 'timed out on' a.2; }
		finish b
		exactly_once
	done
}

@test "a second producer of the same transactional id: the first is fenced, 75" {
	topics second
	plain a
	committed "$numbers"
	echo '{"n":0}' >record
	kafka_topic other
	kafka-produce -t other --transactional-id "$group-a" record
	feed "$numbers" 12000
	ends a 20
	[[ $statuses = *' 75' ]]
	said 'longer than transaction.timeout.ms' a.2
	numbers=12000
	plain a
	committed "$numbers"
	finish a
	exactly_once
}

@test "--instance: the old member's mark is refused, and the new one waits for no time-out" {
	topics static
	session=(-X session.timeout.ms=60000)
	stopping a "$send:2" --instance slot
	signal KILL a.1
	plain b --instance slot
	committed "$numbers"
	signal CONT a.2
	ends a 20
	[[ $statuses = '137 75' ]]
	finish b
	exactly_once
}

@test "SIGTERM right behind the beginning of a transaction: 75, and nothing came of it" {
	names begun 1
	kafka_topic "$out"
	cat >lines <<-LINES
		{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":0,"epoch":null,"state":null}}
		{"n":0,"_kafka":{"topic":"t","partition":0,"offset":0}}
	LINES
	pipe a tail -f lines '|' "${preload[@]}" STOP_AT=rd_kafka_produce_batch:1 \
		kafka-produce -t "$out" --transactional-id "$group"
	eventually 60 stopped a.2
	signal TERM a.2
	signal CONT a.2
	ends a 20
	[[ $statuses = *' 75' ]]
	[[ -z $(read_out) ]]
	echo '{"n":0}' | kafka-produce -t "$out" --transactional-id "$group"
	exactly_once
}
