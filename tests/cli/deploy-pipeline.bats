#!/usr/bin/env bats
# data/deploy: the systemd unit and the cron line that keep a pipeline running, and the one they show.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	deploy=$(realpath "$BATS_TEST_DIRNAME/../../data/deploy")
	unit=$deploy/systemd/sensor-pipeline@.service
	mkdir etc state bin
	mkfifo started
}

# setting NAME: what the unit sets it to, a line each.
setting() {
	sed -n "s/^$1=//p" "$unit" | sed "s|%i|scored|g; s|%H|host|g; s|/etc/sensorutils|$BATS_TEST_TMPDIR/etc|g; s|%S/sensorutils/scored|$BATS_TEST_TMPDIR/state|g"
}

# Runs the unit's command in the background as systemd would: its environment and no other, its folder,
# standard input from /dev/null. Sets service. Programs are those of the folder bin, then the built ones.
start_unit() {
	local environment
	mapfile -t environment < <(setting Environment | sed "s|^PATH=|PATH=$BATS_TEST_TMPDIR/bin:$PATH:|")
	[[ ! -e etc/scored.env ]] || mapfile -t -O "${#environment[@]}" environment < <(grep -v '^#' etc/scored.env)
	# shellcheck disable=SC2046 # as systemd splits it
	(cd "$(setting WorkingDirectory)" && exec env -i --default-signal "${environment[@]}" $(setting ExecStart)) \
		</dev/null >out 2>journal 3>&- &
	service=$!
}

# Waits until it has ended: sets status and, as systemd judges it, next: again, failed or ended.
await_unit() {
	status=0
	wait "$service" || status=$?
	next=again
	((status != 0 && status != 143 && status != 130)) || next=ended
	[[ " $(setting RestartPreventExitStatus) " != *" $status "* ]] || next=failed
}

cron_command() {
	grep -Ev '^(#|[A-Z_]+=|$)' "$deploy/sensor-pipeline.cron" | sed -E 's/^([^ ]+ ){5}[a-z]+ //'
}

# As cron runs it; what it prints would be mailed.
run_cron() {
	env -i HOME=/ SHELL=/bin/bash PATH="$PWD/bin:$PATH" PIPELINE="$PWD/p" FOLDER="$PWD/state" \
		/bin/bash -c "$(cron_command)" </dev/null
}

@test "unit: systemd finds nothing wrong with it" {
	skip_unless_peer systemd-analyze
	run -0 systemd-analyze verify --man=no "$unit"
	[[ -z $output ]]
}

@test "unit: the runner alone is told to stop, all others are killed after a time; writers get SIGPIPE" {
	[[ $(setting KillMode) = mixed && $(setting KillSignal) = SIGTERM && $(setting TimeoutStopSec) -ge 10 ]]
	[[ $(setting IgnoreSIGPIPE) = no && $(setting Restart) = on-failure && $(setting Type) = exec ]]
	[[ $(setting NoNewPrivileges) = yes && $(setting ProtectSystem) = strict ]]
}

@test "unit: is started again after what may pass, and only then" {
	local s
	for s in 0:ended 64:failed 65:failed 66:failed 69:again 70:failed 73:failed 74:failed 75:again 78:failed 1:again 137:again; do
		printf 'cat; exit %d\ncat\n' "${s%:*}" >etc/scored.pipeline
		start_unit
		await_unit
		echo "$s $status $next"
		[[ $next = "${s#*:}" ]]
	done
	# The same statuses as the runner's own.
	[[ "permanent=' $(setting RestartPreventExitStatus) '" = "$(grep ^permanent "$deploy/sensor-pipeline")" ]]
}

@test "unit: a stage that is killed, any of them, starts all again; a stop is a success" {
	local victim pid
	exec 7<>started
	for victim in 1 2 3; do
		printf '%s\n' 'while echo x; do sleep 0.05; done' 'exec cat' 'exec cat >/dev/null' |
			sed "${victim}s/^/echo \$BASHPID >\&7; /" >etc/scored.pipeline
		start_unit
		read -r pid <&7
		kill -KILL "$pid"
		await_unit
		[[ $next = again && $status -eq 75 ]]
		grep -q "stage $victim of 3, .* was killed by SIGKILL" journal
	done
	printf 'echo >&7; exec tail -f /dev/null\ncat\n' >etc/scored.pipeline
	start_unit
	read -r _ <&7
	kill -TERM "$service"
	await_unit
	[[ $status -eq 0 && $next = ended && ! -s journal ]]
}

@test "the pipeline: its environment, its folder, rejects of every stage, ids that stay" {
	cp "$deploy/scored.pipeline" "$deploy/scored.env" etc/
	sed -i "s|^MODEL=.*|MODEL=$PWD/model|" etc/scored.env
	for program in kafka-consume anomaly-score kafka-produce; do
		printf '#!/bin/bash\necho "$KAFKA_BOOTSTRAP_SERVERS $PWD $*" >%s\ncat >/dev/null\n' "$PWD/$program" >bin/$program
	done
	chmod +x bin/*
	start_unit
	await_unit
	cat journal
	[[ $status -eq 0 ]]
	start="broker:9092 $PWD/state "
	[[ $(cat kafka-consume) = "$start-G scorers --instance scored-host --rejects consume.rejects.jsonl"*" sensor-data" ]]
	[[ $(cat anomaly-score) = "$start-m $PWD/model --rejects score.rejects.jsonl"* ]]
	[[ $(cat kafka-produce) = "$start-t scored --transactional-id scored-host --rejects produce.rejects.jsonl"* ]]
	# Without what it needs it does not start in part, and is not tried again.
	sed -i /MODEL/d etc/scored.env
	start_unit
	await_unit
	[[ $next = failed && $status -eq 78 ]]
	grep -q 'MODEL: unbound variable' journal
}

@test "the pipeline: programs know its options" {
	cp "$deploy/scored.pipeline" etc/
	printf 'KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1\nMODEL=%s/model\n' "$PWD" >etc/scored.env
	printf '{"x":1}\n{"x":2}\n' | iforest-train -o model
	# No broker is there: as far as it goes.
	sed -i 's/^kafka-[a-z]*/& --timeout 0.2/' etc/scored.pipeline
	start_unit
	await_unit
	[[ $next = again && $status -eq 75 ]]
	grep -Eq "'kafka-(consume|produce)'(, ended with)? 69" journal # whichever gave up first
}

@test "cron: one line, of five times, a user and no per cent sign" {
	[[ $(grep -Ecv '^(#|[A-Z_]+=|$)' "$deploy/sensor-pipeline.cron") -eq 1 ]]
	[[ $(cron_command) = 'cd "$FOLDER" && flock '*' sensor-pipeline -r '* && $(cron_command) != *%* ]]
	[[ -z $(tail -c 1 "$deploy/sensor-pipeline.cron") ]]
	# What the pipeline asks for is set.
	grep -oE '\$[A-Z]+' "$deploy/scored.pipeline" | tr -d '$' | sort -u | while read -r name; do
		grep -q "^$name=" "$deploy/sensor-pipeline.cron"
	done
}

@test "cron: runs it once, however often it is started" {
	printf 'echo >>runs; echo $PPID >started; exec tail -f /dev/null\ncat\n' >p
	mkfifo state/started
	run_cron >mail 3>&- &
	cron=$!
	read -r runner <state/started
	run -0 run_cron
	[[ -z $output && $(wc -l <state/runs) -eq 1 ]]
	kill -TERM "$runner"
	wait "$cron"
	[[ ! -s mail ]]
}

@test "cron: what stays wrong is told once and not tried again" {
	printf 'echo >>runs; exit 65\ncat\n' >p
	run -0 run_cron
	[[ $output = "$PWD/p ended with 65: see $PWD/state/log" ]]
	grep -q "'echo', ended with 65" state/log
	run -0 run_cron
	[[ -z $output && $(wc -l <state/runs) -eq 1 ]]
	rm state/held
	printf 'echo >>runs\ncat\n' >p
	run -0 run_cron
	[[ -z $output && $(wc -l <state/runs) -eq 2 ]]
}

@test "cron: a runner that was killed is taken up by the next" {
	printf 'echo >>runs; echo $PPID >started; exec tail -f /dev/null\ncat\n' >p
	mkfifo state/started
	run_cron >mail 3>&- &
	cron=$!
	read -r runner <state/started
	kill -KILL "$runner"
	wait "$cron"
	[[ $(cat mail) = "$PWD/p ended with 137"* && ! -e state/held ]]
	printf 'echo >>runs\ncat\n' >p
	until [[ $(wc -l <state/runs) -eq 2 ]]; do # the lock goes with the last of the stages
		run_cron
	done
}
