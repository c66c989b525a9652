#!/usr/bin/env bats
# The tools of the house itself: packages, the runner of tests and how it counts.

# Tests no program in C.
# bats file_tags=native

load helper

setup() {
	unset NO_INSTALL # as make hands it on to what it runs
	top=$BATS_TEST_DIRNAME/../..
	bin=$BATS_TEST_TMPDIR/bin
	build=$BATS_TEST_TMPDIR/build
	mkdir -p "$bin" "$build/tests/unit"
}

# stub NAME: a command of that name ahead of all others, whose body is standard input.
stub() {
	{ echo '#!/bin/bash' && cat; } >"$bin/$1"
	chmod +x "$bin/$1"
	PATH=$bin:$PATH
}

# A dpkg that has all packages but bats and jq, and an apt-get that writes down what it is asked.
stub_debian() {
	stub dpkg-query <<-'E'
		shift 2
		for p; do [[ $p = bats || $p = jq ]] || echo "installed $p"; done
	E
	stub apt-get <<-E
		echo "\$*" >>"$BATS_TEST_TMPDIR/asked"
		[[ \$* != *" install "* || ! -e "$BATS_TEST_TMPDIR/refuse" ]] || { rm "$BATS_TEST_TMPDIR/refuse"; exit 100; }
	E
}

@test "deps: nothing missing costs nothing" {
	stub_debian
	run --separate-stderr -0 "$top/tests/deps.sh" build
	[[ -z $output && -z $stderr && ! -e $BATS_TEST_TMPDIR/asked ]]
}

@test "deps: root installs what is missing, and only that" {
	stub_debian
	stub id <<<'echo 0'
	run --separate-stderr -0 "$top/tests/deps.sh" build check
	[[ $stderr = "deps: installing bats jq" ]]
	grep -q 'install --no-install-recommends bats jq$' "$BATS_TEST_TMPDIR/asked"
}

@test "deps: passwordless sudo does as well" {
	stub_debian
	stub id <<<'echo 1000'
	stub sudo <<<'[[ $1 = -n ]] && shift && "$@"'
	run --separate-stderr -0 "$top/tests/deps.sh" check
	grep -q 'install --no-install-recommends bats jq$' "$BATS_TEST_TMPDIR/asked"
}

@test "deps: a failed install is tried again with new lists" {
	stub_debian
	stub id <<<'echo 0'
	touch "$BATS_TEST_TMPDIR/refuse"
	run --separate-stderr -0 "$top/tests/deps.sh" check
	[[ $(grep -c install "$BATS_TEST_TMPDIR/asked") -eq 2 ]]
	[[ $(sed -n '$!{/update/p}' "$BATS_TEST_TMPDIR/asked") ]]
}

@test "deps: NO_INSTALL, or neither root nor sudo: the one line, and 69" {
	stub_debian
	stub id <<<'echo 0'
	NO_INSTALL=1 run --separate-stderr -69 "$top/tests/deps.sh" check
	[[ $stderr = *"apt-get install -y --no-install-recommends bats jq" ]]
	stub id <<<'echo 1000'
	stub sudo <<<'exit 1'
	run --separate-stderr -69 "$top/tests/deps.sh" check
	[[ $stderr = *"sudo apt-get install -y --no-install-recommends bats jq" ]]
	[[ ! -e $BATS_TEST_TMPDIR/asked ]]
}

# unit NAME: a test program of the runner whose body is standard input.
unit() {
	{ echo '#!/bin/bash' && cat; } >"$build/tests/unit/test_$1"
	chmod +x "$build/tests/unit/test_$1"
}

@test "run.sh counts what passed, failed and was skipped" {
	unit one <<<'echo 1..3; echo "ok 1 - a"; echo "ok 2 - b # skip why"; echo "ok 3 - c"'
	CI='' run -0 "$top/tests/run.sh" "$build" unit
	[[ ${lines[-1]} = "2 passed, 0 failed, 1 skipped" ]]
	CI=true run -1 "$top/tests/run.sh" "$build" unit
	[[ ${lines[-1]} = "2 passed, 1 failed" ]]
	unit two <<<'echo 1..2; echo "not ok 1 - a"; echo "# because"; echo "ok 2 - b"; exit 1'
	CI='' run -1 "$top/tests/run.sh" "$build" unit
	[[ $output = *"# because"* ]]
	[[ ${lines[-1]} = "3 passed, 1 failed, 1 skipped" ]]
}

@test "run.sh: a crash, a short run, a wrong status and silence are failures" {
	for body in 'echo 1..2; echo "ok 1 - a"; kill -SEGV $$' 'echo 1..2; echo "ok 1 - a"' \
		'echo 1..1; echo "ok 1 - a"; exit 3' 'true' 'sleep 60'; do
		unit one <<<"$body"
		CI='' TEST_TIMEOUT=1 run -1 "$top/tests/run.sh" "$build" unit
		[[ ${lines[-1]} = *" passed, 1 failed" ]]
	done
}

@test "run.sh: no test at all is a failure" {
	run -1 "$top/tests/run.sh" "$build" unit
	[[ $output = *"no test ran" ]]
}

@test "run.sh: ThreadSanitizer sees the tests of every program that has threads" {
	for p in "$top"/cmd/*.c; do
		p=$(basename "$p" .c)
		nm -D -u "$SENSORUTILS_BUILD/bin/$p" | grep -qE 'pthread_create|rd_kafka_new' || continue
		echo "$p"
		[[ $p = @(anomaly-*|iforest-train|kafka-*) ]] # as in files() of run.sh
	done
}

@test "run.sh: suites wait for each other no more than files do" {
	mkdir -p "$build/tests/fuzz"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	unit one <<<"echo >'$BATS_TEST_TMPDIR/fifo'; echo 1..1; echo ok 1"
	printf '#!/bin/bash\nread -r _ <"%s"\n' "$BATS_TEST_TMPDIR/fifo" >"$build/tests/fuzz/replay_json"
	chmod +x "$build/tests/fuzz/replay_json"
	stub nproc <<<'echo 2'
	TEST_TIMEOUT=20 run -0 "$top/tests/run.sh" "$build" unit fuzz
	[[ ${lines[-1]} = "2 passed, 0 failed" ]]
}

# lint.sh over $top, where other tools find nothing: sets status and output.
lint() {
	local tool
	for tool in clang-format shellcheck mandoc; do
		stub "$tool" <<<''
	done
	run "$top/tests/lint.sh"
}

@test "lint: a clang-tidy that dies has found nothing wrong and nothing right" {
	make_source
	cp "$top"/tests/house.awk tests
	top=$PWD
	stub clang-tidy <<<'echo "0 warnings generated." >&2'
	lint
	echo "$output"
	[[ $status -eq 0 && $output = *"clang-tidy  "* ]]
	stub clang-tidy <<<'kill -SEGV $$'
	lint
	[[ $status -eq 1 && $output = *"clang-tidy ended with 139"* ]]
	stub clang-tidy <<<'exit 127'
	lint
	[[ $status -eq 1 && $output = *"clang-tidy ended with 127"* ]]
}

@test "lint: a negation that asserts nothing" {
	make_source
	cp "$top"/tests/house.awk tests
	top=$PWD
	stub clang-tidy <<<''
	printf '@test "x" {\n\t%s true\n\t[[ 1 ]]\n\t%s true\n}\n' '!' '!' >tests/x.bats
	lint
	[[ $status -eq 1 && $output = *"tests/x.bats:2: asserts nothing"* && $output != *x.bats:4* ]]
}

@test "totals add up; a stage without counts is one test" {
	run -1 bash -c 'set -uo pipefail
		. "$1/tests/total.sh"
		stage echo "3 passed, 0 failed, 1 skipped"
		stage bash -c "echo 4 passed, 2 failed; exit 1"
		stage true
		stage false || echo "goes no further"
		total' bash "$top"
	[[ $output = *"goes no further"* ]]
	[[ ${lines[-1]} = "8 passed, 3 failed, 1 skipped" ]]
}

@test "install puts programs, pages, completions and data in place, uninstall takes them away" {
	local p programs
	mapfile -t programs < <(ls "$SENSORUTILS_BUILD/bin")
	export DESTDIR=$BATS_TEST_TMPDIR/root
	local to=$DESTDIR/usr
	"$top/tests/install.sh" install "$SENSORUTILS_BUILD/bin" /usr "${programs[@]}"
	for p in "${programs[@]}"; do
		cmp "$SENSORUTILS_BUILD/bin/$p" "$to/bin/$p"
		[[ -x $to/bin/$p && -f $to/share/man/man1/$p.1 ]]
		[[ -e $top/cmd/$p.c ]] || continue
		bash -n "$to/share/bash-completion/completions/$p"
		[[ $(head -n 1 "$to/share/zsh/site-functions/_$p") = "#compdef $p" ]]
	done
	[[ -x $to/bin/sensor-pipeline && -x $to/bin/score-folder ]]
	[[ -f $to/share/sensorutils/pipelines/secom.mk && ! -e $to/share/sensorutils/deploy/score-folder ]]
	rm -r "$build" # nothing that was built is needed
	"$top/tests/install.sh" uninstall "$build" /usr "${programs[@]}"
	[[ -z $(find "$DESTDIR" -type f) && ! -e $to/share/sensorutils ]]
}

@test "install: a '~' that the shell left" {
	DESTDIR='' run -64 "$top/tests/install.sh" install "$SENSORUTILS_BUILD/bin" \~/.local anomaly-eval
	[[ $output = "install: '~/.local': your shell did not expand the '~'; write \$HOME" ]]
	DESTDIR=$build run -64 "$top/tests/install.sh" install "$SENSORUTILS_BUILD/bin" \~/.local anomaly-eval
}

# A small source in a folder with a space in its name, of one program.
make_source() {
	source="$BATS_TEST_TMPDIR/a source"
	mkdir -p "$source"/{cmd,lib/base,data/deploy,man,tests/services}
	cd "$source"
	cp "$top/Makefile" .
	cp "$top"/tests/*.sh tests
	cp "$top"/data/deploy/{sensor-pipeline,score-folder} data/deploy
	echo 'int main(void) { return 0; }' >cmd/nothing.c
	echo 'extern int nothing; int nothing;' >lib/base/nothing.c
	unset MAKEFLAGS MFLAGS MAKELEVEL WERROR CFLAGS CC
}

@test "make: all is built again when the compiler's options are others, and only then" {
	make_source
	[[ $(make | grep -c ' CC ') -eq 2 && -x build/bin/sensor-pipeline ]]
	[[ $(make) != *' CC '* ]]
	[[ $(make CFLAGS="-O1 -DWORD=\"'a b'\"" | grep -c ' CC ') -eq 2 ]]
	[[ $(make CFLAGS="-O1 -DWORD=\"'a b'\"") != *' CC '* ]]
	[[ $(make WERROR=-Werror | grep -c ' CC ') -eq 2 ]]
}

@test "make install: what the source has, not what lies in the folder; uninstall builds nothing" {
	make_source
	sed -i 's/^put_completion() {$/&\n\treturn/' tests/install.sh # which this program does not know
	make
	touch build/bin/old
	make install DESTDIR="$PWD/root" PREFIX=/usr
	[[ $(cd root/usr/bin && echo *) = 'nothing score-folder sensor-pipeline' ]]
	make clean
	make uninstall DESTDIR="$PWD/root" PREFIX=/usr
	[[ -z $(find root -type f) && ! -e build/bin ]]
}

@test "make: two targets that build do it one after the other, wherever the source lies" {
	make_source
	printf '#!/bin/bash\n' | tee tests/deps.sh tests/run.sh >tests/services/torture.py
	chmod +x tests/services/torture.py
	real=$(command -v gcc)
	export real
	stub gcc <<-'E'
		mkdir busy || exit # another is at work
		"$real" "$@"
		rmdir busy
	E
	make -j3 check check-services torture &>words || { cat words; return 1; }
	[[ $(grep -c ' CC ' words) -ge 2 && $(<words) != *jobserver* ]]
}
