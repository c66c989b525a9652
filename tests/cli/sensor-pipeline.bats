#!/usr/bin/env bats
# data/deploy/sensor-pipeline: statuses, signals, stages that hang, restarts.

# Tests no program in C.
# bats file_tags=native

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	PATH=$(realpath "$BATS_TEST_DIRNAME/../../data/deploy"):$PATH
	mkfifo started go
}

# begin ARG...: sensor-pipeline in the background, with the signals of a program that a shell runs
# in the foreground, in a session of its own; sets runner. Its words go to the file words.
begin() {
	env --default-signal=INT,QUIT,TERM,HUP setsid sensor-pipeline "$@" </dev/null 2>words 3>&- &
	runner=$!
}

# Waits for the end of what begin started: sets status.
await() {
	status=0
	wait "$runner" || status=$?
}

# The one line that is said about a failure.
said() {
	[[ $(grep -c '^sensor-pipeline: stage' words) -eq 1 ]]
	grep -qxF "sensor-pipeline: $1" words || { cat words; return 1; }
}

@test "stages are joined like a pipeline's, standard input and output too" {
	run --separate-stderr -0 sensor-pipeline 'grep -v 2' 'sort -r' "sed 's/^/> /'" <<<$'1\n2\n3'
	[[ $output = $'> 3\n> 1' ]]
	[[ -z $stderr ]]
	run -0 sensor-pipeline 'echo one' </dev/null
	[[ $output = one ]]
	# What is closed is no pipe's end by chance.
	sensor-pipeline 'cat' 'wc -c' <&- >out
	[[ $(cat out) -eq 0 ]]
	status=0
	sensor-pipeline 'echo x' 'cat' >&- 2>words || status=$?
	[[ $status -eq 75 ]]
	said "stage 2 of 2, 'cat', ended with 1: status 75"
	# Both ends of a pipe are closed in all others: nobody waits for ever, bytes are all there.
	run -0 sensor-pipeline 'head -c 3000000 /dev/zero' cat cat 'wc -c'
	[[ $output -eq 3000000 ]]
}

@test "a stage's status is the pipeline's, or stands for try again" {
	local s
	for s in 0:0 64:64 65:65 66:66 70:70 73:73 74:74 78:78 69:75 75:75 1:75 2:75 255:75 126:78 127:78; do
		for place in 1 2 3; do
			stages=(cat cat cat)
			stages[place - 1]="cat; exit ${s%:*}"
			echo "$s at $place"
			run "-${s#*:}" sensor-pipeline "${stages[@]}" </dev/null
		done
	done
}

@test "a stage that is killed means try again, whatever by" {
	local signal
	for signal in KILL TERM INT HUP PIPE SEGV ABRT; do
		echo "$signal"
		run --separate-stderr -75 sensor-pipeline 'cat' "kill -$signal \$\$" cat </dev/null
		[[ $stderr = "sensor-pipeline: stage 2 of 3, 'kill', was killed by SIG$signal: status 75" ]]
	done
}

@test "what is wrong for good outranks try again; of two such the first" {
	run -65 sensor-pipeline 'exit 75' 'cat; exit 65' 'cat; exit 1'
	run -65 sensor-pipeline 'kill -KILL $$' 'cat; exit 65' 'cat; exit 75'
	run -74 sensor-pipeline 'exit 74' 'cat; sleep 0.5; exit 65' 'cat; exit 78'
	run -75 sensor-pipeline 'exit 69' 'cat; exit 0' 'cat; exit 1'
}

@test "one line says what failed first and what came of it" {
	run --separate-stderr -75 sensor-pipeline 'A=1 /usr/bin/yes' 'read -r _; kill -KILL $$' 'cat >/dev/null; exit 75'
	[[ $stderr = "sensor-pipeline: stage 2 of 3, 'read', was killed by SIGKILL; then 'yes' SIGPIPE, 'cat' 75: status 75" ]]
	run --separate-stderr -74 sensor-pipeline yes 'read -r _; exit 74'
	[[ $stderr = "sensor-pipeline: stage 2 of 2, 'read', ended with 74; then 'yes' SIGPIPE: status 74" ]]
	run --separate-stderr -78 sensor-pipeline 'true' 'no-such-program -x'
	[[ $stderr = *"sensor-pipeline: stage 2 of 2, 'no-such-program', could not be run (127): status 78" ]]
}

@test "of failures at the same time the leftmost counts, whichever was seen first; of others the first" {
	local delay
	for delay in 0 0.001 0.01 0.02 0.03 0.05 0.07 0.09; do
		run --separate-stderr -65 sensor-pipeline "sleep $delay; exit 65" true 'exit 74'
		[[ $stderr = "sensor-pipeline: stage 1 of 3, 'sleep', ended with 65; at the same time 'exit' 74: status 65" ]]
		run --separate-stderr -65 sensor-pipeline 'exit 65' true "sleep $delay; exit 74"
		[[ $stderr = "sensor-pipeline: stage 1 of 3, 'exit', ended with 65; at the same time 'sleep' 74: status 65" ]]
	done
	run --separate-stderr -74 sensor-pipeline 'sleep 1; exit 65' 'exit 74'
	[[ $stderr = "sensor-pipeline: stage 2 of 2, 'exit', ended with 74; then 'sleep' 65: status 74" ]]
}

@test "SIGTERM reaches the head alone, and what it wrote flows out" {
	begin 'trap "echo last; exit 0" TERM; echo first; read -r _ <>go' \
		'trap "echo >hit" TERM INT; cat' 'trap "echo >hit" TERM INT; read -r line; echo >started; cat >out'
	read -r _ <started
	kill -TERM -- "-$runner" # as timeout(1) does, to the whole group
	await
	[[ $status -eq 0 && ! -s words && ! -e hit ]]
	[[ $(cat out) = last ]]
}

@test "a stop is no failure of a head that dies of it, but what fails then is one" {
	begin 'echo >started; exec tail -f /dev/null' 'cat'
	read -r _ <started
	kill -TERM "$runner"
	await
	[[ $status -eq 0 && ! -s words ]]

	# The head of several processes: all of them.
	mkfifo held
	begin 'exec 8>held; echo >started; tail -f /dev/null | cat' 'cat >/dev/null; exit 65' 3>&-
	exec 9<held
	read -r _ <started
	kill -TERM "$runner"
	await
	[[ $status -eq 65 ]]
	said "stage 2 of 2, 'cat', ended with 65: status 65"
	run -0 timeout 10 cat <&9
}

@test "a head that is killed by somebody else is a failure" {
	begin 'echo $$ >started; exec tail -f /dev/null' 'cat'
	read -r head <started
	kill -TERM "$head"
	await
	[[ $status -eq 75 ]]
	said "stage 1 of 2, 'echo', was killed by SIGTERM: status 75"
}

@test "SIGINT and SIGHUP stop it as SIGTERM does; it dies of SIGINT" {
	for signal in INT HUP; do
		begin 'trap "echo term; exit 0" TERM; trap "echo int" INT HUP; echo ready; read -r _ <>go' \
			'read -r _; echo >started; cat >out'
		read -r _ <started
		kill "-$signal" -- "-$runner"
		await
		[[ $(cat out) = term ]]
		[[ $signal = INT && $status -eq 130 || $signal = HUP && $status -eq 0 ]]
	done
	# A failure outranks it.
	begin 'echo >started; exec tail -f /dev/null' 'cat; exit 65'
	read -r _ <started
	kill -INT "$runner"
	await
	[[ $status -eq 65 ]]
}

@test "signals that come together are one to the head" {
	exec 8<>started
	begin 'n=0; trap "n=\$((n + 1)); echo >started" TERM; echo >started; until read -r line <go; do :; done; echo $n' 'cat >out'
	read -r _ <&8
	for signal in TERM INT TERM HUP; do
		kill "-$signal" "$runner"
	done
	read -r _ <&8
	echo end >go
	await
	[[ $(cat out) = 1 ]]
}

@test "SIGQUIT kills all stages" {
	begin 'echo >started; exec tail -f /dev/null' 'tail -f /dev/null | cat' 'exec tail -f /dev/null'
	read -r _ <started
	kill -QUIT "$runner"
	await
	[[ $status -eq 75 ]]
}

@test "a stage that does not see its input's end is killed, with all it started" {
	mkfifo held
	begin -k 0.2 'exit 65' 'exec 8>held; tail -f /dev/null | cat'
	exec 9<held
	await
	[[ $status -eq 65 ]]
	said "stage 1 of 2, 'exit', ended with 65; then 'exec' SIGKILL (did not end by itself): status 65"
	run -0 timeout 10 cat <&9
	# One that sleeps (SIGSTOP) too.
	begin -k 0.2 'exit 75' 'kill -STOP $$' 'cat'
	await
	[[ $status -eq 75 ]]
}

@test "a stage that writes to one that is gone and does not notice is killed" {
	begin -k 0.2 'read -r _ <>go' 'true'
	await
	[[ $status -eq 75 ]]
	said "stage 1 of 2, 'read', was killed by SIGKILL: status 75"
}

@test "after an end that is no failure the others take their time" {
	begin -k 0 'true' 'cat; echo >started; read -r _ <>go; echo end >out' 'cat'
	read -r _ <started
	echo >go
	await
	[[ $status -eq 0 && $(cat out) = end && ! -s words ]]
}

@test "a stage that is stopped and goes on is no stage that ended" {
	begin 'echo $BASHPID >started; read -r _ <>go; echo end' 'cat >out'
	read -r head <started
	kill -STOP "$head"
	kill -CONT "$head"
	echo >go
	await
	[[ $status -eq 0 && $(cat out) = end && ! -s words ]]
}

@test "what a dead stage left running is killed" {
	mkfifo held
	begin 'exec 8>held; tail -f /dev/null & echo $$ >started; wait' 'cat'
	exec 9<held
	read -r head <started
	kill -KILL "$head"
	await
	[[ $status -eq 75 ]]
	run -0 timeout 10 cat <&9
}

@test "killed itself, it leaves no stage behind" {
	mkfifo held
	exec 8<>started
	begin 'exec 8>held; echo >started; exec tail -f /dev/null' 'exec 8>held; exec cat' 'exec 8>held; echo >started; exec tail -f /dev/null'
	exec 9<held
	read -r _ <&8
	read -r _ <&8
	kill -KILL "$runner"
	await
	[[ $status -eq 137 ]]
	run -0 timeout 10 cat <&9
}

@test "stages have the signals of a new process, whatever was ignored before" {
	run -0 bash -c 'trap "" PIPE INT QUIT; sensor-pipeline "grep SigIgn: /proc/self/status" cat'
	[[ $output = SigIgn:* ]]
	(((0x${output##*[[:blank:]]} & (1 << 12 | 1 << 2 | 1 << 1)) == 0)) # PIPE, QUIT, INT
	run --separate-stderr -75 bash -c 'trap "" PIPE; sensor-pipeline yes "head -n 1"'
	[[ $output = y && $stderr = *"'yes', was killed by SIGPIPE: status 75" ]]
}

@test "a stage is bash's, strict: a failure within it and a name without a value count" {
	run -65 sensor-pipeline 'exit 65 | cat' 'cat'
	run --separate-stderr -78 sensor-pipeline 'echo $no_such_name' 'cat'
	[[ $stderr = *'no_such_name: unbound variable'* ]]
	run -0 sensor-pipeline 'grep -c x || test $? -eq 1' </dev/null
}

@test "words lost are no failure" {
	run -65 bash -c 'sensor-pipeline "exit 65" cat 2>&1 >&3 | true; exit "${PIPESTATUS[0]}"' 3>/dev/null
}

# A stage that counts its runs in the file runs, and ends by the Nth of the statuses.
statuses() {
	echo "echo >>runs; set -- $*; shift \$((\$(wc -l <runs) - 1)); exit \$1"
}

@test "restart: on 75, 69, signals and the like, with a pause that doubles to its bound" {
	begin -r -b 0.25:1 "$(statuses 75 69 1 137 0)" cat
	await
	[[ $status -eq 0 && $(wc -l <runs) -eq 5 ]]
	[[ $(grep -o 'starting again.*' words) = 'starting again in 0.25 s
starting again in 0.5 s
starting again in 1 s
starting again in 1 s' ]]
	[[ $(grep -c "ended with\|was killed by" words) -eq 4 ]]
}

@test "restart: never on what stays wrong" {
	for s in 64 65 66 70 73 74 78; do
		rm -f runs
		run "-$s" sensor-pipeline -r -b 0.01 "$(statuses 75 "$s" 0)" cat
		[[ $(wc -l <runs) -eq 2 ]]
	done
}

@test "restart: a run of the longest pause's length begins anew" {
	begin -r -b 0.2:0.8 "[[ -e runs && \$(wc -l <runs) -eq 2 ]] && sleep 0.9; $(statuses 75 75 75 75 0)" cat
	await
	[[ $status -eq 0 ]]
	[[ $(grep -o 'again.*' words | tr '\n' ' ') = 'again in 0.2 s again in 0.4 s again in 0.2 s again in 0.4 s ' ]]
}

@test "restart: a stage that is killed restarts them all" {
	exec 8<>started
	begin -r -b 0.01 -k 0.1 'echo >>heads; cat go' 'echo $$ >started; exec cat >>out' 'echo >>tails; cat'
	read -r middle <&8
	kill -KILL "$middle"
	read -r middle <&8 # of the second run
	echo end >go
	await
	[[ $status -eq 0 && $(wc -l <heads) -eq 2 && $(wc -l <tails) -eq 2 && $(cat out) = end ]]
}

@test "restart: a stop ends the run and is not undone" {
	begin -r -b 0.01 'echo >>heads; echo >started; exec tail -f /dev/null' 'cat; exit 75'
	read -r _ <started
	kill -TERM "$runner"
	await
	[[ $status -eq 75 && $(wc -l <heads) -eq 1 ]]
	[[ $(grep -c again words) -eq 0 ]]
}

@test "restart: a stop ends the pause" {
	mkfifo words
	begin -r -b 1000 'exit 69' cat 2>/dev/null
	read -r _ <words
	kill -TERM "$runner"
	await
	[[ $status -eq 75 ]]
}

@test "stages from a file" {
	printf '# all\n\n  # of it\nprintf "b\\na\\n" |\\\n sort\nsed "s/a/# &/"' >p
	run -0 sensor-pipeline -f p
	[[ $output = $'# a\nb' ]]
	run -0 sensor-pipeline --file p
	expect_error 66 "cannot open 'missing'" sensor-pipeline -f missing
	printf '# nothing\n' >p
	expect_error 78 "'p' has no stages" sensor-pipeline -f p
	printf 'cat \\\n' >p
	expect_error 78 'ends in a backslash' sensor-pipeline -f p
}

@test "what cannot be a stage is found before any is started" {
	expect_error 78 "stage 2 is no command" sensor-pipeline 'echo >ran' 'echo "'
	expect_error 78 "stage 2 is empty" sensor-pipeline 'echo >ran' ' '
	[[ ! -e ran ]]
}

@test "hold: what stays wrong is not tried again" {
	run --separate-stderr -65 sensor-pipeline -r -H held 'exit 65' cat
	[[ $stderr = *"nothing is started again until 'held' is removed" && $(cat held) = 65 ]]
	run -0 sensor-pipeline -r -H held 'echo >>ran' cat
	[[ -z $output && ! -e ran ]]
	rm held
	run -75 sensor-pipeline -H held 'exit 75' cat
	run -0 sensor-pipeline -H held 'echo >>ran' cat
	[[ -e ran && ! -e held ]]
	run -73 sensor-pipeline -H no/such/folder 'exit 65' cat
}

@test "usage" {
	run -64 sensor-pipeline
	run -64 sensor-pipeline -x cat
	run -64 sensor-pipeline -f
	run -64 sensor-pipeline -k soon cat
	run -64 sensor-pipeline -b 1:x cat
	run -64 sensor-pipeline -f p cat
	[[ $output = 'sensor-pipeline: usage: '* ]]
	run -0 sensor-pipeline -- 'echo -n' cat
	run -0 --separate-stderr sensor-pipeline --help
	[[ ${lines[0]} = 'sensor-pipeline [OPTION...] STAGE... '* && -z $stderr ]]
	[[ $output = *--kill-after* && $output != *shellcheck* ]]
	# Every option that it takes, there and in the manual.
	while read -r option; do
		grep -qE "^\.It Fl . , ${option#-}( |$)" "$BATS_TEST_DIRNAME/../../man/sensor-pipeline.1"
		[[ $option = --help || $output = *"$option"* ]]
	done < <(grep -oE '^	-[a-zA-Z] \| --[a-z-]+' "$(command -v sensor-pipeline)" | grep -oE -- '--[a-z-]+')
}
