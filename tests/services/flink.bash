#!/bin/bash
# A real Flink for tests: loaded by test files (load flink), behind kafka.bash.
#
#     flink_start        a JobManager and a TaskManager of two slots, ready, at $FLINK_URL
#     flink_sql INIT SQL runs the client with these files; prints the id of the job that it started
#     flink_drain ID     the job has closed all windows, committed what it wrote, and ended
#     flink_stop
#
# All state is in files under FLINK_DIR. A server dies with the process that FLINK_OWNER names.
# shellcheck shell=bash

flink_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

flink_start() {
	local ports limit
	export FLINK_DIR=${FLINK_DIR:-${BATS_FILE_TMPDIR:?flink: FLINK_DIR is not set}/flink}
	export FLINK_OWNER=${FLINK_OWNER:-$$}
	FLINK_HOME=$("$flink_here/flink-install.sh") || return
	export FLINK_HOME FLINK_CONF_DIR=$FLINK_DIR/conf
	mkdir -p "$FLINK_CONF_DIR" "$FLINK_DIR/tmp"
	mapfile -t ports < <(kafka_tool ports 3)
	export FLINK_URL=http://127.0.0.1:${ports[0]}
	flink_config "${ports[@]}" >"$FLINK_CONF_DIR/config.yaml"
	flink_logging >"$FLINK_CONF_DIR/log4j.properties"
	flink_jvm >"$FLINK_DIR/jvm"

	flink_process job -Xmx256m -- \
		org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint
	flink_process task -Xmx512m -XX:MaxDirectMemorySize=192m -- \
		org.apache.flink.runtime.taskexecutor.TaskManagerRunner
	limit=$((SECONDS + 60))
	until flink_ask /overview 2>/dev/null | jq -e '."slots-available" == 2' >/dev/null; do
		if ((SECONDS >= limit)) || [[ ! -s $FLINK_DIR/job.pid || ! -s $FLINK_DIR/task.pid ]]; then
			echo "flink: it is not ready:" >&2
			flink_words
			return 69
		fi
		read -rt 0.05 <><(:) || true
	done
}

flink_stop() {
	local name pid
	[[ -n ${FLINK_DIR-} ]] || return 0
	for name in task job; do
		pid=$(cat "$FLINK_DIR/$name.pid" 2>/dev/null) || continue
		kill -KILL "$pid" 2>/dev/null || true
		tail -s 0.02 --pid="$pid" -f /dev/null
	done
	rm -rf "$FLINK_DIR"
}

flink_sql() {
	if ! java -Xmx256m "@$FLINK_DIR/jvm" -cp "$FLINK_HOME/lib/*:$FLINK_HOME/client/*" \
		org.apache.flink.table.client.SqlClient embedded \
		-j "$(echo "$FLINK_HOME"/client/flink-sql-client-*.jar)" \
		-i "$1" -f "$2" >"$FLINK_DIR/sql.out" 2>"$FLINK_DIR/sql.log" 3>&- ||
		! grep -q '^Job ID: ' "$FLINK_DIR/sql.out"; then
		tail -n 30 "$FLINK_DIR/sql.out" "$FLINK_DIR/sql.log" >&2
		return 1
	fi
	sed -n 's/^Job ID: //p' "$FLINK_DIR/sql.out"
}

flink_drain() {
	local trigger limit=$((SECONDS + 60))
	trigger=$(flink_ask "/jobs/$1/stop" --json \
		"{\"drain\": true, \"targetDirectory\": \"file://$FLINK_DIR/savepoint\"}" |
		jq -er '."request-id"') || return
	until flink_ask "/jobs/$1/savepoints/$trigger" | jq -e '.status.id == "COMPLETED"' >/dev/null &&
		flink_ask "/jobs/$1" | jq -e '.state == "FINISHED"' >/dev/null; do
		if ((SECONDS >= limit)); then
			echo "flink: job $1 does not end:" >&2
			flink_ask "/jobs/$1/exceptions" >&2
			flink_words
			return 1
		fi
		read -rt 0.05 <><(:) || true
	done
}

# flink_ask PATH [CURL_OPTION...]
flink_ask() {
	curl -sSf --max-time 30 "${@:2}" "$FLINK_URL$1"
}

# The rest is for the functions above.

# flink_process NAME JVM_OPTION... -- CLASS
flink_process() {
	local name=$1 jvm=()
	shift
	while [[ $1 != -- ]]; do
		jvm+=("$1")
		shift
	done
	guard "$FLINK_OWNER" "$FLINK_DIR/$name.pid" "$FLINK_DIR/$name.log" \
		java "${jvm[@]}" "@$FLINK_DIR/jvm" -cp "$FLINK_HOME/lib/*" "$2" --configDir "$FLINK_CONF_DIR"
}

flink_jvm() {
	local package
	cat <<-OPTIONS
		-XX:+UseSerialGC
		-XX:TieredStopAtLevel=1
		-Djava.io.tmpdir=$FLINK_DIR/tmp
		-Dlog4j.configurationFile=$FLINK_CONF_DIR/log4j.properties
		--add-exports=java.base/sun.net.util=ALL-UNNAMED
	OPTIONS
	# What its serializers look into.
	for package in lang lang.reflect net io nio text time util util.concurrent \
		util.concurrent.atomic util.concurrent.locks; do
		echo "--add-opens=java.base/java.$package=ALL-UNNAMED"
	done
}

flink_config() {
	cat <<-CONFIG
		rest.address: 127.0.0.1
		rest.bind-address: 127.0.0.1
		rest.port: $1
		jobmanager.rpc.address: 127.0.0.1
		jobmanager.bind-host: 127.0.0.1
		jobmanager.rpc.port: $2
		blob.server.port: $3
		taskmanager.host: 127.0.0.1
		taskmanager.bind-host: 127.0.0.1
		taskmanager.numberOfTaskSlots: 2
		taskmanager.cpu.cores: 1.0
		taskmanager.memory.framework.heap.size: 128m
		taskmanager.memory.framework.off-heap.size: 128m
		taskmanager.memory.task.heap.size: 256m
		taskmanager.memory.task.off-heap.size: 0b
		taskmanager.memory.managed.size: 64m
		taskmanager.memory.network.min: 32m
		taskmanager.memory.network.max: 32m
		taskmanager.memory.jvm-metaspace.size: 256m
		taskmanager.memory.jvm-overhead.min: 192m
		taskmanager.memory.jvm-overhead.max: 192m
		parallelism.default: 2
		execution.checkpointing.dir: file://$FLINK_DIR/checkpoints
		io.tmp.dirs: $FLINK_DIR/tmp
	CONFIG
}

flink_logging() {
	cat <<-LOGGING
		rootLogger.level = INFO
		rootLogger.appenderRef.c.ref = C
		appender.c.name = C
		appender.c.type = CONSOLE
		appender.c.target = SYSTEM_ERR
		appender.c.layout.type = PatternLayout
		appender.c.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} %m%n
	LOGGING
}

flink_words() {
	grep -E 'ERROR|WARN|Exception' "$FLINK_DIR"/{job,task}.log | tail -n 20 >&2 || true
}
