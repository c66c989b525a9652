#!/usr/bin/env bats
# kafka-produce and kafka-consume with servers of two versions, over TLS, SASL and plain connections,
# and kcat as the third who reads and writes the same.

bats_require_minimum_version 1.5.0
load kafka

setup_file() {
	for version in 3.9.2 4.3.1; do
		export KAFKA_DIR=$BATS_FILE_TMPDIR/$version
		kafka_start_secure "$version"
	done
}

teardown_file() {
	for version in 3.9.2 4.3.1; do
		export KAFKA_DIR=$BATS_FILE_TMPDIR/$version
		kafka_stop
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	topic=t$BATS_TEST_NUMBER
	for ((i = 0; i < 100; i++)); do
		printf '{"n":%d,"key":"k%d","name":"Å 😀","value":%d.50}\n' $i $((i % 7)) $i
	done >records
}

# on VERSION: what follows uses that server, and a new topic.
on() {
	kafka_use "$BATS_FILE_TMPDIR/$1"
	kafka_topic "$topic" 3
	tls=(-X "ssl.ca.location=$KAFKA_TLS/ca.pem")
	mtls=(-b "$KAFKA_MTLS" -X security.protocol=SSL "${tls[@]}"
		-X "ssl.certificate.location=$KAFKA_TLS/client.crt"
		-X "ssl.key.location=$KAFKA_TLS/client.key")
}

# sasl MECHANISM [USER PASSWORD]: sets the options of a connection in $sasl.
sasl() {
	sasl=(-b "$KAFKA_SASL_SSL" -X security.protocol=SASL_SSL "${tls[@]}" -X "sasl.mechanism=$1"
		-X "sasl.username=${2-alice}" -X "sasl.password=${3-alice-secret}")
}

# round_trip OPTION...: what kafka-produce writes, kafka-consume and kcat read, and it reads what kcat
# writes.
round_trip() {
	kafka-produce "$@" -t "$topic" --key key records
	kafka-consume "$@" -t "$topic" -e --no-provenance | sort >consumed
	sort records | diff - consumed
	kcat -C -e -q "$@" -t "$topic" -f '%k %s\n' | sort >by-kcat
	sed 's/.*"key":"\([^"]*\)".*/\1 &/' records | sort | diff - by-kcat
	kcat -P "$@" -t "$topic" -l records
	kafka-consume "$@" -t "$topic" -e --no-provenance | sort >consumed
	sort records records | diff - consumed
}

# exactly_once OPTION...: from one topic to another in transactions.
exactly_once() {
	kafka_topic "$topic-out" 3
	kafka-produce "$@" -t "$topic" --key key records
	kafka-consume "$@" -G "$topic-group" -e "$topic" |
		kafka-produce "$@" -t "$topic-out" --transactional-id "$topic"
	kcat -C -e -q "$@" -t "$topic-out" -X isolation.level=read_committed -f '%k %s\n' | sort >out
	sed 's/.*"key":"\([^"]*\)".*/\1 &/' records | sort | diff - out
	[[ $(kafka_tool committed "$topic-group" | tail -n 1) = "sum 100" ]]
}

# refused STATUS TEXT OPTION...: both programs end with STATUS and say TEXT.
refused() {
	local wanted=$1 text=$2 program command
	shift 2
	for program in produce consume; do
		command=(kafka-consume "$@" -t "$topic" -e)
		[[ $program = consume ]] || command=(kafka-produce "$@" -t "$topic" records)
		run --separate-stderr timeout 60 "${command[@]}"
		echo "${command[*]}: status $status: $stderr"
		((status == wanted))
		[[ $stderr = "kafka-$program: "*"$text"* && -z $output ]]
	done
}

@test "3.9.2: a plain connection" {
	on 3.9.2
	round_trip -b "$KAFKA_BOOTSTRAP_SERVERS"
}

@test "3.9.2: TLS and SCRAM by -X" {
	on 3.9.2
	sasl SCRAM-SHA-512
	round_trip "${sasl[@]}"
}

@test "3.9.2: TLS and SCRAM by a file of properties" {
	on 3.9.2
	cat >client.properties <<-PROPERTIES
		# as for any client of librdkafka
		bootstrap.servers = $KAFKA_SASL_SSL
		security.protocol = SASL_SSL
		ssl.ca.location = $KAFKA_TLS/ca.pem
		sasl.mechanism = SCRAM-SHA-256
		sasl.username = alice
		sasl.password = alice-secret
	PROPERTIES
	unset KAFKA_BOOTSTRAP_SERVERS # which goes before the file's
	kafka-produce -F client.properties -t "$topic" --key key records
	kafka-consume -F client.properties -t "$topic" -e --no-provenance | sort >consumed
	sort records | diff - consumed
}

@test "3.9.2: mutual TLS" {
	on 3.9.2
	round_trip "${mtls[@]}"
}

@test "3.9.2: exactly once over TLS and SCRAM" {
	on 3.9.2
	sasl SCRAM-SHA-512
	exactly_once "${sasl[@]}"
}

@test "a wrong password: 78" {
	on 3.9.2
	for mechanism in PLAIN SCRAM-SHA-512; do
		sasl "$mechanism" alice wrong
		refused 78 'uthentication failed' "${sasl[@]}"
	done
}

@test "a server whose certificate nobody vouches for: 78; no such file: 64" {
	on 3.9.2
	sasl PLAIN
	refused 78 'certificate' "${sasl[@]}" -X "ssl.ca.location=$KAFKA_TLS/other-ca.pem"
	refused 64 'ssl.ca.location' "${sasl[@]}" -X ssl.ca.location=no-such-file.pem
}

@test "no client certificate where one is asked for: 78" {
	on 3.9.2
	refused 78 'certificate' -b "$KAFKA_MTLS" -X security.protocol=SSL "${tls[@]}"
}

@test "a user without rights: 78, and the topic is named" {
	on 3.9.2
	sasl SCRAM-SHA-512 bob bob-secret
	refused 78 "$topic" "${sasl[@]}"
	refused 78 'uthorization failed' "${sasl[@]}"
}

@test "4.3.1: a plain connection" {
	on 4.3.1
	round_trip -b "$KAFKA_BOOTSTRAP_SERVERS"
}

# SCRAM of librdkafka before 2.6.1 fails with Kafka 4.
@test "4.3.1: TLS and PLAIN, mutual TLS" {
	on 4.3.1
	sasl PLAIN
	round_trip "${sasl[@]}"
	topic+=-mtls
	on 4.3.1
	round_trip "${mtls[@]}"
}

@test "4.3.1: exactly once" {
	on 4.3.1
	exactly_once -b "$KAFKA_BOOTSTRAP_SERVERS"
}
