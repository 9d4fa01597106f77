# Everything that this project does from a fresh clone; needs make and Python 3.11 or newer.
#   make demo PYTHON=python3.12     another interpreter
#   make test PYTEST_ARGS=          the suite in one process

PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist=worksteal
VENV := .venv
CORE := .venv-core
JUDGE := .venv-judge
BIN := $(VENV)/bin
PIP_INSTALL := -m pip --disable-pip-version-check install -qq -c constraints.txt

# What a plain `pip install pytest-ladder` must be able to do: all that runs from end to end, and the tests of the parts
# that may ask for an extra. test_needed_packages.py shows that no other part can; the rest runs in the suite.
CORE_TESTS := not real_model and not slow
CORE_PATHS = tests/architecture/test_lazy.py tests/architecture/test_needed_packages.py tests/e2e \
  $(shell grep -lE 'pytest_ladder\.(backends|session|plugin|cli)|tests\.extras' tests/unit/test_*.py) \
  $(shell grep -lE 'tests\.extras|local:|openai_compatible|litellm|deepeval|dspy' tests/plugin/test_*.py)
CORE_TOOLS := pytest-xdist pytest-randomly hypothesis
# deepeval wants an older click and rich than constraints.txt has; the pytest plugins that it brings are left out.
JUDGE_TOOLS := deepeval==4.3.1 pytest==9.2.0 hypothesis pytest-randomly
JUDGE_OFF := -p no:deepeval -p no:asyncio -p no:rerunfailures -p no:repeat
EXTRAS := torch transformers peft aiohttp litellm deepeval sentence_transformers bm25s dspy ray

# Without cached bytecode pytest rewrites every plugin anew in each run.
unexport PYTHONDONTWRITEBYTECODE
# An option meant for another project's runs would change what these checks say.
unexport PYTEST_ADDOPTS
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint suite test-core test-wheel test-judge bench bench-banking77 clean python-version
.DELETE_ON_ERROR:

help: ## say what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

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
	@$(CORE)/bin/python -m pytest -m "$(CORE_TESTS)" $(PYTEST_ARGS) $(CORE_PATHS)

test-wheel: $(VENV)/.stamp-dev ## build the wheel, install it elsewhere, and climb a new ladder with it
	@echo "== wheel"
	@$(BIN)/python scripts/try_wheel.py

test-judge: $(JUDGE)/.stamp ## run deepeval's metrics, in an environment of their own: it wants older packages
	@echo "== judge: deepeval installed"
	@$(JUDGE)/bin/python -m pytest $(JUDGE_OFF) tests/plugin/test_deepeval.py

bench: $(VENV)/.stamp-dev ## measure what the plugin costs
	@$(BIN)/python benchmarks/run.py

bench-banking77: $(VENV)/.stamp-dev ## climb retrieval on BANKING77: make bench-banking77 DATA=FOLDER
	@test -n "$(DATA)" || { echo "Say where train.csv and test.csv lie: make bench-banking77 DATA=FOLDER"; exit 1; }
	@$(BIN)/python benchmarks/banking77.py --data "$(DATA)"

clean: ## remove what was made here
	@rm -rf $(VENV) $(CORE) $(JUDGE) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON): Python 3.11 or newer is needed. Run: make PYTHON=/path/to/python3"; exit 1; }

$(VENV)/bin/python: | python-version
	@$(PYTHON) -m venv $(VENV)

$(CORE)/bin/python: | python-version
	@$(PYTHON) -m venv $(CORE)

$(JUDGE)/bin/python: | python-version
	@$(PYTHON) -m venv $(JUDGE)

$(JUDGE)/.stamp: pyproject.toml Makefile | $(JUDGE)/bin/python
	@echo "== installing the project with its extra 'judge' into $(JUDGE) (the first time takes minutes)"
	@$(JUDGE)/bin/python -m pip --disable-pip-version-check install -qq -e '.[judge]' $(JUDGE_TOOLS)
	@touch $@

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
