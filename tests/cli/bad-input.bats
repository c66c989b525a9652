#!/usr/bin/env bats
# Input that is not what it must be, through every program that reads records: the status, the file,
# line and reason, and that nothing is lost.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	# Records that all of the programs take: features x and y, a truth, a verdict.
	awk 'BEGIN {
		print "timestamp,label,x,y,anomaly_score,is_anomaly,severity,model_version" >"good.csv"
		for (i = 0; i < 40; i++) {
			t = sprintf("2024-01-01T00:%02d:00.000Z", i); x = i * 7919 % 101; y = i * 104729 % 97 / 4 + 0.01
			a = x > 90 ? "true" : "false"; s = x > 90 ? "low" : "none"
			printf "{\"timestamp\":\"%s\",\"label\":%d,\"x\":%d,\"y\":%.3f,\"anomaly_score\":%.3f,\"is_anomaly\":%s,\"severity\":\"%s\",\"model_version\":\"0123456789ab\"}\n",
				t, i % 9 == 0, x, y, 0.3 + x / 200, a, s >"good.jsonl"
			printf "%s,%d,%d,%.3f,%.3f,%s,%s,0123456789ab\n", t, i % 9 == 0, x, y, 0.3 + x / 200, a, s >"good.csv"
		}
	}'
	iforest-train --trees 5 -o model good.jsonl
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR"/* .
	programs=(anomaly-score iforest-train anomaly-eval anomaly-report record-replay)
}

# The command line of a program that reads records, without its input.
command_for() {
	case $1 in
	anomaly-score) command=(anomaly-score -m model) ;;
	iforest-train) command=(iforest-train --trees 5 -o out) ;;
	anomaly-eval) command=(anomaly-eval --bootstrap 0) ;;
	anomaly-report) command=(anomaly-report -o out) ;;
	record-replay) command=(record-replay --rate 1e6) ;;
	window-agg) command=(window-agg --window 1m --agg x:mean) ;;
	esac
}

# bad PLACE REASON: `file` has one bad record, at LINE or LINE:COLUMN, which must end each of
# $programs with 65; the programs that write a file at the end must not have written it.
bad() {
	local p
	for p in "${programs[@]}"; do
		rm -f out
		command_for "$p"
		run --separate-stderr "${command[@]}" file
		echo "$p: status $status: $stderr"
		[[ $status -eq 65 ]]
		[[ ${stderr%%$'\n'*} = "$p: file:$1:"*"$2"* ]]
		[[ ! -e out ]]
	done
}

# kept LINE REASON [N]: with --rejects the bad record of `file`, at that line, is kept as it came,
# and the other N (12) records are not.
kept() {
	local p n=${3-12}
	sed -n "$1p" file | tr -d '\n' >bad.line
	for p in "${programs[@]}"; do
		rm -f out kept
		command_for "$p"
		run --separate-stderr "${command[@]}" --rejects kept file
		echo "$p: status $status: $stderr"
		[[ $status -eq 0 ]]
		[[ $stderr = *"$p: 1 of $((n + 1)) records rejected, kept in 'kept'"* ]]
		[[ $(wc -l <kept) -eq 1 ]]
		jq -e --arg p "$p" --arg reason "$2" --argjson line "$1" '.program == $p and .file == "file" and
			.line == $line and (.reason | contains($reason)) and
			(.rejected_at | test("^20..-..-..T..:..:..[.]...Z$"))' kept
		if [[ -n ${lost-} ]]; then
			jq -e 'has("record") or has("record_base64") | not' kept
		elif jq -e 'has("record")' kept; then
			jq -j .record kept | cmp - bad.line
		else
			jq -j .record_base64 kept | base64 -d | cmp - bad.line
		fi
		[[ $p != anomaly-score || ${#lines[@]} -eq $((n + ${header-0})) ]]
	done
}

# with_line BYTES: `file` has them, as printf %b writes them, at line 7 among good records.
with_line() {
	{
		head -n 6 good.jsonl
		printf '%b\n' "$1"
		sed -n 7,12p good.jsonl
	} >file
}

# A good record whose x, anomaly_score and all else are these texts.
record_of() {
	printf '{"x":%s,"y":1,"label":0,"anomaly_score":%s,"is_anomaly":false,"severity":"none","model_version":"0123456789ab","timestamp":"2024-01-01T00:00:00Z"%s}' "$1" "$1" "${2-}"
}

@test "numbers that JSON does not have, in any field" {
	for n in 0123 +1 NaN -Infinity .5 1. 0x1F; do
		echo "$n"
		with_line "$(record_of "$n")"
		bad 7 ""
		kept 7 "" 12
		with_line "$(record_of 1 ",\"other\":$n")"
		bad 7 ""
	done 2>&1
	with_line "$(record_of 0123)"
	bad 7:6 "a number must not begin with 0"
	with_line "$(record_of NaN)"
	bad 7:6 "expected a value, not 'NaN'"
	with_line "$(record_of +1)"
	bad 7:6 "expected a value, not '+1', which is no number of JSON"
}

@test "1e999: bad where its value is needed, untouched where not" {
	with_line "$(record_of 1e999)"
	record-replay file | cmp - file
	programs=(anomaly-score iforest-train anomaly-eval anomaly-report)
	bad 7 ""
	kept 7 ""
	programs=(anomaly-score iforest-train)
	bad 7:6 "feature 'x' is beyond the range of a double"
	with_line "$(record_of 1e39)"
	programs=(anomaly-score)
	bad 7 "feature 'x' is beyond the range of float32"
	programs=(anomaly-score iforest-train anomaly-eval anomaly-report)
	with_line "$(record_of 1 ',"other":1e999,"big":123456789012345678901234567890')"
	for p in anomaly-score anomaly-eval; do
		command_for "$p"
		run -0 "${command[@]}" file
	done
	anomaly-score -m model file | grep -qF ',"other":1e999,"big":123456789012345678901234567890,"anomaly_score":'
}

@test "NUL bytes, invalid UTF-8, control characters" {
	with_line '{"x":\0001}'
	bad 7:6 "expected a value"
	kept 7 "expected a value"
	with_line "$(record_of 1 ',"s":"a\0000b"')"
	bad 7 "control character 0x00 inside a string"
	kept 7 "control character 0x00"
	with_line "$(record_of 1 ',"s":"a\0377b"')"
	bad 7 "byte 0xff is not valid UTF-8"
	kept 7 "byte 0xff is not valid UTF-8"
	jq -e 'has("record_base64")' kept
	with_line "$(record_of 1 ',"s":"\0355\0240\0200"')"
	bad 7 "is not valid UTF-8"
	with_line '\0'
	bad 7:1 "a record must be a JSON object"
	kept 7 "a record must be a JSON object"
}

@test "what is no object, and objects that are cut" {
	for line in '[1]' 5 '"x"' null '{' '{"x":1' '{"x"}' '{"x":1}}' '{"x":1} {"x":2}' "{'x':1}" 'timestamp,x'; do
		echo "$line"
		with_line "$line"
		bad 7 ""
		kept 7 ""
	done
	with_line "{\"x\":$(printf '[%.0s' {1..64})$(printf ']%.0s' {1..64})}"
	bad 7:69 "nested deeper than 64"
}

@test "a truncated last line is bad, a whole one without its newline is not" {
	{
		head -n 6 good.jsonl
		sed -n 7p good.jsonl | tr -d '\n}'
	} >file
	bad 7 "last line has no newline and is no record: line ends inside an object"
	kept 7 "last line has no newline" 6
	head -n 7 good.jsonl | head -c -1 >file
	for p in "${programs[@]}"; do
		command_for "$p"
		run -0 "${command[@]}" file
		"${command[@]}" file >torn 2>&1
		"${command[@]}" <(head -n 7 good.jsonl) >whole 2>&1
		cmp torn whole
	done
}

@test "a line of 20 MiB is one bad record, and --max-line lets it pass" {
	{
		head -n 6 good.jsonl
		printf '{"pad":"'
		head -c 20971520 /dev/zero | tr '\0' x
		printf '",%s\n' "$(record_of 1 | cut -c 2-)"
		sed -n 7,12p good.jsonl
	} >file
	bad 7 "line is longer than 16777216 bytes (--max-line)"
	lost=1 kept 7 "line is longer than 16777216 bytes"
	for p in "${programs[@]}"; do
		command_for "$p"
		run -0 "${command[@]}" --max-line 30000000 file
	done
	anomaly-score -m model --max-line 30000000 file | tail -n +8 | cmp - <(sed -n 7,12p good.jsonl | anomaly-score -m model)
}

@test "empty input, blank lines alone, a header alone: no record" {
	printf '\n \r\n\n' >blank
	: >empty
	head -n 1 good.csv >header
	for file in empty blank header; do
		echo "$file"
		run --separate-stderr -0 anomaly-score -m model "$file"
		[[ -z $stderr ]]
		[[ $file = header || -z $output ]]
		rm -f out
		run --separate-stderr -65 iforest-train -o out "$file"
		[[ $stderr = "iforest-train: 0 records came, fewer than --min-records 1" && ! -e out ]]
		run --separate-stderr -65 anomaly-eval "$file"
		[[ $stderr = "anomaly-eval: "*"record"* ]]
		run --separate-stderr anomaly-report -o out "$file"
		[[ $status -eq 0 || $status -eq 65 ]]
	done
	[[ $(anomaly-score -m model header) = timestamp,label,x,y,anomaly_score,is_anomaly,severity,score_quantile,imputed,model_version ]]
	[[ -z $(anomaly-score -m model --to json header) ]]
}

@test "CR LF, a byte order mark, blank lines: as without them" {
	for form in jsonl csv; do
		sed 's/$/\r/' "good.$form" >crlf
		{ printf '\357\273\277' && cat "good.$form"; } >bom
		{ printf '\n\n' && sed 's/$/\n/' "good.$form"; } >blank
		for p in "${programs[@]}"; do
			command_for "$p"
			rm -f out
			"${command[@]}" "good.$form" >expected 2>/dev/null
			[[ ! -e out ]] || mv out expected
			for file in crlf bom blank; do
				echo "$p $form $file"
				"${command[@]}" "$file" >got 2>/dev/null
				[[ ! -e out ]] || mv out got
				sed -i 's/\r$//' got
				cmp got expected
			done
		done
	done
	[[ $(sed 's/$/\r/' good.csv | anomaly-score -m model | grep -c $'\r$') -eq 41 ]]
	[[ $(sed 's/$/\r/' good.jsonl | anomaly-score -m model | grep -c $'\r$') -eq 40 ]]
}

@test "duplicate names: the last counts, all are kept" {
	printf '{"x":1,"y":5,"x":90,"a":1,"a":2}\n' >twice
	printf '{"x":90,"y":5,"a":1}\n' >once
	[[ $(anomaly-score -m model twice | jq .anomaly_score) = $(anomaly-score -m model once | jq .anomaly_score) ]]
	anomaly-score -m model twice | grep -qF '{"x":1,"y":5,"x":90,"a":1,"a":2,"anomaly_score":'
}

@test "a JSON array says how to make records of it" {
	jq -s . good.jsonl >file
	bad 1 "jq -c '.[]' file"
	for p in "${programs[@]}"; do
		command_for "$p"
		jq -c '.[]' file | "${command[@]}" >/dev/null 2>&1
	done
}

# A CSV file with this row at line 7.
with_row() {
	{
		head -n 6 good.csv
		printf '%b\n' "$1"
		sed -n 7,13p good.csv
	} >file
}

@test "CSV: short and long rows, stray quotes, control characters" {
	header=1
	with_row '2024-01-01T00:00:00Z,0,1,2'
	bad 7:27 "row has 4 cells, the header 8"
	kept 7 "row has 4 cells"
	with_row 't,0,1,2,0.5,false,none,m,9'
	bad 7:26 "row has more cells than the header's 8"
	kept 7 "row has more cells"
	with_row 't,0,5",2,0.5,false,none,m'
	bad 7:6 "a quote inside a cell that is not quoted"
	kept 7 "a quote inside a cell"
	with_row 't,0,"5"x,2,0.5,false,none,m'
	bad 7:8 "a closing quote must be followed by a comma"
	kept 7 "a closing quote"
	with_row 't,0,1,2,0.5,false,none,a\001b'
	bad 7:25 "a control character outside quotes"
	with_row 't,0,1,2,0.5,false,none,"a\0000b"'
	bad 7 "NUL"
	kept 7 "NUL"
	with_row 't,0,1,2,0.5,false,none,\0377'
	bad 7:24 "byte 0xff is not valid UTF-8"
	kept 7 "UTF-8"
}

@test "CSV: a quote that never closes ends the program, --rejects or not" {
	with_row 't,0,1,2,0.5,false,none,"m'
	bad 7 "a quote opens in this row and never closes"
	for p in "${programs[@]}"; do
		command_for "$p"
		run --separate-stderr -65 "${command[@]}" --rejects kept file
		[[ $stderr = *"$p: file:7: a quote opens in this row and never closes"* ]]
		[[ $p != anomaly-score || ${#lines[@]} -eq 6 ]]
		[[ ! -s kept && ! -e out ]]
	done
}

@test "CSV: headers that make no sense are final" {
	while IFS='|' read -r header reason; do
		printf '%b\n1,2,3\n' "$header" >file
		echo "$header"
		bad 1 "$reason"
		for p in "${programs[@]}"; do
			command_for "$p"
			run --separate-stderr -65 "${command[@]}" --rejects kept file
			[[ ! -s kept ]]
		done
	done <<-'END'
		x,y,x|header names column 'x' twice
		x,x.y,z|header has column 'x' beside 'x.y'
		x,,y|header has a column without a name
		x,"y,z|a quote opens here and never closes
		x,y\0001,z|a control character outside quotes
		x,y\0377,z|header is not valid UTF-8
	END
}

@test "files of two formats or of two headers" {
	for p in "${programs[@]}"; do
		command_for "$p"
		run --separate-stderr -65 "${command[@]}" good.csv good.jsonl
		[[ $stderr = *"$p: good.jsonl:1: file is JSON Lines while the input before it is CSV"* ]]
		sed 's/^\([^,]*\),\([^,]*\)/\2,\1/' good.csv >other.csv
		run --separate-stderr -65 "${command[@]}" good.csv other.csv
		[[ $stderr = *"$p: other.csv:1: header differs from that of the input before it"* ]]
		run -0 "${command[@]}" good.csv good.csv
		run -0 "${command[@]}" good.jsonl good.jsonl
	done
}

@test "a file that cannot be read: 66, and what was before it is not taken for all" {
	ln -s nowhere dangling
	mkdir folder
	for p in "${programs[@]}"; do
		for file in dangling folder; do
			command_for "$p"
			rm -f out
			run --separate-stderr -66 "${command[@]}" good.jsonl "$file"
			[[ ${stderr%%$'\n'*} = "$p: "*"'$file'"* && ! -e out ]]
		done
	done
	: >secret
	chmod 0 secret
	if ((EUID == 0)); then
		command -v setpriv || skip "setpriv is missing"
		chmod a+rx . "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
		chmod a+r model
		run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$(command -v anomaly-score)" -m model secret
		[[ $status -eq 66 ]] || skip "another user cannot come here: $stderr"
	else
		run --separate-stderr -66 anomaly-score -m model secret
	fi
	[[ $stderr = "anomaly-score: cannot open 'secret': Permission denied" ]]
}

@test "/dev/full, and rejects or metrics that cannot be written" {
	for p in "${programs[@]}"; do
		command_for "$p"
		with_line '{'
		run --separate-stderr -74 "${command[@]}" --rejects /dev/full file
		[[ $stderr = "$p: /dev/full: cannot keep a bad record: "*"No space left on device" ]]
		run --separate-stderr -73 "${command[@]}" --rejects nowhere/kept file
		[[ $stderr = "$p: cannot open rejects file 'nowhere/kept': No such file or directory" ]]
		run --separate-stderr -73 "${command[@]}" --metrics nowhere/m good.jsonl
		[[ $stderr = *"$p: cannot write metrics: cannot create 'nowhere/m': No such file or directory"* ]]
	done
	run --separate-stderr -74 bash -c 'anomaly-score -m model good.jsonl >/dev/full'
	[[ $stderr = "anomaly-score: standard output: "*"No space left on device" ]]
	run --separate-stderr -74 bash -c 'anomaly-score -m model good.jsonl >&-'
	run --separate-stderr -74 bash -c 'iforest-train good.jsonl >/dev/full'
	[[ $stderr = *"No space left on device"* ]]
	run --separate-stderr -74 bash -c 'iforest-train good.jsonl >&-'
}

@test "features that records lack, or that are something else" {
	programs=(anomaly-score iforest-train)
	with_line '{"x":1}'
	bad 7 "feature 'y' is absent (--absent-as-missing would take it as missing)"
	kept 7 "feature 'y' is absent"
	with_line '{"x":"1","y":2}'
	bad 7:6 "feature 'x' is a string, not a number"
	kept 7 "feature 'x' is a string"
	with_line '{"x":{"z":1},"y":[2]}'
	bad 7:6 "feature 'x' is an object, not a number"
	with_line '{"x":1,"y":true}'
	bad 7:12 "feature 'y' is true, not a number"
	programs=(anomaly-score)
	with_line '{"x":null,"y":null}'
	bad 7 "record lacks 2 of 2 features"
	kept 7 "record lacks 2 of 2 features"
	with_line '{"z":1}'
	run --separate-stderr -65 anomaly-score -m model --absent-as-missing file
	[[ $stderr = *"file:7: record lacks 2 of 2 features"* ]]
	run --separate-stderr -65 anomaly-score -m model --absent-as-missing --max-missing 1 file
	# iforest-train does not learn from such a record, and says so
	with_line '{"x":null,"y":null}'
	run --separate-stderr -0 iforest-train -o out --summary file
	[[ ${lines[0]} = *"12 learned from, 13 read, 1 lacked too much" ]]
	# none of the records has the model's features
	printf '{"a":1}\n{"a":2}\n' >file
	run --separate-stderr -65 anomaly-score -m model file
	[[ $stderr = "anomaly-score: file:1: feature 'x' is absent"* ]]
}

mark() {
	printf '{"_kafka":{"control":"%s","seq":%d,"session":"s","group":"g"}}\n' "$1" "$2"
}

@test "control records: a gap is 78, and --rejects does not pass over it" {
	{
		mark assign 0
		head -n 10 good.jsonl
		mark mark 1
		sed -n 11,20p good.jsonl
		mark mark 3
		sed -n 21,30p good.jsonl
		mark end 4
	} >file
	for p in "${programs[@]}"; do
		command_for "$p"
		rm -f out
		run --separate-stderr -78 "${command[@]}" --rejects kept file
		[[ $stderr = "$p: file:23: control record 3 came where 2 was due"* ]]
		[[ $p != anomaly-score || ${#lines[@]} -eq 22 ]]
		[[ ! -e out && ! -s kept ]]
	done
	{
		mark mark 1
		cat good.jsonl
	} >file
	run --separate-stderr -78 anomaly-score -m model file
	[[ $stderr = "anomaly-score: file:1: control record 1 came where 0 was due"* && -z $output ]]
}

@test "control records that are damaged: 78" {
	for line in '{"_kafka":{"control":"stop","seq":1}}' '{"_kafka":{"control":"mark"}}' '{"_kafka":{"control":"mark","seq":"1"}}'; do
		{
			mark assign 0
			head -n 5 good.jsonl
			echo "$line"
			cat good.jsonl
		} >file
		for p in "${programs[@]}"; do
			command_for "$p"
			run --separate-stderr -78 "${command[@]}" --rejects kept file
			[[ $stderr = *"$p: file:7:"*" control record: "* ]]
			[[ ! -s kept ]]
		done
	done
}

@test "control records: cut short or torn is 75, 'end' is 0" {
	{
		mark assign 0
		cat good.jsonl
		mark mark 1
	} >short
	{ cat short && mark end 2; } >whole
	{ cat short && printf '{"x":1,'; } >torn
	{ cat short && printf '{"x":1,"y":2}'; } >newline
	{ cat whole && printf '{"_kaf'; } >behind
	for p in "${programs[@]}"; do
		command_for "$p"
		rm -f out
		run --separate-stderr -75 "${command[@]}" short
		[[ $stderr = *"$p: input ended without the control record 'end'"* && ! -e out ]]
		for file in torn newline behind; do
			for rejects in "" "--rejects kept"; do
				echo "$p $file $rejects"
				# shellcheck disable=SC2086
				run --separate-stderr -75 "${command[@]}" $rejects "$file"
				[[ $stderr = *"$p: "*"torn"* && ! -e out ]]
			done
		done
		run --separate-stderr -0 "${command[@]}" whole
	done
	[[ ! -s kept ]]
}

@test "control records: reset makes void what was concluded, and passes a filter" {
	{
		mark assign 0
		cat good.jsonl
		mark reset 1
		cat good.jsonl
		mark end 2
	} >file
	for p in iforest-train anomaly-eval anomaly-report; do
		command_for "$p"
		rm -f out
		run --separate-stderr -75 "${command[@]}" file
		[[ $stderr = *"$p: file:42: control record 'reset'"* && ! -e out ]]
	done
	anomaly-score -m model file >scored
	cmp <(grep '"control"' file) <(grep '"control"' scored)
	[[ $(sed -n '42p' scored) = "$(mark reset 1)" && $(wc -l <scored) -eq 83 ]]
	anomaly-score -m model -j 3 file | cmp - scored
}

@test "control records cannot pass into CSV: 64, --rejects or not" {
	{
		head -n 3 good.jsonl
		mark assign 0
		cat good.jsonl
	} >file
	for rejects in "" "--rejects kept"; do
		# shellcheck disable=SC2086
		run --separate-stderr -64 anomaly-score -m model --to csv $rejects file
		[[ $stderr = "anomaly-score: file:4: CSV cannot carry control records"* ]]
		[[ ${#lines[@]} -eq 4 ]]
	done
	[[ ! -s kept ]]
	{ mark assign 0 && cat good.jsonl; } >file
	run --separate-stderr -64 anomaly-score -m model --to csv file
	[[ $stderr = "anomaly-score: file:1: CSV cannot carry control records"* && ${#lines[@]} -le 1 ]]
}

@test "rejects before the first good record, of the whole input, and of CSV output" {
	{ printf '{\n' && cat good.jsonl; } >file
	for p in "${programs[@]}"; do
		command_for "$p"
		rm -f kept
		run --separate-stderr -0 "${command[@]}" --rejects kept file
		[[ $(wc -l <kept) -eq 1 ]]
	done
	rm kept
	anomaly-score -m model --to csv --rejects kept file >got 2>/dev/null
	[[ $(wc -l <got) -eq 41 && $(wc -l <kept) -eq 1 ]]
	printf 'x\ny\n' | sed 's/^/{/' >file
	rm kept
	run --separate-stderr -0 anomaly-score -m model --to csv --rejects kept file
	[[ -z $output && $(wc -l <kept) -eq 2 ]]
}

# over N ALL COMMAND...: 65, for N of ALL records were bad and that is more than a share of 0.01.
over() {
	run --separate-stderr -65 "${@:3}" --rejects kept --max-rejects 0.01
	echo "$3: $stderr"
	[[ $stderr = *": $1 of $2 records rejected: more than --max-rejects 0.01"* ]]
}

@test "--max-rejects 0.01 of few records: 65 in each program, also where the last ones are rejected at the very end" {
	{
		head -n 12 good.jsonl
		echo '{'
	} >file
	for p in "${programs[@]}" window-agg; do
		command_for "$p"
		over 1 13 "${command[@]}" file
	done

	# A time that nothing has confirmed by the end of input.
	for i in {1..20}; do echo '{"timestamp":'"$i"',"k":"a"}'; done >ahead
	for i in {1..9}; do echo '{"timestamp":'"$((i + 999999))"',"k":"b"}'; done >>ahead
	over 9 29 window-agg --key k --window 10s ahead
	[[ $output = *'"count":'* ]]

	# What the database says at the end of the transaction.
	printf '{"n":%d}\n' {1..50} {-50..-1} >rows
	if command -v sqlite3 >/dev/null; then
		sqlite3 db 'CREATE TABLE t (n INTEGER CHECK (n > 0))'
		over 50 100 db-sink sqlite:db t rows
		[[ $(sqlite3 db 'SELECT count(*) FROM t') -eq 0 ]]
	fi

	# What brokers say once all is read.
	over 100 100 kafka-sandbox --topics t:1 --error Produce:INVALID_RECORD:1 -- kafka-produce -t t rows
	run --separate-stderr -65 kafka-sandbox --topics t:1 --error Produce:INVALID_RECORD:1 -- \
		kafka-produce -t t --rejects kept --max-rejects 99 rows
	[[ $stderr = *"kafka-produce: 100 of 100 records rejected: more than --max-rejects 99"* ]]

	printf '{"v":%s}\n' '"{}"' '"{}"' 1 2 3 | tee values
	run --separate-stderr -65 kafka-sandbox --topics t:1 -- bash -euc '
		kafka-produce -t t --value v values
		kafka-consume -t t -e --rejects kept --max-rejects 0.01'
	[[ $stderr = *"kafka-consume: 3 of 5 records rejected: more than --max-rejects 0.01"* ]]
	[[ ${#lines[@]} -eq 2 ]]
}

@test "a model that is damaged, half written, a folder or no model: 78 or 66, and its name" {
	size=$(stat -c %s model)
	head -c $((size / 2)) model >half
	head -c 5 model >first
	: >empty
	{ head -c 1000 model && printf 'X' && tail -c +1002 model; } >header
	{ head -c $((size - 9)) model && printf 'X' && tail -c 8 model; } >data
	{ cat model && printf 'x'; } >longer
	cp good.jsonl records
	for m in half first empty header data longer records; do
		echo "$m"
		for more in "" --describe; do
			# shellcheck disable=SC2086
			run --separate-stderr -78 anomaly-score -m "$m" $more good.jsonl
			[[ $stderr = "anomaly-score: $m: "* && -z $output ]]
		done
	done
	mkdir folder
	expect_error 66 "'folder'" anomaly-score -m folder good.jsonl
	expect_error 66 "'missing'" anomaly-score -m missing good.jsonl
}

# Two million records are made faster than they are read.
# bats test_tags=native
@test "two million records in 64 MiB of address space" {
	printf '{"x":%d,"y":%d.5,"pad":"%060000d"}\n' 1 2 3 >long
	yes "$(head -n 5 good.jsonl)" | head -n 1999990 >many || [[ $? -eq 141 ]]
	{
		cat long many
		cat long long long long long long long long long
	} >file
	rm many
	[[ $(wc -l <file) -eq 2000000 ]]
	(ulimit -v 65536 && anomaly-score -m model --rejects kept file) | wc -l >count
	[[ $(<count) -eq 2000000 ]]
	(ulimit -v 65536 && iforest-train --reservoir 10000 -o out --trees 10 file)
	(ulimit -v 65536 && anomaly-score -m model --to csv --fields x,y file) | tail -n +2 | wc -l >count
	[[ $(<count) -eq 2000000 ]]
}
