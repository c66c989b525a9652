#!/bin/bash
# variants.sh VARIANT...: builds each variant of the Makefile in build/VARIANT, runs there what may
# differ from `make check`, and ends with the line "N passed, N failed" over all of them. A build that
# fails counts as a failed test; what could be built is run.
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
	case $variant in
	gcc) suites=() ;; # the compiler and flags of `make check`, but for -Werror, which `make ci` has there
	clang) suites=(unit fuzz) ;;
	tsan) suites=(unit cli) ;;
	*) suites=(unit fuzz cli) ;;
	esac
	if ((${#suites[@]})); then
		stage tests/run.sh "build/$variant" "${suites[@]}"
	fi
done
total
