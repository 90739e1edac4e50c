# The lines after "##" are what a bare `make` prints.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers

PRODUCT ?=
PERIOD ?=
EXPERIMENT ?=
PARAMS ?= params
OUTPUT ?= output
FORMATS ?= html,pdf
JOBS ?=
USERS ?=
LAB_OPTIONS ?=

RUN_OPTIONS = --params-dir "$(PARAMS)" --output-dir "$(OUTPUT)" --formats "$(FORMATS)" \
	$(foreach key,$(PRODUCT),--product "$(key)") \
	$(if $(PERIOD),--period "$(PERIOD)") $(if $(JOBS),--jobs "$(JOBS)")

.PHONY: help
help:
	@echo "make TARGET [PRODUCT=key] [PERIOD=2026Q3] [PARAMS=folder] [FORMATS=html,pdf] [JOBS=n]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: quarterly-review
quarterly-review: sample-data ## write the quarterly review of every product in params/
	@$(BIN)/kpikit run quarterly_review $(RUN_OPTIONS)

.PHONY: funnel-analysis
funnel-analysis: sample-data ## write the funnel analysis of every product with events
	@$(BIN)/kpikit run funnel_analysis $(RUN_OPTIONS)

.PHONY: ab-test
ab-test: sample-data ## write the report of every A/B test that has begun (EXPERIMENT=key: one)
	@$(BIN)/kpikit run ab_test $(RUN_OPTIONS) $(if $(EXPERIMENT),--experiment "$(EXPERIMENT)")

.PHONY: lab
lab: sample-data ## open JupyterLab on a start page: reports, templates, what is fresh
	@if [ "$$(id -u)" = 0 ] && [[ "$(LAB_OPTIONS)" != *--allow-root* ]]; then \
		echo "JupyterLab does not run as root unasked. Be another user, or call:" >&2; \
		echo "make lab LAB_OPTIONS=--allow-root" >&2; exit 2; \
	fi
	@$(BIN)/jupyter lab --ServerApp.root_dir=. --ServerApp.log_level=WARN \
		--LabApp.default_url=/lab/tree/notebooks/start.ipynb $(LAB_OPTIONS)

.PHONY: test
test: $(READY) ## run the tests, doctests and notebook checks
	@$(BIN)/python -m pytest --numprocesses=auto --doctest-modules kpikit tests

.PHONY: check
check: lint test ## run all that CI runs: format, lint, types, tests

.PHONY: lint
lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python -m mypy

.PHONY: bench
bench: sample-data $(PEERS) ## measure speed and memory, each against its bar
	@$(BIN)/python -m benchmarks

.PHONY: sample-data
sample-data: $(READY) ## make the data of the three sample products (USERS=10000)
	@$(BIN)/python -m kpikit.sample $(if $(USERS),--users $(USERS)) --folder data

.PHONY: clean
clean: ## remove what can be made again: output/, data/, caches; keep .venv and the ledger
	@find output -mindepth 1 ! -name .gitkeep ! -path "output/ledger*" -delete
	@rm -rf data .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

# Set-up runs again only when the lock, the build's own description or JupyterLab's part changes.
$(READY): requirements.lock pyproject.toml $(wildcard kpikit/exploring/labextension/static/*.js)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kpikit needs Python 3.11 or newer; $(PYTHON) is older. Call: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV) from requirements.lock ..."
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV) && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

# What the benchmarks measure against; nothing else needs it.
$(PEERS): requirements-bench.lock $(READY)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@
