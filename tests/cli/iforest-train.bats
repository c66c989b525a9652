#!/usr/bin/env bats
# iforest-train: what it learns, from which records, and how it ends.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	awk 'BEGIN {
		print "timestamp,unit_id,label,x,y,n.z,const,empty,text" >"records.csv"
		for (i = 0; i < 600; i++) {
			x = i * 7919 % 101; y = i * 104729 % 97 / 4 + 0.01; z = i % 10 == 3 ? "" : i * 31 % 17
			printf "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"unit_id\":%d,\"label\":0,\"x\":%d,\"y\":%.3f,\"n\":{\"z\":%s},\"const\":5,\"empty\":null,\"text\":\"a\"}\n",
				i, x, y, z == "" ? "null" : z >"records.jsonl"
			printf "2024-01-01T00:00:00Z,%d,0,%d,%.3f,%s,5,,a\n", i, x, y, z >"records.csv"
		}
	}'
	# One whose feature is a number a line, 0 to 9999.
	seq 0 9999 | sed 's/.*/{"x":&,"y":&.5}/' >line.jsonl
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR"/* .
}

describe() {
	anomaly-score -m "$1" --describe --json
}

@test "the same bytes for any number of threads, and again" {
	iforest-train --seed 7 -o m1 records.jsonl
	for j in 1 2 3; do
		for more in "" "--max-features 0.5 --contamination 0.1" "--reservoir 100" "--impute none --scale robust" "--max-samples 1.0"; do
			# shellcheck disable=SC2086
			iforest-train --seed 7 -j $j $more -o a records.jsonl
			# shellcheck disable=SC2086
			iforest-train --seed 7 $more <records.jsonl >b
			cmp a b
			[[ -n $more ]] || cmp a m1
		done
	done
	iforest-train --seed 7 -o m2 records.csv
	cmp m1 m2
	iforest-train --seed 8 -o m3 records.jsonl
	run ! cmp -s m1 m3
	iforest-train -o m4 records.jsonl
	iforest-train --seed 0 -o m5 records.jsonl
	cmp m4 m5
}

@test "features: the rule, the patterns, what is constant or empty" {
	run --separate-stderr -0 iforest-train -o m records.jsonl
	[[ -z $output ]]
	[[ $stderr = *"iforest-train: features: x, y, n.z, const, empty"* ]]
	[[ $stderr = *"iforest-train: left out: const: constant, empty: all missing"* ]]
	[[ $(describe m | jq -c '[.features // [.feature[].name], .left_out]') = '[["x","y","n.z"],["const: constant","empty: all missing"]]' ]] ||
		[[ $(describe m | jq -c '[[.feature[].name], .left_out]') = '[["x","y","n.z"],["const: constant","empty: all missing"]]' ]]
	names() {
		describe m | jq -c '[.feature[].name]'
	}
	iforest-train --features 'n.*,label,unit_id,x' -o m records.jsonl
	[[ $(names) = '["unit_id","x","n.z"]' ]]
	iforest-train --features '*' -o m records.csv
	[[ $(names) = '["unit_id","x","y"]' ]]
	iforest-train --time-field x -o m records.jsonl
	[[ $(names) = '["y","n.z"]' ]]
	# a plain name is a feature though the first record lacks it
	{ echo '{"x":1}' && cat records.jsonl; } >later
	iforest-train --features x,y --absent-as-missing -o m later
	[[ $(names) = '["x","y"]' ]]
	expect_error 65 "later:1: feature 'y' is absent" iforest-train --features x,y -o m later
	expect_error 65 "records.jsonl: no numeric field of the first record matches --features 'q*'" iforest-train --features 'q*' -o m records.jsonl
	expect_error 65 "records.jsonl:1:" iforest-train --features text -o m records.jsonl
	[[ $stderr = *"feature 'text' is a string, not a number"* ]]
	echo '{"id":1,"text":"x"}' >none
	expect_error 65 "none: no field of the first record is a feature: it has no number but times" iforest-train -o m none
	for bad in '' 'a,,b' ','; do
		expect_error 64 "option '--features': " iforest-train --features "$bad" -o m records.jsonl
	done
	expect_error 65 "" iforest-train --features const -o new records.jsonl
	[[ ! -e new ]]
}

@test "null at first, a string later: no feature, unless it was named or had a number" {
	printf '{"x":1,"s":null}\n{"x":2,"s":null}\n{"x":3,"s":"a"}\n{"x":4,"s":7}\n{"x":6,"s":true}\n' >in
	run --separate-stderr -0 iforest-train -o m in
	[[ $stderr = *"left out: s: all missing"* ]]
	[[ $(describe m | jq -c '[.n_rows, [.feature[].name]]') = '[5,["x"]]' ]]
	expect_error 65 "in:3:12: feature 's' is a string, not a number" iforest-train --features x,s -o m in
	printf '{"x":1,"s":null}\n{"x":2,"s":2}\n{"x":3,"s":"a"}\n' >in
	expect_error 65 "in:3:12: feature 's' is a string, not a number" iforest-train -o m in
}

@test "--trees, --max-samples, --max-features" {
	shape() {
		iforest-train "$@" -o m line.jsonl 2>/dev/null
		describe m | jq -c '[.n_trees, .max_samples, .max_features]'
	}
	[[ $(shape) = '[100,256,2]' ]]
	[[ $(shape --trees 3 --max-samples 64 --max-features 1) = '[3,64,1]' ]]
	[[ $(shape --trees 1 --max-samples 0.5 --max-features 0.5) = '[1,5000,1]' ]]
	[[ $(shape --trees 1 --max-samples 1.0 --max-features 1.0) = '[1,10000,2]' ]]
	[[ $(shape --trees 1 --max-samples 99999 --max-features 99) = '[1,10000,2]' ]]
	[[ $(shape --trees 1 --max-samples auto --max-features auto) = '[1,256,2]' ]]
	for n in 0 -1 1.5 0.0 x '' 1e9 NaN; do
		expect_error 64 "option '--max-samples'" iforest-train --max-samples "$n" -o m line.jsonl
		expect_error 64 "option '--max-features'" iforest-train --max-features "$n" -o m line.jsonl
	done
	for n in 0 1000001 1.5 -1 x; do
		expect_error 64 "option '--trees'" iforest-train --trees $n -o m line.jsonl
	done
	for n in -1 9007199254740993 0.5; do
		expect_error 64 "option '--seed'" iforest-train --seed $n -o m line.jsonl
	done
}

@test "--contamination: so many training records are past the threshold" {
	# at most, for those that tie with the threshold are not past it
	run --separate-stderr -0 iforest-train --contamination 0.1 --summary -o m line.jsonl
	alarms=$(anomaly-score -m m --only-anomalies line.jsonl | wc -l)
	((alarms <= 1000 && alarms > 900))
	[[ $output = *"($alarms of 10000)"* ]]
	run --separate-stderr -0 iforest-train --contamination 0.1 --summary -o m records.jsonl
	[[ $output = *"(60 of 600)"* ]]
	iforest-train -o m line.jsonl
	[[ $(describe m | jq -c '[.offset, .contamination]') = '[-0.5,"auto"]' ]]
	iforest-train --contamination auto -o n line.jsonl
	cmp m n
	for n in 0 0.51 1 -0.1 x; do
		expect_error 64 "option '--contamination'" iforest-train --contamination $n -o m line.jsonl
	done
}

@test "--impute and --scale" {
	for impute in none median mean; do
		for scale in none standard robust; do
			iforest-train --impute $impute --scale $scale -o m records.jsonl
			[[ $(describe m | jq -c '[.impute, .scale]') = "[\"$impute\",\"$scale\"]" ]]
			anomaly-score -m m records.jsonl >/dev/null
		done
	done
	iforest-train -o m records.jsonl
	[[ $(describe m | jq -c '[.impute, .scale]') = '["median","none"]' ]]
	# n.z: 60 of 600 are missing; the median of the others
	median=$(jq -s 'map(.n.z | select(. != null)) | sort | (.[269] + .[270]) / 2' records.jsonl)
	[[ $(describe m | jq -c --argjson median "$median" '.feature[] | select(.name == "n.z") | [.missing_share, .fill == $median]') = '[0.1,true]' ]]
}

@test "--max-missing leaves records out, and says so" {
	{ cat line.jsonl && printf '{"x":null,"y":1}\n{"x":null,"y":null}\n{"x":null,"y":null}\n'; } >in
	run --separate-stderr -0 iforest-train --summary -o m in
	[[ ${lines[0]} = *"10001 learned from, 10003 read, 2 lacked too much" ]]
	run --separate-stderr -0 iforest-train --summary --max-missing 0 -o m in
	[[ ${lines[0]} = *"10000 learned from, 10003 read, 3 lacked too much" ]]
	run --separate-stderr -0 iforest-train --summary --max-missing 1 -o m in
	[[ ${lines[0]} = *"1000"[13]" learned from"* ]]
}

@test "--reservoir: seeded, uniform, and of bounded memory" {
	iforest-train --reservoir 10000 -o a line.jsonl
	iforest-train -o b line.jsonl
	[[ $(describe a | jq .n_rows) = 10000 && $(describe a | jq -c '.feature[0] | [.min, .max]') = '[0,9999]' ]]
	iforest-train --reservoir 99999 -o a line.jsonl
	cmp a b
	# The rows of the sample show in the sketch of a model that keeps them all: over seeds their mean is
	# that of the input, and each tenth of it is drawn from alike.
	for seed in {1..40}; do
		iforest-train --reservoir 100 --trees 1 --seed "$seed" -o m line.jsonl 2>/dev/null
		describe m | jq -c '[.n_rows, .n_rows_seen, .feature[0].min, .feature[0].median, .feature[0].max]'
	done >samples
	jq -s -e 'all(.[]; .[0] == 100 and .[1] == 10000)' samples
	# of 100 out of 10000, the smallest is 99 in the mean, the median 4999.5 (its deviation 490)
	jq -s -e '(map(.[2]) | add / 40) as $min | (map(.[3]) | add / 40) as $median | (map(9999 - .[4]) | add / 40) as $max |
		$min > 40 and $min < 180 and $max > 40 and $max < 180 and ($median - 4999.5 | fabs) < 400' samples
	[[ $(jq -c . samples | sort -u | wc -l) -eq 40 ]]
}

@test "--memory: a limit that says what to do, and counts the sample only" {
	expect_error 69 "--memory" iforest-train --memory 100K -o new line.jsonl
	[[ $stderr = *"--reservoir"* && ! -e new ]]
	iforest-train --memory 100K --reservoir 1000 -o m line.jsonl
	iforest-train --memory 1M -o m line.jsonl
	iforest-train --memory 1G -o m line.jsonl
	for n in 0 -1 x 1T 1.5G '' K; do
		expect_error 64 "option '--memory'" iforest-train --memory "$n" -o m line.jsonl
	done
}

@test "--min-records: fewer end with 65 and no model" {
	head -n 10 line.jsonl >ten
	iforest-train --min-records 10 -o m ten
	rm m
	expect_error 65 "10 records came, fewer than --min-records 11" iforest-train --min-records 11 -o m ten
	{ cat ten && echo '{'; } >eleven
	run --separate-stderr -65 iforest-train --rejects kept --min-records 11 -o m eleven
	[[ ! -e m ]]
	# those that a reservoir passed over came, too
	iforest-train --reservoir 5 --min-records 10 -o m ten
}

@test "--summary: on standard output, or beside a model that goes there" {
	run --separate-stderr -0 iforest-train --summary --contamination 0.1 --seed 3 -o m records.jsonl
	version=$(describe m | jq -r .model_version)
	[[ $output = *600* && $output = *"$version"* && $output = *n.z* && $output = *"empty: all missing"* && $output = *0.1* ]]
	iforest-train --summary --contamination 0.1 --seed 3 records.jsonl >n 2>said
	cmp m n
	[[ $(<said) = *"$output"* ]]
	run --separate-stderr -74 bash -c 'iforest-train --summary -o m records.jsonl >/dev/full'
	[[ $stderr = *"No space left on device"* ]]
}

@test "the model is put in its place whole, and nothing else is left behind" {
	mkdir d
	echo old >d/m
	chmod 640 d/m
	iforest-train -o d/m line.jsonl
	[[ $(ls d) = m && $(stat -c %a d/m) = 640 ]]
	sum=$(sha256sum <d/m)
	# whatever goes wrong, the old one stays
	{ cat line.jsonl && echo '{'; } >bad
	run -65 iforest-train -o d/m bad
	run -65 iforest-train -o d/m /dev/null
	run -66 iforest-train -o d/m line.jsonl missing
	run -69 iforest-train -o d/m --memory 1K line.jsonl
	run -65 iforest-train -o d/m --features z line.jsonl
	run -78 iforest-train -o d/m <(echo '{"_kafka":{"control":"mark","seq":1}}')
	run -73 iforest-train -o d/m --rejects nowhere/x line.jsonl
	ls -la d
	[[ $(ls d) = m && $(sha256sum <d/m) = "$sum" ]]
	run -73 iforest-train -o nowhere/m line.jsonl
	run -73 iforest-train -o d line.jsonl
	iforest-train -o - line.jsonl | cmp - d/m
	[[ $(iforest-train --trees 3 line.jsonl | sha256sum) != "$(sha256sum <d/m)" ]]
}

@test "a signal ends it, and leaves nothing behind" {
	mkdir d
	mkfifo in.fifo
	for signal in INT TERM HUP; do
		env --default-signal=INT,TERM,HUP iforest-train -o d/m <in.fifo 7>&- &
		pid=$!
		exec 7>in.fifo
		head -n 100 line.jsonl >&7
		# it has begun when its file is there
		while [[ -z $(ls d) ]]; do :; done
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		((status == 128 + $(kill -l $signal)))
		exec 7>&-
		[[ -z $(ls d) ]]
	done
}

@test "a model is not written to a terminal" {
	command -v script || skip "script is missing"
	run script -qec "iforest-train line.jsonl" /dev/null
	[[ $status -eq 64 && $output = *"a model is no text for a terminal: name a file with -o"* ]]
}

@test "--metrics and --progress" {
	{ cat line.jsonl && echo '{'; } >in
	iforest-train --metrics m --rejects kept -o model in
	grep -qx 'sensorutils_records_total{program="iforest-train"} 10001.0' m
	grep -qx 'sensorutils_records_rejected_total{program="iforest-train"} 1.0' m
	grep -qx "sensorutils_input_bytes_total{program=\"iforest-train\"} $(stat -c %s in).0" m
	# no terminal, no progress
	run --separate-stderr -0 iforest-train --progress -o model line.jsonl
	[[ $stderr = "iforest-train: features: x, y" ]]
}

@test "truth and verdicts are no features" {
	printf '{"x":1,"label":1,"anomaly_score":0.5,"is_anomaly":true,"score_quantile":0.1,"imputed":1,"model_version":"a","latitude":5,"made_at":7,"_q":8}\n{"x":2,"label":0,"anomaly_score":0.6,"is_anomaly":true,"score_quantile":0.2,"imputed":2,"model_version":"a","latitude":6,"made_at":8,"_q":9}\n' >in
	iforest-train -o m in
	[[ $(describe m | jq -c '[.feature[].name]') = '["x"]' ]]
}

@test "--by: a forest for each value with enough records, the same for any number of threads" {
	awk 'BEGIN { for (i = 0; i < 2000; i++) {
		zone = i % 10 < 5 ? "\"south\"" : i % 10 < 8 ? "7" : i % 10 < 9 ? "\"few\"" : "null"
		printf "{\"zone\":%s,\"x\":%d,\"y\":%.1f}\n", zone, i * 7919 % 101, i * 104729 % 97 / 10 } }' >zones.jsonl
	run --separate-stderr -0 iforest-train --by zone --seed 1 --summary -o zones zones.jsonl
	[[ $stderr = *"by 'zone': 2 forests; 1 values have the common one, with fewer than 256 records"* ]]
	[[ $output = *$'\ngroups             7\n                   south'* ]]
	anomaly-score -m zones --describe --json | jq -e '.by == "zone" and [.groups[] | [.key, .n_rows]] == [["7", 600], ["south", 1000]] and .n_rows == 2000'
	anomaly-score -m zones --describe | grep -q '^  south  1000 rows, 2 features, threshold 0.5$'
	for j in 2 5; do
		iforest-train --by zone --seed 1 -j $j zones.jsonl 2>/dev/null | cmp - zones
	done
	# the order of the zones does not matter to the common part
	iforest-train --features x,y --seed 1 -o common zones.jsonl
	[[ $(anomaly-score -m zones --describe --json | jq -c 'del(.by, .groups, .model_version, .digest)') = "$(anomaly-score -m common --describe --json | jq -c 'del(.model_version, .digest)')" ]]
	# a sample keeps rows and their zones together
	iforest-train --by zone --reservoir 1000 --seed 3 -o sample zones.jsonl
	[[ $(anomaly-score -m sample --describe --json | jq -c '[.n_rows, ([.groups[].n_rows] | add < 900 and add > 700)]') = '[1000,true]' ]]
	# CSV has the same fields
	jq -r '[.zone, .x, .y] | @csv' zones.jsonl | sed '1i zone,x,y' | iforest-train --by zone --features x,y --seed 1 | cmp - zones
	# limits count the copies of groups
	iforest-train --features x,y --memory 90K zones.jsonl >/dev/null
	expect_error 69 "--memory" iforest-train --features x,y --by zone --memory 90K zones.jsonl
}

@test "--by: what names no group" {
	awk 'BEGIN { for (i = 0; i < 300; i++) printf "{\"zone\":\"a\",\"x\":%d}\n", i }' >a.jsonl
	cp a.jsonl in
	echo '{"x":1}' >>in
	expect_error 65 "in:301: key 'zone' is absent" iforest-train --by zone in
	iforest-train --by zone --absent-as-missing -o m in
	[[ $(anomaly-score -m m --describe --json | jq -c '[.n_rows, .groups[0].n_rows]') = '[301,300]' ]]
	for bad in '{}' '[1]' '"\ud800"' '"a\u0000"'; do
		cp a.jsonl in
		echo "{\"zone\":$bad,\"x\":1}" >>in
		expect_error 65 "in:301: key 'zone'" iforest-train --by zone in
	done
	expect_error 64 "field path 'a..b'" iforest-train --by a..b in
	# a number that names groups is no feature, unless it is named
	awk 'BEGIN { for (i = 0; i < 600; i++) printf "{\"zone\":%d,\"x\":%d}\n", i % 2, i * 7919 % 101 }' >in
	for features in '["x"]' '["zone","x"]'; do
		# shellcheck disable=SC2046
		iforest-train --by zone -o m in $([[ $features = '["x"]' ]] || echo --features zone,x)
		[[ $(anomaly-score -m m --describe --json | jq -c .features) = "$features" ]]
		[[ $(anomaly-score -m m --describe --json | jq -c '[.groups[] | [.key, .features]]') = '[["0",["x"]],["1",["x"]]]' ]]
	done
	# nothing varies: the common forest
	sed 's/"x":[0-9]*/"x":5/; s/"a"/"b"/' a.jsonl | cat a.jsonl - >in
	run --separate-stderr -0 iforest-train --by zone -o m in
	[[ $stderr = *"1 forests; 1 values have the common one"* ]]
	# no groups at all
	head -n 100 a.jsonl | iforest-train --by zone -o m
	anomaly-score -m m --describe --json | jq -e '.groups == []'
	[[ $(head -n 1 a.jsonl | anomaly-score -m m | jq -c .imputed) = 0 ]]
}
