#!/usr/bin/env bats
# Exactly once, proved by blows: torture.py kills and stops processes of two pipelines of one group.

bats_require_minimum_version 1.5.0
load torture

@test "30 blows to exactly-once pipelines: nothing lost, nothing doubled, all in order" {
	torture --kills 30 --seed 1
	((status == 0))
	holds '.kills == 30 and .records == 200000 and .read == 200000'
	holds '.lost == 0 and .doubled == 0 and .disorder == 0'
	# The blows fell where it hurts: seed 1 has a consumer that loses its partitions and goes on.
	holds '.restarts >= 10 and .resets >= 1'
	# And the group gets on: a pipeline that stood still would take the 10 s of the tormentor's patience.
	holds '.progress_p50_s < 2 and .recovery_p50_s < 5 and .not_in_time <= 3'
}

@test "the usual recipe under the same tormentor loses or doubles" {
	torture --usual --kills 5 --seed 1 --records 30000
	((status == 1))
	holds '.lost + .doubled > 0'
}
