# Everything that this project does from a fresh clone; needs make and Python 3.11 or newer.
#   make demo PYTHON=python3.12     another interpreter
#   make test PYTEST_ARGS=          the suite in one process

PYTHON ?= python3
PYTEST_ARGS ?= -n 2
VENV := .venv
CORE := .venv-core
BIN := $(VENV)/bin
PIP_INSTALL := -m pip --disable-pip-version-check install -qq -c constraints.txt

# Tests that need no extra: what a plain `pip install pytest-ladder` must be able to do.
CORE_TESTS := not real_model and not slow
CORE_TOOLS := pytest-xdist pytest-randomly hypothesis
EXTRAS := torch transformers peft aiohttp litellm deepeval sentence_transformers ray

# Without cached bytecode pytest rewrites every plugin anew in each run.
unexport PYTHONDONTWRITEBYTECODE
# An option meant for another project's runs would change what these checks say.
unexport PYTEST_ADDOPTS
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint suite test-core test-wheel bench clean python-version
.DELETE_ON_ERROR:

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

demo: $(VENV)/.stamp-local ## see two ladders climbed by a real model, and the gate refuse
	@$(BIN)/python scripts/demo.py

test: lint test-core test-wheel suite ## check everything; the suite's own summary is the last line

lint: $(VENV)/.stamp-dev ## check style, types and the direction of imports
	@echo "== lint"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

suite: $(VENV)/.stamp-dev ## run the whole test suite
	@echo "== suite"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-core: $(CORE)/.stamp ## run the tests that need no extra, where no extra is installed
	@echo "== core alone: no extra installed"
	@$(CORE)/bin/python scripts/absent.py $(EXTRAS)
	@$(CORE)/bin/python -m pytest -m "$(CORE_TESTS)" $(PYTEST_ARGS)

test-wheel: $(VENV)/.stamp-dev ## build the wheel, install it elsewhere, and climb a new ladder with it
	@echo "== wheel"
	@$(BIN)/python scripts/try_wheel.py

bench: $(VENV)/.stamp-dev ## measure what the plugin costs
	@$(BIN)/python benchmarks/run.py

clean: ## remove what was made here
	@rm -rf $(VENV) $(CORE) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON): Python 3.11 or newer is needed. Run: make PYTHON=/path/to/python3"; exit 1; }

$(VENV)/bin/python: | python-version
	@$(PYTHON) -m venv $(VENV)

$(CORE)/bin/python: | python-version
	@$(PYTHON) -m venv $(CORE)

$(VENV)/.stamp-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing the project and its tools into $(VENV) (the first time takes minutes)"
	@$(BIN)/python $(PIP_INSTALL) -e '.[dev]'
	@touch $(VENV)/.stamp-local $@

$(VENV)/.stamp-local: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing the project with its extra 'local' into $(VENV) (the first time takes minutes)"
	@$(BIN)/python $(PIP_INSTALL) -e '.[local]'
	@touch $@

$(CORE)/.stamp: pyproject.toml constraints.txt | $(CORE)/bin/python
	@echo "== installing the project alone into $(CORE)"
	@$(CORE)/bin/python $(PIP_INSTALL) -e . $(CORE_TOOLS)
	@touch $@
