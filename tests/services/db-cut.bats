#!/usr/bin/env bats
# db-sink and a PostgreSQL server whose connection is cut at each step of what they say.

# shellcheck disable=SC2034 # seq is for marks.bash

bats_require_minimum_version 1.5.0
load postgres
load ../cli/helper
load ../cli/marks

setup_file() {
	postgres_start
}

teardown_file() {
	postgres_stop
}

@test "the connection is lost at every step, there and back: nothing is lost, nothing doubled" {
	local way number stream
	cd "$BATS_TEST_TMPDIR"
	for way in sent received; do
		for stream in plain upsert marks; do
			# These say much the same as they are heard.
			[[ $way$stream != @(sentplain|receivedupsert) ]] || continue
			number=1
			# All connect in the same way.
			[[ $stream != marks ]] || number=5
			for (( ; ; number++)); do
				pq 'SET client_min_messages = warning' 'DROP TABLE IF EXISTS t, sensorutils_offsets' \
					'CREATE TABLE t (n integer PRIMARY KEY CHECK (n <> 100))'
				rm -f r
				postgres_proxy "$way" "$number"
				case $stream in
				marks)
					echo '{"operation":"claim","group":"g","partitions":[{"topic":"raw","partition":0}]}' |
						db-sink --claim "$DB" >/dev/null
					marked 1 0 4 2 >in
					db-sink "$PROXY" t in
					[[ $(pq 'SELECT next FROM sensorutils_offsets') = 4 ]]
					;;
				*)
					printf '{"n":%d}\n' 0 100 1 2 3 >in
					if [[ $stream = plain ]]; then
						db-sink --batch 3 --rejects r "$PROXY" t in
					else
						db-sink --upsert n --rejects r "$PROXY" t in
					fi
					[[ $(wc -l <r) -eq 1 ]]
					;;
				esac 2>said
				[[ $(pq 'SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM t') = 0,1,2,3 ]]
				kill "$proxy"
				grep -q "^piece" proxy-said || break
			done
			echo "$stream, $way: $((number - 1)) steps"
			((number > 8))
		done
	done
}
