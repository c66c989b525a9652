#!/usr/bin/env bats
# Exactly once, proved by blows: torture.py kills and stops processes of two pipelines of one group.

bats_require_minimum_version 1.5.0

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

@test "30 blows to exactly-once pipelines: nothing lost, nothing doubled, all in order" {
	torture --kills 30 --seed 1
	((status == 0))
	holds '.kills == 30 and .records == 200000 and .read == 200000'
	holds '.lost == 0 and .doubled == 0 and .disorder == 0'
	# The blows fell where it hurts.
	holds '.restarts >= 10'
}

@test "the usual recipe under the same tormentor loses or doubles" {
	torture --usual --kills 5 --seed 1 --records 30000
	((status == 1))
	holds '.lost + .doubled > 0'
}
