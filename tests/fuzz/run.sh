#!/bin/bash
# run.sh BUILD: runs each fuzz target of BUILD for FUZZ_SECONDS. What it finds beside the corpus of
# tests/fuzz/corpus/NAME goes to BUILD/corpus/NAME; an input that fails, to BUILD/NAME-….
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$1
failed=0
for target in "$build"/tests/fuzz/fuzz_*; do
	name=${target##*/fuzz_}
	mkdir -p "$build/corpus/$name"
	seeds=()
	[[ ! -d tests/fuzz/corpus/$name ]] || seeds=("tests/fuzz/corpus/$name")
	echo "== $name"
	"$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix="$build/$name-" "$build/corpus/$name" "${seeds[@]}" || failed=$((failed + 1))
done
if ((failed)); then
	echo "fuzz: $failed targets failed; their inputs are $build/NAME-*" >&2
	exit 1
fi
