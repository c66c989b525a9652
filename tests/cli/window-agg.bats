#!/usr/bin/env bats
# window-agg: windows, keys, time that cannot be trusted, state, control records.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# soon CONDITION: waits until it holds.
soon() {
	timeout 60 bash -c "until [[ $1 ]]; do :; done"
}

# at SECONDS KEY X: a record.
at() {
	printf '{"k":"%s","timestamp":%s,"x":%s}\n' "$2" "$1" "$3"
}

# 40 records of two keys, a second apart, x counting up.
series() {
	awk -v from="${1:-0}" -v to="${2:-40}" 'BEGIN { for (i = from; i < to; i++)
		printf "{\"k\":\"%s\",\"timestamp\":%d,\"x\":%d}\n", i % 2 ? "b" : "a", 1704067200 + i, i }'
}

# kafka P OFFSET SECONDS KEY X: a record of partition P.
kafka() {
	printf '{"k":"%s","timestamp":%s,"x":%s,"_kafka":{"topic":"t","partition":%d,"offset":%d}}\n' "$4" "$3" "$5" "$1" "$2"
}

control() {
	printf '{"_kafka":{"control":"%s","seq":%d,"session":"s"%s}}\n' "$@"
}

# assign SEQ P FROM PROCESSED STATE
assign() {
	control assign "$1" ",\"topic\":\"t\",\"partition\":$2,\"replay_from\":$3,\"processed\":$4,\"epoch\":null,\"state\":$5"
}

# mark SEQ P:FROM:TO…
mark() {
	local seq=$1 ranges="" p from to r
	shift
	for r; do
		IFS=: read -r p from to <<<"$r"
		ranges+=",{\"topic\":\"t\",\"partition\":$p,\"from\":$from,\"to\":$to}"
	done
	control mark "$seq" ",\"group\":\"g\",\"generation\":1,\"member\":\"m\",\"instance\":null,\"ranges\":[${ranges:1}]"
}

@test "a row for each window and key, in order, with all results" {
	series | window-agg --key k --window 20s --agg x:count,sum,mean,min,max,range,stddev,first,last,p0,p50,p100 >out
	[[ $(jq -c '[.k,.window_start,.count]' out | tr '\n' ' ') = '["a","2024-01-01T00:00:00.000Z",10] ["b","2024-01-01T00:00:00.000Z",10] ["a","2024-01-01T00:00:20.000Z",10] ["b","2024-01-01T00:00:20.000Z",10] ' ]]
	head -n 1 out
	[[ $(head -n 1 out) = '{"k":"a","window_start":"2024-01-01T00:00:00.000Z","window_end":"2024-01-01T00:00:20.000Z","count":10,"x_count":10,"x_sum":90.0,"x_mean":9.0,"x_min":0.0,"x_max":18.0,"x_range":18.0,"x_stddev":6.0553007081949835,"x_first":0.0,"x_last":18.0,"x_p0":0.0,"x_p50":7.9'*',"x_p100":18.0}' ]]
}

@test "CSV in, CSV out, and one to the other" {
	(echo k,timestamp,x && series | jq -r '[.k,.timestamp,.x] | @csv' | tr -d '"') >in.csv
	series >in.jsonl
	window-agg --key k --window 20s --agg x:mean in.csv >out.csv
	[[ $(head -n 2 out.csv) = $'k,window_start,window_end,count,x_mean\na,2024-01-01T00:00:00.000Z,2024-01-01T00:00:20.000Z,10,9.0' ]]
	cmp out.csv <(window-agg --key k --window 20s --agg x:mean --to csv in.jsonl)
	cmp <(window-agg --key k --window 20s --agg x:mean in.jsonl) <(window-agg --key k --window 20s --agg x:mean --to json in.csv)
	[[ $(head -n 1 in.csv | window-agg --key k --window 20s) = k,window_start,window_end,count ]]
	[[ -z $(window-agg --window 20s </dev/null) ]]
}

@test "several sizes in one pass; as; nested names; the field of the count" {
	series | window-agg --window 40s --window 20s/10s --agg x:max --agg 'x:sum as m.total' --agg 'count as m.n' >out
	[[ $(grep -c '"window":"40s"' out) -eq 1 && $(grep -c '"window":"20s/10s"' out) -eq 5 ]]
	[[ $(grep 40s out) = '{"window":"40s","window_start":"2024-01-01T00:00:00.000Z","window_end":"2024-01-01T00:00:40.000Z","x_max":39.0,"m":{"total":780.0,"n":40}}' ]]
	# At one end the longer one first.
	[[ $(jq -c '[.window_end[17:19],.window]' out | tr '\n' ' ') = '["10","20s/10s"] ["20","20s/10s"] ["30","20s/10s"] ["40","40s"] ["40","20s/10s"] ["50","20s/10s"] ' ]]
	expect_error 64 "'x_max' and 'x_max'" window-agg --window 1s --agg x:max --agg x:max
	expect_error 64 "'a' and 'a.b'" window-agg --window 1s --agg 'x:max as a' --agg 'x:min as a.b'
	expect_error 64 "'window_end'" window-agg --window 1s --agg 'x:max as window_end'
}

@test "options that make no sense: 64, and why" {
	expect_error 64 "no windows" window-agg
	expect_error 64 "exclude each other" window-agg --window 1s --session 2s
	expect_error 64 "slides by more" window-agg --window 1s/2s
	expect_error 64 "whole milliseconds" window-agg --window 1500us
	expect_error 64 "at most 3653d" window-agg --window 4000d
	expect_error 64 "is given twice" window-agg --window 1s --window 1s
	expect_error 64 "10000" window-agg --window 1h/7ms
	expect_error 64 "needs '--window'" window-agg --session 1s --slide 1s
	expect_error 64 "needs '--single'" window-agg --window 1s --idle 1s
	expect_error 64 "not for '--single'" window-agg --session 1s --single
	expect_error 64 "exclude each other" window-agg --window 1s --flush --hold
	expect_error 64 "not a duration" window-agg --window 10
	expect_error 64 "not a duration" window-agg --window 10s/
	expect_error 64 "not a duration" window-agg --window 1s --lateness soon
	expect_error 64 "option '--session': takes a duration above 0s, not '0s'" window-agg --session 0s
	expect_error 64 "option '--window': '0ms' is no duration above 0" window-agg --window 0ms
	printf '{"timestamp":1}\n' | window-agg --window 1s --lateness 0ms >/dev/null
	for agg in 'x:foo' 'x:p' 'x:p101' 'x:p-1' 'x:p1e1' 'x:mean,' 'x:'; do
		expect_error 64 "none of count" window-agg --window 1s --agg "$agg"
	done
	expect_error 64 "takes FIELD:OP" window-agg --window 1s --agg x
	expect_error 64 "option '--agg'" window-agg --window 1s --agg ':mean'
	expect_error 64 "option '--agg'" window-agg --window 1s --agg 'x:mean as '
	expect_error 64 "names one result" window-agg --window 1s --agg 'x:mean,max as y'
	expect_error 64 "option '--key'" window-agg --window 1s --key a,,b
	touch f
	expect_error 64 "is an input, too" window-agg --window 1s --late f f
	expect_error 64 "is an input, too" window-agg --window 1s --state f f
}

@test "truth values are 0 and 1, and their sum a count; missing ones are not counted" {
	printf '{"timestamp":%d,"b":%s}\n' 0 true 1 false 2 null 3 true >in
	[[ $(window-agg --window 10s --agg b:count,sum,mean,max in) = *'"count":4,"b_count":3,"b_sum":2,"b_mean":0.6666666666666666,"b_max":1.0}' ]]
	printf '{"timestamp":%d,"b":%s}\n' 0 true 1 1 >in
	[[ $(window-agg --window 10s --agg b:sum in) = *'"b_sum":2.0}' ]]
	printf '{"timestamp":%d,"b":null}\n' 0 1 >in
	[[ $(window-agg --window 10s --agg b:count,sum,stddev,p50,first in) = *'"count":2,"b_count":0,"b_sum":null,"b_stddev":null,"b_p50":null,"b_first":null}' ]]
	[[ $(window-agg --window 10s --agg b:sum --to csv in | tail -n 1) = *,2, ]]
}

@test "keys are written as the kind they were, and strings are equal by their characters" {
	printf '{"timestamp":0,"k":%s}\n' 7 '"7"' null true '"\u0041"' '"A"' 7.0 12345678901234567890 '"a,\"b\"\n"' '"\u0000"' -1 false >in
	window-agg --key k --window 1s in >out
	[[ $(jq -c .count out | tr '\n' ' ') = '1 1 1 1 1 1 1 1 1 2 1 ' ]]
	[[ $(sed 's/,"window.*//' out | tr '\n' ' ') = '{"k":null {"k":false {"k":true {"k":-1 {"k":7 {"k":7.0 {"k":12345678901234567890 {"k":"\u0000" {"k":"7" {"k":"A" {"k":"a,\"b\"\n" ' ]]
	run --separate-stderr -65 window-agg --key k --window 1s --to csv in
	[[ $stderr = *"a NUL in it, which CSV cannot hold"* ]]
	grep -v u0000 in | window-agg --key k --window 1s --to csv >out
	window-agg --key k --window 1s --to json <(printf 'k,timestamp\n"a,""b""\n",0\n"a,""b""\n",0\n7,0\n"7",0\n') >out
	[[ $(jq -c '[.k,.count]' out | tr '\n' ' ') = '[7,1] ["7",1] ["a,\"b\"\n",2] ' ]]
	# 1 MB
	{
		printf '{"timestamp":0,"k":"'
		head -c 1000000 /dev/zero | tr '\0' k
		echo '"}'
	} >in
	[[ $(window-agg --key k --window 1s in | wc -c) -gt 1000000 ]]
	expect_error 65 "key 'k': it is an array" window-agg --key k --window 1s <<<'{"timestamp":0,"k":[1]}'
	expect_error 65 "key 'k' is absent (--absent-as-missing would take it as missing)" window-agg --key k --window 1s <<<'{"timestamp":0}'
	[[ $(window-agg --key k --absent-as-missing --window 1s <<<'{"timestamp":0}') = '{"k":null,'* ]]
	expect_error 65 "surrogate" window-agg --key k --window 1s <<<'{"timestamp":0,"k":"\ud800"}'
	[[ $(window-agg --key a,m.b --window 1s <<<'{"timestamp":0,"m":{"b":1},"a":"x"}') = '{"a":"x","m":{"b":1},"window_start":'* ]]
}

@test "a key that hides a window's end: keys do not run into each other" {
	printf '{"timestamp":0,"a":"%s","b":"%s"}\n' x yz xy z >in
	[[ $(window-agg --key a,b --window 1s in | wc -l) -eq 2 ]]
}

@test "bad values: 65 with the place, or kept" {
	expect_error 65 "(stdin):1: 'x' is a string, not a number" window-agg --window 1s --agg x:mean <<<'{"timestamp":0,"x":"1"}'
	expect_error 65 "(stdin):1: 'x' is absent (--absent-as-missing would take it as missing)" window-agg --window 1s --agg x:mean <<<'{"timestamp":0}'
	expect_error 65 "(stdin):1: 'x' is larger than 1e150" window-agg --window 1s --agg x:mean <<<'{"timestamp":0,"x":1e999}'
	expect_error 65 "record has no time" window-agg --window 1s <<<'{"x":1}'
	printf '{"timestamp":0,"x":%s}\n' 1 '"a"' '[]' 3 '{' >in
	run --separate-stderr -0 window-agg --window 1s --agg x:sum --rejects bad in
	[[ $output = *'"count":2,"x_sum":4.0}' && $stderr = *"3 of 5 records rejected"* ]]
	[[ $(jq -c .line bad | tr '\n' ' ') = "2 3 5 " ]]
	run --separate-stderr -65 window-agg --window 1s --agg x:sum --rejects bad --max-rejects 2 in
}

@test "times: before 1970, leap seconds, zones, far away, none at all" {
	printf '{"timestamp":"%s"}\n' 1969-12-31T23:59:59.5Z 1969-12-31T23:59:59Z 1970-01-01T01:00:00+01:00 >in
	[[ $(window-agg --window 1s in | jq -c '[.window_start,.count]' | tr '\n' ' ') = '["1969-12-31T23:59:59.000Z",2] ["1970-01-01T00:00:00.000Z",1] ' ]]
	printf '{"timestamp":"%s"}\n' 2016-12-31T23:59:59Z 2016-12-31T23:59:60Z 2017-01-01T00:00:00Z >in
	[[ $(window-agg --window 1m in | jq -c '[.window_start,.count]' | tr '\n' ' ') = '["2016-12-31T23:59:00.000Z",1] ["2017-01-01T00:00:00.000Z",2] ' ]]
	expect_error 65 "outside the years 1717 to 2223" window-agg --window 1s <<<'{"timestamp":"2250-01-01T00:00:00Z"}'
	expect_error 65 "no such day" window-agg --window 1s <<<'{"timestamp":"2023-02-29T00:00:00Z"}'
	run --separate-stderr -0 window-agg --window 1s --tz +02:00 <<<'{"timestamp":"2024-01-01T02:00:00"}'
	[[ $output = '{"window_start":"2024-01-01T00:00:00.000Z"'* && -z $stderr ]]
	run --separate-stderr -0 window-agg --window 1s <<<'{"timestamp":"2024-01-01T02:00:00"}'
	[[ $stderr = *"are taken as UTC"* ]]
}

@test "windows of a size that is no multiple of the slide, before 1970; sessions that begin within a millisecond" {
	# [-9000, -2000), [-6000, 1000) … one a 3 s
	printf '{"timestamp":%s}\n' -6.5 -3 -0.001 0 2.999 >in
	[[ $(window-agg --window 7s/3s --lateness 10s in | jq -c '[.window_start[17:19],.count]' | tr '\n' ' ') = '["48",1] ["51",2] ["54",3] ["57",4] ["00",2] ' ]]
	[[ $(printf '{"timestamp":%s}\n' -5.0015 -0.0005 | window-agg --session 1s | jq -c .window_start[17:23] | tr '\n' ' ') = '"54.998" "59.999" ' ]]
}

# bats test_tags=native
@test "500 years without a record cost nothing" {
	printf '{"timestamp":"%d-01-01T00:00:00Z","k":"%s"}\n' 1720 a 1720 b 2220 a 2220 b >in
	[[ $(timeout 5 window-agg --window 10s/1ms --key k in | wc -l) -eq 40000 ]]
}

@test "values that are no numbers are none: NaN, inf, larger than a double" {
	for x in NaN inf Infinity -nan 0x10; do
		expect_csv=$(printf 'timestamp,x\n0,%s\n' "$x" | window-agg --window 1s --agg x:max --rejects bad 2>/dev/null)
		[[ $expect_csv = window_start,window_end,count,x_max ]]
		run --separate-stderr -65 window-agg --window 1s --agg x:max <<<"{\"timestamp\":0,\"x\":$x}"
	done
	[[ $(jq -r .reason bad | sort -u) = "'x' is a string, not a number" ]]
	printf '{"timestamp":0,"x":%s}\n' -1e150 1e150 -1e150 1e-320 -0.0 >in
	[[ $(window-agg --window 1s --agg x:min,max,p50,mean,first in) = *'"x_min":-1e+150,"x_max":1e+150,"x_p50":0.0,"x_mean":-1.9999999999999999e+149,"x_first":-1e+150}' ]]
}

@test "late records go to their file, or are counted" {
	{
		series
		at 1704067205 a 1000
		at 1704067235 a 1000
	} >in
	run --separate-stderr -0 window-agg --key k --window 20s --agg x:max in
	[[ $stderr = "window-agg: 1 of 42 records late, and in no window ('--late FILE' keeps them)" ]]
	[[ $(jq -c .x_max <<<"$output" | tr '\n' ' ') = "18 19 1000 39 " ]]
	run --separate-stderr -0 window-agg --key k --window 20s --agg x:max --late late in
	[[ $stderr = "window-agg: 1 of 42 records late, kept in 'late'" && $(cat late) = "$(at 1704067205 a 1000)" ]]
	run --separate-stderr -0 window-agg --key k --window 20s --lateness 1m --agg x:max in
	[[ -z $stderr && $(jq -c .x_max <<<"$output" | tr '\n' ' ') = "1000 19 1000 39 " ]]
	# Some windows of a sliding one are still open.
	[[ $(window-agg --window 20s/10s --agg x:max <(series && at 1704067225 a 1000) | jq -c .x_max | tr '\n' ' ') = "9 19 29 1000 39 " ]]
	# CSV has its header, once.
	printf 'k,timestamp\na,100\nb,100\na,1\n' >in.csv
	window-agg --key k --window 1s --late late.csv in.csv in.csv >out 2>err
	[[ $(cat late.csv) = $'k,timestamp\na,1\na,1' ]]
}

@test "late records are in their file, too, when a bad one ends the program" {
	{
		for i in {1..19}; do at $((1704067200 + 10 * i)) a 1; done
		at 1704067205 a 1000
		echo '{'
	} >in
	run --separate-stderr -65 window-agg --key k --window 20s --agg x:max --late late in
	[[ $stderr = *"window-agg: 1 of 20 records late, kept in 'late'" && $(cat late) = "$(at 1704067205 a 1000)" ]]
	run --separate-stderr -65 window-agg --key k --window 20s --agg x:max --late /dev/full in
	[[ $stderr = *"window-agg: 1 of 20 records late, 0 of them kept in '/dev/full'" ]]
}

@test "a wrong clock does not make the others late, first or in the middle" {
	for bad_line in 1 20; do
		series | sed "${bad_line}s/1704067[0-9]*/4070908800/" >in # 2099
		run --separate-stderr -65 window-agg --key k --window 20s in
		[[ $stderr = "window-agg: in:$bad_line: its time 2099-01-01T00:00:00.000Z is far ahead"* ]]
		run --separate-stderr -0 window-agg --key k --window 20s --rejects bad in
		[[ $stderr = *"1 of 40 records rejected"* && $(jq -s 'map(.count) | add' <<<"$output") -eq 39 ]]
	done
	# In the past it is late, or before all.
	series | sed '1s/1704067[0-9]*/4/' >in
	run --separate-stderr -0 window-agg --key k --window 20s in
	[[ $stderr = *"1 of 40 records late"* && $(jq -s 'map(.count) | add' <<<"$output") -eq 39 ]]
}

@test "time goes on when others agree, or one key alone for long" {
	{
		series 0 10
		series 100000 100010
	} >in
	[[ $(window-agg --key k --window 20s in | jq -s 'map(.count) | add') -eq 20 ]]
	{
		series 0 10
		for i in {0..9}; do
			at $((1704167200 + i)) c 1
		done
	} >in
	[[ $(window-agg --key k --window 20s in | jq -s 'map(.count) | add') -eq 20 ]]
	head -n 19 in >short
	run --separate-stderr -65 window-agg --key k --window 20s short
	# Without a newest event all that was held is taken, in the order of time.
	[[ $(printf '{"timestamp":%d}\n' 3000000 0 1000000 | window-agg --window 1s | wc -l) -eq 3 ]]
}

# devices WRONG METRIC…: 10 devices, a record a second and metric each, for 120 s; the fourth's clock is WRONG s ahead.
devices() {
	awk -v wrong="$1" -v metrics="${*:2}" 'BEGIN {
		n = split(metrics, metric, " ")
		for (s = 0; s < 120; s++) for (i = 0; i < 10; i++) for (m = 1; m <= n; m++)
			printf "{\"s\":\"s%d\",\"m\":\"%s\",\"timestamp\":%d}\n", i, metric[m], 1709251200 + s + (i == 3 ? wrong : 0)
	}'
}

@test "one device's records of several keys do not agree with each other" {
	devices 31536000 t h >in
	for key in s s,m; do
		run --separate-stderr -0 window-agg --key $key --window 60s --lateness 10s --rejects bad in
		[[ $stderr = "window-agg: 240 of 2400 records rejected"* && $stderr != *late* ]]
		[[ $(jq -s 'map(.count) | add' <<<"$output") -eq 2160 ]]
	done
	# ten in a row of its own, whatever their keys, do
	{
		devices 0 t h
		for i in {0..9}; do
			printf '{"s":"s0","m":"%s","timestamp":%d}\n' $((i % 2)) $((1709351200 + i))
		done
	} >in
	[[ $(window-agg --key s,m --window 60s in | jq -s 'map(.count) | add') -eq 2410 ]]
	head -n 2409 in >short
	run --separate-stderr -65 window-agg --key s,m --window 60s short
	[[ $stderr = "window-agg: short:2401: "*"is far ahead"* ]]
	# and another device
	{ head -n 2401 in && printf '{"s":"s1","m":"t","timestamp":1709351200}\n'; } >two
	[[ $(window-agg --key s,m --window 60s two | jq -s 'map(.count) | add') -eq 2402 ]]
}

@test "a device that stays an hour ahead: a suspect for --max-ahead 10m, not for 1h" {
	devices 3600 t >in
	run --separate-stderr -0 window-agg --key s --window 60s --lateness 10s --max-ahead 10m --rejects bad in
	[[ $stderr = "window-agg: 120 of 1200 records rejected"* && $stderr != *late* ]]
	[[ $(jq -s 'map(.count) | add' <<<"$output") -eq 1080 ]]
	run --separate-stderr -0 window-agg --key s --window 60s --lateness 10s in
	[[ $stderr = *"records late"* ]]
	# A record exactly so far ahead is no suspect, and one that is further is.
	for ahead in 600 600.001; do
		{ devices 0 t && at "$(awk "BEGIN { printf \"%.3f\", 1709251319 + $ahead }")" a 1; } >in
		window-agg --absent-as-missing --key s --window 60s --max-ahead 10m --rejects bad.$ahead in >out
	done
	[[ ! -s bad.600 && $(wc -l <bad.600.001) -eq 1 ]]
}

@test "--early: updates of what has changed, marked" {
	series | window-agg --key k --window 20s --early 10s --agg x:max >out
	[[ $(jq -c '[.window_end[17:19],.k,.x_max,.early]' out | tr '\n' ' ') = '["20","a",10,true] ["20","b",9,true] ["20","a",18,false] ["20","b",19,false] ["40","a",20,true] ["40","a",30,true] ["40","b",29,true] ["40","a",38,false] ["40","b",39,false] ' ]]
	[[ $(series | window-agg --window 20s --early 10s --to csv | sed -n '1p;2p') = $'window_start,window_end,count,early\n2024-01-01T00:00:00.000Z,2024-01-01T00:00:20.000Z,11,true' ]]
	# b came once, and is told of once; of sessions, too
	{
		at 0 a 1
		at 1 b 1
		for i in 3 6 9 12; do
			at $i a 1
		done
	} >in
	window-agg --key k --window 60s --early 3s in >out
	[[ $(jq -c '[.k,.count,.early]' out | tr '\n' ' ') = '["a",2,true] ["b",1,true] ["a",3,true] ["a",4,true] ["a",5,true] ["a",5,false] ["b",1,false] ' ]]
	window-agg --key k --session 20s --early 3s in >out
	[[ $(jq -c '[.k,.window_end[17:19],.count,.early]' out | tr '\n' ' ') = '["b","21",1,true] ["a","23",2,true] ["a","26",3,true] ["a","29",4,true] ["a","32",5,true] ["b","21",1,false] ["a","32",5,false] ' ]]
}

@test "--session: as long as records follow each other" {
	for t in 0 3 7.999 13 12 100; do
		at $t a 1
		at $t b 1
	done >in
	[[ $(window-agg --key k --session 5s --lateness 1m in | jq -c '[.k,.window_start[17:23],.window_end[14:23],.count]' | tr '\n' ' ') = '["a","00.000","00:18.000",5] ["b","00.000","00:18.000",5] ["a","40.000","01:45.000",1] ["b","40.000","01:45.000",1] ' ]]
	[[ $(window-agg --key k --session 4s --lateness 1m in | jq -c 'select(.k == "a") | [.window_start[17:23],.count]' | tr '\n' ' ') = '["00.000",2] ["07.999",1] ["12.000",2] ["40.000",1] ' ]]
}

# bats test_tags=native
@test "--session: closing costs what closes, however many are open" {
	# 100,000 keys, half of them open; minutes if each close looked at all
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"k\":%d,\"timestamp\":%d.%03d}\n", i * 7919 % 100000, 1704067200 + i / 1000, i % 1000 }' >in
	[[ $(timeout 10 window-agg --key k --session 50s in | wc -l) -eq 200000 ]]
	# one key, 3600 sessions open
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"timestamp\":%d}\n", 1704067200 + i }' >in
	[[ $(timeout 10 window-agg --session 500ms --lateness 1h in | wc -l) -eq 200000 ]]
}

# bats test_tags=native
@test "closing costs what closes, whatever the lateness, and a late record no search through all" {
	# one key, 21600 windows open; minutes if each close or record went through all
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"timestamp\":%d}\n", 1704067200 + i }' >in
	[[ $(timeout 10 window-agg --window 1s --lateness 6h in | wc -l) -eq 300000 ]]
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"timestamp\":%d}\n", 1704067200 + i - i * 7919 % 21600 }' >in
	[[ $(timeout 10 window-agg --window 1s --lateness 6h --max-ahead 1d in | jq -s 'map(.count) | add') -eq 300000 ]]
}

@test "--max-keys: 69, and nothing is dropped silently" {
	for i in {1..30}; do
		at 0 "k$i" 1
	done >in
	expect_error 69 "more than 29 keys" window-agg --key k --window 1s --max-keys 29 in
	[[ $(window-agg --key k --window 1s --max-keys 30 in | wc -l) -eq 30 ]]
	# Keys whose windows are closed do not count.
	for i in {1..30}; do
		at "$i" "k$i" 1
	done >in
	[[ $(window-agg --key k --window 1s --max-keys 3 in | wc -l) -eq 30 ]]
}

@test "--state: goes on, with --hold in the middle of windows" {
	series >in
	window-agg --key k --window 20s/10s --agg x:mean,p50 in >whole
	for i in 1 7 23 40; do
		rm -f state
		{
			head -n "$i" in | window-agg --key k --window 20s/10s --agg x:mean,p50 --state state --hold
			tail -n +$((i + 1)) in | window-agg --key k --window 20s/10s --agg x:mean,p50 --state state
		} >out
		cmp whole out
	done
	# Without --hold windows are closed for good.
	run --separate-stderr -0 window-agg --key k --window 20s/10s --agg x:mean,p50 --state state <(at 1704067239 a 1)
	[[ -z $output && $stderr = *"1 of 1 records late"* ]]
}

@test "--state: windows that begin before the first year of events" {
	printf '{"timestamp":"1717-01-01T00:00:00Z"}\n' >in
	window-agg --window 3653d --state state --hold in
	[[ $(window-agg --window 3653d --state state </dev/null | jq -c '[.window_start, .count]') = '["1709-12-17T00:00:00.000Z",1]' ]]
}

@test "--state: of other options, damaged, cut off, not there" {
	series | window-agg --key k --window 20s --agg x:mean --state state --hold
	cp state good
	expect_error 78 "state 'state': it was made with --window '20000ms/20000ms', not '10000ms/10000ms'" window-agg --key k --window 10s --agg x:mean --state state /dev/null
	expect_error 78 "made with --key 'k'" window-agg --window 20s --agg x:mean --state state /dev/null
	expect_error 78 "made with --agg" window-agg --key k --window 20s --agg x:mean,max --state state /dev/null
	expect_error 78 "made with" window-agg --key k --session 20s --agg x:mean --state state /dev/null
	cmp state good
	printf X | dd of=state bs=1 seek=300 conv=notrunc status=none
	expect_error 65 "state 'state': it is damaged" window-agg --key k --window 20s --agg x:mean --state state /dev/null
	head -c 200 good >state
	expect_error 65 "state 'state': it is damaged" window-agg --key k --window 20s --agg x:mean --state state /dev/null
	echo hello >state
	expect_error 65 "no state of windows" window-agg --key k --window 20s --agg x:mean --state state /dev/null
	expect_error 73 "cannot save the state" window-agg --window 20s --state no/such/state /dev/null
	expect_error 64 "no regular file" window-agg --window 20s --state /dev/full /dev/null
	cp good state
	window-agg --key k --window 20s --agg x:mean --lateness 5s --state state /dev/null >out
	[[ $(wc -l <out) -eq 2 ]]
}

@test "a full disk under --state: 74, and the old state stays" {
	mkdir disk
	mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null || skip "cannot mount a small file system"
	series | window-agg --key k --window 20s --state disk/state --hold >/dev/null
	cp disk/state good
	head -c 1M /dev/zero >disk/full 2>/dev/null || true
	run --separate-stderr window-agg --key k --window 20s --state disk/state --hold <(series 40 80)
	cmp disk/state good || status=1
	umount disk
	[[ $status -eq 74 && $stderr = *"cannot save the state"*"No space left"* ]]
}

@test "SIGTERM: the state is kept, 75; at the end of input 0" {
	mkfifo fifo
	window-agg --key k --window 20s --agg x:mean --state state fifo >out 2>err 3>&- &
	pid=$!
	exec 4>fifo
	series 0 30 >&4
	# The first window is out when all of it was read.
	soon '$(wc -l <out) -eq 2'
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 4>&-
	[[ $status -eq 75 && $(cat err) = *"open windows are kept in the state"* ]]
	series 30 40 | window-agg --key k --window 20s --agg x:mean --state state >>out
	cmp out <(series | window-agg --key k --window 20s --agg x:mean)
}

@test "--metrics: what there is to watch" {
	series | window-agg --key k --window 20s --metrics m >/dev/null
	for line in 'records_total{program="window-agg"} 40.0' 'windows_total{program="window-agg"} 4.0' 'late_total{program="window-agg"} 0.0' 'suspects{program="window-agg"} 0.0' 'keys{program="window-agg"} 0.0' 'panes{program="window-agg"} 0.0' 'watermark_lag_seconds{program="window-agg"} '; do
		grep -qF "sensorutils_$line" m
	done
}

@test "marks: rows before them, our state in them, nothing at the end" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		mark 1 0:0:2
		kafka 0 2 112 a 3
		kafka 0 3 125 b 4
		mark 2 0:2:4
		control end 3 ""
	} >in
	window-agg --key k --window 10s --agg x:sum <in >out
	cat out
	[[ $(jq -c '._kafka.control // [.k,.x_sum]' out | tr '\n' ' ') = '"assign" "mark" ["a",1] ["b",2] ["a",3] "mark" "end" ' ]]
	[[ $(jq -c 'select(._kafka.control == "mark") | ._kafka.ranges[0].state' out | sed 's/"windows":[0-9]*/"windows":WINDOWS/' | tr '\n' ' ') = '{"replay_from":0,"window-agg":{"windows":WINDOWS,"from":0,"watermark":101000000000,"newest":null}} {"replay_from":2,"window-agg":{"windows":WINDOWS,"from":2,"watermark":125000000000,"newest":101000000000}} ' ]]
	# --flush: before the last mark, and the state says so.
	window-agg --key k --window 10s --agg x:sum --flush <in >out
	[[ $(jq -c '._kafka.control // [.k,.x_sum]' out | tr '\n' ' ') = '"assign" "mark" ["a",1] ["b",2] ["a",3] ["b",4] "mark" "end" ' ]]
	[[ $(jq -c 'select(._kafka.seq == 2) | ._kafka.ranges[0].state' out | sed 's/"windows":[0-9]*,//') = '{"window-agg":{"from":4,"watermark":130000000000,"newest":125000000000,"closed":130000000000}}' ]]
	# Cut off: 75, and no row more.
	run --separate-stderr -75 window-agg --key k --window 10s <(head -n 7 in)
	[[ ${#lines[@]} -eq 6 ]]
}

@test "a replay makes open windows anew, and gives no row twice" {
	state='{"replay_from":2,"other":{"n":1},"window-agg":{"from":2,"watermark":125000000000,"newest":101000000000}}'
	{
		assign 0 0 1 4 "$state"
		kafka 0 1 101 b 2
		kafka 0 2 112 a 3
		kafka 0 3 125 b 4
		kafka 0 4 126 a 5
		kafka 0 5 117 a 6
		kafka 0 6 131 a 7
		mark 1 0:4:7
		control end 2 ""
	} | window-agg --key k --window 10s --agg x:sum --late late >out 2>err
	[[ $(jq -c '._kafka.control // [.k,.window_end[14:19],.x_sum]' out | tr '\n' ' ') = '"assign" ["a","02:10",5] ["b","02:10",4] "mark" "end" ' ]]
	[[ $(head -n 1 out | jq -c ._kafka.state) = '{"replay_from":2,"other":{"n":1}}' ]]
	[[ $(jq -c ._kafka.offset late) = 5 ]]
	# What is bad is bad only once, but where nobody can tell.
	{
		assign 0 0 1 4 "$state"
		kafka 0 2 112 a '"bad"'
		kafka 0 4 126 a '"bad"'
		kafka 0 -4 126 a 5
		mark 1 0:4:7
		control end 2 ""
	} | window-agg --key k --window 10s --agg x:sum --rejects bad >out 2>err
	[[ $(jq -c ._kafka.offset bad | tr '\n' ' ') = "4 -4 " ]]
	assign 0 0 0 4 '{"window-agg":{"windows":1,"from":0,"watermark":null,"newest":null}}' >other
	expect_error 78 "windows of other sizes" window-agg --window 10s other
	assign 0 0 3 4 "$state" >in
	expect_error 78 "need what comes from 2 on" window-agg --window 10s in
	for own in '[]' '{"from":5}' '{"from":"1"}' '{"closed":1.5}' '{"newest":1.5}' '{"held":[[1,2]]}' '{"held":[[1,2,51]]}' '{"run":[10,1,1]}' '{"watermark":true}'; do
		assign 0 0 0 4 "{\"window-agg\":$own}" >in
		run --separate-stderr -78 window-agg --window 10s in
	done
}

@test "partitions: a watermark each, keys apart; --single the slowest one's" {
	{
		assign 0 0 0 0 null
		assign 1 1 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 c 1
		kafka 1 0 200 b 1
		kafka 1 1 201 d 1
		mark 2 0:0:2 1:0:2
		kafka 0 2 115 a 1
		mark 3 0:2:3
		control end 4 ""
	} >in
	window-agg --key k --window 10s <in | jq -c '._kafka.control // [.k,.window_end[14:19]]' | tr '\n' ' ' >out
	[[ $(cat out) = '"assign" "assign" "mark" ["a","01:50"] ["c","01:50"] "mark" "end" ' ]]
	sed 's/"b"/"a"/' in >two
	run --separate-stderr -65 window-agg --key k --window 10s two
	[[ $stderr = *"key 'a' is in partition 0 of topic 't' and in partition 1 of 't'"* ]]
	# --single: rows of partition 1 have to wait for partition 0, and a mark tells of both.
	window-agg --key k --window 10s --single <two >out
	[[ $(jq -c '._kafka.control // [.k,.window_end[14:19]]' out | tr '\n' ' ') = '"assign" "assign" "mark" ["a","01:50"] ["c","01:50"] "mark" "end" ' ]]
	[[ $(jq -c 'select(._kafka.seq == 3) | ._kafka.ranges[] | [.partition,.from,.to]' out | tr '\n' ' ') = '[0,2,3] [1,2,2] ' ]]
	[[ $(jq -c 'select(._kafka.seq == 3) | ._kafka.ranges[].state."window-agg".watermark' out | tr '\n' ' ') = '115000000000 115000000000 ' ]]
}

@test "a mark that names no partition is not made to name one" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 1
		mark 1
		control end 2 ""
	} | window-agg --key k --window 10s --single >out
	[[ $(jq -c 'select(._kafka.seq == 1) | ._kafka.ranges' out) = "[]" ]]
}

# silent CONDITION OPTION...: the windows of two partitions, one of which is silent until the
# condition is true.
silent() {
	mkfifo fifo
	window-agg --key k --window 10s --single --agg x:sum "${@:2}" <fifo >out 3>&- &
	pid=$!
	exec 4>fifo
	{
		assign 0 0 0 0 null
		assign 1 1 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 1
		kafka 0 2 119 a 1
		mark 2 0:0:3
	} >&4
	soon "$1"
	{
		mark 3 0:3:3 1:0:0
		control end 4 ""
	} >&4
	exec 4>&-
	wait $pid
}

@test "--idle: a silent partition holds nobody up" {
	silent '$(grep -c x_sum out) -eq 2' --idle 200ms
	[[ $(jq -c 'select(._kafka.seq == 3) | ._kafka.ranges[].state."window-agg".watermark' out | tr '\n' ' ') = '119000000000 119000000000 ' ]]
}

@test "--idle: a mark that --flush holds waits for the end all the same" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		mark 1 0:0:2
	} >in
	control end 2 "" >rest # behind a pause
	for idle in 1h 1ms; do
		window-agg --key k --window 10s --single --idle $idle --agg x:sum --flush in rest >out
		[[ $(jq -c '._kafka.control // [.k,.x_sum]' out | tr '\n' ' ') = '"assign" ["a",1] ["b",2] "mark" "end" ' ]]
	done
}

@test "--idle: windows that are closed while a mark is held come before it, and it tells of them" {
	silent '$(grep -c "\"mark\"" out) -eq 1' --idle 20ms --flush
	[[ $(jq -c 'select(.k or ._kafka.control == "mark") | ._kafka.seq // .k' out | tr '\n' ' ') = '"a" "b" 2 "a" 3 ' ]]
	[[ $(jq -c 'select(._kafka.seq == 2) | ._kafka.ranges[0].state."window-agg".watermark' out) = 119000000000 ]]
}

@test "reset: what came since is void, and comes again" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		mark 1 0:0:2
		kafka 0 2 112 a 3
		control reset 2 ',"partitions":[{"topic":"t","partition":0}]'
		assign 3 0 0 2 '{"replay_from":0,"window-agg":{"from":0,"watermark":101000000000,"newest":null}}'
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		kafka 0 2 112 a 3
		mark 4 0:2:3
		control end 5 ""
	} >in
	window-agg --key k --window 10s --agg x:sum <in >out
	[[ $(jq -c '._kafka.control // [.k,.x_sum]' out | tr '\n' ' ') = '"assign" "mark" ["a",1] ["b",2] "reset" "assign" ["a",1] ["b",2] "mark" "end" ' ]]
	sed 's/"partitions":\[.*\]/"partitions":[]/' in >none
	run --separate-stderr -75 window-agg --key k --window 10s none
}

@test "a new assignment forgets what is no longer ours" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		mark 1 0:0:2
		assign 2 1 0 0 null
		kafka 1 0 100 a 1
		kafka 1 1 150 b 1
		mark 3 1:0:2
		control end 4 ""
	} | window-agg --key k --window 10s --agg x:sum >out
	[[ $(jq -c '._kafka.control // [.k,.x_sum]' out | tr '\n' ' ') = '"assign" "mark" "assign" ["a",1] "mark" "end" ' ]]
	[[ $(jq -c 'select(._kafka.seq == 3) | ._kafka.ranges[].partition' out) = 1 ]]
}

@test "--flush amid a replay, or by a member that has no partitions any more, gives no rows" {
	{
		assign 0 0 0 0 null && kafka 0 0 100 a 1 && kafka 0 1 101 b 2 && kafka 0 2 102 a 4
		mark 1 0:0:3
		control end 2 ""
	} | window-agg --key k --window 10s --agg x:sum >out
	state=$(jq -c 'select(._kafka.control == "mark") | ._kafka.ranges[0].state' out)
	again() { kafka 0 "$@" | jq -c '._kafka.replay = true'; }
	{ assign 0 0 0 3 "$state" && again 0 100 a 1 && mark 1 0:3:3 && control end 2 ""; } |
		window-agg --key k --window 10s --agg x:sum --flush >out
	[[ $(grep -c x_sum out) -eq 0 ]]
	[[ $(jq -c 'select(._kafka.control == "mark") | ._kafka.ranges[0].state.replay_from' out) = 0 ]]
	# whole, it does
	{ assign 0 0 0 3 "$state" && again 0 100 a 1 && again 1 101 b 2 && again 2 102 a 4 && mark 1 0:3:3 && control end 2 ""; } |
		window-agg --key k --window 10s --agg x:sum --flush >out
	[[ $(jq -c 'select(.k) | [.k, .x_sum]' out | tr '\n' ' ') = '["a",5] ["b",2] ' ]]
	{
		assign 0 0 0 0 null && kafka 0 0 100 a 1 && kafka 0 1 101 b 2
		mark 1 0:0:2
		mark 2
		control end 3 ""
	} | window-agg --key k --window 10s --agg x:sum --flush >out
	[[ $(grep -c x_sum out) -eq 0 ]]
	[[ $(jq -c 'select(._kafka.seq == 2) | ._kafka.ranges' out) = '[]' ]]
}

@test "a suspect that is rejected has its provenance in the file of --rejects" {
	{
		assign 0 0 0 0 null
		kafka 0 0 100 a 1
		kafka 0 1 101 b 2
		kafka 0 2 999999 a 3
		seq 3 60 | while read -r i; do kafka 0 "$i" 101 b 1; done
		mark 1 0:0:61
		control end 2 ""
	} | window-agg --key k --window 10s --rejects bad >out
	[[ $(jq -c '[.line, ._kafka]' bad) = '[4,{"topic":"t","partition":0,"offset":2}]' ]]
	# of one that was held over in a state, too
	rm bad
	{ kafka 0 0 100 a 1 && kafka 0 1 101 b 2 && kafka 0 2 999999 a 3; } | window-agg --key k --window 10s --state state --hold
	window-agg --key k --window 10s --state state --rejects bad </dev/null
	[[ $(jq -c ._kafka.offset bad) = 2 ]]
	# CSV has none, whatever it looks like
	printf '{k,timestamp\n{2,100\n{3,100\n{3,999999\n' >in.csv
	rm bad
	window-agg --from csv --key '{k' --window 10s --rejects bad in.csv >out
	[[ $(jq -c '[.line, ._kafka]' bad) = '[4,null]' ]]
}

@test "records a day apart: what no other agrees with is rejected, and why" {
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "{\"timestamp\":%d}\n", 1704067200 + i * 86400 }' >in
	expect_error 65 "further than --max-ahead from those of all records so far" window-agg --window 1d in
	[[ $(window-agg --window 1d --max-ahead 2d in | wc -l) -eq 60 ]]
}

@test "sessions that others took up are gone with a new assignment" {
	{
		assign 0 0 0 0 null && kafka 0 0 100 b 1 && kafka 0 1 100 a 1 && kafka 0 2 115 a 1 && kafka 0 3 107 a 1
		mark 1 0:0:4
		assign 2 1 0 0 null
		mark 3 1:0:0
		control end 4 ""
	} | window-agg --key k --session 10s --lateness 60s --metrics metrics >out
	grep '^sensorutils_panes{.*} 0' metrics
}

@test "a topic that is none: a bad record" {
	for topic in '\ud800' '\u0000' ''; do
		echo '{"timestamp":1,"_kafka":{"topic":"'"$topic"'","partition":0,"offset":0}}' >in
		run --separate-stderr -65 window-agg --window 1s in
	done
}

@test "what control records exclude" {
	assign 0 0 0 0 null >in
	run --separate-stderr -64 window-agg --window 1s --to csv in
	[[ $stderr = *"--no-provenance"* ]]
	run --separate-stderr -64 window-agg --window 1s --state state in
	[[ $stderr = *"--state"* ]]
	at 1 a 1 >records
	run --separate-stderr -78 window-agg --window 1s records in
	[[ $stderr = *"in:1: control records behind records"* ]]
	cat records >>in
	run --separate-stderr -78 window-agg --window 1s in
	[[ $stderr = *"was not assigned"* ]]
}

# bats test_tags=native
@test "memory stays where it is, however long the input" {
	awk 'BEGIN { for (i = 0; i < 400000; i++) printf "{\"k\":%d,\"timestamp\":%d,\"x\":%d.5}\n", i % 100, 1704067200 + i / 100, i % 1000 }' >in
	# In KiB, when all but what is in the pipe was read.
	peak() {
		mkfifo input
		window-agg --key k --window 60s/10s --agg x:mean,p50,stddev input >/dev/null &
		exec 5>input
		cat "$1" >&5
		sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$!/status"
		exec 5>&-
		wait $!
		rm input
	}
	small=$(peak <(head -n 40000 in))
	large=$(peak in)
	echo "$small KiB, $large KiB"
	((small > 0 && large < small + 1024 && large < 16384))
}
