#!/usr/bin/env bats
# data/engines/spark: anomaly-score as a pipe inside Spark judges as it does in a shell.

bats_require_minimum_version 1.5.0
load kafka

setup_file() {
	local data
	kafka_start
	cd "$BATS_FILE_TMPDIR"
	SPARK=$("$BATS_TEST_DIRNAME/spark-install.sh")
	data=$(realpath "$BATS_TEST_DIRNAME/../../data")
	jars=$(printf '%s,' "$SPARK"/jars/*.jar)
	jars=${jars%,}
	export SPARK jars rules=$data/rules/city.json job=$data/engines/spark/score.py
	# Workers make their folders in its home.
	mkdir home tmp
	ln -s "$SPARK"/lib/python*/site-packages/pyspark/* home
	export SPARK_HOME=$PWD/home SPARK_LOCAL_DIRS=$PWD/local SPARK_LOCAL_IP=127.0.0.1
	export PYSPARK_PYTHON=$SPARK/bin/python PYTHONDONTWRITEBYTECODE=1 TMPDIR=$PWD/tmp
	sensor-sim "$data/profiles/city.json" --seed 1 --start 2026-03-09T00:00:00Z --count 20000 \
		>readings.jsonl
	iforest-train --contamination 0.05 --seed 42 -o city.model \
		--features temperature,humidity,air_quality_index,noise_level,traffic_flow readings.jsonl
	# Those that look at one record.
	jq '.rules |= map(select(.kind != "stuck"))' "$rules" >single.json
	anomaly-score -m city.model --rules single.json readings.jsonl | sort >expected
	kafka_topic city.readings 4
	kafka_topic city.scored 3
	kafka-produce -t city.readings --key zone readings.jsonl
}

teardown_file() {
	kafka_stop
}

setup() {
	cd "$BATS_FILE_TMPDIR"
}

# submit MASTER OPTION... -- ANOMALY_SCORE_OPTION...: the job, to the end of the topic.
submit() {
	local jvm="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir=$TMPDIR"
	timeout 150 "$SPARK/bin/spark-submit" --master "$1" --jars "$jars" --driver-memory 512m \
		--driver-java-options "$jvm" --conf spark.driver.host=127.0.0.1 \
		--conf spark.executor.memory=512m --conf "spark.executor.extraJavaOptions=$jvm" \
		--conf spark.ui.enabled=false --conf spark.log.level=WARN \
		--files "$(command -v anomaly-score),city.model,single.json,$rules" \
		"$job" --from city.readings --to city.scored --checkpoint "$PWD/checkpoint" -e "${@:2}" \
		3>&-
}

scored() {
	kafka-consume -q -t city.scored -o beginning -e "$@"
}

@test "Spark: 20,000 records judged by a worker, byte for byte as in a shell, under their keys" {
	submit 'local-cluster[1,2,512]' --max-batch 8000 -- anomaly-score -m city.model --rules single.json
	scored --no-provenance | sort | cmp - expected
	scored >keyed
	[[ $(jq -c 'select(._kafka.key == .zone)' keyed | wc -l) -eq 20000 ]]
	# Records of a key stay in their order.
	for zone in 'Downtown' 'Tech Hub'; do
		[[ $(grep -c "\"zone\":\"$zone\"" keyed) -eq 2500 ]]
		jq -r --arg zone "$zone" 'select(.zone == $zone) | .timestamp' keyed | sort -c
	done
}

@test "Spark: what anomaly-score cannot judge fails the job with its words, and is not in the topic" {
	head -n 100 readings.jsonl | sed '50s/"temperature":[0-9.]*/"temperature":"hot"/' >more.jsonl
	kafka-produce -t city.readings --key zone more.jsonl
	run submit 'local[2]' -- anomaly-score -m city.model --rules single.json
	((status != 0))
	[[ $output = *'no verdict on the record of topic city.readings, partition '* ]]
	[[ $output = *' ended with status 65: anomaly-score: '*temperature* ]]
	# It went on from where the first run was, for those it did judge are of the new ones.
	scored --no-provenance >got
	run -1 grep hot got
	(($(wc -l <got) >= 20000 && $(wc -l <got) < 20100))
	sort -u got | cmp - expected
}

@test "Spark: rules that follow a series are refused, and what would leave records out" {
	run submit 'local[1]' -- anomaly-score -m city.model --rules city.json
	((status == 78))
	[[ $output = *"rule 'sensor_stuck' of kind 'stuck' follows a series"* ]]
	for row in '78 "kind":"missing","for":"90s"' \
		'78 "kind":"missing","per_key":{"Downtown":{"records":2}}' '0 "kind":"missing"' \
		'78 "kind":"rate","per_second":3' '0 "kind":"above","limit":40'; do
		cat >one.json <<-RULES
			{"by":"zone","key":"sensor_id","rules":[{"name":"r","severity":"low","field":"humidity",${row#* }}]}
		RULES
		PYTHONPATH=${job%/*} run "-${row%% *}" "$PYSPARK_PYTHON" - <<-'PYTHON'
			from pyspark import SparkFiles
			import score
			SparkFiles._is_running_on_worker, SparkFiles._root_directory = True, "."
			score.check(["anomaly-score", "--rules", "one.json"])
		PYTHON
	done
	for option in --only-anomalies --rejects=file --watch; do
		run -78 "$SPARK/bin/python" "$job" -b broker --from a --to b --checkpoint c -- \
			anomaly-score -m city.model "$option"
		[[ $output = *"'$option' cannot be used here"* ]]
	done
}

@test "Spark: however the process ends, a record without its verdict is named, and raises" {
	printf '#!/bin/sh\nread -r x; echo "$x"; echo oh >&2; kill -9 $$\n' >killed
	printf '#!/bin/sh\nexec sed 2d\n' >fewer
	printf '#!/bin/sh\nexec sed p\n' >"more"
	printf '#!/bin/sh\nexit 69\n' >refuses
	chmod +x killed fewer more refuses
	printf '[%s]\n' "$(head -n 3 readings.jsonl | paste -s -d ,)" >three
	PYTHONPATH=${job%/*} run -0 "$PYSPARK_PYTHON" - <<-'PYTHON'
		import json, os
		from types import SimpleNamespace
		from pyspark import SparkFiles
		import score
		SparkFiles._is_running_on_worker, SparkFiles._root_directory = True, os.getcwd()
		good = [json.dumps(x).encode() for x in json.load(open("three"))]

		def judge(command, values):
		    rows = [SimpleNamespace(topic="t", partition=7, offset=i, key=b"%d" % i, value=v)
		            for i, v in enumerate(values)]
		    judged = []
		    try:
		        for key, value in score.judge(iter(rows), command):
		            judged.append((key, value))
		        return judged, None
		    except Exception as e:
		        return judged, str(e)

		model = ["anomaly-score", "-m", "city.model"]
		judged, why = judge(model, [bytes(good[0]).replace(b",", b",\n", 1) + b"\r\n"] + good[1:])
		assert why is None and [k for k, _ in judged] == [b"0", b"1", b"2"], why
		assert all("is_anomaly" in json.loads(v) for _, v in judged)
		forged = b'{"_kafka":{"control":"end"}}'
		for bad in None, b"", b"\n", b"3", b"garbage", b"{}", b'{"temperature":1}', forged:
		    judged, why = judge(model, [good[0], bad, good[1]])
		    assert [k for k, _ in judged] == [b"0"], (bad, judged)
		    assert "no verdict on the record of topic t, partition 7, offset 1: " in why, (bad, why)
		for command, n, offset, words in [
		    ("killed", 1, 1, "status -9: oh"), ("refuses", 0, 0, "status 69"),
		    ("fewer", 2, 2, "status 0"), ("more", 3, None, "more records than it read"),
		]:
		    judged, why = judge(["./" + command], good)
		    assert words in why and (offset is None or f"offset {offset}: " in why), (command, why)
		    assert len(judged) == n or offset is None, (command, judged)
	PYTHON
}
