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
	sql=$pipelines/../sql/postgresql
	cd "$BATS_TEST_TMPDIR"
	unset MAKEFLAGS MFLAGS MAKELEVEL
}

teardown() {
	[[ -z ${live-} ]] || kill -KILL -- "-$live" 2>/dev/null || true
}

# becomes COMMAND...: it is true within a minute, while live runs.
becomes() {
	local limit=$((SECONDS + 60))
	until "$@"; do
		if ((SECONDS >= limit)) || ! kill -0 "$live"; then
			echo "not within a minute: $*"
			cat words
			return 1
		fi
		read -rt 0.2 <><(:) || true
	done
}

# rows N TABLE: it has so many.
rows() {
	[[ $(pq "SELECT count(*) FROM $2") -eq $1 ]]
}

# judged_by VERSION N: so many readings are.
judged_by() {
	[[ $(kafka-consume -t city.scored -o beginning -e | grep -c "\"model_version\":\"$1\"") -eq $2 ]]
}

@test "live: readings, minutes and 5 minutes in PostgreSQL, as the demo has them" {
	env -u KAFKA_BOOTSTRAP_SERVERS -u DB make -s -f "$pipelines/city.mk" BIN="$SENSORUTILS_BUILD/bin" OUT=city >demo.txt
	# The demo's day. Its last windows stay open: no record comes behind them.
	export PATH=$SENSORUTILS_BUILD/bin:$PATH
	COUNT=69120 SIM_OPTIONS='--seed 2 --start 2026-03-09T00:00:00Z --step 10s' \
		setsid "$pipelines/city-live.sh" city 2>words 3>&- &
	live=$!
	becomes rows 69120 sensor_data
	becomes rows $((8 * 1439)) sensor_metrics_1min
	becomes rows $((8 * 1439)) sensor_metrics_5min
	columns='count, temperature_min, temperature_max, noise_level_min, traffic_flow_max, anomaly_count'
	for table in sensor_metrics_1min sensor_metrics_5min; do
		psql -qX --csv -t -c "SELECT zone, to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), $columns
			FROM $table" | LC_ALL=C sort >live.csv
		sqlite3 -csv city/city.db "SELECT zone, replace(substr(window_start, 1, 16), 'T', ' '), $columns FROM $table
			WHERE window_end < '2026-03-09T23:59:01'" | tr -d '"\r' | sed 's/\.0,/,/g' | LC_ALL=C sort >demo.csv
		[[ $(wc -l <demo.csv) -eq $((8 * 1439)) ]]
		cmp demo.csv live.csv || { diff demo.csv live.csv | head -n 20 && false; }
	done

	# What is learned anew, by a forest a zone from at most 10,000 rows, judges what comes now.
	cmp city/city.model city/live.model
	make -s -f "$pipelines/city.mk" BIN="$SENSORUTILS_BUILD/bin" OUT=city DB="$DB" train
	[[ $(wc -l <city/live.csv) -gt 5000 && $(wc -l <city/live.csv) -le 10001 ]]
	anomaly-score -m city/live.model --describe | grep 'Medical Center'
	version=$(anomaly-score -m city/live.model --describe --json | jq -r .model_version)
	becomes grep -q "loaded model .*, version $version" words
	sensor-sim --start 2026-03-10T00:00:00Z --step 10s --count 80 "$pipelines/../profiles/city.json" |
		kafka-produce -t city.readings --key zone
	becomes judged_by "$version" 80
	kill -TERM "$live"
	wait "$live"
	live=
}

# The queries beside what is stored by the test before.
@test "learning: a time ahead of the clock hides nothing, unless all are" {
	pq "UPDATE sensor_data SET timestamp = timestamp - interval '10 years'" \
		"UPDATE sensor_metrics_1min SET window_end = window_end - interval '10 years'"
	psql -qX --csv -f "$sql/train.sql" >want.csv
	[[ $(wc -l <want.csv) -gt 5000 ]]
	pq "INSERT INTO sensor_data (sensor_id, zone, timestamp) VALUES ('s', 'a', '2099-01-01'), ('s', 'a', 'infinity')"
	psql -qX --csv -f "$sql/train.sql" | cmp - want.csv
	psql -qXAt -f "$sql/overview.sql" >overview
	pq "INSERT INTO sensor_metrics_1min (zone, window_start, window_end, count) VALUES ('a', '2099-01-01', '2099-01-01', 1)"
	psql -qXAt -f "$sql/overview.sql" | cmp - overview
	pq "DELETE FROM sensor_data WHERE timestamp >= '2099-01-01'" \
		"UPDATE sensor_data SET timestamp = timestamp + interval '80 years'"
	psql -qX --csv -f "$sql/train.sql" | cut -d , -f 1,2,4- | cmp - <(cut -d , -f 1,2,4- want.csv)
}

@test "data/sql has what db-sink makes for itself, and what a role that owns nothing needs" {
	export PATH=$SENSORUTILS_BUILD/bin:$PATH
	for from in claim file; do
		pq 'DROP TABLE IF EXISTS sensorutils_offsets'
		case $from in
		claim) db-sink --claim "$DB" <<<'{"operation":"claim","group":"g","partitions":[]}' ;;
		file) psql -qX -v ON_ERROR_STOP=1 -f "$sql/offsets.sql" ;;
		esac
		pq "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
			WHERE attrelid = 'sensorutils_offsets'::regclass AND attnum > 0 ORDER BY attnum" \
			"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'sensorutils_offsets'::regclass" >"$from"
	done
	[[ $(wc -l <file) -eq 8 ]]
	diff claim file

	psql -qX -v ON_ERROR_STOP=1 -f "$sql/city.sql"
	pq 'CREATE ROLE plain LOGIN' 'REVOKE ALL ON DATABASE city FROM PUBLIC' 'GRANT CONNECT ON DATABASE city TO plain'
	psql -qAtX -v ON_ERROR_STOP=1 -v role=plain -f "$sql/grants.sql"
	plain=${DB/sink@/plain@}
	db-sink --claim "$plain" <<<'{"operation":"claim","group":"g","partitions":[{"topic":"t","partition":0}]}' >answer
	jq -e '.partitions[0].epoch == 1' answer
	sensor-sim --step 10s --count 600 "$pipelines/../profiles/city.json" >day
	n=$(pq 'SELECT count(*) FROM sensor_data')
	{
		echo '{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"replay_from":0,"processed":0,"epoch":1,"state":null}}'
		head -n 100 day
		echo '{"_kafka":{"control":"mark","seq":1,"session":"s","group":"g","generation":1,"member":"m","instance":null,"ranges":[{"topic":"t","partition":0,"from":0,"to":100}]}}'
		echo '{"_kafka":{"control":"end","seq":2,"session":"s"}}'
	} | db-sink "$plain" sensor_data
	[[ $(pq 'SELECT count(*) FROM sensor_data') -eq $((n + 100)) && $(pq 'SELECT next FROM sensorutils_offsets') = 100 ]]
	for window in '1min 60s' '5min 5m'; do
		for _ in 1 2; do
			window-agg --key zone --window "${window#* }" --agg temperature:mean day |
				db-sink --upsert zone,window_start "$plain" "sensor_metrics_${window% *}"
		done
	done
	run psql -qX "$plain" -c 'DELETE FROM sensor_data'
	[[ $output = *'permission denied'* ]]
}

@test "live ends when a pipeline does for good, with its status, and leaves nothing behind" {
	mkdir city
	echo 'no model' >city/city.model
	status=0
	PATH=$SENSORUTILS_BUILD/bin:$PATH timeout 60 setsid "$pipelines/city-live.sh" city 2>words 3>&- || status=$?
	echo "status $status"
	[[ $status -eq 65 || $status -eq 78 ]]
	grep 'live.model' words
	# Each of its processes works in this folder.
	run --separate-stderr find /proc/[0-9]*/cwd -lname "$(realpath city)*"
	[[ -z $output ]]
}
