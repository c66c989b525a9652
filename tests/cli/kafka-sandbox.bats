#!/usr/bin/env bats
# kafka-sandbox: a cluster for kcat, the time of a command, faults, and what it cannot keep.

load helper

setup() {
	skip_unless_peer kcat
	cd "$BATS_TEST_TMPDIR"
	mkfifo pipe
}

# in_sandbox OPTION… SCRIPT: runs a shell script in one. In it, put and get are kcat's two ends.
in_sandbox() {
	local script=${*: -1}
	kafka-sandbox "${@:1:$#-1}" -- bash -euo pipefail -c '
		put() { kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -P -X retry.backoff.ms=10 "$@"; }
		get() { kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -C -e -q "$@"; }
		'"$script"
}

# start OPTION…: one in the background without a command; sets $pid and $address.
start() {
	env --default-signal=INT kafka-sandbox "$@" >pipe 2>words 3>&- &
	pid=$!
	read -r address <pipe
}

# ended STATUS: the sandbox that was started ended so.
ended() {
	local status=0
	wait "$pid" || status=$?
	cat words
	((status == $1))
}

# signal_of COMMAND…: prints the signal that it died of, or 0.
signal_of() {
	python3 -c 'import subprocess, sys; print(max(0, -subprocess.call(sys.argv[1:])))' "$@"
}

@test "what kcat writes kcat reads: keys, headers, values, each partition in order" {
	seq 1000 | sed 's/.*/key&:value &/' >sent
	in_sandbox --topics numbers:6 '
		put -t numbers -K : -H source=test <sent
		get -t numbers -f "%p %o %h %k:%s\n" >got'
	[[ $(cut -d ' ' -f 1 got | sort -u | wc -l) -eq 6 ]]
	sort -s -n -k 1,1 got | awk '$1 != last { last = $1; n = 0 } $2 != n++ || $3 != "source=test" { exit 1 }'
	cut -d ' ' -f 4- got | sort | cmp - <(sort sent)
}

@test "a group reads" {
	in_sandbox --topics t:3 '
		seq 9 | put -t t
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -q -X auto.offset.reset=earliest -e -G g t >got'
	sort got | cmp - <(seq 9)
}

@test "brokers, topics and what is made when asked for" {
	in_sandbox --brokers 3 --topics 'a:2,b' --topics c.d_E-1:7 '
		echo x | put -t new
		echo "$KAFKA_BOOTSTRAP_SERVERS" >address
		kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -L -J >metadata'
	[[ $(cat address) =~ ^127\.0\.0\.1:[0-9]+,127\.0\.0\.1:[0-9]+,127\.0\.0\.1:[0-9]+$ ]]
	jq -e '(.brokers | length) == 3 and
		([.topics[] | {(.topic): .partitions | length}] | add) == {"a": 2, "b": 4, "c.d_E-1": 7, "new": 4} and
		all(.topics[].partitions[]; .replicas | length == 3)' metadata
}

@test "the command has the address in its environment, and no KAFKA_HOST, and standard input" {
	echo in | KAFKA_HOST=real KAFKA_BOOTSTRAP_SERVERS=real:9092 kafka-sandbox -- \
		bash -c 'cat; echo "${KAFKA_HOST-none} $KAFKA_BOOTSTRAP_SERVERS"' >out
	[[ $(cat out) =~ ^in$'\n''none 127.0.0.1:'[0-9]+$ ]]
}

@test "the command inherits no file and no blocked signal" {
	# Above 31 are the C library's own: what it ignores there depends on who starts threads.
	local state='ls /proc/self/fd; while read -r name mask; do case $name in
		SigBlk: | SigIgn:) echo "$name $((16#$mask & 0x7fffffff))" ;;
	esac; done </proc/self/status'
	bash -c "$state" >outside
	kafka-sandbox -- bash -c "$state" >inside
	[[ $(grep -c Sig outside) -eq 2 ]]
	diff outside inside
}

@test "the command's exit status is passed on" {
	for status in 0 1 3 65 74 255; do
		run --separate-stderr "-$status" kafka-sandbox -- bash -c "exit $status"
		[[ -z $output && -z $stderr ]]
	done
	run -143 kafka-sandbox -- bash -c 'kill -TERM $$'
	run -137 kafka-sandbox -- bash -c 'kill -KILL $$'
	[[ $(signal_of kafka-sandbox -- env --default-signal=INT bash -c 'kill -INT $$') -eq 2 ]]
	# As with any parent of children, should SIGCHLD have been ignored.
	run -7 env --ignore-signal=CHLD kafka-sandbox -- bash -c 'exit 7'
}

@test "a command that cannot be run: 127 or 126, and why" {
	run --separate-stderr -127 kafka-sandbox -- no-such-command
	[[ $stderr = "kafka-sandbox: cannot run 'no-such-command': No such file or directory" ]]
	run --separate-stderr -126 kafka-sandbox -- "$BATS_TEST_TMPDIR"
	[[ $stderr = *"Permission denied" ]]
}

# Counts a signal, and ends with 40 and the count a second after the first: a second one would have
# come by then.
counter='
	n=0
	trap "n=\$((n + 1))" $1
	echo ready
	while ((n == 0)); do read -t 0.1 -r -u 7 || true; done
	read -t 0.5 -r -u 7 || true
	exit $((40 + n))'

@test "signals are passed on to the command, once each, and it has the last word" {
	mkfifo silent
	for signal in TERM HUP INT QUIT; do
		env --default-signal kafka-sandbox -- bash -c "$counter" bash "$signal" 7<>silent >pipe 3>&- &
		pid=$!
		read -r _ <pipe
		kill -s "$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		echo "$signal $status"
		((status == 41))
	done
}

@test "a signal from the terminal, which the command has had as well, is not passed on" {
	mkfifo silent
	cat >terminal.py <<-'E'
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp("kafka-sandbox", ["kafka-sandbox", "--", "bash", "-c",
		        os.environ["counter"], "bash", "INT"])
		seen = b""
		while b"ready" not in seen:
		    seen += os.read(fd, 100)
		os.write(fd, b"\x03")
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	E
	counter=$counter run -41 python3 terminal.py 7<>silent
}

@test "when the sandbox is killed its command is ended, and nothing is left" {
	mkfifo ready
	kafka-sandbox -- bash -c 'exec 5>ready; echo >&5; exec sleep 60' 3>&- &
	pid=$!
	exec 6<ready
	read -r -u 6
	kill -KILL "$pid"
	wait "$pid" || (($? == 137))
	timeout 20 cat <&6 # up to the end of the last process that has it open
}

@test "without a command: the address at once, SIGTERM 0, SIGINT by the signal" {
	start
	[[ $address =~ ^127\.0\.0\.1:[0-9]+$ ]]
	echo hello | kcat -b "$address" -P -t t
	[[ $(kcat -b "$address" -C -t t -e -q) = hello ]]
	kill -TERM "$pid"
	ended 0
	[[ ! -s words ]]
	start
	kill -INT "$pid"
	ended 130
	run -1 kcat -b "$address" -L -m 1
	python3 -c 'import subprocess, sys
p = subprocess.Popen(["env", "--default-signal=INT", "kafka-sandbox"], stdout=subprocess.PIPE)
p.stdout.readline()
p.send_signal(2)
sys.exit(p.wait() != -2)'
}

@test "--address-file: the address in a file, whole, before the command runs" {
	in_sandbox --address-file address '[[ $(cat address) = "$KAFKA_BOOTSTRAP_SERVERS" ]]'
	[[ $(wc -l <address) -eq 1 ]]
	start --address-file address
	[[ $(cat address) = "$address" ]]
	kill "$pid"
	ended 0
	expect_error 73 "no-folder" kafka-sandbox --address-file no-folder/address -- touch ran
	[[ ! -e ran ]]
}

@test "standard output that cannot be written: 74" {
	run --separate-stderr -74 bash -c 'kafka-sandbox >/dev/full'
	[[ $stderr = "kafka-sandbox: standard output: "*"No space left on device" ]]
	run --separate-stderr -74 bash -c 'kafka-sandbox >&-'
	[[ $stderr = "kafka-sandbox: standard output: "* ]]
	# With a command nothing is written.
	run -0 bash -c 'kafka-sandbox -- true >&- 2>&-'
}

@test "--latency holds answers back" {
	start=$(date +%s%N)
	in_sandbox --latency 400 'kcat -b "$KAFKA_BOOTSTRAP_SERVERS" -L -m 10 >/dev/null'
	(($(date +%s%N) - start >= 800000000)) # versions, then metadata
}

@test "--error: the client has the error, as often as asked" {
	run -0 in_sandbox --error Produce:MSG_SIZE_TOO_LARGE '! put -t t <<<a 2>said; put -t t <<<b; get -t t'
	[[ $output = b ]]
	grep -q 'Message size too large' said
	run -0 in_sandbox --error Produce:NOT_LEADER_FOR_PARTITION:2 --error 0:7 \
		'put -t t -d msg <<<a 2>said; get -t t'
	[[ $output = a ]]
	[[ $(grep -c 'encountered error: Broker: Not leader for partition' said) -eq 2 ]]
	[[ $(grep -c 'encountered error: Broker: Request timed out' said) -eq 1 ]]
	run -0 in_sandbox --brokers 2 --error Produce:_TRANSPORT 'put -t t -d msg <<<a 2>said; get -t t'
	[[ $output = a ]]
	grep -q 'Disconnected' said
}

@test "SIGUSR1 takes the brokers away, SIGUSR2 brings them back with all they had" {
	start --brokers 2
	echo one | kcat -b "$address" -P -t t
	kill -USR1 "$pid"
	timeout 20 tail -s 0.05 -f words | grep -qm 1 "kafka-sandbox: brokers are away"
	run -1 kcat -b "$address" -L -m 1
	kill -USR2 "$pid"
	timeout 20 tail -s 0.05 -f words | grep -qm 1 "kafka-sandbox: brokers are back"
	[[ $(kcat -b "$address" -C -t t -e -q) = one ]]
	kill -USR1 "$pid"
	kill "$pid"
	ended 0 # and what was lost could be told all the same
}

@test "messages lost past 5 MiB a partition: 74, with topic, partition and how many" {
	head -c 4500000 /dev/urandom | base64 -w 5999 >six # 6 MB in 1000 lines, about
	run --separate-stderr -74 in_sandbox --topics small:3,large:2 --error ListOffsets:6:50 --latency 5 '
		head -n 10 six | put -t small
		put -t large -p 1 <six'
	n=$(wc -l <six)
	[[ $stderr =~ ^"kafka-sandbox: topic 'large', partition 1: "([0-9]+)" of $n messages are lost: it keeps 5 MiB, or 100,000 batches"$ ]]
	((BASH_REMATCH[1] > 0 && BASH_REMATCH[1] < n))
	# A failed command outranks the verdict, which is said all the same.
	run --separate-stderr -5 in_sandbox --topics large:1 'put -t large <six; exit 5'
	[[ $stderr = *"are lost"* ]]
	# Without a command.
	start --topics large:1
	kcat -b "$address" -P -t large <six
	kill "$pid"
	ended 74
	grep -q "topic 'large', partition 0: " words
}

@test "what fits is not lost" {
	head -c 3000000 /dev/urandom | base64 -w 3999 >four
	run --separate-stderr -0 in_sandbox --topics t:1 'put -t t <four; get -t t | cmp - four'
	[[ -z $stderr ]]
}

@test "transactions, which it only pretends to have: 74" {
	run --separate-stderr -74 in_sandbox 'put -t t -X transactional.id=x <<<a'
	[[ $stderr = *"kafka-sandbox: transactions were used, "* ]]
	run --separate-stderr -0 in_sandbox 'put -t t -X enable.idempotence=true <<<a'
	[[ -z $stderr ]]
}

@test "options that make no sense: 64" {
	expect_error 64 "from 1 to 16" kafka-sandbox --brokers 0
	expect_error 64 "from 1 to 16" kafka-sandbox --brokers 17
	expect_error 64 "from 0 to 60000" kafka-sandbox --latency 60001
	expect_error 64 "'--topics': topic 'a' takes 1 to 1000 partitions" kafka-sandbox --topics a:1001
	expect_error 64 "'--topics': topic 'a' is named twice" kafka-sandbox --topics a --topics a:2
	expect_error 64 "'Metadata' is none of the requests that can fail: Produce, " kafka-sandbox --error Metadata:6
	expect_error 64 "'NO' is neither an error of Kafka's" kafka-sandbox --error Produce:NO
	expect_error 64 "takes a count of 1 to 10000" kafka-sandbox --error Produce:6:0
}
