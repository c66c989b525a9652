#!/usr/bin/env bats
# kafka-produce and real brokers: what they refuse, what they ask of it, and transactions of one
# producer. The zombies are in fencing.bats.

bats_require_minimum_version 1.5.0
load kafka

setup_file() {
	kafka_start_secure
}

teardown_file() {
	kafka_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	seq 1000 | sed 's/.*/{"n":&,"zone":"z\/&","x":1.50}/' >numbers
}

# get TOPIC [OPTION...]: what is committed, as kcat reads it.
get() {
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -e -q -X isolation.level=read_committed -t "$@"
}

# get_all TOPIC: what is not committed, too.
get_all() {
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -e -q -X isolation.level=read_uncommitted -t "$@"
}

# fails STATUS TEXT COMMAND...: it ends so, with the text in its words.
fails() {
	run --separate-stderr "-$1" "${@:3}"
	echo "$stderr"
	[[ -z $output && $stderr = *"$2"* ]]
}

@test "kcat reads what was produced: keys, headers, times, values" {
	kafka_topic plain 3
	sed 's/"x"/"t":1704067200123,"x"/' numbers >timed
	kafka-produce -t plain --key-format 's_%{n}' -H 'h=%{zone}' -H e= --timestamp-field t timed
	get plain -f '%k|%h|%T|%s\n' | sort >got
	jq -r '"s_\(.n)|h=\(.zone),e=|\(.t)|"' timed | paste -d '\0' - timed | sort | cmp - got
}

@test "what kcat has produced passes through, byte for byte" {
	kafka_topic theirs 3
	kafka_topic ours 3
	printf '%s\n' '{"a": 1.50, "b":"ä"}' '{"c":[1,{"d":null}]}' '{}' |
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t theirs -X topic.partitioner=murmur2_random -k $'k\xff' -H h=1 -H e= -H n
	kafka-consume -t theirs -e | kafka-produce -t ours
	for topic in theirs ours; do
		get "$topic" -f '%p %k|%K %h %S %s\n' | sort >"$topic.got"
	done
	[[ $(wc -l <ours.got) -eq 3 ]]
	cmp theirs.got ours.got
}

@test "every compression, with and without acknowledgement of all" {
	kafka_topic codecs
	for z in none gzip snappy lz4 zstd; do
		kafka-produce -t codecs -z "$z" numbers
	done
	kafka-produce -t codecs -X enable.idempotence=false -X acks=1 numbers
	[[ $(get codecs | sort | uniq -c | awk '{ print $1 }' | uniq) -eq 6 ]]
}

@test "a topic that does not exist: 78, or --create-topic makes it" {
	fails 78 "topic 'absent' does not exist" kafka-produce -t absent numbers
	kafka-produce -t made --create-topic 6:1 numbers
	[[ $(kafka_tool offsets made | wc -l) -eq 6 && $(get made | wc -l) -eq 1000 ]]
	run --separate-stderr -0 kafka-produce -t made --create-topic 3:1 numbers
	[[ $stderr = "kafka-produce: topic 'made' existed, with 6 partitions" ]]
	run --separate-stderr -0 kafka-produce -t made --create-topic 6:1 numbers
	[[ -z $stderr ]]
	fails 78 "cannot create topic 'three': " kafka-produce -t three --create-topic 1:3 numbers
	fails 78 "cannot create topic 'no/name': " kafka-produce -t no/name --create-topic 1:1 numbers
}

@test "records too large for the topic are bad ones, and batches never are" {
	kafka_topic small 1 max.message.bytes=2000
	(head -n 500 numbers; printf '{"pad":"%02000d"}\n' 0; tail -n 500 numbers) >in
	fails 65 'in:501: the message has 2' kafka-produce -t small in
	[[ $stderr = *'the topic takes (max.message.bytes) at most 2000'* ]]
	kafka-produce -t small -z none --rejects rejects in
	[[ $(get small | wc -l) -eq 1500 ]]
	jq -e '.line == 501 and .file == "in"' rejects
	# A larger batch is of use where the topic takes it.
	kafka_topic large 1 max.message.bytes=4000000
	printf '{"pad":"%03000000d"}\n' 0 >big
	kafka-produce -t large -z none big
	get large | cmp - big
	# With the limit given by the user, the broker has the last word.
	rm rejects
	kafka-produce -t small -z none -X message.max.bytes=100000 --rejects rejects in
	jq -e '.line == 501 and (.reason | test("refuses.*too large"))' rejects
	[[ $(get small | wc -l) -eq 2500 ]]
}

@test "old times are remarked on, and those that the topic does not keep" {
	echo '{"t":"2024-01-01T00:00:00Z"}' >in
	kafka_topic old 1 retention.ms=86400000
	run --separate-stderr -0 kafka-produce -t old --timestamp-field t in in
	[[ $stderr = "kafka-produce: in:1: the time is older than topic 'old' keeps (retention.ms 86400000)"* ]]
	[[ ${#stderr_lines[@]} -eq 1 ]]
	kafka_topic compacted 1 cleanup.policy=compact
	run --separate-stderr -0 kafka-produce -t compacted -k k --timestamp-field t in
	[[ -z $stderr ]]
	kafka_topic appended 1 message.timestamp.type=LogAppendTime
	run --separate-stderr -0 kafka-produce -t appended --timestamp-field t in
	[[ $stderr = *"LogAppendTime"* ]]
}

@test "a record up to the topic's last byte" {
	kafka_topic exact 1 max.message.bytes=20000
	for n in 19928 19929; do
		printf '{"p":"%0*d"}\n' $((n - 8)) 0 >"$n"
	done
	# A batch of one: 61 bytes, the length's 3, and 8 besides the value.
	kafka-produce -t exact -z none 19928
	fails 65 'the message has 20001 bytes' kafka-produce -t exact -z none 19929
	# With a key and headers, which take 2 + 200, 1 + 1 + 1 + 2 and 1 + 2 + 1 + 0 more.
	key=$(printf '%0200d' 0)
	printf '{"p":"%0*d"}\n' $((19928 - 201 - 9 - 8)) 0 >fits
	printf '{"p":"%0*d"}\n' $((19928 - 201 - 9 - 7)) 0 >longer
	kafka-produce -t exact -z none -k "$key" -H h=12 -H hh= fits
	fails 65 'the message has 20001 bytes' \
		kafka-produce -t exact -z none -k "$key" -H h=12 -H hh= longer
	[[ $(get exact | wc -l) -eq 2 ]]
	# The broker's own opinion of the byte too many.
	fails 65 'Message size too large' \
		kafka-produce -t exact -z none -k "$key" -H h=12 -H hh= -X message.max.bytes=30000 longer
}

# days_off DAYS: seven records of now, the fourth so many days off.
days_off() {
	jq -nc --argjson days "$1" 'range(1; 8) |
		{n: ., t: (now + (if . == 4 then 86400 * $days else 0 end) | todate)}'
}

@test "a time that the topic does not take is a bad record by its own name, and no other's trouble" {
	local id
	kafka_topic hour 1 message.timestamp.after.max.ms=3600000 message.timestamp.before.max.ms=7200000
	for id in '' '--transactional-id hour'; do
		for days in 1 -1; do
			days_off "$days" >in
			rm -f rejects
			# shellcheck disable=SC2086
			kafka-produce -t hour --timestamp-field t $id --rejects rejects in
			jq -e -s --argjson days "$days" 'length == 1 and (.[0] | .line == 4 and (.reason |
				test("^the time is 8[0-9]{7} ms \(if $days > 0 then
				"ahead of now, .*after.max.ms\\) at most 3600000$" else
				"before now, .*before.max.ms\\) at most 7200000$" end)")))' rejects
		done
	done
	[[ $(get hour | jq -c .n | tr -d '\n') = 123567123567123567123567 ]]
	# Kafka of old had one limit for both.
	kafka_topic old-hour 1 message.timestamp.difference.max.ms=3600000
	for days in 1 -1; do
		days_off "$days" >in
		fails 65 'in:4: the time is ' kafka-produce -t old-hour --timestamp-field t in
	done
	# None where the broker's time is taken.
	kafka_topic any-hour 1 message.timestamp.type=LogAppendTime message.timestamp.after.max.ms=3600000
	kafka-produce -t any-hour --timestamp-field t in
	[[ $(get any-hour | wc -l) -eq 7 ]]
}

@test "a compacted topic: a record without a key is a bad one by its own name" {
	kafka_topic keyed 1 cleanup.policy=compact,delete
	for n in 1 2 3 4 5 6; do
		((n == 4)) && echo '{"n":4}' || echo "{\"n\":$n,\"_kafka\":{\"key\":\"k$n\"}}"
	done >in
	kafka-produce -t keyed --rejects rejects in
	jq -e -s 'length == 1 and (.[0] | .line == 4 and (.reason | test("no key")))' rejects
	[[ $(get keyed -f '%k ') = 'k1 k2 k3 k5 k6 ' ]]
}

@test "a topic that is deleted meanwhile: 78 with its name" {
	local id
	mkfifo pipe
	for id in '-X message.timeout.ms=2000' \
		'--transactional-id gone --commit-interval 100ms -X transaction.timeout.ms=2000'; do
		kafka_topic gone
		# shellcheck disable=SC2086
		kafka-produce -t gone $id pipe 2>words 3>&- &
		local producer=$! status=0
		exec 5>pipe
		head -n 1 numbers >&5
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t gone -o beginning -u -q -c 1 >first
		kafka_tool delete-topic gone
		head -n 10 numbers >&5
		wait "$producer" || status=$?
		exec 5>&-
		cat words
		((status == 78))
		grep -q "topic 'gone' does not exist any more" words
	done
}

secure() {
	kafka-produce -b "$KAFKA_SASL_SSL" -X security.protocol=SASL_SSL -X "ssl.ca.location=$KAFKA_TLS/ca.pem" \
		-X sasl.mechanism=SCRAM-SHA-512 --timeout 20 "$@"
}

@test "TLS and passwords: who is let in, and a quick 78 for who is not" {
	kafka_topic secure
	secure -X sasl.username=alice -X sasl.password=alice-secret -t secure numbers
	[[ $(get secure | wc -l) -eq 1000 ]]
	kafka-produce -b "$KAFKA_MTLS" -X security.protocol=SSL -X "ssl.ca.location=$KAFKA_TLS/ca.pem" \
		-X "ssl.keystore.location=" -X "ssl.certificate.location=$KAFKA_TLS/client.crt" \
		-X "ssl.key.location=$KAFKA_TLS/client.key" -t secure numbers
	begin=$SECONDS
	fails 78 'uthentication' secure -X sasl.username=alice -X sasl.password=wrong -t secure numbers
	fails 78 'certificate verify failed' kafka-produce -b "$KAFKA_MTLS" -X security.protocol=SSL \
		-X "ssl.ca.location=$KAFKA_TLS/other-ca.pem" --timeout 20 -t secure numbers
	fails 78 'refuses' kafka-produce -b "$KAFKA_MTLS" -X security.protocol=SSL \
		-X "ssl.ca.location=$KAFKA_TLS/ca.pem" --timeout 20 -t secure numbers
	((SECONDS - begin < 20)) # less than one --timeout
	# bob may come in, and do nothing.
	fails 78 'uthoriz' secure -X sasl.username=bob -X sasl.password=bob-secret -t secure numbers
}

# allow OPERATION RESOURCE...: to bob.
allow() {
	java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
		-cp "$(<"$KAFKA_DIR/jars")/*" kafka.admin.AclCommand --force --add \
		--bootstrap-server "$KAFKA_BOOTSTRAP_SERVERS" --allow-principal User:bob --operation "$@"
}

@test "the rights that the pages name are all that it takes" {
	local bob=(-b "$KAFKA_SASL_SSL" -X security.protocol=SASL_SSL -X "ssl.ca.location=$KAFKA_TLS/ca.pem"
		-X sasl.mechanism=SCRAM-SHA-512 -X sasl.username=bob -X sasl.password=bob-secret --timeout 20)
	kafka_topic rights-in
	kafka_topic rights-out 1 max.message.bytes=100000
	kafka-produce -t rights-in numbers
	allow Write --topic rights-out
	kafka-produce "${bob[@]}" -t rights-out numbers
	fails 78 'uthoriz' kafka-produce "${bob[@]}" -t rights-out --transactional-id rights numbers
	# What the topic takes is not known before it is sent, but with the right to ask.
	printf '{"pad":"%0100000d"}\n' 0 >big
	fails 65 'Message size too large' kafka-produce "${bob[@]}" -t rights-out -z none big
	allow DescribeConfigs --topic rights-out
	fails 65 'the message has 100082 bytes, the topic takes' kafka-produce "${bob[@]}" -t rights-out big
	allow Write --transactional-id rights
	fails 78 'uthoriz' kafka-consume "${bob[@]}" -G rights -e rights-in
	allow Read --topic rights-in --group rights
	kafka-consume "${bob[@]}" -G rights -e rights-in |
		kafka-produce "${bob[@]}" -t rights-out --transactional-id rights
	[[ $(get rights-out | wc -l) -eq 2000 ]]
	[[ $(kafka_tool committed rights) = $'rights-in 0 1000\nsum 1000' ]]
}

@test "a file in one transaction or in many, each all or nothing" {
	kafka_topic files 3
	kafka-produce -t files --transactional-id file --key n --metrics m numbers
	[[ $(get files | wc -l) -eq 1000 ]]
	grep -qx 'sensorutils_transactions_committed_total{program="kafka-produce"} 1.0' m
	grep -qx 'sensorutils_messages_acknowledged_total{program="kafka-produce"} 1000.0' m
	# Every 50 ms while it lasts.
	record-replay --rate 2000 numbers |
		kafka-produce -t files --transactional-id file --commit-interval 50ms --metrics m
	(($(sed -n 's/^sensorutils_transactions_committed_total.* \([0-9]*\)\.0$/\1/p' m) >= 5))
	[[ $(get files | wc -l) -eq 2000 ]]
	# A bad record: what was not committed before is not there.
	(cat numbers; echo '{') >in
	fails 65 'in:1001' kafka-produce -t files --transactional-id file in
	[[ $(get files | wc -l) -eq 2000 && $(get_all files | wc -l) -ge 2000 ]]
	: | kafka-produce -t files --transactional-id file
}

@test "what is committed shows while the input is open, the rest does not" {
	kafka_topic open
	mkfifo pipe
	kafka-produce -t open --transactional-id open --commit-interval 10ms pipe 3>&- &
	local producer=$! status=0
	exec 5>pipe
	head -n 10 numbers >&5
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t open -o beginning -u -q -c 10 \
		-X isolation.level=read_committed >got
	cmp got <(head -n 10 numbers)
	kill -KILL "$producer"
	wait "$producer" || status=$?
	((status == 137))
	exec 5>&-
}

@test "killed in a transaction: the next of the same id begins at once, and nothing of it shows" {
	kafka_topic killed
	mkfifo pipe
	fails 64 "'--commit-interval' must be at most half of transaction.timeout.ms, which is 15000 ms" \
		kafka-produce -t killed --transactional-id killed --commit-interval 8s numbers
	kafka-produce -t killed --transactional-id killed --commit-interval 30s \
		-X transaction.timeout.ms=60000 pipe 3>&- &
	local producer=$! status=0
	exec 5>pipe
	cat numbers >&5
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -t killed -o beginning -u -q -c 1000 \
		-X isolation.level=read_uncommitted >got
	kill -KILL "$producer"
	wait "$producer" || status=$?
	exec 5>&-
	kafka-produce -t killed --transactional-id killed numbers
	get killed | cmp - numbers
	[[ $(get_all killed | wc -l) -ge 2000 ]]
}

@test "a broker's refusal of a record in a transaction: 65 and its place, not again and again" {
	kafka_topic refused 1 max.message.bytes=2000
	(head -n 1 numbers; printf '{"pad":"%02000d"}\n' 0) >in
	fails 65 'in:2: ' kafka-produce -t refused --transactional-id refused -z none \
		-X message.max.bytes=100000 in
	[[ -z $(get refused) ]]
}

@test "state travels with the offset, and comes back at the next assignment" {
	kafka_topic state-in
	kafka_topic state-out
	kafka-produce -t state-in numbers
	with_state() {
		jq -c --unbuffered "if ._kafka.control == \"mark\" then
			._kafka.ranges[] |= (.state = {replay_from: .from, pad: (\"x\" * $1)}) else . end"
	}
	kafka-consume -G state -e state-in | with_state 10 | kafka-produce -t state-out --transactional-id state
	[[ $(get state-out | wc -l) -eq 1000 ]]
	# Nothing is new: the consumer may leave before the mark of its assignment is committed.
	kafka-consume -G state -e state-in | tee again | kafka-produce -t state-out --transactional-id state
	jq -e -s '.[0]._kafka | .processed == 1000 and .state.pad == "xxxxxxxxxx"' again
	# What had to come again for the state is not produced again.
	[[ $(get state-out | wc -l) -eq 1000 ]]
	local ended
	# Nobody commits.
	kafka-consume -G state-2 -e --drain-timeout 1 state-in | with_state 5000 >marks || ended=${PIPESTATUS[*]}
	[[ $ended = '75 0' ]]
	fails 78 "the state kept for partition 0 of 'state-in' has" \
		kafka-produce -t state-out --transactional-id state marks
}

@test "control records that a filter drops: 78 at the end of input, or after 10 s" {
	kafka_topic dropped-in
	kafka_topic dropped
	kafka-produce -t dropped-in numbers
	kafka-consume -t dropped-in -e >records
	fails 78 'no control record came with them' \
		kafka-produce -t dropped --transactional-id dropped records
	mkfifo pipe
	exec 5<>pipe
	head -n 100 records >&5
	begin=$SECONDS
	fails 78 'no control record came with them' \
		kafka-produce -t dropped --transactional-id dropped <pipe
	((SECONDS - begin >= 9 && SECONDS - begin <= 20))
	exec 5>&-
	[[ -z $(get dropped) ]]
	kafka-consume -t dropped-in -e --no-provenance |
		kafka-produce -t dropped --transactional-id dropped
	get dropped | cmp - numbers
}

@test "rejects are kept before the offsets behind them are committed" {
	kafka_topic bad-in
	kafka_topic bad-out
	(head -n 5 numbers; echo '{"m":1}'; tail -n 5 numbers) >in
	kafka-produce -t bad-in in
	kafka-consume -G bad -e bad-in | kafka-produce -t bad-out --key n --transactional-id bad --rejects rejects
	[[ $(get bad-out | wc -l) -eq 10 ]]
	jq -e -s 'length == 1 and .[0]._kafka.offset == 5' rejects
	[[ $(kafka_tool committed bad) = $'bad-in 0 11\nsum 11' ]]
}
