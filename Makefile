.DEFAULT_GOAL := help
.PHONY: help setup dev start test lint types check matrix bench docs dist clean

PYTHON ?= python3
BIN := .venv/bin
READY_RUN := .venv/.ready-run
READY_DEV := .venv/.ready-dev
# setuptools prints a long warning about editable installs.
INSTALL := PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --editable
PYTEST := $(BIN)/pytest --quiet --numprocesses=auto --dist=worksteal

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 12

setup: $(READY_DEV) ## create .venv and install everything for working on the framework

$(BIN)/python:
	@$(PYTHON) -m venv .venv

$(READY_RUN): setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing the framework into .venv, once."
	@$(INSTALL) .
	@touch $@

$(READY_DEV): setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing the framework and the tools into .venv: about half a minute, once."
	@$(INSTALL) '.[dev]'
	@touch $(READY_RUN) $@

dev: $(READY_RUN) ## run the sample site, reloading on every save
	$(BIN)/framework dev --root sample_site

start: $(READY_RUN) ## build the sample site and run it as in production, under gunicorn
	$(BIN)/framework build --root sample_site
	$(BIN)/framework start --root sample_site

test: $(READY_DEV) ## run the tests, without the slow ones
	$(PYTEST) -m 'not slow'

lint: $(READY_DEV) ## check style, and which module imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: $(READY_DEV) ## check types
	$(BIN)/mypy

check: lint types ## run everything that CI runs: all tests with coverage, and part of the matrix
	$(BIN)/nox --no-error-on-missing-interpreters --sessions tests-3.13 lowest -- \
		-m 'not slow' --ignore=tests/flows --ignore=tests/cli
	$(PYTEST) --cov

matrix: $(READY_DEV) ## run the tests on each Python and on the lowest versions of the libraries
	$(BIN)/nox

bench: $(READY_DEV) ## compare speed with other frameworks; QUICK=--quick for a first look
	$(BIN)/nox --no-error-on-missing-interpreters --sessions bench -- $(QUICK)

docs: $(READY_DEV) ## run every example of README and docs
	$(BIN)/pytest tests/test_docs.py

dist: $(READY_DEV) ## build the wheel and the source archive
	$(BIN)/python -m build --outdir dist

clean: ## remove everything that these commands created
	rm -rf .venv .nox build dist *.egg-info .coverage* .hypothesis .*_cache
