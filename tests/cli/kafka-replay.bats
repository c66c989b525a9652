#!/usr/bin/env bats
# What kafka-consume hands on after a restart: first all replays, then what is new. On a sandbox, with
# a store of offsets that says what was processed.

load helper

setup() {
	skip_unless_peer kcat
	cd "$BATS_TEST_TMPDIR"
	unset KAFKA_BOOTSTRAP_SERVERS KAFKA_HOST
	cat >store.sh <<-'SH'
		jq -c --slurpfile stored stored.json '{partitions: [.partitions[] |
			{topic, partition, epoch: null} + ($stored[0]["\(.topic)-\(.partition)"] // {offset: null, state: null})]}'
	SH
}

# in_sandbox TOPICS SCRIPT: runs a shell script in a cluster of its own. In it `feed TOPIC PARTITION
# FROM TO [FIELDS]` writes numbered records, and `get` is kafka-consume with the store.
in_sandbox() {
	kafka-sandbox --topics "$1" -- bash -euo pipefail -c '
		feed() {
			seq "$3" $(($4 - 1)) | sed "s/.*/{\"n\":&${5-}}/" |
				kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t "$1" -p "$2"
		}
		get() {
			kafka-consume -G g --offsets-from "sh store.sh" --drain-timeout 1 "$@" 2>said || (($? == 75))
			grep -q "not all of it was committed" said
		}
		'"$2"
}

# in_order FILE: in each partition no offset is left out or comes twice, no record that is replayed
# comes behind a new one, and each mark tells of what came before it, and of no more. Prints the
# numbers of both.
in_order() {
	jq -c '._kafka | if .control == "mark" then [.ranges[] | [.topic, .partition, .from, .to]]
		elif .control == "assign" then [.topic, .partition, .replay_from, .processed]
		elif .control then empty else [.topic, .partition, .offset, .replay] end' "$1" | python3 -c '
import json, sys
due, told, replayed, new = {}, {}, 0, 0
for line in map(json.loads, sys.stdin):
    if isinstance(line[0], list):
        for topic, partition, begin, end in line:
            key = topic, partition
            assert begin == told[key][0] and end == max(due[key], told[key][1]), (line, due, told)
            told[key] = end, told[key][1]
        continue
    key = tuple(line[:2])
    if key not in due:
        due[key], told[key] = line[2], (line[3], line[3])
        continue
    assert line[2] == due[key], (line, due)
    due[key] += 1
    assert bool(line[3]) == (line[2] < told[key][1]), line
    assert not (line[3] and new), line
    replayed, new = replayed + bool(line[3]), new + (not line[3])
print(replayed, new)'
}

long=',"x":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"'

@test "no new record comes before all replays are through, of any partition and topic" {
	echo '{"t-0":{"offset":50000,"state":{"replay_from":10}},"t-1":{"offset":2,"state":{"replay_from":0}},
		"t-2":{"offset":5,"state":null},"u-0":{"offset":1000,"state":{"replay_from":1000}}}' >stored.json
	# More of t-1 than is kept, so that it is paused.
	in_sandbox t:4,u:1 "
		feed t 0 0 50100 '$long'
		feed t 1 0 30000
		feed t 2 0 10
		feed t 3 0 10
		feed u 0 0 2000
		get -e t u >out"
	[[ $(in_order out) = '49992 31113' ]]
}

@test "a reader that blocks for long while partitions are replayed" {
	echo '{"t-0":{"offset":50000,"state":{"replay_from":0}}}' >stored.json
	in_sandbox t:2 "
		feed t 0 0 50100 '$long'
		feed t 1 0 30000
		get -e t | python3 -c '
import sys, time
stops = [b\"\\\"n\\\":2000,\", b\"\\\"n\\\":49990,\", b\"\\\"n\\\":2500,\"]
while chunk := sys.stdin.buffer.read1(1 << 20):
    sys.stdout.buffer.write(chunk)
    if stops and stops[0] in chunk:
        stops.pop(0)
        time.sleep(1.2)' >out"
	[[ $(in_order out) = '50000 30100' ]]
}

@test "windows over all partitions: a restart changes nothing" {
	# Of partition 0 the last records are in time because partition 1 is far behind.
	cat >run.sh <<-'SH'
		times() { seq "$2" | sed "s/.*/{\"timestamp\":$3}/" | kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -t t -p "$1"; }
		# stored OFFSETS: the database has so many of both partitions.
		stored() {
			until echo '{"operation":"read","group":"g","partitions":[{"topic":"t","partition":0},
				{"topic":"t","partition":1}]}' | tr -d '\n' | db-sink --claim sqlite:db 2>/dev/null |
				jq -e "[.partitions[].offset] | add == $1" >same; do
				((SECONDS < 20))
			done
		}
		windows() {
			kafka-consume -X session.timeout.ms=4000 -G g --offsets-from 'db-sink --claim sqlite:db' t >records &
			head=$!
			window-agg --single --window 30s --agg count <records >rows &
			db-sink --create sqlite:db windows <rows &
		}
		stop() {
			stored "$1"
			kill "$head"
			wait
		}
		mkfifo records rows
		times 0 60000 100
		times 0 10 20
		times 1 20 10
		windows
		[[ $1 = through ]] && stored 60030 || stop 60030
		times 1 2000 110
		[[ $1 = through ]] || windows
		stop 62030
		sqlite3 db 'SELECT window_start, CAST(count AS INTEGER) FROM windows ORDER BY 1'
	SH
	local how runs=()
	for how in through restart; do
		mkdir "$how"
		(cd "$how" && exec kafka-sandbox --topics t:2 -- bash -euo pipefail ../run.sh "$how") >"$how/out" 3>&- &
		runs+=($!)
	done
	wait "${runs[0]}"
	wait "${runs[1]}"
	[[ $(cat through/out) = '1970-01-01T00:00:00.000Z|30' ]]
	cmp through/out restart/out
}
