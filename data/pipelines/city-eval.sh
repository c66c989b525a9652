#!/bin/bash
# city-eval.sh FOLDER/: how well each detector of city.mk found what was injected: a table, by anomaly-eval.
set -euo pipefail

row() {
	anomaly-eval --json "$1" | jq -r --arg name "$2" '
		[$name, .precision, .recall, .f1, .average_precision, .average_precision_interval[]] | @tsv' |
		awk -F '\t' '{ printf "%-26s %9.3f %8.3f %6.3f %9.3f  %.3f to %.3f\n", $1, $2, $3, $4, $5, $6, $7 }'
}

printf '%54s\n' average
printf '%36s %8s %6s %9s  %s\n' precision recall F1 precision '95 % interval'
row "$1forest.jsonl" 'a forest'
row "$1forest-by-zone.jsonl" 'a forest a zone'
row "$1rules.jsonl" 'rules'
row "$1both.jsonl" 'a forest and rules'
row "$1scored.jsonl" 'a forest a zone and rules'
