# sensorutils: `make help` lists the targets; `make demo` is the place to begin.
#
#   make V=1                show whole commands
#   make BUILD=/tmp/b       build elsewhere
#   make VARIANT=asan       build/asan, as check-variants does (gcc clang asan tsan fuzz)
#   make NO_INSTALL=1 …     never install a package: say which are missing, and fail

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
SEED ?= 1
KILLS ?= 30
BROKERS ?= 1
RECORDS ?= 200000
VARIANT :=
BUILD := build$(VARIANT:%=/%)
B := $(BUILD)

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
WERROR ?=
VARIANTS ?= gcc clang asan tsan

SANITIZE := -O1 -g -Werror -fno-omit-frame-pointer -fno-sanitize-recover=all
variant.gcc := -O2 -g -Werror
variant.clang := -O2 -g -Werror
variant.asan := $(SANITIZE) -fsanitize=address,undefined
variant.tsan := $(SANITIZE) -fsanitize=thread
variant.fuzz := $(SANITIZE) -fsanitize=fuzzer-no-link,address,undefined
ifneq ($(VARIANT),)
CC := $(if $(filter gcc tsan,$(VARIANT)),gcc,clang)
CFLAGS := $(or $(variant.$(VARIANT)),$(error no variant '$(VARIANT)'))
endif

# What results must not depend on stands here, out of reach of CFLAGS: one rounding an operation.
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. $(LIBPQ) -MMD -MP $(WARNINGS) $(WERROR) $(CPPFLAGS) $(CFLAGS) \
	-ffp-contract=off -fno-math-errno -pthread
LINK = $(CC) $(CFLAGS) $(LDFLAGS) -pthread -Wl,--as-needed -o $@ $(LINKED)
LDLIBS ?= -ljansson -lcsv -lrdkafka -lsqlite3 -lpq -lz -lm
LIBPQ := -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc

LIB := $(B)/lib/libsensorutils.a
# What every program of a variant is linked with, besides.
LINKED := $(if $(filter tsan,$(VARIANT)),$(B)/obj/tests/tsan/threads.o)
LIB_OBJECTS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard lib/*/*.c))
SCRIPTS := $(B)/bin/sensor-pipeline $(B)/bin/score-folder
PROGRAMS := $(patsubst cmd/%.c,$(B)/bin/%,$(wildcard cmd/*.c)) $(SCRIPTS)
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
UNIT_COMMON := $(patsubst %.c,$(B)/obj/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BENCHES := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(patsubst $(B)/tests/fuzz/fuzz_%,$(B)/tests/fuzz/replay_%,$(FUZZERS))
SERVICE_TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/services/*.c))

# Recipes that make other targets do it with all processors, unless -j was given, and one at a time.
SUBMAKE = +mkdir -p $(B) && flock -o $(B)/lock $(MAKE) --no-print-directory \
	$(if $(findstring jobserver,$(MAKEFLAGS)),,-j$$(nproc))
SECOM = flock -o $(B)/secom.lock $(MAKE) --no-print-directory -f data/pipelines/secom.mk \
	BIN=$(B)/bin OUT=$(B)/secom
RUN_TESTS = flock -o $(B)/log.lock tests/run.sh $(B)
V :=
Q := $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-5s %s\n')

.PHONY: help deps all tests fuzzers benches demo live check check-variants check-services ci bench \
	bench-kafka torture torture-tables fuzz lint install uninstall clean
.SECONDARY:

## all: build the programs into build/bin (the default)
all: $(PROGRAMS)

## help: list the targets
help:
	@sed -n 's/^## \([^:]*\): */  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

## deps: install the Debian packages that are missing, for everything below
deps:
	@tests/deps.sh build demo check lint variants services

deps-%:
	@tests/deps.sh build $*

$(B)/bin/%: $(B)/obj/cmd/%.o $(LIB)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) $^ $(LDLIBS)

$(LIB): $(LIB_OBJECTS) | $(LINKED)
	$(SAY) AR $@
	@mkdir -p $(@D); rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(SCRIPTS): $(B)/bin/%: data/deploy/%
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# All is built again when the compiler or its options are others.
FLAGS = $(strip $(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LDLIBS))
ifneq ($(file <$(B)/flags),$(FLAGS))
.PHONY: $(B)/flags
endif
$(B)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@

$(B)/obj/%.o: %.c $(B)/flags Makefile
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(UNIT_COMMON) $(LIB)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) $(WRAP) $^ -lcmocka $(LDLIBS)

$(B)/tests/services/%: $(B)/obj/tests/services/%.o | $(LINKED)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) $^ $(LDLIBS)

$(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(LIB)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) $^ $(LDLIBS)

$(B)/tests/fuzz/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(LIB)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) $^ $(LDLIBS)

$(B)/tests/fuzz/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(LIB)
	$(SAY) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer $^ $(LDLIBS)

# Written by -MMD; a header that is gone asks for no rule (-MP).
-include $(shell test ! -d $(B)/obj || find $(B)/obj -name '*.d')

# All that tests run, built.
tests: $(PROGRAMS) $(UNIT_TESTS) $(if $(filter tsan,$(VARIANT)),,$(REPLAYS)) $(SERVICE_TOOLS)
fuzzers: $(FUZZERS)
benches: $(PROGRAMS) $(BENCHES) $(SERVICE_TOOLS)

## demo: the SECOM job from raw files to a report; installs what it needs first
demo: deps-demo
	@$(SUBMAKE) all
	@$(SECOM)

## live: SECOM through Kafka, at KAFKA_BOOTSTRAP_SERVERS or KAFKA_HOST; a sandbox without
live: deps-demo
	@$(SUBMAKE) all
	@$(SECOM) live

## check: every test that needs no server, in under 5 minutes
check: deps-check
	@$(SUBMAKE) tests
	@$(RUN_TESTS) unit fuzz cli

## check-variants: builds by gcc and clang with -Werror, the tests under clang, ASan with UBSan, TSan
check-variants: deps-variants
	@tests/variants.sh $(VARIANTS)

## check-services: what is compared with other software, or needs a server
check-services: deps-services
	@$(SUBMAKE) tests
	@$(RUN_TESTS) parity services

## ci: deps lint demo check check-variants check-services, with the counts of all
# Its own build is the variant gcc.
ci:
	@WERROR=-Werror VARIANTS='clang asan tsan' \
		tests/ci.sh deps lint demo check check-variants check-services

## bench: speed and memory beside scikit-learn, isotree, treelite; kcat and Kafka's own tools
bench: deps-bench
	@$(SUBMAKE) benches
	@tests/bench/run.sh $(B)

## bench-kafka: the part of it that is about Kafka
bench-kafka: deps-services
	@$(SUBMAKE) benches
	@tests/bench/run.sh $(B) kafka

## fuzz: each fuzz target for FUZZ_SECONDS=60
fuzz: deps-variants
	@$(SUBMAKE) VARIANT=fuzz BUILD=build/fuzz fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh build/fuzz

## torture: KILLS=30 blows to Kafka pipelines, what is lost or doubled; SEED=1 BROKERS=1 RECORDS=200000
torture: deps-services
	@$(SUBMAKE) all $(SERVICE_TOOLS)
	@SENSORUTILS_BUILD="$(abspath $(B))" PATH="$(abspath $(B))/bin:$$PATH" tests/services/torture.py \
		--verbose --seed $(SEED) --kills $(KILLS) --brokers $(BROKERS) --records $(RECORDS)

## torture-tables: the same, through rules and windows into PostgreSQL, whose server is hit, too
torture-tables: deps-services
	@$(SUBMAKE) all $(SERVICE_TOOLS)
	@SENSORUTILS_BUILD="$(abspath $(B))" PATH="$(abspath $(B))/bin:$$PATH" tests/services/torture_tables.py \
		--verbose --seed $(SEED) --kills $(KILLS) --brokers $(BROKERS) --records $(RECORDS)

## lint: format, static checks, shell scripts, manual pages, house rules
lint: deps-lint
	@tests/lint.sh

## install: programs, manual pages and completion under DESTDIR and PREFIX=/usr/local
install: all
	@DESTDIR="$(DESTDIR)" tests/install.sh install $(B)/bin "$(PREFIX)" $(notdir $(PROGRAMS))

## uninstall: remove what install puts there
uninstall:
	@DESTDIR="$(DESTDIR)" tests/install.sh uninstall $(B)/bin "$(PREFIX)" $(notdir $(PROGRAMS))

## clean: remove build/
clean:
	rm -rf $(B)
