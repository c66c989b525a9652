#!/usr/bin/env bats
# Exactly once into a database, proved by blows: torture_tables.py kills processes of two pipelines of one
# group, backends of PostgreSQL and the server, and compares the table with an undisturbed run's.

bats_require_minimum_version 1.5.0

@test "15 blows to pipelines with rules and windows that keep state: the table of the undisturbed run" {
	run "$BATS_TEST_DIRNAME/torture_tables.py" --verbose --kills 15 --seed 1 --records 40000
	printf '%s\n' "${lines[@]}"
	((status == 0))
	jq -e '.kills == 15 and ."rows missing" == 0 and ."rows too many" == 0' <<<"${lines[-1]}"
	# The pipelines get on: one that stood still would take the 10 s of the tormentor's patience.
	jq -e '.progress_p50_s < 2 and .recovery_p50_s < 5 and .not_in_time <= 2' <<<"${lines[-1]}"
	# There were rows to lose, alarms among them, and blows that hurt.
	jq -e '.rows > 1000 and .anomalies > 100 and .restarts >= 3' <<<"${lines[-1]}"
}

@test "a consumer that commits by itself, under the same tormentor: not the same table" {
	run "$BATS_TEST_DIRNAME/torture_tables.py" --usual --verbose --kills 5 --seed 1 --records 20000
	printf '%s\n' "${lines[@]}"
	((status == 1))
	jq -e '."rows missing" + ."rows too many" > 0' <<<"${lines[-1]}"
}
