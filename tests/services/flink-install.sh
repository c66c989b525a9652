#!/bin/bash
# flink-install.sh: prints a folder with Apache Flink, fetched on first use by pip and Maven into
# ${XDG_CACHE_HOME:-~/.cache}/sensorutils/flink-VERSION: lib/ for its processes, the connector to
# Kafka among it, and client/ for the SQL client besides. A folder of that name is complete.
set -euo pipefail

version=1.20.3
connector=3.4.0-1.20
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sensorutils
flink=$cache/flink-$version

failed() {
	tail -n 20 "$aside/log" >&2
	echo "flink-install: cannot fetch Apache Flink $version: it takes pip, Maven (tests/deps.sh" \
		"services) and a way to their registries" >&2
	exit 69
}

# pom ARTIFACT:VERSION...: what is to be fetched of org.apache.flink.
pom() {
	local artifact
	cat <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>sensorutils</groupId>
		  <artifactId>flink-for-tests</artifactId>
		  <version>1</version>
		  <dependencies>
	POM
	for artifact; do
		cat <<-POM
			<dependency>
			  <groupId>org.apache.flink</groupId>
			  <artifactId>${artifact%:*}</artifactId>
			  <version>${artifact#*:}</version>
			</dependency>
		POM
	done
	echo '</dependencies></project>'
}

# fetch FOLDER [OPTION...]: the jars of the pom into it. -U: a look-up that failed once is remembered
# otherwise.
fetch() {
	timeout 600 mvn -q -B -U -f "$aside/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$aside/$1" "${@:2}" >>"$aside/log" 2>&1 </dev/null ||
		failed
}

if [[ ! -d $flink ]]; then
	mkdir -p "$cache"
	# One at a time; who waited finds it there.
	exec 9>"$cache/lock-flink"
	flock 9
fi
if [[ ! -d $flink ]]; then
	echo "flink-install: fetching Apache Flink $version into $flink" >&2
	aside=$(mktemp -d "$cache/flink-$version.XXXXXX")
	trap 'rm -rf "$aside"' EXIT
	# The whole of lib/ and opt/ is in this package, without Python's own part of Flink.
	{ python3 -m venv "$aside/venv" &&
		timeout 600 "$aside/venv/bin/python" -m pip install --disable-pip-version-check --no-deps \
			--target "$aside/pip" "apache-flink-libraries==$version"; } >"$aside/log" 2>&1 || failed
	mkdir -p "$aside/flink/lib" "$aside/flink/client"
	mv "$aside"/pip/pyflink/lib/*.jar "$aside/flink/lib"
	# The client will not start without what it would run Python by.
	mv "$aside"/pip/pyflink/opt/flink-{sql-client,python}-*.jar "$aside/flink/client"
	pom "flink-connector-kafka:$connector" "flink-connector-base:$version" >"$aside/pom.xml"
	fetch flink/lib
	pom "flink-sql-gateway:$version" "flink-sql-gateway-api:$version" >"$aside/pom.xml"
	fetch flink/client -DexcludeTransitive=true
	mv -T "$aside/flink" "$flink"
fi
echo "$flink"
