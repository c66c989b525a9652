#!/bin/bash
# run.sh BUILD: runs each fuzz target of BUILD for FUZZ_SECONDS. What it finds beside the corpus of
# tests/fuzz/corpus/NAME is kept in BUILD/corpus/NAME for the next run; an input that fails, in BUILD/NAME-….
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$1
failed=0
for target in "$build"/tests/fuzz/fuzz_*; do
	name=${target##*/fuzz_}
	log=$build/$name.log
	mkdir -p "$build/corpus/$name"
	seeds=()
	[[ ! -d tests/fuzz/corpus/$name ]] || seeds=("tests/fuzz/corpus/$name")
	if "$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/$name-" "$build/corpus/$name" "${seeds[@]}" >"$log" 2>&1; then
		awk -v name="$name" '
			/^#[0-9]+.* cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
			/^stat::number_of_executed_units:/ { runs = $2 }
			/^stat::new_units_added:/ { found = $2 }
			END { printf "%-16s %10d runs, %6d edges, %5d inputs found\n", name, runs, edges, found }' "$log"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "$name failed; see $log and $build/$name-*"
	fi
done
((failed == 0))
