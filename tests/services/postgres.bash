#!/bin/bash
# A real PostgreSQL server for tests: loaded by test files (load postgres), or sourced.
#
#     setup_file() { postgres_start; }      a new cluster, ready; database 'city', nobody needs a password
#     teardown_file() { postgres_stop; }
#
# $POSTGRES_PORT is its port on 127.0.0.1, $DB the URL of its database for user 'sink', and psql finds
# it by itself. It runs as an unprivileged user, all its state is in files under POSTGRES_DIR, and it
# dies with the process that POSTGRES_OWNER names.
# shellcheck shell=bash
# Tests read what is set here.
# shellcheck disable=SC2034

postgres_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case :$PATH: in
*:"${SENSORUTILS_BUILD:=$(realpath "$postgres_here/../..")/build}"/tests/services:*) ;;
*) PATH=$SENSORUTILS_BUILD/tests/services:$PATH ;;
esac

postgres_start() {
	export POSTGRES_DIR=${POSTGRES_DIR:-${BATS_FILE_TMPDIR:?postgres: POSTGRES_DIR is not set}/postgres}
	export POSTGRES_OWNER=${POSTGRES_OWNER:-$$}
	unset "${!PG@}"
	mkdir -p "$POSTGRES_DIR"
	POSTGRES_PORT=$(kafka_tool ports 1)
	export POSTGRES_PORT PGHOST=127.0.0.1 PGPORT=$POSTGRES_PORT PGUSER=sink PGDATABASE=city
	export DB=postgresql://sink@127.0.0.1:$POSTGRES_PORT/city
	if ((EUID == 0)); then
		local dir=$POSTGRES_DIR
		chown -R postgres "$POSTGRES_DIR"
		while [[ $dir != / ]]; do
			chmod a+x "$dir"
			dir=${dir%/*}
			dir=${dir:-/}
			[[ $dir != /tmp ]] || break
		done
	fi
	(cd "$POSTGRES_DIR" && postgres_as "$(postgres_bin)/initdb" -D "$POSTGRES_DIR/data" -U sink -A trust -E UTF8 \
		--locale=C.UTF-8 --no-sync) >"$POSTGRES_DIR/initdb.log"
	postgres_as tee -a "$POSTGRES_DIR/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = '127.0.0.1'
		port = $POSTGRES_PORT
		unix_socket_directories = ''
		fsync = off
		full_page_writes = off
		max_connections = 40
		autovacuum = off
		${POSTGRES_CONF-}
	CONF
	postgres_up
	psql -q -d postgres -c 'CREATE DATABASE city'
}

# postgres_up: runs, and answers.
postgres_up() {
	local limit=$((SECONDS + 30))
	until psql -q -d postgres -c '' 2>/dev/null; do
		# One that was killed may have children that still hold its memory.
		[[ -e $POSTGRES_DIR/pid ]] || postgres_run
		if ((SECONDS >= limit)); then
			tail -n 20 "$POSTGRES_DIR/log" >&2
			return 69
		fi
		read -rt 0.05 <><(:) || true
	done
}

postgres_run() {
	local as=()
	((EUID)) || as=(setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig KILL)
	(cd "$POSTGRES_DIR" && guard "$POSTGRES_OWNER" "$POSTGRES_DIR/pid" "$POSTGRES_DIR/log" "${as[@]}" \
		"$(postgres_bin)/postgres" -D "$POSTGRES_DIR/data")
}

# postgres_down [SIGNAL=INT]: the server ends: TERM waits for clients, INT throws them out, KILL is a crash.
postgres_down() {
	local pid
	pid=$(cat "$POSTGRES_DIR/pid" 2>/dev/null) || return 0
	kill -s "${1:-INT}" "$pid" 2>/dev/null || true
	timeout 20 tail -s 0.02 --pid="$pid" -f /dev/null
	until [[ ! -e $POSTGRES_DIR/pid ]]; do
		read -rt 0.02 <><(:) || true
	done
}

postgres_stop() {
	[[ -n ${POSTGRES_DIR-} && -d $POSTGRES_DIR/data ]] || return 0
	postgres_down INT
	rm -rf "$POSTGRES_DIR"
}

# pq SQL...: rows without ornaments.
pq() {
	psql -qAtX -v ON_ERROR_STOP=1 "${@/#/-c}"
}

# postgres_proxy FAULT [NUMBER=1] [FILE]: a way to the server that loses its NUMBERth COMMIT; the URL through it
# is in $PROXY, its process in $proxy.
postgres_proxy() {
	local port
	rm -f proxy-port
	mkfifo proxy-port
	python3 "$postgres_here/postgres_proxy.py" "$POSTGRES_PORT" "$@" >proxy-port 2>proxy-said 3>&- &
	proxy=$!
	read -r port <proxy-port
	PROXY=postgresql://sink@127.0.0.1:$port/city
}

postgres_bin() {
	local dir
	for dir in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
		[[ ! -x $dir/postgres ]] || break
	done
	echo "$dir"
}

postgres_as() {
	if ((EUID)); then
		"$@"
	else
		setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
	fi
}
