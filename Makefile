# Every target builds what it needs; `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PYTHONDONTWRITEBYTECODE := 1
# Tests wait for servers and hosts for much of their time: two workers more than processors.
WORKERS ?= $(shell expr $$(nproc) + 2)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench shape lock clean servers

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(VENV)/.runtime ## build .venv with opskit and its pinned, hash-checked dependencies

demo: $(VENV)/.runtime ## run the whole loop on this machine: drift, convergence, an outage, the report
	@$(BIN)/opskit demo

test: $(VENV)/.dev servers ## run all tests, on real servers (sshd, Chromium, PostgreSQL, promtool)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## lint, format, types, floors, Ansible content
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	ANSIBLE_HOME=$(CURDIR)/$(VENV)/ansible PATH="$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/ansible-lint --offline --profile production playbooks

bench: $(VENV)/.dev ## measure speed as ratios against a peer in the same run
	$(BIN)/python -m tests.bench

shape: $(VENV)/.dev ## print function length, module length and branch complexity
	@$(BIN)/python .ci/shape.py opskit

lock: ## renew the lock files (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements.lock
	uv pip compile pyproject.toml --group dev --extra mitogen --extra postgres --extra pdf --extra apprise --universal --python-version 3.11 --generate-hashes \
		--no-header --quiet -c requirements.lock -o requirements-dev.lock

clean: ## remove what make built
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

servers: # install the real servers that tests talk to, where this is allowed
	@sh .ci/servers

$(BIN)/python:
	@sh .ci/venv "$(PYTHON)" "$(VENV)"

$(VENV)/.runtime: $(BIN)/python requirements.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --require-hashes --no-deps -r .ci/build.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
