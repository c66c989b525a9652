#!/bin/bash
# variants.sh VARIANT...: builds each variant of the Makefile in build/VARIANT, runs the unit, fuzz and cli
# suites there, and ends with the line "N passed, N failed" over all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

unset MAKEFLAGS MFLAGS # of a make above, whose job server is not ours
# shellcheck source=tests/total.sh
. tests/total.sh
for variant in "$@"; do
	echo "== $variant"
	if ! make --no-print-directory -j"$(nproc)" VARIANT="$variant" BUILD="build/$variant" tests; then
		total_failed=$((total_failed + 1))
		continue
	fi
	stage tests/run.sh "build/$variant" unit fuzz cli
done
total
