#!/usr/bin/env bats
# record-replay: records again, in their time. How exact that is, the unit tests of the schedule
# say; here only what no machine is too slow for.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	for i in 0 1 2 3 4; do
		printf '{ "timestamp": "2024-01-01T00:00:0%d.500Z","x":1.50, "n":{"t":17040672%02d}}\n' $i $i
	done >five.jsonl
	jq -r '[.timestamp, .x, .n.t] | @csv' five.jsonl | tr -d '"' | sed '1i timestamp,x,n.t' >five.csv
}

teardown() {
	[[ -z ${pid-} ]] || kill -KILL "$pid" 2>/dev/null || true
}

# start COMMAND...: runs it with standard output to a pipe on descriptor 8; $pid is its process.
start() {
	mkfifo out.fifo
	env --default-signal=INT,TERM,PIPE "$@" >out.fifo 8>&- &
	pid=$!
	exec 8<out.fifo
}

# timed COMMAND...: its output in $output, its microseconds in $took.
timed() {
	local begin=${EPOCHREALTIME/./}
	output=$("$@")
	took=$((${EPOCHREALTIME/./} - begin))
}

now_between() {
	local text=$1 before=$2 after=$3
	[[ $text =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$ ]]
	[[ ! $text < $before && ! $text > $after ]]
}

wall_clock() {
	date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

@test "records are written as they came, from files, pipes, JSON and CSV" {
	printf ' { "z" : 1.50 ,"big":123456789012345678901234567890,"u":"\\u00e4" } \r\n\n{"kafka":{"topic":"t"},"a":[1e999]}' >odd
	[[ $(record-replay odd | od -c) = "$( (sed '2d' odd && echo) | od -c)" ]]
	record-replay five.jsonl | cmp - five.jsonl
	record-replay <five.csv >out
	cmp out five.csv
	sed 's/$/\r/' five.csv >crlf.csv
	record-replay --rate 100000 - <crlf.csv >out
	cmp out crlf.csv
	record-replay five.jsonl five.jsonl | cmp - <(cat five.jsonl five.jsonl)
	run --separate-stderr -0 record-replay /dev/null
	[[ -z $output && -z $stderr ]]
	[[ $(head -n 1 five.csv | record-replay --stamp s) = timestamp,x,n.t,s ]]
	[[ $(record-replay --to json five.csv | sed -n 2p) = '{"timestamp":"2024-01-01T00:00:01.500Z","x":1.5,"n":{"t":1704067201}}' ]]
	record-replay --to csv five.jsonl | sed 's/,1[.]50,/,1.5,/' | cmp - five.csv
	[[ $(record-replay --fields n.t,x five.jsonl | head -n 1) = '{"n":{"t":1704067200},"x":1.50}' ]]
}

@test "--rate: n records take (n - 1) / rate, and no less" {
	timed record-replay --rate 20 five.jsonl
	[[ $output = "$(<five.jsonl)" ]]
	((took >= 200000 && took < 20000000))
	timed record-replay --rate 10000 --repeat --count 3000 five.jsonl
	[[ $(wc -l <<<"$output") -eq 3000 ]]
	((took >= 299800 && took < 20000000))
}

@test "--speed: as far apart as the times are; out of order never waits" {
	timed record-replay --speed 10x five.jsonl
	[[ $output = "$(<five.jsonl)" ]]
	((took >= 400000 && took < 20000000))
	timed record-replay --speed 10 --time-field n.t five.csv
	((took >= 400000 && took < 20000000))
	# Days back: only the first and the last are apart.
	printf '{"timestamp":%s}\n' 1704067200 1600000000 1704067200 0 1704067201 >back.jsonl
	timed record-replay --speed 4x back.jsonl
	[[ $output = "$(<back.jsonl)" ]]
	((took >= 250000 && took < 20000000))
	# A new pass follows without the wait that would be 49 days long.
	printf '{"timestamp":%s}\n' 1700000000000 1704067200000 >days.jsonl
	timed record-replay --speed 1e9x --repeat=3 days.jsonl
	[[ $(wc -l <<<"$output") -eq 6 ]]
	((took < 20000000))
	# The same numbers, in another unit.
	timed record-replay --speed 1000x --time-unit ns days.jsonl
	((took >= 4000 && took < 20000000))
}

@test "--speed and --restamp: a record without a time is a bad one" {
	for bad in '{"x":1}' '{"timestamp":null}' '{"timestamp":"noon"}' '{"timestamp":[1]}' '{"timestamp":1e300}'; do
		printf '{"timestamp":0,"x":1}\n%s\n{"timestamp":1}\n' "$bad" >in
		for how in --restamp '--speed 1000x'; do
			# shellcheck disable=SC2086
			run --separate-stderr -65 record-replay $how in
			[[ ${#lines[@]} -eq 1 && $stderr = "record-replay: in:2: "*timestamp* ]]
			rm -f bad
			# shellcheck disable=SC2086
			run --separate-stderr -0 record-replay $how --rejects bad in
			[[ ${#lines[@]} -eq 2 && $stderr = "record-replay: 1 of 3 records rejected, kept in 'bad'" ]]
			[[ $(jq -c '[.program, .file, .line, .record]' bad) = "$(jq -nc --arg r "$bad" '["record-replay", "in", 2, $r]')" ]]
		done
		record-replay in | cmp - in
	done
}

@test "--restamp: now, in its place and kind" {
	before=$(wall_clock)
	record-replay --restamp five.jsonl >out
	after=$(wall_clock)
	while read -r line; do
		now_between "$(jq -r .timestamp <<<"$line")" "$before" "$after"
	done <out
	sed 's/"20[^"]*Z"/T/' out | cmp - <(sed 's/"20[^"]*Z"/T/' five.jsonl)
	record-replay --restamp five.csv | sed '2,$s/^20[^,]*Z/T/' | cmp - <(sed '2,$s/^20[^,]*Z/T/' five.csv)
	# A number stays one, in its unit.
	[[ $(record-replay --restamp --time-field n.t five.jsonl | head -n 1) =~ ^'{ "timestamp": "2024-01-01T00:00:00.500Z","x":1.50, "n":{"t":'[0-9]{10}'}}'$ ]]
	[[ $(record-replay --restamp --time-field n.t --time-unit ms five.csv | tail -n 1) =~ ^2024-01-01T00:00:04.500Z,1.5,[0-9]{13}$ ]]
	[[ $(echo '{"timestamp":1704067200.25}' | record-replay --restamp) =~ ^'{"timestamp":'[0-9]{10}\.[0-9]{3}'}'$ ]]
	# In records made anew, too.
	[[ $(record-replay --restamp --time-field n.t --to json --fields n.t five.csv | head -n 1) =~ ^'{"n":{"t":'[0-9]{10}'}}'$ ]]
	[[ $(record-replay --restamp --to csv five.jsonl | tail -n 1) =~ ^20..-..-..T..:..:..\....Z,1.50,1704067204$ ]]
	[[ $(record-replay --restamp --to csv five.jsonl | tail -n 1) != 2024-01-01* ]]
	expect_error 64 "'--restamp' cannot replace 'n.t' inside of 'n'" record-replay --restamp --time-field n.t --fields x,n five.jsonl
}

@test "--stamp: a field with the wall clock, or in the place of one" {
	before=$(wall_clock)
	record-replay --stamp producer_timestamp five.jsonl >out
	after=$(wall_clock)
	while read -r line; do
		now_between "$(jq -r .producer_timestamp <<<"$line")" "$before" "$after"
	done <out
	sed 's/,"producer_timestamp":"[^"]*"}$/}/' out | cmp - five.jsonl
	record-replay --stamp producer_timestamp out | sed 's/,"producer_timestamp":"[^"]*"}$/}/' | cmp - five.jsonl
	record-replay --stamp 'a "b".c' five.jsonl | jq -se 'length == 5 and all(."a \"b\".c" | type == "string")'
	[[ $(record-replay --stamp x five.csv | head -n 2) = timestamp,n.t,x$'\n'2024-01-01T00:00:00.500Z,1704067200,20* ]]
	# Beside --restamp: the same instant, each in its place.
	record-replay --restamp --stamp p five.jsonl | jq -e -s 'all(.timestamp == .p)'
	expect_error 64 "would replace what '--restamp' sets" record-replay --restamp --stamp timestamp five.jsonl
	expect_error 64 "would replace what '--restamp' sets" record-replay --restamp --time-field n.t --stamp n five.jsonl
	expect_error 64 "'' cannot name a time" record-replay --stamp '' five.jsonl
	record-replay --stamp timestamp --speed 1000x five.jsonl | jq -e -s 'all(.timestamp > "2024-01-01T00:01")'
}

@test "times without an offset: UTC with a remark, once; --tz without one" {
	printf '{"timestamp":"2024-01-01 00:00:0%d"}\n' 0 1 >naive
	run --separate-stderr -0 record-replay --speed 1000x naive
	[[ $stderr = "record-replay: times without an offset are taken as UTC; --tz says otherwise" ]]
	run --separate-stderr -0 record-replay --speed 1000x --tz +05:30 naive
	[[ -z $stderr ]]
	run --separate-stderr -0 record-replay naive
	[[ -z $stderr ]]
}

@test "--repeat: files, and standard input that is one, from where it stands" {
	[[ $(record-replay --repeat=3 five.jsonl five.jsonl | wc -l) -eq 30 ]]
	record-replay --repeat=2 five.csv | cmp - <(cat five.csv && tail -n +2 five.csv)
	record-replay --repeat=2 <five.jsonl >out
	cmp out <(cat five.jsonl five.jsonl)
	{
		read -r _
		record-replay --repeat=2 -
	} <five.jsonl >out
	cmp out <(tail -n +2 five.jsonl && tail -n +2 five.jsonl)
	printf '{"x":1}' >torn
	[[ $(record-replay --repeat=2 torn) = $'{"x":1}\n{"x":1}' ]]
	mkfifo pipe
	for input in pipe /dev/null; do
		expect_error 64 "'$input' is no regular file" record-replay --repeat five.jsonl "$input"
	done
	run --separate-stderr -64 bash -c 'true | record-replay --repeat=2'
	[[ $stderr = "record-replay: option '--repeat': '(stdin)' is no regular file: it cannot be read again"* ]]
	expect_error 66 missing record-replay --repeat missing
	expect_error 64 "'--repeat' takes its number as '--repeat=3'" record-replay --repeat 3 five.jsonl
	cp five.jsonl 3
	[[ $(record-replay --repeat 3 --count 7 | wc -l) -eq 7 ]]
	for n in 0 -1 x 1.5 ''; do
		expect_error 64 "option '--repeat': takes a whole number of at least 1" record-replay --repeat=$n five.jsonl
	done
}

@test "--repeat ends where nothing comes" {
	: >empty
	timeout 20 record-replay --repeat empty
	echo a,b >header.csv
	[[ $(timeout 20 record-replay --repeat --rate 1 header.csv) = a,b ]]
	printf 'x\ny\n{\n' | sed '1i {' >bad.jsonl
	run --separate-stderr -0 timeout 20 record-replay --from json --repeat --rejects rejects bad.jsonl
	[[ -z $output && $(wc -l <rejects) -eq 4 ]]
	# Bad ones among good ones are bad in each pass.
	cat five.jsonl bad.jsonl >mixed
	run --separate-stderr -0 record-replay --repeat=3 --rejects again.rejects mixed
	[[ ${#lines[@]} -eq 15 && $(wc -l <again.rejects) -eq 12 && $stderr = *"12 of 27 records rejected"* ]]
	run --separate-stderr -65 record-replay --repeat --rejects again.rejects --max-rejects 10 mixed
	[[ $stderr = *"--max-rejects 10"* ]]
	run --separate-stderr -65 record-replay --repeat --rejects again.rejects --max-rejects 0.1 mixed
	[[ ${#lines[@]} -eq 5 ]]
}

@test "--count: so many records, and then the end" {
	[[ $(record-replay --count 3 five.jsonl) = "$(head -n 3 five.jsonl)" ]]
	[[ $(record-replay --count 7 --repeat=2 five.jsonl | wc -l) -eq 7 ]]
	[[ $(record-replay --count 70 five.jsonl | wc -l) -eq 5 ]]
	# What is bad counts for nothing; what comes behind is not read.
	(echo '{' && cat five.jsonl && echo '{') >bad
	run --separate-stderr -0 record-replay --count 5 --rejects rejects bad
	[[ ${#lines[@]} -eq 5 && $(wc -l <rejects) -eq 1 ]]
	expect_error 64 "'--count' takes a whole number" record-replay --count 0 five.jsonl
}

@test "options that are wrong: 64" {
	for bad in '--rate 0' '--rate -1' '--rate x' '--speed 0' '--speed 0x' '--speed x' '--speed 60y' '--speed 1e999' \
		'--speed=' '--rate 1 --speed 1' '--time-field a..b' '--tz noon' '-j 2'; do
		# shellcheck disable=SC2086
		expect_error 64 "" record-replay $bad five.jsonl
	done
}

@test "bad input stops it behind the good records before: 65" {
	(cat five.jsonl && echo '{"x":}' && cat five.jsonl) >bad
	for how in '' '--rate 1000' '--speed 100x'; do
		# shellcheck disable=SC2086
		run --separate-stderr -65 record-replay $how bad
		[[ $output = "$(<five.jsonl)" && $stderr = "record-replay: bad:6:6: "* ]]
	done
	(cat five.jsonl && head -c 100 /dev/zero | tr '\0' ' ' && echo '{}') >long
	run --separate-stderr -0 record-replay --max-line 99 --rejects rejects long
	[[ $output = "$(<five.jsonl)" && $(jq -c '[.line, .record]' rejects) = '[6,null]' ]]
	printf 'a,b\n1,2\n' >other.csv
	run --separate-stderr -65 record-replay five.csv other.csv
	[[ $output = "$(<five.csv)" && $stderr = *"other.csv:1: header differs"* ]]
	(cat five.jsonl && echo '{"y":1}') >wider
	run --separate-stderr -65 record-replay --to csv wider
	[[ ${#lines[@]} -eq 6 && $stderr = *'wider:6:'*'no column for field "y"'* ]]
}

mark() {
	printf '{"_kafka":{"control":"%s","seq":%d,"session":"s"}}\n' "$1" "$2"
}

@test "control records are checked and consumed" {
	(mark assign 0 && head -n 2 five.jsonl && mark mark 1 && tail -n +3 five.jsonl && mark end 2) >stream
	record-replay stream | cmp - five.jsonl
	record-replay --repeat=2 --rate 1000 stream | cmp - <(cat five.jsonl five.jsonl)
	record-replay --to csv stream | sed 's/,1[.]50,/,1.5,/' | cmp - five.csv
	(mark assign 0 && mark end 1) >none
	run --separate-stderr -0 record-replay --to csv none
	[[ -z $output && -z $stderr ]]
	head -n -1 stream >unended
	run --separate-stderr -75 record-replay unended
	[[ $output = "$(<five.jsonl)" && $stderr = *"without the control record 'end'"* ]]
	# Who stops before the end asks for none.
	record-replay --count 5 unended | cmp - five.jsonl
	(head -n 3 stream && mark reset 1) >void
	run --separate-stderr -75 record-replay void
	[[ ${#lines[@]} -eq 2 && $stderr = "record-replay: void:4: control record 'reset' makes void"* ]]
	grep -v mark stream >gap
	run --separate-stderr -78 record-replay --rejects rejects gap
	[[ $stderr = "record-replay: gap:7: control record 2 came where 1 was due"* ]]
	for line in '{"x":1}' '{"x":1,'; do
		(head -n -1 stream && printf '%s' "$line") >torn
		run --separate-stderr -75 record-replay --rejects rejects torn
		[[ $stderr = *torn* && ! -s rejects ]]
	done
}

@test "a record written again is a new one: without where the old one came from" {
	printf '{"_kafka":{"topic":"t","partition":0,"offset":%d,"timestamp":"2024-01-01T00:00:0%d.000Z"}, "x":1.50,"k":"_kafka"}\n' 7 0 8 1 >from
	sed 's/"_kafka":{.*}, "x"/ "x"/' from >clean
	record-replay from | cmp - clean
	record-replay --rate 10000 --repeat=2 from | cmp - <(cat clean clean)
	[[ $(record-replay --to csv from | head -n 2) = x,k$'\n'1.50,_kafka ]]
	[[ $(record-replay --fields k from | head -n 1) = '{"k":"_kafka"}' ]]
	[[ $(record-replay --stamp s from | sed 's/"20.*"/T/' | head -n 1) = '{ "x":1.50,"k":"_kafka","s":T}' ]]
	echo '{"x":1,"_kafka":{"topic":"t"}}' | record-replay --restamp --time-field x | jq -e '.x > 1e9 and length == 1'
	echo '{"_kafka":{"topic":"t"},"t":1}' | record-replay --restamp --time-field t | jq -e '.t > 1e9 and length == 1'
	[[ $(echo '{"_kafka":{"topic":"t"}}' | record-replay) = '{}' ]]
	printf '_kafka.topic,x,_kafka.offset\nt,1,7\n' >from.csv
	[[ $(record-replay from.csv) = x$'\n'1 && $(record-replay --to json from.csv) = '{"x":1}' ]]
	# It may still say when, and stays with what is rejected.
	[[ $(record-replay --speed 1000x --time-field _kafka.timestamp from) = "$(<clean)" ]]
	expect_error 64 "'--restamp' cannot replace '_kafka.timestamp'" record-replay --restamp --time-field _kafka.timestamp from
	record-replay --speed 1000x --rejects kept from 2>words
	[[ $(jq -c ._kafka.offset kept) = 7$'\n'8 ]]
}

@test "what is due is seen at once; SIGTERM is the end of input" {
	start record-replay --rate 0.001 five.jsonl
	read -r -t 20 line <&8
	[[ $line = "$(head -n 1 five.jsonl)" ]]
	kill -TERM "$pid"
	wait "$pid"
	run ! read -r -t 20 line <&8
	exec 8<&-
}

@test "SIGTERM ends a wait for input, and a replay at full speed" {
	mkfifo in.fifo
	exec 7<>in.fifo
	start record-replay in.fifo
	cat five.jsonl >&7
	for i in 1 2 3 4 5; do
		read -r -t 20 line <&8
		[[ $line = "$(sed -n ${i}p five.jsonl)" ]]
	done
	kill -TERM "$pid"
	wait "$pid"
	exec 7>&- 8<&-
	rm out.fifo
	start record-replay --repeat five.jsonl
	read -r -t 20 line <&8
	kill -TERM "$pid"
	cat <&8 >rest
	wait "$pid"
	# Whole records to the last.
	[[ $(tail -c 1 rest | od -An -c | tr -d ' ') = '\n' ]]
	[[ $(sort -u rest | wc -l) -eq 5 ]]
	exec 8<&-
}

@test "SIGINT: what was due is written, then death by the signal" {
	for how in '--rate 0.001' '--speed 0.001x'; do
		run python3 -c 'import signal, subprocess, sys
p = subprocess.Popen(["record-replay", *sys.argv[1].split(), "five.jsonl"], stdout=subprocess.PIPE)
line = p.stdout.readline()
p.send_signal(signal.SIGINT)
sys.exit(0 if p.wait(20) == -signal.SIGINT and line == open("five.jsonl", "rb").readline() and not p.stdout.read() else 1)' "$how"
		[[ $status -eq 0 ]]
	done
}

@test "-o: the output is put in its place when it is whole, and not else" {
	record-replay --to csv -o out five.jsonl
	[[ $(wc -l <out) -eq 6 ]]
	record-replay --to csv --output - five.jsonl | cmp - out
	cp out before
	echo '{"x":' >bad.jsonl
	expect_error 65 "bad.jsonl:1:" record-replay -o out five.jsonl bad.jsonl
	expect_error 64 "option '--output': 'five.jsonl' is an input, too" record-replay -o five.jsonl five.jsonl
	expect_error 73 "nowhere" record-replay -o nowhere/out five.jsonl
	run --separate-stderr -74 bash -c 'ulimit -f 8; record-replay --repeat=1000 -o out five.jsonl'
	[[ $stderr = "record-replay: out: cannot write"* ]]
	cmp out before
	[[ $(wc -l <five.jsonl) -eq 5 && $(echo out*) = out ]]
	record-replay --repeat --count 7 -o seven five.jsonl
	[[ $(wc -l <seven) -eq 7 ]]
}

# until_begun: waits until something is written aside for the file `out`.
until_begun() {
	until compgen -G 'out.??????' >/dev/null; do kill -0 "$pid"; done
}

@test "-o: SIGTERM ends it as the end of input does; SIGINT and SIGHUP leave nothing" {
	local signal
	for signal in TERM INT HUP; do
		env --default-signal=INT,TERM,HUP record-replay --rate 0.001 -o out five.jsonl 3>&- &
		pid=$!
		until_begun
		kill "-$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		echo "$signal $status"
		if [[ $signal = TERM ]]; then
			[[ $status -eq 0 && $(wc -l <out) -eq 1 ]]
			rm out
		else
			[[ $status -eq $((128 + $(kill -l $signal))) && ! -e out ]]
		fi
		[[ -z $(compgen -G 'out.*') ]]
	done
}

@test "a reader that vanishes is noticed while nothing is due" {
	start record-replay --rate 0.001 five.jsonl
	read -r -t 20 line <&8
	exec 8<&-
	status=0
	wait "$pid" || status=$?
	[[ $status -eq 141 ]]
}

@test "--metrics: what was read, rejected and written" {
	(cat five.jsonl && echo '{') >bad
	run --separate-stderr -0 record-replay --rate 1000 --repeat=2 --rejects rejects --metrics metrics bad
	metric() {
		sed -n "s/^sensorutils_$1{program=\"record-replay\"} //p" metrics
	}
	[[ $(metric records_total) = 12.0 && $(metric records_rejected_total) = 2.0 && $(metric records_written_total) = 10.0 ]]
	[[ $(metric input_bytes_total) = $((2 * $(wc -c <bad))).0 ]]
	[[ $(metric schedule_put_off_seconds_total) =~ ^[0-9.e-]+$ ]]
	expect_error 73 "cannot write metrics" record-replay --count 1 --metrics missing/m /dev/null
}

# bats test_tags=native
@test "memory does not grow with passes or records" {
	awk '{ line[NR] = $0 } END { for (i = 0; i < 10000; i++) print line[i % NR + 1] }' five.jsonl >many.jsonl
	(
		ulimit -v 65536
		record-replay --repeat=20 --restamp --stamp p --to csv many.jsonl >out
	)
	[[ $(wc -l <out) -eq 200001 ]]
}
