#!/usr/bin/env bats
# db-sink with a real PostgreSQL: marks and fencing, and what happens when connections, backends and
# the server itself go away. Rows and their values are in db-rows.bats.

# shellcheck disable=SC2034 # seq is for marks.bash, pid for pipeline.bash

bats_require_minimum_version 1.5.0
load postgres
load pipeline
load ../cli/helper
load ../cli/marks

setup_file() {
	# What is not committed is not durable by chance.
	POSTGRES_CONF='wal_writer_delay = 10s' postgres_start
}

teardown_file() {
	postgres_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	declare -gA pid=()
	seq=0
	sql=$BATS_TEST_DIRNAME/../../data/sql/postgresql
	pq 'SET client_min_messages = warning' 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'
}

teardown() {
	kill_pipelines
}

# sink [OPTION...]: what it reads, into table t.
sink() {
	db-sink "$@" "$DB" t
}

claim() {
	local p list=
	for p in ${2-0}; do
		list+=',{"topic":"raw","partition":'$p'}'
	done
	echo '{"operation":"'"${1-claim}"'","group":"g","partitions":['"${list#,}"']}' |
		db-sink --claim "$DB"
}

# whole N: the table has the numbers from 0, each once.
whole() {
	[[ $(pq 'SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t') = "$1|$1|0|$(($1 - 1))" ]] || {
		pq 'SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t'
		return 1
	}
}

@test "two who make the same table at once" {
	for i in 1 2 3 4 5 6; do
		echo '{"n":'$i'}' | db-sink --create --schema "$sql/city.sql" "$DB" t 2>/dev/null || true
		echo '{"n":'$i'}' | db-sink --create "$DB" t &
	done
	wait
	[[ $(pq 'SELECT count(*) FROM t') = 6 ]]
}

@test "--schema: its COMMIT is lost, or another makes the table meanwhile" {
	for fault in before after; do
		postgres_proxy "$fault"
		echo '{"n":1}' | db-sink --schema <(echo 'CREATE TABLE t (n integer); CREATE TABLE u ()') "$PROXY" t
		grep -q '^commit 1' proxy-said
		[[ $(pq 'SELECT n FROM t') = 1 ]]
		kill "$proxy"
		pq 'DROP TABLE t, u'
	done
	# The lock that all who make a table take.
	mkfifo lock
	psql -qAtX <lock >locked 3>&- &
	exec 5>lock
	echo 'BEGIN; SELECT pg_advisory_xact_lock(8315168195498373490), 1;' >&5
	eventually 10 grep -q 1 locked
	echo 'CREATE TABLE t (n integer)' >t.sql
	echo '{"n":2}' | db-sink --schema t.sql "$DB" t 3>&- &
	local sink=$!
	eventually 10 bash -c '[[ $(psql -qAtX -c "SELECT count(*) FROM pg_locks WHERE NOT granted") = 1 ]]'
	echo 'CREATE TABLE t (n integer); COMMIT;' >&5
	wait "$sink"
	exec 5>&-
	[[ $(pq 'SELECT n FROM t') = 2 ]]
	echo 'CREATE TABLE other (' >t.sql
	expect_error 78 "'t.sql': syntax error" db-sink --schema t.sql "$DB" v in
}

@test "the tables and queries of the city" {
	awk 'BEGIN { for (i = 0; i < 8 * 1440; i++) for (z = 0; z < 2; z++)
		printf "{\"sensor_id\":\"s%d\",\"zone\":\"z%d\",\"latitude\":1.5,\"longitude\":2,\"timestamp\":\"2026-01-%02dT%02d:%02d:00.000Z\",\"temperature\":%.1f,\"humidity\":50.5,\"air_quality_index\":40,\"noise_level\":50.0,\"traffic_flow\":10,\"label\":%s,\"label_type\":null}\n",
			z, z, i / 1440 + 1, i / 60 % 24, i % 60, i / 100, i % 9 ? "false" : "1" }' >in
	db-sink --schema "$sql/city.sql" "$DB" sensor_data in
	[[ $(pq 'SELECT count(*), count(*) FILTER (WHERE label = 1) FROM sensor_data') = '23040|2560' ]]
	psql -X --csv -f "$sql/train.sql" >rows.csv
	n=$(($(wc -l <rows.csv) - 1))
	echo "$n rows"
	((n > 5000 && n <= 10000))
	iforest-train -o /dev/null --features temperature rows.csv
	for z in a b; do
		for m in 0 1; do
			echo '{"zone":"'$z'","window_start":"2026-01-01T00:0'$m':00.000Z","window_end":"2026-01-01T00:0'$((m + 1))':00.000Z","count":10,"temperature_mean":2'$m'.5,"temperature_max":30.0,"anomaly_count":'$m'.0}'
		done
	done | db-sink --upsert zone,window_start "$DB" sensor_metrics_1min
	psql -XAt -f "$sql/last-windows.sql" | cut -d '|' -f 1,3,4,9 | diff - <(printf 'a|10|21.5|1\nb|10|21.5|1\n')
	psql -XAt -f "$sql/overview.sql" | cut -d '|' -f 1-4,11 | diff - <(printf 'a|20|21.0|30|1\nb|20|21.0|30|1\n')
}

@test "a mark is one transaction; a claim raises the epoch; zombies are refused" {
	pq 'CREATE TABLE t (n integer)'
	[[ $(claim read) = '{"partitions":[{"topic":"raw","partition":0,"offset":null,"epoch":null,"state":null}]}' ]]
	claim | jq -e '.partitions == [{topic: "raw", partition: 0, offset: null, epoch: 1, state: null}]'
	marked 1 0 10 5 | sink
	whole 10
	[[ $(pq 'SELECT grp, topic, partition, next, epoch, mark FROM sensorutils_offsets') = 'g|raw|0|10|1|2/s' ]]
	{ seq=0 && assign 1 0 10 && mark 10 10 0 '{"replay_from":3,"w":{"x":1.50}}' && control end; } | sink
	claim | jq -e '.partitions[0] | .offset == 10 and .epoch == 2 and .state == {replay_from: 3, w: {x: 1.50}}'
	marked 1 10 15 5 >zombie
	run --separate-stderr -75 db-sink "$DB" t zombie
	[[ $stderr = *"fenced: partition 0 of 'raw' is claimed by another (epoch 2, ours is 1)"* ]]
	marked 2 5 15 5 >zombie
	run --separate-stderr -75 db-sink "$DB" t zombie
	[[ $stderr = *"at offset 10, the mark begins at 5"* ]]
	marked 2 10 15 5 | sink
	whole 15
	# A partition that was never stored: fenced by its epoch, too.
	claim claim 7 >/dev/null
	claim claim 7 >/dev/null
	{ seq=0 && assign 1 7 100 && records 0 1 && mark 100 101 7 && control end; } >zombie
	run --separate-stderr -75 db-sink "$DB" t zombie
	{ seq=0 && assign 2 7 100 && mark 100 100 7 && control end; } | sink
	[[ $(pq 'SELECT next FROM sensorutils_offsets WHERE partition = 7') = 100 ]]
	whole 15
}

@test "two sinks have the same partition: from the claim on, the elder one is refused" {
	pq 'CREATE TABLE t (n integer)'
	claim >/dev/null
	mkfifo pipe
	db-sink "$DB" t <pipe 2>elder 3>&- &
	local elder=$! status=0
	exec 5>pipe
	{ assign 1 && records 0 5 && mark 0 5; } >&5
	eventually 10 whole 5
	claim >/dev/null
	marked 2 5 10 5 | sink
	{ records 5 10 && mark 5 10; } >&5
	wait "$elder" || status=$?
	exec 5>&-
	[[ $status -eq 75 ]]
	grep -q "fenced" elder
	whole 10
}

@test "claims at the same time each get an epoch of their own" {
	for i in 1 2 3 4 5 6 7 8; do
		claim claim '0 1 2' >"answer-$i" &
	done
	wait
	[[ $(cat answer-* | jq '.partitions[1].epoch' | sort -n | tr '\n' ' ') = '1 2 3 4 5 6 7 8 ' ]]
}

@test "a claim is made again when its COMMIT or its server is lost" {
	for fault in before after; do
		postgres_proxy "$fault" 2 # the first makes the table, once
		DB=$PROXY claim >answer 2>said
		grep -q '^commit 2' proxy-said
		jq -e '.partitions[0].epoch >= 1 and .partitions[0].epoch <= 2' answer
		[[ $(jq '.partitions[0].epoch' answer) = $(claim read | jq '.partitions[0].epoch') ]]
		kill "$proxy"
		pq 'DROP TABLE sensorutils_offsets'
	done
	postgres_down INT
	claim >answer 3>&- &
	local claimer=$!
	postgres_up
	wait "$claimer"
	jq -e '.partitions[0].epoch == 1' answer
}

@test "bad rows are in the rejects, durable, before their offset is stored" {
	pq 'CREATE TABLE t (n integer CHECK (n <> 2))'
	claim >/dev/null
	marked 1 0 4 4 >in
	run --separate-stderr -74 db-sink --rejects /dev/full "$DB" t in
	[[ $(pq 'SELECT count(*), max(next) FROM t, sensorutils_offsets') = '0|' ]]
	sink --rejects r <in
	[[ $(pq 'SELECT count(*) FROM t') = 3 ]]
	jq -se 'length == 1 and (.[0] | ._kafka.offset == 2 and .line == 4)' r
}

@test "the outcome of a COMMIT is lost with its connection: it is read back" {
	for fault in before after at-once unanswered; do
		for number in 1 3; do
			pq 'DROP TABLE IF EXISTS t, sensorutils_offsets' 'CREATE TABLE t (n integer)'
			claim >/dev/null
			postgres_proxy "$fault" "$number"
			marked 1 0 50 10 | db-sink --metrics m "$PROXY" t 2>said
			cat said
			grep -q "^commit $number: $fault" proxy-said
			whole 50
			[[ $(pq 'SELECT next FROM sensorutils_offsets') = 50 ]]
			grep -q 'transactions_repeated_total{program="db-sink"} 1.0$' m
			kill "$proxy"
			# The same of plain input, which has no offsets to tell by.
			pq 'TRUNCATE t'
			postgres_proxy "$fault" "$number"
			seq 0 49 | sed 's/.*/{"n":&}/' | db-sink --batch 10 "$PROXY" t 2>said
			grep -q "^commit $number: $fault" proxy-said
			whole 50
			kill "$proxy"
		done
	done
}

@test "the server crashes at a COMMIT of plain input: stored once, or 75, and never taken for stored" {
	local status xid sink
	# crash FAULT [SQL]: the sink commits, the server crashes, SQL is done, and then the sink gets through to it.
	crash() {
		pq 'SET client_min_messages = warning' 'DROP TABLE IF EXISTS t' 'CREATE TABLE t (n integer)' 'CHECKPOINT'
		rm -f open
		postgres_proxy "$1" 1 open
		seq 0 9 | sed 's/.*/{"n":&}/' | db-sink "$PROXY" t 2>said 3>&- &
		sink=$!
		eventually 10 grep -q "^commit 1: $1" proxy-said
		xid=$(pq "SELECT backend_xid FROM pg_stat_activity WHERE application_name = 'db-sink' AND backend_xid IS NOT NULL")
		postgres_down KILL
		postgres_up
		[[ -z ${2-} ]] || pq "$2"
		touch open
		status=0
		wait "$sink" || status=$?
		kill "$proxy"
		cat said
	}
	crash held
	[[ $status -eq 0 ]]
	whole 10
	# The number that was lost is another's now, who committed it.
	crash held 'DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint < '"$(pq 'SELECT pg_current_xact_id()')"' + 10 LOOP COMMIT; END LOOP; END $$'
	[[ $(pq "SELECT pg_xact_status('$xid')") = committed ]]
	[[ $status -eq 75 && $(pq 'SELECT count(*) FROM t') = 0 ]]
	grep -q "the last batch may be stored or not: transaction $xid is committed, but the server may have crashed" said
	# Its own COMMIT was done.
	crash after
	[[ $status -eq 75 ]]
	whole 10
	grep -q "the last batch may be stored or not" said
	# A server that was stopped has forgotten nothing.
	rm open
	postgres_proxy after 1 open
	seq 10 19 | sed 's/.*/{"n":&}/' | db-sink "$PROXY" t 3>&- &
	sink=$!
	eventually 10 grep -q "^commit 1" proxy-said
	postgres_down INT
	postgres_up
	touch open
	wait "$sink"
	kill "$proxy"
	whole 20
}

@test "a batch that is stored at the second attempt rejects no row twice" {
	pq 'CREATE TABLE t (n integer CHECK (n NOT IN (2, 7)))'
	claim >/dev/null
	postgres_proxy before
	marked 1 0 10 10 | db-sink --rejects r "$PROXY" t
	grep -q '^commit 1' proxy-said
	kill "$proxy"
	[[ $(pq 'SELECT count(*) FROM t') = 8 && $(jq ._kafka.offset r | tr '\n' ' ') = '2 7 ' ]]
}

@test "heartbeats that move no offset are read back, too" {
	for fault in before after; do
		pq 'DROP TABLE IF EXISTS t, sensorutils_offsets' 'CREATE TABLE t (n integer)'
		claim >/dev/null
		postgres_proxy "$fault" 2
		{ seq=0 && assign 1 && mark 0 5 && records 0 5 && mark 5 5 && control end; } | db-sink "$PROXY" t
		grep -q '^commit 2' proxy-said
		whole 5
		kill "$proxy"
	done
}

@test "backends that are killed, and a server that crashes and comes back, in the middle of a run" {
	pq 'CREATE TABLE t (n integer)' 'CREATE TABLE undisturbed (n integer)'
	claim >/dev/null
	marked 1 0 40000 200 >in
	grep -v control in | jq -c '{n}' | db-sink "$DB" undisturbed
	mkfifo pipe
	db-sink --metrics m "$DB" t <pipe 2>said 3>&- &
	local sink=$!
	exec 5>pipe
	for round in 1 2 3 4; do
		sed -n "$(((round - 1) * 10050 + 1)),$((round * 10050))p" in >&5
		case $round in
		4) ;;
		3)
			postgres_down KILL
			postgres_up
			;;
		*)
			pq "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'db-sink'" >/dev/null
			;;
		esac
	done
	sed -n '40201,$p' in >&5
	exec 5>&-
	wait "$sink"
	cat said
	grep -q 'the connection is lost: .*; connecting again' said
	grep -q 'connected again' said
	whole 40000
	[[ $(pq 'SELECT count(*) FROM (SELECT * FROM t EXCEPT ALL SELECT * FROM undisturbed) x') = 0 ]]
	[[ $(pq 'SELECT count(*) FROM t') = $(pq 'SELECT count(*) FROM undisturbed') ]]
}

@test "a server that does not come back: 75 after --timeout, 69 at the start" {
	pq 'CREATE TABLE t (n integer)'
	mkfifo pipe
	db-sink --timeout 0.5 --commit-interval 10ms "$DB" t <pipe 2>said 3>&- &
	local sink=$! ended=0
	exec 5>pipe
	echo '{"n":0}' >&5
	eventually 10 whole 1
	postgres_down INT
	echo '{"n":1}' >&5
	wait "$sink" || ended=$?
	exec 5>&-
	run --separate-stderr -69 db-sink --timeout 0.3 "$DB" t </dev/null
	[[ $stderr = *"given up after 0.3 s: cannot connect: "*"Connection refused"* ]]
	postgres_up
	cat said
	[[ $ended -eq 75 ]]
	grep -q 'given up after 0.5 s: cannot connect' said
}

@test "a server that stops in the middle, and says nothing: a lost connection after --timeout" {
	pq 'CREATE TABLE t (n integer, s text)'
	mkfifo pipe
	db-sink --timeout 1 --commit-interval 10ms "$DB" t <pipe 2>said 3>&- &
	local sink=$! ended=0 backend postmaster
	exec 5>pipe
	echo '{"n":0}' >&5
	eventually 10 whole 1
	backend=$(pq "SELECT pid FROM pg_stat_activity WHERE application_name = 'db-sink'")
	kill -STOP "$backend"
	echo '{"n":1}' >&5
	eventually 20 whole 2
	kill -CONT "$backend"
	grep -q 'the connection is lost: the server does not answer; connecting again' said
	# All of it, while more comes than a socket takes.
	postmaster=$(head -n 1 "$POSTGRES_DIR/data/postmaster.pid")
	backend=$(pq "SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'db-sink' AND pid <> $backend")
	kill -STOP "$postmaster" "$backend"
	printf '{"n":2,"s":"%015000000d"}\n' 0 >&5
	wait "$sink" || ended=$?
	exec 5>&-
	kill -CONT "$postmaster" "$backend"
	cat said
	[[ $ended -eq 75 ]]
	tail -n 2 said | grep -q 'given up after 1 s: cannot connect: the server does not answer'
	whole 2
}

@test "a server that starts while it is waited for" {
	pq 'CREATE TABLE t (n integer)'
	postgres_down INT
	echo '{"n":0}' | db-sink "$DB" t 3>&- &
	local sink=$!
	postgres_up
	wait "$sink"
	whole 1
}

@test "locks are waited for, and given up after --timeout: 75" {
	pq 'CREATE TABLE t (n integer)'
	mkfifo lock
	psql -qAtX <lock >locked 3>&- &
	exec 5>lock
	echo 'BEGIN; LOCK TABLE t; SELECT 1;' >&5
	eventually 10 grep -q 1 locked
	echo '{"n":0}' >in
	run --separate-stderr -75 db-sink --timeout 0.5 "$DB" t in
	[[ $stderr = *"given up after 0.5 s: canceling statement due to lock timeout"* ]]
	db-sink "$DB" t in 3>&- &
	local sink=$!
	eventually 10 bash -c '[[ $(psql -qAtX -c "SELECT count(*) FROM pg_locks WHERE NOT granted") = 1 ]]'
	echo 'COMMIT;' >&5
	wait "$sink"
	exec 5>&-
	whole 1
}

@test "who is let in: password files, service files, the environment; who is not: 78" {
	pq "CREATE ROLE alice LOGIN PASSWORD 'geheim'" 'CREATE TABLE t (n integer)' 'GRANT USAGE ON SCHEMA public TO alice' 'GRANT INSERT ON t TO alice' \
		'CREATE TABLE other (n integer)'
	local conf=$POSTGRES_DIR/data/pg_hba.conf
	cp -p "$conf" "$POSTGRES_DIR/hba"
	printf 'host all alice 127.0.0.1/32 scram-sha-256\n%s\n' "$(cat "$conf")" >"$conf"
	pq 'SELECT pg_reload_conf()' >/dev/null
	local url=postgresql://alice@127.0.0.1:$POSTGRES_PORT/city
	as_alice() { echo '{"n":0}' | db-sink "$url" t; }
	echo "127.0.0.1:*:*:alice:geheim" >pass
	chmod 600 pass
	PGPASSFILE=pass as_alice
	PGPASSWORD=geheim as_alice
	printf '[city]\nhost=127.0.0.1\nport=%s\nuser=alice\ndbname=city\npassword=geheim\n' "$POSTGRES_PORT" >services
	echo '{"n":0}' | env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE PGSERVICEFILE=services db-sink 'postgresql:///?service=city' t
	url=postgresql://alice:geheim@127.0.0.1:$POSTGRES_PORT/city as_alice 2>said
	grep -q 'password in the URL can be read' said
	[[ $(pq 'SELECT count(*) FROM t') = 4 ]]
	echo '{"n":0}' >in
	PGPASSWORD=falsch run --separate-stderr -78 db-sink "$url" t in
	[[ $stderr = 'db-sink: cannot connect: password authentication failed for user "alice"' ]]
	run --separate-stderr -78 db-sink "$url" t in
	[[ $stderr = *"cannot connect: "*"no password supplied" ]]
	run --separate-stderr -78 db-sink "postgresql://sink@127.0.0.1:$POSTGRES_PORT/none" t in
	[[ $stderr = *'database "none" does not exist' ]]
	PGPASSWORD=geheim run --separate-stderr -78 db-sink "$url" other in
	[[ $stderr = *"permission denied for table other"* ]]
	# With the table of offsets made for it, nothing but rights to that is needed.
	claim >/dev/null
	pq 'GRANT SELECT, INSERT, UPDATE ON sensorutils_offsets TO alice'
	echo '{"operation":"claim","group":"g","partitions":[{"topic":"raw","partition":0}]}' |
		PGPASSWORD=geheim db-sink --claim "$url" | jq -e '.partitions[0].epoch == 2'
	cp -p "$POSTGRES_DIR/hba" "$conf"
	pq 'SELECT pg_reload_conf()' 'DROP OWNED BY alice' 'DROP ROLE alice' >/dev/null
}

@test "what may pass is tried again, and is 75 in the end: statement_timeout, a server that only reads" {
	pq 'CREATE TABLE t (n integer)'
	seq 0 9 | sed 's/.*/{"n":&}/' >in
	for state in 57014 25006; do
		pq "CREATE OR REPLACE FUNCTION refuse_() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '$state'; END \$\$" \
			'CREATE OR REPLACE TRIGGER refuse_ BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse_()'
		run --separate-stderr -75 db-sink --timeout 1 --rejects r "$DB" t in
		[[ $stderr = *"not now"* && ! -s r && $(pq 'SELECT count(*) FROM t') = 0 ]]
	done
}

@test "a disk that is full: 74" {
	pq 'CREATE TABLE t (n integer, s text)'
	# A tablespace is too much for a test: the same SQLSTATE, raised.
	pq "CREATE FUNCTION full_() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN IF NEW.n = 5 THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END IF; RETURN NEW; END \$\$" \
		'CREATE TRIGGER full_ BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION full_()'
	seq 0 9 | sed 's/.*/{"n":&}/' >in
	run --separate-stderr -74 db-sink --rejects r "$DB" t in
	[[ $stderr = *"could not extend file"* && ! -s r && $(pq 'SELECT count(*) FROM t') = 0 ]]
}
