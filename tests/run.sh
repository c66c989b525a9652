#!/bin/bash
# run.sh BUILD SUITE...: runs test suites (unit, fuzz, cli, parity, services) with the programs of
# BUILD and ends with the line "N passed, N failed".
#
# Every test file is one process that prints TAP. A file fails, beside its "not ok" lines, if it
# ends with a status other than 0, runs fewer tests than it planned, or none. With CI=true a skipped test
# is a failed one. Logs stay in BUILD/log.
set -euo pipefail
cd "$(dirname "$0")/.."

unset MAKEFLAGS MFLAGS MAKELEVEL # of a make above, not of those that tests run

build=$(realpath "$1")
shift
log=$build/log
rm -rf "$log"
mkdir -p "$log"
export PATH=$build/bin:$build/tests/services:$PATH SENSORUTILS_BUILD=$build PYTHONDONTWRITEBYTECODE=1
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:suppressions=$PWD/tests/tsan/suppressions

case $build in
*/asan | */tsan) native=(--filter-tags '!native') ;; # what a sanitizer distorts: memory, time
*) native=() ;;
esac

# The files of a suite, one a line, those of most bytes first: they tend to take longest.
files() {
	local patterns
	case $1 in
	unit) patterns=("$build"/tests/unit/test_*) ;;
	fuzz) patterns=("$build"/tests/fuzz/replay_*) ;;
	cli)
		patterns=(tests/cli/*.bats)
		# Those of programs that have threads.
		[[ $build != */tsan ]] || patterns=(tests/cli/{anomaly-*,iforest-train,kafka-*,secom-pipeline}.bats)
		;;
	parity) patterns=(tests/parity/test_*.py) ;;
	services) patterns=(tests/services/*.bats) ;;
	*)
		echo "run.sh: no suite '$1'" >&2
		exit 64
		;;
	esac
	ls -S -- "${patterns[@]}" 2>/dev/null || true
}

# A test file that hangs must not hold up the rest.
limited() {
	timeout --kill-after=10 "${TEST_TIMEOUT:-$time_limit}" "$@"
}

run_file() {
	case $1 in
	*.bats) limited bats --tap "${native[@]}" "$1" ;;
	*.py) limited "$python" "$1" ;;
	*/replay_*) replay "$1" ;;
	*) limited "$1" ;;
	esac
}

# A fuzz target over its corpus is one test.
replay() {
	local name=${1##*/replay_}
	local corpus=tests/fuzz/corpus/$name
	if [[ ! -d $corpus ]]; then
		echo "not ok 1 - $name has no corpus in $corpus"
	elif limited "$1" "$corpus"/*; then
		echo "ok 1 - $name over $(find "$corpus" -type f | wc -l) inputs"
	else
		echo "not ok 1 - $name over $corpus"
	fi
}

# Counts of one finished file: "passed failed skipped".
count() {
	awk -v status="$2" '
		/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1 }
		/^(not )?ok .*# *(skip|SKIP)/ { skipped++; next }
		/^ok / { passed++ }
		/^not ok / { failed++ }
		END {
			ran = passed + failed + skipped
			if (!failed && (status != 0 || ran < plan || (!ran && !planned)))
				failed = 1
			print passed + 0, failed + 0, skipped + 0
		}' "$1"
}

report() {
	local file=$1 out=$2 status=$3 seconds=$4 p f s
	read -r p f s < <(count "$out" "$status")
	printf '%-46s %4d passed' "${file#"$build/"}" "$p"
	if ((f)); then printf ', %d failed' "$f"; fi
	if ((s)); then printf ', %d skipped' "$s"; fi
	printf '  (%d s)\n' "$seconds"
	if ((f)); then
		# What failed with its comments; of a file that died, its last words.
		awk '/^not ok / && !/# *(skip|SKIP)/ { show = 1 } /^ok / { show = 0 } show && n++ < 80' "$out"
		if ((status)) && ! grep -q '^not ok ' "$out"; then
			tail -n 40 "$out"
			echo "# ended with status $status"
		fi
	fi
	grep -E '^(not )?ok .*# *(skip|SKIP)' "$out" || true
	echo "$p $f $s" >>"$log/counts"
}

run_one() {
	local out start=$SECONDS status=0
	out=$log/$(tr '/' '.' <<<"${1#"$build/"}").tap
	run_file "$1" >"$out" 2>&1 || status=$?
	# One write a file, so that two that end together do not mix.
	printf '%s\n' "$(report "$1" "$out" "$status" $((SECONDS - start)))"
}

python=
parallel=$(nproc)
running=0
: >"$log/counts"
for suite in "$@"; do
	mapfile -t list < <(files "$suite")
	((${#list[@]})) || continue
	if [[ $suite = parity ]] && ! python=$(tests/parity/venv.sh); then
		echo "not run: tests/parity, for want of its Python packages"
		echo "0 0 ${#list[@]}" >>"$log/counts"
		continue
	fi
	time_limit=300 # seconds
	[[ $suite != services ]] || time_limit=600
	for file in "${list[@]}"; do
		if ((running >= parallel)); then
			wait -n || true
			running=$((running - 1))
		fi
		run_one "$file" </dev/null &
		running=$((running + 1))
	done
done
wait

read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' \
	"$log/counts")
if [[ ${CI-} = true ]] && ((skipped)); then
	echo "with CI=true nothing may be skipped: $skipped count as failed"
	failed=$((failed + skipped)) skipped=0
fi
tail=
((skipped == 0)) || tail=", $skipped skipped"
echo "$passed passed, $failed failed$tail"
if ((passed + failed == 0)); then
	echo "run.sh: no test ran" >&2
	exit 1
fi
((failed == 0))
