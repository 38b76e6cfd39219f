# What a newcomer types: `make demo` and `make test`. What a developer types before pushing: `make check`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := adapters gateway inbox outbox signing xsd tests bench docs

.PHONY: help demo test check tree format lint types imports docs bench bench-path \
  bench-missions bench-scans bench-special-cases bench-contributions bench-statements bench-tampering lock hostile clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/.runtime ## one month through a gateway on this machine (ARGS=--serve leaves it open)
	$(BIN)/secugate demo $(ARGS)

test: $(VENV)/.dev ## all tests
	sh .ci/tools
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: format lint types imports docs test tree ## everything, then a clean tree

tree:
	@test -z "$$(git status --porcelain)" || { echo 'The tree is not clean:'; git status --short; exit 1; }

format: $(VENV)/.dev ## put the source into its form
	$(BIN)/ruff format $(SOURCES)

lint: $(VENV)/.dev ## faults a machine can see
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/hadolint Dockerfile

types: $(VENV)/.dev ## strict types
	$(BIN)/mypy

imports: $(VENV)/.dev ## which room may know which
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev ## the generated pages
	$(BIN)/python docs/generate.py

bench: $(VENV)/.dev ## figures of this machine; one of them: make bench-path, bench-missions, bench-scans …
	sh .ci/tools
	$(BIN)/python -m bench.path
	$(BIN)/python -m bench.missions
	$(BIN)/python -m bench.scans
	$(BIN)/python -m bench.special_cases
	$(BIN)/python -m bench.contributions
	$(BIN)/python -m bench.statements

bench-path bench-missions bench-scans bench-special-cases bench-contributions bench-statements bench-tampering: $(VENV)/.dev
	sh .ci/tools
	$(BIN)/python -m $(subst -,_,$(subst bench-,bench.,$@)) $(ARGS)

hostile: $(VENV)/.dev ## bad inputs from a seed (ARGS="--inputs 1000000 --live 500 --seed 1")
	$(BIN)/python -m bench.hostile $(ARGS)

lock: ## the lock files anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group build -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## forget the virtual environment
	rm -rf $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
