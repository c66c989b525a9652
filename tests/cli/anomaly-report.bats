#!/usr/bin/env bats
# anomaly-report: scored records as one HTML page and PNG files.

load helper

setup() {
	skip_unless_peer gnuplot
	cd "$BATS_TEST_TMPDIR" || return
}

# 600 records of ten minutes each, every tenth anomalous; hostile names of fields and versions.
scored() {
	awk 'BEGIN {
		for (i = 0; i < 600; i++) {
			a = i % 10 == 3
			printf "{\"timestamp\":%d,\"sensor_id\":%d,\"label\":%d,\"temperature\":%.2f,\"humidity\":%d,", 1704067200 + 600 * i, i % 4, i % 10 == 3 || i % 97 == 0, 20 + (i * 7919) % 13 / 4 + 9 * a, (i * 104729) % 31
			printf "\"anomaly_score\":%.4f,\"is_anomaly\":%s,\"severity\":\"%s\",\"model_version\":\"0123456789ab\"}\n", 0.4 + 0.2 * a + (i * 31) % 17 / 200, (a ? "true" : "false"), (a ? (i % 30 == 3 ? "high" : "low") : "none")
		}
	}'
}

# page: what the page says, markup taken away, blanks squeezed.
page() {
	sed 's/<[^>]*>/ /g' "$1" | tr -s ' \n\302\240' ' '
}

is_png() {
	[[ $(head -c 8 "$1" | od -An -tx1 | tr -d ' \n') = 89504e470d0a1a0a ]]
}

@test "a page that stands by itself, with every picture" {
	scored >scored.jsonl
	run --separate-stderr -0 anomaly-report -o report.html scored.jsonl
	[[ -z $output && -z $stderr ]]
	[[ $(head -c 15 report.html) = '<!DOCTYPE html>' ]]
	[[ $(grep -c '<svg ' report.html) -eq 8 ]]
	[[ $(grep -c 'class="none"' report.html) -eq 0 ]]
	run ! grep -Eq '<(script|link|img|iframe|object|foreignObject|image|style [^>]*src)' report.html
	# Nothing is fetched: the one address is the name of SVG.
	[[ $(grep -Eo '(src|href)="[^#][^"]*"|https?://[^" ]*' report.html | sort -u) = http://www.w3.org/2000/svg ]]
	text=$(page report.html)
	[[ $text = *"600 scored records from 2024-01-01 00:00:00 to 2024-01-05 03:50:00 UTC; 60 called anomalous."* ]]
	[[ $text = *"Model 0123456789ab"* ]]
	[[ $text = *"Features 2 "* ]]
	[[ $text = *"temperature +"* ]]
	[[ $text = *" 2024-01-01 00:00:00 1 6 16.7 % "* ]]
}

@test "ids are unique and every reference has its id" {
	scored | anomaly-report -o report.html
	grep -Eo ' id="[^"]*"' report.html | cut -d'"' -f2 | sort >ids
	[[ -z $(uniq -d ids) ]]
	grep -Eo ' (href="#|aria-labelledby=")[^"]*"' report.html | tr -d '#' | cut -d'"' -f2 | sort -u >used
	[[ -z $(comm -13 ids used) ]]
}

@test "the same input gives the same page, from a file, a pipe and CSV alike" {
	scored >scored.jsonl
	anomaly-report scored.jsonl >first.html
	anomaly-report <scored.jsonl >second.html
	cmp first.html second.html
	jq -r '[.timestamp,.sensor_id,.label,.temperature,.humidity,.anomaly_score,.is_anomaly,.severity,.model_version]|@csv' scored.jsonl |
		sed '1i timestamp,sensor_id,label,temperature,humidity,anomaly_score,is_anomaly,severity,model_version' >scored.csv
	anomaly-report -o csv.html scored.csv
	cmp first.html csv.html
	run ! cmp -s first.html <(anomaly-report --generated-at scored.jsonl)
}

@test "pictures as PNG files, without a page; those that cannot be drawn go" {
	scored >scored.jsonl
	run --separate-stderr -0 anomaly-report --png new/ scored.jsonl
	[[ -z $output && -z $stderr ]]
	[[ $(cd new && echo *) = "days.png features.png hours.png precision-recall.png roc.png scores.png severity.png timeline.png" ]]
	for f in new/*; do
		is_png "$f"
	done
	echo kept >new/notes.txt
	jq -c 'del(.label,.timestamp,.severity)' scored.jsonl | anomaly-report --png new -o page.html
	[[ $(cd new && echo *) = "features.png notes.txt scores.png" ]]
	[[ -s page.html ]]
}

@test "what cannot be drawn says why" {
	echo '{"anomaly_score":0.5,"is_anomaly":false}' | anomaly-report -o page.html
	text=$(page page.html)
	[[ $text = *"No threshold is drawn: all verdicts are the same."* ]]
	[[ $text = *"The records have no time stamps."* ]]
	[[ $text = *"The records have no numeric fields to compare."* ]]
	[[ $text = *"The records have no severity."* ]]
	[[ $text = *"The records have no labels."* ]]
	echo '{"timestamp":0,"x":1,"label":0,"severity":"none","anomaly_score":0.5,"is_anomaly":false}' | anomaly-report -o page.html
	text=$(page page.html)
	[[ $text = *"No record was called anomalous."*"No record was called anomalous."*"No record was called anomalous."* ]]
	[[ $text = *"No record has a severity other than none."* ]]
	[[ $text = *"Every label says normal: there is nothing to find."* ]]
	echo '{"x":1,"label":true,"anomaly_score":0.5,"is_anomaly":true}' | anomaly-report -o page.html
	[[ $(page page.html) = *"Every record was called anomalous"*"Every label says anomalous"* ]]
	printf '%s\n' '{"anomaly_score":1e300,"is_anomaly":true}' '{"anomaly_score":0,"is_anomaly":false}' | anomaly-report -o page.html
	[[ $(page page.html) = *"The scores reach beyond what can be drawn."* ]]
}

@test "no records are a page that says so" {
	for input in '' 'timestamp,anomaly_score,is_anomaly
'; do
		printf %s "$input" | anomaly-report -o page.html
		[[ $(grep -c 'class="none">There are no records.' page.html) -eq 7 ]]
	done
}

# shellcheck disable=SC2016 # backquotes that nothing must run
@test "names and versions from data are neither markup nor commands" {
	jq -nc 'def names: ["\"; system(\"touch pwned\")","<script>alert(1)</script>","`touch pwned`","@$x","a\nb\tc","\\n\\",
			"שלום","\u202eevil","it'"'"'s","%d%s","$features << EOD","EOD","#c","{/Symbol a}^2","日本語","\u0000nul","",
			"</svg><script>x()</script>","]]>","&amp;", "x" * 5000, "é" * 60, "!touch pwned", "a\u0000b"];
		range(40) as $i | {f: ([names | to_entries[] | {key: .value, value: (($i * 7 + .key * $i) % 11)}] | from_entries),
			timestamp: $i, anomaly_score: ($i / 40), is_anomaly: ($i > 35), severity: "<b>",
			model_version: "<img src=x onerror=alert(1)>"}' >hostile.jsonl
	run --separate-stderr -0 anomaly-report --top 100 --png pictures -o page.html --title '<script>"&`touch pwned`' hostile.jsonl
	[[ -z $stderr && ! -e pwned && ! -e pictures/pwned ]]
	run ! grep -Eiq '<(script|img)' page.html
	grep -qF '<title>&lt;script&gt;&quot;&amp;`touch pwned`</title>' page.html
	grep -qF 'f.&lt;script&gt;alert(1)&lt;/script&gt;' page.html
	grep -qF '<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>' page.html
	# Neither raw controls nor overrides of direction, of which only U+FFFD is left.
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae' page.html
	grep -q $'f\\.\uFFFDevil' page.html
	# In the picture as text, cut in the middle.
	grep -qF '<text>f.xxxxxxxxxxxx…xxxxxxxxxxxxxxx</text>' page.html
	is_png pictures/features.png
}

@test "the threshold: from the verdicts, as given, or none; and the other way round" {
	printf '{"anomaly_score":%s,"is_anomaly":%s}\n' 0.25 false 0.5 false 0.75 true >in
	[[ $(anomaly-report in | page -) = *"between 0.5 and 0.75: the largest score of a normal record and the smallest of an anomalous one"*"threshold, 0.625."* ]]
	[[ $(anomaly-report --threshold 0.6 in | page -) = *"0.6, as given"* ]]
	printf '{"anomaly_score":%s,"is_anomaly":%s}\n' 0.25 false 0.8 false 0.75 true >in
	[[ $(anomaly-report in | page -) = *"none that all verdicts follow: scores of normal records reach 0.8, those of anomalous ones 0.75"* ]]
	printf '{"anomaly_score":%s,"is_anomaly":%s,"label":%s}\n' 0.25 false 0 0.5 false 0 -0.5 true 1 >in
	text=$(anomaly-report in | page -)
	[[ $text = *"between -0.5 and 0.25: the largest score of an anomalous record and the smallest of a normal one"* ]]
	[[ $text = *"Here lower scores are more anomalous."*"ROC-AUC 1.000"* ]]
}

@test "AUC and average precision are those of anomaly-eval" {
	scored >scored.jsonl
	text=$(anomaly-report scored.jsonl | page -)
	read -r auc from to ap < <(anomaly-eval --json scored.jsonl |
		jq -r '[.roc_auc, .roc_auc_interval[0], .roc_auc_interval[1], .average_precision] | map(. * 1000 | round / 1000) | @tsv')
	[[ $text = *"ROC-AUC $(printf '%.3f %.3f to %.3f' "$auc" "$from" "$to") "* ]]
	[[ $text = *"average precision $(printf %.3f "$ap") "* ]]
}

@test "a score that does not separate the labels is called so" {
	awk 'BEGIN { for (i = 0; i < 400; i++) print "{\"label\":" (i % 4 == 0) ",\"is_anomaly\":0,\"anomaly_score\":" (i * 7919) % 1009 "}" }' >noise
	[[ $(anomaly-report noise | page -) = *"The interval of the AUC contains 0.5: these records do not show that the score separates the classes."* ]]
}

@test "features: by patterns, of the verdict's object none, text left out and counted" {
	awk 'BEGIN { for (i = 0; i < 20; i++) printf "{\"id\":%d,\"a\":%d,\"b\":{\"c\":%d,\"d\":1},\"t\":null,\"s\":%s,\"v\":{\"anomaly_score\":%d,\"is_anomaly\":%d,\"extra\":3}}\n", i, i, i % 3, (i ? "\"x\"" : "1"), i, (i > 15) }' >in
	text=$(anomaly-report --as v in | page -)
	[[ $text = *"Compared: 2 of 5 fields. 1 has one value in all records. 1 has too few values in one of the classes. 1 held something that is no number"* ]]
	[[ $text = *"a +"* && $text != *"extra"* ]]
	[[ $(anomaly-report --as v --features 'b.*' in | page -) = *"Features 2 "* ]]
	[[ $(anomaly-report --as v --top 1 in | page -) = *"The 1 field whose mean"* ]]
	[[ $(anomaly-report --as v --features 'a,late' in | page -) = *"Compared: 1 of 2 fields. 1 has too few values"* ]]
	[[ $(anomaly-report --as v --truth b.d in | page -) = *"Features 4 "* ]]
	expect_error 64 "an empty name in 'a,,b'" anomaly-report --features a,,b in
}

@test "times: of strings and numbers, with an offset, with a unit" {
	echo '{"timestamp":"2024-01-01 00:00:00","anomaly_score":1,"is_anomaly":0}' >in
	run --separate-stderr -0 anomaly-report -o out.html in
	[[ $stderr = "anomaly-report: times without an offset are taken as UTC; --tz says otherwise" ]]
	run --separate-stderr -0 anomaly-report --tz +02:00 -o out.html in
	[[ -z $stderr ]]
	[[ $(page out.html) = *"2023-12-31 22:00:00 to 2023-12-31 22:00:00 UTC"* ]]
	echo '{"at":{"t":1.5},"anomaly_score":1,"is_anomaly":0}' >in
	[[ $(anomaly-report --time-field at.t in | page -) = *"1970-01-01 00:00:01.500 to"* ]]
	[[ $(anomaly-report --time-field at.t --time-unit ms in | page -) = *"1970-01-01 00:00:00.001 to"* ]]
	[[ $(anomaly-report in | page -) = *"no time stamps"* ]]
}

@test "records that were not scored, and verdicts that are none, are bad records" {
	for bad in '{"x":1}|absent: the record was not scored' \
		'{"anomaly_score":null,"is_anomaly":true}|null' \
		'{"anomaly_score":"1","is_anomaly":true}|is not a number' \
		'{"anomaly_score":1e999,"is_anomaly":true}|beyond' \
		'{"anomaly_score":1}|'"'is_anomaly' is missing" \
		'{"anomaly_score":1,"is_anomaly":2}|is_anomaly' \
		'{"anomaly_score":1,"is_anomaly":1,"severity":3}|severity' \
		'{"anomaly_score":1,"is_anomaly":1,"label":"x"}|label' \
		'{"anomaly_score":1,"is_anomaly":1,"timestamp":"now"}|timestamp' \
		'{"anomaly_score":1,"is_anomaly":1,"timestamp":true}|timestamp'; do
		echo "${bad%%|*}" >in
		expect_error 65 "in:1" anomaly-report -o page.html in
		[[ $stderr = *"${bad#*|}"* && ! -e page.html ]]
		run -0 anomaly-report --rejects rejects -o page.html in
		[[ $(page page.html) = *"Bad records 1 left out"* ]]
		rm page.html
	done
	[[ $(wc -l <rejects) -eq 10 ]]
}

@test "a page is replaced whole or not at all" {
	echo old >page.html
	echo '{' >in
	run -65 anomaly-report -o page.html in
	[[ $(cat page.html) = old && $(echo *) = "in page.html" ]]
	run -73 anomaly-report -o nowhere/page.html /dev/null
	scored >scored.jsonl
	touch file
	expect_error 73 "file" anomaly-report --png file scored.jsonl
}

@test "without gnuplot: 69, and which package has it" {
	scored >scored.jsonl
	program=$(command -v anomaly-report)
	run --separate-stderr -69 env PATH=/nonexistent "$program" -o page.html scored.jsonl
	[[ $stderr = "anomaly-report: "*"the package gnuplot-nox" && ! -e page.html ]]
}

@test "when gnuplot fails: 69, its words, and no page" {
	scored >scored.jsonl
	mkdir bin
	printf '#!/bin/sh\necho "line 3: out of ink" >&2\nexit 2\n' >bin/gnuplot
	chmod +x bin/gnuplot
	PATH=$BATS_TEST_TMPDIR/bin:$PATH expect_error 69 "cannot draw 'scores': '$BATS_TEST_TMPDIR/bin/gnuplot' failed with status 2: line 3: out of ink" anomaly-report -o page.html scored.jsonl
	[[ ! -e page.html ]]
}

@test "gnuplot says nothing about any picture" {
	scored >scored.jsonl
	mkdir bin
	printf '#!/bin/sh\n%s "$@" 2>>%s/words\n' "$(command -v gnuplot)" "$PWD" >bin/gnuplot
	chmod +x bin/gnuplot
	for input in scored.jsonl <(echo '{"timestamp":0,"anomaly_score":0,"is_anomaly":true}') \
		<(printf '{"timestamp":%s,"x":%d,"label":%d,"anomaly_score":%d,"is_anomaly":%d}\n' 0 1 0 1 0 9e9 2 1 2 1 9e9 3 1 2 1); do
		PATH=$BATS_TEST_TMPDIR/bin:$PATH anomaly-report --png pictures -o page.html "$input"
	done
	[[ ! -s words ]]
}

@test "an end without 'end' after control records: 75; with it they are no records" {
	echo '{"_kafka":{"control":"assign","seq":0,"session":"s","topic":"t","partition":0,"from":0,"processed":0,"epoch":0}}' >in
	echo '{"anomaly_score":1,"is_anomaly":0}' >>in
	run -75 anomaly-report -o page.html in
	[[ ! -e page.html ]]
	echo '{"_kafka":{"control":"end","seq":1,"session":"s"}}' >>in
	run -0 anomaly-report -o page.html in
	[[ $(page page.html) = *" 1 scored record;"* ]]
}

# bats test_tags=native
@test "two million records in 64 MiB of address space" {
	awk 'BEGIN {
		for (i = 0; i < 2000000; i++)
			printf "{\"timestamp\":%d,\"x\":%d,\"y\":%d,\"label\":%d,\"anomaly_score\":0.%06d,\"is_anomaly\":%s,\"severity\":\"none\"}\n", 1700000000 + 2 * i, i % 97, i % 89, i % 1009 == 0, (i * 7919) % 1000003, (i % 1013 ? "false" : "true")
	}' >many.jsonl
	(ulimit -S -v 65536 && anomaly-report --png pictures -o page.html many.jsonl)
	[[ $(page page.html) = *" 2,000,000 scored records"*"a uniform sample of 1,000,000 records"* ]]
}

@test "dates under axes of time lie within the picture" {
	# The last hour ends at midnight, where the last tick is.
	scored | head -n 576 | anomaly-report -o report.html
	sed 's/<g /\n&/g' report.html | sed -n 's/^<g transform="translate(\([0-9.]*\),.*<text>\(....-..-..\).*/\1 \2/p' >dates
	grep -q 2024-01-05 dates
	awk '$1 + 39 > 860 { exit 1 }' dates # half of ten characters of 13 px; pictures are 860 wide
}

@test "the legend of the timeline stands in one row above it" {
	# Two records a step, so that it has all four entries.
	scored | awk '{ print; print }' | anomaly-report -o report.html
	sed -n '/id="timeline-alt"/,/<figcaption/p' report.html | sed 's/<g /\n&/g' |
		sed -n 's/^<g transform="translate([0-9.]*,\([0-9.]*\)).*<text>\(mean\|normal range\|anomalous\|threshold\)<.*/\1 \2/p' >legend
	[[ $(cut -d' ' -f2- legend | sort) = $'anomalous\nmean\nnormal range\nthreshold' ]]
	[[ $(cut -d' ' -f1 legend | sort -u | wc -l) -eq 1 ]]
}
