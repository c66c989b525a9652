#!/bin/bash
# kafka-install.sh VERSION: prints the folder with the jars of Apache Kafka VERSION, fetched from Maven
# Central on first use into ${XDG_CACHE_HOME:-~/.cache}/sensorutils/kafka-VERSION. A folder of that
# name is complete.
set -euo pipefail

version=${1:?kafka-install.sh: which version?}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sensorutils
jars=$cache/kafka-$version

if [[ ! -d $jars ]]; then
	mkdir -p "$cache"
	# One at a time; who waited finds it there.
	exec 9>"$cache/lock-kafka-$version"
	flock 9
fi
if [[ ! -d $jars ]]; then
	echo "kafka-install: fetching Apache Kafka $version into $jars" >&2
	aside=$(mktemp -d "$cache/kafka-$version.XXXXXX")
	trap 'rm -rf "$aside"' EXIT
	# The server, and the tools that measure it (in a jar of their own), logging to standard error.
	cat >"$aside/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>sensorutils</groupId>
		  <artifactId>kafka-for-tests</artifactId>
		  <version>1</version>
		  <dependencies>
		    <dependency>
		      <groupId>org.apache.kafka</groupId>
		      <artifactId>kafka_2.13</artifactId>
		      <version>$version</version>
		    </dependency>
		    <dependency>
		      <groupId>org.apache.kafka</groupId>
		      <artifactId>kafka-tools</artifactId>
		      <version>$version</version>
		      <exclusions>
		        <exclusion><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId></exclusion>
		        <exclusion><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId></exclusion>
		      </exclusions>
		    </dependency>
		    <dependency>
		      <groupId>org.slf4j</groupId>
		      <artifactId>slf4j-simple</artifactId>
		      <version>1.7.36</version>
		    </dependency>
		  </dependencies>
		</project>
	POM
	# -U: a look-up that failed once is remembered otherwise.
	if ! timeout 600 mvn -q -B -U -f "$aside/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$aside/lib" >"$aside/log" 2>&1 </dev/null; then
		tail -n 20 "$aside/log" >&2
		echo "kafka-install: cannot fetch Apache Kafka $version: it takes Maven (tests/deps.sh" \
			"services) and a way to Maven Central" >&2
		exit 69
	fi
	mv -T "$aside/lib" "$jars"
fi
echo "$jars"
