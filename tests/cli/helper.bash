# Loaded by every test file of tests/cli: what several of them need.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

# A test of memory, time or signals that a sanitizer would distort is left out there by the line
#     # bats test_tags=native
# before its @test.

# Standard output and standard error of `run` apart: run --separate-stderr -65 program …
# then $output, $lines and $stderr.

# Skips the test if a command that it compares with is missing. Where nothing may be
# skipped (CI=true) that is a failure.
skip_unless_peer() {
	command -v "$1" >/dev/null && return
	if [[ ${CI-} = true ]]; then
		echo "the peer '$1' is missing" >&2
		return 1
	fi
	skip "$1 is missing"
}

# expect_error STATUS TEXT COMMAND…: it exits with STATUS, prints nothing, and says on standard
# error one line or more, of its own name, that holds TEXT.
expect_error() {
	local status_wanted=$1 text=$2 first
	shift 2
	run --separate-stderr "$@"
	first=${stderr%%$'\n'*}
	if [[ $status -ne $status_wanted || -n $output || $first != "${1##*/}: "*"$text"* ]]; then
		echo "command:  $*"
		echo "status:   $status, expected $status_wanted"
		echo "expected: ${1##*/}: …$text…"
		echo "stderr:   $stderr"
		echo "stdout:   ${output:0:300}"
		return 1
	fi
}

# Prints the folder data by a path without a space, which make could not work with.
data_folder() {
	ln -sfn "$(realpath "$BATS_TEST_DIRNAME/../../data")" "$BATS_FILE_TMPDIR/data"
	echo "$BATS_FILE_TMPDIR/data"
}
