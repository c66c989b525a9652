#!/bin/bash
# What tests of torture.py have in common: loaded by them.
# shellcheck shell=bash

# torture OPTION...: sets $status, and $result to the JSON object of the last line.
torture() {
	run "$BATS_TEST_DIRNAME/torture.py" --verbose "$@"
	result=${lines[-1]}
	printf '%s\n' "${lines[@]}"
}

# holds FILTER: it is true of $result.
holds() {
	jq -e "$1" <<<"$result" >"$BATS_TEST_TMPDIR/truth"
}
