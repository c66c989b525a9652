#!/usr/bin/env bats
# anomaly-score: verdicts, forms, models that change, signals.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	awk 'BEGIN {
		print "t,x,y,n.z,text" >"records.csv"
		for (i = 0; i < 400; i++) {
			x = i * 7919 % 101; y = i * 104729 % 97 / 4 + 0.01; z = i * 31 % 17
			if (i % 80 == 79) { x = 900 + i; y = -500 }
			printf "{\"t\":%d,\"x\":%d,\"n\":{\"z\":%d},\"y\":%.3f,\"text\":\"a,\\\"b\\\"\"}\n", i, x, z, y >"records.jsonl"
			printf "%d,%d,%.3f,%d,\"a,\"\"b\"\"\"\n", i, x, y, z >"records.csv"
		}
	}'
	iforest-train --time-field t --seed 1 --contamination 0.05 -o model records.jsonl
	iforest-train --time-field t --seed 2 --contamination 0.05 -o other records.jsonl
	iforest-train --features x,n.z --seed 3 -o fewer records.jsonl
	anomaly-score -m model records.jsonl >scored.jsonl
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR"/* .
}

teardown() {
	[[ -z ${pid-} ]] || kill -KILL "$pid" 2>/dev/null || true
}

version_of() {
	anomaly-score -m "$1" --describe --json | jq -r .model_version
}

@test "records are written as they came, with the verdict behind" {
	[[ $(wc -l <scored.jsonl) -eq 400 ]]
	sed 's/,"anomaly_score":.*}$/}/' scored.jsonl | cmp - records.jsonl
	jq -s -e --arg v "$(version_of model)" 'all(.[];
		(keys_unsorted[-6:] == ["anomaly_score","is_anomaly","severity","score_quantile","imputed","model_version"]) and
		(.anomaly_score > 0 and .anomaly_score <= 1) and (.is_anomaly | type == "boolean") and
		(.severity | IN("none", "low", "medium", "high")) and (.is_anomaly == (.severity != "none")) and
		(.score_quantile >= 0 and .score_quantile <= 1) and .imputed == 0 and .model_version == $v)' scored.jsonl
	# five records stand far out
	jq -s -e '[.[] | select(.t % 80 == 79) | .is_anomaly] == [true, true, true, true, true]' scored.jsonl
	grep -q '"anomaly_score":0\.[0-9]*,"is_anomaly":' scored.jsonl
}

@test "spelling, order, white space and unknown fields survive" {
	printf ' { "z" : 1.50 ,"x":1e0,"n":{"z":3,"q":[1, 2]},"y":2 , "big":123456789012345678901234567890,"u":"\\u00e4\\/" } \n' >in
	anomaly-score -m model in | sed 's/,"anomaly_score".*}/}/' | cmp - in
	printf '{"severity":"x","x":1,"imputed":{"a":[1]},"n":{"z":3,"imputed":1},"y":2,"anomaly_score":null,"model_version":"v"}\n' >in
	[[ $(anomaly-score -m model in) = '{"x":1,"n":{"z":3,"imputed":1},"y":2,"anomaly_score":'*'}' ]]
	[[ $(anomaly-score -m model in | jq -c 'keys_unsorted') = '["x","n","y","anomaly_score","is_anomaly","severity","score_quantile","imputed","model_version"]' ]]
	# scoring what is scored gives the same
	anomaly-score -m model scored.jsonl | cmp - scored.jsonl
}

@test "missing values are counted, absent fields are not missing" {
	printf '{"x":null,"y":1,"n":{"z":2}}\n' >in
	[[ $(anomaly-score -m model in | jq -c .imputed) = 1 ]]
	printf '{"x":null,"y":null,"n":{"z":2}}\n' >in
	expect_error 65 "in:1: record lacks 2 of 3 features" anomaly-score -m model in
	[[ $(anomaly-score -m model --max-missing 0.7 in | jq -c .imputed) = 2 ]]
	expect_error 65 "in:1: record lacks" anomaly-score -m model --max-missing 0.66 in
	printf '{"x":null,"y":1,"n":{"z":2}}\n' >in
	expect_error 65 "in:1: record lacks 1 of 3" anomaly-score -m model --max-missing 0 in
	printf '{"y":1,"n":{"z":2}}\n' >in
	expect_error 65 "in:1: feature 'x' is absent" anomaly-score -m model in
	[[ $(anomaly-score -m model --absent-as-missing in | jq -c .imputed) = 1 ]]
	[[ $(printf 'x,y,n.z\n,1,2\n' | anomaly-score -m model --to json | jq -c '[.x, .imputed]') = '[null,1]' ]]
}

@test "--score decision: the threshold minus the score, below 0 if anomalous" {
	anomaly-score -m model --score decision records.jsonl >decided
	threshold=$(anomaly-score -m model --describe --json | jq '-.offset')
	paste -d '\n' scored.jsonl decided | jq -s -e --argjson threshold "$threshold" '
		[range(0; length; 2) as $i | {s: .[$i], d: .[$i + 1]}] | length == 400 and all(.[];
			.s.is_anomaly == .d.is_anomaly and .d.is_anomaly == (.d.anomaly_score < 0) and
			((($threshold - .s.anomaly_score) - .d.anomaly_score) | fabs) < 1e-12 and
			.s.score_quantile == .d.score_quantile)'
	cmp <(anomaly-score -m model --score paper records.jsonl) scored.jsonl
}

@test "--stamp adds the time of scoring" {
	run -0 anomaly-score -m model --stamp records.jsonl
	jq -e 'keys_unsorted[-1] == "scored_at" and (.scored_at | sub("[.][0-9]{3}Z$"; "Z") | fromdate) > 1700000000 and
		(.scored_at | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$"))' <<<"${lines[0]}"
	# and takes the place of an older one
	[[ $(head -n 1 <<<"$output" | anomaly-score -m model --stamp | grep -o scored_at | wc -l) -eq 1 ]]
	[[ $(head -n 1 <<<"$output" | anomaly-score -m model | grep -o scored_at | wc -l) -eq 1 ]]
}

@test "--only-anomalies writes these alone, and control records still pass" {
	jq -c 'select(.is_anomaly) | .t' scored.jsonl >expected
	[[ $(wc -l <expected) -ge 5 ]]
	anomaly-score -m model --only-anomalies records.jsonl | jq -c .t | cmp - expected
	{
		echo '{"_kafka":{"control":"assign","seq":0,"session":"s"}}'
		cat records.jsonl
		echo ' {"_kafka" : {"control":"end","seq":1,"session":"s"}} '
	} >in
	anomaly-score -m model --only-anomalies --fields t in >got
	[[ $(head -n 1 got) = '{"_kafka":{"control":"assign","seq":0,"session":"s"}}' ]]
	[[ $(tail -n 1 got) = ' {"_kafka" : {"control":"end","seq":1,"session":"s"}} ' ]]
	sed '1d;$d' got | jq -c .t | cmp - expected
}

@test "--fields writes only these, in their order" {
	[[ $(anomaly-score -m model --fields n.z,text,nothing,t records.jsonl | head -n 1 | sed 's/,"anomaly_score.*//') = '{"n":{"z":0},"text":"a,\"b\"","t":0' ]]
	[[ $(anomaly-score -m model --fields n records.jsonl | head -n 1 | sed 's/,"anomaly_score.*//') = '{"n":{"z":0}' ]]
	anomaly-score -m model --fields text,t records.csv >got
	[[ $(head -n 1 got) = text,t,anomaly_score,is_anomaly,severity,score_quantile,imputed,model_version ]]
	[[ $(sed -n 2p got) = '"a,""b""",0,0.'* ]]
	# a name that is written anyway, or twice, is written once
	[[ $(anomaly-score -m model --fields t,is_anomaly,t scored.jsonl | head -n 1 | grep -oE '"(t|is_anomaly)":' | tr -d '\n') = '"t":"is_anomaly":' ]]
	[[ $(anomaly-score -m model --fields t,x,t records.csv | head -n 1) = t,x,anomaly_score,* ]]
	# where a record came from goes with it
	printf '{"x":1,"y":2,"n":{"z":3},"_kafka":{"topic":"a","offset":5}}\n' >in
	[[ $(anomaly-score -m model --fields x in) = '{"x":1,"_kafka":{"topic":"a","offset":5},"anomaly_score"'* ]]
}

@test "--fields and --csv-fields: what makes no sense is refused before any input" {
	for list in '' 'a,,b' 'a..b' a. "a\\" ,a; do
		expect_error 64 "option '--fields': " anomaly-score -m model --fields "$list" /dev/null
		expect_error 64 "option '--csv-fields': " anomaly-score -m model --to csv --csv-fields "$list" /dev/null
	done
	expect_error 64 "option '--fields': " anomaly-score -m model --fields a,a.b /dev/null
	expect_error 64 "option '--fields': " anomaly-score -m model --fields a.b,a /dev/null
}

@test "--as: two models on one stream" {
	anomaly-score -m model --as one records.jsonl | anomaly-score -m other --as two >both
	jq -s -e --slurpfile plain scored.jsonl --arg one "$(version_of model)" --arg two "$(version_of other)" '
		[., $plain] | transpose | all(.[]; .[0].one.anomaly_score == .[1].anomaly_score and .[0].one.model_version == $one and
			.[0].two.model_version == $two and (.[0] | has("anomaly_score") | not) and
			(.[0].two | keys_unsorted) == ["anomaly_score","is_anomaly","severity","score_quantile","imputed","model_version"])' both
	# again: the object is replaced, the other stays
	anomaly-score -m model --as one both | jq -c 'keys_unsorted' | sort -u | diff - <(echo '["t","x","n","y","text","two","one"]')
	[[ $(anomaly-score -m model --as one records.csv | head -n 1) = t,x,y,n.z,text,one.anomaly_score,*,one.model_version ]]
	# verdict or truth at the top are left alone
	printf '{"x":1,"y":2,"n":{"z":3},"is_anomaly":true}\n' | anomaly-score -m model --as v | jq -e '.is_anomaly and has("v")'
	# a name is a name, not a path; in a path its dot has a backslash
	[[ $(head -n 1 records.jsonl | anomaly-score -m model --as a.b | jq -c 'keys_unsorted[-1]') = '"a.b"' ]]
	head -n 1 records.jsonl | anomaly-score -m model --as a.b | anomaly-score -m model --as a.b --to csv >got
	[[ $(head -n 1 got) = 't,x,n.z,y,text,a\.b.anomaly_score,'* ]]
	[[ $(head -n 1 got | grep -o anomaly_score | wc -l) -eq 1 ]]
	for name in '' $'\xff' _kafka; do
		expect_error 64 "--as" anomaly-score -m model --as "$name" records.jsonl
	done
	expect_error 64 "'--truth' and '--as' exclude each other" anomaly-score -m model --as v --truth x records.jsonl
}

@test "--describe: text, and one JSON object" {
	run --separate-stderr -0 anomaly-score -m model --describe
	[[ $output = *"$(version_of model)"* && $output = *n.z* ]]
	run --separate-stderr -0 anomaly-score -m model --describe --json
	[[ ${#lines[@]} -eq 1 ]]
	jq -e '.model_version | test("^[0-9a-f]{12}$")' <<<"$output"
	run --separate-stderr -74 bash -c 'anomaly-score -m model --describe >/dev/full'
	expect_error 64 "a model is needed: -m FILE" anomaly-score records.jsonl
	expect_error 64 "a model is needed: -m FILE" anomaly-score --describe
}

@test "is_anomaly without a model is somebody's truth" {
	printf '{"x":1,"y":2,"n":{"z":3},"is_anomaly":true}\n{"is_anomaly":0,"x":1,"y":2,"n":{"z":3}}\n{"x":1,"is_anomaly":null,"y":2,"n":{"z":3},"label":7}\n' >in
	expect_error 65 "in:1: record has 'is_anomaly' but no 'model_version'" anomaly-score -m model in
	[[ $stderr = *"--truth is_anomaly"*"--overwrite"* ]]
	anomaly-score -m model --overwrite in >got
	[[ $(grep -o '"is_anomaly"' got | wc -l) -eq 3 ]]
	jq -s -e 'all(.[]; (has("label") | not) or .label == 7)' got
	anomaly-score -m model --truth is_anomaly in >got
	[[ $(jq -c .label got | tr '\n' ' ') = 'true 0 null ' ]]
	jq -s -e 'all(.[]; keys_unsorted[-1] == "label" and .is_anomaly == (.severity != "none"))' got
	[[ $(head -n 1 got) = '{"x":1,"y":2,"n":{"z":3},"anomaly_score":'*',"label":true}' ]]
	# another field, in every form of output
	sed 's/is_anomaly/failed/' in >failed
	for more in "" "--fields t,x,failed" "--to csv" "--to csv --csv-fields x,y,n.z,failed,label" "--to csv --fields failed,x"; do
		echo "$more"
		# shellcheck disable=SC2086
		anomaly-score -m model --truth failed $more failed >got
		[[ $(grep -c failed got) -eq 0 ]]
		[[ $more = *csv* || $(jq -c .label got | tr '\n' ' ') = 'true 0 null ' ]]
		[[ $more != *csv* || $(head -n 1 got | grep -o label | wc -l) -eq 1 ]]
	done
	printf 'x,y,n.z,failed,label\n1,2,3,true,7\n' >in.csv
	[[ $(anomaly-score -m model --truth failed in.csv | tr '\n' ' ') = 'x,y,n.z,anomaly_score,'*',label 1,2,3,'*',true ' ]]
	[[ $(anomaly-score -m model --truth failed --to json in.csv | jq -c '[.label, has("failed")]') = '[true,false]' ]]
	expect_error 65 "in:1: truth 'failed' is absent" anomaly-score -m model --truth failed in
	sed 's/"x":1/"x":2/' in >two
	expect_error 65 "two:1:6: truth 'x': '2' is neither true/false nor 0/1" anomaly-score -m model --truth x two
	expect_error 64 "option '--truth'" anomaly-score -m model --truth n.z in
	[[ $(printf '{"x":1,"y":2,"n":{"z":3},"a.b":1}\n' | anomaly-score -m model --truth 'a\.b' | jq -c '[.label, has("a.b")]') = '[1,false]' ]]
}

@test "-j N: the same output, rejects and control records in their places" {
	{
		echo '{"_kafka":{"control":"assign","seq":0,"session":"s"}}'
		for i in {1..60}; do
			cat records.jsonl
			echo '{"x":'
			echo "{\"_kafka\":{\"control\":\"mark\",\"seq\":$i,\"session\":\"s\"}}"
			echo '{"x":1}'
		done
		echo '{"_kafka":{"control":"end","seq":61,"session":"s"}}'
	} >in
	anomaly-score -m model --rejects rejects.1 in >out.1
	[[ $(wc -l <out.1) -eq 24062 && $(wc -l <rejects.1) -eq 120 ]]
	for j in 2 3 8; do
		anomaly-score -m model -j $j --rejects rejects.$j in >out.$j
		cmp out.1 out.$j
		cmp <(jq -c 'del(.rejected_at)' rejects.1) <(jq -c 'del(.rejected_at)' rejects.$j)
		anomaly-score -m model -j $j <in --rejects /dev/null | cmp - out.1
		anomaly-score -m model --to csv -j $j records.jsonl | cmp - <(anomaly-score -m model --to csv records.jsonl)
	done
	# where one stops, all stop
	for j in 1 2 3; do
		run --separate-stderr -65 anomaly-score -m model -j $j in
		[[ ${#lines[@]} -eq 401 ]]
		[[ $stderr = "anomaly-score: in:402:6: line ends where a value was expected" ]]
	done
}

@test "CSV in, CSV out" {
	anomaly-score -m model records.csv >got
	[[ $(head -n 1 got) = t,x,y,n.z,text,anomaly_score,is_anomaly,severity,score_quantile,imputed,model_version ]]
	sed 's/"""*,[^"]*$/&/; s/\("a,""b"""\),.*/\1/' got | tail -n +2 | cmp - <(tail -n +2 records.csv)
	anomaly-score -m model got | cmp - got
	# the same verdicts as of JSON
	cmp <(anomaly-score -m model --to json records.csv | jq -c '[.t,.anomaly_score,.severity,.score_quantile]') \
		<(jq -c '[.t,.anomaly_score,.severity,.score_quantile]' scored.jsonl)
}

@test "from JSON to CSV and back, nothing is lost" {
	anomaly-score -m model --to csv records.jsonl >there.csv
	[[ $(head -n 1 there.csv) = t,x,n.z,y,text,anomaly_score,* ]]
	anomaly-score -m model --to json there.csv >back.jsonl
	cmp back.jsonl scored.jsonl
	printf '{"x":1,"y":2,"n":{"z":3},"s":"007","e":"","b":true,"w":" a ","l":[1,"x"],"u":"\\u00e4\\n","a.b":"1"}\n' >odd
	anomaly-score -m model --to csv odd >odd.csv
	[[ $(head -n 1 odd.csv) = 'x,y,n.z,s,e,b,w,l,u,a\.b,anomaly_score,'* ]]
	anomaly-score -m model --to json odd.csv | jq -c 'del(.anomaly_score,.is_anomaly,.severity,.score_quantile,.imputed,.model_version)' >odd.back
	[[ $(<odd.back) = '{"x":1,"y":2,"n":{"z":3},"s":"007","e":"","b":true,"w":" a ","l":"[1,\"x\"]","u":"ä\n","a.b":"1"}' ]]
}

@test "a field without a column makes a bad record, and --csv-fields names all" {
	printf '{"x":1,"y":2,"n":{"z":3}}\n{"x":1,"y":2,"n":{"z":3,"q":4}}\n{"x":1,"y":2,"n":{"z":3},"w":5}\n{"w":null,"x":1,"y":2,"n":{"z":3}}\n' >in
	run --separate-stderr -65 anomaly-score -m model --to csv in
	[[ ${#lines[@]} -eq 2 ]]
	[[ $stderr = 'anomaly-score: in:2:25: the output has no column for field "q"; name all with --csv-fields' ]]
	anomaly-score -m model --to csv --rejects kept in 2>/dev/null >got
	[[ $(wc -l <got) -eq 2 && $(wc -l <kept) -eq 3 ]]
	anomaly-score -m model --to csv --csv-fields x,y,n.z,n.q,w in >got
	[[ $(cut -d , -f 1-5 got | tr '\n' ' ') = 'x,y,n.z,n.q,w 1,2,3,, 1,2,3,4, 1,2,3,,5 1,2,3,, ' ]]
	# what the program reads but does not write is no less lost
	run --separate-stderr -65 anomaly-score -m model --to csv --csv-fields y,n.z,w in
	[[ $stderr = 'anomaly-score: in:1:2: the output has no column for field "x"'* ]]
	# --fields chose: nothing is lost that was wanted
	[[ $(anomaly-score -m model --to csv --fields y in | wc -l) -eq 5 ]]
	# the first record decides, and an absent feature may come later
	printf '{"y":2,"n":{"z":3}}\n{"x":1,"y":2,"n":{"z":3}}\n' >in
	run --separate-stderr -65 anomaly-score -m model --absent-as-missing --to csv in
	[[ $stderr = 'anomaly-score: in:2:2: the output has no column for field "x"'* ]]
}

@test "first records that cannot make a header" {
	good='{"x":1,"y":2,"n":{"z":3}}'
	printf '{"":1,"x":1,"y":2,"n":{"z":3}}\n%s\n' "$good" >in
	run --separate-stderr -65 anomaly-score -m model --to csv in
	[[ $stderr = 'anomaly-score: in:1:2: the output has no column for field ""'* ]]
	printf '{"\\ud800":1,"x":1,"y":2,"n":{"z":3}}\n%s\n' "$good" >in
	anomaly-score -m model --to csv --rejects kept in >got 2>/dev/null
	[[ $(wc -l <got) -eq 2 && $(wc -l <kept) -eq 1 ]]
	printf '{"a":1,"x":1,"a":2,"y":2,"n":{"z":3}}\n' >in
	[[ $(anomaly-score -m model --to csv in | cut -d , -f 1-4 | tr '\n' ' ') = 'a,x,y,n.z 2,1,2,3 ' ]]
	printf '\n{"a":{"b":1},"x":1,"y":2,"n":{"z":3},"a":2}\n' >in
	expect_error 65 "in:2: field 'a' holds another" anomaly-score -m model --to csv in
}

@test "several files, standard input among them, places in their files" {
	head -n 10 records.jsonl >a
	head -n 20 records.jsonl | tail -n 10 >b
	tail -n +11 records.jsonl | head -n 10 | anomaly-score -m model a - | cmp - <(head -n 20 scored.jsonl)
	printf '{"x":1,"y":2,"n":{"z":3}}\nx\n' >bad
	run --separate-stderr -65 anomaly-score -m model a b bad
	[[ ${#lines[@]} -eq 21 && $stderr = "anomaly-score: bad:2:1: a record must be a JSON object" ]]
}

# start COMMAND...: runs it with standard input from a pipe on descriptor 7, standard output to a
# pipe on 8, standard error to a pipe on 9; $pid is its process.
start() {
	mkfifo in.fifo out.fifo err.fifo
	env --default-signal=INT,TERM,HUP "$@" <in.fifo >out.fifo 2>err.fifo 7>&- 8>&- 9>&- &
	pid=$!
	exec 7>in.fifo 8<out.fifo 9<err.fifo
}

@test "output appears while the pipe is open" {
	for j in 1 3; do
		start anomaly-score -m model -j $j
		for i in 1 2 3; do
			sed -n "${i}p" records.jsonl >&7
			read -r -t 20 line <&8
			[[ $line = "$(sed -n "${i}p" scored.jsonl)" ]]
		done
		# half a record is nothing yet; its end is
		printf '{"t":3,' >&7
		sed -n 4p records.jsonl | cut -c 8- >&7
		read -r -t 20 line <&8
		[[ $line = "$(sed -n 4p scored.jsonl)" ]]
		exec 7>&-
		wait "$pid"
		exec 8<&- 9<&-
		rm ./*.fifo
	done
}

# reads a line of standard error that holds TEXT
said() {
	read -r -t 20 line <&9
	echo "$line"
	[[ $line = *"$1"* ]]
}

@test "SIGHUP: the model is loaded again between two records; a bad one is not" {
	new=$(version_of other) old=$(version_of model)
	for j in 1 2; do
		cp model used
		start anomaly-score -m used -j $j
		head -n 1 records.jsonl >&7
		read -r -t 20 line <&8
		[[ $line = *"\"model_version\":\"$old\"}" ]]
		cp other used
		kill -HUP "$pid"
		said "loaded model 'used', version $new"
		head -n 1 records.jsonl >&7
		read -r -t 20 line <&8
		[[ $line = *"\"model_version\":\"$new\"}" ]]
		head -c 1000 model >used
		kill -HUP "$pid"
		said "used: the model in use stays: "
		head -n 1 records.jsonl >&7
		read -r -t 20 line <&8
		[[ $line = *"\"model_version\":\"$new\"}" ]]
		# one with other features
		cp fewer used
		kill -HUP "$pid"
		said "loaded model 'used', version $(version_of fewer)"
		echo '{"x":5,"n":{"z":1}}' >&7
		read -r -t 20 line <&8
		[[ $line = *"\"model_version\":\"$(version_of fewer)\"}" ]]
		exec 7>&-
		wait "$pid"
		exec 8<&- 9<&-
		rm ./*.fifo used
	done
}

@test "SIGHUP: columns stay when a new model comes" {
	cp model used
	start anomaly-score -m used --to csv
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	read -r -t 20 line <&8
	cp fewer used
	kill -HUP "$pid"
	said "loaded model 'used'"
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	[[ $line = "0,0,0,0.010,"*",$(version_of fewer)" ]]
	exec 7>&-
	wait "$pid"
}

@test "--watch takes up a model that was replaced" {
	cp model used
	start anomaly-score -m used --watch
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	cp other new
	mv new used
	said "loaded model 'used', version $(version_of other)"
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	[[ $line = *"\"model_version\":\"$(version_of other)\"}" ]]
	echo broken >new
	mv new used
	said "the model in use stays"
	exec 7>&-
	wait "$pid"
}

@test "SIGINT: what was read is written, then death by the signal" {
	for j in 1 2; do
		start anomaly-score -m model -j $j
		head -n 5 records.jsonl >&7
		for i in 1 2 3 4 5; do read -r -t 20 line <&8; done
		kill -INT "$pid"
		status=0
		wait "$pid" || status=$?
		[[ $status -eq 130 ]]
		exec 7>&- 8<&- 9<&-
		rm ./*.fifo
	done
	# a real death by the signal: a shell above would end, too
	run python3 -c 'import signal, subprocess, sys
p = subprocess.Popen(["anomaly-score", "-m", "model"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdin.write(open("records.jsonl", "rb").readline()); p.stdin.flush(); p.stdout.readline()
p.send_signal(signal.SIGINT); sys.exit(0 if p.wait(20) == -signal.SIGINT else 1)'
	[[ $status -eq 0 ]]
}

# bats test_tags=native
@test "SIGINT and SIGTERM again, while nobody reads the output" {
	for i in {1..20}; do cat records.jsonl; done >in
	cat >signals.py <<-'END'
		import signal, subprocess, sys, time
		p = subprocess.Popen(["anomaly-score", "-m", "model", "in"], stdout=subprocess.PIPE)
		def wait(what):
		    while not what():
		        time.sleep(0.001)
		wait(lambda: open(f"/proc/{p.pid}/syscall").read().split()[0] == "1")  # in write(2)
		start = time.monotonic()
		for s in sys.argv[2:]:
		    p.send_signal(int(s))
		    wait(lambda: p.poll() is not None or "SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000" in open(f"/proc/{p.pid}/status").read())
		    time.sleep(0.5 if s == "15" else 0)
		status = p.wait(20)
		sys.exit(0 if status == int(sys.argv[1]) and time.monotonic() - start < 3 else f"{status}")
	END
	python3 signals.py -2 2 2
	# asking again gives no more time
	python3 signals.py 75 15 15 15 15
}

@test "SIGTERM: 0 if the end of input comes, else 75 after 2 seconds" {
	start anomaly-score -m model
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	kill -TERM "$pid"
	sed -n 2p records.jsonl >&7
	read -r -t 20 line <&8
	[[ $line = "$(sed -n 2p scored.jsonl)" ]]
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	[[ $status -eq 0 ]]
	exec 8<&- 9<&-
	rm ./*.fifo
	start anomaly-score -m model
	head -n 1 records.jsonl >&7
	read -r -t 20 line <&8
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[[ $status -eq 75 ]]
	said "SIGTERM came, and the end of input did not within 2 s: unfinished"
	exec 7>&- 8<&- 9<&-
}

@test "a reader that vanishes: SIGPIPE, quietly" {
	for i in {1..100}; do cat records.jsonl; done >in
	run bash -c 'anomaly-score -m model in | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"'
	[[ $status -eq 141 && -z $output ]]
}

@test "a reader that vanishes is noticed while nothing comes" {
	mkfifo idle
	exec 7<>idle
	run timeout 20 bash -c 'anomaly-score -m model idle | true; exit "${PIPESTATUS[0]}"'
	[[ $status -eq 141 && -z $output ]]
	run timeout 20 bash -c 'trap "" PIPE; anomaly-score -m model idle | true; exit "${PIPESTATUS[0]}"'
	[[ $status -eq 74 && $output = *"Broken pipe" ]]
}

@test "--metrics: counters that add up, replaced as a whole" {
	{ cat records.jsonl && echo x; } >in
	anomaly-score -m model --metrics m --rejects kept in >got 2>/dev/null
	for name in records_total:401.0 records_rejected_total:1.0 "input_bytes_total:$(stat -c %s in).0" \
		"anomalies_total:$(grep -c '"is_anomaly":true' got).0"; do
		echo "$name"
		grep -qxF "sensorutils_${name%%:*}{program=\"anomaly-score\"} ${name##*:}" m
		grep -qxF "# TYPE sensorutils_${name%%:*} counter" m
		grep -q "^# HELP sensorutils_${name%%:*} ." m
	done
	now=$(sed -n 's/^sensorutils_updated_timestamp_seconds.* //p' m)
	(($(date +%s) - ${now%.*} < 100))
	[[ $(echo m m.*) = 'm m.*' ]]
	# left out records are counted
	anomaly-score -m model --metrics m --only-anomalies records.jsonl >/dev/null
	grep -q '^sensorutils_records_total{.*} 400.0$' m
	# and of a run that failed
	run -65 anomaly-score -m model --metrics m in
	grep -q '^sensorutils_records_total{.*} 400.0$' m
}

@test "--max-rejects: a number, a share, and what they need" {
	awk 'NR % 100 == 0 { print "{" } { print }' records.jsonl >in # 4 of 404
	run --separate-stderr -0 anomaly-score -m model --rejects kept --max-rejects 4 in
	[[ $stderr = "anomaly-score: 4 of 404 records rejected, kept in 'kept'" && ${#lines[@]} -eq 400 ]]
	run --separate-stderr -65 anomaly-score -m model --rejects kept --max-rejects 3 in
	[[ $stderr = "anomaly-score: 4 of 404 records rejected: more than --max-rejects 3"* ]]
	run --separate-stderr -0 anomaly-score -m model --rejects kept --max-rejects 0.01 in
	run --separate-stderr -65 anomaly-score -m model --rejects kept --max-rejects 0.009 in
	[[ $stderr = *"4 of 404 records rejected: more than --max-rejects 0.009"* ]]
	run --separate-stderr -0 anomaly-score -m model --rejects kept --max-rejects 0 records.jsonl
	run --separate-stderr -65 anomaly-score -m model --rejects kept --max-rejects 0 in
	# a share is judged over 1000 records, not over the first few
	{ for i in 1 2 3 4 5; do echo '{'; done && for i in 1 2 3; do cat records.jsonl; done; } >in
	run --separate-stderr -0 anomaly-score -m model --rejects kept --max-rejects 0.01 in
	{ for i in {1..11}; do echo '{'; done && for i in {1..30}; do cat records.jsonl; done; } >in
	run --separate-stderr -65 anomaly-score -m model --rejects kept --max-rejects 0.01 in
	[[ $stderr = *"11 of 1000 records rejected"* ]]
	expect_error 64 "'--max-rejects' needs '--rejects FILE'" anomaly-score -m model --max-rejects 3 in
	for bad in x -1 1.5 0.0; do
		expect_error 64 "option '--max-rejects'" anomaly-score -m model --rejects kept --max-rejects $bad in
	done
}

@test "--rejects: all of its fields, appended, never cut" {
	printf '{"x":1,"y":2,"n":{"z":"3"},"_kafka":{"topic":"t","offset":5}}\n\xff\n' >in
	anomaly-score -m model --rejects kept in 2>/dev/null
	anomaly-score -m model --rejects kept <in 2>/dev/null
	[[ $(wc -l <kept) -eq 4 ]]
	jq -s -e '(.[0] | keys_unsorted) == ["program","file","line","column","reason","rejected_at","record","_kafka"] and
		.[0]._kafka == {"topic":"t","offset":5} and .[0].line == 1 and .[0].column == 23 and
		(.[1] | keys_unsorted) == ["program","file","line","column","reason","rejected_at","record_base64"] and
		.[1].record_base64 == "/w==" and .[2].file == "(stdin)" and .[3].line == 2' kept
	# what was kept is what came: it can be scored when it was mended
	jq -r 'select(.record).record' kept | sed 's/"3"/3/' | anomaly-score -m model | jq -e .anomaly_score
}

@test "every kernel gives the same bytes" {
	for kernel in scalar interleaved auto; do
		SENSORUTILS_KERNEL=$kernel anomaly-score -m model records.jsonl | cmp - scored.jsonl
	done
	SENSORUTILS_KERNEL=none run --separate-stderr anomaly-score -m model records.jsonl
	[[ $status -ne 0 && $stderr = "anomaly-score: "*none* ]]
}
