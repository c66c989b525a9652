#!/bin/bash
# spark-install.sh: prints a folder with Apache Spark, fetched on first use by pip and Maven into
# ${XDG_CACHE_HOME:-~/.cache}/sensorutils/spark-VERSION: bin/ of a Python that has it, and jars/ with
# its connector to Kafka. A file `ready` in it says that it is complete.
set -euo pipefail

version=3.5.3
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sensorutils
spark=$cache/spark-$version

failed() {
	tail -n 20 "$spark/log" >&2
	echo "spark-install: cannot fetch Apache Spark $version: it takes pip, Maven (tests/deps.sh" \
		"services) and a way to their registries" >&2
	exit 69
}

if [[ ! -e $spark/ready ]]; then
	mkdir -p "$cache"
	# One at a time; who waited finds it there.
	exec 9>"$cache/lock-spark"
	flock 9
fi
if [[ ! -e $spark/ready ]]; then
	echo "spark-install: fetching Apache Spark $version into $spark" >&2
	# In its place from the beginning, for a virtual environment cannot be moved.
	rm -rf "$spark"
	python3 -m venv "$spark"
	timeout 600 "$spark/bin/python" -m pip install --disable-pip-version-check \
		"pyspark==$version" >"$spark/log" 2>&1 || failed
	cat >"$spark/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>sensorutils</groupId>
		  <artifactId>spark-for-tests</artifactId>
		  <version>1</version>
		  <dependencies>
		    <dependency>
		      <groupId>org.apache.spark</groupId>
		      <artifactId>spark-sql-kafka-0-10_2.12</artifactId>
		      <version>$version</version>
		      <exclusions>
		        <exclusion><groupId>org.apache.hadoop</groupId><artifactId>*</artifactId></exclusion>
		      </exclusions>
		    </dependency>
		  </dependencies>
		</project>
	POM
	# -U: a look-up that failed once is remembered otherwise.
	timeout 600 mvn -q -B -U -f "$spark/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$spark/jars" >>"$spark/log" 2>&1 </dev/null || failed
	touch "$spark/ready"
fi
echo "$spark"
