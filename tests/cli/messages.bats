#!/usr/bin/env bats
# What goes wrong in the hands of a user: is it said, with the way out, and is nothing lost or left?

# shellcheck disable=SC2094 # reading and writing one file is what is tried
load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '{"x":1,"y":2}\n{"x":2,"y":3}\n{"x":2.5,"y":3}\n' >xy.jsonl
	iforest-train -o xy.model xy.jsonl
	anomaly-score -m xy.model xy.jsonl >scored.jsonl
	printf '1 2\n3 4\n' >secom.data
	printf -- '-1 "19/07/2008 11:55:00"\n1 "19/07/2008 12:32:00"\n' >secom_labels.data
}

@test "a failure leaves no unfinished output" {
	mkdir out
	expect_error 66 "cannot open 'nosuch'" iforest-train -o out/file nosuch
	expect_error 65 "feature 'z' is absent" iforest-train --features x,z -o out/file xy.jsonl
	expect_error 65 "fewer than --min-records 4" iforest-train --min-records 4 -o out/file xy.jsonl
	expect_error 69 "--memory" iforest-train --memory 20 -o out/file xy.jsonl
	expect_error 64 "--max-rejects" iforest-train --max-rejects 1.5 --rejects bad -o out/file xy.jsonl
	expect_error 66 "cannot open 'nosuch'" anomaly-report -o out/file nosuch
	expect_error 66 "cannot open 'nosuch'" secom-prep -o out/file nosuch secom_labels.data
	awk 'BEGIN { for (i = 0; i < 20000; i++) print "1.5 2.5" >"long.data"
		for (i = 0; i < 20000; i++) print "-1 \"19/07/2008 11:55:00\"" >"long_labels.data" }'
	run -74 bash -c 'ulimit -f 8; secom-prep -o out/file long.data long_labels.data'
	[[ $output = *"File too large"* ]]
	[[ -z $(ls -A out) ]]
}

@test "an output that is an input is refused before it is touched" {
	cp xy.jsonl xy.kept
	ln xy.jsonl link.jsonl
	for option in --output --metrics --rejects; do
		expect_error 64 "option '$option': 'link.jsonl' is an input, too" iforest-train "$option" link.jsonl xy.jsonl
	done
	run -64 iforest-train -o xy.jsonl <xy.jsonl
	cmp xy.jsonl xy.kept
	run -64 bash -c 'anomaly-score -m xy.model xy.jsonl >>xy.jsonl'
	[[ $output = "anomaly-score: 'xy.jsonl' is standard output, too"* ]]
	for option in --metrics --rejects; do
		expect_error 64 "option '$option': 'xy.jsonl'" anomaly-score -m xy.model "$option" xy.jsonl xy.model xy.jsonl
	done
	cmp xy.jsonl xy.kept
	run -64 bash -c 'anomaly-score -m xy.model <xy.jsonl 1<>xy.jsonl'
	[[ $output = "anomaly-score: 'standard input' is standard output, too"* ]]
	cmp xy.jsonl xy.kept

	run -64 bash -c 'record-replay --repeat xy.jsonl >>xy.jsonl'
	expect_error 64 "option '--metrics': 'xy.jsonl'" record-replay --metrics xy.jsonl xy.jsonl
	cmp xy.jsonl xy.kept

	cp scored.jsonl scored.kept
	expect_error 64 "'scored.jsonl' is an input, too" anomaly-report -o scored.jsonl scored.jsonl
	run -64 bash -c 'anomaly-eval scored.jsonl >>scored.jsonl'
	cmp scored.jsonl scored.kept
	cp secom.data secom.kept
	expect_error 64 "'secom.data' is an input, too" secom-prep -o secom.data secom.data secom_labels.data
	cmp secom.data secom.kept
	# Not of files that take what is written elsewhere, nor of other files.
	anomaly-score -m xy.model </dev/null >/dev/null
	anomaly-score -m xy.model xy.jsonl <xy.model >new.jsonl
}

# once COMMAND...: 74, and in one line that metrics cannot be written.
once() {
	run --separate-stderr -73 "$@"
	echo "$stderr"
	[[ $(grep -c 'cannot write metrics' <<<"$stderr") -eq 1 ]]
}

@test "metrics that cannot be written are said once" {
	for p in 'anomaly-score -m xy.model' record-replay 'window-agg --window 1s --absent-as-missing --time-field x' 'db-sink --create sqlite:db t'; do
		# shellcheck disable=SC2086
		once $p --metrics nowhere/m xy.jsonl
	done
	once sensor-sim --count 10 --metrics nowhere/m "$BATS_TEST_DIRNAME/../../data/profiles/city.json"
	once kafka-sandbox --topics t:1 -- kafka-produce -t t --metrics nowhere/m xy.jsonl
	once kafka-sandbox --topics t:1 -- kafka-consume -t t -e --metrics nowhere/m
}

@test "a second failure is said beside the first, whose status stays" {
	mkfifo pipe
	for p in 'anomaly-score -m xy.model' record-replay 'window-agg --window 1s --time-field x' 'db-sink --create sqlite:db t'; do
		mkdir folder
		# shellcheck disable=SC2086
		$p --metrics folder/m pipe >out 2>said &
		exec 5>pipe
		timeout 10 bash -c 'until [[ -e folder/m ]]; do :; done'
		rm -r folder
		echo '{' >&5
		exec 5>&-
		status=0
		wait $! || status=$?
		cat said
		[[ $status -eq 65 ]]
		[[ $(grep -c 'pipe:1:' said) -eq 1 && $(grep -c 'cannot write metrics' said) -eq 1 ]]
	done
}

@test "two outputs in one file: 64, and the file stays as it is" {
	window=(window-agg --window 1s --time-field x)
	echo kept >state
	echo kept >other
	ln other link
	mkdir folder
	for options in '--state new --metrics new' '--state ./new --metrics folder/../new' '--rejects other --late other' \
		'--late other --metrics link' "--state state --rejects $PWD/state"; do
		# shellcheck disable=SC2086
		expect_error 64 "one file: '" "${window[@]}" $options xy.jsonl
	done
	[[ $(<state) = kept && $(<other) = kept && ! -e new ]]
	expect_error 64 "options '--metrics' and '--output' name one file: 'o'" record-replay --metrics o -o o xy.jsonl
	expect_error 64 "options '--rejects' and '--metrics' name one file: 'o'" db-sink --create --metrics o --rejects o sqlite:db t xy.jsonl
	expect_error 64 "options '--metrics' and '--output' name one file: 'o'" anomaly-score -m xy.model --metrics o -o o xy.jsonl
	expect_error 64 "options '--metrics' and '--output' name one file: 'o'" iforest-train --metrics o -o o xy.jsonl
	expect_error 64 "options '--rejects' and '--output' name one file: 'o'" anomaly-report --rejects o -o o scored.jsonl
	expect_error 64 "options '--rejects' and '--metrics' name one file: 'o'" anomaly-eval --rejects o --metrics o scored.jsonl
	expect_error 64 "options '--rejects' and '--unsent' name one file: 'o'" kafka-produce -b x:1 -t t --unsent o --rejects o xy.jsonl
	expect_error 64 "options '--rejects' and '--metrics' name one file: 'o'" kafka-consume -b x:1 -t t --metrics o --rejects o
	[[ ! -e o && ! -e db ]]
	# What is no regular file keeps nothing.
	"${window[@]}" --late /dev/null --rejects /dev/null xy.jsonl
	"${window[@]}" --late /dev/stderr --rejects /dev/stderr xy.jsonl 2>words
}

@test "input that is no records says what it is, and the way out" {
	# the table: what to say, and the file that makes one say it
	gzip -k xy.jsonl
	printf 'x,y\n1,2\n' | iconv -t UTF-16 >utf16.csv
	printf '{\n  "x": 1,\n  "y": 2\n}\n' >lines.json
	printf 'time;x;y\n2024-01-01;1,5;2\n' >semicolons.csv
	printf 'time\tx\ty\n2024-01-01\t1.5\t2\n' >tabs.csv
	printf ',x,y\n0,1,2\n' >unnamed.csv
	printf '[{"x":1,"y":2}]\n' >array.json
	printf 'PK\3\4\24\0\6\0' >sheet.xlsx
	while IFS='|' read -r file message; do
		for command in "iforest-train -o m" "anomaly-score -m xy.model" anomaly-eval anomaly-report record-replay; do
			# shellcheck disable=SC2086 # words of a command
			expect_error 65 "$file:$message" $command "$file"
		done
	done <<-'E'
		xy.jsonl.gz| input is compressed; try: zcat xy.jsonl.gz
		utf16.csv| input is UTF-16, not UTF-8; try: iconv -f UTF-16 -t UTF-8 utf16.csv
		lines.json|1: input is JSON over several lines, not one object a line; try: jq -c . lines.json
		array.json|1: input is a JSON array, not one object a line; try: jq -c '.[]' array.json
		semicolons.csv|1:5: header separates its columns by semicolons, not by commas
		tabs.csv|1:5: header separates its columns by tabs, not by commas
		unnamed.csv|1:1: header has a column without a name
		sheet.xlsx| input is a zip archive, as spreadsheets are
		xy.model| input is a model, not records
	E
	[[ ! -e m ]]
	# what is to be tried works
	jq -c . lines.json | anomaly-score -m xy.model
	jq -c '.[]' array.json | anomaly-score -m xy.model
	iconv -f UTF-16 -t UTF-8 utf16.csv | anomaly-score -m xy.model
	zcat xy.jsonl.gz | anomaly-score -m xy.model | cmp - scored.jsonl
}

@test "a record of another kind is told from one that lacks a feature" {
	printf '{"a":1}\n' >other.jsonl
	expect_error 65 "other.jsonl:1: feature 'x' is absent, and so are the other 1: the record is of another kind" \
		anomaly-score -m xy.model other.jsonl
	printf '{"a":1,"x":1}\n' >lacks.jsonl
	expect_error 65 "lacks.jsonl:1: feature 'y' is absent (--absent-as-missing would take it as missing)" \
		anomaly-score -m xy.model lacks.jsonl
}

@test "a rejects file whose last line was cut off by a full disk keeps what comes after" {
	printf '{"program":"anomaly-score","fi' >kept
	printf '{"x":"a"}\n' | run -0 anomaly-score -m xy.model --rejects kept
	[[ $(wc -l <kept) -eq 2 && $(head -n 1 kept) = '{"program":"anomaly-score","fi' ]]
	printf '{"x":"b"}\n' | run -0 anomaly-score -m xy.model --rejects kept
	[[ $(tail -n +2 kept | jq -r .record) = $'{"x":"a"}\n{"x":"b"}' ]]
}

@test "a name that nothing may have is refused" {
	for name in '' _kafka; do
		expect_error 64 "option '--as': '$name' cannot name" anomaly-score -m xy.model --as "$name" xy.jsonl
		expect_error 64 "option '--stamp': '$name' cannot name" record-replay --stamp "$name" xy.jsonl
	done
	printf 'No.,x\n1,2\n' >dot.csv
	expect_error 65 "dot.csv:1:1: header: field path 'No.' has an empty name in it (a dot within a name is written '\.')" \
		iforest-train dot.csv
	printf 'No\.,x,y\n1,1,2\n' | anomaly-score -m xy.model
}

@test "ranges are shown to the digit" {
	expect_error 64 "takes a whole number from 0 to 9007199254740992, not '9007199254740993'" \
		iforest-train --seed 9007199254740993 -o m xy.jsonl
}

@test "anomaly-eval: records that were not scored, and what was left out" {
	printf '{"x":1,"label":0}\n' >raw.jsonl
	expect_error 65 "raw.jsonl:1: 'is_anomaly' is absent: the record was not scored, or not under this name" \
		anomaly-eval raw.jsonl
	expect_error 65 "no record with truth, verdict and score (3 without truth, 0 bad)" \
		anomaly-eval --skip-unlabelled scored.jsonl
}

@test "Kafka: SASL without a mechanism is not taken for Kerberos in silence" {
	for program in kafka-consume kafka-produce; do
		expect_error 64 "'security.protocol' is 'SASL_SSL', but 'sasl.mechanisms' is not set" \
			$program -b 127.0.0.1:1 -t x -X security.protocol=SASL_SSL --timeout 0.1
		expect_error 69 "no broker of" $program -b 127.0.0.1:1 -t x -X security.protocol=sasl_plaintext \
			-X sasl.mechanism=PLAIN -X sasl.username=u -X sasl.password=p --timeout 0.1
	done
}
