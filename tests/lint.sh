#!/bin/bash
# lint.sh: format, static checks and the rules of this house over every file git knows or would add.
# Prints what is wrong; fails if anything is.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t all < <({ git ls-files -co --exclude-standard 2>/dev/null ||
	find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\n'; } | sort)
c_files=() shell_files=() bats_files=() pages=() python_files=() text_files=()
for f in "${all[@]}"; do
	[[ -f $f ]] || continue
	case $f in
	tests/fuzz/corpus/*) continue ;;
	*.c | *.h) c_files+=("$f") ;;
	*.bats | *.bash) bats_files+=("$f") ;;
	*.sh | .ci/run | data/deploy/score-folder | data/deploy/sensor-pipeline) shell_files+=("$f") ;;
	*.py) python_files+=("$f") ;;
	man/*.[1-8]) pages+=("$f") ;;
	*.md | *.mk | Makefile | *.gp | *.sql | .clang-* | .gitignore) ;;
	*) continue ;;
	esac
	text_files+=("$f")
done

failed=0
# Runs a check over files, in parallel; one that prints or fails is a failed one.
check() {
	local name=$1 per_run=$2 out
	shift 2
	local command=()
	while [[ $1 != -- ]]; do
		command+=("$1")
		shift
	done
	shift
	(($#)) || return 0
	if out=$(printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -n "$per_run" "${command[@]}" 2>&1) && [[ -z $out ]]; then
		printf '  %-16s %4d files\n' "$name" $#
	else
		printf '  %-16s failed\n%s\n' "$name" "$out"
		failed=$((failed + 1))
	fi
}

# One line a finding; the path that leads to it shows when clang-tidy is run by hand. One that ends
# without a finding but with a failure has seen nothing.
tidy() {
	local out status=0
	out=$(clang-tidy --quiet "$@" 2>&1) || status=$?
	grep -E '(error|warning): ' <<<"$out" && return
	((status == 0)) || printf 'clang-tidy ended with %d:\n%s\n' "$status" "$(tail -n 5 <<<"$out")"
}

# Bats takes no notice of a failure behind "!", but where its status is that of a function or a script.
negations() {
	awk '
		FNR == 1 { line = "" }
		line != "" && !/^[ \t]*}/ { print line; bad = 1 }
		{ line = "" }
		/^[ \t]*! / && !/ (\|\||&&) |; (then|do)$|\047$/ { line = FILENAME ":" FNR ": asserts nothing, write run !: " $0 }
		END { exit bad }' "$@"
}

white_space() {
	local f
	grep -nHE '[[:blank:]]+$' "$@" || true
	for f; do
		[[ ! -s $f || -z $(tail -c 1 "$f") ]] || echo "$f: no newline at its end"
	done
}

export -f tidy negations white_space
units=() test_units=()
for f in "${c_files[@]}"; do
	case $f in
	lib/base/error.c) ;; # trips over the macros of tests/lint.h
	tests/*.c) test_units+=("$f") ;;
	*.c) units+=("$f") ;;
	esac
done
check clang-format 8 clang-format --dry-run -Werror -- "${c_files[@]}"
check clang-tidy 3 bash -c 'tidy --extra-arg=-include --extra-arg=tests/lint.h "$@"' tidy -- "${units[@]}"
# In tests the analyser follows paths that end at a failed assertion, and bad text is there on purpose.
check clang-tidy-tests 3 bash -c 'tidy --checks=-clang-analyzer-*,-misc-misleading-bidirectional "$@"' tidy -- "${test_units[@]}"
check shellcheck 4 shellcheck -x -- "${shell_files[@]}"
# Bats stops at a failed command, and sets variables that shellcheck has not heard of.
check shellcheck-bats 4 shellcheck -s bats -x -e SC2016,SC2030,SC2031,SC2154,SC2164 -- "${bats_files[@]}"
check negations 100 bash -c 'negations "$@"' negations -- "${bats_files[@]}"
check mandoc 8 mandoc -Tlint -Wwarning -- "${pages[@]}"
check python 100 python3 -c 'import ast, sys
for f in sys.argv[1:]: ast.parse(open(f, encoding="utf-8").read(), f)' -- "${python_files[@]}"
check house-rules 1000 awk -f tests/house.awk -- "${c_files[@]}"
check white-space 100 bash -c 'white_space "$@"' white_space -- "${text_files[@]}"

if ((failed)); then
	echo "lint: $failed checks failed" >&2
	exit 1
fi
