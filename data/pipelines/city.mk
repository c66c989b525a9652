# The smart city: readings of eight zones, judged by a forest a zone and by rules, summed up in windows, in a
# database.
#
#     make -f data/pipelines/city.mk          a day of it in seconds, through files and SQLite
#     make -f data/pipelines/city.mk train    learns anew from what the database has
#     make -f data/pipelines/city.mk live     in real time, through Kafka and PostgreSQL
#
# BIN   where the programs are; PATH is searched behind it          build/bin
# OUT   where everything is written                                 build/city
# SEED  of the simulated city                                       1
# DB    the database of train and live: sqlite:PATH or postgresql://…, whose password is that of ~/.pgpass
#       or PGPASSWORD: programs are given DB as an argument, which all users of a machine can read
#                                                                   that of demo; none for live
#
# demo simulates a week to learn from and the day behind it. Each record goes through the steps that live
# takes: into sensor_data, judged, and summed up by minutes and by 5 minutes that begin each minute. In the
# end stand the last minute of each zone, and how well forest, rules and both found what was injected.
#
# live simulates the city in real time into the topic city.readings, and runs the four pipelines of
# data/deploy/city-*.pipeline, each in a group of its own, exactly once, until it is stopped. It takes
# KAFKA_BOOTSTRAP_SERVERS, and DB, where it makes the tables that are not there. It judges by OUT/live.model:
# at first that of demo, and from then on what train puts in its place, which it takes up as it runs.
#
#     make -f data/pipelines/city.mk live KAFKA_BOOTSTRAP_SERVERS=broker:9092 DB=postgresql://host/city
#
# COUNT                 readings to simulate; empty: for ever
# SIM_OPTIONS           for the simulator, as --start 2026-03-09T00:00:00Z --step 10s for time that flies
# PARTITIONS, REPLICAS  of topics that are not there yet            6, 1

BIN ?= build/bin
OUT ?= build/city
SEED ?= 1

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
export PATH := $(abspath $(BIN)):$(PATH)

here := $(dir $(lastword $(MAKEFILE_LIST)))
ifeq ($(wildcard $(here)city.mk),)
$(error make cannot work with a space in the path of city.mk: go to its folder, and name it without)
endif
data := $(here)..
O := $(OUT)/
learned := sensor_id,zone,timestamp,temperature,humidity,air_quality_index,noise_level,traffic_flow
forest := iforest-train --contamination 0.05 --seed 42 --features \
	temperature,humidity,air_quality_index,noise_level,traffic_flow
sums := --agg temperature:mean,min,max --agg humidity:mean,min,max --agg air_quality_index:mean,min,max \
	--agg noise_level:mean,min,max --agg traffic_flow:mean,min,max --agg 'is_anomaly:sum as anomaly_count'

.PHONY: all demo train live
all demo: $(O)windows.txt $(O)eval.txt
	@echo; cat $(O)windows.txt; echo; cat $(O)eval.txt

$(O):
	mkdir -p $(O)

# Another seed is another city.
ifneq ($(shell cat $(O)seed 2>/dev/null),$(SEED))
.PHONY: $(O)seed
endif
$(O)seed: | $(O)
	@echo $(SEED) > $(O)seed

# A week, and the day behind it: a reading of each sensor in 10 s.
$(O)week.jsonl: $(data)/profiles/city.json $(O)seed | $(O)
	sensor-sim $(data)/profiles/city.json --seed $(SEED) --start 2026-03-02T00:00:00Z --step 10s \
		--count 483840 > $(O)week.jsonl
$(O)day.jsonl: $(data)/profiles/city.json $(O)seed | $(O)
	sensor-sim $(data)/profiles/city.json --seed $$(($(SEED) + 1)) --start 2026-03-09T00:00:00Z --step 10s \
		--count 69120 > $(O)day.jsonl

# What is learned is at most 10,000 rows of the last 7 days, as the database has them.
$(O)training.csv: $(O)week.jsonl $(data)/sql/sqlite/city.sql $(data)/sql/sqlite/train.sql
	rm -f $(O)city.db $(O)city.db-*
	db-sink --schema $(data)/sql/sqlite/city.sql sqlite:$(O)city.db sensor_data $(O)week.jsonl
	sqlite3 -csv -header $(O)city.db < $(data)/sql/sqlite/train.sql > $(O)training.csv
$(O)city.model: $(O)training.csv
	$(forest) --by zone -o $(O)city.model $(O)training.csv
$(O)common.model: $(O)training.csv
	$(forest) -o $(O)common.model $(O)training.csv

# Forests alone, rules alone, both; a forest for all zones and one a zone.
by_rules := --rules $(data)/rules/city.json
$(O)forest.jsonl: $(O)day.jsonl $(O)common.model
	anomaly-score -m $(O)common.model $(O)day.jsonl > $(O)forest.jsonl
$(O)forest-by-zone.jsonl: $(O)day.jsonl $(O)city.model
	anomaly-score -m $(O)city.model $(O)day.jsonl > $(O)forest-by-zone.jsonl
$(O)rules.jsonl: $(O)day.jsonl $(data)/rules/city.json
	anomaly-score $(by_rules) $(O)day.jsonl > $(O)rules.jsonl
$(O)both.jsonl: $(O)day.jsonl $(O)common.model $(data)/rules/city.json
	anomaly-score -m $(O)common.model $(by_rules) $(O)day.jsonl > $(O)both.jsonl
$(O)scored.jsonl: $(O)day.jsonl $(O)city.model $(data)/rules/city.json
	anomaly-score -m $(O)city.model $(by_rules) $(O)day.jsonl > $(O)scored.jsonl

judged := forest forest-by-zone rules both scored
$(O)eval.txt: $(judged:%=$(O)%.jsonl)
	$(here)city-eval.sh $(O) > $(O)eval.txt

# Windows are of what was judged, as it would have come from the topic.
$(O)windows.txt: $(O)scored.jsonl $(O)training.csv
	sqlite3 $(O)city.db "DELETE FROM sensor_data WHERE timestamp >= '2026-03-09'"
	db-sink sqlite:$(O)city.db sensor_data $(O)day.jsonl
	window-agg --key zone --window 60s --max-ahead 10m $(sums) $(O)scored.jsonl | \
		db-sink --upsert zone,window_start sqlite:$(O)city.db sensor_metrics_1min
	window-agg --key zone --window 5m --slide 1m --max-ahead 10m $(sums) $(O)scored.jsonl | \
		db-sink --upsert zone,window_start sqlite:$(O)city.db sensor_metrics_5min
	sqlite3 -column -header $(O)city.db < $(data)/sql/sqlite/last-windows.sql | \
		sed 's/ *$$//' > $(O)windows.txt

train: | $(O)
	@$(here)city-train.sh sqlite:$(O)city.db $(data)/sql > $(O)live.csv
	$(forest) --by zone --min-records 256 -o $(O)live.model $(O)live.csv

export COUNT SIM_OPTIONS PARTITIONS REPLICAS DB
live: $(O)city.model
	@$(here)city-live.sh $(O)

# All of it is made again when the program that makes it changes.
$(O)week.jsonl $(O)day.jsonl: $(wildcard $(BIN)/sensor-sim)
$(O)training.csv: $(wildcard $(BIN)/db-sink)
$(O)city.model $(O)common.model: $(wildcard $(BIN)/iforest-train)
$(judged:%=$(O)%.jsonl): $(wildcard $(BIN)/anomaly-score)
$(O)windows.txt: $(wildcard $(BIN)/window-agg)
$(O)eval.txt: $(wildcard $(BIN)/anomaly-eval)
