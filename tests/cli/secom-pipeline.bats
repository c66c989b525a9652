#!/usr/bin/env bats
# data/pipelines: SECOM fetched or made up, and the whole job.

load helper

setup() {
	pipelines=$(data_folder)/pipelines
	fetch=$pipelines/secom-fetch.sh
	generate=$pipelines/secom-generate.awk
	secom=${SECOM_DIR-}
	cd "$BATS_TEST_TMPDIR"
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
	unset SECOM_DIR SECOM_URL CI MAKEFLAGS MFLAGS MAKELEVEL KAFKA_BOOTSTRAP_SERVERS KAFKA_HOST
}

teardown() {
	[[ -z ${server-} ]] || kill "$server"
}

need_secom() {
	[[ -n $secom ]] || skip "SECOM_DIR is not set"
}

# A port that nothing listens on.
nowhere=http://127.0.0.1:1

# Copies SECOM as UCI serves it to the folder www.
fill_www() {
	mkdir www
	if [[ -e $secom/secom.data ]]; then
		cp "$secom/secom.data" www/
	else
		zcat "$secom/secom.data.gz" >www/secom.data
	fi
	cp "$secom/secom_labels.data" www/
}

# Serves the folder www on a free port of the loopback; sets url and server.
serve() {
	local port
	exec 4< <(exec python3 -u -c '
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="www")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_port)
server.serve_forever()' 2>/dev/null 3>&-)
	server=$!
	read -r -u 4 port
	url=http://127.0.0.1:$port
}

need_server() {
	need_secom
	skip_unless_peer curl
	python3 -c 'import http.server, zipfile' || skip "python3 with http.server is missing"
}

@test "from SECOM_DIR: decompressed, checked, left alone the second time" {
	need_secom
	SECOM_DIR=$secom run --separate-stderr -0 "$fetch" out
	[[ $output = out/ ]]
	[[ $(ls -A out) = $'secom.data\nsecom_labels.data' ]]
	touch -d 2020-01-01 out/secom.data
	SECOM_DIR=$secom run -0 "$fetch" out
	[[ $(stat -c %y out/secom.data) = 2020-01-01* ]]
}

@test "from SECOM_DIR: with LF line ends too" {
	need_secom
	fill_www
	sed -i 's/\r$//' www/*
	SECOM_DIR=www run -0 "$fetch" out
	[[ $output = out/ ]]
}

@test "from SECOM_DIR: another sum is an error, and nothing is left" {
	mkdir mine
	echo 1 2 3 >mine/secom.data
	echo '1 "19/07/2008 12:32:00"' >mine/secom_labels.data
	SECOM_DIR=mine run --separate-stderr -65 "$fetch" out
	[[ -z $output && $stderr = *'the SHA-256 is wrong'* ]]
	[[ -z $(ls -A out) ]]
}

@test "from SECOM_DIR: a missing file is an error, not a reason to look elsewhere" {
	mkdir mine
	SECOM_DIR=mine run --separate-stderr -66 "$fetch" out
	[[ -z $output && $stderr = *"'mine' does not hold secom.data"* ]]
}

@test "from an address: the two files, kept for the next time" {
	need_server
	fill_www
	serve
	SECOM_URL=$url run --separate-stderr -0 "$fetch" out
	[[ $output = out/ ]]
	cmp www/secom.data out/secom.data
	cmp www/secom_labels.data out/secom_labels.data
	SECOM_URL=$nowhere run --separate-stderr -0 "$fetch" elsewhere
	[[ $output = elsewhere/ && -z $stderr ]]
	cmp www/secom.data elsewhere/secom.data
}

@test "from an address: a zip file" {
	need_server
	fill_www
	(cd www && python3 -m zipfile -c secom.zip secom.data secom_labels.data && rm secom*.data)
	serve
	SECOM_URL=$url/secom.zip run --separate-stderr -0 "$fetch" out
	[[ $output = out/ ]]
}

@test "from an address: another sum is an error, and nothing is kept" {
	need_server
	fill_www
	echo >>www/secom_labels.data
	serve
	SECOM_URL=$url run --separate-stderr -65 "$fetch" out
	[[ -z $output && $stderr = *'the SHA-256 is wrong'* ]]
	[[ -z $(ls -A out) && ! -e cache/sensorutils ]]
}

@test "no network: made up, said, and the same the second time" {
	SECOM_URL=$nowhere run --separate-stderr -0 "$fetch" out
	[[ $output = out/made-up- && $stderr = *'the data are MADE UP'* ]]
	[[ $(ls -A out) = $'made-up-secom.data\nmade-up-secom_labels.data' ]]
	SECOM_URL=$nowhere run --separate-stderr -0 "$fetch" out
	[[ $output = out/made-up- && $stderr = *'the data are MADE UP'* ]]
}

@test "no network: a failure where CI=true" {
	CI=true SECOM_URL=$nowhere run --separate-stderr -69 "$fetch" out
	[[ -z $output && $stderr = *'no SECOM'* ]]
	CI=true SECOM_URL=$nowhere run -2 make -f "$pipelines/secom.mk"
}

@test "made-up data have SECOM's shape" {
	awk -v what=data -f "$generate" >data
	awk -v what=labels -f "$generate" >labels
	secom-prep data labels >records.jsonl
	[[ $(wc -l <records.jsonl) -eq 1567 ]]
	[[ $(grep -c '"label":1,' records.jsonl) -eq 104 ]]
	[[ $(grep -o null records.jsonl | wc -l) -eq 41951 ]]
	# Columns, constant ones, and how many lack 1429, 1018, 24 and no cell, as counted in SECOM.
	tr -d '\r' <data | awk '
		{ for (i = 1; i <= NF; i++)
			if ($i == "NaN") missing[i]++
			else if (!(i in first)) first[i] = $i
			else if ($i != first[i]) varies[i] = 1
		  width = NF }
		END {
			for (i = 1; i <= width; i++) { constant += !(i in varies); columns[missing[i] + 0]++ }
			print width, constant, columns[1429], columns[1018], columns[24], columns[0]
		}' >shape
	[[ $(cat shape) = '590 116 4 12 43 52' ]]
	# Time stamps run from July to October 2008, forward.
	secom-prep --timestamps original --to csv data labels | tail -n +2 | cut -d, -f1 >stamps
	sort -c -u stamps
	[[ $(head -n 1 stamps) = 2008-07-19T11:55:00.000Z && $(tail -n 1 stamps) = 2008-10-17T18:13:00.000Z ]]
}

@test "made-up data are the same bytes under every awk" {
	for awk in awk mawk gawk original-awk 'busybox awk'; do
		command -v "${awk% *}" >/dev/null || continue
		echo "$awk"
		[[ $($awk -v what=data -f "$generate" | sha256sum) = f0c08e152ea0be4bdbeaa32ffe1c8c9018781a4a6ab88851b384c8571cc4b415* ]]
		[[ $($awk -v what=labels -f "$generate" | sha256sum) = 6277c9d41a67f014ee27df6401854ed16b2d055946823c7ee9887d401e374256* ]]
	done
	[[ $(awk -v what=data -v seed=7 -f "$generate" | sha256sum) != f0c08e15* ]]
}

@test "the job on SECOM: records, model, verdicts, metrics, report" {
	need_secom
	SECOM_DIR=$secom run --separate-stderr -0 make -f "$pipelines/secom.mk" OUT=out
	[[ $(wc -l <out/secom.jsonl) -eq 1567 && $(wc -l <out/scored.jsonl) -eq 1567 ]]
	# A tenth, of 1567.
	[[ $(grep -c '"is_anomaly":true' out/scored.jsonl) -eq 157 ]]
	[[ -s out/eval.txt && $output = *"$(head -n 1 out/eval.txt)"* ]]
	[[ -s out/report.html ]]
	run ! grep -qi made-up out/eval.txt out/report.html
	# Nothing to do the second time.
	SECOM_DIR=$secom run -0 make -f "$pipelines/secom.mk" OUT=out
	[[ $output != *secom-prep* ]]
}

@test "the job on made-up data says so everywhere" {
	SECOM_URL=$nowhere run --separate-stderr -0 make -f "$pipelines/secom.mk" OUT=out
	for file in made-up-secom.jsonl made-up-secom.model made-up-scored.jsonl; do
		[[ -s out/$file ]]
		[[ $stderr = *"MADE-UP data of the shape of SECOM, not SECOM: out/$file"* ]]
	done
	[[ $(head -n 1 out/made-up-eval.txt) = 'MADE-UP data of the shape of SECOM, not SECOM' ]]
	grep -q 'MADE-UP data of the shape of SECOM, not SECOM' out/made-up-report.html
	[[ -z $(find out -type f -not -name 'made-up-*') ]]
}

@test "a step that fails leaves nothing behind that passes for its result" {
	mkdir bin
	printf '#!/bin/sh\necho "{}"\nexit 65\n' >bin/secom-prep
	chmod +x bin/secom-prep
	SECOM_URL=$nowhere run -2 make -f "$pipelines/secom.mk" OUT=out BIN=bin
	[[ ! -e out/made-up-secom.jsonl ]]
}

@test "live: on the sandbox, and it says so; every record is scored" {
	SECOM_URL=$nowhere run --separate-stderr -0 make -f "$pipelines/secom.mk" live OUT=out COUNT=2000 RATE=
	[[ $stderr = *'a sandbox in the place of Kafka, with a plain producer'*'not exactly once'* ]]
	[[ $stderr = *"'scored' has 2000 scored records, "*' of them alarms'* && $stderr = *'too narrow'* ]]
	[[ $output = *'MADE-UP data'*ROC-AUC* ]]
	[[ $(wc -l <out/made-up-live.jsonl) -eq 2000 ]]
	# Each as often as it was replayed, with the key of its sample.
	grep -o '"sample_id":[0-9]*' out/made-up-live.jsonl | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c |
		awk '{ print $1, $2 }' >repeats
	[[ $(cat repeats) = $'1134 1\n433 2' ]]
	run -1 grep -vE '"sample_id":([0-9]+),.*"key":"sample_\1"' out/made-up-live.jsonl
}

@test "live: COUNT that is no number, or more than the sandbox can hold, is refused before anything runs" {
	export COUNT=400000
	run --separate-stderr -64 "$pipelines/secom-live.sh" records model out
	[[ $stderr = *'take a real broker'* ]]
	for COUNT in many 0 -1 1.5 0x10; do
		run --separate-stderr -64 "$pipelines/secom-live.sh" records model out
		[[ $stderr = "secom-live: COUNT takes a whole number of records, not '$COUNT'" ]]
	done
}

@test "live: a stage that fails ends it on the sandbox too" {
	iforest-train -o model < <(printf '{"x":1}\n{"x":2}\n')
	echo '{"sample_id":1,"x":"warm"}' >records
	RATE=1 run --separate-stderr -65 "$pipelines/secom-live.sh" records model out
	[[ $stderr = *"'anomaly-score', ended with 65"* ]]
}

@test "a path with a space, which make cannot work with, is said to be one" {
	mkdir "a folder"
	cp "$pipelines"/{secom,city}.mk "a folder"
	for file in secom city; do
		run -2 make -f "$PWD/a folder/$file.mk"
		[[ $output = *"a space in the path of $file.mk"* ]]
	done
}
