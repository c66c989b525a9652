#!/usr/bin/env bats
# What becomes of records in PostgreSQL: types, values, defaults, keys, and rows that it refuses.

bats_require_minimum_version 1.5.0
load postgres
load ../cli/helper

setup_file() {
	postgres_start
}

teardown_file() {
	postgres_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	pq 'SET client_min_messages = warning' 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'
}

# sink [OPTION...]: what it reads, into table t.
sink() {
	db-sink "$@" "$DB" t
}

@test "--create: types, values, and names that need quotes" {
	cat >in <<-'E'
		{"i":1,"r":1,"s":"a","b":true,"timestamp":"2026-01-01T00:00:00.123456Z","list":[1,{"x":"y\t"}],"o":{"p":"x"},"none":null,"mixed":1,"seen_at":"2026-01-01T01:00:00+01:00","a\"b; DROP TABLE t":1}
		{"i":-2,"r":2.5e-3,"s":"\t\\N\n\\.\r\u000b\"é😀","b":false,"timestamp":"2026-01-01T00:00:00.5Z","list":[],"o":{"p":""},"late":7,"mixed":"a","seen_at":null}
	E
	sink --create <in
	diff <(pq "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum") - <<-'E'
		i|bigint
		r|double precision
		s|text
		b|boolean
		timestamp|timestamp with time zone
		list|jsonb
		o.p|text
		none|text
		mixed|text
		seen_at|timestamp with time zone
		a"b; DROP TABLE t|bigint
		late|bigint
	E
	pq "SET timezone = 'UTC'; SELECT row_to_json(t) FROM t" | jq -cS . | diff - <(jq -cS . <<-'E'
		{"i":1,"r":1,"s":"a","b":true,"timestamp":"2026-01-01T00:00:00.123456+00:00","list":[1,{"x":"y\t"}],"o.p":"x","none":null,"mixed":"1","seen_at":"2026-01-01T00:00:00+00:00","a\"b; DROP TABLE t":1,"late":null}
		{"i":-2,"r":0.0025,"s":"\t\\N\n\\.\r\u000b\"é😀","b":false,"timestamp":"2026-01-01T00:00:00.5+00:00","list":[],"o.p":"","none":null,"mixed":"a","seen_at":null,"a\"b; DROP TABLE t":null,"late":7}
	E
	)
	echo '{"i":3,"timestamp":1767225600123456}' | sink
	[[ $(pq "SELECT extract(epoch FROM timestamp) FROM t WHERE i = 3") = 1767225600.123456 ]]
	printf '{"id":%s}\n' 1 123456789012345678901234567890 | db-sink --create "$DB" big
	[[ $(pq 'SELECT id, pg_typeof(id) FROM big WHERE id > 1') = '123456789012345678901234567890|numeric' ]]
	pq 'CREATE SCHEMA "s 1"'
	echo '{"k":1}' | db-sink --create --upsert k "$DB" 's 1.T"x'
	[[ $(pq 'SELECT k FROM "s 1"."T""x"') = 1 ]]
	echo '{"'"$(printf 'x%.0s' {1..64})"'":1}' >in
	expect_error 78 "more than 63 bytes" db-sink --create "$DB" u in
}

@test "bad rows are found among good ones, with the server's own reason" {
	pq 'CREATE TABLE t (n smallint PRIMARY KEY, x double precision, s varchar(3), j jsonb, CHECK (n <> 77))'
	{
		seq 1000 | sed 's/.*/{"n":&,"x":1.5}/'
		printf '%s\n' '{"n":40000}' '{"n":1}' '{"n":2000,"s":"long"}' '{"n":2001,"x":1e999}' \
			'{"n":2002,"s":"\u0000"}' '{"n":2003,"x":"a\tb"}' '{"n":null}' '{"n":2004,"j":{"a":"\u0000"}}'
	} >in
	sink --rejects r <in 2>said
	[[ $(pq 'SELECT count(*) FROM t') = 999 ]]
	diff <(jq -r '"\(.line) \(.reason)"' r | sort -n) - <<-'E'
		77 new row for relation "t" violates check constraint "t_n_check": Failing row contains (77, 1.5, null, null).
		1001 value "40000" is out of range for type smallint, column n
		1002 duplicate key value violates unique constraint "t_pkey": Key (n)=(1) already exists.
		1003 value too long for type character varying(3), column s
		1004 "1e999" is out of range for type double precision, column x
		1005 invalid byte sequence for encoding "UTF8": 0x00
		1006 field 'x': 'a?b' is no number
		1007 null value in column "n" of relation "t" violates not-null constraint: Failing row contains (null, null, null, null).
		1008 unsupported Unicode escape sequence: \u0000 cannot be converted to text., column j
	E
	grep -q '9 of 1008 records rejected' said
	pq 'TRUNCATE t'
	sed -i '/2003/d' in
	run --separate-stderr -65 db-sink "$DB" t in
	[[ $stderr = 'db-sink: in:77: new row for relation "t"'* ]]
	[[ $(pq 'SELECT count(*) FROM t') = 0 ]]
}

@test "however many rows are bad, a row is sent a few times, and not once a bad one" {
	# sent FACTOR BAD [OPTION...]: of the rows in file in, BAD are rejected, and no more than FACTOR times as many rows sent.
	sent() {
		local factor=$1 bad=$2
		rm -f r
		pq 'TRUNCATE t'
		sink --rejects r --metrics m "${@:3}" <in 2>said
		[[ $(wc -l <r) -eq $bad && $(pq 'SELECT count(*) FROM t') -eq $((rows - bad)) ]]
		sort -c -n <(jq .line r)
		awk -v most=$((factor * rows)) '/^sensorutils_rows_sent_total/ { print; good = $2 <= most } END { exit !good }' m
	}
	pq 'CREATE TABLE t (n integer PRIMARY KEY CHECK (n >= 0))'
	rows=10000
	seq $rows | awk '{ print "{\"n\":" ($1 % 2 ? $1 : -$1) "}" }' >in
	sent 4 5000
	rows=1000
	for every in 1 2 3 50 999; do
		seq $rows | awk -v every=$every '{ print "{\"n\":" ($1 % every ? $1 : -$1) "}" }' >in
		sent 5 $((rows / every))
		# The merge names no line: faults are looked for by halving.
		[[ $every -eq 2 || $every -eq 3 ]] || sent 8 $((rows / every)) --upsert n
	done
	seq $rows | awk '{ print "{\"n\":" ($1 > 490 && $1 < 511 ? -$1 : $1) "}" }' >in
	sent 5 20
	sent 8 20 --upsert n
}

@test "constraints that wait for the end of a transaction are a row's fault all the same" {
	pq 'CREATE TABLE t (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED)'
	printf '{"n":%d}\n' 1 2 1 3 | sink --rejects r
	[[ $(pq 'SELECT count(*) FROM t') = 3 && $(jq .line r) = 3 ]]
}

@test "--upsert merges by a staging table: the last of a key counts" {
	pq 'CREATE TABLE t (k text, l integer, v double precision, w text, PRIMARY KEY (k, l))'
	printf '%s\n' '{"k":"a","l":1,"v":1.5,"w":"old"}' '{"k":"a","l":2,"v":2.5}' '{"k":"a","l":1,"v":3.5}' >in
	sink --upsert k,l <in
	sink --upsert l,k --batch 1 <in
	pq 'SELECT * FROM t ORDER BY l' | diff - <(printf 'a|1|3.5|\na|2|2.5|\n')
	awk 'BEGIN { for (i = 0; i < 30000; i++) printf "{\"k\":\"b\",\"l\":%d,\"v\":%d}\n", i % 1000, i }' | sink --upsert k,l
	[[ $(pq "SELECT count(*), min(v), max(v) FROM t WHERE k = 'b'") = '1000|29000|29999' ]]
	printf '%s\n' '{"k":"c","l":1}' '{"k":"c","l":"x"}' '{"k":"c"}' '{"k":"c","l":2}' >in
	sink --upsert k,l --rejects r <in
	[[ $(pq "SELECT count(*) FROM t WHERE k = 'c'") = 2 ]]
	diff <(jq -r '"\(.line) \(.reason)"' r | sort) - <<-'E'
		2 field 'l': 'x' is no number
		3 field 'l' is missing, which is of the key
	E
	echo '{"v":1,"w":"x"}' >in
	expect_error 78 "'--upsert' takes the columns of a primary key or of a unique index: there is no unique or exclusion constraint" db-sink --upsert v,w "$DB" t in
	echo '{"k":1}' | db-sink --create --upsert k "$DB" keys
	echo '{"k":1}' | db-sink --upsert k "$DB" keys
	[[ $(pq 'SELECT count(*) FROM keys') = 1 ]]
}

@test "columns with a default are the database's where a record has no such field" {
	pq "CREATE TABLE t (id bigserial PRIMARY KEY, s text DEFAULT 'd', g integer GENERATED ALWAYS AS (n * 2) STORED, i integer GENERATED ALWAYS AS IDENTITY, n integer)"
	printf '%s\n' '{"n":1}' '{"n":2,"s":"own"}' '{"n":3,"s":null}' '{"id":9,"n":4}' | sink
	diff <(pq 'SELECT id, s, g, i, n FROM t ORDER BY n') - <<-'E'
		1|d|2|1|1
		2|own|4|2|2
		3||6|3|3
		9|d|8|4|4
	E
	echo '{"g":1}' >in
	expect_error 65 'no column for field "g"' db-sink "$DB" t in
}

@test "a record that leaves all columns to their defaults, and more than 64 of them" {
	local columns i
	pq 'CREATE TABLE t (a integer DEFAULT 1, b integer DEFAULT 2 CHECK (b < 5))'
	printf '%s\n' '{}' '{"a":5}' '{"b":7}' '{}' '{"b":null}' | sink --rejects r
	pq 'SELECT * FROM t ORDER BY a, b' | diff - <(printf '1|2\n1|2\n1|\n5|2\n')
	[[ $(jq -r '"\(.line) \(.reason)"' r) = '3 new row for relation "t" violates check constraint "t_b_check": Failing row contains (1, 7).' ]]
	for i in {1..100}; do columns+="c$i integer NOT NULL DEFAULT $i,"; done
	pq 'DROP TABLE t' "CREATE TABLE t ($columns n integer)"
	printf '%s\n' '{"n":1}' '{"n":2,"c1":7,"c64":8,"c65":9,"c100":0}' | sink
	pq 'SELECT n, c1, c2, c63, c64, c65, c66, c99, c100 FROM t ORDER BY n' |
		diff - <(printf '1|1|2|63|64|65|66|99|100\n2|7|2|63|8|9|66|99|0\n')
}

@test "rows that take turns in what they leave to defaults go in few statements" {
	pq 'CREATE TABLE t (n integer, a integer DEFAULT 7, b integer DEFAULT 8)' \
		"CREATE FUNCTION count_() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO statements VALUES (1); RETURN NULL; END'" \
		'CREATE TABLE statements (n integer)' \
		'CREATE TRIGGER count_ AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION count_()'
	awk 'BEGIN { for (i = 0; i < 3000; i++)
		print "{\"n\":" i (i % 3 == 1 ? ",\"a\":1" : "") (i % 3 == 2 ? ",\"b\":2" : "") "}" }' | sink
	pq 'SELECT n % 3, a, b, count(*) FROM t GROUP BY 1, 2, 3 ORDER BY 1' |
		diff - <(printf '0|7|8|1000\n1|1|8|1000\n2|7|2|1000\n')
	[[ $(pq 'SELECT count(*) FROM statements') = 3 ]]
	# Of one key the last counts, in the order that they came.
	pq 'CREATE TABLE u (k integer PRIMARY KEY, a integer DEFAULT 7, n integer)'
	printf '{"k":1,"n":%d%s}\n' 1 '' 2 ',"a":1' 3 '' 4 ',"a":2' 5 '' | db-sink --upsert k "$DB" u
	[[ $(pq 'SELECT * FROM u') = '1|2|5' ]]
	# One transaction comes to what records come to one by one, however keys and columns are mixed.
	awk 'BEGIN { srand(7); for (i = 0; i < 400; i++) {
		printf "{\"k\":%d,\"l\":\"%s\"", rand() * 12, rand() < 0.5 ? "x" : "y\\t"
		if (rand() < 0.7) printf ",\"n\":%d", i
		for (c = 0; c < 4; c++) if (rand() < 0.4) printf ",\"c%d\":%s", c, rand() < 0.2 ? "null" : i % 20
		print "}" } }' >in
	for t in single whole parts; do
		pq "CREATE TABLE $t (k integer, n integer, l text, c0 integer DEFAULT -1, c1 integer DEFAULT -1 CHECK (c1 <> 7), c2 integer DEFAULT -1, c3 integer DEFAULT -1, PRIMARY KEY (l, k))"
	done
	db-sink --upsert k,l --batch 1 --rejects r1 "$DB" single in
	db-sink --upsert k,l --rejects r "$DB" whole in
	db-sink --upsert k,l --batch 37 --rejects r2 "$DB" parts in
	[[ $(wc -l <r1) -gt 0 && $(pq 'SELECT count(*) FROM single') -gt 20 ]]
	for t in whole parts; do
		diff <(pq 'SELECT * FROM single ORDER BY k, l') <(pq "SELECT * FROM $t ORDER BY k, l")
	done
}

@test "times at an offset from UTC, in columns that have none" {
	pq 'CREATE TABLE t (n integer, z timestamptz, t timestamp, d date)'
	printf '{"n":%d,"z":%s,"t":%s,"d":%s}\n' \
		1 '"2026-01-01T00:30:00+01:00"'{,,} 2 '"2026-01-01 00:30:00.1234567-0130"'{,,} \
		3 '"2026-01-01T00:30:00"'{,,} 4 '"2026-01-01T00:30:00Z"'{,,} 5 1767225600.5{,,} 6 '"9999-12-31"'{,,} | sink
	pq "SET timezone = 'UTC'; SELECT * FROM t ORDER BY n" | diff - <(
		cat <<-'E'
			1|2025-12-31 23:30:00+00|2025-12-31 23:30:00|2025-12-31
			2|2026-01-01 02:00:00.123457+00|2026-01-01 02:00:00.123457|2026-01-01
			3|2026-01-01 00:30:00+00|2026-01-01 00:30:00|2026-01-01
			4|2026-01-01 00:30:00+00|2026-01-01 00:30:00|2026-01-01
			5|2026-01-01 00:00:00.5+00|2026-01-01 00:00:00.5|2026-01-01
			6|9999-12-31 00:00:00+00|9999-12-31 00:00:00|9999-12-31
		E
	)
}

@test "times and numbers are what other programs take for them, not what PostgreSQL would" {
	pq 'CREATE TABLE t (n integer, z timestamptz, t timestamp, d date, x double precision, y numeric)'
	printf '{"n":1,"%s":"%s"}\n' z now t tomorrow d today z 01/02/2024 z infinity d -infinity z 'Jan 8 2024' z 2024-01-01T00:00 \
		t '' d 2024-02-30 x NaN x Infinity y NaN n 1_0 x ' 1' x '' y 0x1F >in
	sink --rejects r <in
	[[ $(pq 'SELECT count(*) FROM t') = 0 && $(wc -l <r) -eq $(wc -l <in) ]]
	diff <(jq -r '"\(.line) \(.reason)"' r | sort -n | sed -n '1p;4p;10p;11p') - <<-'E'
		1 field 'z': 'now' is not a timestamp: it does not begin with a date such as 2024-01-31
		4 field 'z': '01/02/2024' is not a timestamp: it does not begin with a date such as 2024-01-31
		10 date/time field value out of range: "2024-02-30", column d
		11 field 'x': 'NaN' is no number
	E
	printf '{"n":"7","z":"2024-01-31","t":"2024-01-31 12:00:00z","d":"2024-01-31T23:00:00-02:00","x":"-1.5e3","y":"12.50"}\n' | sink
	[[ $(pq "SET timezone = 'UTC'; SELECT * FROM t") = '7|2024-01-31 00:00:00+00|2024-01-31 12:00:00|2024-02-01|-1500|12.50' ]]
	printf 'n,z,x\n8,now,1\n9,2024-01-31T00:00:00Z,inf\n10,2024-01-31T00:00:00Z,2.5\n' | sink --rejects r2
	[[ $(pq 'SELECT string_agg(n::text, $$,$$) FROM t') = 7,10 && $(wc -l <r2) -eq 2 ]]
}

@test "domains are what they are based on; other types take their text; digits stay" {
	pq 'CREATE DOMAIN five AS integer DEFAULT 5 CHECK (VALUE < 100)' 'CREATE DOMAIN moment AS timestamptz' 'CREATE DOMAIN instant AS moment' \
		"CREATE TYPE mood AS ENUM ('good', 'bad')" \
		'CREATE TABLE t (n integer, f five, i instant, m mood, b bytea, u uuid, a integer[], d numeric, r real, big bigint)'
	cat >in <<-'E'
		{"n":1,"i":20260101,"m":"bad","b":"\\x00ff","u":"00000000-0000-0000-0000-00000000000a","a":"{1,2}","d":123456789012345678901234567890.1234567890,"r":0.1,"big":9223372036854775807}
		{"n":2,"f":100}
		{"n":3,"m":"so"}
		{"n":4,"b":"\\x0"}
		{"n":5,"a":[1,2]}
		{"n":6,"big":9223372036854775808}
		{"n":7,"big":9007199254740993.0}
		{"n":8,"d":"12.50","r":"-1e3","big":-1e3}
		{"n":9.5}
	E
	sink --rejects r <in
	pq "SET timezone = 'UTC'; SELECT * FROM t ORDER BY n" | diff - <(
		cat <<-'E'
			1|5|1970-08-23 11:48:21+00|bad|\x00ff|00000000-0000-0000-0000-00000000000a|{1,2}|123456789012345678901234567890.1234567890|0.1|9223372036854775807
			8|5||||||12.50|-1000|-1000
		E
	)
	diff <(jq -r '"\(.line) \(.reason)"' r) - <<-'E'
		2 value for domain five violates check constraint "five_check", column f
		3 invalid input value for enum mood: "so", column m
		4 invalid hexadecimal data: odd number of digits, column b
		5 malformed array literal: "[1,2]": Missing "]" after array dimensions., column a
		6 value "9223372036854775808" is out of range for type bigint, column big
		7 invalid input syntax for type bigint: "9007199254740993.0", column big
		9 invalid input syntax for type integer: "9.5", column n
	E
}

@test "text of CSV that means something to COPY, and bytes that are no text" {
	pq 'CREATE TABLE t (n integer, s text)'
	printf 'n,s\n1,"a\tb\nc\\.\r\n\\N"\n2,\\.\n3,\\N\n4,""\n5,\n6,x\xff\n7,\\\n' | sink --rejects r
	pq "SELECT n, replace(s, E'\\n', '|') FROM t WHERE s IS NOT NULL ORDER BY n" | diff - <(printf '1|a\tb|c\\.\r|\\N\n2|\\.\n3|\\N\n4|\n7|\\\n')
	[[ $(pq 'SELECT n FROM t WHERE s IS NULL') = 5 ]]
	[[ $(jq -r .reason r) = *"byte 0xff is not valid UTF-8"* ]]
}

@test "foreign keys, partitions, triggers and views refuse rows one by one" {
	pq 'CREATE TABLE sensors (id integer PRIMARY KEY)' 'INSERT INTO sensors VALUES (1), (2)' \
		'CREATE TABLE t (n integer, id integer REFERENCES sensors) PARTITION BY RANGE (n)' \
		'CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (100)' \
		"CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN IF NEW.n = 3 THEN RAISE EXCEPTION 'no threes' USING ERRCODE = 'U0003'; END IF; IF NEW.n = 4 THEN RAISE 'nor fours'; END IF; RETURN NEW; END \$\$" \
		'CREATE TRIGGER judge BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION judge()'
	printf '{"n":%d,"id":%d}\n' 1 1 2 9 3 1 4 1 100 1 5 2 >in
	sink --rejects r <in
	pq 'SELECT * FROM t ORDER BY n' | diff - <(printf '1|1\n5|2\n')
	diff <(jq -r '"\(.line) \(.reason)"' r) - <<-'E'
		2 insert or update on table "t_low" violates foreign key constraint "t_id_fkey": Key (id)=(9) is not present in table "sensors".
		3 no threes
		4 nor fours
		5 no partition of relation "t" found for row: Partition key of the failing row contains (n) = (100).
	E
	# COPY needs a trigger to store by a view; a merge does not.
	pq 'CREATE TABLE base (n integer PRIMARY KEY)' 'CREATE VIEW v AS SELECT n FROM base' \
		"CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO base VALUES (NEW.n); RETURN NEW; END'"
	printf '{"n":%s}\n' 1 40000000000 1 3 >in
	expect_error 78 'cannot copy to view "v"' db-sink "$DB" v in
	printf '{"n":%s}\n' 1 1 2 | db-sink --upsert n "$DB" v
	pq 'TRUNCATE base' 'CREATE TRIGGER put INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION put()'
	rm r
	db-sink --rejects r "$DB" v in
	[[ $(pq 'SELECT n FROM base' | tr '\n' ' ') = '1 3 ' && $(jq .line r | tr '\n' ' ') = '2 3 ' ]]
}

@test "texts of 1 MB, and one that no index takes" {
	printf '{"k":"%01000000d"}\n' 7 >in
	pq 'CREATE TABLE t (k text)'
	sink <in
	[[ $(pq 'SELECT length(k) FROM t') = 1000000 ]]
	pq 'CREATE TABLE u (k text PRIMARY KEY)'
	head -c 30000 /dev/urandom | base64 -w 0 | sed 's/.*/{"k":"&"}/' >in
	expect_error 65 "index row" db-sink "$DB" u in
}
