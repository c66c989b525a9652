#!/usr/bin/env bats
# kafka-produce without a real broker: what becomes a message, what it says when it fails. Its
# transactions are in tests/services.

load helper

setup() {
	skip_unless_peer kcat
	cd "$BATS_TEST_TMPDIR"
	unset KAFKA_BOOTSTRAP_SERVERS KAFKA_HOST
	seq 1000 | sed 's/.*/{"n":&,"zone":"z\/&","x":1.50}/' >numbers
	mkfifo pipe
}

# in_sandbox OPTION… SCRIPT: runs a shell script in a cluster of its own. In it `get` is kcat's
# reading end.
in_sandbox() {
	local script=${*: -1}
	kafka-sandbox "${@:1:$#-1}" -- bash -euo pipefail -c '
		get() { kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -e -q "$@"; }
		'"$script"
}

# start_sandbox OPTION…: in the background; sets $KAFKA_BOOTSTRAP_SERVERS and $sandbox.
start_sandbox() {
	mkfifo address
	kafka-sandbox "$@" >address 2>said 3>&- &
	sandbox=$!
	read -r KAFKA_BOOTSTRAP_SERVERS <address
	export KAFKA_BOOTSTRAP_SERVERS
}

# set_brokers SIGNAL: sends the sandbox USR1 or USR2 and waits until it has obeyed.
set_brokers() {
	local lines=$(($(wc -l <said) + 1))
	kill -s "$1" "$sandbox"
	timeout 10 tail -n "+$lines" -f said | read -r _
}

teardown() {
	[[ -z ${sandbox-} ]] || kill "$sandbox" 2>/dev/null || true
}

@test "records arrive byte for byte, each partition in order" {
	in_sandbox --topics t:3 '
		kafka-produce -t t --key n numbers
		get -t t -f "%p %o %k %s\n" >got'
	[[ $(cut -d ' ' -f 1 got | sort -u | wc -l) -eq 3 ]]
	cut -d ' ' -f 4- got | sort | cmp - <(sort numbers)
	awk '{ if ($2 != next_[$1]++ || $3 <= last[$1]) exit 1; last[$1] = $3 }' got
}

@test "a key chooses the partition that it chooses for the Java client" {
	in_sandbox --topics ours:6,theirs:6 '
		kafka-produce -t ours --key-format "sample_%{n}" numbers
		seq 1000 | sed "s/.*/sample_&:&/" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t theirs -K : \
			-X topic.partitioner=murmur2_random
		get -t ours -f "%p %k\n" | sort >a
		get -t theirs -f "%p %k\n" | sort >b'
	cmp a b
	# Of murmur2 with the seed 0x9747b28c, as in the tests of Kafka clients: "sample_7".
	[[ $(wc -l <a) -eq 1000 ]]
}

@test "the key: of one field, of several, of a template, the same for all, of _kafka, none" {
	echo '{"a":"x","b":7,"_kafka":{"key":"own"}}' >in
	in_sandbox --topics t:1 '
		kafka-produce -t t --key a in
		kafka-produce -t t --key a,b in
		kafka-produce -t t --key-format "<%{b}|%%>" in
		kafka-produce -t t -k fixed in
		kafka-produce -t t in
		echo "{}" | kafka-produce -t t
		get -t t -f "%k:%K\n" >got'
	diff got - <<-'E'
		x:1
		["x",7]:7
		<7|%>:5
		fixed:5
		own:3
		:-1
	E
}

@test "values, headers and tombstones" {
	cat >in <<-'E'
		{"a":"ä\n","_kafka":{"topic":"old","offset":3,"headers":[{"name":"h","value":"1"}]},"b":2}
		{"_kafka":{"key":"gone"}}
	E
	in_sandbox --topics t:1,u:1,v:1 '
		kafka-produce -t t -Z in
		kafka-produce -t u -H site=%{b} -H x= <(head -n 1 in)
		kafka-produce -t v --value a <(head -n 1 in)
		get -t t -f "%k %h %S %s.\n" >t
		get -t u -f "%h %s\n" >u
		get -t v -f "%s" >v'
	diff t - <<-'E'
		 h=1 18 {"a":"ä\n","b":2}.
		gone  -1 .
	E
	diff u - <<<'site=2,x= {"a":"ä\n","b":2}'
	diff v - <<<'ä'
}

@test "a record without members is {} unless -Z is given" {
	in_sandbox --topics t:1 'echo "{\"_kafka\":{\"key\":\"k\"}}" | kafka-produce -t t
		get -t t -f "%s\n" >got'
	[[ $(cat got) = '{}' ]]
}

@test "CSV rows become records" {
	printf 'id,_kafka.key,a.b\n007,k,1.50\n' >in.csv
	in_sandbox --topics t:1 'kafka-produce -t t --key id in.csv; get -t t -f "%k %s\n" >got'
	[[ $(cat got) = '007 {"id":"007","a":{"b":1.50}}' ]]
}

@test "a partition of its own, a time of its own" {
	echo '{"t":"2024-01-01T00:00:00.123Z"}' >in
	in_sandbox --topics t:3 '
		kafka-produce -t t -p 2 --timestamp-field t in
		kafka-produce -t t -p 1 in
		get -t t -f "%p %T\n" | sort >got'
	[[ $(sed -n 2p got) = '2 1704067200123' ]]
	(($(sed -n '1s/1 //p' got) > 1704067200123))
}

@test "each compression" {
	in_sandbox --topics t:1 '
		for z in none gzip snappy lz4 zstd; do kafka-produce -t t -z "$z" -c 100 numbers; done
		get -t t >got'
	[[ $(wc -l <got) -eq 500 ]]
	cmp <(tail -n 100 got) <(head -n 100 numbers)
}

@test "several files, standard input, and an end after N" {
	in_sandbox --topics t:1 '
		head -n 2 numbers >a
		echo "{\"n\":0}" | kafka-produce -t t a - a
		kafka-produce -t t -c 3 a a
		get -t t | jq -c .n >got'
	[[ $(tr '\n' ' ' <got) = '1 2 0 1 2 1 2 1 ' ]]
}

@test "brokers: -b, else the properties, else the environment" {
	start_sandbox --topics t:1
	local address=$KAFKA_BOOTSTRAP_SERVERS
	one() { echo '{}' | kafka-produce -t t --timeout 5 "$@"; }
	KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 one -b "$address"
	KAFKA_HOST=127.0.0.1:1 one
	unset KAFKA_BOOTSTRAP_SERVERS
	KAFKA_HOST=$address one
	KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 one -X bootstrap.servers="$address"
	echo "bootstrap.servers = $address" >conf
	KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 one -F conf
	one -b "$address" -X bootstrap.servers=127.0.0.1:1
	expect_error 64 'no brokers' kafka-produce -t t </dev/null
	expect_error 64 "option '-b': " kafka-produce -t t -b host:port </dev/null
	expect_error 66 'no-such-file' kafka-produce -t t -F no-such-file </dev/null
}

@test "wrong options" {
	expect_error 64 "-t TOPIC" kafka-produce -b x
	expect_error 64 "exclude each other" kafka-produce -b x -t t -k a --key b
	expect_error 64 "exclude each other" kafka-produce -b x -t t --key-format a --key b
	expect_error 64 "'--unsent' is not for transactions" \
		kafka-produce -b x -t t --unsent u --transactional-id i
	expect_error 64 "as in 6:3" kafka-produce -b x -t t --create-topic 6
	expect_error 64 "as in 6:3" kafka-produce -b x -t t --create-topic 0:1
	expect_error 64 "option '--key-format'" kafka-produce -b x -t t --key-format '%{' </dev/null
	expect_error 64 "option '-H'" kafka-produce -b x -t t -H '=x' </dev/null
	expect_error 64 "no property 'no.such'" kafka-produce -b x -t t -X no.such=1 </dev/null
	expect_error 64 "option '-X': 'enable.idempotence' must be true here" \
		kafka-produce -b x -t t --transactional-id i -X enable.idempotence=false </dev/null
	expect_error 64 "option '-X': 'request.required.acks' must be all here" \
		kafka-produce -b x -t t --transactional-id i -X request.required.acks=1 </dev/null
	expect_error 64 "numbers" kafka-produce -b x -t t --rejects numbers numbers
	expect_error 64 "numbers" kafka-produce -b x -t t --unsent numbers numbers
}

@test "no broker: 69 after --timeout, with the reason" {
	expect_error 69 "no broker of '127.0.0.1:1' answers within 0.3 s: " \
		kafka-produce -b 127.0.0.1:1 -t t --timeout 0.3 numbers
	[[ $stderr = *"Connection refused"* ]]
}

@test "a bad record stops it; what came before is there" {
	(head -n 3 numbers; echo '{"n":'; tail -n 3 numbers) >in
	in_sandbox --topics t:1 '
		status=0; kafka-produce -t t in 2>said || status=$?
		[[ $status -eq 65 ]]; get -t t >got'
	cmp got <(head -n 3 numbers)
	grep -q '^kafka-produce: in:4:' said
}

@test "bad records go to --rejects, also those that lack the key" {
	(head -n 1 numbers; echo '{"m":1}'; echo '{'; tail -n 1 numbers) >in
	in_sandbox --topics t:1 '
		kafka-produce -t t --key n --rejects rejects in; get -t t >got'
	[[ $(wc -l <got) -eq 2 ]]
	jq -e -s 'map([.program, .line, .record]) ==
		[["kafka-produce", 2, "{\"m\":1}"], ["kafka-produce", 3, "{"]]' rejects
}

@test "a record that is too large is a bad one by its own name" {
	(head -n 1 numbers; printf '{"pad":"%01200d"}\n' 0; tail -n 1 numbers) >in
	in_sandbox --topics t:1 '
		kafka-produce -t t -X message.max.bytes=1000 --rejects rejects in; get -t t >got
		status=0; kafka-produce -t t -X message.max.bytes=1000 in 2>said || status=$?
		[[ $status -eq 65 ]]'
	[[ $(wc -l <got) -eq 2 ]]
	jq -se 'length == 1 and (.[0] | .line == 2 and (.reason | test("^the message has 1280 bytes, .*at most 1000")))' rejects
	grep -q '^kafka-produce: in:2: the message has' said
}

@test "what is refused by the broker goes to --rejects, with its line" {
	echo '{"_kafka":{"key":"k"},"n":1}' >in
	in_sandbox --topics t:1 --error Produce:MSG_SIZE_TOO_LARGE '
		kafka-produce -t t --rejects rejects in 2>said'
	jq -e '.file == "in" and .line == 1 and (.reason | test("refuses")) and
		(.record | fromjson) == {n: 1, _kafka: {key: "k"}}' rejects
	grep -q '1 of 1 records rejected' said
	in_sandbox --topics t:1 --error Produce:MSG_SIZE_TOO_LARGE '
		status=0; kafka-produce -t t in 2>said || status=$?; [[ $status -eq 65 ]]'
	grep -q '^kafka-produce: in:1: 1 of 1 records not acknowledged' said
}

@test "a full queue waits; errors that pass are waited out" {
	in_sandbox --topics t:2 --latency 20 --error Produce:NOT_LEADER_FOR_PARTITION:2 '
		kafka-produce -t t -X queue.buffering.max.messages=50 numbers
		get -t t | sort | cmp - <(sort numbers)'
}

@test "the order holds where a queue is full, and records with headers and long ones stand between" {
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	awk -v long="$long" '
		NR % 7 == 0 { sub("{", "{\"_kafka\":{\"headers\":[{\"name\":\"h\",\"value\":\"1\"}]},") }
		NR % 150 == 0 { sub("z/", long) }
		{ print }' numbers >in
	in_sandbox --topics t:1 --latency 5 '
		kafka-produce -t t -X queue.buffering.max.messages=100 -X queue.buffering.max.kbytes=150 in
		get -t t -f "%s\n" >got
		get -t t -f "%h\n" | grep -c h=1 >headers'
	jq .n got | cmp - <(seq 1000)
	[[ $(<headers) -eq 142 ]]
}

@test "a record that is larger than the queue does not wait for ever" {
	(head -n 1 numbers; printf '{"pad":"%05000d"}\n' 0; tail -n 1 numbers) >in
	in_sandbox --topics t:1 '
		kafka-produce -t t -X queue.buffering.max.kbytes=1 --rejects rejects in; get -t t >got'
	[[ $(wc -l <got) -eq 2 ]]
	jq -se 'length == 1 and (.[0] | .line == 2 and (.reason | test("queue.buffering.max.kbytes")))' rejects
}

@test "records arrive while the input stays open" {
	start_sandbox --topics t:1
	kafka-produce -t t pipe 3>&- &
	local producer=$!
	exec 5>pipe
	head -n 3 numbers >&5
	[[ $(timeout 10 kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -o beginning -u -q -c 3 | wc -l) -eq 3 ]]
	tail -n 1 numbers >&5
	exec 5>&-
	wait "$producer"
	[[ $(kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -e -q | wc -l) -eq 4 ]]
}

@test "brokers go away: 75 after the delivery time-out, and all of --unsent can be sent again" {
	start_sandbox --topics t:3
	mkfifo in
	kafka-produce -t t --key-format 's_%{n}' -H 'h=%{zone}' --unsent unsent \
		-X message.timeout.ms=1000 in 2>words 3>&- &
	local producer=$!
	exec 5>in
	head -n 1 numbers >&5
	timeout 10 kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -o beginning -u -q -c 1 >first
	set_brokers USR1
	sed -n 2,500p numbers >&5
	# It notices while it waits for input.
	local status=0
	wait "$producer" || status=$?
	exec 5>&-
	cat words
	((status == 75))
	grep -q '^kafka-produce: in:[0-9]*: 499 of 500 records not acknowledged.*Message timed out' words
	[[ $(wc -l <unsent) -eq 499 ]]
	jq -e -s 'all(._kafka == {key: "s_\(.n)", headers: [{name: "h", value: .zone}]})' unsent
	set_brokers USR2
	kafka-produce -t t unsent
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -e -q -f '%k %h %s\n' | sort >got
	head -n 500 numbers | jq -r '"s_\(.n) h=\(.zone) "' | paste -d '\0' - <(head -n 500 numbers) | sort | cmp - got
}

@test "--unsent has what was read and not taken any more" {
	start_sandbox --topics t:1
	mkfifo in
	kafka-produce -t t --unsent unsent -X message.timeout.ms=500 -X queue.buffering.max.messages=10 \
		in 2>words 3>&- &
	local producer=$! status=0
	exec 5>in
	head -n 1 numbers >&5
	timeout 10 kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -o beginning -u -q -c 1 >first
	set_brokers USR1
	sed -n 2,100p numbers >&5
	wait "$producer" || status=$?
	exec 5>&-
	((status == 75))
	cmp <(sort unsent) <(sed -n 2,100p numbers | sort)
	grep -q '99 of 100 records' words
}

@test "librdkafka fails for good: 78 with the reason, and --unsent has all that was read" {
	# While it reads, or, at the second attempt, while it waits for what it has read.
	for first in "" "--error InitProducerId:COORDINATOR_LOAD_IN_PROGRESS"; do
		# shellcheck disable=SC2086
		in_sandbox --topics t:1 $first --error InitProducerId:CLUSTER_AUTHORIZATION_FAILED '
			status=0; kafka-produce -t t --unsent unsent numbers 2>said || status=$?
			cat said; [[ $status -eq 78 ]]'
		cmp <(sort unsent) <(sort numbers)
		grep -q 'failed for good: .*Cluster authorization failed' said
		grep -q '1000 of 1000 records not acknowledged, kept by --unsent' said
		rm unsent
	done
}

@test "SIGTERM drains the input, SIGINT ends it: what was read is there" {
	start_sandbox --topics t:1
	for signal in TERM INT; do
		env --default-signal=INT kafka-produce -t "$signal" pipe 3>&- 2>words &
		local producer=$! status=0
		exec 5>pipe
		head -n 10 numbers >&5
		timeout 10 kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t "$signal" -o beginning -u -q -c 10 >first
		kill -s "$signal" "$producer"
		if [[ $signal = TERM ]]; then
			tail -n 5 numbers >&5
			exec 5>&-
		fi
		wait "$producer" || status=$?
		exec 5>&-
		echo "$signal $status"
		[[ $signal = TERM && $status -eq 0 || $signal = INT && $status -eq 130 ]]
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t "$signal" -e -q | wc -l >>counts
	done
	[[ $(tr '\n' ' ' <counts) = '15 10 ' ]]
}

# bats test_tags=native
@test "SIGTERM and an input that goes on: 75 within 4 s, with what is not acknowledged kept" {
	start_sandbox --topics t:1
	kafka-produce -t t --unsent unsent pipe 3>&- 2>words &
	local producer=$! status=0 begin
	exec 5>pipe
	head -n 10 numbers >&5
	timeout 10 kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -o beginning -u -q -c 10 >first
	set_brokers USR1
	sed -n 11,20p numbers >&5
	begin=${EPOCHREALTIME/./}
	kill -TERM "$producer"
	wait "$producer" || status=$?
	exec 5>&-
	cat words
	((status == 75 && ${EPOCHREALTIME/./} - begin < 4500000))
	cmp unsent <(sed -n 11,20p numbers)
	grep -q 'SIGTERM came, and the end of input did not within 2 s' words
}

@test "SIGTERM before a broker has answered" {
	kafka-produce -b 127.0.0.1:1 -t t </dev/null 3>&- &
	local producer=$! status=0
	# Its handler is set before it tries; bash, which it is at first, may have one as well.
	until [[ $(<"/proc/$producer/comm") == kafka-produce ]] &&
		grep -q '^SigCgt:.*[4567cdef]...$' "/proc/$producer/status"; do :; done
	kill -TERM "$producer"
	wait "$producer" || status=$?
	((status == 75))
}

mark() {
	printf '{"_kafka":{"control":"mark","seq":%d,"session":"s","group":"g","generation":1,"member":"m","instance":null,"ranges":[{"topic":"a","partition":0,"from":0,"to":%d}]}}\n' "$1" "$2"
}

@test "control records are no messages, and a note says that nothing is committed" {
	(head -n 1 numbers; mark 0 1; sed -n 2p numbers; mark 1 2
		echo '{"n":9,"_kafka":{"replay":true}}'
		echo '{"_kafka":{"control":"end","seq":2,"session":"s"}}') >in
	in_sandbox --topics t:1 'kafka-produce -t t in 2>said; get -t t >got'
	cmp got <(head -n 2 numbers)
	[[ $(grep -c 'transactional-id' said) -eq 1 ]]
}

@test "control records that are not complete: 75, or 78 when some are gone" {
	reset='{"_kafka":{"control":"reset","seq":1,"session":"s","partitions":[{"topic":"a","partition":0}]}}'
	start_sandbox --topics t:1
	(mark 0 1; head -n 1 numbers) >in
	run -75 kafka-produce -t t in
	[[ $output = *"without the control record 'end'"* ]]
	(mark 0 1; mark 2 1) >in
	run -78 kafka-produce -t t in
	[[ $output = *'in:2: control record 2 came where 1 was due'* ]]
	(mark 0 1; echo "$reset") >in
	run -75 kafka-produce -t t in
	[[ $output = *"in:2: control record 'reset' makes void what was produced"* ]]
	(mark 0 1; head -n 1 numbers | tr -d '\n') >in
	run -75 kafka-produce -t t in
	[[ $output = *'torn'* ]]
	(mark 0 1 | sed 's/"member":"m"/"member":""/') >in
	run -78 kafka-produce -t t in
	# Of all of these one record has arrived, not the torn one.
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -e -q >got
	cmp got <(head -n 1 numbers)
}

@test "--metrics" {
	(head -n 10 numbers; echo '{') >in
	in_sandbox --topics t:1 'kafka-produce -t t --metrics m --rejects r in'
	metric() { grep -qx "sensorutils_$1{program=\"kafka-produce\"} $2.0" m; }
	metric records_total 11
	metric records_rejected_total 1
	metric messages_total 10
	metric message_bytes_total "$(($(head -n 10 numbers | wc -c) - 10))"
	metric messages_acknowledged_total 10
	metric messages_failed_total 0
	metric queue_messages 0
	metric transactions_committed_total 0
	metric transactions_aborted_total 0
}

@test "--create-topic says so when the topic is there with other partitions" {
	in_sandbox --topics t:3 'echo "{}" | kafka-produce -t t --create-topic 5:1 2>said
		echo "{}" | kafka-produce -t t --create-topic 3:1 2>silent'
	grep -q "topic 't' existed, with 3 partitions" said
	[[ ! -s silent ]]
}

@test "a partition that the topic does not have: 78" {
	in_sandbox --topics t:3 '
		status=0; echo "{}" | kafka-produce -t t -p 3 2>said || status=$?; [[ $status -eq 78 ]]'
	grep -q "topic 't' has no partition 3, but 3 of them" said
}

@test "input that is not there: 66, and nothing is produced" {
	mkdir folder
	start_sandbox --topics t:1
	expect_error 66 missing kafka-produce -t t missing
	expect_error 66 folder kafka-produce -t t folder
	# Before a broker is waited for, and what comes before it is produced.
	expect_error 66 "cannot open 'missing'" kafka-produce -b 127.0.0.1:1 -t t --timeout 1 numbers missing
	run bash -c 'kafka-produce -t t <&-'
	[[ $status = 66 || $status = 74 ]]
	[[ $output = "kafka-produce: "* ]]
}

@test "nothing to produce is 0" {
	in_sandbox --topics t:1 'kafka-produce -t t </dev/null; get -t t >got'
	[[ ! -s got ]]
}
