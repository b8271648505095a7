# Two commands are enough: `make demo` and `make test`. `make help` names the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# ONCE=1 plays the demo once and leaves.
ONCE ?=
# The tests run on as many processes as there are cores, each with databases of its own.
JOBS ?= auto
# Which benchmark of bench/ is run, and its options.
NAME ?= path
ARGS ?=

.PHONY: help demo test chaos weeks mutations lint format types layers wheel lock clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.installed: requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Syndicate needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": name another with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.installed ## a whole working site in var/demo (ONCE=1: play it once, check the accounts, leave)
	$(BIN)/syndicate demo $(if $(ONCE),--once)

test: $(VENV)/.installed lint types layers ## lint, types, layers and the test suite
	$(BIN)/python -m pytest -n $(JOBS) tests

chaos: $(VENV)/.installed ## senders die hundreds of times, and everybody is accounted for (SHORT=1: minutes; SEED=n: other choices)
	$(BIN)/python tests/acceptance/chaos.py $(if $(SHORT),--short) $(if $(SEED),--seed $(SEED))

weeks: $(VENV)/.installed ## play weeks of a newsroom at random: each clipping is mailed once, or there is a reason (WEEKS=10000, SEED=n)
	$(BIN)/python tests/weeks_play.py $(if $(WEEKS),--weeks $(WEEKS)) $(if $(SEED),--seed $(SEED))

mutations: $(VENV)/.installed ## break one promise of the program at a time, and see its tests fail
	$(BIN)/python tests/mutations.py

lint: $(VENV)/.installed ## ruff, without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed ## mypy, strict
	$(BIN)/mypy

layers: $(VENV)/.installed ## who may import whom
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed ## measure (NAME=path, compose or million, ARGS="--recipients 20000"): see bench/README.md
	$(BIN)/python bench/$(NAME).py $(ARGS)

wheel: $(VENV)/.installed ## build the wheel, install it in another place and use it there
	$(BIN)/python tests/wheel_check.py

lock: ## write the hash-locked requirements anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove what was built, the demo included
	rm -rf $(VENV) var dist build .mypy_cache .ruff_cache .hypothesis
	find feeds subscribers syndicate tests -name __pycache__ -type d -prune -exec rm -rf {} +
