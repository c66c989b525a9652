#!/usr/bin/env bats
# What every program of cmd/ does alike; each test runs over all of them.

load helper

# The table that a new program is added to: its command line over one input file, and that file's
# name in the folder that setup_file fills. What the command prints goes to standard output.
command_for() {
	local input=$2
	case $1 in
	secom-prep) command=(secom-prep "$input" "$files/secom_labels.data") ;;
	record-replay) command=(record-replay "$input") ;;
	sensor-sim) command=(sensor-sim --step 1s --count 1000 "$input") ;;
	window-agg) command=(window-agg --window 60s --agg "x:mean,max,p50" "$input") ;;
	iforest-train) command=(iforest-train -o /dev/stdout --trees 5 "$input") ;;
	anomaly-score) command=(anomaly-score -m "$files/model" "$input") ;;
	anomaly-eval) command=(anomaly-eval "$input") ;;
	anomaly-report) command=(anomaly-report -o /dev/stdout "$input") ;;
	*)
		echo "'$1' stands in no row of the table in conformance.bats"
		return 1
		;;
	esac
}

input_for() {
	case $1 in
	secom-prep) echo "$files/secom.data" ;;
	sensor-sim) echo "$top/data/profiles/city.json" ;;
	anomaly-eval | anomaly-report) echo "$files/scored.jsonl" ;;
	*) echo "$files/records.jsonl" ;;
	esac
}

setup_file() {
	local to=$BATS_FILE_TMPDIR
	awk -v to="$to/" 'BEGIN {
		for (i = 0; i < 300; i++) {
			x = (i * 7919) % 1000 / 10; y = (i * 104729) % 997 / 7
			printf "%.1f NaN %.3f\n", x, y >(to "secom.data")
			printf "%d \"19/07/2008 %02d:%02d:00\"\n", (i % 50 ? -1 : 1), 11 + int(i / 60), i % 60 >(to "secom_labels.data")
			t = sprintf("2024-01-01T%02d:%02d:00.000Z", i / 60, i % 60)
			printf "{\"timestamp\":\"%s\",\"label\":%d,\"x\":%.1f,\"y\":%.3f}\n", t, (i % 50 == 0), x, y >(to "records.jsonl")
			printf "{\"timestamp\":\"%s\",\"label\":%d,\"x\":%.1f,\"y\":%.3f,\"anomaly_score\":%.3f,\"is_anomaly\":%s,\"severity\":\"%s\",\"model_version\":\"0123456789ab\"}\n",
				t, (i % 50 == 0), x, y, 0.3 + x / 200, (x > 90 ? "true" : "false"), (x > 90 ? "low" : "none") >(to "scored.jsonl")
		}
	}'
	if [[ -x $SENSORUTILS_BUILD/bin/iforest-train ]]; then
		iforest-train -o "$to/model" --trees 5 "$to/records.jsonl"
	fi
}

setup() {
	files=$BATS_FILE_TMPDIR top=$BATS_TEST_DIRNAME/../..
	programs=()
	filters=() # that read records and write them; of others, tests of their own see what they do
	for p in "$top"/cmd/*.c; do
		p=$(basename "$p" .c)
		programs+=("$p")
		[[ $p = @(kafka-*|db-sink) ]] || filters+=("$p")
	done
}

# Options as "-o" and "--output", one a line, of --help and of the list in a manual page.
options_of_help() {
	sed -nE 's/^  (-[A-Za-z0-9], |    )(--[a-z0-9-]+).*/\1\n\2/p' | tr -d ', ' | sed '/^$/d' | sort
}

# shellcheck disable=SC2120 # reads standard input in the test
options_of_page() {
	awk '/^\.It Fl/ {
		flag = 0
		for (i = 2; i <= NF; i++) {
			if ($i == "Fl")
				flag = 1
			else if ($i ~ /^[A-Z][a-z]$/)
				flag = 0
			else if (flag && $i ~ /^-?[A-Za-z0-9]/)
				print "-" $i
		}
	}' "$@" | grep -vx -e --completion | sort
}

@test "--help: to standard output, 0, at most 80 columns, one screen, an example" {
	for p in "${programs[@]}"; do
		echo "$p"
		run --separate-stderr -0 "$p" --help
		[[ -z $stderr ]]
		[[ ${lines[0]} = "usage: $p "* ]]
		[[ $output = *$'\nExample:\n  '* ]]
		long=$(grep -E '^.{81}' <<<"$output" || true)
		[[ -z $long ]]
		((${#lines[@]} <= 66))
		run --separate-stderr -0 "$p" -h
		[[ ${lines[0]} = "usage: $p "* ]]
	done
}

@test "--help names the options of the manual page, and no others" {
	for p in "${programs[@]}"; do
		echo "$p"
		diff <("$p" --help | options_of_help) <(options_of_page "$top/man/$p.1")
	done
}

@test "the summary of --help is that of the manual page" {
	for p in "${programs[@]}"; do
		echo "$p"
		[[ $("$p" --help | sed -n 2p) = "$(sed -n 's/^\.Nd //p' "$top/man/$p.1")" ]]
	done
}

@test "--version: one line with the program and the version" {
	version=$(sed -n 's/^#define SENSORUTILS_VERSION "\(.*\)"$/\1/p' "$top/lib/base/version.h")
	for p in "${programs[@]}"; do
		for option in -V --version; do
			run --separate-stderr -0 "$p" "$option"
			[[ $output = "$p (sensorutils) $version" && -z $stderr ]]
		done
	done
}

@test "an unknown, an abbreviated and a misspelt option: 64 and where help is" {
	for p in "${programs[@]}"; do
		for option in --no-such-option --no-such-option=1 -? --hel --vers; do
			expect_error 64 "unknown option" "$p" "$option"
			[[ $stderr = *$'\n'"$p: see '$p --help'" ]]
		done
		expect_error 64 "takes no argument" "$p" --help=yes
	done
}

@test "every abbreviation of every long option is refused" {
	for p in "${programs[@]}"; do
		mapfile -t names < <("$p" --help | options_of_help | grep -- '^--')
		for name in "${names[@]}"; do
			((${#name} > 4)) || continue
			short=${name%?}
			! printf '%s\n' "${names[@]}" | grep -qxe "$short" || continue
			expect_error 64 "unknown option '$short'" "$p" "$short"
		done
	done
}

@test "completion for bash and zsh parses, and names every option" {
	for p in "${programs[@]}"; do
		"$p" --completion bash >"$BATS_TEST_TMPDIR/c.bash"
		bash -n "$BATS_TEST_TMPDIR/c.bash"
		for option in $("$p" --help | options_of_help | grep -- '^--'); do
			grep -qE -- "[ ']${option}[ ']" "$BATS_TEST_TMPDIR/c.bash"
		done
		expect_error 64 fish "$p" --completion fish
	done
	skip_unless_peer zsh
	for p in "${programs[@]}"; do
		"$p" --completion zsh >"$BATS_TEST_TMPDIR/_$p"
		zsh -n "$BATS_TEST_TMPDIR/_$p"
	done
}

@test "bash completes options, choices and files" {
	for p in "${programs[@]}"; do
		run -0 bash -c '
			eval "$("$1" --completion bash)"
			compopt() { :; }
			COMP_WORDS=("$1" --vers) COMP_CWORD=1
			"_${1//-/_}"
			printf "%s\n" "${COMPREPLY[@]}"
			COMP_WORDS=("$1" --completion = z) COMP_CWORD=3
			"_${1//-/_}"
			printf "%s\n" "${COMPREPLY[@]}"' bash "$p"
		[[ $output = $'--version\nzsh' ]]
	done
}

@test "/dev/full as standard output: 74, for help and for results" {
	for p in "${programs[@]}"; do
		for option in --help --version '--completion bash'; do
			# shellcheck disable=SC2086
			run --separate-stderr -74 bash -c '"$@" >/dev/full' bash "$p" $option
			[[ $stderr = "$p: "*"No space left on device"* ]]
		done
	done
	for p in "${filters[@]}"; do
		command_for "$p" "$(input_for "$p")"
		echo "${command[@]}"
		run --separate-stderr -74 bash -c '"$@" >/dev/full' bash "${command[@]}"
		[[ $stderr = "$p: "*"No space left on device"* ]]
	done
}

@test "closed standard output: 74, for help and for results" {
	for p in "${programs[@]}"; do
		run --separate-stderr -74 bash -c '"$@" >&-' bash "$p" --help
		[[ $stderr = "$p: "* ]]
	done
	for p in "${filters[@]}"; do
		command_for "$p" "$(input_for "$p")"
		echo "${command[@]}"
		run --separate-stderr bash -c '"$@" >&-' bash "${command[@]}"
		[[ $status = 7[34] && $stderr = "$p: "* ]]
	done
}

@test "closed standard error costs no result" {
	for p in "${filters[@]}"; do
		command_for "$p" "$(input_for "$p")"
		echo "${command[@]}"
		"${command[@]}" >"$BATS_TEST_TMPDIR/open" 2>/dev/null
		"${command[@]}" >"$BATS_TEST_TMPDIR/closed" 2>&-
		cmp "$BATS_TEST_TMPDIR/open" "$BATS_TEST_TMPDIR/closed"
	done
}

@test "closed standard input is no empty input" {
	for p in "${filters[@]}"; do
		command_for "$p" -
		echo "${command[@]}"
		run --separate-stderr bash -c '"$@" <&-' bash "${command[@]}"
		[[ $status = 66 || $status = 74 ]]
		[[ $stderr = "$p: "* ]]
	done
}

@test "a missing file, a directory, and a file without permission: 66, and the name" {
	mkdir "$BATS_TEST_TMPDIR/folder"
	for p in "${filters[@]}"; do
		command_for "$p" "$BATS_TEST_TMPDIR/missing"
		expect_error 66 "$BATS_TEST_TMPDIR/missing" "${command[@]}"
		command_for "$p" "$BATS_TEST_TMPDIR/folder"
		expect_error 66 "$BATS_TEST_TMPDIR/folder" "${command[@]}"
	done
	((EUID)) || return 0
	touch "$BATS_TEST_TMPDIR/secret"
	chmod 0 "$BATS_TEST_TMPDIR/secret"
	for p in "${filters[@]}"; do
		command_for "$p" "$BATS_TEST_TMPDIR/secret"
		expect_error 66 "$BATS_TEST_TMPDIR/secret" "${command[@]}"
	done
}

@test "standard input and '-' are read like a file" {
	for p in "${filters[@]}"; do
		input=$(input_for "$p")
		command_for "$p" "$input"
		echo "${command[@]}"
		"${command[@]}" >"$BATS_TEST_TMPDIR/file"
		[[ -s $BATS_TEST_TMPDIR/file ]]
		command_for "$p" -
		"${command[@]}" <"$input" >"$BATS_TEST_TMPDIR/stdin"
		cmp "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/stdin"
	done
}

@test "neither locale nor time zone changes a byte" {
	for p in "${filters[@]}"; do
		command_for "$p" "$(input_for "$p")"
		echo "${command[@]}"
		"${command[@]}" >"$BATS_TEST_TMPDIR/here"
		LC_ALL=de_DE.UTF-8 LANG=tr_TR TZ=Asia/Kathmandu "${command[@]}" >"$BATS_TEST_TMPDIR/there"
		cmp "$BATS_TEST_TMPDIR/here" "$BATS_TEST_TMPDIR/there"
	done
}

@test "a vanished reader ends a program by SIGPIPE, and nobody complains" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	for p in "${filters[@]}"; do
		command_for "$p" "$(input_for "$p")"
		echo "${command[@]}"
		# A pipe whose only reader is gone before the program starts.
		# shellcheck disable=SC2094
		exec 5<>"$BATS_TEST_TMPDIR/pipe" 6>"$BATS_TEST_TMPDIR/pipe" 5<&-
		run -141 bash -c '"$@" 2>&1 >&6' bash "${command[@]}"
		exec 6>&-
		[[ $output != *write* && $output != *ipe* ]]
	done
}
