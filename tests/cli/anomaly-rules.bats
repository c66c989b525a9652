#!/usr/bin/env bats
# anomaly-score by rules: alone, beside a model, following series, and through restarts.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	awk 'BEGIN {
		for (i = 0; i < 1200; i++) {
			zone = i % 3 ? (i % 3 == 1 ? "north" : "south") : "old \"town\""
			x = i * 7919 % 101 / 10 + (i % 3) * 50; y = i * 104729 % 97 / 10
			if (i % 97 == 96) y = 60
			if (i % 193 == 7) { x = 200; y = 70 }
			printf "{\"t\":%d,\"zone\":\"%s\",\"x\":%.1f,\"y\":%.1f,\"label\":%d}\n", i, zone ~ /old/ ? "old \\\"town\\\"" : zone, x, y, i % 97 == 96
		}
	}' >records.jsonl
	cat >rules.json <<-'RULES'
		{"by": "zone", "rules": [
			{"name": "high", "severity": "low", "field": "x", "kind": "above", "limit": 105,
			 "per_key": {"north": {"limit": 59}, "south": null}},
			{"name": "wild", "severity": "medium", "field": "y", "kind": "range", "min": -5, "max": 50}]}
	RULES
	iforest-train --features x,y --seed 1 --contamination 0.05 -o model records.jsonl
	iforest-train --features x,y --by zone --seed 1 --contamination 0.05 -o zones records.jsonl 2>zones.err
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR"/* .
}

# one RULE: a file of one rule of this kind, over x.
one() {
	echo "{\"key\":\"s\",\"rules\":[{\"name\":\"r\",\"severity\":\"low\",\"field\":\"x\",$1}]}" >one.json
}

# reasons FILE…: how often rules fired in each record.
fired() {
	anomaly-score --rules one.json "$@" | jq -c '.reasons | length' | tr -d '\n'
}

@test "rules alone: verdict, reasons, and the version of the rules" {
	anomaly-score --rules rules.json records.jsonl >scored
	sed 's/,"anomaly_score":.*}$/}/' scored | cmp - records.jsonl
	version=$(sha256sum rules.json | cut -c 1-12)
	jq -s -e --arg v "$version" 'length == 1200 and all(.[];
		keys_unsorted[-5:] == ["anomaly_score","is_anomaly","severity","reasons","model_version"] and .model_version == $v and
		.reasons == [(select(.zone == "north" and .x > 59 or .zone == "old \"town\"" and .x > 105) | "high"), (select(.y > 50) | "wild")] and
		.is_anomaly == (.reasons != []) and
		[.severity, .anomaly_score] == ({"[]": ["none", 0], "[\"high\"]": ["low", 0.5], "[\"wild\"]": ["medium", 0.75],
			"[\"high\",\"wild\"]": ["high", 0.875]}[.reasons | tojson]))' scored
	[[ $(jq -c .reasons scored | sort -u | wc -l) -eq 4 ]]
	anomaly-score --rules rules.json --only-anomalies records.jsonl | cmp - <(grep '"is_anomaly":true' scored)
	# anomaly-eval can judge them
	[[ $(anomaly-eval --bootstrap 0 --json scored | jq -c '[.recall, .average_precision > 0.5]') = '[1,true]' ]]
}

@test "beside a model: either may say so, one score ranks all" {
	anomaly-score -m model records.jsonl >m
	anomaly-score --rules rules.json records.jsonl >r
	anomaly-score -m model --rules rules.json records.jsonl >both
	paste -d '\n' m r both | jq -s -e '[range(0; length; 3) as $i | {m: .[$i], r: .[$i + 1], b: .[$i + 2]}] | length == 1200 and all(.[];
		(.b | keys_unsorted[-8:]) == ["anomaly_score","is_anomaly","severity","score_quantile","reasons","imputed","model_version","rules_version"] and
		.b.is_anomaly == (.m.is_anomaly or .r.is_anomaly) and
		.b.reasons == [(select(.m.is_anomaly) | "model"), .r.reasons[]] and
		.b.model_version == .m.model_version and .b.rules_version == .r.model_version and .b.score_quantile == .m.score_quantile and
		.b.anomaly_score == (if .r.is_anomaly then 1 - (1 - .m.anomaly_score) * (1 - .r.anomaly_score) else .m.anomaly_score end) and
		(["none", "low", "medium", "high"] as $s | (.b.severity as $x | $s | index($x)) ==
			([(.m.severity as $x | $s | index($x)), (.r.severity as $x | $s | index($x))] | max)))'
	for j in 2 5; do
		anomaly-score -m model --rules rules.json -j $j records.jsonl | cmp - both
	done
	expect_error 64 "'--score decision' and '--rules' exclude each other" anomaly-score -m model --rules rules.json --score decision records.jsonl
	expect_error 64 "a model is needed: -m FILE, or rules" anomaly-score records.jsonl
	expect_error 64 "option '--key' is for rules" anomaly-score -m model --key zone records.jsonl
	expect_error 64 "option '--key': " anomaly-score --rules rules.json --key a,,b records.jsonl
	expect_error 66 "nothing.json" anomaly-score --rules nothing.json records.jsonl
}

@test "a verdict leaves nothing of another one" {
	anomaly-score -m model --rules rules.json records.jsonl | anomaly-score -m model | cmp - <(anomaly-score -m model records.jsonl)
	anomaly-score -m model --rules rules.json records.jsonl | anomaly-score --rules rules.json | cmp - <(anomaly-score --rules rules.json records.jsonl)
	anomaly-score -m model --as m records.jsonl | anomaly-score --rules rules.json --as r |
		jq -s -e 'all(.[]; (.m | has("reasons") | not) and (.r | has("reasons")))'
}

@test "CSV: reasons are a cell of JSON text" {
	anomaly-score --rules rules.json records.jsonl >scored
	anomaly-score --rules rules.json --to csv records.jsonl >scored.csv
	[[ $(head -n 1 scored.csv) = t,zone,x,y,label,anomaly_score,is_anomaly,severity,reasons,model_version ]]
	[[ $(sed -n 2p scored.csv) = '0,"old ""town""",0.0,0.0,0,0.0,false,none,[],'* ]]
	grep -qF ',"[""high"",""wild""]",' scored.csv
	anomaly-score --rules rules.json --to json scored.csv |
		jq -c '.reasons' | cmp - <(jq -c '.reasons' scored)
}

@test "what rules say of missing and absent values" {
	echo '{"rules":[{"name":"x","severity":"low","field":"x","kind":"above","limit":1},
		{"name":"y","severity":"low","field":"y.z","kind":"below","limit":1},
		{"name":"no w","severity":"low","field":"w","kind":"missing"}]}' >r.json
	printf '%s\n' '{"x":null,"y":{"z":0},"w":"text"}' '{"x":2,"y":{"z":null},"w":null}' '{"x":0,"y":{"z":1}}' >in
	[[ $(anomaly-score --rules r.json in | jq -c .reasons | tr -d '\n') = '["y"]["x","no w"]["no w"]' ]]
	[[ $(anomaly-score --rules r.json in | jq -c .severity | tr -d '\n') = '"low""high""low"' ]]
	echo '{"x":0,"w":1}' >in
	expect_error 65 "in:1: field 'y.z' of the rules is absent (--absent-as-missing" anomaly-score --rules r.json in
	[[ $(anomaly-score --rules r.json --absent-as-missing in | jq -c .reasons) = '[]' ]]
	echo '{"x":"0","y":{"z":1}}' >in
	expect_error 65 "in:1:6: field 'x' is a string, not a number" anomaly-score --rules r.json in
	echo '{"x":1e999,"y":{"z":1}}' >in
	expect_error 65 "in:1:6: field 'x' is beyond the range of a double" anomaly-score --rules r.json in
	one '"kind":"above","limit":1'
	echo '{"x":null}' >in
	expect_error 65 "in:1: record has no value in any of the 1 fields of the rules" anomaly-score --rules one.json in
	# by a field that is null, or no text
	printf '%s\n' '{"zone":null,"x":106,"y":1}' '{"zone":"north","x":60,"y":1}' '{"zone":"sou\u0074h","x":600,"y":1}' '{"zone":7,"x":60,"y":1}' >in
	[[ $(anomaly-score --rules rules.json in | jq -c .is_anomaly | tr '\n' ' ') = 'true true false false ' ]]
	echo '{"x":106,"y":1}' >in
	expect_error 65 "in:1: key 'zone' is absent" anomaly-score --rules rules.json in
	[[ $(anomaly-score --rules rules.json --absent-as-missing in | jq -c .is_anomaly) = true ]]
	echo '{"zone":[1],"x":106,"y":1}' >in
	expect_error 65 "in:1: key 'zone': it is an array" anomaly-score --rules rules.json in
}

@test "what a model cannot judge, a rule that fires can" {
	echo '{"rules":[{"name":"dead","severity":"high","field":"x","kind":"missing"}]}' >r.json
	printf '%s\n' '{"x":null,"y":null}' >in
	expect_error 65 "record lacks 2 of 2 features" anomaly-score -m model in
	anomaly-score -m model --rules r.json in | jq -e '.is_anomaly and .reasons == ["dead"] and .severity == "high" and
		.score_quantile == null and .imputed == 2 and .anomaly_score == 0.875'
	printf '%s\n' '{"x":null,"y":1}' >in
	expect_error 65 "record lacks 1 of 2 features" anomaly-score -m model --max-missing 0 in
	[[ $(anomaly-score -m model --max-missing 0 --rules r.json in | jq -c .reasons) = '["dead"]' ]]
	one '"kind":"above","limit":1000'
	expect_error 65 "record lacks 1 of 2 features" anomaly-score -m model --max-missing 0 --rules one.json in
}

@test "bad rules: 78, with file, path and reason" {
	for bad in '{' '[]' '{"rules":7}' '{"rules":[]}' '{"rules":[{"name":"r"}]}' '{"rules":[],"more":1}'; do
		echo "$bad" >bad.json
		expect_error 78 "bad.json" anomaly-score --rules bad.json records.jsonl
		expect_error 78 "bad.json" anomaly-score --rules bad.json --describe
	done
	one '"kind":"above","limit":"1"'
	expect_error 78 "one.json: rules[0].limit: must be a number, not '1'" anomaly-score --rules one.json records.jsonl
	one '"kind":"range","min":2,"max":1'
	expect_error 78 "one.json: rules[0]: has a 'min' of 2 that is not below its 'max' of 1" anomaly-score --rules one.json records.jsonl
	one '"kind":"above",'
	expect_error 78 "one.json:1:" anomaly-score --rules one.json records.jsonl
	echo '{"rules":[{"name":"r","severity":"low","field":"x","kind":"stuck","records":3}]}' >one.json
	expect_error 78 "one.json: rule 'r' follows a series: name the fields" anomaly-score --rules one.json records.jsonl
}

@test "--describe: rules alone, and behind a model" {
	run -0 anomaly-score --rules rules.json --describe
	[[ $output = *'wild  medium: y outside -5 to 50'* && $output = *'    south: never'* ]]
	anomaly-score --rules rules.json --describe --json | jq -e '.rules[0].per_key.north.limit == 59 and .rules_version != null'
	[[ $(anomaly-score -m model --rules rules.json --describe --json | jq -c '[has("n_trees"), has("rules")]' | tr -d '\n') = '[true,false][false,true]' ]]
}

@test "series: by their keys, in the order of arrival" {
	one '"kind":"stuck","records":3'
	printf '{"s":"%s","timestamp":%d,"x":%d}\n' a 0 1 b 0 1 a 1 1 b 1 2 a 2 1 b 2 2 a 1 1 b 3 2 a 9 2 >in
	[[ $(fired in) = 000010110 ]]
	# the keys of an option; numbers and text, several fields
	sed 's/"s":/"u":/' in >other
	expect_error 65 "other:1: key 's' is absent" anomaly-score --rules one.json other
	[[ $(fired --key u other) = 000010110 ]]
	[[ $(fired --key u,x other) = 000010110 ]]
	[[ $(fired --key x in) = 001010111 ]]
	echo '{"s":null,"timestamp":1,"x":1}' >other
	expect_error 65 "other:1: key 's' is null" anomaly-score --rules one.json other
	echo '{"s":{},"timestamp":1,"x":1}' >other
	expect_error 65 "other:1: key 's': it is an object" anomaly-score --rules one.json other
	echo '{"s":1,"x":1}' >other
	expect_error 65 "other:1: record has no time: 'timestamp' is absent" anomaly-score --rules one.json other
	# keys of any bytes and length are keys
	long=$(head -c 1000000 /dev/zero | tr '\0' k)
	for i in 0 1 2; do
		printf '{"s":"%s","timestamp":%d,"x":1}\n{"s":"a\\u0000\\n\\"%d","timestamp":1,"x":1}\n' "$long" $i $((i % 2))
	done >other
	[[ $(fired other) = 000010 ]]
	# a rate, over the field that holds the time
	one '"kind":"rate","per_second":1'
	printf '{"s":1,"at":"2024-01-01T00:00:%02dZ","x":%d}\n' 0 0 10 10 20 21 15 21 15 50 16 51 >in
	[[ $(fired --time-field at in) = 001000 ]]
	printf '{"s":1,"timestamp":"2024-01-01T00:00:%02d","x":%d}\n' 0 0 10 11 >in
	run --separate-stderr -0 anomaly-score --rules one.json in
	[[ $stderr = *"--tz says otherwise"* ]]
	run --separate-stderr -0 anomaly-score --rules one.json --tz +01:00 in
	[[ -z $stderr ]]
}

@test "series: a pause, --forget, and no more than --max-keys" {
	one '"kind":"stuck","records":2'
	printf '{"s":1,"timestamp":%d,"x":1}\n' 0 3600 7201 7202 3601 3600 >in
	[[ $(fired in) = 010101 ]]
	[[ $(fired --idle 2h in) = 011111 ]]
	[[ $(fired --idle 500ms in) = 000000 ]]
	printf '{"s":%d,"timestamp":1,"x":1}\n' 1 2 1 2 2 2 1 >in
	[[ $(fired in) = 0011111 && $(fired --forget 3 in) = 0011110 ]]
	expect_error 64 "option '--idle'" anomaly-score --rules one.json --idle soon in
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "{\"s\":%d,\"timestamp\":1,\"x\":1}\n", i }' >in
	run --separate-stderr -69 anomaly-score --rules one.json --max-keys 1500 --rejects bad in
	[[ $stderr = "anomaly-score: in:1501: there are more than 1500 keys at a time (--max-keys)" && ! -s bad ]]
	[[ ${#lines[@]} -eq 1500 ]]
	# those that are forgotten make room
	[[ $(anomaly-score --rules one.json --max-keys 1500 --forget 1000 in | wc -l) -eq 2000 ]]
}

@test "series: other limits begin anew, those that are null too; --forget N is N records" {
	echo '{"by":"zone","key":"s","rules":[{"name":"r","severity":"low","field":"x","kind":"stuck","records":2,
		"per_key":{"A":{"records":2},"off":null}}]}' >one.json
	printf '{"s":1,"timestamp":1,"x":1,"zone":%s}\n' '"A"' '"A"' null '"B"' '"off"' null null >in
	[[ $(fired in) = 0101001 ]]
	one '"kind":"stuck","records":2'
	printf '{"s":%d,"timestamp":1,"x":1}\n' 1 2 2 1 >in
	[[ $(fired --forget 3 in) = 0011 && $(fired --forget 2 in) = 0010 ]]
}

@test "stuck: the same number, as a double" {
	one '"kind":"stuck","records":2'
	printf '{"s":1,"timestamp":1,"x":%s}\n' 0.0 -0.0 9007199254740992 9007199254740993 2.5 25e-1 2.5000000000000004 >in
	[[ $(fired in) = 0101010 ]]
}

@test "series: the same for any number of threads" {
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"s\":%d,\"timestamp\":%d,\"x\":%d,\"y\":%d}\n", i * 31 % 7, i, i / 50 % 2, i % 100 }' >in
	one '"kind":"stuck","records":6'
	iforest-train --features y,x --seed 1 -o m in
	anomaly-score -m m --rules one.json in >want
	[[ $(grep -c '"r"' want) -gt 5000 ]]
	for j in 2 3 8; do
		anomaly-score -m m --rules one.json -j $j in | cmp - want
	done
}

# stream FROM PROCESSED STATE: the records from an offset on as kafka-consume gives them after a
# restart, a mark behind every few that are new.
stream() {
	jq -n -c -r --argjson from "$1" --argjson processed "$2" --argjson state "$3" --slurpfile in series.jsonl '
		def line($kind; $more): {_kafka: ({control: $kind, seq: -1, session: "s"} + $more)};
		[line("assign"; {topic: "t", partition: 4, replay_from: $from, processed: $processed, epoch: null, state: $state}),
		 (range($from; $in | length) as $i |
			($in[$i] + {_kafka: ({topic: "t", partition: 4, offset: $i} + if $i < $processed then {replay: true} else {} end)}),
			(select($i >= $processed and $i % 5 == 4) |
				line("mark"; {group: "g", generation: 1, member: "m", instance: null,
					ranges: [{topic: "t", partition: 4, from: ([$i - 4, $processed] | max), to: ($i + 1)}]}))),
		 line("end"; {})] |
		reduce .[] as $l ({seq: 0, out: []};
			if $l._kafka.control then .out += [$l | ._kafka.seq = 0] | .out[-1]._kafka.seq = .seq | .seq += 1 else .out += [$l] end) | .out[]'
}

@test "a restart at any mark gives the verdicts of the run that was not stopped" {
	echo '{"key":"s","rules":[
		{"name":"stuck","severity":"low","field":"x","kind":"stuck","records":4},
		{"name":"still","severity":"low","field":"x","kind":"stuck","for":"12s"},
		{"name":"rate","severity":"medium","field":"x","kind":"rate","per_second":2},
		{"name":"gone","severity":"high","field":"x","kind":"missing","for":"6s"}]}' >r.json
	awk 'BEGIN { srand(3); for (i = 0; i < 100; i++) {
		x = i % 40 > 25 && i % 3 == 1 ? "null" : rand() < 0.3 ? int(rand() * 20) : int(i / 20)
		printf "{\"s\":%d,\"timestamp\":%d,\"x\":%s}\n", i % 3, i - (rand() < 0.1) * 7, x } }' >series.jsonl
	stream 0 0 null >whole
	anomaly-score --rules r.json whole >undisturbed
	grep -v '"control"' undisturbed | jq -c 'del(._kafka)' >want
	for rule in stuck still rate gone; do
		[[ $(grep -c "\"$rule\"" want) -ge 2 ]]
	done
	# control records but marks pass as they came, and marks keep their members
	diff <(grep '"control":"[ae]' whole) <(grep '"control":"[ae]' undisturbed)
	diff <(grep '"control"' whole) <(grep '"control"' undisturbed | jq -c 'del(._kafka.ranges[]?.state)')
	mapfile -t marks < <(jq -c 'select(._kafka.control == "mark") | ._kafka.ranges[0]' undisturbed)
	[[ ${#marks[@]} -eq 20 ]]
	for mark in "${marks[@]}"; do
		to=$(jq .to <<<"$mark")
		from=$(jq '.state.replay_from // .to' <<<"$mark")
		[[ $from -le $to ]]
		stream "$from" "$to" "$(jq -c .state <<<"$mark")" | anomaly-score --rules r.json -j $((1 + to % 2)) >again
		grep -v '"control"' again | grep -v '"replay":true' | jq -c 'del(._kafka)' | cmp - <(tail -n +$((to + 1)) want)
		# what it keeps from now on is what the run would have kept
		grep -q '"mark"' again || continue
		tail -n 1 <(grep '"mark"' again) | jq -c '._kafka.ranges[0].state.replay_from' | cmp - <(tail -n 1 <(grep '"mark"' undisturbed) | jq -c '._kafka.ranges[0].state.replay_from')
		if [[ $(grep -c '"replay":true' again) -ne $((to - from)) ]]; then
			return 1
		fi
	done
}

@test "a stage behind that asks for a replay gets the verdicts it had" {
	echo '{"key":"s","rules":[
		{"name":"stuck","severity":"low","field":"x","kind":"stuck","records":4},
		{"name":"rate","severity":"medium","field":"x","kind":"rate","per_second":0.5}]}' >r.json
	awk 'BEGIN { srand(7); for (i = 0; i < 120; i++)
		printf "{\"s\":%d,\"timestamp\":%d,\"x\":%d}\n", i % 2, i, rand() < 0.4 ? rand() * 9 : i / 25 }' >series.jsonl
	sum() {
		anomaly-score --rules r.json | window-agg --key s --window 20s --slide 10s --agg count --agg 'is_anomaly:sum as alarms'
	}
	stream 0 0 null | sum >undisturbed
	[[ $(grep -c '"alarms":[1-9]' undisturbed) -gt 10 ]]
	older=0
	while read -r at mark; do
		to=$(jq .to <<<"$mark")
		from=$(jq '.state.replay_from // .to' <<<"$mark")
		stream "$from" "$to" "$(jq -c .state <<<"$mark")" | sum >again
		cmp <(grep -v '"control"' again) <(tail -n +$((at + 1)) undisturbed | grep -v '"control"')
		older=$((older + (to - from > 20)))
	done < <(jq -r -c 'select(._kafka.control == "mark") | "\(input_line_number) \(._kafka.ranges[0] | tojson)"' undisturbed)
	[[ $older -gt 10 ]]
}

@test "reset drops what is known of its partitions" {
	one '"kind":"stuck","records":2'
	{
		echo '{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":0,"epoch":null,"state":null}}'
		echo '{"s":1,"timestamp":0,"x":1,"_kafka":{"topic":"t","partition":0,"offset":0}}'
		echo '{"s":1,"timestamp":0,"x":1,"_kafka":{"topic":"u","partition":0,"offset":0}}'
		echo '{"_kafka":{"control":"reset","seq":1,"session":"s","partitions":[{"topic":"t","partition":0}]}}'
		echo '{"_kafka":{"control":"assign","seq":2,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":0,"epoch":null,"state":null}}'
		echo '{"s":1,"timestamp":0,"x":1,"_kafka":{"topic":"t","partition":0,"offset":0}}'
		echo '{"s":1,"timestamp":1,"x":1,"_kafka":{"topic":"t","partition":0,"offset":1}}'
		echo '{"s":1,"timestamp":1,"x":1,"_kafka":{"topic":"u","partition":0,"offset":1}}'
		echo '{"_kafka":{"control":"end","seq":3,"session":"s"}}'
	} >in
	[[ $(anomaly-score --rules one.json in | jq -c 'select(.reasons) | .reasons | length' | tr -d '\n') = 00011 ]]
}

@test "a restart before any new record has come keeps what was kept" {
	echo '{"key":"s","rules":[{"name":"stuck","severity":"low","field":"x","kind":"stuck","records":4}]}' >r.json
	at() { printf '{"_kafka":{"control":"%s","seq":%d,"session":"s"%s}}\n' "$@"; }
	came() { printf '{"s":1,"timestamp":%d,"x":1,"_kafka":{"topic":"t","partition":0,"offset":%d%s}}\n' "$1" "$1" "${2-}"; }
	assigned() { at assign 0 ",\"topic\":\"t\",\"partition\":0,\"replay_from\":$1,\"processed\":$2,\"epoch\":null,\"state\":$3"; }
	marked() { at mark "$1" ",\"group\":\"g\",\"generation\":1,\"member\":\"m\",\"instance\":null,\"ranges\":[{\"topic\":\"t\",\"partition\":0,\"from\":$2,\"to\":$3}]"; }
	state() { jq -c 'select(._kafka.control == "mark") | ._kafka.ranges[0].state' "$1"; }
	{ assigned 0 0 null && marked 1 0 0 && came 0 && came 1 && came 2 && marked 2 0 3 && at end 3 ''; } |
		anomaly-score --rules r.json >first
	kept=$(state first | tail -n 1)
	[[ $(jq .replay_from <<<"$kept") = 0 ]]
	# The marks right behind an assignment, and amid the replay, and at its end.
	{ assigned 0 3 "$kept" && marked 1 3 3 && came 0 ',"replay":true' && marked 2 3 3 && came 1 ',"replay":true' &&
		came 2 ',"replay":true' && marked 3 3 3 && at end 4 ''; } | anomaly-score --rules r.json >second
	[[ $(state second | sort -u) = "$kept" ]]
	{ assigned 0 3 "$kept" && marked 1 3 3 && for i in 0 1 2; do came $i ',"replay":true'; done && came 3 && marked 2 3 4 &&
		at end 3 ''; } | anomaly-score --rules r.json >third
	[[ $(jq -c 'select(._kafka.offset == 3) | .reasons' third) = '["stuck"]' ]]
}

@test "series of partitions that went to others make room" {
	one '"kind":"stuck","records":2'
	assigned() { printf '{"_kafka":{"control":"assign","seq":%d,"session":"s","topic":"t","partition":%d,"replay_from":0,"processed":0,"epoch":null,"state":null}}\n' "$1" "$2"; }
	came() { printf '{"s":%d,"timestamp":1,"x":1,"_kafka":{"topic":"t","partition":%d,"offset":%d}}\n' "$1" "$2" "$3"; }
	{
		assigned 0 0 && came 1 0 0 && came 2 0 1
		echo '{"_kafka":{"control":"mark","seq":1,"session":"s","group":"g","generation":1,"member":"m","instance":null,"ranges":[{"topic":"t","partition":0,"from":0,"to":2}]}}'
		assigned 2 1 && came 3 1 0 && came 4 1 1
		echo '{"_kafka":{"control":"end","seq":3,"session":"s"}}'
	} >in
	anomaly-score --rules one.json --max-keys 2 in >out
	[[ $(grep -c '"is_anomaly"' out) -eq 4 ]]
}

@test "bad records that come again are left out, and kept nowhere twice" {
	one '"kind":"stuck","records":2'
	{
		echo '{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":2,"epoch":null,"state":null}}'
		echo '{"s":1,"timestamp":0,"x":"bad","_kafka":{"topic":"t","partition":0,"offset":0,"replay":true}}'
		echo '{"s":1,"timestamp":0,"x":1,"_kafka":{"topic":"t","partition":0,"offset":1,"replay":true}}'
		echo '{"s":1,"timestamp":1,"x":"bad","_kafka":{"topic":"t","partition":0,"offset":2}}'
		echo '{"s":1,"timestamp":2,"x":1,"_kafka":{"topic":"t","partition":0,"offset":3}}'
		echo '{"_kafka":{"control":"end","seq":1,"session":"s"}}'
	} >in
	anomaly-score --rules one.json --rejects bad --metrics metrics in >out
	[[ $(wc -l <bad) -eq 1 && $(jq -c ._kafka.offset bad) = 2 ]]
	[[ $(jq -c 'select(.reasons) | [._kafka.offset, .is_anomaly]' out | tr -d '\n') = '[1,false][3,true]' ]]
	grep -q 'records_rejected_total{.*} 1.0$' metrics
	grep -v '"offset":2' in >good
	anomaly-score --rules one.json good | cmp - out
	# a damaged state ends the program
	sed '1s/"state":null/"state":{"anomaly-score":7}/' in >damaged
	expect_error 78 "damaged:1: state: 'anomaly-score' is no object" anomaly-score --rules one.json damaged
}

@test "without rules that follow a series marks pass as they came" {
	stream=' {"_kafka":{"control":"assign","seq":0,"session":"s"} } '
	[[ $(anomaly-score --rules rules.json <<<"$stream
{\"_kafka\":{\"control\":\"end\",\"seq\":1,\"session\":\"s\"}}") = "$stream"* ]]
	one '"kind":"stuck","records":2'
	expect_error 78 "control record 'assign': " anomaly-score --rules one.json <<<"$stream"
}

@test "SIGHUP and --watch: rules are loaded again, bad ones are not" {
	one '"kind":"above","limit":5'
	mkfifo in out
	anomaly-score --rules one.json --watch <in >out 2>err 3>&- &
	exec 5>in 6<out
	echo '{"x":7}' >&5
	read -r line <&6
	[[ $line = *'"reasons":["r"]'* ]]
	echo '{"rules":7}' >new.json && mv new.json one.json
	until grep -q "one.json: the rules in use stay: rules: must be an array that is not empty, not 7" err; do :; done
	one '"kind":"above","limit":50' && mv one.json new.json && mv new.json one.json
	until grep -q "loaded rules 'one.json', version" err; do :; done
	echo '{"x":7}' >&5
	read -r line <&6
	[[ $line = *'"reasons":[]'* ]]
	one '"kind":"stuck","records":2' && mv one.json new.json && mv new.json one.json
	until grep -q "the rules in use stay: 'one.json' has a rule that follows a series" err; do :; done
	exec 5>&-
	wait $!
}

@test "SIGHUP: rules that stayed the same keep what they follow, others begin anew" {
	one '"kind":"stuck","records":3'
	mkfifo in out
	anomaly-score --rules one.json -j 2 <in >out 2>err 3>&- &
	exec 5>in 6<out
	for i in 1 2 3 4; do
		echo "{\"s\":1,\"timestamp\":$i,\"x\":1}" >&5
		read -r line <&6
		[[ $line = *'"is_anomaly":'$([[ $i -eq 3 ]] && echo true || echo false)* ]]
		[[ $i -ne 3 ]] || one '"kind":"stuck", "records":3'
		kill -HUP $!
		until [[ $(grep -c "loaded rules" err) -eq $i ]]; do :; done
	done
	exec 5>&-
	wait $!
}

@test "a forest for each zone: each record by its own" {
	grep -q "by 'zone': 3 forests$" zones.err
	anomaly-score -m zones --describe --json | jq -e '.by == "zone" and [.groups[].key] == ["north", "old \"town\"", "south"]'
	anomaly-score -m zones records.jsonl >scored
	for zone in north south 'old \"town\"'; do
		grep -F "\"zone\":\"$zone\"" records.jsonl >part
		iforest-train --features x,y --seed 1 --contamination 0.05 -o part.model part
		anomaly-score -m part.model part | jq -c 'del(.model_version)' | cmp - <(grep -F "\"zone\":\"$zone\"" scored | jq -c 'del(.model_version)')
	done
	anomaly-score -m zones -j 3 records.jsonl | cmp - scored
	# keys never seen, or null: by the common one; absent ones are bad
	printf '{"zone":%s,"x":%d,"y":1}\n' '"elsewhere"' 1 null 2 7 3 >in
	anomaly-score -m zones in | jq -c .anomaly_score | cmp - <(anomaly-score -m model in | jq -c .anomaly_score)
	echo '{"x":1,"y":1}' >in
	expect_error 65 "in:1: key 'zone' is absent" anomaly-score -m zones in
	anomaly-score -m zones --absent-as-missing in | jq -c .anomaly_score | cmp - <(anomaly-score -m model in | jq -c .anomaly_score)
	[[ $(anomaly-score -m zones --rules rules.json records.jsonl | jq -c .reasons | sort -u | wc -l) -ge 4 ]]
}

@test "-o: the output is put in its place when it is whole" {
	anomaly-score --rules rules.json records.jsonl >want
	anomaly-score --rules rules.json -o out records.jsonl
	cmp out want
	anomaly-score --rules rules.json --output - records.jsonl | cmp - want
	echo '{"x":' >bad.jsonl
	expect_error 65 "bad.jsonl:1:" anomaly-score --rules rules.json -o out records.jsonl bad.jsonl
	cmp out want
	expect_error 64 "option '--output': 'out' is an input, too" anomaly-score --rules rules.json -o out out
	expect_error 73 "nowhere" anomaly-score --rules rules.json -o nowhere/out records.jsonl
	run -74 bash -c 'ulimit -f 8; anomaly-score --rules rules.json -o out2 records.jsonl'
	compgen -G 'out2*' && return 1
	# nor does a signal leave anything, here 2 seconds after it
	mkfifo in
	anomaly-score --rules rules.json -o out3 in 3>&- &
	exec 5>in
	cat records.jsonl >&5
	until compgen -G 'out3.*' >/dev/null; do :; done
	kill $!
	status=0
	wait $! || status=$?
	exec 5>&-
	[[ $status -eq 75 ]]
	compgen -G 'out3*' && return 1
	cmp out want
}
