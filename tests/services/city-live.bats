#!/usr/bin/env bats
# data/pipelines/city.mk live: four pipelines on a real broker and a real database, in time that flies, give
# what the demo gives by files.

bats_require_minimum_version 1.5.0
load kafka
load postgres

setup_file() {
	kafka_start
	postgres_start
}

teardown_file() {
	postgres_stop
	kafka_stop
}

setup() {
	pipelines=$(realpath "$BATS_TEST_DIRNAME/../../data/pipelines")
	cd "$BATS_TEST_TMPDIR"
	unset MAKEFLAGS MFLAGS MAKELEVEL
}

teardown() {
	[[ -z ${live-} ]] || kill -KILL -- "-$live" 2>/dev/null || true
}

# becomes TEXT QUERY: so within a minute.
becomes() {
	local limit=$((SECONDS + 60))
	until [[ $(pq "$2") = "$1" ]]; do
		if ((SECONDS >= limit)) || ! kill -0 "$live"; then
			echo "$2: $(pq "$2"), not $1"
			cat words
			return 1
		fi
		read -rt 0.2 <><(:) || true
	done
}

@test "live: readings, minutes and 5 minutes in PostgreSQL, as the demo has them" {
	env -u KAFKA_BOOTSTRAP_SERVERS -u DB make -s -f "$pipelines/city.mk" BIN="$SENSORUTILS_BUILD/bin" OUT=city >demo.txt
	# The demo's day. Its last windows stay open: no record comes behind them.
	export PATH=$SENSORUTILS_BUILD/bin:$PATH
	COUNT=69120 SIM_OPTIONS='--seed 2 --start 2026-03-09T00:00:00Z --step 10s' \
		setsid "$pipelines/city-live.sh" city 2>words 3>&- &
	live=$!
	becomes 69120 'SELECT count(*) FROM sensor_data'
	becomes $((8 * 1439)) 'SELECT count(*) FROM sensor_metrics_1min'
	becomes $((8 * 1439)) 'SELECT count(*) FROM sensor_metrics_5min'
	kill -TERM "$live"
	wait "$live"
	live=
	columns='count, temperature_min, temperature_max, noise_level_min, traffic_flow_max, anomaly_count'
	for table in sensor_metrics_1min sensor_metrics_5min; do
		psql -qX --csv -t -c "SELECT zone, to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), $columns
			FROM $table" | LC_ALL=C sort >live.csv
		sqlite3 -csv city/city.db "SELECT zone, replace(substr(window_start, 1, 16), 'T', ' '), $columns FROM $table
			WHERE window_end < '2026-03-09T23:59:01'" | tr -d '"\r' | sed 's/\.0,/,/g' | LC_ALL=C sort >demo.csv
		[[ $(wc -l <demo.csv) -eq $((8 * 1439)) ]]
		cmp demo.csv live.csv || { diff demo.csv live.csv | head -n 20 && false; }
	done
}

@test "learning from PostgreSQL: at most 10,000 rows of 7 days, a forest a zone" {
	[[ $(pq 'SELECT count(*) FROM sensor_data') -gt 10000 ]]

	make -s -f "$pipelines/city.mk" BIN="$SENSORUTILS_BUILD/bin" OUT=city DB="$DB" train
	[[ $(wc -l <city/live.csv) -gt 5000 && $(wc -l <city/live.csv) -le 10001 ]]
	"$SENSORUTILS_BUILD/bin/anomaly-score" -m city/live.model --describe | grep 'Medical Center'
}

@test "live ends when a pipeline does for good, with its status, and leaves nothing behind" {
	mkdir city
	echo 'no model' >city/city.model
	status=0
	PATH=$SENSORUTILS_BUILD/bin:$PATH timeout 60 setsid "$pipelines/city-live.sh" city 2>words 3>&- || status=$?
	echo "status $status"
	[[ $status -eq 65 || $status -eq 78 ]]
	grep 'city.model' words
	run ! pgrep -f -- '--metrics scored-consume.prom|--metrics sim.prom'
}
