#!/usr/bin/env bats
# sensor-sim: profiles by name and from files, time, faults of transport, signals. What the profiles give
# in numbers, the unit tests say.

load helper

setup() {
	export SENSORUTILS_DATA=$BATS_TEST_DIRNAME/../../data
	profiles=$(realpath "$SENSORUTILS_DATA/profiles")
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[[ -z ${pid-} ]] || kill -KILL "$pid" 2>/dev/null || true
}

# start COMMAND...: runs it with standard output to a pipe on descriptor 8; $pid is its process.
start() {
	mkfifo out.fifo
	env --default-signal=INT,TERM,PIPE "$@" >out.fifo 2>err 8>&- &
	pid=$!
	exec 8<out.fifo
}

# timed COMMAND...: its output in $output, its microseconds in $took.
timed() {
	local begin=${EPOCHREALTIME/./}
	output=$("$@")
	took=$((${EPOCHREALTIME/./} - begin))
}

wall_clock() {
	date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

@test "a profile by name, by path and from standard input" {
	sensor-sim --step 1s --count 100 city >by_name
	sensor-sim --step 1s --count 100 "$profiles/city.json" | cmp - by_name
	sensor-sim --step 1s --count 100 - <"$profiles/city.json" | cmp - by_name
	cp "$profiles/lake.json" city.json
	sensor-sim --step 1s --count 5 city.json | jq -se 'length == 5 and all(.sensor_id | startswith("lake-"))'
	sensor-sim --step 1s --count 100 city | cmp - by_name
	expect_error 66 "no profile 'town': there are city, factory, fleet, lake, secom, and files by path or as NAME.json" \
		sensor-sim town
	expect_error 66 "cannot open './town'" sensor-sim ./town
	expect_error 66 "cannot open 'town.json'" sensor-sim town.json
	expect_error 66 "no profile ''" sensor-sim ''
	expect_error 66 "no profile '$(printf 'x%.0s' {1..60})'" sensor-sim "$(printf 'x%.0s' {1..300})"
	expect_error 64 "names no profile" sensor-sim
	expect_error 64 "takes one profile, not 'lake' too" sensor-sim city lake
}

@test "--print: the profile itself, whatever the other options" {
	for profile in city factory fleet lake secom; do
		sensor-sim --print --count 3 "$profile" | cmp - "$profiles/$profile.json"
	done
	jq 'del(.anomalies)' "$profiles/lake.json" >my.json
	sensor-sim --print my.json | cmp - my.json
	sensor-sim --print - <my.json >printed
	cmp printed my.json
	expect_error 66 "no profile 'town'" sensor-sim --print town
	expect_error 66 "cannot open './town'" sensor-sim --print ./town
	run -74 sh -c 'sensor-sim --print city >/dev/full'
}

@test "installed profiles are found beside the program" {
	mkdir -p usr/bin usr/share/sensorutils source/build/{bin,asan/bin} source/data data
	cp -r "$profiles" usr/share/sensorutils
	cp -r "$profiles" source/data
	cp -r "$profiles" data # somebody's
	cp "$SENSORUTILS_BUILD/bin/sensor-sim" usr/bin
	cp usr/bin/sensor-sim source/build/bin
	cp usr/bin/sensor-sim source/build/asan/bin
	unset SENSORUTILS_DATA
	usr/bin/sensor-sim --step 1s --count 1 city | jq -e '.zone == "Downtown"'
	source/build/bin/sensor-sim --step 1s --count 1 city | jq -e '.zone == "Downtown"'
	source/build/asan/bin/sensor-sim --step 1s --count 1 city | jq -e '.zone == "Downtown"'
	rm -r usr/share
	expect_error 66 "name a file, or set SENSORUTILS_DATA" usr/bin/sensor-sim city
	SENSORUTILS_DATA=nosuch expect_error 66 "such as 'nosuch/profiles'" usr/bin/sensor-sim city
}

@test "the same seed gives the same bytes; fewer readings are the beginning of more" {
	for p in city factory fleet lake secom; do
		sensor-sim --step 1s --count 3000 --sensors 40 --seed 5 $p >all
		sensor-sim --step 1s --count 3000 --sensors 40 --seed 5 $p | cmp - all
		sensor-sim --step 1s --count 1234 --sensors 40 --seed 5 $p | cmp - <(head -n 1234 all)
		run -1 cmp all <(sensor-sim --step 1s --count 3000 --sensors 40 --seed 6 $p)
	done
}

@test "more sensors leave the others as they were" {
	sensor-sim --step 1s --count 2000 --sensors 20 fleet >few
	sensor-sim --step 1s --count 2100 --sensors 21 fleet | grep -v '"sensor-00021"' | cmp - few
	[[ $(sensor-sim --step 1s --count 17 --sensors 17 city | jq -r .sensor_id | tail -n 9 | tr '\n' ' ') = \
	"downtown-2 university-2 industrial-2 residential-north-2 residential-south-2 shopping-2 tech-hub-2 medical-2 downtown-3 " ]]
}

@test "another seed is another day of the same sensors" {
	sensor-sim --step 1s --count 500 --sensors 50 --seed 1 fleet >one
	sensor-sim --step 1s --count 500 --sensors 50 --seed 2 fleet >two
	cmp <(jq -c '[.sensor_id, .meta.location]' one) <(jq -c '[.sensor_id, .meta.location]' two)
	[[ $(jq -r .meta.location one | sort -u | tr '\n' ' ') = "east north south west " ]]
	# Bases: medians of ten readings of either seed differ by no more than noise.
	join <(jq -r '[.sensor_id, .value] | @tsv' one | sort -k1,1 -k2n | awk 'NR % 10 == 5') \
		<(jq -r '[.sensor_id, .value] | @tsv' two | sort -k1,1 -k2n | awk 'NR % 10 == 5') |
		awk '{ d = $2 - $3; if (d * d > 1.5 ^ 2) far++; if (d == 0) same++ } END { exit far > 2 || same > 5 || NR != 50 }'
	# The profile's seed makes others.
	jq '.sensors.seed = 3' "$profiles/fleet.json" >other.json
	run -1 cmp -s <(jq -r .meta.location one) <(sensor-sim --step 1s --count 500 --sensors 50 --seed 1 other.json | jq -r .meta.location)
}

@test "--start and --step: simulated time, a turn of the sensors each step" {
	[[ $(sensor-sim --start 2024-02-28T23:59:59.5+01:00 --step 250ms --count 3 --sensors 2 city | jq -r .timestamp) = \
	$'2024-02-28T22:59:59.500Z\n2024-02-28T22:59:59.500Z\n2024-02-28T22:59:59.750Z' ]]
	[[ $(sensor-sim --start 2024-01-01T00:00:00Z --count 2 secom | jq -r .timestamp) = $'2024-01-01T00:00:00.000Z\n2024-01-01T00:00:10.000Z' ]]
	[[ $(sensor-sim --step 1d --count 2 --sensors 1 lake | jq -r .timestamp) = $'2024-01-01T00:00:00.000Z\n2024-01-02T00:00:00.000Z' ]]
	run --separate-stderr -65 sensor-sim --step 300d --sensors 1 lake
	[[ $stderr = "sensor-sim: simulated time passes the year 2262 after "* ]]
	[[ ${#lines[@]} -eq $(grep -o '[0-9]* readings' <<<"$stderr" | tr -dc 0-9) && ${lines[-1]} = *2262-* || ${lines[-1]} = *2261-* ]]
}

@test "in real time records have the time they are written, and none is early" {
	before=$(wall_clock)
	timed sensor-sim --rate 20 --count 5 city
	after=$(wall_clock)
	((took >= 200000 && took < 20000000))
	first=$before
	while read -r t; do
		[[ ! $t < $first && ! $t > $after ]]
		first=$t
	done < <(jq -r .timestamp <<<"$output")
	# By the profile: eight sensors, a second a turn.
	timed sensor-sim --count 5 city
	((took >= 500000 && took < 20000000))
	# Simulated time at a rate.
	timed sensor-sim --start 2024-01-01T00:00:00Z --rate 100 --count 21 city
	((took >= 200000 && took < 20000000))
	[[ $output = "$(sensor-sim --step 1s --count 21 city)" ]]
}

@test "CSV is what the JSON would be converted to" {
	for p in city factory fleet lake secom; do
		sensor-sim --step 1s --count 500 --sensors 7 $p >out.json
		sensor-sim --step 1s --count 500 --sensors 7 --to csv $p >out.csv
		record-replay --to csv out.json | cmp - out.csv
		record-replay --to json out.csv | record-replay --to csv | cmp - out.csv
	done
	echo '{"sensors":{},"signals":{"x":{"process":"gaussian","mean":0,"sd":1}},"record":{"x":"%{x}"}}' >one.json
	sensor-sim --step 1s --count 1 one.json
	expect_error 64 "option '--to': CSV takes records of two fields or more" sensor-sim --step 1s --count 1 --to csv one.json
}

# field NAME: a count of the last words on standard error.
field() {
	sed -nE "s/^sensor-sim: .* ([0-9]+) $1.*/\1/p" err
}

@test "faults of transport are counted as they are" {
	sensor-sim --step 1s --count 5000 lake >clean 2>err
	[[ ! -s err ]]
	sensor-sim --step 1s --count 5000 --duplicate 0.02 lake >out 2>err
	uniq out | cmp - clean
	(($(wc -l <out) == 5000 + $(field duplicated) && $(field duplicated) > 50))
	(($(field lines) == $(wc -l <out) && $(field 'of them anomalous') == $(grep -c '"label":1' clean)))
	grep -q '^sensor-sim: 5000 readings, ' err

	sensor-sim --step 1s --count 5000 --late 0.1:60s lake >out 2>err
	sort out | cmp - <(sort clean)
	late=$(jq -r .timestamp out | awk '{ if ($1 > newest) newest = $1; else if ($1 < newest) n++ } END { print n }')
	((late == $(field late) && late > 400))

	sensor-sim --step 1s --count 5000 --shuffle 50 lake >out 2>err
	[[ $(wc -l <out) -eq 5000 ]]
	for n in 1 51 4951; do
		sed -n "$n,$((n + 49))p" out | sort | cmp - <(sed -n "$n,$((n + 49))p" clean | sort)
		run -1 cmp -s <(sed -n "$n,$((n + 49))p" out) <(sed -n "$n,$((n + 49))p" clean)
	done

	for to in json csv; do
		sensor-sim --step 1s --count 5000 --to $to lake >clean
		sensor-sim --step 1s --count 5000 --to $to --corrupt 0.05 lake >out 2>err
		record-replay --rejects bad.$to out >good 2>said
		cut=$(field 'cut short') bytes=$(field 'with wrong bytes') nonsense=$(field nonsense)
		((cut > 50 && bytes > 50 && nonsense > 50))
		[[ $(wc -l <bad.$to) -eq $((cut + bytes + nonsense)) ]]
		run -1 grep -vxFf clean good
		(($(wc -l <good) == $(wc -l <clean) - cut - bytes - nonsense))
	done

	# All at once, each where it struck alone.
	sensor-sim --step 1s --count 5000 --duplicate 0.02 --late 0.1:60s --shuffle 50 --corrupt 0.05 lake >out 2>err
	(($(wc -l <out) == 5000 + $(field duplicated) && $(field late) > 400 && $(field nonsense) > 50))
	sensor-sim --step 1s --count 5000 --duplicate 0.02 --late 0.1:60s --shuffle 50 --corrupt 0.05 lake 2>/dev/null | cmp - out
}

@test "SIGTERM ends it as --count does: what is held comes out, and 0" {
	start sensor-sim --rate 200 --late 0.5:1h --shuffle 7 fleet
	for _ in {1..14}; do
		read -r -u 8 _
	done
	kill -TERM "$pid"
	rest=$(cat <&8)
	status=0
	wait "$pid" || status=$?
	pid=
	[[ $status -eq 0 ]]
	n=$(sed -nE 's/^sensor-sim: ([0-9]+) readings.*/\1/p' err)
	((n >= 14 && n == 14 + $(wc -l <<<"$rest")))
	jq -e . <<<"$rest" >/dev/null
}

@test "SIGTERM ends a run as fast as possible, too; SIGINT is died of" {
	start sensor-sim --step 1s city
	read -r -u 8 _
	kill -TERM "$pid"
	tail -n 1 <&8 | jq -e .label >/dev/null
	wait "$pid"
	rm out.fifo
	start sensor-sim --rate 100 city
	read -r -u 8 _
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	pid=
	[[ $status -eq 130 ]]
}

@test "a reader that has enough ends it by SIGPIPE, as fast as possible and while none is due" {
	run -141 bash -o pipefail -c 'sensor-sim --step 1s city | head -n 3 >/dev/null'
	run -141 bash -o pipefail -c 'sensor-sim --rate 0.001 city | head -n 1 >/dev/null'
}

@test "--metrics: readings, labels by type, faults" {
	sensor-sim --step 1s --count 20000 --corrupt 0.01 --duplicate 0.01 --metrics m city >out 2>err
	metric() { sed -nE "s/^sensorutils_$1\{program=\"sensor-sim\"$2\} //p" m; }
	[[ $(metric records_total) = 20000.0 ]]
	[[ $(metric records_written_total) = $(wc -l <out).0 ]]
	[[ $(metric lines_duplicated_total) = $(field duplicated).0 ]]
	[[ $(metric lines_damaged_total ',damage="cut"') = $(field 'cut short').0 ]]
	sensor-sim --step 1s --count 20000 city >clean
	for type in temperature_spike air_quality_spike noise_spike traffic_spike; do
		[[ $(metric records_labelled_total ",label_type=\"$type\"") = $(grep -c "\"$type\"" clean).0 ]]
	done
	# Anomalies that share a type are one sample.
	jq '.anomalies[].label_type = "any"' "$profiles/city.json" >any.json
	sensor-sim --step 1s --count 20000 --metrics m any.json >out
	[[ $(metric records_labelled_total ',label_type="any"') = $(grep -c '"label":1' clean).0 ]]
	expect_error 73 "cannot write metrics" sensor-sim --step 1s --count 1 --metrics nosuch/m city
}

@test "a bad profile: the file, the path in it and the reason; 78" {
	while IFS='|' read -r change message; do
		jq "$change" "$profiles/city.json" >bad.json
		expect_error 78 "bad.json: $message" sensor-sim --count 1 --step 1s bad.json
	done <<-'E'
		.anomalies[2].signals.noise_level.by = "loud"|anomalies[2].signals.noise_level.by: must be a number or [lowest, highest], not 'loud'
		.anomalies[0].signals = {"temprature": {"by": 1}}|anomalies[0].signals.temprature: there is no such signal
		.signals.temperature.sd = -1|signals.temperature.sd: must be a number from 0 to 1e+15, not -1
		.signals.temperature.dayly = "x"|signals.temperature.dayly: is unknown; what may stand here is
		.sensors.rows[3].t = "hot"|sensors.rows[3].t: must be a number from -1e+15 to 1e+15, not 'hot'
		.record.temperature = "%{temp}"|record.temperature: '%{temp}' stands for no signal and for nothing of 'sensors'
		.daily.traffic = [1]|daily.traffic: must be an array of 24 factors, for the hours 0 to 23, not an array of 1
		del(.record)|lacks 'record'
	E
	printf '{\n  "step": "1s",,\n}' >bad.json
	expect_error 78 "bad.json:2:16: profile is not JSON" sensor-sim bad.json
	: >bad.json
	expect_error 78 "bad.json:1: profile is not JSON" sensor-sim bad.json
	expect_error 78 "(stdin):1: profile is not JSON" sensor-sim - <bad.json
	head -c 17000000 /dev/zero >bad.json
	expect_error 65 "bad.json" sensor-sim bad.json
	expect_error 65 "standard input has more than 16777216 bytes" sensor-sim - <bad.json
}

@test "options out of their range" {
	for option in --sensors=0 --sensors=10000001 --count=0 --rate=0 --late=0.1 --late=0.1: --late=2:1s --late=:1s --late=x:1s \
		--late=0.1:0s --duplicate=1.1 --corrupt=-1 --shuffle=0 --start=noon --step=1 --seed=-1 --to=xml; do
		expect_error 64 "option '${option%%=*}'" sensor-sim "$option" city
	done
}

@test "a forest finds the city's anomalies, and factory's lost readings are missing values" {
	sensor-sim --step 10s --count 8000 city >train.jsonl
	sensor-sim --step 10s --seed 1 --count 8000 city >test.jsonl
	iforest-train --contamination 0.05 --seed 1 -o city.model train.jsonl
	anomaly-score -m city.model test.jsonl | anomaly-eval --json >eval.json
	# It is 0.929 for these seeds, 0.917 to 0.940 for others with 95 %.
	jq -e '.roc_auc > 0.9' eval.json
	sensor-sim --step 1s --count 200000 factory | grep '"dropout"' >lost
	[[ -s lost ]]
	jq -se 'all(.humidity == null and .temperature != null)' lost >/dev/null
}
