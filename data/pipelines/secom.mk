# The SECOM job: readings of a semiconductor line, from UCI's raw files to scored records, honest
# metrics and a report.
#
#     make -f data/pipelines/secom.mk                     with the programs of build/bin
#     make -f data/pipelines/secom.mk SECOM_DIR=~/secom   with UCI's files in that folder
#
# BIN        where the programs are; PATH is searched behind it   build/bin
# OUT        where everything is written                          build/secom
# SECOM_DIR  a folder that holds secom.data(.gz) and secom_labels.data
# SECOM_URL  where to fetch them otherwise                        UCI
#
# Target live replays the records through Kafka and scores them as they come, each exactly once. It ends
# by itself; data/deploy has what runs for ever. The broker is that of KAFKA_BOOTSTRAP_SERVERS or
# KAFKA_HOST. Without them it is a sandbox, where nothing is exactly once: live says so.
#
#     make -f data/pipelines/secom.mk live KAFKA_HOST=broker
#
# COUNT          records to replay and to score                         5000
# RATE           how many a second; empty: as fast as it goes           200
# TOPIC, SCORED  topics of records and of scored records                sensor-data, scored
# GROUP, ID      consumer group and transactional id of the scorer      scorers, scorer-1
# PARTITIONS, REPLICAS  of topics that are not there yet                6, 1
# KAFKA_OPTIONS  for all Kafka programs, as -F kafka.properties
#
# A second run goes on where the first one ended, and is judged together with it.
#
# Without SECOM_DIR, SECOM_URL and a network the job runs on made-up data of SECOM's shape: names begin
# with "made-up-", and every step says so.

BIN ?= build/bin
OUT ?= build/secom
COUNT ?= 5000
RATE ?= 200

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
export PATH := $(abspath $(BIN)):$(PATH)

# The folder of all files, and for made-up data what their names begin with: "build/secom/".
here := $(dir $(lastword $(MAKEFILE_LIST)))
ifeq ($(wildcard $(here)secom.mk),)
$(error make cannot work with a space in the path of secom.mk: go to its folder, and name it without)
endif
O := $(shell SECOM_DIR='$(SECOM_DIR)' SECOM_URL='$(SECOM_URL)' $(here)secom-fetch.sh '$(OUT)')
ifeq ($(O),)
$(error there is no SECOM to work on)
endif
ifneq ($(notdir $(O)),)
made_up := MADE-UP data of the shape of SECOM, not SECOM
note = @echo "secom.mk: $(made_up): $@" >&2
title := $() --title "$(made_up)"
header := $() | sed '1i $(made_up)\n'
endif

.PHONY: all demo live
all demo: $(O)eval.txt $(O)report.html
	$(note)
	@echo "The report is in $(O)report.html"

# Records of UCI's two files: raw, with null for what is missing.
$(O)secom.jsonl: $(O)secom.data $(O)secom_labels.data
	$(note)
	secom-prep $(O)secom.data $(O)secom_labels.data > $(O)secom.jsonl

# What is normal, learned without looking at the labels. Medians fill what is missing.
$(O)secom.model: $(O)secom.jsonl
	$(note)
	iforest-train --trees 100 --contamination 0.1 --seed 42 -o $(O)secom.model $(O)secom.jsonl

# The same records, each with its score and verdict.
$(O)scored.jsonl: $(O)secom.model $(O)secom.jsonl
	$(note)
	anomaly-score -m $(O)secom.model $(O)secom.jsonl > $(O)scored.jsonl

# How well verdicts and labels agree: on SECOM hardly better than by chance.
$(O)eval.txt: $(O)scored.jsonl
	$(note)
	anomaly-eval $(O)scored.jsonl$(header) | tee $(O)eval.txt

$(O)report.html: $(O)scored.jsonl
	$(note)
	anomaly-report -o $(O)report.html $(O)scored.jsonl$(title)

export COUNT RATE TOPIC SCORED GROUP ID PARTITIONS REPLICAS KAFKA_OPTIONS

live: $(O)secom.jsonl $(O)secom.model
	$(note)
	@$(here)secom-live.sh $(O)secom.jsonl $(O)secom.model $(O)live.jsonl$(header)

# All of it is made again when the program that makes it changes.
$(O)secom.jsonl: $(wildcard $(BIN)/secom-prep)
$(O)secom.model: $(wildcard $(BIN)/iforest-train)
$(O)scored.jsonl: $(wildcard $(BIN)/anomaly-score)
$(O)eval.txt: $(wildcard $(BIN)/anomaly-eval)
$(O)report.html: $(wildcard $(BIN)/anomaly-report)
