# Every step that a person or CI runs. Only Python 3.11+, make and git are needed: each target sets up what it uses.
#   PYTHON=/path/to/python3   which Python makes .venv (the first that fits by default)
#   ARGS="..."                passed on to what the target runs

PYTHON ?=
ARGS ?=
SECONDS ?= 120
MINUTES ?= 3
SEED ?= 1
CONFORMANCE_DUE ?= core tls list reservation smart trigger firmware security
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest -q
# Two at a time; what fails then is run once more, alone: servers, browser and chargers are real processes, and share two cores
# with whatever else the machine does. A test that fails both times has failed.
define tests
	@$(PYTEST) -n 2 $(1) $(ARGS) || { status=$$?; [ $$status -eq 1 ] || exit $$status; \
		echo "== once more, alone: what has failed"; $(PYTEST) -n 0 --last-failed --last-failed-no-failures none $(1) $(ARGS); }
endef

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-only apt lint check-boards fuzz soak conformance docs build dist screenshots bench footprint heap-scale format clean setup

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(STAMP) ## charge a car: wallbox, central system and page (ARGS="--once --json" for programs)
	@$(BIN)/pilotwire demo $(ARGS)

test: lint test-only ## lint, then all tests but the exhaustive ones (ARGS="-k pilot")

test-only: $(STAMP) ## the tests of `make test` without lint
	$(call tests,-m "not exhaustive")

test-all: apt test ## make test, then what takes longer or needs programs from apt
	$(call tests,-m exhaustive)
	$(call tests,--near-wrap tests/lib tests/firmware)

# What the exhaustive tests run beside Python: servers that chargers meet, and a browser.
apt: ## install the programs that test-all uses (Debian, as root; else only says what is missing)
	@tools/apt.sh chromium nginx-light libnginx-mod-http-dav-ext vsftpd

lint: $(STAMP) ## ruff, pyright on host and device code, import arrows, rules for device code
	@$(BIN)/python -m pilotwire.lint

check-boards: $(STAMP) ## board.json of every board: pins used twice, or that cannot do what they are for (ARGS="my/board.json")
	@$(BIN)/python -m pilotwire.boardcheck $(ARGS)

fuzz: $(STAMP) ## mutated messages, frames, certificates, answers against parsers and wallbox (SECONDS=600)
	@FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest -q -s -n 0 tests/host/test_fuzz.py tests/e2e/test_fuzz_box.py $(ARGS)

soak: $(STAMP) ## everything that can happen to a wallbox at random, then every Wh on one bill (MINUTES=30 SEED=7)
	@$(BIN)/python -m pilotwire.soak --minutes $(MINUTES) --seed $(SEED) $(ARGS)

conformance: $(STAMP) ## which requirements of OCPP have a passing test (CONFORMANCE_DUE="core tls smart")
	@$(BIN)/python -m pilotwire.conformance $(CONFORMANCE_DUE)

docs: $(STAMP) ## write the pages that are made from data
	@$(BIN)/python -m pilotwire.settings_page

build: $(STAMP) ## compile the firmware and make the flash image of the virtual board
	@$(BIN)/python -m pilotwire.build

dist: $(STAMP) ## a wheel that runs anywhere: it carries the firmware, compiled
	@$(BIN)/python -m pilotwire.dist $(ARGS)

screenshots: $(STAMP) ## pictures of the bench page for the README, into docs/images (needs chromium)
	@$(BIN)/python -m pilotwire.page.screenshots $(ARGS)

bench: $(STAMP) ## heap with TLS up, WebSocket against its peers, sizes: table and bench.json (ARGS="--only heap")
	@$(BIN)/python -m pilotwire.bench $(ARGS)

footprint: $(STAMP) ## docs/footprint.md from the figures of the last whole `make bench`, which go into docs/bench.json
	@$(BIN)/python -m pilotwire.footprint_page $(wildcard bench.json)

heap-scale: $(STAMP) ## measure the heap of a 64-bit desktop against the chip's (MICROPYTHON32=/path, see tools/micropython32.sh)
	@$(BIN)/python -m pilotwire.heapscale

format: $(STAMP) ## sort imports and fix what ruff can fix
	@$(BIN)/ruff check --fix-only .

clean: ## remove what was built, and .venv
	@rm -rf build dist .venv .pytest_cache .ruff_cache .hypothesis host/pilotwire.egg-info
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMP) ## only .venv, with everything installed

$(STAMP): pyproject.toml tools/venv.sh
	@tools/venv.sh "$(PYTHON)" "$(VENV)"
