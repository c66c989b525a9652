#!/bin/bash
# secom-live.sh RECORDS MODEL SCORED: the live half of the SECOM job, as secom.mk's target live runs it
# and documents its variables: replays RECORDS through Kafka, scores them by MODEL as they come,
# writes all that the topic of scored records holds to the file SCORED, and says how good it is.
# shellcheck disable=SC2016 # stages are expanded by the shells that run them
set -euo pipefail

export RECORDS=$1 MODEL=$2 SCORED_FILE=$3
export COUNT=${COUNT:-5000} RATE=${RATE-200} TOPIC=${TOPIC:-sensor-data} SCORED=${SCORED:-scored} \
	GROUP=${GROUP:-scorers} ID=${ID:-scorer-1} PARTITIONS=${PARTITIONS:-6} REPLICAS=${REPLICAS:-1} \
	KAFKA_OPTIONS=${KAFKA_OPTIONS-} SANDBOX=${SANDBOX-}

say() {
	echo "secom-live: $*" >&2
}

[[ $COUNT =~ ^[1-9][0-9]{0,8}$ ]] || {
	say "COUNT takes a whole number of records, not '$COUNT'"
	exit 64
}
replay='record-replay ${RATE:+--rate "$RATE"} --repeat --count "$COUNT" "$RECORDS"'
send='kafka-produce $KAFKA_OPTIONS -t "$TOPIC" --key-format "sample_%{sample_id}"'
receive='kafka-consume $KAFKA_OPTIONS -G "$GROUP" -c "$COUNT" "$TOPIC"'
score='anomaly-score -m "$MODEL"'
publish='kafka-produce $KAFKA_OPTIONS -t "$SCORED"'

if [[ -z $SANDBOX && -z ${KAFKA_BOOTSTRAP_SERVERS-}${KAFKA_HOST-} ]]; then
	# A partition of the sandbox holds 5 MiB, a record of SECOM has 7 kB.
	partitions=$((COUNT / 400 + 4))
	if ((partitions > 1000)); then
		say "the sandbox cannot hold $COUNT records; take a real broker, or COUNT=398000"
		exit 64
	fi
	say "neither KAFKA_BOOTSTRAP_SERVERS nor KAFKA_HOST is set: a sandbox in the place of Kafka," \
		"with a plain producer and offsets committed on writing, which is not exactly once"
	SANDBOX=1 KAFKA_OPTIONS='' exec kafka-sandbox --topics "$TOPIC:$partitions,$SCORED:$partitions" \
		-- bash "$0" "$@"
elif [[ -n $SANDBOX ]]; then
	receive+=' --commit-on-write'
else
	publish+=' --transactional-id "$ID"'
	# shellcheck disable=SC2086 # a list of words
	for topic in "$TOPIC" "$SCORED"; do
		kafka-produce $KAFKA_OPTIONS -t "$topic" --create-topic "$PARTITIONS:$REPLICAS" </dev/null
	done
fi

# Both at once. When one fails, or a signal comes, both are stopped at their heads.
sensor-pipeline "$replay" "$send" &
both=($!)
sensor-pipeline "$receive" "$score" "$publish" &
both+=($!)
trap 'kill -TERM "${both[@]}" 2>/dev/null || true' INT TERM HUP
status=0
wait -n || status=$?
((status == 0)) || kill -TERM "${both[@]}" 2>/dev/null || true
for pid in "${both[@]}"; do
	ended=0
	wait "$pid" || ended=$?
	((status)) || status=$ended
done
((status == 0)) || exit "$status"
trap - INT TERM HUP

# shellcheck disable=SC2086
kafka-consume $KAFKA_OPTIONS -t "$SCORED" --from-offset beginning -e | tee "$SCORED_FILE" | anomaly-eval
alarms=$(grep -c '"is_anomaly":true' "$SCORED_FILE") || [[ $alarms = 0 ]]
scored=$(wc -l <"$SCORED_FILE")
say "'$SCORED' has $scored scored records, $alarms of them alarms"
if ((scored > $(wc -l <"$RECORDS"))); then
	say "some are the same record again: the intervals above take all for new ones, and are too narrow"
fi
