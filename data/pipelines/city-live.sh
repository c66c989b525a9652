#!/bin/bash
# city-live.sh FOLDER: the city in real time, as city.mk's target live runs it and documents its variables:
# simulates readings into the topic city.readings, and runs the four pipelines of data/deploy. Files go to
# FOLDER/live. SIGINT or SIGTERM end the simulator and the pipelines at their heads.
set -euo pipefail

say() {
	echo "city-live: $*" >&2
}

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
deploy=$here/../deploy
if [[ -z ${KAFKA_BOOTSTRAP_SERVERS-}${KAFKA_HOST-} ]]; then
	say "live takes a real broker: set KAFKA_BOOTSTRAP_SERVERS (without one, 'demo' does the same by files)"
	exit 64
fi
if [[ ${DB-} != postgres://* && ${DB-} != postgresql://* ]]; then
	say "live takes a PostgreSQL database: set DB=postgresql://HOST/NAME"
	exit 64
fi

folder=$(realpath "$1")
# The model that is learned anew is put in the place of this one, and taken up.
MODEL=$folder/live.model
if [[ ! -e $MODEL ]]; then
	cp "$folder/city.model" "$MODEL.new"
	mv -n "$MODEL.new" "$MODEL"
fi
export DB MODEL RULES=$here/../rules/city.json
mkdir -p "$folder/live"
cd "$folder/live"

for table in sensor_data sensor_metrics_1min sensor_metrics_5min; do
	db-sink --schema "$here/../sql/postgresql/city.sql" "$DB" "$table" </dev/null
done
for topic in city.readings city.scored; do
	kafka-produce -t "$topic" --create-topic "${PARTITIONS:-6}:${REPLICAS:-1}" </dev/null
done

started=()
for name in raw scored 1min 5min; do
	SLOT=city-$name sensor-pipeline -r -f "$deploy/city-$name.pipeline" &
	started+=($!)
done
# shellcheck disable=SC2016 # stages are expanded by the shells that run them
COUNT=${COUNT-} SIM_OPTIONS=${SIM_OPTIONS-} PROFILE=$here/../profiles/city.json sensor-pipeline \
	'sensor-sim "$PROFILE" ${COUNT:+--count "$COUNT"} $SIM_OPTIONS --metrics sim.prom' \
	'kafka-produce -t city.readings --key zone --metrics produce.prom' &
simulator=$!
stopped=
trap 'stopped=1; kill -TERM "$simulator" 2>/dev/null || true' INT TERM HUP

# wait_for PID: its status. A signal that is trapped ends a wait.
wait_for() {
	status=0
	wait "$1" || status=$?
	while kill -0 "$1" 2>/dev/null; do
		status=0
		wait "$1" || status=$?
	done
}

# any_gone PID...: one of them has ended.
any_gone() {
	local pid
	for pid; do
		kill -0 "$pid" 2>/dev/null || return 0
	done
	return 1
}

# The simulator ends by COUNT or by a signal, the pipelines for good only by what no restart mends.
until [[ -n $stopped ]] || any_gone "$simulator" "${started[@]}"; do
	wait -n "$simulator" "${started[@]}" || true
done
result=0
if any_gone "$simulator"; then
	wait_for "$simulator"
	result=$status
	if [[ -z $stopped && $result -eq 0 ]]; then
		say "$COUNT readings are simulated; SIGINT or SIGTERM end the pipelines"
		until [[ -n $stopped ]] || any_gone "${started[@]}"; do
			wait -n "${started[@]}" || true
		done
	fi
else
	kill -TERM "$simulator" 2>/dev/null || true
	wait_for "$simulator"
fi
kill -TERM "${started[@]}" 2>/dev/null || true
for pid in "${started[@]}"; do
	wait_for "$pid"
	((result)) || result=$status
done
exit "$result"
