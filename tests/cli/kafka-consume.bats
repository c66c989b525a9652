#!/usr/bin/env bats
# kafka-consume on a sandbox: what messages become, options, what it says when it fails. What takes a
# real server is in tests/services.

load helper

setup() {
	skip_unless_peer kcat
	cd "$BATS_TEST_TMPDIR"
	unset KAFKA_BOOTSTRAP_SERVERS KAFKA_HOST
	seq 1000 | sed 's/.*/{"n":&,"zone":"z\/&","x":1.50}/' >numbers
}

# in_sandbox OPTION… SCRIPT: runs a shell script in a cluster of its own. In it `put` is kcat's
# writing end, `put_raw TOPIC PARTITION TEXT` one message.
in_sandbox() {
	local script=${*: -1}
	kafka-sandbox "${@:1:$#-1}" -- bash -euo pipefail -c '
		put() { kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P "$@"; }
		put_raw() { printf "%b" "$3" | put -t "$1" -p "$2" -D "\0\0\0" "${@:4}"; }
		'"$script"
}

@test "records come byte for byte, each partition in order" {
	in_sandbox --topics t:3 '
		put -t t -l numbers
		kafka-consume -t t -e --no-provenance >plain
		kafka-consume -t t -e >with'
	sort numbers | cmp - <(sort plain)
	[[ $(wc -l <with) -eq 1000 ]]
	# With _kafka last, and all before it as it was.
	sed 's/,"_kafka":.*/}/' with | sort | cmp - <(sort numbers)
	jq -r '._kafka | "\(.partition) \(.offset)"' with | awk '$2 != due[$1]++ { exit 1 }'
}

@test "_kafka has what kcat sees of a message" {
	in_sandbox --topics t:2 '
		put -t t -K : -H a=1 -H "b=two words" -H a=2 <<<"k\"ey:{}"
		put -t t -p 1 <<<"{\"x\":1}"
		put_raw t 1 "{\"x\":2}" -k "$(printf "\xff\xfe")" -H bytes="$(printf "\xff")"
		kafka-consume -t t -e >ours
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t t -e -q -f "%p %o %T\n" >theirs'
	jq -r '._kafka | "\(.partition) \(.offset) \(.timestamp | sub("\\.[0-9]*Z$"; "Z") | fromdateiso8601)"' ours | sort >a
	awk '{ print $1, $2, int($3 / 1000) }' theirs | sort | cmp - a
	jq -e -s 'map(select(._kafka.key == "k\"ey"))[0]._kafka | (.topic == "t") and
		.headers == [{name: "a", value: "1"}, {name: "b", value: "two words"}, {name: "a", value: "2"}]' ours
	jq -e -s 'map(select(.x == 1))[0]._kafka | (has("key") or has("headers") or has("replay")) | not' ours
	jq -e -s 'map(select(.x == 2))[0]._kafka | .key_base64 == "//4=" and
		.headers == [{name: "bytes", value_base64: "/w=="}]' ours
}

@test "_kafka that was in a value is cut, a control record too" {
	in_sandbox --topics t:1 '
		put -t t <<-V
			{"_kafka":{"control":"mark","seq":0},"a":1}
			{"a":2,"_kafka":{"control":"end","seq":1,"session":"x"}}
			{"_kafka":{"control":"nonsense"}}
			{"a":4,"_kafka":7,"b":{"_kafka":8},"_kafka":9}
		V
		kafka-consume -t t -e --no-provenance >plain
		kafka-consume -t t -e >with'
	diff plain - <<-'E'
		{"a":1}
		{"a":2}
		{}
		{"a":4,"b":{"_kafka":8}}
	E
	jq -e -s '(map(._kafka.topic) == ["t", "t", "t", "t"]) and (map(._kafka | has("control")) | any | not)' with
	grep -q '^{"_kafka":{"topic":"t","partition":0,"offset":2' with
}

@test "line breaks: inside they become spaces, behind they are dropped; in a string they are bad" {
	in_sandbox --topics t:1 '
		put_raw t 0 "{\n  \"a\": 1,\r\n  \"b\": [\n2]\n}\n"
		put_raw t 0 "{\"c\":\t3}\r\n\r\n"
		put_raw t 0 " {\"d\": \"x\\\\\\\\n\"} "
		put_raw t 0 "{\"e\":\n\"x\ny\"}"
		kafka-consume -t t -e --no-provenance --rejects bad >plain
		kafka-consume -t t -e --rejects bad2 | sed "s/,\"_kafka\":{[^}]*}//" | cmp - plain'
	printf '{   "a": 1,    "b": [ 2] }\n{"c":\t3}\n {"d": "x\\\\n"} \n' | diff plain -
	jq -se 'length == 1 and (.[0] | .record == "{\"e\":\n\"x\ny\"}" and .file == "t[0]@3" and
		(.reason | startswith("control character")))' bad
}

@test "messages that are no records: 65 and where, or --rejects with reason and provenance" {
	in_sandbox --topics t:1 '
		put -t t <<<"{\"a\":1}"
		put -t t -k key <<<"no record"
		put_raw t 0 "   "
		put_raw t 0 "[1]"
		put_raw t 0 "{\"a\":\"\xff\"}"
		put -t t -Z -K : <<<"deleted:"
		put_raw t 0 "{\"a\":2} {}"
		put -t t <<<"{\"a\":3}"
		kafka-consume -t t -e >out 2>said || echo $? >status
		kafka-consume -t t -e --rejects bad --metrics m >good 2>words
		kafka-consume -t t -e --rejects bad2 --max-rejects 2 >few 2>said2 || echo $? >status2
		kafka-consume -q -t t -e --rejects bad3 >/dev/null'
	[[ $(cat status) -eq 65 && $(cat status2) -eq 65 ]]
	[[ $(cat said) = "kafka-consume: t[0]@1:1: a record must be a JSON object" ]]
	grep -q '^{"a":1,' out
	[[ $(wc -l <out) -eq 1 ]]
	[[ $(cut -c 1-7 good | tr '\n' ' ') = '{"a":1, {"a":3, ' ]]
	[[ $(cat words) = "kafka-consume: 6 of 8 records rejected, kept in 'bad'" ]]
	jq -e -s 'map(.file) == ["t[0]@1", "t[0]@2", "t[0]@3", "t[0]@4", "t[0]@5", "t[0]@6"] and
		map(._kafka.offset) == [1, 2, 3, 4, 5, 6] and map(has("line")) == [false, false, false, false, false, false] and
		.[0]._kafka.key == "key" and .[0].record == "no record" and .[0].column == 1 and
		.[1].reason == "the value is blank" and .[3].record_base64 == "eyJhIjoi/yJ9" and
		(.[4] | (.reason | contains("--tombstones")) and ._kafka.key == "deleted" and (has("record") | not))' bad
	grep -q '^sensorutils_records_rejected_total{program="kafka-consume"} 6' m
	grep -q '^sensorutils_messages_total{program="kafka-consume"} 8' m
	grep -q '^sensorutils_lag_messages{program="kafka-consume",topic="t",partition="0"} 0' m
	grep -q 'more than --max-rejects 2' said2
}

@test "-Z: a message without a value is a record of _kafka alone" {
	in_sandbox --topics t:1 '
		put -t t -Z -K : <<<"k:"
		kafka-consume -Z -t t -e >with
		kafka-consume -Z -t t -e --no-provenance >plain'
	jq -se 'length == 1 and (.[0] | keys == ["_kafka"] and ._kafka.key == "k")' with
	[[ $(cat plain) = '{}' ]]
}

@test "-c, -e, -p, -o" {
	in_sandbox --topics t:2 '
		head -n 10 numbers | put -t t -p 0
		tail -n 10 numbers | put -t t -p 1
		get() { kafka-consume -t t --no-provenance "$@"; }
		get -c 3 -p 1 | cmp - <(tail -n 10 numbers | head -n 3)
		get -e -p 0 | cmp - <(head -n 10 numbers)
		get -e -p 0,1 | sort | cmp - <({ head -n 10 numbers; tail -n 10 numbers; } | sort)
		get -e -p 0 -p 1 -o -2 | sort | cmp - <({ sed -n 9,10p numbers; tail -n 2 numbers; } | sort)
		get -e -p 1 -o 7 | cmp - <(tail -n 3 numbers)
		get -e -p 1 -o 10 | cmp - /dev/null
		get -e -o end | cmp - /dev/null
		get -e --from-offset beginning | wc -l | grep -qx 20
		! get -e -p 1 -o 11 2>said'
	grep -q "topic 't', partition 1: cannot read on at offset 11 of 0 to 10: it has no such offset yet; choose another by '--from-offset'" said
}

@test "many topics, as operands, by -t, by regular expressions" {
	in_sandbox --topics a-1:1,a-2:2,b:1 '
		for t in a-1 a-2 b; do put -t $t <<<"{\"t\":\"$t\"}"; done
		get() { kafka-consume -e "$@" | jq -r ._kafka.topic | sort | tr "\n" " "; }
		[[ $(get -t a-1 -t b) = "a-1 b " ]]
		[[ $(get -t a-1 b a-2) = "a-1 a-2 b " ]]
		[[ $(get "^a-[0-9]$") = "a-1 a-2 " ]]
		[[ $(get "^a" b a-1) = "a-1 a-2 b " ]]
		[[ $(get -X session.timeout.ms=4000 -G g --commit-on-write "^a-") = "a-1 a-2 " ]]
		[[ $(get -X session.timeout.ms=4000 -G g --commit-on-write "^a-" b) = "b " ]]
		if kafka-consume -e "^nothing" 2>said; then false; fi
		! kafka-consume -e "^(" 2>>said'
	grep -q "no topic matches '^nothing'" said
	grep -q "'^(' is no regular expression" said
}

@test "in a group: assign, a mark of the start, records, marks that fit together, end" {
	run --separate-stderr -0 in_sandbox --topics t:3,u:1 '
		put -t t -l numbers
		put -t u <<<"{\"u\":1}"
		kafka-consume -G g -e --drain-timeout 0.2 t u >out || echo $? >status'
	[[ $(cat status) -eq 75 ]] # nobody has committed
	[[ $stderr = *"not all of it was committed"* ]]
	sed -E 's/.*"control":"([a-z]+)".*/\1/; s/^\{"[nu]".*/record/' out | uniq | tr '\n' ' ' >kinds
	grep -qE '^assign mark (record mark )+end $' kinds
	grep '"control"' out | jq -r '._kafka | "\(.seq) \(.session)"' | awk '$1 != NR - 1 || (NR > 1 && $2 != last) { exit 1 } { last = $2 }'
	# Offsets of records lie in the range of the next mark.
	jq -c '._kafka | if .control == "mark" then ["mark"] + (.ranges | map([.topic, .partition, .from, .to])) elif .control then empty else [.topic, .partition, .offset] end' out |
		python3 -c '
import json, sys
at, seen = {}, {}
for line in map(json.loads, sys.stdin):
    if line[0] == "mark":
        for topic, partition, begin, end in line[1:]:
            key = topic, partition
            assert at.setdefault(key, begin) == begin and end >= begin
            assert seen.pop(key, []) == list(range(begin, end))
            at[key] = end
        assert not seen
    else:
        seen.setdefault(tuple(line[:2]), []).append(line[2])
assert sum(at.values()) == 1001 and len(at) == 4, at'
	grep '"control":"mark"' out | jq -e -s '.[0]._kafka | .group == "g" and .generation >= 0 and (.member | length > 0) and
		.instance == null and (.ranges | length == 4 and all(.from == .to))'
}

@test "marks come by --mark-interval, and as heartbeats" {
	in_sandbox --topics t:1 '
		put -t t <<<"{}"
		kafka-consume -G g --mark-interval 20 --drain-timeout 0.1 t 2>/dev/null | head -n 6 >out || true'
	[[ $(grep -c '"control":"mark"' out) -eq 4 ]]
}

@test "--commit-on-write: no control records; the group goes on where it was" {
	in_sandbox --topics t:2 '
		head -n 500 numbers | put -t t
		get() { kafka-consume -X session.timeout.ms=4000 -G g --commit-on-write -e --no-provenance t; }
		get >one
		tail -n 500 numbers | put -t t
		get >two'
	head -n 500 numbers | sort | cmp - <(sort one)
	tail -n 500 numbers | sort | cmp - <(sort two)
}

@test "--commit-on-write: what stands before a bad record is committed" {
	in_sandbox --topics t:1 '
		{ head -n 3 numbers; echo bad; tail -n 1 numbers; } | put -t t
		get() { kafka-consume -X session.timeout.ms=4000 -G g --commit-on-write -e --no-provenance "$@" t; }
		if get >one 2>said; then false; fi
		if get >two 2>>said; then false; fi
		get --rejects bad >three'
	cmp one <(head -n 3 numbers)
	cat said
	[[ ! -s two ]]
	[[ $(grep -cF 't[0]@3:' said) -eq 2 ]]
	cmp three <(tail -n 1 numbers)
}

@test "--commit-on-write: what could not be committed is committed later" {
	in_sandbox --topics t:1 --error OffsetCommit:COORDINATOR_LOAD_IN_PROGRESS:6 '
		head -n 5 numbers | put -t t
		get() { exec kafka-consume -X session.timeout.ms=10000 -G g --commit-on-write --no-provenance "$@" t; }
		get >one 2>said &
		until grep -q "cannot commit" said; do kill -0 $! || { cat said; exit 1; }; done
		kill $!
		wait $!
		(get -e) >two'
	cmp one <(head -n 5 numbers)
	[[ ! -s two ]]
}

@test "a record that comes alone is written at once" {
	mkfifo data
	in_sandbox --topics t:1 '
		kafka-consume -t t >data &
		consumer=$!
		exec 5<data
		for n in 1 2 3; do
			put -t t <<<"{\"n\":$n}"
			read -r -t 10 line <&5
			[[ $line = "{\"n\":$n,"* ]]
		done
		kill "$consumer"
		wait "$consumer"'
}

@test "brokers from -b, KAFKA_BOOTSTRAP_SERVERS, KAFKA_HOST, -X and -F" {
	in_sandbox --topics t:1 '
		put -t t <<<"{}"
		b=$KAFKA_BOOTSTRAP_SERVERS
		kafka-consume -t t -e >/dev/null
		KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 kafka-consume -b "$b" -t t -e >/dev/null
		unset KAFKA_BOOTSTRAP_SERVERS
		KAFKA_HOST=$b kafka-consume -t t -e >/dev/null
		kafka-consume -X bootstrap.servers="$b" -t t -e >/dev/null
		echo "bootstrap.servers=$b" >properties
		kafka-consume -F properties -t t -e >/dev/null'
}

@test "no broker at the start: 69 after --timeout" {
	expect_error 69 "no broker of '127.0.0.1:1' answers within 0.3 s" kafka-consume -b 127.0.0.1:1 --timeout 0.3 -t t
}

@test "standard output that cannot be written: 74; a reader that is gone: SIGPIPE, quietly" {
	in_sandbox --topics t:1 '
		put -t t -l numbers
		for more in "" "-G g --commit-on-write"; do
			status=0
			kafka-consume $more -t t -e >/dev/full 2>said || status=$?
			((status == 74))
			grep -q "cannot write standard output: No space left on device" said
			status=0
			kafka-consume $more-pipe -t t 2>said | true || status=${PIPESTATUS[0]}
			((status == 141)) && [[ ! -s said ]]
			status=0
			(trap "" PIPE; kafka-consume $more -t t 2>said | true; exit "${PIPESTATUS[0]}") || status=$?
			((status == 74))
		done'
}

@test "SIGTERM: 0; also while it waits for a broker" {
	mkfifo data
	in_sandbox --topics t:1 '
		put -t t -l numbers
		kafka-consume -t t >data &
		consumer=$!
		head -n 1000 <data | tail -n 1 | grep -q "\"n\":1000," &
		reader=$!
		wait "$reader" || true
		status=0
		wait "$consumer" || status=$?
		((status == 141)) # head is gone
		kafka-consume -t t >data &
		consumer=$!
		exec 5<data
		for ((n = 0; n < 1000; n++)); do read -r _ <&5; done
		kill "$consumer"
		wait "$consumer"'
	kafka-consume -b 127.0.0.1:1 -t t 3>&- &
	consumer=$!
	until [[ $(<"/proc/$consumer/comm") == kafka-consume ]] &&
		grep -q "SigCgt.*4[0-9a-f][0-9a-f][0-9a-f]$" "/proc/$consumer/status"; do :; done
	kill "$consumer"
	wait "$consumer"
}

@test "options that make no sense: 64" {
	export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1
	expect_error 64 "no topic" kafka-consume -e
	expect_error 64 "'-p' and '-G' exclude each other" kafka-consume -G g -p 1 t
	expect_error 64 "'--no-provenance' leaves off the marks" kafka-consume -G g --no-provenance t
	expect_error 64 "exclude each other" kafka-consume -G g --commit-on-write --offsets-from x t
	expect_error 64 "needs a group" kafka-consume --commit-on-write t
	expect_error 64 "'--offsets-from' needs a group" kafka-consume --offsets-from x t
	expect_error 64 "'--instance' needs a group" kafka-consume --instance x t
	expect_error 64 "'--on-lost' needs a group" kafka-consume --on-lost reset t
	expect_error 64 "needs a group" kafka-consume -o stored t
	expect_error 64 "'-G': the name is empty" kafka-consume -G '' t
	expect_error 64 "takes numbers of partitions, not 'x'" kafka-consume -p 1,x t
	expect_error 64 "takes numbers of partitions" kafka-consume -p -1 t
	expect_error 64 "not 'sometime'" kafka-consume -o sometime t
	expect_error 64 "group.id" kafka-consume -X group.id=x t
	expect_error 64 "'--rejects FILE'" kafka-consume --max-rejects 3 t
	unset KAFKA_BOOTSTRAP_SERVERS
	expect_error 64 "no brokers" kafka-consume t
}

@test "properties by which records would be lost or doubled cannot be changed" {
	export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1
	for p in enable.auto.commit=true enable.auto.offset.store=true isolation.level=read_uncommitted \
		partition.assignment.strategy=cooperative-sticky auto.offset.reset=latest \
		group.id=other enable.partition.eof=false; do
		expect_error 64 "'${p%=*}' must be " kafka-consume -G g -X "$p" t
	done
	# Without a group uncommitted records may be looked at.
	in_sandbox --topics t:1 'put -t t <<<"{}"; kafka-consume -X isolation.level=read_uncommitted -t t -e >/dev/null'
}
