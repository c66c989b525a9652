#!/usr/bin/env bats
# anomaly-eval: figures of verdict and score against the truth.

load helper

setup() {
	page=$(realpath "$BATS_TEST_DIRNAME/../../man/anomaly-eval.1")
	cd "$BATS_TEST_TMPDIR"
	# 6 anomalous, 14 normal; of the 5 called so 3 are; scores tie at 0.6 across the classes.
	awk 'BEGIN {
		split("0.9 0.8 0.7 0.6 0.3 0.2", anomalous); split("0.75 0.65 0.6 0.5", normal)
		for (i = 1; i <= 6; i++)
			print "{\"label\":1,\"is_anomaly\":" (i < 4 ? "true" : "false") ",\"anomaly_score\":" anomalous[i] "}"
		for (i = 1; i <= 14; i++)
			print "{\"label\":0,\"is_anomaly\":" (i < 3 ? "true" : "false") ",\"anomaly_score\":" (i in normal ? normal[i] : 0.1) "}"
	}' >scored.jsonl
}

# field KEY: that key of the object in $output, as JSON.
field() {
	jq -c "$1" <<<"$output"
}

@test "text: every figure, aligned, to the digit" {
	run --separate-stderr -0 anomaly-eval scored.jsonl
	[[ -z $stderr ]]
	diff - <(echo "$output") <<-'END'
		records                   20
		  anomalous                6   30.00 %
		  normal                  14   70.00 %

		truth               called anomalous     called normal
		anomalous                          3                 3
		normal                             2                12

		precision             0.6000  of those called anomalous, the share that is
		recall                0.5000  of those anomalous, the share that was called so
		F1                    0.5455  the harmonic mean of precision and recall
		accuracy              0.7500  always saying "normal" has 0.7000

		ROC-AUC               0.8631  95 % interval 0.6726 to 0.9881; chance has 0.5
		average precision     0.7462  95 % interval 0.4972 to 0.9762; chance has 0.3000
		precision at k        0.5833  of the k = 6 highest scores
		best F1               0.7500  at score >= 0.2
		                              chosen on this same data: it flatters

		The interval of the ROC-AUC lies above 0.5: the score separates the classes
		better than chance does.

		Intervals: percentile bootstrap, seed 42, 1000 replicates.
		With fewer than 20 records of a class they are too narrow.
	END
}

@test "json: the documented keys in their order, and their values" {
	run --separate-stderr -0 anomaly-eval --json scored.jsonl
	[[ ${#lines[@]} -eq 1 ]]
	[[ $(field keys_unsorted) = '["records","positives","negatives","unlabelled","rejected","confusion","precision","recall","f1","accuracy","accuracy_always_normal","roc_auc","roc_auc_interval","average_precision","average_precision_interval","precision_at_k","best_f1","k","best_f1_threshold","best_f1_chosen_on","lower_is_anomalous","separation","bootstrap","undefined"]' ]]
	[[ $(field '[.records,.positives,.negatives,.unlabelled,.rejected,.k]') = '[20,6,14,0,0,6]' ]]
	[[ $(field .confusion) = '{"tp":3,"fp":2,"fn":3,"tn":12}' ]]
	[[ $(field '[.precision,.recall,.accuracy,.accuracy_always_normal]') = '[0.6,0.5,0.75,0.7]' ]]
	[[ $(field '.roc_auc == 72.5 / 84') = true ]]
	[[ $(field '.roc_auc_interval[0] < .roc_auc and .roc_auc < .roc_auc_interval[1]') = true ]]
	[[ $(field '[.best_f1_threshold,.best_f1_chosen_on,.separation]') = '[0.2,"same data","yes"]' ]]
	[[ $(field .bootstrap) = '{"replicates":1000,"seed":42,"coverage":0.95}' ]]
	[[ $(field .undefined) = '{}' ]]
}

@test "the keys of the manual are those of the program" {
	diff <(anomaly-eval --json scored.jsonl | jq -r 'keys_unsorted[]' | sort) \
		<(sed -n 's/^\.It Cm //p' "$page" | tr -s ' ,' '\n' | grep -v '^Cm$' | sort)
}

@test "a score that does not separate the classes is called so" {
	awk 'BEGIN { for (i = 0; i < 400; i++) print "{\"label\":" (i % 4 == 0) ",\"is_anomaly\":0,\"anomaly_score\":" (i * 7919) % 1009 "}" }' >noise.jsonl
	run -0 anomaly-eval noise.jsonl
	[[ $output = *"The interval of the ROC-AUC contains 0.5: the score does not separate the"$'\n'"classes."* ]]
	[[ $output != *"too narrow"* ]]
	run -0 anomaly-eval --json noise.jsonl
	[[ $(field .separation) = '"no"' ]]
}

@test "lower is anomalous: the same figures from negated scores, and a word when it is forgotten" {
	jq -c '.anomaly_score *= -1' scored.jsonl >decision.jsonl
	run -0 anomaly-eval --lower-is-anomalous decision.jsonl
	[[ $output = *"0.7500  at score <= -0.2"* ]]
	diff <(anomaly-eval scored.jsonl | grep -v 'at score') <(echo "$output" | grep -v 'at score')
	run -0 anomaly-eval decision.jsonl
	[[ $output = *"lies below 0.5: the score ranks the anomalies last"* ]]
	run -0 anomaly-eval --json decision.jsonl
	[[ $(field '[.separation,.lower_is_anomalous]') = '["reversed",false]' ]]
}

@test "other fields: --truth, --verdict, --score, --as; nested ones too" {
	anomaly-eval --json scored.jsonl >expected
	jq -c '{broken: .label, b: {is_anomaly, anomaly_score}, label: "x"}' scored.jsonl >nested.jsonl
	anomaly-eval --json --truth broken --as b nested.jsonl | cmp - expected
	anomaly-eval --json --truth broken --verdict b.is_anomaly --score b.anomaly_score nested.jsonl | cmp - expected
	jq -c '{label: .label, "a.b": {is_anomaly}, s: .anomaly_score}' scored.jsonl >dotted.jsonl
	anomaly-eval --json --as a.b --score s dotted.jsonl | cmp - expected
	expect_error 64 "'is_anomaly' cannot be the truth" anomaly-eval --truth is_anomaly scored.jsonl
	expect_error 64 "cannot be the truth" anomaly-eval --score label scored.jsonl
	expect_error 64 "..b" anomaly-eval --score ..b scored.jsonl
}

@test "CSV, files and standard input, LF and CRLF give the same figures" {
	anomaly-eval scored.jsonl >expected
	jq -rn '"label,is_anomaly,anomaly_score", (inputs | [.label, .is_anomaly, .anomaly_score] | @csv)' scored.jsonl >scored.csv
	anomaly-eval scored.csv | cmp - expected
	anomaly-eval <scored.jsonl | cmp - expected
	sed 's/$/\r/' scored.csv | anomaly-eval | cmp - expected
	head -n 5 scored.jsonl >a.jsonl
	tail -n +6 scored.jsonl | anomaly-eval a.jsonl - | cmp - expected
}

@test "neither threads nor order matter; the seed does" {
	anomaly-eval scored.jsonl >expected
	anomaly-eval -j 3 scored.jsonl | cmp - expected
	tac scored.jsonl | anomaly-eval | cmp - expected
	run -0 anomaly-eval --seed 43 scored.jsonl
	[[ $output != "$(cat expected)" ]]
}

@test "--bootstrap 0: no intervals, and no judgement" {
	run -0 anomaly-eval --bootstrap 0 scored.jsonl
	[[ $output = *"ROC-AUC               0.8631  chance has 0.5"* ]]
	[[ $output != *nterval* ]]
	run -0 anomaly-eval --json --bootstrap 0 scored.jsonl
	[[ $(field '[.roc_auc_interval,.average_precision_interval,.separation]') = '[null,null,null]' ]]
}

@test "no anomalous records: what can be said is said, the rest with the reason" {
	grep '"label":0' scored.jsonl >normal.jsonl
	run --separate-stderr -0 anomaly-eval normal.jsonl
	[[ $output = *"recall             undefined  no record is anomalous in truth"* ]]
	[[ $output = *"ROC-AUC            undefined  no record is anomalous in truth"* ]]
	[[ $output = *"accuracy              0.8571  always saying \"normal\" has 1.0000"* ]]
	run -0 anomaly-eval --json normal.jsonl
	[[ $(field '[.precision,.recall,.roc_auc,.roc_auc_interval,.best_f1,.best_f1_threshold]') = '[0,null,null,null,null,null]' ]]
	[[ $(field '.undefined | keys') = '["average_precision","best_f1","precision_at_k","recall","roc_auc"]' ]]
}

@test "no normal records, and nothing called anomalous" {
	jq -c 'select(.label == 1) | .is_anomaly = false' scored.jsonl >anomalous.jsonl
	run -0 anomaly-eval anomalous.jsonl
	[[ $output = *"precision          undefined  no record was called anomalous"* ]]
	[[ $output = *"ROC-AUC            undefined  no record is normal in truth"* ]]
	[[ $output = *"average precision     1.0000  "* ]]
	run -0 anomaly-eval --json anomalous.jsonl
	[[ $(field '[.f1,.average_precision,.precision]') = '[0,1,null]' ]]
}

@test "no records: 65" {
	expect_error 65 "no record with truth" anomaly-eval /dev/null
	echo 'label,is_anomaly,anomaly_score' >header.csv
	expect_error 65 "no record with truth" anomaly-eval header.csv
}

@test "without truth: a bad record, or left out and counted" {
	sed '3s/"label":1,//; 4s/"label":1/"label":null/' scored.jsonl >part.jsonl
	expect_error 65 "part.jsonl:3: 'label' is absent; --skip-unlabelled" anomaly-eval part.jsonl
	run --separate-stderr -0 anomaly-eval --skip-unlabelled part.jsonl
	[[ $output = "records                   18"* ]]
	[[ $output = *"left out                   2  without truth"* ]]
	run -0 anomaly-eval --json --skip-unlabelled part.jsonl
	[[ $(field '[.records,.unlabelled,.rejected]') = '[18,2,0]' ]]
	jq -c 'del(.label)' scored.jsonl >none.jsonl
	expect_error 65 "no record with truth" anomaly-eval --skip-unlabelled none.jsonl
}

@test "bad records stop it at their line, or go to --rejects and are counted" {
	bad=(
		'{"label":1,"anomaly_score":1}' "'is_anomaly' is absent"
		'{"label":1,"is_anomaly":null,"anomaly_score":1}' "'is_anomaly' is null"
		'{"label":1,"is_anomaly":"yes","anomaly_score":1}' "'is_anomaly'"
		'{"label":2,"is_anomaly":true,"anomaly_score":1}' "'label'"
		'{"label":1,"is_anomaly":true}' "'anomaly_score' is absent"
		'{"label":1,"is_anomaly":true,"anomaly_score":null}' "'anomaly_score' is null"
		'{"label":1,"is_anomaly":true,"anomaly_score":"9"}' "'anomaly_score' is not a number"
		'{"label":1,"is_anomaly":true,"anomaly_score":1e999}' "'anomaly_score' is beyond a double's range"
		'{"label":1' "bad.jsonl:21"
	)
	for ((at = 0; at < ${#bad[@]}; at += 2)); do
		echo "${bad[at]}"
		{ cat scored.jsonl && echo "${bad[at]}"; } >bad.jsonl
		expect_error 65 "${bad[at + 1]}" anomaly-eval bad.jsonl
		[[ $stderr = *bad.jsonl:21:* && $stderr != *skip-unlabelled* ]]
		run --separate-stderr -0 anomaly-eval --rejects rejects.jsonl bad.jsonl
		[[ $output = "records                   20"*"left out                   1  bad records"* ]]
		[[ -n $stderr ]]
	done
	[[ $(wc -l <rejects.jsonl) -eq 9 ]]
}

@test "control records are no records; a reset, or an end without 'end', is 75" {
	control() { printf '{"_kafka":{"control":"%s","seq":%d,"session":"s"}}\n' "$@"; }
	anomaly-eval scored.jsonl >expected
	{ control mark 0 && cat scored.jsonl && control mark 1 end 2; } | anomaly-eval | cmp - expected
	{ cat scored.jsonl && control mark 0; } >cut.jsonl
	run --separate-stderr -75 anomaly-eval cut.jsonl
	[[ -z $output && -n $stderr ]]
	{ control mark 0 && cat scored.jsonl && control reset 1 end 2; } >reset.jsonl
	run --separate-stderr -75 anomaly-eval reset.jsonl
	[[ -z $output && -n $stderr ]]
}

@test "options out of range: 64" {
	expect_error 64 seed anomaly-eval --seed -1 scored.jsonl
	expect_error 64 bootstrap anomaly-eval --bootstrap 1000001 scored.jsonl
	expect_error 64 threads anomaly-eval --threads 0 scored.jsonl
}

@test "the examples of the manual run" {
	jq -c '{label: .label, a: {is_anomaly, anomaly_score}, b: {is_anomaly, anomaly_score: 1}}' scored.jsonl >both.jsonl
	jq -c '.anomaly_score *= -1' scored.jsonl >decision.jsonl
	awk '/^\.Sh/ { on = /EXAMPLES/ } /^\.Ed/ { block = 0 } on && block; /^\.Bd/ { block = 1 }' \
		"$page" | sed 's/\\e/\\/g; s/\\&//g' >examples
	[[ $(grep -c anomaly-eval examples) -ge 4 ]]
	run -0 bash -euo pipefail examples
}

# bats test_tags=native
@test "two million records within 64 MiB of address space" {
	awk 'BEGIN { srand(1); for (i = 0; i < 2000000; i++) print "{\"label\":" (i % 20 == 0) ",\"is_anomaly\":" (i % 19 == 0) ",\"anomaly_score\":" rand() "}" }' >large.jsonl
	run --separate-stderr -0 bash -c 'ulimit -v 65536; exec anomaly-eval --bootstrap 100 --json large.jsonl'
	[[ $(field .records) = 2000000 ]]
	[[ $(field '.roc_auc > 0.49 and .roc_auc < 0.51') = true ]]
}
