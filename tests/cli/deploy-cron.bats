#!/usr/bin/env bats
# data/deploy: the line of the cron file, as cron runs it.

load helper

# 200 records of two fields; the first of them far out.
records() {
	awk -v seed="$1" 'BEGIN {
		for (i = 0; i < 200; i++)
			printf "{\"x\":%d.5,\"y\":%d}\n", i ? (i * 7919 + seed) % 101 : 10000, (i * 104729 + seed) % 97
	}'
}

setup_file() {
	records 0 >"$BATS_FILE_TMPDIR/records"
	iforest-train -o "$BATS_FILE_TMPDIR/model" --contamination 0.05 --seed 1 "$BATS_FILE_TMPDIR/records"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	deploy=$(realpath "$BATS_TEST_DIRNAME/../../data/deploy")
	model=$BATS_FILE_TMPDIR/model
	mkdir -p folder/in
}

# The command of the only line that is neither a comment nor a setting: what follows five times and a user.
cron_command() {
	grep -Ev '^(#|[A-Z]+=|$)' "$deploy/sensorutils.cron" | sed -E 's/^([^ ]+ ){5}[a-z]+ //'
}

# As cron runs it: by SHELL -c, in an environment of the file's settings and little else.
run_cron() {
	env -i HOME=/ SHELL=/bin/bash PATH="${stubs-}${stubs+:}$PATH" FOLDER=folder \
		MODEL="$model" METRICS=metrics.prom /bin/bash -c "$(cron_command)"
}

metric() {
	sed -n "s/^sensorutils_folder_$1{folder=\"folder\"} //p" metrics.prom
}

# In the place of anomaly-score: writes half a record, says so on a FIFO, and waits for another.
make_stuck_stub() {
	stubs=$BATS_TEST_TMPDIR/stubs
	mkdir stubs
	mkfifo started go
	cat >stubs/anomaly-score <<-'STUB'
		#!/bin/bash
		[[ " $* " != *' --describe '* ]] || exit 0
		printf '{"x":1,'
		echo $$ $PPID >started
		read -r _ <go
		echo '"y":2}'
	STUB
	chmod +x stubs/anomaly-score
}

@test "the cron file has one command, of five times, a user and no per cent sign" {
	[[ $(grep -Ecv '^(#|[A-Z]+=|$)' "$deploy/sensorutils.cron") -eq 1 ]]
	[[ $(cron_command) = 'score-folder -m "$MODEL" -t "$METRICS" "$FOLDER"' ]]
	[[ -z $(tail -c 1 "$deploy/sensorutils.cron") ]]
}

@test "a new file is scored once, quietly" {
	records 1 >folder/in/a.jsonl
	run -0 run_cron
	[[ -z $output ]]
	anomaly-score -m "$model" folder/done/a.jsonl | cmp - folder/scored/a.jsonl
	[[ -z $(ls folder/in) && -z $(ls folder/failed) ]]
	[[ $(ls -A folder) = $'.lock\ndone\nfailed\nin\nscored' ]]

	touch -d 2020-01-01 folder/scored/a.jsonl
	run -0 run_cron
	[[ -z $output ]]
	[[ $(stat -c %y folder/scored/a.jsonl) = 2020-01-01* ]]
}

@test "CSV too, and names that are not plain" {
	printf 'x,y\n1.5,2\n' >"folder/in/ü b'\$(c).csv"
	run -0 run_cron
	[[ $(head -n 1 folder/scored/*.csv) = x,y,anomaly_score,* ]]
	[[ $(ls folder/done) = "ü b'\$(c).csv" ]]
}

@test "files that are still being written are left alone" {
	records 1 >folder/in/.hidden
	records 1 >folder/in/b.part
	records 1 >folder/in/c.tmp
	mkdir folder/in/d
	run -0 run_cron
	[[ $(ls -A folder/in) = $'.hidden\nb.part\nc.tmp\nd' && -z $(ls folder/scored) ]]
	mv folder/in/b.part folder/in/b
	run -0 run_cron
	[[ $(ls folder/scored) = b ]]
}

@test "a bad file is kept and reported, the others are scored" {
	records 1 >folder/in/a
	{ records 2 | head -n 5; echo '{"x":'; } >folder/in/b
	records 3 >folder/in/c
	run -65 run_cron
	[[ $output = "score-folder: 'folder/failed/b': anomaly-score: folder/in/b:6:"* ]]
	[[ $(ls folder/scored) = $'a\nc' && $(ls folder/done) = $'a\nc' && -z $(ls folder/in) ]]
	[[ $(ls folder/failed) = $'b\nb.reason' ]]
	grep -q '^anomaly-score: folder/in/b:6:' folder/failed/b.reason
	# Reported once.
	run -0 run_cron
	[[ -z $output ]]
}

@test "a bad file that is put right and moved back is scored" {
	echo '{"x"}' >folder/in/a
	run -65 run_cron
	records 1 >folder/failed/a
	mv folder/failed/a folder/in/
	run -0 run_cron
	[[ $(ls folder/scored) = a ]]
}

@test "a name that is used again is refused, and neither file is lost" {
	records 1 >folder/in/a
	run -0 run_cron
	cp folder/scored/a before
	for kept in a a.2; do
		records 2 >folder/in/a
		run -65 run_cron
		[[ $output = *"'folder/failed/$kept': a file of this name was scored before" ]]
		cmp <(records 2) "folder/failed/$kept"
	done
	cmp before folder/scored/a
	cmp <(records 1) folder/done/a
}

@test "a missing model is no file's fault" {
	records 1 >folder/in/a
	model=missing run -66 run_cron
	[[ $output = *missing* ]]
	[[ $(ls folder/in) = a && -z $(ls folder/failed) && -z $(ls folder/scored) ]]
	[[ $(metric last_success_timestamp_seconds) -eq 0 ]]
	run -0 run_cron
	[[ $(ls folder/scored) = a ]]
}

@test "a full disk is no file's fault" {
	stubs=$BATS_TEST_TMPDIR/stubs
	mkdir stubs
	printf '#!/bin/sh\ncase "$*" in *--describe*) exit 0 ;; esac\necho half\necho no space >&2\nexit 74\n' >stubs/anomaly-score
	chmod +x stubs/anomaly-score
	records 1 >folder/in/a
	records 2 >folder/in/b
	run -74 run_cron
	[[ $output = *'no space'*'ended with 74'* ]]
	[[ $(ls folder/in) = $'a\nb' && -z $(ls folder/failed) && -z $(ls -A folder/scored) ]]
}

@test "metrics: files, records, anomalies, time, and they go on" {
	records 1 >folder/in/a
	records 2 >folder/in/b
	echo '{"x"}' >folder/in/c
	before=$(date +%s)
	run -65 run_cron
	[[ $(metric files_scored_total) -eq 2 && $(metric files_failed_total) -eq 1 ]]
	[[ $(metric records_total) -eq 400 ]]
	[[ $(metric anomalies_total) -eq $(cat folder/scored/* | grep -c '"is_anomaly":true') ]]
	[[ $(metric anomalies_total) -ge 2 ]]
	[[ $(metric last_success_timestamp_seconds) -eq 0 ]]
	[[ $(metric last_run_duration_seconds) =~ ^[0-9]+\.[0-9]{3}$ ]]

	records 3 >folder/in/d
	run -0 run_cron
	[[ $(metric files_scored_total) -eq 3 && $(metric files_failed_total) -eq 1 ]]
	[[ $(metric records_total) -eq 600 ]]
	[[ $(metric last_success_timestamp_seconds) -ge $before ]]
	# As promtool wants it: each metric with HELP and TYPE before its one sample.
	awk '/^# HELP/ { h = $3; next } /^# TYPE/ { if ($3 != h) exit 1; next }
		{ sub(/\{.*/, ""); if ($1 != h) exit 1; n++ } END { if (n != 6) exit 1 }' metrics.prom
	[[ $(ls metrics.prom*) = metrics.prom ]]
}

@test "killed in the middle: nothing half is seen, and the next run does it" {
	make_stuck_stub
	records 1 >folder/in/a
	run_cron 3>&- &
	read -r scorer runner <started
	kill -KILL "$runner" "$scorer"
	wait "$!" || true
	[[ -z $(ls folder/scored) && $(ls folder/in) = a ]]
	unset stubs
	run -0 run_cron
	[[ -z $output ]]
	anomaly-score -m "$model" folder/done/a | cmp - folder/scored/a
	[[ $(ls -A folder/scored) = a ]]
}

@test "killed between two steps: the next run ends what was begun" {
	records 1 >folder/in/a
	run -0 run_cron
	cp folder/scored/a before
	# The result was in place, the file not yet moved.
	mv folder/done/a folder/in/a
	run -0 run_cron
	cmp before folder/scored/a
	[[ $(ls folder/done) = a && -z $(ls folder/in) ]]
	# The reason was written, the bad file not yet moved.
	echo '{"x"}' >folder/in/b
	echo half >folder/failed/b.reason
	run -65 run_cron
	[[ $(ls folder/failed) = $'b\nb.reason' ]]
	grep -q anomaly-score folder/failed/b.reason
}

@test "two at once: the second leaves it to the first" {
	make_stuck_stub
	records 1 >folder/in/a
	run_cron 3>&- &
	first=$!
	read -r _ _ <started
	records 2 >folder/in/b
	run -0 run_cron
	[[ -z $output ]]
	[[ $(ls folder/in) = $'a\nb' && -z $(ls folder/scored) ]]
	echo >go
	wait "$first"
	[[ $(cat folder/scored/a) = '{"x":1,"y":2}' && $(ls folder/in) = b ]]
}

@test "usage" {
	run -64 score-folder
	run -64 score-folder -m "$model"
	run -64 score-folder -x
	run -0 --separate-stderr score-folder --help
	[[ ${lines[0]} = 'score-folder -m MODEL '* && ${lines[-1]} = 'on the folder ends at once'* && -z $stderr ]]
	run -0 score-folder -m "$model" folder --only-anomalies
	touch taken
	run -73 score-folder -m "$model" taken
	[[ $output = *taken* ]]
}
