# Two commands matter: `make demo` and `make test`. Each sets up .venv by itself; git, make and Python 3.11 are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two cores are enough: 2 processes share the tests. WORKERS=0 runs them one after the other, for a debugger.
WORKERS ?= 2
CODE   := cogworks tasks tests beat_schedule.py
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install --constraint constraints.txt

.PHONY: help demo test check bench chaos clean
.DELETE_ON_ERROR:

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "CogWorks needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $(VENV)/.runtime $@

demo: $(VENV)/.runtime  ## run the main job on this machine, without accounts; ARGS="--keep" and others are passed on
	$(BIN)/cogworks demo $(ARGS)

test: check  ## lint, types, contracts, every test; ARGS are passed to pytest
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev  ## lint, types, contracts, dependencies
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .

bench: $(VENV)/.dev  ## print figures and write bench.json
	$(BIN)/python -m tests.bench $(ARGS)

chaos: $(VENV)/.dev  ## the long fault matrix, going on where it ended; SHARD=1/4 runs a quarter, RESUME=0 forgets
	PYTHONPATH=tests/chaos:tests/journeys:tests:. $(BIN)/python -m chaos_matrix \
	    $(if $(SHARD),--shard $(SHARD)) $(if $(filter 0,$(RESUME)),--anew) $(ARGS)

clean:  ## remove what these commands made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis
