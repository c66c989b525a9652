#!/bin/bash
# ci.sh TARGET...: makes each target in turn and ends with the line "N passed, N failed" over all.
# A target that counts its tests lets the next ones run; one that fails otherwise (a package, lint,
# the build) ends here.
set -euo pipefail
cd "$(dirname "$0")/.."

unset MAKEFLAGS MFLAGS # of the make above, whose job server is not ours
# shellcheck source=tests/total.sh
. tests/total.sh
mkdir -p build
rm -f build/ci.counts
for target in "$@"; do
	echo "== make $target"
	start=$SECONDS
	if ! stage make --no-print-directory "$target"; then
		echo "== make $target failed; the rest is not run"
		break
	fi
	echo "== make $target took $((SECONDS - start)) s"
done
total | tee build/ci.counts
