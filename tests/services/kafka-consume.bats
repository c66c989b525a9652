#!/usr/bin/env bats
# kafka-consume with a real server: what a sandbox cannot show. Fencing, rebalances and shutdowns of
# whole pipelines have files of their own.

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
	declare -gA pid=()
}

teardown() {
	kill_pipelines
}

# numbers_of FILE: the numbers of its records, sorted.
numbers_of() {
	grep -o '^{"n":[0-9]*' "$1" | cut -d : -f 2 | sort -n
}

# contiguous FILE COUNT: so many records, in each partition with offsets from 0, none twice, none left out.
contiguous() {
	grep -v '"control"' "$1" | sed -E 's/.*"partition":([0-9]+),"offset":([0-9]+).*/\1 \2/' |
		awk -v count="$2" '
			$2 != due[$1]++ { print "partition " $1 ": " $2; bad++ }
			END { print NR, "records"; exit bad || NR != count }'
}

kafka_tool_committed() {
	kafka_tool committed "$1" | sed -n 's/^sum //p'
}

# A store of offsets as a database would be: a file a partition with offset, epoch and state. Claiming
# raises the epoch.
make_store() {
	mkdir -p store
	cat >store.jq <<-'JQ'
		.partitions as $p | .operation as $op |
		{partitions: [$p[] | . as $x |
			($stored[0][.topic + "-" + (.partition | tostring)] // {offset: null, epoch: 0, state: null}) |
			{topic: $x.topic, partition: $x.partition, offset, epoch: (.epoch + (if $op == "claim" then 1 else 0 end)), state}]}
	JQ
	cat >store.sh <<-'SH'
		tee -a questions | jq -c --slurpfile stored stored.json -f store.jq
	SH
}

@test "small messages of 100 partitions take little memory" {
	kafka_topic many 100
	kafka_tool produce many 0 1500000 200
	python3 -c '
import resource, subprocess
with open("got", "w") as got:
    subprocess.run(["kafka-consume", "-t", "many", "-e", "--no-provenance"], stdout=got, check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak, "KiB")
assert peak < 100 << 10'
	[[ $(wc -l <got) -eq 1500000 ]]
}

@test "aborted and control offsets at the end are marked, and -e sees the end behind them" {
	topics "t$BATS_TEST_NUMBER" 2 1000
	kafka-consume -G "$group" -e "$in" |
		kafka-produce -t "$out" --transactional-id "$out"
	next=$(kafka_tool offsets "$out" | awk '{ n += $3 } END { print n }')
	((next > 1000)) # with the markers of transactions
	kafka_topic "$out-2" 2
	kafka-consume -G "$group-2" -e "$out" |
		kafka-produce -t "$out-2" --transactional-id "$out-2"
	[[ $(kafka_tool_committed "$group-2") = "$next" ]]
	kafka-consume -t "$out-2" -e >got
	numbers_of got | cmp - <(seq 0 999)
}

@test "a run that finds nothing new: all its marks name all partitions" {
	topics "t$BATS_TEST_NUMBER" 2 100
	for _ in 1 2; do
		kafka-consume -G "$group" -e "$in" | tee stream |
			kafka-produce -t "$out" --transactional-id "$out"
	done
	grep -c '"control":"end"' stream
	[[ $(grep -c '"n":' stream) -eq 0 ]]
	[[ $(jq -c 'select(._kafka.control == "mark") | [._kafka.ranges[] | .to - .from]' stream | sort -u) = '[0,0]' ]]
}

@test "a reader that blocks for longer than max.poll.interval.ms: still a member, nothing skipped" {
	topics "t$BATS_TEST_NUMBER" 3 60000
	mkfifo data
	kafka-consume "${session[@]}" -X max.poll.interval.ms=3000 -G "$group" "$in" >data 2>a.1 3>&- &
	pid[a.1]=$!
	exec 5<data
	head -c 100000 <&5 >got
	timeout 6 tail -f /dev/null || true # so long it blocks
	kafka_tool members "$group" 1
	# The stream goes on behind what head has read.
	timeout 60 grep -m 1 -F '"n":59999' <&5 >/dev/null
	exec 5<&-
	ends a 20
	[[ $statuses = 141 && ! -s a.1 ]]
}

@test "contiguous offsets through a reader that stops now and then" {
	topics "t$BATS_TEST_NUMBER" 3 60000
	kafka-consume -G "$group" -e --drain-timeout 1 "$in" 2>words | python3 -c '
import sys, time
while chunk := sys.stdin.buffer.read1(4 << 20):
    sys.stdout.buffer.write(chunk)
    if chunk.find(b"\"n\":2000") >= 0 or chunk.find(b"\"n\":4000") >= 0:
        time.sleep(2)' >got || ended=${PIPESTATUS[*]}
	[[ $ended = '75 0' ]] # nobody commits
	contiguous got 60000
	numbers_of got | cmp - <(seq 0 59999)
}

@test "what retention took: 66, with what there is and how to go on" {
	topics "t$BATS_TEST_NUMBER" 1 1000
	kafka-consume -G "$group" -c 100 --commit-on-write "$in" >/dev/null
	[[ $(kafka_tool_committed "$group") = 100 ]]
	kafka_tool delete-records "$in" 0 500
	run --separate-stderr -66 kafka-consume -G "$group" -e "$in"
	[[ $stderr = "kafka-consume: topic '$in', partition 0: cannot read on at offset 100 of 500 to 1000: offsets from 100 to 499 are gone by retention; "*"--reset-offsets"* ]]
	# In the middle, too: while the reader had no time.
	feed 1000 40000
	mkfifo data
	kafka-consume -t "$in" -X fetch.message.max.bytes=2000 -X queued.min.messages=1 >data 2>a.1 3>&- &
	pid[a.1]=$!
	exec 5<data
	read -r _ <&5
	kafka_tool delete-records "$in" 0 39000
	cat <&5 >/dev/null
	exec 5<&-
	ends a 20
	[[ $statuses = 66 ]]
	grep -qE "cannot read on at offset [0-9]+ of 39000 to 40000: offsets from [0-9]+ to 38999 are gone by retention" a.1
	run --separate-stderr -66 kafka-consume -t "$in" -o 10
	[[ $stderr = *"cannot read on at offset 10 of 39000 to 40000: offsets from 10 to 38999 are gone by retention; choose another by '--from-offset'" ]]
}

@test "a topic that was made anew, whose old offsets a database has: 66" {
	topics "t$BATS_TEST_NUMBER" 1 10
	make_store
	echo "{\"$in-0\":{\"offset\":1000,\"epoch\":3,\"state\":null}}" >stored.json
	run --separate-stderr -66 kafka-consume -G "$group" --offsets-from 'sh store.sh' "$in"
	[[ $stderr = *"cannot read on at offset 1000 of 0 to 10: the topic was made anew"* ]]
}

@test "where partitions begin" {
	topics "t$BATS_TEST_NUMBER" 1 0
	for n in 1 2 3; do
		echo "{\"n\":$n}" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t "$in"
	done
	time=$(kafka-consume -t "$in" -e -o 1 -c 1 | jq -r ._kafka.timestamp)
	first() { kafka-consume -t "$in" -e "$@" | sed -n 's/^{"n":\([0-9]*\).*/\1/p' | tr '\n' ' '; }
	[[ $(first) = "1 2 3 " ]]
	[[ $(first -o beginning) = "1 2 3 " ]]
	[[ $(first -o end) = "" ]]
	[[ $(first -o 1) = "2 3 " ]]
	[[ $(first -o -1) = "3 " ]]
	[[ $(first -o -9) = "1 2 3 " ]]
	[[ $(first -o "s@$time") = "2 3 " ]]
	[[ $(first -o "s@2030-01-01T00:00:00Z") = "" ]]
	[[ $(first --from-offset s@0) = "1 2 3 " ]]
	# In a group only where nothing is stored.
	kafka-consume -G "$group" -o 1 -c 1 --commit-on-write "$in" >got
	grep -q '"n":2' got
	kafka-consume -G "$group" -o beginning -e --commit-on-write "$in" >got
	[[ $(wc -l <got) -eq 1 ]]
	grep -q '"n":3' got
	run --separate-stderr -66 kafka-consume -G "$group-new" -o stored -e "$in"
	[[ $stderr = *"no offset is stored"* ]]
}

@test "a partition that was added begins at its beginning, whatever --from-offset says" {
	get() { kafka-consume -G added --commit-on-write --no-provenance -o end -e added; }
	kafka_topic added 1
	kafka_tool produce added 0 5 1
	[[ -z $(get) ]]
	kafka_tool add-partitions added 2
	printf '%s\n' '{"n":5}' '{"n":6}' | kafka-produce -t added -p 1
	[[ $(get) = '{"n":5}'$'\n''{"n":6}' ]]
	[[ -z $(get) ]]
}

@test "the first mark has where each partition begins, so that 'end' loses nothing that comes later" {
	topics "t$BATS_TEST_NUMBER" 2 10
	kafka-consume -G "$group" -o end -e "$in" |
		kafka-produce -t "$out" --transactional-id "$out"
	[[ $(kafka_tool_committed "$group") = 10 ]]
	feed 10 20
	kafka-consume -G "$group" -o end -e --commit-on-write "$in" >got
	numbers_of got | cmp - <(seq 10 19)
}

@test "--commit-on-write commits what is written, and no more" {
	topics "t$BATS_TEST_NUMBER" 1 1000
	mkfifo data
	kafka-consume -G "$group" --commit-on-write "$in" >data 2>a.1 3>&- &
	pid[a.1]=$!
	exec 5<data
	committed 1000
	feed 1000 40000 # more than a pipe and the buffers before it take
	committed 1001
	signal KILL a.1
	cat <&5 >got
	exec 5<&-
	ends a 20
	whole=$(grep -c '}$' got)
	n=$(kafka_tool_committed "$group")
	echo "$whole lines, $n committed"
	((n <= whole && whole < 40000))
	run ! grep -q '"control"' got
	head -n "$whole" got >whole-lines
	contiguous whole-lines "$whole"
}

@test "--commit-on-write: partitions go to a second member and nothing comes twice" {
	topics "t$BATS_TEST_NUMBER" 4 0
	pipe a kafka-consume "${session[@]}" -G "$group" --commit-on-write "$in"
	kafka_tool members "$group" 1
	feed 0 5000
	committed 5000
	pipe b kafka-consume "${session[@]}" -G "$group" --commit-on-write "$in"
	kafka_tool members "$group" 2
	feed 5000 10000
	committed 10000
	signal TERM b.1
	ends b 20
	kafka_tool members "$group" 1
	feed 10000 15000
	committed 15000
	signal TERM a.1
	ends a 20
	cat a.out b.out >got
	numbers_of got | cmp - <(seq 0 14999)
	[[ -s b.out ]]
}

@test "SIGTERM: marks, 'end', committed, left" {
	topics "t$BATS_TEST_NUMBER" 2 1000
	pipe a kafka-consume -G "$group" "$in" '|' \
		kafka-produce -t "$out" --transactional-id "$out"
	committed 1000
	signal TERM a.1
	ends a 2
	[[ $statuses = "0 0" ]]
	kafka_tool members "$group" 0
}

@test "SIGTERM with a reader that will not commit: 75, and why" {
	topics "t$BATS_TEST_NUMBER" 1 10
	pipe a kafka-consume -G "$group" "$in" '|' cat
	eventually 60 grep -q '"n":9' a.out
	signal TERM a.1
	ends a 20
	[[ $statuses = "75 0" ]]
	said "not all of it was committed" a.1
	tail -n 1 a.out | grep -q '"control":"end"'
}

@test "SIGINT: what was read is written, no 'end', and it dies of it" {
	topics "t$BATS_TEST_NUMBER" 1 10
	pipe a kafka-consume -G "$group" "$in" '|' cat
	eventually 60 grep -q '"n":9' a.out
	signal INT a.1
	ends a 20
	[[ $statuses = "130 0" ]]
	run ! grep -q '"control":"end"' a.out
	kafka_tool members "$group" 0
}

@test "a reader that is gone is noticed when nothing comes, too, and the group is left" {
	topics "t$BATS_TEST_NUMBER" 1 0
	mkfifo data
	kafka-consume -G "$group" "$in" >data 2>a.1 3>&- &
	pid[a.1]=$!
	exec 5<data
	read -r _ <&5
	kafka_tool members "$group" 1
	exec 5<&-
	ends a 20
	[[ $statuses = 141 && ! -s a.1 ]]
	kafka_tool -t 20 members "$group" 0 # before its session is over
}

@test "partitions are lost: 75, or with --on-lost reset told to the sink, and read again" {
	topics "t$BATS_TEST_NUMBER" 1 100
	pipe a kafka-consume "${session[@]}" -G "$group" "$in" '|' cat
	pipe b kafka-consume "${session[@]}" -G "$group-2" --on-lost reset "$in" '|' cat
	eventually 60 grep -q '"n":99' a.out
	eventually 60 grep -q '"n":99' b.out
	signal STOP a.1 b.1
	kafka_tool members "$group" 0
	kafka_tool members "$group-2" 0
	signal CONT a.1 b.1
	ends a 20
	[[ $statuses = "75 0" ]]
	said "has given our partitions to others" a.1
	run ! grep -q '"control":"end"' a.out
	eventually 60 bash -c '[[ $(grep -c "\"n\":99" b.out) -eq 2 ]]'
	said "partitions are lost" b.1
	sed -E 's/.*"control":"([a-z]+)".*/\1/; s/^\{"n".*/record/' b.out | uniq >kinds
	tr '\n' ' ' <kinds | grep -qE '^assign mark record (mark )?reset assign mark record '
	grep '"control":"reset"' b.out | jq -e --arg t "$in" '._kafka.partitions == [{topic: $t, partition: 0}]'
}

@test "nobody commits before partitions go: 75 when the drain timeout is over" {
	topics "t$BATS_TEST_NUMBER" 2 100
	pipe a kafka-consume "${session[@]}" -G "$group" --drain-timeout 1 "$in" '|' cat
	eventually 60 grep -q '"n":99' a.out
	pipe b kafka-consume "${session[@]}" -G "$group" --commit-on-write "$in"
	ends a 20
	[[ $statuses = "75 0" ]]
	said "not committed in time" a.1
	committed 100
	signal TERM b.1
	ends b 20
	contiguous b.out 100
}

@test "--offsets-from: offsets, epoch and state of a store that is not the group's" {
	topics "t$BATS_TEST_NUMBER" 2 0
	for ((i = 0; i < 20; i++)); do
		echo "{\"n\":$i}" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t "$in" -p $((i % 2))
	done
	make_store
	echo "{\"$in-0\":{\"offset\":5,\"epoch\":3,\"state\":{\"replay_from\":2,\"w\":1.5}}}" >stored.json
	kafka-consume -G "$group" --offsets-from 'sh store.sh' --drain-timeout 20 "$in" >got 2>a.1 3>&- &
	# shellcheck disable=SC2034
	pid[a.1]=$!
	eventually 60 grep -q '"n":19,' got
	# It waits for the store to say that all is there.
	signal TERM a.1
	eventually 60 grep -q '"control":"end"' got
	echo "{\"$in-0\":{\"offset\":10,\"epoch\":4,\"state\":null},\"$in-1\":{\"offset\":10,\"epoch\":1,\"state\":null}}" >new
	mv new stored.json
	ends a 20
	[[ $statuses = 0 ]]
	head -n 1 questions | jq -e --arg t "$in" --arg g "$group" \
		'. == {operation: "claim", group: $g, partitions: [{topic: $t, partition: 0}, {topic: $t, partition: 1}]}'
	[[ $(tail -n +2 questions | jq -r .operation | sort -u) = read ]]
	grep '"control":"assign"' got | sed 's/.*"partition"://' | diff - <(
		echo '0,"replay_from":2,"processed":5,"epoch":4,"state":{"replay_from":2,"w":1.5}}}'
		echo '1,"replay_from":0,"processed":0,"epoch":1,"state":null}}'
	)
	# Replayed records are named, and in no mark.
	[[ $(grep '"replay":true' got | sed 's/{"n":\([0-9]*\).*/\1/' | tr '\n' ' ') = "4 6 8 " ]]
	grep '"control":"mark"' got | jq -c '._kafka.ranges[] | select(.partition == 0) | [.from, .to]' |
		jq -se '.[0] == [5, 5] and .[-1][1] == 10 and ([.[0][0]] + map(.[1]))[:-1] == map(.[0])'
	[[ $(kafka_tool_committed "$group") = 0 ]]
}

@test "--offsets-from: a command that fails, and one whose answer is wrong" {
	topics "t$BATS_TEST_NUMBER" 1 10
	for status in 64 66 69 73 78; do
		run --separate-stderr "-$status" kafka-consume -G "$group" --offsets-from "exit $status" "$in"
		[[ $stderr = "kafka-consume: command of '--offsets-from': it ended with status $status" ]]
	done
	run --separate-stderr -75 kafka-consume -G "$group" --offsets-from 'exit 3' "$in"
	run --separate-stderr -75 kafka-consume -G "$group" --offsets-from 'kill -9 $$' "$in"
	[[ $stderr = *"it died of signal 9" ]]
	run --separate-stderr -78 kafka-consume -G "$group" --offsets-from 'cat' "$in"
	[[ $stderr = *"its answer is wrong: a partition has no 'offset'" ]]
	run --separate-stderr -78 kafka-consume -G "$group" --offsets-from 'echo "{}"' "$in"
	run --separate-stderr -78 kafka-consume -G "$group" --offsets-from true "$in"
	[[ $stderr = *"it is empty" ]]
	run --separate-stderr -75 kafka-consume -G "$group" --drain-timeout 0.5 --offsets-from 'exec sleep 60' "$in"
	[[ $stderr = *"it had not ended after 0.5 s" ]]
}

@test "state that was kept with an offset comes back, and its partition is replayed from where it asks" {
	topics "t$BATS_TEST_NUMBER" 1 20
	kafka-consume -G "$group" -e "$in" |
		sed -u -E 's/("from":[0-9]+,"to":[0-9]+)\}/\1,"state":{"replay_from":15,"watermark":"2024-01-01T00:00:00.000Z"}}/' |
		kafka-produce -t "$out" --transactional-id "$out"
	feed 20 30
	kafka-consume -G "$group" -e "$in" | tee got |
		kafka-produce -t "$out" --transactional-id "$out"
	head -n 1 got | jq -e '._kafka | .replay_from == 15 and .processed == 20 and .state.watermark == "2024-01-01T00:00:00.000Z"'
	[[ $(grep -c '"replay":true' got) -eq 5 ]]
	numbers_of got | cmp - <(seq 15 29)
	read_out | cut -d ' ' -f 2 | sort -n | cmp - <(seq 0 29)
}

@test "brokers that go away later are waited for, and it says so" {
	topics "t$BATS_TEST_NUMBER" 1 10
	pipe a kafka-consume -t "$in" '|' cat
	eventually 60 grep -q '"n":9' a.out
	kafka_node_stop 1 TERM
	eventually 60 said "all brokers are away, waiting for them: " a.1
	kafka_node_start 1
	kafka_wait ready
	feed 10 20
	eventually 60 grep -q '"n":19' a.out
	eventually 60 said "brokers are back" a.1
	[[ $(wc -l <a.1) -eq 2 ]]
	signal TERM a.1
	ends a 20
	[[ $statuses = "0 0" ]]
	contiguous a.out 20
}

@test "a topic that is deleted while it is read: 78" {
	topics "t$BATS_TEST_NUMBER" 1 10
	pipe a kafka-consume -G "$group" --commit-on-write "$in" '|' cat
	eventually 60 grep -q '"n":9' a.out
	kafka_tool delete-topic "$in"
	ends a 20
	[[ $statuses = "78 0" ]]
	said "topic '$in'" a.1
}

@test "a static member that comes back keeps its partitions; one of the same name ends the first" {
	topics "t$BATS_TEST_NUMBER" 2 100
	pipe a kafka-consume "${session[@]}" -G "$group" --instance one --commit-on-write "$in"
	committed 100
	pipe b kafka-consume "${session[@]}" -G "$group" --instance one --commit-on-write "$in"
	ends a 20
	[[ $statuses = 75 ]]
	feed 100 200
	committed 200
	signal TERM b.1
	ends b 20
	cat a.out b.out >got
	numbers_of got | cmp - <(seq 0 199)
}
