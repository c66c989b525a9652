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
# Without either and without a network the job runs on made-up data of SECOM's shape: names begin
# with "made-up-", and every step says so.

BIN ?= build/bin
OUT ?= build/secom

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
export PATH := $(abspath $(BIN)):$(PATH)

# The folder of all files, and for made-up data what their names begin with: "build/secom/".
here := $(dir $(lastword $(MAKEFILE_LIST)))
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

.PHONY: all demo
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

# All of it is made again when the program that makes it changes.
$(O)secom.jsonl: $(wildcard $(BIN)/secom-prep)
$(O)secom.model: $(wildcard $(BIN)/iforest-train)
$(O)scored.jsonl: $(wildcard $(BIN)/anomaly-score)
$(O)eval.txt: $(wildcard $(BIN)/anomaly-eval)
$(O)report.html: $(wildcard $(BIN)/anomaly-report)
