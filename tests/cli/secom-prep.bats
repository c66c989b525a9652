#!/usr/bin/env bats
# secom-prep: UCI's two files into records.

bats_require_minimum_version 1.5.0
load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '3030.93 NaN 2564\r\n-0.0034 1.50 1e-3\r\n' >secom.data
	printf -- '-1 "19/07/2008 11:55:00"\r\n1 "19/07/2008 12:32:00"\r\n' >secom_labels.data
}

need_secom() {
	[ -n "${SECOM_DIR-}" ] || skip 'SECOM_DIR is not set'
	data=$SECOM_DIR/secom.data
	[ -e "$data" ] || data=$data.gz
	labels=$SECOM_DIR/secom_labels.data
}

@test "raw records keep the spelling of numbers, missing is null" {
	run --separate-stderr -0 secom-prep secom.data secom_labels.data
	[ "${lines[0]}" = '{"timestamp":"2024-01-01T00:00:00.000Z","sample_id":0,"label":0,"features":{"0":3030.93,"1":null,"2":2564}}' ]
	[ "${lines[1]}" = '{"timestamp":"2024-01-01T00:00:10.000Z","sample_id":1,"label":1,"features":{"0":-0.0034,"1":1.50,"2":1e-3}}' ]
	[ "${#lines[@]}" -eq 2 ]
	[ -z "$stderr" ]
}

@test "LF, CRLF, gzip and standard input give the same bytes" {
	secom-prep secom.data secom_labels.data >expected
	tr -d '\r' <secom.data >lf.data
	tr -d '\r' <secom_labels.data >lf.labels
	gzip -k secom.data secom_labels.data
	secom-prep lf.data lf.labels | cmp - expected
	secom-prep secom.data.gz secom_labels.data.gz | cmp - expected
	secom-prep - secom_labels.data <secom.data.gz | cmp - expected
	secom-prep secom.data - <secom_labels.data | cmp - expected
}

@test "csv: a header, then empty cells for missing" {
	run -0 secom-prep --to csv secom.data secom_labels.data
	[ "${lines[0]}" = 'timestamp,sample_id,label,features.0,features.1,features.2' ]
	[ "${lines[1]}" = '2024-01-01T00:00:00.000Z,0,0,3030.93,,2564' ]
	[ "${lines[2]}" = '2024-01-01T00:00:10.000Z,1,1,-0.0034,1.50,1e-3' ]
}

@test "time stamps: start and step, or those of the labels" {
	run -0 secom-prep --to csv --start 2020-02-29T23:59:59.5+01:00 --step 250ms secom.data secom_labels.data
	[[ ${lines[1]} = 2020-02-29T22:59:59.500Z,* ]]
	[[ ${lines[2]} = 2020-02-29T22:59:59.750Z,* ]]
	run -0 secom-prep --to csv --timestamps original secom.data secom_labels.data
	[[ ${lines[1]} = 2008-07-19T11:55:00.000Z,* ]]
	[[ ${lines[2]} = 2008-07-19T12:32:00.000Z,* ]]
}

@test "time stamps past what can be told are an error" {
	run --separate-stderr -64 secom-prep --start 2262-04-11T23:47:10Z secom.data secom_labels.data
	[[ $stderr = *'the time stamp of row 1 is past the year 2262'* ]]
}

@test "imputed and scaled, worked by hand" {
	printf '1 NaN 7 NaN\n2 4 7 NaN\n6 8 7 NaN\n' >t.data
	printf '1 "19/07/2008 12:32:00"\n%.0s' 1 2 3 >t.labels
	prep() { secom-prep --to csv "$@" t.data t.labels | tail -n +2 | cut -d, -f4- | xargs; }
	[ "$(prep --impute median)" = '1.0,6.0,7.0, 2.0,4.0,7.0, 6.0,8.0,7.0,' ]
	[ "$(prep --impute mean --scale robust)" = '-0.4,0.0,0.0, 0.0,-1.0,0.0, 1.6,1.0,0.0,' ]
	# Without imputing, what is missing stays so, and columns are scaled by what is there.
	[ "$(prep --scale robust)" = '-0.4,,0.0, 0.0,-1.0,0.0, 1.6,1.0,0.0,' ]
	# Mean 3, population variance 14/3.
	[ "$(prep --impute median --scale standard | cut -d, -f1)" = -0.9258200997725514 ]
	run -0 secom-prep --impute median t.data t.labels
	[[ ${lines[0]} = *'"features":{"0":1.0,"1":6.0,"2":7.0,"3":null}}' ]]
}

@test "what cannot be scaled within a double's range is refused" {
	printf '1e308\n-1e308\n-1e308\n1e308\n' >t.data
	printf '1 "19/07/2008 12:32:00"\n%.0s' 1 2 3 4 >t.labels
	run --separate-stderr -65 secom-prep --scale robust t.data t.labels
	[ -z "$output" ]
	[[ $stderr = *"feature 0 of row 0: scaled, it is beyond a double's range" ]]
}

@test "no rows are no records, under every option" {
	: >empty
	run -0 secom-prep empty empty
	[ -z "$output" ]
	run -0 secom-prep --impute median --scale standard empty empty
	[ -z "$output" ]
}

@test "a row of another width is refused with its place" {
	printf '1 2 3\n1 2\n' >secom.data
	run --separate-stderr -65 secom-prep secom.data secom_labels.data
	[ "$stderr" = 'secom-prep: secom.data:2:4: row has 2 cells, the first has 3' ]
	printf '1 2 3\n1 2 3 4\n' >secom.data
	run --separate-stderr -65 secom-prep secom.data secom_labels.data
	[ "$stderr" = 'secom-prep: secom.data:2:7: row is wider than the first, which has 3 cells' ]
}

@test "a cell that is no number is refused with its place" {
	printf '1 2 3\n1 2,5 3\n' >secom.data
	run --separate-stderr -65 secom-prep secom.data secom_labels.data
	[ "$stderr" = "secom-prep: secom.data:2:3: feature 1: '2,5' is no number" ]
}

@test "labels of another length are refused" {
	head -n 1 secom_labels.data >short
	run --separate-stderr -65 secom-prep secom.data short
	[ "$stderr" = "secom-prep: short:2:1: labels end after 1, 'secom.data' goes on" ]
	cat secom_labels.data secom_labels.data >long
	run --separate-stderr -65 secom-prep secom.data long
	[ "$stderr" = "secom-prep: long:3:1: labels go on, after all 2 rows of 'secom.data'" ]
}

@test "the two files in the wrong order are refused" {
	run --separate-stderr -65 secom-prep secom_labels.data secom.data
	[[ $stderr = 'secom-prep: secom_labels.data:1:4: feature 1: '*' is no number' ]]
}

@test "truncated gzip is refused, and leaves no output file" {
	gzip -c secom.data | head -c 30 >cut.gz
	run --separate-stderr -65 secom-prep -o out cut.gz secom_labels.data
	[ "$stderr" = 'secom-prep: cut.gz:1: gzip data end early' ]
	[ ! -e out ]
	[ -z "$(compgen -G 'out*')" ]
}

@test "-o puts the file in place when it is whole" {
	echo old >out
	printf '1 2 3\nx\n' >bad
	run -65 secom-prep -o out bad secom_labels.data
	[ "$(cat out)" = old ]
	run -0 secom-prep -o out secom.data secom_labels.data
	[ -z "$output" ]
	secom-prep secom.data secom_labels.data | cmp - out
	[ "$(compgen -G 'out*')" = out ]
}

@test "operands: two, of which one may be standard input" {
	run --separate-stderr -64 secom-prep
	[[ $stderr = *'two operands are needed'* ]]
	run -64 secom-prep secom.data
	run -64 secom-prep secom.data secom_labels.data more
	run --separate-stderr -64 secom-prep - -
	[[ $stderr = *'only one operand can be standard input'* ]]
	run -64 secom-prep --timestamps original --step 1s secom.data secom_labels.data
	run -64 secom-prep --impute mode secom.data secom_labels.data
	run -66 secom-prep nothing secom_labels.data
	run -66 secom-prep . secom_labels.data
}

@test "a full disk, a closed output, a vanished reader" {
	run -74 bash -c 'secom-prep secom.data secom_labels.data >/dev/full'
	run -74 bash -c 'secom-prep secom.data secom_labels.data >&-'
	# More than a pipe holds.
	yes '1 2 3 4 5 6 7 8 9' | head -n 100000 >big.data
	yes '1 "19/07/2008 12:32:00"' | head -n 100000 >big.labels
	run -0 bash -c 'secom-prep big.data big.labels | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
}

# From here on the rows come through a FIFO, whose writer (descriptor 5) the test holds open.
begin_with_fifo() {
	mkfifo in out
	secom-prep "$@" in secom_labels.data >out 3>&- 5>&- &
	pid=$!
	exec 6<out
	exec 5>in
	printf '1 2 3\n' >&5
}

@test "records come out before the program waits for more" {
	begin_with_fifo
	read -r -t 10 -u 6 line
	[[ $line = *'"features":{"0":1,"1":2,"2":3}}' ]]
	printf '4 5 6\n' >&5
	read -r -t 10 -u 6 line
	[[ $line = *'"features":{"0":4,"1":5,"2":6}}' ]]
	exec 5>&-
	wait "$pid"
}

# Under TSan a handler has to wait for open(2) on a FIFO to return.
# bats test_tags=native
@test "a signal ends it, and the unfinished file goes" {
	local signal status
	mkdir made
	for signal in INT TERM HUP; do
		rm -f in out
		# Job control, or SIGINT would be ignored in the background.
		set -m
		begin_with_fifo -o made/file
		set +m
		# It opens its input when the output is there.
		[ -n "$(ls made)" ]
		kill -s "$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		exec 5>&- 6<&-
		[ -z "$(ls made)" ]
	done
}

@test "SECOM: 1567 records, 104 labels of 1, 41951 missing values" {
	need_secom
	secom-prep "$data" "$labels" >secom.jsonl
	[ "$(wc -l <secom.jsonl)" -eq 1567 ]
	[ "$(grep -c '"label":1,' secom.jsonl)" -eq 104 ]
	[ "$(grep -o null secom.jsonl | wc -l)" -eq 41951 ]
	run -0 jq -c '[.timestamp, .sample_id, (.features | length)]' <(tail -n 1 secom.jsonl)
	[ "$output" = '["2024-01-01T04:21:00.000Z",1566,590]' ]
}

@test "SECOM: the cells of the file, one for one" {
	need_secom
	secom-prep --to csv "$data" "$labels" | tail -n +2 | cut -d, -f4- >cells
	zcat -f "$data" | tr -d '\r' | sed 's/NaN//g; s/ /,/g' | cmp - cells
}
