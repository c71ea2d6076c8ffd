# Every target creates .venv when it is missing. PYTHON may name another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help install compare reliability mutants matrix test check lint tensorboard clean

help:
	@echo "make compare      run the comparison: every case, every engine, a report in logs/compare/"
	@echo "make reliability  10,000 inputs on every surface, and every attack; hours; writes docs/reliability.md"
	@echo "make mutants      plant 300 errors in the library, one at a time, and count those that a test sees; an hour"
	@echo "make matrix       run some tests with other versions of Python and the frameworks; an hour; downloads 3 GB"
	@echo "make test         run the tests"
	@echo "make check        lint, and the tests of what changed and the fast ones, in about a minute"
	@echo "make lint         ruff and mypy"
	@echo "make tensorboard  serve logs/ at http://localhost:6006"
	@echo "make install      create .venv and install (the others do it when needed)"
	@echo "make clean        remove .venv, caches and everything in logs/"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "make: PYTHON must be 3.11, 3.12 or 3.13; got $$($(PYTHON) --version 2>&1). Try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv --clear .venv \
	  || { echo "make: creating .venv failed. On Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[compare,test,dev]'
	@touch $@

compare: $(INSTALLED)
	$(BIN)/python -m compare

reliability: $(INSTALLED)
	$(BIN)/python -m compare reliability --write

mutants: $(INSTALLED)
	$(BIN)/python -m compare mutants --sample 300

matrix: $(INSTALLED)
	$(BIN)/python -m compare matrix --write

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: lint
	$(BIN)/python -m pytest --changed --numprocesses 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

tensorboard: $(INSTALLED)
	$(BIN)/tensorboard --logdir logs --host localhost

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find logs -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
