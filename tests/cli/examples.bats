#!/usr/bin/env bats
# The examples of the README and of manual pages, run as they stand.

load helper

setup_file() {
	# Rows enough for the examples, of SECOM's form.
	cd "$BATS_FILE_TMPDIR"
	top=$BATS_TEST_DIRNAME/../..
	for what in data labels; do
		awk -v what=$what -f "$top/data/pipelines/secom-generate.awk" >$what
	done
	mv data secom.data
	mv labels secom_labels.data
	gzip -k secom.data
	awk 'BEGIN { print "timestamp,x,y"
		for (i = 0; i < 500; i++)
			printf "2024-01-01T%02d:%02d:00Z,%d.5,%d\n", i / 60, i % 60, i * 7919 % 101, i * 104729 % 97 }' >day.csv
	secom-prep secom.data secom_labels.data >secom.jsonl
	iforest-train --seed 1 -o old.model secom.jsonl
	iforest-train --seed 2 -o new.model secom.jsonl
	iforest-train --contamination 0.1 --seed 42 -o secom.model secom.jsonl
	anomaly-score -m secom.model secom.jsonl >scored.jsonl
}

setup() {
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	cp "$BATS_FILE_TMPDIR"/* "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
}

# examples_of PAGE: what stands in displays under EXAMPLES, a NUL behind each.
examples_of() {
	awk '
		/^\.Sh/ { inside = $2 == "EXAMPLES" }
		!inside { next }
		/^\.Dl / { sub(/^\.Dl /, ""); printf "%s%c", $0, 0 }
		/^\.Ed/ { if (display) printf "%c", 0; display = 0 }
		display { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }
		/^\.Bd -literal/ { display = 1 }' "$top/man/$1"
}

# Runs each; those that never end are fed what they wait for.
run_examples() {
	local example n=0
	while IFS= read -r -d '' example; do
		n=$((n + 1))
		example=${example/tail -F/cat}
		echo "$example"
		bash -euo pipefail -c "$example" >out
	done < <(examples_of "$1")
	((n >= $2))
}

@test "README: the job" {
	sed -n '/^## The job/,/^A record/s/^    //p' "$top/README.md" >job
	[[ $(wc -l <job) -eq 5 ]]
	rm -f secom.jsonl secom.model scored.jsonl
	bash -euo pipefail job
	[[ -s report.html && $(wc -l <scored.jsonl) -eq 1567 ]]
}

@test "README: your own data" {
	sed -n '/^### Your own data/,/^Every numeric/s/^    //p' "$top/README.md" >steps
	{
		sed -n 1,2p steps
		awk 'BEGIN { for (i = 0; i < 400; i++)
			printf "2026-03-02T%02d:%02d:00Z,%d.5,%d,%.1f\n", i / 60, i % 60, i * 7919 % 101, i * 104729 % 97, i * 31 % 17 }'
	} >line.csv
	sed -e 1,2d -e '/^make$/d' steps >job
	[[ $(wc -l <job) -eq 5 ]]
	bash -euo pipefail job >out
	grep -q '^features  *3, 0 left out$' out
	grep -q '^2026-03-02T.*,true,' out
	[[ -s report.html && $(wc -l <scored.csv) -eq 402 ]]
}

@test "README: live, on the sandbox as far as that goes" {
	sed -n '/^### Live/,/^The second/s/^    //p' "$top/README.md" >live
	[[ $(grep -c '^[a-z]' live) -eq 4 ]]
	# A sandbox has no transactions; the pipeline ends when all is scored.
	sed -e '/^export/d' -e 's/--rate 200/--rate 5000/' -e 's/ --transactional-id scorer-1//' \
		-e 's/-G scorers/& --commit-on-write -c 5000/' live >job
	[[ $(diff live job | grep -c '^[<>]') -eq 7 ]]
	kafka-sandbox --topics sensor-data:16,scored:16 -- bash -euo pipefail job >out
	grep -q '^records  *5000$' out
}

@test "README: for good, on the sandbox, until it is stopped" {
	sed -n '/^### For good/,/^runs the stages/s/^    //p' "$top/README.md" >good
	[[ $(wc -l <good) -eq 2 ]]
	# Of the environment the broker is another; a sandbox has no transactions.
	ln -s "$top/data" data
	sed 's/ --transactional-id "$SLOT"//; s/--instance "$SLOT"/--commit-on-write/' data/deploy/scored.pipeline >plain
	sed -e 's/KAFKA_BOOTSTRAP_SERVERS=[^ ]*//' -e 's|data/deploy/scored.pipeline|plain|' -e 's/^sensor/exec &/' good >job
	kafka-sandbox --topics sensor-data:4,scored:4 -- bash -euo pipefail -c '
		head -n 200 secom.jsonl | kafka-produce -t sensor-data
		bash -eu job </dev/null 2>words &
		kafka-consume -G seen --commit-on-write -c 200 scored >seen
		kill $!
		wait $!'
	[[ $(grep -c anomaly_score seen) -eq 200 ]]
}

@test "README: the figures are those of the job on SECOM" {
	[[ -n ${SECOM_DIR-} ]] || skip "SECOM_DIR is not set"
	data=$(compgen -G "$SECOM_DIR/secom.data*" | head -n 1)
	secom-prep "$data" "$SECOM_DIR/secom_labels.data" >secom.jsonl
	iforest-train --trees 100 --contamination 0.1 --seed 42 -o secom.model secom.jsonl
	anomaly-score -m secom.model secom.jsonl >scored.jsonl
	anomaly-eval scored.jsonl >eval.txt
	sed -n '/<!-- eval -->/,/<!-- eval end -->/s/^    //p' "$top/README.md" >figures
	[[ $(wc -l <figures) -ge 8 ]]
	run -1 grep -vxFf eval.txt figures
	# The verdict of the first record, which the README breaks into lines.
	sed -n '/^     "anomaly_score"/,/}$/p' "$top/README.md" | tr -d ' \n' >shown
	grep -o '"anomaly_score".*' scored.jsonl | head -n 1 | tr -d '\n' | cmp - shown
}

@test "README: names the programs, and only files that are there" {
	for program in "$SENSORUTILS_BUILD"/bin/*; do
		grep -qF "[${program##*/}](man/${program##*/}.1)" "$top/README.md"
	done
	for file in $(grep -o ']([^)h][^)]*)' "$top/README.md" | tr -d ']()'); do
		echo "$file"
		[[ -e $top/$file ]]
	done
}

@test "sensorutils(7): names the programs with their summaries" {
	for program in "$SENSORUTILS_BUILD"/bin/*; do
		echo "$program"
		summary=$(sed -n 's/^\.Nd //p' "$top/man/${program##*/}.1")
		grep -A1 -xF ".It Xr ${program##*/} 1" "$top/man/sensorutils.7" | grep -qxF "$summary"
	done
}

@test "no example of a manual page is broken by a terminal of 80 columns" {
	# 11 columns of them are indentation; what is no literal display is filled to 78.
	for page in "$top"/man/*; do
		awk -v page="${page##*/}" '
			/^\.Dl / && length($0) - 4 > 67 { print page ": " $0; bad = 1 }
			/^\.Ed/ { display = 0 }
			{ gsub(/\\e/, "\\") }
			display && length($0) > 69 { print page ": " $0; bad = 1 }
			/^\.Bd -literal/ { display = 1 }
			END { exit bad }' "$page"
	done
}

@test "sensorutils(7): examples" {
	printf '{"timestamp":"2024-01-01T00:00:00Z","x":1.5,"y":2}\n{"x":\n' >readings.jsonl
	run_examples sensorutils.7 5
	[[ $(wc -l <bad.jsonl) -eq 1 ]]
}

@test "secom-prep(1): examples" {
	run_examples secom-prep.1 3
	[[ $(wc -l <out) -eq 4 ]] # July to October
}

@test "sensor-sim(1): examples" {
	export SENSORUTILS_DATA=$top/data
	run_examples sensor-sim.1 5
	[[ $(wc -l <city.jsonl) -eq 69120 && -s bad.jsonl && $(wc -l <good.jsonl) -gt 9900 ]]
	paste -d, lake.csv healthy.csv | awk -F, 'NR > 1 { n += $7; if (!$7 && ($3 != $11 || $4 != $12)) exit 1 } END { exit !n }'
	[[ $(wc -l <out) -eq 50 ]]
}

@test "sensor-profile(5): its example is a profile" {
	examples_of sensor-profile.5 | tr -d '\0' >boilers.json
	[[ $(sensor-sim --step 10s --count 4 boilers.json | jq -r .boiler | tr '\n' ' ') = "north south north south " ]]
}

@test "record-replay(1): examples" {
	run_examples record-replay.1 3
	[[ $(wc -l <live.jsonl) -eq 500 && $(wc -l <six.jsonl) -eq 6 ]]
}

@test "iforest-train(1): examples" {
	gzip -k secom.jsonl
	awk 'BEGIN { for (i = 0; i < 600; i++) printf "{\"zone\":\"%s\",\"x\":%d}\n", i % 2 ? "a" : "b", i * 7919 % 101 }' >city.jsonl
	run_examples iforest-train.1 4
	[[ $(anomaly-score -m city.model --describe --json | jq -c '[.groups[].key]') = '["a","b"]' ]]
	[[ $(anomaly-score -m m.model --describe --json | jq -c '[.n_rows, .n_rows_seen]') = '[1000,1567]' ]]
}

@test "anomaly-score(1): examples" {
	printf '{"timestamp":"2024-01-01T00:00:00Z","x":1.5,"y":2}\n{"x":\n' >readings.jsonl
	iforest-train --seed 1 -o day.model day.csv
	echo '{"rules":[{"name":"far","severity":"low","field":"features.0","kind":"above","limit":3100}]}' >rules.json
	run_examples anomaly-score.1 6
	[[ $(wc -l <bad.jsonl) -eq 1 && $(wc -l <flagged.jsonl) -eq 1567 ]]
}

@test "sensor-rules(5): examples" {
	IFS= read -r -d '' rules < <(examples_of sensor-rules.5)
	echo "$rules" >rules.json
	examples_of sensor-rules.5 | grep -aqF 'anomaly-score --rules rules.json --describe'
	anomaly-score --rules rules.json --describe >out
	grep -q '^    Foundry: temperature above 65$' out
	printf '{"zone":"Foundry","sensor_id":1,"timestamp":%d,"temperature":%d}\n' 0 60 10 66 20 66 >in
	[[ $(anomaly-score --rules rules.json in | jq -c .reasons | tr '\n' ' ') = '[] ["heat","jump"] ["heat"] ' ]]
	[[ $(anomaly-score --rules rules.json --key zone in | wc -l) -eq 3 ]]
	for rules in "$top"/data/rules/*.json; do
		anomaly-score --rules "$rules" --describe
	done
}

@test "window-agg(1): examples" {
	awk 'BEGIN { for (i = 0; i < 900; i++)
		printf "{\"zone\":\"%s\",\"timestamp\":%d,\"temperature\":%d.5,\"is_anomaly\":%s}\n", i % 2 ? "North" : "South",
			1704067200 + i, i * 7919 % 101, i % 10 ? "false" : "true" }' >city.jsonl
	echo zone,timestamp,temperature | tee monday.csv >tuesday.csv
	printf '%s,2024-01-0%d %s:%d:00Z,%d\n' North 1 23 10 20 South 1 23 50 22 >>monday.csv
	printf '%s,2024-01-0%d %s:%d:00Z,%d\n' North 1 23 10 24 South 2 00 10 1 >>tuesday.csv
	run_examples window-agg.1 3
	[[ $(wc -l <minutes.jsonl) -eq 30 && $(wc -l <five.jsonl) -eq 38 && ! -s late.jsonl ]]
	[[ $(sed -n 3p out) = North,2024-01-01T23:00:00.000Z,2024-01-02T00:00:00.000Z,2,22.0 ]]
}

@test "sensor-pipeline(1): examples" {
	sed -n '/^Score what comes/,/^A filter/p' "$top/man/sensor-pipeline.1" >first
	grep -q '^sensor-pipeline -r ' first # runs until it is stopped: as the README has it
	bash -c "$(examples_of sensor-pipeline.1 | tr '\0' '\n' | tail -n 1)" >out
	[[ $(<out) -eq 500 ]]
}

@test "score-folder(1): examples" {
	iforest-train --seed 1 -o day.model day.csv
	run_examples score-folder.1 1
	[[ $(wc -l <line/scored/day.csv) -eq 501 && -e line/done/day.csv ]]
}

@test "sensor-record(5): the records it shows are records, its rejected one what is written" {
	# Lines that were broken for the page are joined.
	examples_of sensor-record.5 | tr '\0' '\n' | awk '/^ /{ printf "%s", substr($0, 2); next } { printf "\n%s", $0 } END { print "" }' |
		grep '^{' | grep -v '\.\.\.' >shown
	jq -e -c . shown >/dev/null
	[[ $(wc -l <shown) -eq 6 ]]
	printf '{"x":"warm"}\n' >day.jsonl
	printf '{"x":1}\n{"x":2}\n' | iforest-train -o x.model
	anomaly-score -m x.model --rejects bad.jsonl day.jsonl
	jq -e -s '.[0].reason == .[1].reason and .[0].column == .[1].column and .[0].record == .[1].record and
		(.[0] | keys) == (.[1] | keys)' <(grep rejected_at shown) bad.jsonl
	# A stream with its control records passes as it is, but for the verdicts.
	grep '"_kafka":{"[ct]' shown >stream
	[[ $(wc -l <stream) -eq 5 ]]
	anomaly-score -m x.model stream | sed 's/,"anomaly_score".*}/}/' | cmp - stream
}

@test "kafka-produce(1): examples" {
	skip_unless_peer kcat
	mkfifo address
	kafka-sandbox >address 3>&- &
	sandbox=$!
	read -r KAFKA_BOOTSTRAP_SERVERS <address
	export KAFKA_BOOTSTRAP_SERVERS
	run_examples kafka-produce.1 3
	[[ $(kcat -C -b "$KAFKA_BOOTSTRAP_SERVERS" -t raw -e -q | wc -l) -eq 1667 ]]
	[[ $(kcat -C -b "$KAFKA_BOOTSTRAP_SERVERS" -t day -e -q | wc -l) -eq 500 ]]
	[[ ! -s unsent.jsonl && ! -s bad.jsonl ]]
	kill "$sandbox"
	wait "$sandbox"
}

@test "kafka-consume(1): examples" {
	skip_unless_peer kcat
	mkfifo address
	kafka-sandbox >address 3>&- &
	sandbox=$!
	read -r KAFKA_BOOTSTRAP_SERVERS <address
	export KAFKA_BOOTSTRAP_SERVERS
	head -n 500 scored.jsonl >part # what one partition of a sandbox can hold
	kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t scored -l part
	run_examples kafka-consume.1 4
	[[ $(kafka-consume -t scored -e | wc -l) -eq 500 ]]
	kill "$sandbox"
	wait "$sandbox"
}

@test "db-sink(1): examples" {
	skip_unless_peer sqlite3
	run_examples db-sink.1 3
	[[ $(sqlite3 day.db 'SELECT count(*) FROM readings') = 500 ]]
	[[ $(sqlite3 day.db 'SELECT count(*) FROM latest') = 500 ]]
	[[ $(sqlite3 scored.db 'SELECT count(*) FROM scored') -gt 1000 ]]
}

@test "kafka-sandbox(1): examples" {
	skip_unless_peer kcat
	run_examples kafka-sandbox.1 3
	cmp <(sort day.csv) back.csv
}
