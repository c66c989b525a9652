# Sourced by the scripts that add up what several test runs counted.
# shellcheck shell=bash

total_passed=0 total_failed=0 total_skipped=0

# Runs a command, and adds up the last line of counts it prints. A command
# that prints no counts is one test. Fails only if a command without counts fails.
stage() {
	local out status=0 line p f s
	out=$(mktemp)
	"$@" 2>&1 | tee "$out" || status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$out" | tail -n 1 || true)
	rm -f "$out"
	if [[ -z $line ]]; then
		if ((status)); then
			total_failed=$((total_failed + 1))
			return 1
		fi
		total_passed=$((total_passed + 1))
		return 0
	fi
	read -r p f s < <(tr -cd '0-9 \n' <<<"$line" | xargs)
	total_passed=$((total_passed + p))
	total_failed=$((total_failed + f))
	total_skipped=$((total_skipped + ${s:-0}))
	# A run may fail for another reason than a failed test.
	if ((status && !f)); then
		total_failed=$((total_failed + 1))
	fi
}

total() {
	local skipped=
	if ((total_skipped)); then
		skipped=", $total_skipped skipped"
	fi
	echo "$total_passed passed, $total_failed failed$skipped"
	((total_failed == 0))
}
