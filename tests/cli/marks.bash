# Streams as kafka-consume writes them, by hand: loaded by test files of programs that read marks.
# shellcheck shell=bash

# The control records of session 's', numbered by seq.
seq=0
control() {
	printf '{"_kafka":{"control":"%s","seq":%d,"session":"s"%s}}\n' "$1" "$seq" "${2-}"
	seq=$((seq + 1))
}

# assign EPOCH [PARTITION=0] [PROCESSED=0]
assign() {
	control assign ',"topic":"raw","partition":'"${2-0}"',"replay_from":'"${3-0}"',"processed":'"${3-0}"',"epoch":'"$1"',"state":null'
}

# mark FROM TO [PARTITION=0] [STATE]
mark() {
	control mark ',"group":"g","generation":1,"member":"m","instance":null,"ranges":[{"topic":"raw","partition":'"${3-0}"',"from":'"$1"',"to":'"$2$(printf '%s' "${4+,\"state\":$4}")"'}]'
}

# records FROM TO [MORE]: with where they came from.
records() {
	awk -v from="$1" -v to="$2" -v more="${3-}" 'BEGIN { for (n = from; n < to; n++)
		printf "{\"n\":%d,\"_kafka\":{\"topic\":\"raw\",\"partition\":0,\"offset\":%d%s}}\n", n, n, more }'
}

# marked EPOCH FROM TO EACH: a whole stream, a mark behind each EACH records.
marked() {
	local at
	seq=0
	assign "$1" 0 "$2"
	for ((at = $2; at < $3; at += $4)); do
		records "$at" $((at + $4))
		mark "$at" $((at + $4))
	done
	control end
}
