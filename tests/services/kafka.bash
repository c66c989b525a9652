#!/bin/bash
# Real Kafka servers for tests: loaded by test files (load kafka), sourced by other scripts, or run as
# a command: KAFKA_DIR=/tmp/x KAFKA_OWNER=$$ tests/services/kafka.bash kafka_start_cluster
#
#     setup_file() { kafka_start; }       one broker of 3.9.2, ready, at $KAFKA_BOOTSTRAP_SERVERS
#     teardown_file() { kafka_stop; }
#
# All state is in files under KAFKA_DIR, so any shell of the same environment may ask or stop a node.
# A server dies with the process that KAFKA_OWNER names, the shell that started the first one.
# kafka_tool, which stands beside the programs' other tools on PATH, asks servers for the rest.
# shellcheck shell=bash

# A test of a pipeline fails with any of its programs, not the last alone.
set -o pipefail

kafka_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case :$PATH: in
*:"${SENSORUTILS_BUILD:=$(realpath "$kafka_here/../..")/build}"/tests/services:*) ;;
*) PATH=$SENSORUTILS_BUILD/tests/services:$PATH ;;
esac

# kafka_start [VERSION=3.9.2]: one broker.
kafka_start() {
	kafka_prepare "${1:-3.9.2}" 1 && kafka_format && kafka_up
}

# kafka_start_cluster [VERSION=3.9.2]: three nodes, each broker and controller; replication 3 and
# min.insync.replicas 2 by default.
kafka_start_cluster() {
	kafka_prepare "${1:-3.9.2}" 3 && kafka_format && kafka_up
}

# kafka_start_secure [VERSION=3.9.2]: one broker that lets in, besides,
#   at $KAFKA_SASL_SSL (SASL_SSL; PLAIN, SCRAM-SHA-256 and -512) 'alice' with 'alice-secret', who may
#   do everything, and 'bob' with 'bob-secret', who may do nothing;
#   at $KAFKA_MTLS (SSL) who has $KAFKA_TLS/client.crt with client.key ($KAFKA_TLS/client.pem: both).
# The server's certificate is signed by $KAFKA_TLS/ca.pem; $KAFKA_TLS/other-ca.pem has signed nothing.
kafka_start_secure() {
	local n mechanism user scram=()
	kafka_prepare "${1:-3.9.2}" 1 || return
	export KAFKA_TLS=$KAFKA_DIR/tls
	kafka_certificates
	mapfile -t n < <(kafka_tool ports 2)
	export KAFKA_SASL_SSL=localhost:${n[0]} KAFKA_MTLS=localhost:${n[1]}
	kafka_secure_properties >>"$KAFKA_DIR/node-1/server.properties"
	for user in alice bob; do
		for mechanism in 256 512; do
			scram+=(--add-scram "SCRAM-SHA-$mechanism=[name=$user,password=$user-secret]")
		done
	done
	kafka_format "${scram[@]}" && kafka_up
}

# kafka_stop: ends all nodes at once, and removes what they stored.
kafka_stop() {
	local n
	[[ -n ${KAFKA_DIR-} && -e $KAFKA_DIR/jars ]] || return 0
	for n in $(kafka_nodes); do
		kafka_node_stop "$n" KILL
	done
	rm -rf "$KAFKA_DIR"
}

# kafka_use DIR: turns to the servers that were started with KAFKA_DIR=DIR.
kafka_use() {
	# shellcheck disable=SC1091
	. "$1/environment"
}

# kafka_topic NAME [PARTITIONS=1] [CONFIG=VALUE...]: a new one, with leaders, on all brokers.
kafka_topic() {
	kafka_tool create-topic "$1" "${2:-1}" "$(kafka_nodes | wc -w)" "${@:3}"
}

# kafka_nodes: the numbers of all, running or not.
kafka_nodes() {
	local dir
	for dir in "$KAFKA_DIR"/node-*; do
		echo "${dir##*-}"
	done
}

# kafka_pid N: its process, or nothing when it does not run.
kafka_pid() {
	cat "$KAFKA_DIR/node-$1/pid" 2>/dev/null || true
}

# kafka_node_start N: it runs; who needs it to answer asks kafka_wait.
kafka_node_start() {
	local dir=$KAFKA_DIR/node-$1 jvm
	# Small and quick to start; measurements choose otherwise by KAFKA_JVM.
	read -ra jvm <<<"${KAFKA_JVM--Xms64m -Xmx256m -XX:TieredStopAtLevel=1}"
	guard "$KAFKA_OWNER" "$dir/pid" "$dir/log" java "${jvm[@]}" -XX:+UseSerialGC \
		-Djava.awt.headless=true -Dorg.slf4j.simpleLogger.showDateTime=true \
		-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
		-cp "$(<"$KAFKA_DIR/jars")/*" kafka.Kafka "$dir/server.properties"
}

# kafka_node_stop N [SIGNAL=TERM]: it has ended, killed if it took longer than 20 s.
kafka_node_stop() {
	local pid
	pid=$(kafka_pid "$1")
	[[ -n $pid ]] || return 0
	kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
	if ! timeout 20 tail -s 0.02 --pid="$pid" -f /dev/null; then
		kill -KILL "$pid" 2>/dev/null || true
		tail -s 0.02 --pid="$pid" -f /dev/null
	fi
	rm -f "$KAFKA_DIR/node-$1/pid"
}

# kafka_wait [ready|in-sync] [NODES]: until all nodes are there (and every replica is in sync), or the
# reason why not, after two minutes.
kafka_wait() {
	local n limit=$((SECONDS + 120))
	until kafka_tool -t 1 "${1:-in-sync}" "${2:-$(kafka_nodes | wc -w)}"; do
		for n in $(kafka_nodes); do
			if ((SECONDS >= limit)) || [[ -z ${2-} && -z $(kafka_pid "$n") ]]; then
				echo "kafka: node $n of $KAFKA_DIR is not ${1:-in-sync}:" >&2
				grep -E 'ERROR|WARN|Exception' "$KAFKA_DIR/node-$n/log" | tail -n 20 >&2 || true
				return 69
			fi
		done
	done
}

# The rest is for the functions above.

# kafka_prepare VERSION NODES: folders and properties, and what is exported.
kafka_prepare() {
	local jars n dir ports voters=
	unset KAFKA_TLS KAFKA_SASL_SSL KAFKA_MTLS
	export KAFKA_DIR=${KAFKA_DIR:-${BATS_FILE_TMPDIR:?kafka: KAFKA_DIR is not set}/kafka}
	export KAFKA_OWNER=${KAFKA_OWNER:-$$}
	if ! command -v kafka_tool >/dev/null; then
		echo "kafka: no kafka_tool in $SENSORUTILS_BUILD/tests/services: it takes 'make tests'" >&2
		return 69
	fi
	jars=$("$kafka_here/kafka-install.sh" "$1") || return
	mkdir -p "$KAFKA_DIR"
	echo "$jars" >"$KAFKA_DIR/jars"
	mapfile -t ports < <(kafka_tool ports $(($2 * 2)))
	KAFKA_BOOTSTRAP_SERVERS=
	for ((n = 1; n <= $2; n++)); do
		voters+=,$n@127.0.0.1:${ports[2 * n - 1]}
		KAFKA_BOOTSTRAP_SERVERS+=,127.0.0.1:${ports[2 * n - 2]}
	done
	export KAFKA_BOOTSTRAP_SERVERS=${KAFKA_BOOTSTRAP_SERVERS#,}
	echo "$KAFKA_BOOTSTRAP_SERVERS" >"$KAFKA_DIR/brokers"
	for ((n = 1; n <= $2; n++)); do
		dir=$KAFKA_DIR/node-$n
		mkdir -p "$dir"
		kafka_properties "$dir" "$n" "${voters#,}" "${ports[2 * n - 2]}" "${ports[2 * n - 1]}" "$2" \
			>"$dir/server.properties"
	done
}

# kafka_properties DIR NODE VOTERS PORT CONTROLLER_PORT NODES. KAFKA_PROPERTIES is appended, a
# property a line.
kafka_properties() {
	local replicas=$6 in_sync=$((($6 + 1) / 2)) topic
	cat <<-PROPERTIES
		process.roles=broker,controller
		node.id=$2
		controller.quorum.voters=$3
		listeners=PLAINTEXT://127.0.0.1:$4,CONTROLLER://127.0.0.1:$5
		advertised.listeners=PLAINTEXT://127.0.0.1:$4
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		inter.broker.listener.name=PLAINTEXT
		controller.listener.names=CONTROLLER
		log.dirs=$1/data
		auto.create.topics.enable=false
		default.replication.factor=$replicas
		min.insync.replicas=$in_sync
		# A node that was killed is let in again when its session is over.
		broker.session.timeout.ms=4000
		broker.heartbeat.interval.ms=500
		# Groups and transactions in test time.
		group.initial.rebalance.delay.ms=0
		group.min.session.timeout.ms=500
		transaction.abort.timed.out.transaction.cleanup.interval.ms=500
		# Little memory: the cleaner alone would take 128 MiB.
		log.cleaner.dedupe.buffer.size=4194304
		log.cleaner.threads=1
		num.network.threads=2
		num.io.threads=4
		background.threads=2
	PROPERTIES
	for topic in offsets.topic transaction.state.log share.coordinator.state.topic; do
		cat <<-PROPERTIES
			$topic.num.partitions=3
			$topic.replication.factor=$replicas
		PROPERTIES
	done
	cat <<-PROPERTIES
		transaction.state.log.min.isr=$in_sync
		share.coordinator.state.topic.min.isr=$in_sync
		${KAFKA_PROPERTIES-}
	PROPERTIES
}

kafka_secure_properties() {
	local module=org.apache.kafka.common.security
	local protocols=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
	local plain=$KAFKA_BOOTSTRAP_SERVERS listeners
	listeners=$(sed -n 's/^listeners=//p' "$KAFKA_DIR/node-1/server.properties")
	# The last of two equal names holds.
	cat <<-PROPERTIES
		listeners=$listeners,SASL_SSL://127.0.0.1:${KAFKA_SASL_SSL##*:},SSL://127.0.0.1:${KAFKA_MTLS##*:}
		advertised.listeners=PLAINTEXT://$plain,SASL_SSL://$KAFKA_SASL_SSL,SSL://$KAFKA_MTLS
		listener.security.protocol.map=$protocols
		ssl.keystore.type=PEM
		ssl.keystore.location=$KAFKA_TLS/server.pem
		ssl.truststore.type=PEM
		ssl.truststore.location=$KAFKA_TLS/ca.pem
		listener.name.ssl.ssl.client.auth=required
		sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
		listener.name.sasl_ssl.plain.sasl.jaas.config=$module.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";
		listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$module.scram.ScramLoginModule required;
		listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$module.scram.ScramLoginModule required;
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:ANONYMOUS;User:alice;User:CN=client
	PROPERTIES
}

# A throw-away authority, and what it has signed: the server and the client.
kafka_certificates() {
	local name
	mkdir -p "$KAFKA_TLS"
	for name in ca other-ca; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
			-subj "/CN=$name" -keyout "$KAFKA_TLS/$name.key" -out "$KAFKA_TLS/$name.pem" 2>/dev/null
	done
	echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >"$KAFKA_TLS/names"
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
			-keyout "$KAFKA_TLS/$name.key" -out "$KAFKA_TLS/$name.csr" 2>/dev/null
		openssl x509 -req -in "$KAFKA_TLS/$name.csr" -days 2 -CA "$KAFKA_TLS/ca.pem" \
			-CAkey "$KAFKA_TLS/ca.key" -CAcreateserial -extfile "$KAFKA_TLS/names" \
			-out "$KAFKA_TLS/$name.crt" 2>/dev/null
		cat "$KAFKA_TLS/$name.key" "$KAFKA_TLS/$name.crt" >"$KAFKA_TLS/$name.pem"
	done
}

# kafka_format [OPTION...]: makes the folders of all nodes ready for them.
kafka_format() {
	local n pids=()
	for n in $(kafka_nodes); do
		java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
			-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$(<"$KAFKA_DIR/jars")/*" \
			kafka.tools.StorageTool format -t c2Vuc29ydXRpbHMtdGVzdA \
			-c "$KAFKA_DIR/node-$n/server.properties" "$@" >"$KAFKA_DIR/node-$n/format" 2>&1 3>&- &
		pids+=($!)
	done
	for n in "${!pids[@]}"; do
		if ! wait "${pids[n]}"; then
			cat "$KAFKA_DIR/node-$((n + 1))/format" >&2
			return 69
		fi
	done
}

kafka_up() {
	local n
	# In a function a sourced `declare` would be local to it.
	export -p | sed -n 's/^declare -x KAFKA_/export KAFKA_/p' >"$KAFKA_DIR/environment"
	for n in $(kafka_nodes); do
		kafka_node_start "$n"
	done
	kafka_wait ready
}

if [[ ${BASH_SOURCE[0]} = "$0" ]]; then
	set -euo pipefail
	"$@"
fi
