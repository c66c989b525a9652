#!/bin/bash
# Pipelines whose processes can be met one by one: loaded by test files beside kafka.bash.
# shellcheck shell=bash
# Tests read what is set here.
# shellcheck disable=SC2034

declare -gA pid=() # by NAME.STAGE, as in ${pid[a.1]}
session=(-X session.timeout.ms=3000 -X heartbeat.interval.ms=300)
pipes=0
# Before a command, with STOP_AT=FUNCTION:N or HANG_AT=FUNCTION:N: it stops before that call of
# librdkafka, or hangs in it.
preload=(env "LD_PRELOAD=${BATS_FILE_TMPDIR-}/stop_at.so")

# build_preload: what `preload` needs.
build_preload() {
	cc -D_GNU_SOURCE -shared -fPIC -o "$BATS_FILE_TMPDIR/stop_at.so" \
		"$BATS_TEST_DIRNAME/preload/stop_at.c"
}

# topics NAME [PARTITIONS=3] [NUMBERS=10000]: new ones at $in, with as many numbered records, and $out,
# and the name of a new group in $group.
topics() {
	names "$1" "${3:-10000}"
	kafka_topic "$in" "${2:-3}"
	kafka_topic "$out" "${2:-3}"
	feed 0 "$numbers"
}

# names NAME [NUMBERS=10000]: turns to what topics NAME has made.
names() {
	group=$1 in=$1-in out=$1-out numbers=${2:-10000}
}

# feed FROM TO: numbered records into $in.
feed() {
	kafka_tool produce "$in" "$1" "$2" 97
}

# pipe NAME COMMAND [| COMMAND]...: starts what the words between '|' are. Standard error of the
# second is in the file NAME.2, and so on; standard output of the last in NAME.out.
pipe() {
	local name=$1 word stage=1 from=/dev/null command=()
	shift
	pipes=$((pipes + 1))
	for word in "$@"; do
		if [[ $word != '|' ]]; then
			command+=("$word")
			continue
		fi
		mkfifo "pipe-$pipes-$stage"
		start_stage "$name.$stage" "$from" "pipe-$pipes-$stage"
		from=pipe-$pipes-$stage command=() stage=$((stage + 1))
	done
	start_stage "$name.$stage" "$from" "$name.out"
}

# start_stage NAME INPUT OUTPUT: the command of `pipe`, with signals as a terminal gives them.
start_stage() {
	env --default-signal=INT,QUIT,PIPE "${command[@]}" <"$2" >"$3" 2>"$1" 3>&- &
	pid[$1]=$!
}

# plain NAME [OPTION...]: a pipeline from $in to $out, the options are those of kafka-consume.
plain() {
	pipe "$1" kafka-consume "${session[@]}" -G "$group" "${@:2}" "$in" '|' \
		kafka-produce -t "$out" --transactional-id "$group-$1"
}

# stopping NAME STOP_AT [OPTION...]: a pipeline whose producer stops there; it has.
stopping() {
	pipe "$1" kafka-consume "${session[@]}" -G "$group" "${@:3}" "$in" '|' \
		"${preload[@]}" "$2" kafka-produce -t "$out" --transactional-id "$group-$1"
	eventually 60 stopped "$1.2"
}

# finish NAME: a pipeline that is well ends when it is told to.
finish() {
	signal TERM "$1.1"
	ends "$1" 30
	[[ ${statuses//[0 ]/} = '' ]]
}

# signal SIGNAL STAGE...
signal() {
	local stage
	for stage in "${@:2}"; do
		kill -s "$1" "${pid[$stage]}"
	done
}

# eventually SECONDS COMMAND...: it succeeds, at last.
eventually() {
	local limit=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" 2>/dev/null; do
		if (($(now_ms) >= limit)); then
			echo "in vain: $*"
			words
			return 1
		fi
		read -rt 0.02 <><(:) || true
	done
}

now_ms() {
	local us=${EPOCHREALTIME//[!0-9]/}
	echo "${us%???}"
}

stopped() {
	[[ $(cat "/proc/${pid[$1]}/stat") = *') T '* ]]
}

# said TEXT STAGE
said() {
	grep -qF -- "$1" "$2"
}

# ends NAME SECONDS: all stages of it do, and their statuses are in $statuses.
ends() {
	local stage status left limit=$(($(now_ms) + $2 * 1000))
	statuses=
	for ((stage = 1; ${pid[$1.$stage]-0} > 0; stage++)); do
		left=$((limit - $(now_ms)))
		((left > 0)) || left=1
		if ! timeout "$((left / 1000)).$(printf %03d $((left % 1000)))" \
			tail -s 0.01 --pid="${pid[$1.$stage]}" -f /dev/null; then
			echo "$1.$stage has not ended in $2 s"
			head -v -n 20 "$1".[0-9]
			return 1
		fi
		status=0
		wait "${pid[$1.$stage]}" || status=$?
		statuses+=${statuses:+ }$status
		unset "pid[$1.$stage]"
	done
	echo "$1: $statuses"
	head -v -n 20 "$1".[0-9]
}

# assigned INSTANCE: the static member has partitions.
assigned() {
	[[ $(kafka_tool group "$group") = *" $1 "[1-9]* ]]
}

# committed COUNT: so many messages of $in are, within a minute.
committed() {
	if ! kafka_tool reach "$group" "$1"; then
		words
		return 1
	fi
}

# words: what all stages have said.
words() {
	head -v -n 20 ./*.[0-9]
}

# read_out [ISOLATION=read_committed]: partition and number of all in $out.
read_out() {
	kcat -C -e -q -t "$out" -b "$KAFKA_BOOTSTRAP_SERVERS" -X "isolation.level=${1:-read_committed}" \
		-o beginning -f '%p %s\n' | sed -E 's/^([0-9]+) .*"n":([0-9]+).*/\1 \2/'
}

# exactly_once: $out has each of $numbers once, in each partition in order.
exactly_once() {
	read_out >got
	awk -v numbers="$numbers" '
		{
			doubled += seen[$2]++ > 0
			disorder += ($1 in last) && $2 < last[$1]
			last[$1] = $2
		}
		END {
			for (n = 0; n < numbers; n++)
				lost += !(n in seen)
			print lost + 0, "lost,", doubled + 0, "doubled,", disorder + 0, "out of order of", NR
			exit NR != numbers || lost || doubled || disorder
		}' got
}

# void: how many records in $out were produced in vain.
void() {
	echo $(($(read_out read_uncommitted | wc -l) - $(read_out | wc -l)))
}

kill_pipelines() {
	local p
	for p in $(jobs -p); do
		kill -s KILL "$p" || true
	done
	wait
} 2>/dev/null
