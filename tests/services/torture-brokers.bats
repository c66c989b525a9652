#!/usr/bin/env bats
# Exactly once with three brokers, replication 3 and min.insync.replicas 2, proved by blows to them, too.

bats_require_minimum_version 1.5.0
load torture

@test "three brokers, one ended, one killed, one stopped, and blows to pipelines: exactly once" {
	torture --brokers 3 --kills 6 --seed 43 --records 40000
	((status == 0))
	holds '.brokers == 3 and .kills == 6 and .records == 40000 and .read == 40000'
	holds '.lost == 0 and .doubled == 0 and .disorder == 0'
	printf '%s\n' "${lines[@]}" | grep '^blows: 1 × KILL broker, 1 × STOP broker, 1 × TERM broker, '
	# A consumer has lost its partitions and gone on.
	holds '.restarts >= 1 and .resets >= 1'
	holds '.progress_p50_s < 5 and .recovery_p50_s < 25 and .not_in_time <= 2'
}
