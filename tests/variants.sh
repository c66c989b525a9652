#!/bin/bash
# variants.sh VARIANT...: builds each variant of the Makefile in build/VARIANT, runs there the unit, fuzz and
# cli suites (of what could be built), and ends with the line "N passed, N failed" over all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

unset MAKEFLAGS MFLAGS # of a make above, whose job server is not ours
# shellcheck source=tests/total.sh
. tests/total.sh
for variant in "$@"; do
	echo "== $variant"
	if ! make --no-print-directory -k -j"$(nproc)" VARIANT="$variant" BUILD="build/$variant" tests; then
		echo "$variant does not build"
		total_failed=$((total_failed + 1))
	fi
	stage tests/run.sh "build/$variant" unit fuzz cli
done
total
