.DEFAULT_GOAL := help
.PHONY: help setup dev start test lint types check bench docs dist clean

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## list what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 12

setup: $(READY) ## make the virtual environment and install everything

$(READY): setup.cfg pyproject.toml
	@echo "Installing into .venv: about half a minute, once."
	@$(PYTHON) -m venv .venv
	@# setuptools warns at length of what an editable install is
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

dev: $(READY) ## run the sample site, reloading on every save
	$(BIN)/framework dev --root sample_site

start: $(READY) ## build the sample site and run it as in production, under gunicorn
	$(BIN)/framework build --root sample_site
	$(BIN)/framework start --root sample_site

test: $(READY) ## run the tests, with their coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(READY) ## check style and the floors of modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: $(READY) ## check types
	$(BIN)/mypy

check: lint types test ## everything that CI runs

bench: $(READY) ## measure requests and builds beside other frameworks
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks.in_process
	$(BIN)/python -m benchmarks.objects
	$(BIN)/python -m benchmarks.served
	$(BIN)/python -m benchmarks.build

docs: $(READY) ## run every example of README and docs
	$(BIN)/pytest tests/test_docs.py

dist: $(READY) ## build the wheel and the source archive
	$(BIN)/python -m build --outdir dist

clean: ## remove what was made
	rm -rf .venv build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
