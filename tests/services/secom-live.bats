#!/usr/bin/env bats
# The live half of SECOM on a real broker: every record scored exactly once.

load kafka

setup_file() {
	kafka_start
	export RATE='' COUNT=1000
	cd "$BATS_FILE_TMPDIR"
	live=$(realpath "$BATS_TEST_DIRNAME/../../data/pipelines/secom-live.sh")
	export live
	for what in data labels; do
		awk -v what=$what -f "${live%/*}/secom-generate.awk" >$what
	done
	secom-prep data labels >records.jsonl
	iforest-train --contamination 0.1 --seed 42 -o model records.jsonl
	anomaly-score -m model records.jsonl >expected.jsonl
}

teardown_file() {
	kafka_stop
}

setup() {
	bats_require_minimum_version 1.5.0
	unset MAKEFLAGS MFLAGS MAKELEVEL SANDBOX
	cd "$BATS_FILE_TMPDIR"
	export TOPIC=raw-$BATS_TEST_NUMBER SCORED=scored-$BATS_TEST_NUMBER GROUP=scorers-$BATS_TEST_NUMBER
	export ID=scorer-$BATS_TEST_NUMBER
}

# scored_are FIRST LAST: what the topic holds are the verdicts on the records FIRST to LAST of the
# replay, each of them once.
scored_are() {
	local n=$(($2 / 1567 + 1)) i
	kafka-consume -q -t "$SCORED" --from-offset beginning -e --no-provenance | sort >got
	for ((i = 0; i < n; i++)); do cat expected.jsonl; done | sed -n "$1,$2p" | sort | cmp - got
}

@test "live: counts are equal, every sample is there once, and it is judged" {
	run -0 --separate-stderr "$live" records.jsonl model live.jsonl
	[[ $output = *'truth '*'called anomalous'*ROC-AUC* ]]
	alarms=$(head -n 1000 expected.jsonl | grep -c '"is_anomaly":true')
	[[ $stderr = *"'$SCORED' has 1000 scored records, $alarms of them alarms"* ]]
	[[ $stderr != *sandbox* && $stderr != *'too narrow'* ]]
	[[ $(wc -l <live.jsonl) -eq 1000 ]]
	scored_are 1 1000
	# Keys are those of the samples, in both topics.
	for topic in "$TOPIC" "$SCORED"; do
		kafka-consume -q -t "$topic" -o beginning -e >keyed
		[[ $(wc -l <keyed) -eq 1000 ]]
		[[ $(grep -c '"key":"sample_' keyed) -eq 1000 ]]
		run -1 grep -vE '"sample_id":([0-9]+),.*"key":"sample_\1"' keyed
	done
	# The group has them all: nothing is left to be read.
	kafka-consume -q -G "$GROUP" --commit-on-write -e "$TOPIC" >left
	[[ ! -s left ]]
}

@test "live: a second run goes on where the first one ended" {
	COUNT=300 run -0 "$live" records.jsonl model live.jsonl
	COUNT=300 run -0 --separate-stderr "$live" records.jsonl model live.jsonl
	[[ $stderr = *"has 600 scored records"* ]]
	kafka-consume -q -t "$SCORED" --from-offset beginning -e --no-provenance | sort | uniq -c | awk '$1 != 2 { exit 1 }'
}

@test "live: records that repeat are not taken for new ones" {
	COUNT=1600 run -0 --separate-stderr "$live" records.jsonl model live.jsonl
	[[ $stderr = *'has 1600 scored records'*'too narrow'* ]]
	scored_are 1 1600
}

@test "live: a stage that fails ends both pipelines, and its status is handed on" {
	RATE=1 COUNT=100000 run -66 --separate-stderr "$live" missing.jsonl model live.jsonl
	[[ $stderr = *"'record-replay', ended with 66"* ]]
	# Last: its record stays in the topic.
	echo '{"sample_id":1,"features":"none"}' >bad.jsonl
	RATE=1 COUNT=100000 run -65 --separate-stderr "$live" bad.jsonl model live.jsonl
	[[ $stderr = *"'anomaly-score', ended with 65"* ]]
}

@test "live: a scorer that is killed is started again from where it was" {
	# As the pipeline for good, under sensor-pipeline -r; ended by its count.
	record-replay --repeat --count 2000 records.jsonl |
		kafka-produce -t "$TOPIC" --create-topic 2:1 --key-format 'sample_%{sample_id}'
	kafka-produce -t "$SCORED" --create-topic 2:1 </dev/null
	cp model m
	# The scorer of the first run is killed at its 700th record.
	cat >score <<-'SCORE'
		[[ -e killed ]] && exec anomaly-score -m m
		touch killed
		{ head -n 700; kill -KILL $$; } | exec anomaly-score -m m
	SCORE
	sensor-pipeline -r -b 0.01 'kafka-consume -G "$GROUP" -e "$TOPIC"' 'bash score' \
		'kafka-produce -t "$SCORED" --transactional-id "$ID"' 2>words
	grep -q "'bash', was killed by SIGKILL" words
	[[ $(grep -c 'starting again' words) -ge 1 ]]
	scored_are 1 2000
}

@test "the pipeline for good: stopped at its head with all committed, goes on from there" {
	deploy=$(realpath "${live%/*}/../deploy")
	export MODEL=$BATS_FILE_TMPDIR/model SLOT=scored-host KAFKA_BOOTSTRAP_SERVERS
	kafka_topic sensor-data 3
	kafka_topic scored 3
	mkdir state
	for run in 1 2; do
		(cd state && exec env --default-signal=TERM sensor-pipeline -f "$deploy/scored.pipeline") \
			</dev/null >/dev/null 2>words 3>&- &
		runner=$!
		sed -n "$((run * 500 - 499)),$((run * 500))p" records.jsonl | kafka-produce -t sensor-data
		# Until they are there.
		timeout 60 kafka-consume -q -t scored -o beginning -c $((run * 500)) >/dev/null
		kill -TERM "$runner"
		wait "$runner"
		run -1 grep sensor-pipeline: words
	done
	[[ ! -e state/score.rejects.jsonl || ! -s state/score.rejects.jsonl ]]
	grep -q '^sensorutils_records_total{.*} 500' state/score.prom
	SCORED=scored scored_are 1 1000
}

@test "README: the live pipelines, as they stand" {
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	kafka_topic sensor-data-readme 4
	kafka_topic scored-readme 4
	cp records.jsonl secom.jsonl
	cp model secom.model
	# In topics of their own, in less time, and with an end.
	sed -n '/^### Live/,/^The second/s/^    //p' "$top/README.md" |
		sed -e '/^export/d' -e 's/-t [a-z-]*/&-readme/; s/scorers sensor-data/&-readme/' \
			-e 's/--rate 200/--rate 10000/; s/-G scorers/& -c 5000/' >job
	[[ $(grep -c readme job) -eq 4 ]]
	run -0 bash -euo pipefail job
	[[ $output = *'records '*' 5000'* ]]
	SCORED=scored-readme scored_are 1 5000
}

@test "sensorutils(7): other filters between, with what they must let through" {
	page=$(realpath "$BATS_TEST_DIRNAME/../../man/sensorutils.7")
	kafka_topic "$TOPIC" 3
	kafka-produce -t "$TOPIC" records.jsonl
	for tool in jq grep awk; do
		filter=$(sed -n "/^\.Ss Other filters/,/^\.Ed/s/^$tool .*/&/p" "$page" | sed 's/test/"sample_id":1/')
		[[ -n $filter ]]
		kafka_topic "$SCORED-$tool" 2
		kafka-consume -G "$GROUP-$tool" -e "$TOPIC" | anomaly-score -m model | bash -c "$filter" |
			kafka-produce -t "$SCORED-$tool" --transactional-id "$ID-$tool"
		kafka-consume -q -t "$SCORED-$tool" -o beginning -e --no-provenance | sort >got
		if [[ $tool = awk ]]; then
			grep -v '"sample_id":1' expected.jsonl
		else
			grep '"is_anomaly":true' expected.jsonl
		fi | sort | cmp - got
		# All is committed, what was dropped too.
		kafka-consume -q -G "$GROUP-$tool" --commit-on-write -e "$TOPIC" >left
		[[ ! -s left ]]
	done
	# One that drops them.
	kafka_topic "$SCORED-none" 1
	run -78 sensor-pipeline -k 0.1 'kafka-consume -G "$GROUP-none" "$TOPIC"' \
		'grep --line-buffered sample_id' 'kafka-produce -t "$SCORED-none" --transactional-id "$ID-none"'
}
