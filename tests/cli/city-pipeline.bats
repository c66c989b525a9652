#!/usr/bin/env bats
# data/pipelines/city.mk: the demo by files and SQLite, learning anew, and what live refuses.

# Minutes under a sanitizer, of programs that have tests of their own.
# bats file_tags=native

load helper

setup() {
	data=$(data_folder)
	pipelines=$data/pipelines
	cd "$BATS_TEST_TMPDIR"
	unset MAKEFLAGS MFLAGS MAKELEVEL KAFKA_BOOTSTRAP_SERVERS KAFKA_HOST DB COUNT SIM_OPTIONS
	skip_unless_peer sqlite3
	skip_unless_peer jq
	city=$BATS_FILE_TMPDIR/city
}

# The demo, once for this file.
demo() {
	make -s -f "$pipelines/city.mk" BIN="$SENSORUTILS_BUILD/bin" OUT="$city" "$@"
}

# average DETECTOR: its average precision.
average() {
	anomaly-eval --json --bootstrap 0 "$city/$1.jsonl" | jq .average_precision
}

@test "the demo: a day through all steps, the last minute of each zone, how good it is" {
	demo >out
	# Eight zones with what each measured, then five detectors.
	grep -q 'Downtown' out && grep -q 'Tech Hub' out
	[[ $(grep -cE '^(Downtown|University District|Industrial Park|Residential|Shopping|Tech Hub|Medical) .* 23:59 ' out) -eq 8 ]]
	[[ $(grep -cE '^(a forest|rules).* 0\.[0-9]+ to 0\.[0-9]+$' out) -eq 5 ]]
	awk 'length > 80 { print; n++ } END { exit n > 0 }' out
	# README has it.
	sed -n '/<!-- city -->/,/<!-- city end -->/s/^    //p' "$data/../README.md" >figures
	diff figures <(grep . out)
	[[ $(sqlite3 "$city/city.db" 'SELECT count(*) FROM sensor_data') -eq $((483840 + 69120)) ]]
	[[ $(wc -l <"$city/training.csv") -le 10001 ]]
}

@test "windows in the database are those of the day's records" {
	demo >out
	# By SQL from what was judged: count, extremes and alarms of each minute and zone.
	jq -r '[.zone, .timestamp[0:16], .temperature, (if .is_anomaly then 1 else 0 end)] | @csv' \
		"$city/scored.jsonl" >day.csv
	sqlite3 day.db 'CREATE TABLE day (zone, minute, t REAL, a INTEGER)' '.import --csv day.csv day' \
		"ATTACH '$city/city.db' AS city" \
		'SELECT count(*) FROM (SELECT zone, minute, count(*), min(t), max(t), sum(a) FROM day GROUP BY 1, 2
			EXCEPT SELECT zone, replace(substr(window_start, 1, 16), " ", "T"), count, temperature_min,
				temperature_max, anomaly_count FROM city.sensor_metrics_1min)' \
		'SELECT (SELECT count(*) FROM city.sensor_metrics_1min),
			(SELECT count(*) FROM (SELECT DISTINCT zone, minute FROM day))' \
		'SELECT count(*), min(count), max(count) FROM city.sensor_metrics_5min' >found
	# The first four and the last four windows of 5 minutes reach over the ends of the day.
	diff <(printf '0\n11520|11520\n%d|6|30\n' $((8 * (1440 + 4)))) found
}

@test "forests a zone and rules find more than rules alone" {
	demo >out
	awk -v both="$(average scored)" -v rules="$(average rules)" 'BEGIN { exit !(both > rules) }'
}

@test "the demo made again is the same, to the byte" {
	demo >first
	demo -B >again
	diff first again
}

@test "train: without psql" {
	DB=postgresql://host/city PATH=$BATS_TEST_TMPDIR run -69 /bin/bash "$pipelines/city-train.sh" sqlite:x sql
	[[ $output = "city-train: psql is missing"* ]]
}

@test "train: learns from the database, a forest a zone" {
	demo >out
	demo train 2>/dev/null
	anomaly-score -m "$city/live.model" --describe >described
	grep -q 'Industrial Park' described
	run --separate-stderr -2 demo train DB=sqlite:none
	[[ $stderr = *"there is no database 'none': 'demo' makes its own, DB= names another"* ]]
}

@test "train: the line for cron is silent when all went well, and says what did not" {
	demo >out
	cp "$city/city.db" .
	[[ $(grep -Ecv '^(#|[A-Z]+=|$)' "$data/deploy/city-train.cron") -eq 1 ]]
	line=$(grep -Ev '^(#|[A-Z]+=|$)' "$data/deploy/city-train.cron" | sed -E 's/^([^ ]+ ){5}[a-z]+ //')
	[[ $line != *%* ]]
	as_cron() {
		env -i HOME=/ PATH="$PATH" DB="$1" OUT=learned CITY="$pipelines/city.mk" /bin/bash -c "$line" 2>&1
	}
	run as_cron sqlite:city.db
	[[ $status -eq 0 && -z $output ]]
	anomaly-score -m learned/live.model --describe | grep -q 'Industrial Park'
	cp learned/live.model before
	run as_cron sqlite:none.db
	[[ $output = *"there is no database 'none.db'"* ]]
	cmp learned/live.model before
}

@test "queries: a time ahead of the clock hides nothing, unless all are" {
	sensor-sim --start 2024-03-02T00:00:00Z --step 1h --count 1600 "$data/profiles/city.json" >past.jsonl
	db-sink --schema "$data/sql/sqlite/city.sql" sqlite:db sensor_data past.jsonl
	sqlite3 -csv db <"$data/sql/sqlite/train.sql" >want.csv
	[[ $(wc -l <want.csv) -eq $((7 * 24 * 8)) ]]
	head -n 1 past.jsonl | jq -c '.timestamp = "2099-01-01T00:00:00.000Z"' | db-sink sqlite:db sensor_data
	sqlite3 -csv db <"$data/sql/sqlite/train.sql" | cmp - want.csv
	for year in 2024 2099; do
		echo '{"zone":"a","window_start":"'$year'-01-01T00:00:00.000Z","window_end":"'$year'-01-01T00:01:00.000Z","count":'$year'}' |
			db-sink --upsert zone,window_start sqlite:db sensor_metrics_1min
		[[ $(sqlite3 db <"$data/sql/sqlite/overview.sql") = 'a|2024|'* ]]
	done
	# A city that is simulated ahead of the clock has its last 7 days, too.
	sqlite3 db "UPDATE sensor_data SET timestamp = replace(timestamp, '2024-', '2098-')" \
		"DELETE FROM sensor_data WHERE timestamp > '2099'"
	sqlite3 -csv db <"$data/sql/sqlite/train.sql" | sed s/2098-/2024-/ | cmp - want.csv
	# Neither takes more than the index: no scan of the table.
	sqlite3 db "EXPLAIN QUERY PLAN $(cat "$data/sql/sqlite/train.sql")" >plan
	grep -q 'SEARCH sensor_data' plan
	run ! grep 'SCAN sensor_data' plan
}

@test "data/sql has what db-sink makes for itself" {
	db-sink --claim sqlite:made >answer <<<'{"operation":"claim","group":"g","partitions":[]}'
	sqlite3 given <"$data/sql/sqlite/offsets.sql"
	for db in made given; do
		sqlite3 "$db" 'PRAGMA table_list(sensorutils_offsets)' 'PRAGMA table_info(sensorutils_offsets)' \
			'SELECT type, name, tbl_name FROM sqlite_master' >"$db.txt"
	done
	[[ $(wc -l <given.txt) -ge 9 ]]
	diff given.txt made.txt
}

@test "live names what it lacks" {
	demo >out
	run --separate-stderr -2 demo live
	[[ $stderr = *"set KAFKA_BOOTSTRAP_SERVERS"* ]]
	export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1
	run --separate-stderr -2 demo live DB=sqlite:x
	[[ $stderr = *"set DB=postgresql://"* ]]
}
