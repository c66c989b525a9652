#!/usr/bin/env bats
# How pipelines end: by signals, by deaths, by filters that do not fit, by brokers that are away.

bats_require_minimum_version 1.5.0
load kafka
load pipeline

setup_file() {
	kafka_start
	build_preload
	export MODEL=$BATS_FILE_TMPDIR/model
	for ((i = 0; i < 500; i++)); do
		echo "{\"temperature\":$((20 + i % 7)),\"pressure\":$((1000 + i * 7919 % 31))}"
	done | iforest-train --trees 10 -o "$MODEL"
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

# score NAME [FILTER...]: a pipeline from $in to $out, with anomaly-score or another filter in it.
score() {
	local name=$1 filter=("${@:2}")
	(($# > 1)) || filter=(anomaly-score -m "$MODEL")
	pipe "$name" kafka-consume "${session[@]}" -G "$group" "$in" '|' "${filter[@]}" '|' \
		kafka-produce -t "$out" --transactional-id "$group"
}

# under_way NAME: a pipeline that has begun, with much to do.
under_way() {
	topics "$1" 3 0
	score "$1"
	kafka_tool members "$group" 1
	feed 0 40000
	numbers=40000
	committed 1
}

# goes_on NAME: once all is read and committed, and some more, nothing is lost or doubled.
goes_on() {
	score "again-$1"
	feed "$numbers" $((numbers += 1000))
	committed "$numbers"
	signal TERM "again-$1.1"
	ends "again-$1" 20
	[[ $statuses = '0 0 0' ]]
	exactly_once
}

# struck SIGNAL STAGE... : ends within 4 s and goes on.
struck() {
	local name=${2%.*}
	under_way "$name"
	signal "$@"
	struck_at=$(now_ms)
	ends "$name" 4
	echo "after $(($(now_ms) - struck_at)) ms"
}

@test "SIGTERM to kafka-consume ends the pipeline within 2 s, all committed, all with 0" {
	under_way head
	signal TERM head.1
	struck_at=$(now_ms)
	ends head 2
	echo "after $(($(now_ms) - struck_at)) ms"
	[[ $statuses = '0 0 0' ]]
	# What it wrote is what is committed.
	[[ "sum $(read_out | wc -l)" = "$(kafka_tool committed "$group" | tail -n 1)" ]]
	goes_on head
}

@test "SIGTERM to anomaly-score: 75, the others follow, nothing is lost or doubled" {
	struck TERM filter.2
	[[ $statuses = '141 75 75' ]]
	goes_on filter
}

@test "SIGTERM to kafka-produce: 75, the others follow, nothing is lost or doubled" {
	struck TERM sink.3
	[[ $statuses = '141 141 75' ]]
	goes_on sink
}

@test "SIGTERM to all at once: all end with 0 within 4 s" {
	struck TERM all.1 all.2 all.3
	[[ $statuses = '0 0 0' ]]
	goes_on all
}

@test "SIGINT as from a terminal: all die of it" {
	# The last first: who sees the end of its input before the signal takes it for a death.
	struck INT keyboard.3 keyboard.2 keyboard.1
	# Who writes to one that is dead already dies of that.
	[[ $statuses =~ ^(130|141)' '(130|141)' 130'$ ]]
	goes_on keyboard
}

@test "SIGKILL to each: the others end by themselves" {
	struck KILL kill-1.1
	[[ $statuses = '137 75 75' ]]
	goes_on kill-1
	struck KILL kill-2.2
	[[ $statuses = '141 137 75' ]]
	goes_on kill-2
	struck KILL kill-3.3
	[[ $statuses = '141 141 137' ]]
	goes_on kill-3
}

@test "grep and jq in the middle, which let control records through: exactly once" {
	topics jq 3 40000
	score jq jq -c --unbuffered .
	committed "$numbers"
	signal TERM jq.1
	ends jq 20
	[[ $statuses = '0 0 0' ]]
	exactly_once
	# What grep drops is committed as well.
	names jq 40000
	group=grep out=grep-out
	kafka_topic "$out" 3
	score grep grep --line-buffered -e '"control"' -e '"n":[0-9]*7,'
	committed "$numbers"
	signal TERM grep.1
	ends grep 20
	[[ $statuses = '0 0 0' ]]
	[[ $(read_out | cut -d ' ' -f 2 | sort -n) = "$(seq 7 10 39999)" ]]
}

@test "a filter that drops control records: 78, nothing is committed and nothing is there" {
	topics none 3 10000
	score none grep -v --line-buffered '"control"'
	topics some 3 10000
	score some sed -u '/"seq":5,/d'
	ends some 20
	[[ $statuses = '141 141 78' ]]
	[[ "sum $(read_out | wc -l)" = "$(kafka_tool committed "$group" | tail -n 1)" ]]
	names none
	eventually 60 said 'no control record came with them' none.3
	# grep learns that its reader is gone when it has something to say.
	feed 10000 20000
	feed 20000 30000
	ends none 20
	[[ $statuses = '141 141 78' ]]
	[[ -z $(read_out) && $(kafka_tool committed "$group") = 'sum 0' ]]
}

@test "head as reader: kafka-consume ends quietly" {
	topics head-1 3 10000
	pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' head -n 1
	ends a 20
	[[ $statuses = '141 0' && ! -s a.1 ]]
	pipe b kafka-consume -t "$in" '|' head -n 1
	ends b 20
	[[ $statuses = '141 0' && ! -s b.1 && -s b.out ]]
}

# no_broker PROGRAM OPTION...: 69 soon after a --timeout of 1 s, and why.
no_broker() {
	local began
	began=$(now_ms)
	run --separate-stderr "$1" -b "127.0.0.1:$port" --timeout 1 "${@:2}" </dev/null
	echo "$1: $status after $(($(now_ms) - began)) ms: $stderr"
	((status == 69 && $(now_ms) - began < 10000)) # and not the usual 30 s
	[[ $stderr = "$1: no broker of '127.0.0.1:$port' answers within 1 s: "*refused* && -z $output ]]
}

@test "no broker at the start: 69 after --timeout, and why" {
	local port
	port=$(kafka_tool ports 1)
	no_broker kafka-consume -t topic
	no_broker kafka-consume -G group topic
	no_broker kafka-produce -t topic
	no_broker kafka-produce -t topic --transactional-id id
}

@test "librdkafka never comes back: kafka-produce ends with 75 all the same" {
	topics hangs 3 20000
	pipe hangs kafka-consume "${session[@]}" -G "$group" "$in" '|' \
		"${preload[@]}" HANG_AT=rd_kafka_send_offsets_to_transaction:2 \
		kafka-produce -t "$out" --transactional-id "$group" -X transaction.timeout.ms=2000
	ends hangs 20
	[[ $statuses = '141 75' ]]
	said 'cannot commit the offsets: brokers do not answer' hangs.2
	goes_on hangs
}

@test "the broker goes away and comes back: nothing is lost, nothing doubled" {
	local tried
	topics plain 3 0
	seq 0 99999 | sed 's/.*/{"n":&}/' >records
	pipe plain cat records '|' throttle 5000 '|' \
		kafka-produce -t "$out" --unsent unsent -X message.timeout.ms=2000
	pipe reader kafka-consume -t "$out" --no-provenance
	topics exact 3 100000
	pipe exact kafka-consume -G "$group" "$in" '|' throttle 5000 '|' kafka-produce -t "$out" \
		--transactional-id "$group" -X transaction.timeout.ms=4000 -X message.timeout.ms=2000
	committed 1000
	kafka_node_stop 1
	struck_at=$(now_ms)
	ends plain 20
	echo "after $(($(now_ms) - struck_at)) ms"
	[[ $statuses = *' 75' ]]
	[[ $(tail -n 1 plain.3) =~ ([0-9]+)' of '([0-9]+)' records not acknowledged'.*'kept by --unsent' ]]
	tried=${BASH_REMATCH[2]}
	((BASH_REMATCH[1] > 0 && BASH_REMATCH[1] == $(wc -l <unsent)))
	ends exact 30
	echo "after $(($(now_ms) - struck_at)) ms"
	# When the group's time-out is over, the consumer ends by itself.
	[[ $statuses =~ ^(141|75)' 141 75'$ ]]
	said 'all brokers are away' reader.1

	kafka_node_start 1
	kafka_wait
	names exact 100000
	score again throttle 1000000
	names plain "$tried"
	kafka-produce -t "$out" unsent
	eventually 60 said "\"n\":$((numbers - 1))}" reader.out
	eventually 60 said 'brokers are back' reader.1
	signal TERM reader.1
	ends reader 20
	[[ $statuses = 0 ]]
	# Some of what was not acknowledged may be there all the same.
	diff <(read_out | cut -d ' ' -f 2 | sort -nu) <(seq 0 $((numbers - 1)))
	diff <(read_out | cut -d ' ' -f 2 | sort -n) <(jq .n reader.out | sort -n)

	names exact 100000
	committed "$numbers"
	signal TERM again.1
	ends again 20
	[[ $statuses = '0 0 0' ]]
	exactly_once
}
