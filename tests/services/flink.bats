#!/usr/bin/env bats
# data/engines/flink beside window-agg: equal windows from the same topic.

bats_require_minimum_version 1.5.0
load kafka
load flink

setup_file() {
	kafka_start
	kafka_topic city.scored 3
	kafka_topic city.metrics-1min 2
	kafka_topic city.metrics-5min 2
	flink_start
}

teardown_file() {
	flink_stop
	kafka_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	data=$(realpath "$BATS_TEST_DIRNAME/../../data")
}

# start_job: as data/engines/README says, but with rows shown at once. Its id is in $job.
start_job() {
	sed "s/localhost:9092/$KAFKA_BOOTSTRAP_SERVERS/" "$data/engines/flink/tables.sql" >tables.sql
	echo "SET 'execution.checkpointing.interval' = '500 ms';" >>tables.sql
	job=$(flink_sql tables.sql "$data/engines/flink/windows.sql")
}

# there TOPIC COUNT: so many messages are, within a minute.
there() {
	timeout 60 kafka-consume -q -t "$1" -c "$2" --no-provenance >/dev/null
}

# Flink takes its watermarks by the clock, five times a second, and from the slowest partition;
# window-agg from each record of the same partition. So no record may be late by little: in each
# part of the stream disorder stays below the lateness of 10 s, and what is late comes when windows
# were seen to be closed (hold_back.py), but none that it is in time for.
@test "tumbling and sliding windows of 100,000 records, shuffled, late and missing ones among them" {
	sums=(--lateness 10s)
	for field in temperature humidity air_quality_index noise_level traffic_flow; do
		sums+=(--agg "$field:mean,min,max")
	done
	sums+=(--agg 'is_anomaly:sum as anomaly_count')
	sensor-sim "$data/profiles/city.json" --seed 1 --start 2026-03-09T00:00:00Z --count 100000 \
		--late 0.2:6s --shuffle 16 |
		awk 'NR % 500 == 0 { sub(/"humidity":[^,]*/, "\"humidity\":null") } 1' >readings.jsonl
	iforest-train --contamination 0.05 --seed 42 -o model \
		--features temperature,humidity,air_quality_index,noise_level,traffic_flow readings.jsonl
	anomaly-score -m model --rules "$data/rules/city.json" readings.jsonl >scored.jsonl
	late=$("$BATS_TEST_DIRNAME/hold_back.py" 10 50 part 60 150 <scored.jsonl)
	[[ $(cat part.* | wc -l) -eq 100000 ]]

	start_job
	for minutes in 60 150; do
		kafka-produce -t city.scored --key zone "part.$((minutes / 60))"
		# All eight zones have a reading each second.
		there city.metrics-1min $((8 * minutes))
		there city.metrics-5min $((8 * minutes))
	done
	kafka-produce -t city.scored --key zone part.3
	kafka_tool reach city-windows-flink 100000
	flink_drain "$job"
	run -0 kafka_tool offsets city.scored
	run -1 grep ' 0$' <<<"$output"

	for windows in '1min 60s 60s' '5min 5m 1m'; do
		read -r name size slide <<<"$windows"
		kafka-consume -q -t city.scored -o beginning -e |
			window-agg --key zone --window "$size" --slide "$slide" --late "$name.late" "${sums[@]}" \
				>"$name.jsonl"
		kafka-consume -q -t "city.metrics-$name" -o beginning -e --no-provenance >"$name.flink.jsonl"
		run -0 "$BATS_TEST_DIRNAME/equal_windows.py" "$name.flink.jsonl" "$name.jsonl"
		echo "$name: $output"
		((${output% *} >= 8 * 208))
	done
	# Those that came too late for all of their windows; others for some of five.
	[[ "$(wc -l <1min.late) $(wc -l <5min.late)" = "$late" ]]
	((${late% *} > ${late#* } && ${late#* } > 1000))
}

@test "a record without its verdict is an error, and counts in no window" {
	start_job
	echo '{"zone":"Downtown","timestamp":"2026-03-10T00:00:00.000Z","temperature":1,"humidity":1,
		"air_quality_index":1,"noise_level":1,"traffic_flow":1}' | tr -d '\n\t' |
		kafka-produce -t city.scored --key zone
	limit=$((SECONDS + 60))
	until flink_ask "/jobs/$job/exceptions" | grep 'Some field is missing'; do
		((SECONDS < limit))
		read -rt 0.05 <><(:) || true
	done
}
