#!/usr/bin/env bats
# db-sink with SQLite: what becomes a row, transactions at marks, claims, what it says when it
# fails. PostgreSQL and Kafka are in tests/services.

# shellcheck disable=SC2034 # seq is for marks.bash

load helper
load marks

setup() {
	skip_unless_peer sqlite3
	cd "$BATS_TEST_TMPDIR"
	sql=$BATS_TEST_DIRNAME/../../data/sql/sqlite
	seq 2500 | sed 's/.*/{"n":&,"zone":"z&","x":1.5}/' >numbers
}

q() {
	sqlite3 db "$@"
}

# sink [OPTION...]: what it reads, into table t of file db.
sink() {
	db-sink "$@" sqlite:db t
}

# claim [OPERATION=claim] [PARTITIONS=0]
claim() {
	local p list=
	for p in ${2-0}; do
		list+=',{"topic":"raw","partition":'$p'}'
	done
	echo '{"operation":"'"${1-claim}"'","group":"g","partitions":['"${list#,}"']}' |
		db-sink --claim sqlite:db
}

@test "--create makes the table of the first records; numbers are real unless all are integers" {
	cat >in <<-'E'
		{"i":1,"r":1,"s":"a","b":true,"timestamp":"2026-01-01T00:00:00Z","list":[1],"o":{"p":{"q":"x"}},"none":null,"mixed":1}
		{"i":2,"r":2.5,"s":"b","b":false,"timestamp":"2026-01-01T00:00:01Z","list":[],"o":{"p":{"q":"y"}},"late":7,"mixed":"a"}
	E
	sink --create <in
	q "SELECT name, type FROM pragma_table_info('t')" >got
	diff got - <<-'E'
		i|INTEGER
		r|REAL
		s|TEXT
		b|INTEGER
		timestamp|TEXT
		list|TEXT
		o.p.q|TEXT
		none|TEXT
		mixed|TEXT
		late|INTEGER
	E
	diff <(q 'SELECT * FROM t') - <<-'E'
		1|1.0|a|1|2026-01-01T00:00:00Z|[1]|x||1|
		2|2.5|b|0|2026-01-01T00:00:01Z|[]|y||a|7
	E
	[[ $(q 'PRAGMA journal_mode') = wal ]]
	[[ $(q "SELECT sql LIKE '%STRICT' FROM sqlite_master WHERE name = 't'") = 1 ]]
}

@test "--create keeps the digits of integers beyond 64 bits" {
	printf '{"id":%s}\n' 1 123456789012345678901234567890 | sink --create
	[[ $(q 'SELECT group_concat(id) FROM t') = 1,123456789012345678901234567890 ]]
}

@test "--create looks at 1000 records and no more" {
	(seq 1000 | sed 's/.*/{"n":&}/'; echo '{"n":1.5}') >in
	expect_error 65 'cannot store REAL value in INTEGER column t.n' db-sink --create sqlite:db t in
	rm -f db*
	(seq 999 | sed 's/.*/{"n":&}/'; echo '{"n":1.5}') | sink --create
	[[ $(q "SELECT type FROM pragma_table_info('t')") = REAL && $(q 'SELECT count(*) FROM t') = 1000 ]]
}

@test "--create does not wait for 1000 records where input pauses: other numbers may come" {
	mkfifo pipe
	db-sink --create --upsert id --commit-interval 50ms sqlite:db t pipe 3>&- &
	local sink=$!
	exec 5>pipe
	echo '{"id":1,"a":1,"b":9007199254740993,"c":true}' >&5
	timeout 10 bash -c 'until [[ $(sqlite3 db "SELECT count(*) FROM t" 2>/dev/null) = 1 ]]; do :; done'
	echo '{"id":2,"a":1.5}' >&5
	exec 5>&-
	wait "$sink"
	[[ $(q "SELECT group_concat(type) FROM pragma_table_info('t')") = INTEGER,REAL,INTEGER,INTEGER ]]
	[[ $(q 'SELECT sum(a), max(b) FROM t') = '2.5|9007199254740993' ]]
}

@test "no records: no table" {
	sink --create </dev/null
	[[ -z $(q .tables) ]]
}

@test "a table that is there is taken as it is; one that is not is an error that says what to do" {
	expect_error 78 "there is no table 't': '--schema FILE'" db-sink sqlite:db t numbers
	[[ ! -e db ]]
	q 'CREATE TABLE t (zone TEXT, n INTEGER, x REAL)'
	sink --create <numbers
	[[ $(q 'SELECT count(*), sum(n), max(zone), max(x) FROM t') = '2500|3126250|z999|1.5' ]]
	[[ $(q "SELECT count(*) FROM pragma_table_info('t')") = 3 ]]
	expect_error 66 "option '--schema': cannot open 'nosuch'" db-sink --schema nosuch sqlite:db t numbers
}

@test "--schema makes the tables of the city, once; every column has its place" {
	echo '{"sensor_id":"downtown-1","zone":"Downtown","latitude":35.994,"longitude":-78.8986,"timestamp":"2026-01-01T00:00:00.000Z","temperature":22.5,"humidity":55,"air_quality_index":80.0,"noise_level":70.0,"traffic_flow":150,"label":true,"label_type":"spike"}' >in
	db-sink --schema "$sql/city.sql" sqlite:db sensor_data in
	db-sink --schema "$sql/city.sql" sqlite:db sensor_data in
	[[ $(q 'SELECT DISTINCT * FROM sensor_data') = 'downtown-1|Downtown|35.994|-78.8986|2026-01-01T00:00:00.000Z|22.5|55.0|80.0|70.0|150.0|1|spike' ]]
	[[ $(q 'SELECT count(*) FROM sensor_data') = 2 ]]
	[[ $(q "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite%'") = 4 ]]
	expect_error 78 "makes no table 'other'" db-sink --schema "$sql/city.sql" sqlite:db other in
	echo 'CREATE TABLE x (' >bad.sql
	expect_error 78 "'bad.sql': " db-sink --schema bad.sql sqlite:db other in
	expect_error 66 "no-such" db-sink --schema no-such sqlite:db other in
}

@test "the queries of the city: what to train on, the last windows, an overview" {
	sqlite3 db <"$sql/city.sql"
	# 8 days, a record a zone and minute; older ones must not count.
	awk 'BEGIN { for (i = 0; i < 8 * 1440; i++) for (z = 0; z < 2; z++)
		printf "{\"sensor_id\":\"s%d\",\"zone\":\"z%d\",\"timestamp\":\"2026-01-%02dT%02d:%02d:00.000Z\",\"temperature\":%.1f,\"label\":0}\n",
			z, z, i / 1440 + 1, i / 60 % 24, i % 60, i / 100 }' | db-sink sqlite:db sensor_data
	sqlite3 -csv -header db <"$sql/train.sql" >rows.csv
	n=$(($(wc -l <rows.csv) - 1))
	echo "$n rows"
	((n > 5000 && n <= 10000))
	[[ $(sqlite3 -csv db <"$sql/train.sql" | cut -d , -f 3 | sort | head -n 1) > '2026-01-01T23:59' ]]
	[[ $(cut -d , -f 2 rows.csv | sort | uniq -c | wc -l) -eq 3 ]]
	iforest-train -o /dev/null --features temperature rows.csv
	# Every second row, of zones that take turns: of both.
	q "DELETE FROM sensor_data WHERE timestamp > '2026-01-07'"
	[[ $(sqlite3 -csv db <"$sql/train.sql" | cut -d , -f 2 | sort | uniq -c | tr -s ' \n' ' ') = ' 4320 z0 4320 z1 ' ]]
	for z in a b; do
		for m in 0 1; do
			echo '{"zone":"'$z'","window_start":"2026-01-01T00:0'$m':00.000Z","window_end":"2026-01-01T00:0'$((m + 1))':00.000Z","count":10,"temperature_mean":2'$m'.5,"temperature_max":30.0,"anomaly_count":'$m'}'
		done
	done | db-sink --upsert zone,window_start sqlite:db sensor_metrics_1min
	diff <(sqlite3 db <"$sql/last-windows.sql") - <<-'E'
		a|00:01|10|21.5|||||1
		b|00:01|10|21.5|||||1
	E
	diff <(sqlite3 db <"$sql/overview.sql") - <<-'E'
		a|20|21.0|30.0|||||||1
		b|20|21.0|30.0|||||||1
	E
	# A minute without values does not count in the mean.
	echo '{"zone":"a","window_start":"2026-01-01T00:02:00.000Z","window_end":"2026-01-01T00:03:00.000Z","count":60,"temperature_mean":null}' |
		db-sink --upsert zone,window_start sqlite:db sensor_metrics_1min
	[[ $(sqlite3 db <"$sql/overview.sql" | head -n 1) = 'a|80|21.0|30.0|'* ]]
}

@test "CSV: columns by the header; arrays and numbers as they are" {
	printf 'n,a.b,s,list\n1,2.50,"x ""y"",\nz","[1,2]"\n,,007,\n' >in.csv
	q 'CREATE TABLE t (n INTEGER, "a.b" TEXT, s TEXT, list JSON)'
	sink <in.csv
	diff <(q -json 'SELECT * FROM t' | jq -c '.[]') - <<-'E'
		{"n":1,"a.b":"2.50","s":"x \"y\",\nz","list":"[1,2]"}
		{"n":null,"a.b":null,"s":"007","list":null}
	E
	printf 'n,other\n1,2\n' >in.csv
	expect_error 65 "table 't' has no column for column 'other' of the input" db-sink sqlite:db t in.csv
	[[ $stderr = *in.csv:1:* ]]
}

@test "nested fields are columns of their path, or all of an object is one" {
	q 'CREATE TABLE t (id INTEGER, "meta.unit" TEXT, all_of JSON)'
	echo '{"id":1,"meta":{"unit":"C"},"all_of":{"a":[1,{"b":"c"}]}}' | sink
	[[ $(q 'SELECT * FROM t') = '1|C|{"a":[1,{"b":"c"}]}' ]]
}

@test "a table that lacks a column: bad records, by the field's name, or JSON in --unknown" {
	q 'CREATE TABLE t (n INTEGER, rest JSON)'
	printf '%s\n' '{"n":1}' '{"n":2,"x":"a\"b","y":{"z":[1],"n":null}}' '{"n":3,"rest":4}' >in
	expect_error 65 "in:2: table 't' has no column for field \"x\"" db-sink sqlite:db t in
	[[ $(q 'SELECT count(*) FROM t') = 0 ]]
	sink --rejects rejects <in
	[[ $(q 'SELECT n FROM t' | tr '\n' ' ') = '1 3 ' ]]
	jq -se 'length == 1 and (.[0] | .line == 2 and .program == "db-sink" and (.record | fromjson).n == 2)' rejects
	q 'DELETE FROM t'
	sink --unknown rest <in
	diff <(q 'SELECT n, rest FROM t') - <<-'E'
		1|
		2|{"x":"a\"b","y.z":[1],"y.n":null}
		3|{"rest":4}
	E
	printf 'n,u,v\n1,"a ""b""",2\n' | sink --unknown rest
	[[ $(q 'SELECT rest FROM t WHERE n = 1 AND rest NOT NULL') = '{"u":"a \"b\"","v":2}' ]]
	expect_error 78 "option '--unknown': table 't' has no column 'n' for JSON" \
		db-sink --unknown n sqlite:db t in
	rm db*
	sink --create --unknown rest <in
	echo '{"n":9,"new":true}' | sink --unknown rest
	[[ $(q 'SELECT rest FROM t WHERE n = 9') = '{"new":true}' ]]
}

@test "names and texts with quotes, newlines, NUL, and of 1 MB" {
	printf '{"a\\"b; DROP TABLE t":"'"'"'); DROP TABLE t;--","c\\nd":"line\\nend\\ttab\\\\","e":"n\\u0000l","f":"ä\\ud83d\\ude00"}\n' >in
	db-sink --create sqlite:db 'ro"w' in
	[[ $(q -json 'SELECT * FROM "ro""w"' | jq -r '.[] | .["a\"b; DROP TABLE t"]') = "'); DROP TABLE t;--" ]]
	[[ $(q 'SELECT "c
d" FROM "ro""w"') = $'line\nend\ttab\\' ]]
	[[ $(q 'SELECT hex(e), f FROM "ro""w"') = '6E006C|ä😀' ]]
	printf '{"k":"%01000000d"}\n' 7 >in
	sink --create --upsert k <in
	sink --upsert k <in
	[[ $(q 'SELECT length(k), count(*) FROM t') = '1000000|1' ]]
}

@test "a value beyond its column's range is a bad record" {
	q 'CREATE TABLE t (i INTEGER, r REAL, c INTEGER CHECK (c < 10)) STRICT'
	printf '%s\n' '{"i":9223372036854775807,"r":1e308,"c":1}' '{"i":9223372036854775808}' \
		'{"r":1e999}' '{"c":10}' '{"i":"x"}' '{"i":2.5}' '{"i":2.0}' >in
	sink --rejects rejects <in 2>said
	[[ $(q 'SELECT count(*) FROM t') = 2 ]]
	diff <(jq -r '"\(.line) \(.reason)"' rejects) - <<-'E'
		2 field 'i': 9223372036854775808 is beyond the range of column 'i'
		3 field 'r': 1e999 is beyond the range of column 'r'
		4 CHECK constraint failed: c < 10
		5 cannot store TEXT value in INTEGER column t.i
		6 cannot store REAL value in INTEGER column t.i
	E
	grep -q '5 of 7 records rejected' said
	expect_error 65 "in:2: field 'i'" db-sink sqlite:db t in
}

@test "digits are kept, or the record is a bad one" {
	q 'CREATE TABLE t (i INTEGER, r REAL, s TEXT, a ANY) STRICT; CREATE TABLE u (n NUMERIC)'
	printf '%s\n' '{"i":1e3,"r":9007199254740993,"s":12345678901234567890.10,"a":9007199254740993}' \
		'{"i":9007199254740993.0}' '{"i":-9007199254740992e0}' '{"i":9007199254740991.0}' '{"a":12345678901234567890}' >in
	sink --rejects r <in
	diff <(q 'SELECT *, typeof(a) FROM t') <(printf '1000|9.00719925474099e+15|12345678901234567890.10|9007199254740993|integer\n9007199254740991||||null\n')
	diff <(jq -r '"\(.line) \(.reason)"' r) - <<-'E'
		2 field 'i': 9007199254740993.0 is beyond 2^53, and not spelled as an integer, for column 'i'
		3 field 'i': -9007199254740992e0 is beyond 2^53, and not spelled as an integer, for column 'i'
		5 field 'a': 12345678901234567890 is beyond the range of column 'a'
	E
	echo '{"n":12345678901234567890}' >in
	expect_error 65 "is beyond the range of column 'n'" db-sink sqlite:db u in
}

@test "without --rejects nothing of a batch is stored that has a bad row, and it says what was" {
	q 'CREATE TABLE t (n INTEGER UNIQUE, zone TEXT, x REAL)'
	(cat numbers; echo '{"n":7}') >in
	run --separate-stderr -65 db-sink --batch 1000 sqlite:db t in
	[[ $stderr = "db-sink: in:2501: UNIQUE constraint failed: t.n"$'\n'"db-sink: 2000 rows were stored before" ]]
	[[ $(q 'SELECT count(*) FROM t') = 2000 ]]
	run --separate-stderr -65 db-sink --max-rejects 3 --rejects r sqlite:db t in
	[[ $stderr = *"more than --max-rejects 3"* && $(wc -l <r) -eq 4 ]]
}

@test "--upsert: the last of a key counts, in a batch and between batches" {
	q 'CREATE TABLE t (k TEXT, l INTEGER, v REAL, w TEXT, PRIMARY KEY (k, l))'
	printf '%s\n' '{"k":"a","l":1,"v":1.5,"w":"old"}' '{"k":"a","l":2,"v":2.5}' '{"k":"a","l":1,"v":3.5}' >in
	sink --upsert k,l <in
	sink --upsert l,k --batch 1 <in
	q 'SELECT * FROM t ORDER BY l' | diff - <(printf 'a|1|3.5|\na|2|2.5|\n')
	echo '{"k":"a"}' >lacking
	expect_error 65 "lacking:1: field 'l' is missing, which is of the key" \
		db-sink --upsert k,l sqlite:db t lacking
	expect_error 78 "table 't' has no column 'm'" db-sink --upsert k,m sqlite:db t in
	expect_error 78 "'--upsert' takes the columns of a primary key or of a unique index: ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint" \
		db-sink --upsert v sqlite:db t in
	# A key of all columns.
	rm db*
	printf '%s\n' '{"k":1}' '{"k":1}' | sink --create --upsert k
	[[ $(q 'SELECT count(*) FROM t') = 1 ]]
}

@test "columns with a default are the database's where a record has no such field" {
	q "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT DEFAULT 'd', g INTEGER AS (n * 2), n INTEGER)"
	printf '%s\n' '{"n":1}' '{"n":2,"s":"own"}' '{"n":3,"s":null}' '{"id":9,"n":4}' | sink
	diff <(q 'SELECT id, s, g, n FROM t') - <<-'E'
		1|d|2|1
		2|own|4|2
		3||6|3
		9|d|8|4
	E
}

@test "rows are committed every --batch, every --commit-interval, and at the end" {
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL)'
	sink --metrics m --batch 1000 <numbers
	grep -q 'transactions_committed_total{program="db-sink"} 3.0$' m
	grep -q 'rows_total{program="db-sink"} 2500.0$' m
	mkfifo pipe
	db-sink --commit-interval 20ms sqlite:db t pipe 3>&- &
	local sink=$!
	exec 5>pipe
	head -n 3 numbers >&5
	timeout 10 bash -c 'until [[ $(sqlite3 db "SELECT count(*) FROM t") = 2503 ]]; do :; done'
	exec 5>&-
	wait "$sink"
}

@test "at a mark rows, offset and state are one transaction" {
	q 'CREATE TABLE t (n INTEGER)'
	claim >answer
	jq -e '. == {partitions: [{topic: "raw", partition: 0, offset: null, epoch: 1, state: null}]}' answer
	{
		assign 1
		mark 0 0
		records 0 5
		mark 0 5 0 '{"replay_from":3,"w":{"x":1.50}}'
		records 5 7
		mark 5 9
		control end
	} >in
	sink <in
	[[ $(q 'SELECT count(*), sum(n) FROM t') = '7|21' ]]
	[[ $(q 'SELECT grp, topic, "partition", "next", epoch, state FROM sensorutils_offsets') = 'g|raw|0|9|1|' ]]
	# Once more: fenced, nothing is doubled.
	run --separate-stderr -75 db-sink sqlite:db t in
	[[ $stderr = *"in:2: fenced: the database has partition 0 of 'raw' at offset 9, the mark begins at 0"* ]]
	[[ $(q 'SELECT count(*) FROM t') = 7 ]]
	claim read | jq -e '.partitions[0] | .offset == 9 and .epoch == 1'
	seq=0
	{
		assign 1 0 9
		mark 9 9 0 '{"replay_from":3,"w":{"x":1.50}}'
		control end
	} | sink
	[[ $(claim) = '{"partitions":[{"topic":"raw","partition":0,"offset":9,"epoch":2,"state":{"replay_from":3,"w":{"x":1.50}}}]}' ]]
}

@test "a zombie is refused: of an older epoch, at another offset, of a partition that was never stored" {
	q 'CREATE TABLE t (n INTEGER)'
	claim >/dev/null
	claim claim '0 1' | jq -ce '[.partitions[].epoch] == [2, 1]'
	{ assign 1 && records 0 5 && mark 0 5 && control end; } >zombie
	run --separate-stderr -75 db-sink --rejects r sqlite:db t zombie
	[[ $stderr = *"fenced: partition 0 of 'raw' is claimed by another (epoch 2, ours is 1)"* ]]
	[[ $(q 'SELECT count(*) FROM t') = 0 && $(claim read | jq '.partitions[0].offset') = null ]]
	# A bad row of a zombie's is not rejected: it is another's.
	{ seq=0 && assign 1 && echo '{"n":"x","_kafka":{"topic":"raw","partition":0,"offset":0}}' && mark 0 5 && control end; } >zombie
	run --separate-stderr -75 db-sink --rejects r sqlite:db t zombie
	[[ ! -s r ]]
	# The first mark of a partition may begin anywhere, under the right epoch.
	{ seq=0 && assign 2 0 40 && records 40 45 && mark 40 45 && control end; } | sink
	[[ $(claim read | jq '.partitions[0].offset') = 45 ]]
}

@test "replayed records are dropped, and a reset makes void what came since the last mark" {
	q 'CREATE TABLE t (n INTEGER)'
	claim >/dev/null
	{
		assign 1
		records 0 3 ',"replay":true'
		records 3 5
		mark 0 5
		records 5 9
		control reset ',"partitions":[{"topic":"raw","partition":0}]'
		assign 1 0 5
		records 5 7
		mark 5 7
		control end
	} | sink
	[[ $(q 'SELECT group_concat(n) FROM t') = 3,4,5,6 ]]
}

@test "an end of input without 'end', records behind the last mark: 75, rolled back" {
	q 'CREATE TABLE t (n INTEGER)'
	claim >/dev/null
	{ assign 1 && records 0 3 && mark 0 3 && records 3 5; } >in
	run --separate-stderr -75 db-sink sqlite:db t in
	[[ $stderr = *"input ended without the control record 'end'"* ]]
	[[ $(q 'SELECT count(*) FROM t') = 3 && $(claim read | jq '.partitions[0].offset') = 3 ]]
	head -c -5 in >torn
	run --separate-stderr -75 db-sink sqlite:db t torn
	{ seq=0 && assign 1 && mark 3 3 && records 3 5 && control end; } >in
	run --separate-stderr -75 db-sink sqlite:db t in
	[[ $(q 'SELECT count(*) FROM t') = 3 ]]
}

@test "what is wrong with a stream of marks: 78" {
	q 'CREATE TABLE t (n INTEGER)'
	assign null >in
	run --separate-stderr -78 db-sink sqlite:db t in
	[[ $stderr = *"give it '--offsets-from \"db-sink --claim URL\"'"* ]]
	records 0 5 >in
	run --separate-stderr -78 db-sink sqlite:db t in
	[[ $stderr = *"records have '_kafka', but no control record came with them"* ]]
	seq=1
	assign 1 >in
	run --separate-stderr -78 db-sink sqlite:db t in
	seq=0
	{ assign 1 && mark 0 0 1; } >in
	run --separate-stderr -78 db-sink sqlite:db t in
	[[ $stderr = *"a mark names partition 1 of 'raw', which was not assigned"* ]]
	[[ $(q 'SELECT count(*) FROM t') = 0 ]]
}

@test "bad rows are in the rejects, with _kafka, before their offset is stored" {
	q 'CREATE TABLE t (n INTEGER CHECK (n <> 2))'
	claim >/dev/null
	{ assign 1 && records 0 4 && mark 0 4 && control end; } >in
	sink --rejects r <in
	[[ $(q 'SELECT group_concat(n) FROM t') = 0,1,3 && $(claim read | jq '.partitions[0].offset') = 4 ]]
	jq -se 'length == 1 and (.[0] | ._kafka.offset == 2 and .line == 4 and .reason == "CHECK constraint failed: n <> 2")' r
	q 'DELETE FROM t; DELETE FROM sensorutils_offsets'
	claim >/dev/null
	run --separate-stderr -74 db-sink --rejects /dev/full sqlite:db t in
	[[ $(q 'SELECT count(*) FROM t') = 0 && $(claim read | jq '.partitions[0].offset') = null ]]
}

@test "_kafka is no column unless the table has it" {
	q 'CREATE TABLE t (n INTEGER, "_kafka.offset" INTEGER, _kafka JSON)'
	claim >/dev/null
	{ assign 1 && records 7 8 && mark 7 8 && control end; } | sink
	[[ $(q 'SELECT * FROM t') = '7|7|{"topic":"raw","partition":0,"offset":7}' ]]
}

@test "--claim: questions that are wrong, and a database that is not there" {
	ask() { printf '%s' "$1" | db-sink --claim sqlite:none; }
	wrong() {
		run --separate-stderr -65 db-sink --claim sqlite:none <<<"$2"
		[[ $stderr = "db-sink: the question is wrong: "*"$1"* && -z $output ]]
	}
	wrong "'operation' is neither" '{}'
	wrong "there is no 'group'" '{"operation":"read"}'
	wrong "no array 'partitions'" '{"operation":"read","group":"g"}'
	wrong "no 'topic'" '{"operation":"read","group":"g","partitions":[{}]}'
	wrong "number from 0" '{"operation":"read","group":"g","partitions":[{"topic":"t","partition":-1}]}'
	wrong "twice" '{"operation":"read","group":"g","partitions":[{"topic":"t","partition":1},{"topic":"t","partition":1}]}'
	wrong "expected" ''
	[[ $(ask '{"operation":"read","group":"g","partitions":[{"topic":"t","partition":1}]}') = '{"partitions":[{"topic":"t","partition":1,"offset":null,"epoch":null,"state":null}]}' ]]
	[[ ! -e none ]]
	[[ $(ask '{"operation":"claim","group":"g","partitions":[]}') = '{"partitions":[]}' ]]
	expect_error 64 "'--claim' takes no operands" db-sink --claim sqlite:db t
	run --separate-stderr -74 bash -c 'echo "{\"operation\":\"read\",\"group\":\"g\",\"partitions\":[]}" | db-sink --claim sqlite:none >/dev/full'
}

@test "claims at the same time each get an epoch of their own" {
	for i in 1 2 3 4 5 6 7 8; do
		claim claim '0 1 2' >"answer-$i" &
	done
	wait
	[[ $(cat answer-* | jq '.partitions[1].epoch' | sort -n | tr '\n' ' ') = '1 2 3 4 5 6 7 8 ' ]]
}

@test "a database that is locked is waited for, and given up after --timeout: 75" {
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL)'
	mkfifo lock
	sqlite3 db <lock >locked 3>&- &
	local holder=$!
	exec 5>lock
	echo 'PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; SELECT 1;' >&5
	timeout 10 bash -c 'until grep -q 1 locked; do :; done'
	expect_error 75 'given up after 0.3 s: database is locked' db-sink --timeout 0.3 sqlite:db t numbers
	db-sink sqlite:db t numbers 3>&- &
	local sink=$!
	echo 'COMMIT;' >&5
	wait "$sink"
	exec 5>&-
	wait "$holder"
	[[ $(q 'SELECT count(*) FROM t') = 2500 ]]
}

@test "files that are no database, cannot be made, or are full" {
	expect_error 78 "cannot use 'numbers'" db-sink sqlite:numbers t numbers
	expect_error 73 "cannot open 'no/such/db'" db-sink --create sqlite:no/such/db t numbers
	expect_error 64 "names no file" db-sink sqlite: t numbers
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL); PRAGMA max_page_count'
	db-sink "sqlite://$PWD/db" t numbers
	[[ $(q 'SELECT count(*) FROM t') = 2500 ]]
}

@test "a disk that is full, under the database and under the rejects: 74, and what was committed stays" {
	mkdir small
	mount -t tmpfs -o size=2m tmpfs small 2>/dev/null || skip "cannot mount a small file system"
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"n\":%d,\"zone\":\"%0200d\",\"x\":1.5}\n", i, i }' >in
	run bash -euc '
		sqlite3 small/db "CREATE TABLE t (n INTEGER, zone TEXT, x REAL)"
		status=0
		db-sink --batch 1000 sqlite:small/db t in 2>said || status=$?
		[[ $status -eq 74 ]]
		grep -q "disk" said
		stored=$(sqlite3 small/db "SELECT count(*) FROM t")
		echo "$stored rows"
		((stored > 0 && stored < 20000 && stored % 1000 == 0))
		sqlite3 small/db "PRAGMA integrity_check" | grep -q ok
		rm small/db*
		sqlite3 db "CREATE TABLE t (n INTEGER CHECK (n < 0), zone TEXT, x REAL)"
		status=0
		db-sink --batch 1000 --rejects small/r sqlite:db t in 2>said || status=$?
		cat said
		[[ $status -eq 74 && $(sqlite3 db "SELECT count(*) FROM t") = 0 ]]'
	umount small
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "--create before any record has come: marks are committed, bad lines kept, no table made" {
	local i
	seq=0
	echo '{"operation":"claim","group":"g","partitions":[{"topic":"raw","partition":0}]}' |
		db-sink --claim sqlite:db >/dev/null
	{
		assign 1 0 0
		for i in 0 1 2; do mark "$i" $((i + 1)); done
		control end
	} | db-sink --create sqlite:db t
	[[ $(q "SELECT next FROM sensorutils_offsets") = 3 ]]
	[[ $(q "SELECT count(*) FROM sqlite_schema WHERE name = 't'") = 0 ]]
	printf '{x\n{y\n' | db-sink --create --rejects r sqlite:db t
	[[ $(wc -l <r) -eq 2 && $(q "SELECT count(*) FROM sqlite_schema WHERE name = 't'") = 0 ]]
	# Records may come behind them.
	printf '{x\n{"a":1}\n' | db-sink --create --rejects r sqlite:db t
	[[ $(q 'SELECT a FROM t') = 1 ]]
}

@test "wrong options and operands" {
	expect_error 64 "URL and the name of a table" db-sink sqlite:db
	expect_error 64 "neither sqlite:PATH nor postgresql://" db-sink mysql://x t numbers
	expect_error 64 "exclude each other" db-sink --create --schema x sqlite:db t
	expect_error 64 "names no table" db-sink sqlite:db a.b.c numbers
	expect_error 64 "names no table" db-sink sqlite:db '' numbers
	run --separate-stderr -64 db-sink 'postgresql://u:geheim@[::1/x' t numbers
	[[ $stderr = *"none that libpq takes"* && $stderr != *geheim* ]]
	for port in 1x 0 65536 5432,x; do
		expect_error 64 "none that libpq takes" db-sink "postgresql:///x?port=$port" t numbers
	done
	expect_error 64 "numbers" db-sink --rejects numbers sqlite:db t numbers
}

@test "a password in the URL is remarked on, and shown nowhere" {
	run --separate-stderr -69 db-sink --timeout 0.2 postgresql://u:geheim@127.0.0.1:1/d t numbers
	[[ $stderr = "db-sink: the password in the URL can be read by others"* && $stderr != *geheim* ]]
	[[ $stderr = *"given up after 0.2 s: cannot connect: "*"Connection refused"* ]]
	run --separate-stderr -69 db-sink --timeout 0.2 postgresql://u@127.0.0.1:1/d t numbers
	[[ $stderr != *"password in the URL"* ]]
	run --separate-stderr -69 db-sink --timeout 0.2 'postgresql://u@127.0.0.1:1/d?sslmode=prefer&sslpassword=x' t numbers
	[[ $stderr = *"password in the URL"* ]]
}

@test "SIGTERM: what came is stored, 0 if the end of input came" {
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL)'
	mkfifo pipe
	db-sink --commit-interval 1h sqlite:db t pipe 3>&- &
	local sink=$!
	exec 5>pipe
	head -n 3 numbers >&5
	kill -TERM "$sink"
	exec 5>&-
	wait "$sink"
	[[ $(q 'SELECT count(*) FROM t') = 3 ]]
}

@test "SIGTERM, and no end of input: 75, and what came is stored unless marks are to tell" {
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL)'
	claim >/dev/null
	mkfifo plain marks
	db-sink --commit-interval 1h sqlite:db t plain 2>plain.said 3>&- &
	local plain=$! marks status
	db-sink sqlite:db t marks 2>marks.said 3>&- &
	marks=$!
	exec 5>plain 6>marks
	head -n 3 numbers >&5
	{ assign 1 && records 10 15 && mark 10 15 && records 15 17; } >&6
	timeout 10 bash -c 'until [[ $(sqlite3 db "SELECT count(*) FROM t") = 5 ]]; do :; done'
	kill -TERM "$plain" "$marks"
	for sink in plain marks; do
		status=0
		wait "${!sink}" || status=$?
		[[ $status -eq 75 ]]
		grep -q 'db-sink: SIGTERM came, and the end of input did not within 2 s' "$sink.said"
	done
	exec 5>&- 6>&-
	[[ $(q 'SELECT count(*), sum(n) FROM t') = '8|66' ]]
	[[ $(claim read | jq '.partitions[0].offset') = 15 ]]
}

@test "SIGINT: what was read is stored, and it dies of the signal" {
	q 'CREATE TABLE t (n INTEGER, zone TEXT, x REAL)'
	mkfifo pipe
	env --default-signal=INT db-sink --commit-interval 20ms sqlite:db t pipe 3>&- &
	local sink=$!
	exec 5>pipe
	head -n 3 numbers >&5
	timeout 10 bash -c 'until [[ $(sqlite3 db "SELECT count(*) FROM t") = 3 ]]; do :; done'
	kill -INT "$sink"
	local status=0
	wait "$sink" || status=$?
	exec 5>&-
	[[ $status -eq 130 ]]
}

@test "SIGINT to a claim that waits for its question" {
	mkfifo pipe
	env --default-signal=INT db-sink --claim sqlite:db <pipe 3>&- &
	local claim=$! status=0
	exec 5>pipe
	timeout 10 bash -c "until [[ \$(readlink /proc/$claim/exe) = */db-sink ]]; do :; done"
	kill -INT "$claim"
	wait "$claim" || status=$?
	exec 5>&-
	[[ $status -eq 130 ]]
}
