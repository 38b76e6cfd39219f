# What a newcomer types: `make demo` and `make test`. What a developer types before pushing: `make check`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A server that lasts as long as the command, unless SECUGATE_DATABASE names one.
ON := $(if $(filter postgres,$(DATABASE)),$(if $(SECUGATE_DATABASE),,$(BIN)/python -m tests.postgres))
ON_POSTGRES := tests/registers tests/ledger/test_sql_ledger.py tests/ledger/test_ledger_statistics.py \
  tests/durability/test_change_log.py tests/flow/test_path.py tests/flow/test_billing_run.py \
  tests/portal/test_portal_invoices.py
SOURCES := adapters gateway inbox outbox signing xsd tests bench docs

.PHONY: help demo test test-postgres check tree format lint types imports docs site screenshots bench bench-path \
  bench-missions bench-scans bench-special-cases bench-contributions bench-simulation bench-statements bench-strangers bench-tampering bench-pages bench-client bench-month bench-restart faults baseline lock hostile clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/$(if $(ON),.dev,.runtime) ## (DATABASE=postgres) one month through a gateway on this machine, which stays open at a terminal
	$(ON) $(BIN)/secugate demo $(ARGS)

test: $(VENV)/.dev ## all tests
	sh .ci/tools
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-postgres: $(VENV)/.dev ## some of the tests on a real PostgreSQL server (TEST_PG_URL, or one from a package)
	$(BIN)/python -m pytest -n 2 --database postgres $(ON_POSTGRES) $(ARGS)

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
	$(BIN)/python -m docs.records

site: docs ## the documentation as a site (build/site), without network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q --strict

bench: $(VENV)/.dev ## the table of our aims from small parts, side by side; one of them: make bench-path, bench-month …
	sh .ci/tools
	$(BIN)/python -m bench.table

bench-month bench-path bench-missions bench-scans bench-special-cases bench-contributions bench-simulation bench-statements bench-strangers bench-tampering bench-pages bench-client bench-restart bench-nodes bench-growth bench-transfer bench-as2 bench-fairness: $(VENV)/.dev
	sh .ci/tools
	$(BIN)/python -m $(subst -,_,$(subst bench-,bench.,$@)) $(ARGS)

screenshots: $(VENV)/.dev ## pictures of the portal's pages (docs/pictures)
	sh .ci/tools
	$(BIN)/python docs/screenshots.py

hostile: $(VENV)/.dev ## bad inputs from a seed (ARGS="--inputs 1000000 --live 500 --seed 1")
	$(BIN)/python -m bench.hostile $(ARGS)

SEED ?= 1
HOURS ?= 0.5
WORKERS ?= 2

faults: $(VENV)/.dev ## kills, power cuts and failing disks by the thousand (SEED=1 HOURS=0.5 WORKERS=2), as root
	sh .ci/tools
	$(BIN)/python -m bench.reliability --seed $(SEED) --hours $(HOURS) --workers $(WORKERS)

baseline: $(VENV)/.dev ## the first step of the database anew from its models, until the first release
	$(BIN)/python -W ignore -m adapters.database.migrations.baseline
	$(BIN)/ruff format -q adapters/database/migrations/versions

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
