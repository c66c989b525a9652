#!/usr/bin/env bats
# Kafka to PostgreSQL, exactly once: kafka-consume --offsets-from 'db-sink --claim' | db-sink, both
# servers real, and everything between them killed.

# shellcheck disable=SC2034 # pid is for pipeline.bash

bats_require_minimum_version 1.5.0
load kafka
load postgres
load pipeline

setup_file() {
	kafka_start
	postgres_start
}

teardown_file() {
	postgres_stop
	kafka_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	declare -gA pid=()
	pq 'SET client_min_messages = warning' 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' \
		'CREATE TABLE t (n bigint, pad text)'
}

teardown() {
	kill_pipelines
}

# start NAME [OPTION...]: a pipeline from $in into table t.
start() {
	pipe "$1" kafka-consume "${session[@]}" -G "$group" --offsets-from "db-sink --claim '${URL:-$DB}'" \
		"${@:2}" "$in" '|' db-sink --unknown pad "${URL:-$DB}" t
}

# stored: the sum of the offsets in the database.
stored() {
	pq 'SELECT sum(next) FROM sensorutils_offsets'
}

# reaches SUM
reaches() {
	eventually 40 bash -c '[[ $(psql -qAtX -c "SELECT sum(next) FROM sensorutils_offsets") = '"$1"' ]]'
}

# passes SUM: more than that are stored.
passes() {
	eventually 30 bash -c '(($(psql -qAtX -c "SELECT coalesce(sum(next), 0) FROM sensorutils_offsets") > '"$1"'))'
}

# trickle FROM TO: numbers into $in, a thousand at a time, so that a run has a middle.
trickle() {
	local n
	for ((n = $1; n < $2; n += 1000)); do
		feed "$n" $((n + 1000))
	done
}

# once N: the table has the numbers from 0 to N - 1, each once.
once() {
	pq 'SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t'
	[[ $(pq 'SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t') = "$1|$1|0|$(($1 - 1))" ]]
}

@test "all of a topic, and of what comes later" {
	topics first 3 20000
	start a -e
	ends a 40
	[[ $statuses = '0 0' ]]
	once 20000
	feed 20000 30000
	start b -e
	ends b 40
	[[ $statuses = '0 0' ]]
	once 30000
	[[ $(stored) = 30000 ]]
	[[ $(pq 'SELECT DISTINCT epoch FROM sensorutils_offsets') = 2 ]]
	# Nothing was committed to the group.
	[[ $(kafka_tool committed "$group" | sed -n 's/^sum //p') = 0 ]]
}

@test "state that a stage keeps with the offset comes back; what is replayed is not stored again" {
	topics state 1 20
	start_with_state() {
		kafka-consume -G "$group" --offsets-from "db-sink --claim $DB" -e "$in" |
			sed -u -E 's/("from":[0-9]+,"to":[0-9]+)\}/\1,"state":{"replay_from":15,"w":{"x":1.50}}}/' |
			tee got | db-sink --unknown pad "$DB" t
	}
	start_with_state
	once 20
	feed 20 30
	start_with_state
	once 30
	head -n 1 got | grep -F '"replay_from":15,"processed":20,"epoch":2,"state":{"replay_from":15,"w":{"x":1.50}}'
	[[ $(grep -c '"replay":true' got) -eq 5 ]]
}

@test "SIGTERM at the head: all that came is stored, 0" {
	topics term 2 5000
	start a
	reaches 5000
	signal TERM a.1
	ends a 20
	[[ $statuses = '0 0' ]]
	once 5000
}

@test "sinks and sources that are killed: started again, nothing is lost or doubled" {
	topics killed 3 0
	local round at=0
	for round in 1 2 3 4 5 6; do
		trickle $((round * 10000 - 10000)) $((round * 10000)) 3>&- &
		local producer=$!
		start "r$round"
		passes "$at"
		signal KILL "r$round.$((round % 2 + 1))"
		ends "r$round" 20
		wait "$producer"
		at=$(stored)
	done
	start last -e
	ends last 60
	[[ $statuses = '0 0' ]]
	once 60000
}

@test "PostgreSQL's backends and the server itself are killed in the middle of a run" {
	topics server 3 0
	local round at=0
	start a
	for round in 1 2 3; do
		trickle $((round * 10000 - 10000)) $((round * 10000)) 3>&- &
		local producer=$!
		passes "$at"
		pq "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'db-sink'" >/dev/null
		wait "$producer"
		reaches $((round * 10000))
		at=$((round * 10000))
	done
	trickle 30000 60000 3>&- &
	producer=$!
	passes 30000
	postgres_down KILL
	postgres_up
	wait "$producer"
	reaches 60000
	signal TERM a.1
	ends a 30
	[[ $statuses = '0 0' ]]
	once 60000
	said 'connected again' a.2
}

@test "a COMMIT whose outcome is lost" {
	topics lost 2 20000
	for fault in before after; do
		postgres_proxy "$fault" 4
		# Claims commit, too: which one it is does not matter.
		URL=$PROXY start "$fault"
		reaches 20000
		signal TERM "$fault.1"
		ends "$fault" 20
		[[ $statuses = '0 0' ]]
		grep -q '^commit 4' proxy-said
		once 20000
		kill "$proxy"
		pq 'TRUNCATE t, sensorutils_offsets'
	done
}

@test "a second consumer joins and leaves: partitions change hands, nothing is lost or doubled" {
	topics joins 4 0
	trickle 0 40000 3>&- &
	local producer=$!
	start a
	passes 0
	start b
	kafka_tool members "$group" 2
	wait "$producer"
	reaches 40000
	signal TERM b.1
	ends b 20
	[[ $statuses = '0 0' ]]
	feed 40000 50000
	reaches 50000
	signal TERM a.1
	ends a 20
	[[ $statuses = '0 0' ]]
	once 50000
}

@test "a pipeline that was stopped while another took over: its sink is fenced, 75" {
	topics zombie 1 0
	start a
	feed 0 5000
	reaches 5000
	signal STOP a.1 a.2
	# Its backend must not hold up the other.
	kafka_tool members "$group" 0
	start b
	feed 5000 10000
	reaches 10000
	signal CONT a.1 a.2
	ends a 20
	[[ ${statuses#* } = 75 ]]
	signal TERM b.1
	ends b 20
	[[ $statuses = '0 0' ]]
	once 10000
}
